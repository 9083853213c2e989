"""From a file's bytes to counted records, whatever its format and dialect. No column is interpreted here."""
