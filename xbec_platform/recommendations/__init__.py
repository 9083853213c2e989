"""Recommendation models on bounded frames: Polars and numpy in, Polars out; no files, no clock, no Dagster."""
