"""The open data platform for cross-border e-commerce. Import the modules you need; nothing is wired here."""
