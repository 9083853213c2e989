"""Indicators of how a lane delivers, for the service index. No weighting here."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl


def lane_indicators(
    parcels: pl.DataFrame,
    stages: pl.DataFrame,
    ratings: pl.DataFrame,
    *,
    as_of: datetime,
    window_days: int = 180,
) -> pl.DataFrame:
    """Measure the lanes of parcels that left in the last days.

    Args:
        parcels: parcel_id, order_id, lane, mode, start_ts, promised_ts, delivered_ts, closed_ts.
        stages: parcel_id, stage, stage_ts.
        ratings: order_id, rating; a rating speaks for all parcels of its order.
        as_of: The moment.
        window_days: Parcels that left earlier are left out.

    Returns:
        lane, n_parcels, on_time_rate and late_days (mean over promises that fell due, 0 for kept ones),
        days_over_usual (mean days under way minus the median of the mode), failed_rate (a failed attempt), lost_rate
        (came back or lost), rating (mean); sorted by lane.
    """
    recent = parcels.filter(
        pl.col("start_ts") < as_of, pl.col("start_ts") >= as_of - timedelta(days=window_days)
    ).with_columns(
        pl.when(pl.col(name) < as_of).then(name).alias(name) for name in ("delivered_ts", "closed_ts")
    )
    failed = (
        stages.filter(pl.col("stage") == "failed", pl.col("stage_ts") < as_of).select("parcel_id").unique()
    )
    is_due = pl.col("promised_ts") < as_of
    lateness = (
        pl.coalesce("delivered_ts", pl.lit(as_of)) - pl.col("promised_ts")
    ).dt.total_seconds() / 86_400
    taken = (pl.col("delivered_ts") - pl.col("start_ts")).dt.total_seconds() / 86_400
    return (
        recent.join(failed.with_columns(has_failed=pl.lit(True)), on="parcel_id", how="left")
        .join(ratings.group_by("order_id").agg(pl.col("rating").mean()), on="order_id", how="left")
        .sort("lane", "parcel_id")
        .with_columns(late=lateness.clip(0), over=taken - taken.median().over("mode"))
        .group_by("lane", maintain_order=True)
        .agg(
            n_parcels=pl.len().cast(pl.Int64),
            on_time_rate=(pl.col("late") == 0).filter(is_due).mean(),
            late_days=pl.col("late").filter(is_due).mean(),
            days_over_usual=pl.col("over").mean(),
            failed_rate=pl.col("has_failed").fill_null(False).mean(),
            lost_rate=pl.col("closed_ts").is_not_null().mean(),
            rating=pl.col("rating").mean(),
        )
    )
