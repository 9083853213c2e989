"""Customer models as pure functions: Polars and numpy in, Polars out; no files, no clock, no Dagster."""
