"""Lead times and punctuality as tables, one row by lane. The estimates are made in `lead_times`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from xbec_platform.logistics.assignment_schema import conform
from xbec_platform.logistics.lead_times import EVERYTHING, LeadTimes

LEAD_TIME_SCHEMA = pl.Schema(
    {
        "measure": pl.String(),
        "lane": pl.String(),
        "level": pl.String(),
        "mode": pl.String(),
        "n_parcels": pl.Int64(),
        "n_delivered": pl.Int64(),
        "n_open": pl.Int64(),
        "own_weight": pl.Float64(),
        "p50_days": pl.Float64(),
        "p90_days": pl.Float64(),
        "promise_days": pl.Int64(),
        "shift_days": pl.Float64(),
        "n_calibration": pl.Int64(),
        "coverage_before": pl.Float64(),
        "coverage_after": pl.Float64(),
    }
)
"""Grain: measure x lane. level: lane, mode or all.
own_weight: what the lane's own parcels count for against its mode."""

ONTIME_SCHEMA = pl.Schema(
    {
        "lane": pl.String(),
        "level": pl.String(),
        "mode": pl.String(),
        "n_due": pl.Int64(),
        "n_on_time": pl.Int64(),
        "n_late": pl.Int64(),
        "n_open_past_promise": pl.Int64(),
        "on_time_rate": pl.Float64(),
        "on_time_low": pl.Float64(),
        "on_time_high": pl.Float64(),
        "mean_late_days": pl.Float64(),
    }
)
"""Grain: lane. Parcels whose promise fell due in the window; an open one is late, not missing."""

_Z95 = 1.959963984540054


def faulty_parcels(parcels: pl.DataFrame) -> pl.DataFrame:
    """Parcels whose times cannot be true, with a reason: no lead time is made from them.

    Args:
        parcels: parcel_id, start_ts, delivered_ts.

    Returns:
        parcel_id, reason, sorted by parcel_id.
    """
    return (
        parcels.select(
            "parcel_id",
            reason=pl.when(pl.col("start_ts").is_null())
            .then(pl.lit("no start"))
            .when(pl.col("delivered_ts") < pl.col("start_ts"))
            .then(pl.lit("delivered before it started: a clock is wrong")),
        )
        .drop_nulls("reason")
        .sort("parcel_id")
    )


def lead_time_table(
    parcels: pl.DataFrame, times: LeadTimes, *, measure: str, as_of: datetime
) -> pl.DataFrame:
    """Lead times of every lane, mode and of everything.

    Args:
        parcels: As given to `lead_times`.
        times: Its result.
        measure: What was measured, as `ship_to_door`.
        as_of: The same moment.

    Returns:
        Columns of `LEAD_TIME_SCHEMA`, sorted by lane. promise_days is p90_days rounded up.
    """
    counts = _by_level(
        parcels.filter(pl.col("start_ts") < as_of),
        [
            pl.len().cast(pl.Int64).alias("n_parcels"),
            (pl.col("delivered_ts") < as_of).fill_null(False).sum().cast(pl.Int64).alias("n_delivered"),
            pl.min_horizontal("delivered_ts", "closed_ts")
            .ge(as_of)
            .fill_null(True)
            .sum()
            .cast(pl.Int64)
            .alias("n_open"),
        ],
    )
    upper = times.upper_days()
    rows = pl.DataFrame(
        {
            "lane": times.lanes,
            "own_weight": times.curves.weight,
            "p50_days": np.fmin(times.curves.quantiles(0.5), upper),
            "p90_days": upper,
        },
        schema_overrides={"lane": pl.String},
    ).with_columns(pl.col("own_weight", "p50_days", "p90_days").fill_nan(None).round(6))
    return (
        counts.join(rows, on="lane", how="left")
        .with_columns(
            measure=pl.lit(measure),
            promise_days=pl.col("p90_days").ceil().cast(pl.Int64),
            shift_days=pl.lit(round(times.shift_days, 6)),
            n_calibration=pl.lit(times.n_calibration, pl.Int64),
            coverage_before=pl.lit(times.coverage_before).fill_nan(None),
            coverage_after=pl.lit(times.coverage_after).fill_nan(None),
        )
        .pipe(conform, LEAD_TIME_SCHEMA)
        .sort("lane")
    )


def ontime_table(parcels: pl.DataFrame, *, as_of: datetime, window_days: int = 90) -> pl.DataFrame:
    """Share of promises kept by lane, of those that fell due in the last days.

    Counting deliveries instead would forget what has not arrived; counting shipments would judge promises too early.

    Args:
        parcels: lane, mode, delivered_ts, promised_ts (null: no promise).
        as_of: The moment; deliveries from it on are not known.
        window_days: Promises that fell due earlier say nothing about today.

    Returns:
        Columns of `ONTIME_SCHEMA`, sorted by lane; the interval is Wilson's (1927) of 95 %.
    """
    due = parcels.filter(
        pl.col("promised_ts") < as_of, pl.col("promised_ts") >= as_of - timedelta(days=window_days)
    ).with_columns(delivered_ts=pl.when(pl.col("delivered_ts") < as_of).then("delivered_ts"))
    late = pl.coalesce("delivered_ts", pl.lit(as_of)) - pl.col("promised_ts")
    is_on_time = (pl.col("delivered_ts") <= pl.col("promised_ts")).fill_null(False)
    rows = _by_level(
        due,
        [
            pl.len().cast(pl.Int64).alias("n_due"),
            is_on_time.sum().cast(pl.Int64).alias("n_on_time"),
            (~is_on_time).sum().cast(pl.Int64).alias("n_late"),
            pl.col("delivered_ts").is_null().sum().cast(pl.Int64).alias("n_open_past_promise"),
            (late.dt.total_seconds() / 86_400).filter(~is_on_time).mean().alias("mean_late_days"),
        ],
    )
    n, share = pl.col("n_due"), pl.col("n_on_time") / pl.col("n_due")
    centre = (share + _Z95**2 / (2 * n)) / (1 + _Z95**2 / n)
    half = _Z95 / (1 + _Z95**2 / n) * (share * (1 - share) / n + _Z95**2 / (4 * n * n)).sqrt()
    return (
        rows.with_columns(
            on_time_rate=share,
            on_time_low=(centre - half).clip(0, 1),
            on_time_high=(centre + half).clip(0, 1),
        )
        .with_columns(pl.col("mean_late_days").round(6))
        .pipe(conform, ONTIME_SCHEMA)
        .sort("lane")
    )


def _by_level(parcels: pl.DataFrame, measures: Sequence[pl.Expr]) -> pl.DataFrame:
    """Measures by lane, by mode (`*:mode`) and of everything (`*`)."""
    everything = pl.lit(EVERYTHING)
    levels = {
        "lane": parcels,
        "mode": parcels.with_columns(lane=pl.format("*:{}", "mode")),
        "all": parcels.with_columns(lane=everything, mode=everything),
    }
    return pl.concat(
        frame.sort("lane", "parcel_id")
        .group_by("lane", "mode", maintain_order=True)
        .agg(*measures)
        .with_columns(level=pl.lit(level))
        for level, frame in levels.items()
    )
