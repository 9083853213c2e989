"""From landed files to accounted rows: contracts, mappings, readers, screening, manifest. No models here."""
