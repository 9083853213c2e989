"""The catalogue: what every column of the warehouse is (domain, PII class, unit, grain). No database, no Dagster."""
