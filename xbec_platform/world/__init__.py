"""The generated world: all sources of a cross-border shop with known truth and planted faults; no real shop."""
