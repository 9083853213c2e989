"""Which countries are one customs territory: goods move within it without a second import. No duties here."""

from __future__ import annotations

import polars as pl

EU = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
    *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
)
"""Members of the customs union, 2026."""


def territory(column: str) -> pl.Expr:
    """The customs territory of a country: EU, or the country itself."""
    return pl.when(pl.col(column).is_in(EU)).then(pl.lit("EU")).otherwise(pl.col(column))
