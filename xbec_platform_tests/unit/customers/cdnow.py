"""The CDNOW sample of Fader and Hardie as a user database: 2,357 customers, 39 weeks known, 39 weeks to come."""

from datetime import date
from pathlib import Path

import polars as pl

CALIBRATION = date(1997, 9, 30)


def read_days(shared_data: Path) -> pl.DataFrame:
    """One row per customer and day with a purchase, with its value (two purchases of a day are one)."""
    lines = [line.split() for line in (shared_data / "cdnow" / "CDNOW_sample.txt").read_text().splitlines()]
    rows = pl.DataFrame(
        [(number, day, amount) for _, number, day, _, amount in (line for line in lines if line)],
        schema={"customer_id": pl.String, "day": pl.String, "amount": pl.String},
        orient="row",
    )
    return (
        rows.select(
            "customer_id", pl.col("day").str.to_date("%Y%m%d"), pl.col("amount").cast(pl.Decimal(18, 4))
        )
        .group_by("customer_id", "day")
        .agg(value=pl.col("amount").sum())
        .sort("customer_id", "day")
    )


def user_database(days: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """What the user database says of these customers as of a day."""
    known = days.filter(pl.col("day") <= as_of)
    first, last = pl.col("day").min(), pl.col("day").max()
    return (
        known.group_by("customer_id")
        .agg(
            n_order_days=pl.len().cast(pl.Int64),
            recency_days=(pl.lit(as_of) - last).dt.total_days(),
            tenure_days=(pl.lit(as_of) - first).dt.total_days(),
            gross_base=pl.col("value").sum(),
            repeat_gross_base=pl.col("value").sum() - pl.col("value").sort_by("day").first(),
        )
        .with_columns(
            returns_base=pl.lit(0).cast(pl.Decimal(18, 4)),
            costed_base=pl.lit(0).cast(pl.Decimal(18, 4)),
            margin_base=pl.lit(0).cast(pl.Decimal(18, 4)),
            segment=pl.lit(None, dtype=pl.String),
        )
        .sort("customer_id")
    )
