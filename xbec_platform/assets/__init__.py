"""Thin Dagster wrappers, one module per area: read, one call, write, metadata. No business rule lives here."""
