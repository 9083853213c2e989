"""The only code that opens a database: connections, the fair wait, window writes, fingerprints."""
