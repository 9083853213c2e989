"""Parcels that are going to be late, before they are: silent for too long, or too slow for their promise.

Belongs here: the judgement as of a moment. Not here: lead times, alerts, what a customer is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from xbec_platform.logistics.assignment_schema import conform
from xbec_platform.logistics.shrinkage import ShrunkCurves, shrunk_curves
from xbec_platform.logistics.survival import Floats

DELAYED_SCHEMA = pl.Schema(
    {
        "parcel_id": pl.String(),
        "order_id": pl.String(),
        "lane": pl.String(),
        "mode": pl.String(),
        "carrier": pl.String(),
        "stage": pl.String(),
        "stage_ts": pl.Datetime("us"),
        "shipped_ts": pl.Datetime("us"),
        "promised_ts": pl.Datetime("us"),
        "predicted_p90_ts": pl.Datetime("us"),
        "late_probability": pl.Float64(),
        "silent_hours": pl.Float64(),
        "silent_p95_hours": pl.Float64(),
        "is_silent": pl.Boolean(),
        "is_predicted_late": pl.Boolean(),
        "is_late": pl.Boolean(),
        "reason": pl.String(),
    }
)
"""Grain: parcel. Key: parcel_id. reason: silent, predicted_late, or silent_and_predicted_late.
is_late: the promise is already broken; false in an early warning."""

STAGE_DWELL_SCHEMA = pl.Schema(
    {
        "stage": pl.String(),
        "mode": pl.String(),
        "n_left": pl.Int64(),
        "n_waiting": pl.Int64(),
        "p50_hours": pl.Float64(),
        "p95_hours": pl.Float64(),
    }
)
"""Grain: stage x mode. Key: stage, mode. Hours from reaching a stage to the next scan, those still waiting included."""

HANDED_OVER = "handed_over"
"""The shipment itself, as a stage: a parcel that no carrier has scanned since waits here."""


@dataclass(frozen=True, kw_only=True)
class DelayParams:
    """Settings.

    Attributes:
        silent_level: A parcel is silent when it waits longer than this share of its like does.
        mode_prior: Scans at which a stage's own wait by mode counts half against the stage's in all modes.
        stage_prior: The same of a stage against all stages; little, as stages have little in common.
        resolution_hours: Waits are rounded to this.
        arrival_level: Level of the predicted arrival that is held against the promise.
        arrival_resolution_hours: Times to the door are rounded to this.
    """

    silent_level: float = 0.95
    mode_prior: float = 20.0
    stage_prior: float = 5.0
    resolution_hours: float = 0.5
    arrival_level: float = 0.9
    arrival_resolution_hours: float = 2.0

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if not 0 < self.silent_level < 1:
            raise ValueError("silent_level must be between 0 and 1")
        if not self.resolution_hours > 0:
            raise ValueError("resolution_hours must be above 0")


@dataclass(frozen=True, kw_only=True)
class Delays:
    """Delayed parcels (`DELAYED_SCHEMA`) and the waits they were judged by (`STAGE_DWELL_SCHEMA`)."""

    delayed: pl.DataFrame
    dwell: pl.DataFrame


def find_delays(
    parcels: pl.DataFrame,
    stages: pl.DataFrame,
    *,
    as_of: datetime,
    params: DelayParams | None = None,
) -> Delays:
    """Judge every parcel that is under way.

    Args:
        parcels: parcel_id, order_id, lane, mode, start_ts, promised_ts (null: no promise), delivered_ts, closed_ts.
        stages: parcel_id, stage, stage_no, stage_ts, carrier, is_terminal; accepted stages before `as_of`. Parcels
            that are not in `parcels` are left out: they have not been handed over.
        as_of: The moment.
        params: Settings.

    Returns:
        Both tables, sorted by their keys.
    """
    params = params or DelayParams()
    waits = _waits(parcels, stages, as_of, params)
    dwell, limits = _limits(waits, params)
    waiting = waits.filter(~pl.col("is_left")).join(limits, on=["stage", "mode"], how="left")
    open_parcels = parcels.filter(
        pl.col("start_ts") < as_of,
        pl.min_horizontal("delivered_ts", "closed_ts").ge(as_of).fill_null(True),
    ).sort("parcel_id")
    expected = _arrivals(open_parcels, _ways(parcels, stages, as_of), as_of, params)
    judged = (
        open_parcels.join(expected, on="parcel_id", how="left")
        .join(
            waiting.select(
                "parcel_id", "stage", "stage_ts", "carrier", silent_hours="hours", silent_p95_hours="p95"
            ),
            on="parcel_id",
            how="left",
        )
        .with_columns(
            shipped_ts=pl.col("start_ts"),
            is_silent=(pl.col("silent_hours") > pl.col("silent_p95_hours")).fill_null(False),
            is_predicted_late=(pl.col("predicted_p90_ts") > pl.col("promised_ts")).fill_null(False),
            is_late=(pl.col("promised_ts") < as_of).fill_null(False),
        )
        .filter(pl.col("is_silent") | pl.col("is_predicted_late"))
        .with_columns(
            reason=pl.when(pl.col("is_silent") & pl.col("is_predicted_late"))
            .then(pl.lit("silent_and_predicted_late"))
            .when("is_silent")
            .then(pl.lit("silent"))
            .otherwise(pl.lit("predicted_late"))
        )
    )
    return Delays(delayed=conform(judged, DELAYED_SCHEMA).sort("parcel_id"), dwell=dwell)


def _waits(parcels: pl.DataFrame, stages: pl.DataFrame, as_of: datetime, params: DelayParams) -> pl.DataFrame:
    """From each stage of a parcel to its next scan, or to the moment where it still waits."""
    step = params.resolution_hours
    ordered = _ways(parcels, stages, as_of).filter(~(pl.col("next_ts").is_null() & pl.col("is_terminal")))
    until = pl.coalesce("next_ts", pl.lit(as_of))
    return ordered.with_columns(
        hours=((until - pl.col("stage_ts")).dt.total_seconds() / 3600 / step).round() * step,
        is_left=pl.col("next_ts").is_not_null(),
    )


def _ways(parcels: pl.DataFrame, stages: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Accepted stages of every parcel in order, the hand-over first, each with the time of the next one."""
    columns = ["parcel_id", "stage", "stage_no", "stage_ts", "carrier", "is_terminal"]
    handed_over = parcels.filter(pl.col("start_ts") < as_of).select(
        "parcel_id",
        stage=pl.lit(HANDED_OVER),
        stage_no=pl.lit(0, stages.schema["stage_no"]),
        stage_ts="start_ts",
        carrier=pl.lit(None, pl.String),
        is_terminal=pl.lit(False),
    )
    return (
        pl.concat([stages.filter(pl.col("stage_ts") < as_of).select(columns), handed_over])
        .join(parcels.select("parcel_id", "lane", "mode", "delivered_ts", "closed_ts"), on="parcel_id")
        .sort("parcel_id", "stage_ts", "stage_no")
        .with_columns(next_ts=pl.col("stage_ts").shift(-1).over("parcel_id"))
    )


def _arrivals(
    open_parcels: pl.DataFrame, ways: pl.DataFrame, as_of: datetime, params: DelayParams
) -> pl.DataFrame:
    """When parcels under way will arrive, given how far they have come: parcel_id, predicted_p90_ts, late_probability.

    From each stage of every parcel to its delivery, parcels still under way as censored; by stage and lane, leaning on
    stage and mode. The stage tells more than the time since the hand-over: what has cleared customs is nearly there.
    """
    step = params.arrival_resolution_hours
    end = pl.min_horizontal(*(pl.when(pl.col(n) < as_of).then(n) for n in ("delivered_ts", "closed_ts")))
    on_the_way = ways.filter(~pl.col("is_terminal"), pl.col("stage_ts") <= end.fill_null(as_of)).with_columns(
        hours=((end.fill_null(as_of) - pl.col("stage_ts")).dt.total_seconds() / 3600 / step).round() * step,
        has_arrived=(pl.col("delivered_ts") < as_of).fill_null(False),
    )
    if on_the_way.is_empty():
        return pl.DataFrame(
            schema={
                "parcel_id": pl.String,
                "predicted_p90_ts": pl.Datetime("us"),
                "late_probability": pl.Float64,
            }
        )
    fine = (
        on_the_way.select("stage", "lane", "mode")
        .unique()
        .sort("stage", "lane", "mode")
        .with_row_index("group")
    )
    coarse = fine.select("stage", "mode").unique().sort("stage", "mode").with_row_index("parent")
    parent = fine.join(coarse, on=["stage", "mode"], how="left", maintain_order="left")["parent"].cast(
        pl.Int64
    )
    coded = on_the_way.join(fine, on=["stage", "lane", "mode"], how="left", maintain_order="left")
    group = coded["group"].cast(pl.Int64).to_numpy()
    curves = shrunk_curves(
        coded["hours"].to_numpy(),
        coded["has_arrived"].to_numpy(),
        levels=[group, parent.to_numpy()[group]],
        parents=[parent.to_numpy()],
        priors=[params.mode_prior, params.stage_prior],
    )
    last = coded.filter(pl.col("next_ts").is_null()).join(
        open_parcels.select("parcel_id", "promised_ts"), on="parcel_id", how="inner", maintain_order="left"
    )
    return last.select("parcel_id", *_predictions(last, curves, as_of, params))


def _predictions(
    last: pl.DataFrame, curves: ShrunkCurves, as_of: datetime, params: DelayParams
) -> tuple[pl.Series, pl.Series]:
    """P90 of the arrival and the chance to come after the promise, given the wait at the last stage."""
    group = last["group"].cast(pl.Int64).to_numpy()
    waited = _hours(last["stage_ts"], pl.Series([as_of], dtype=pl.Datetime("us")))
    upper = curves.remaining(group, waited, params.arrival_level)
    promise = _hours(last["stage_ts"], last["promised_ts"].cast(pl.Datetime("us")))
    so_far = curves.at(group, waited)
    beyond = curves.at(group, np.nan_to_num(np.maximum(promise, waited)))
    # Whoever has waited longer than anybody: nobody knows, and the promise is close to lost.
    chance = np.where(so_far > 0, beyond / np.maximum(so_far, 1e-300), 1.0)
    chance = np.where(np.isnan(promise), np.nan, np.where(promise <= waited, 1.0, chance))
    return (
        _later(last["stage_ts"], upper).alias("predicted_p90_ts"),
        pl.Series("late_probability", np.round(chance, 6)).fill_nan(None),
    )


def _limits(waits: pl.DataFrame, params: DelayParams) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Waits by stage and mode as a table, and their limit (stage, mode, p95)."""
    if waits.is_empty():
        empty = pl.DataFrame(schema=STAGE_DWELL_SCHEMA)
        return empty, empty.select("stage", "mode", p95="p95_hours")
    pairs = waits.select("stage", "mode").unique().sort("stage", "mode")
    stage_codes = {stage: number for number, stage in enumerate(sorted(set(pairs["stage"])))}
    parent = pairs["stage"].replace_strict(stage_codes, return_dtype=pl.Int64).to_numpy()
    coded = waits.join(pairs.with_row_index("pair"), on=["stage", "mode"], how="left", maintain_order="left")
    pair = coded["pair"].cast(pl.Int64).to_numpy()
    curves = shrunk_curves(
        coded["hours"].to_numpy(),
        coded["is_left"].to_numpy(),
        levels=[pair, parent[pair]],
        parents=[parent],
        priors=[params.mode_prior, params.stage_prior],
    )
    counts = coded.group_by("stage", "mode").agg(
        n_left=pl.col("is_left").sum().cast(pl.Int64),
        n_waiting=(~pl.col("is_left")).sum().cast(pl.Int64),
    )
    table = (
        pairs.with_columns(
            p50_hours=pl.Series(curves.quantiles(0.5)).fill_nan(None),
            p95_hours=pl.Series(curves.quantiles(params.silent_level)).fill_nan(None),
        )
        .join(counts, on=["stage", "mode"], how="left")
        .pipe(conform, STAGE_DWELL_SCHEMA)
        .sort("stage", "mode")
    )
    return table, table.select("stage", "mode", p95="p95_hours")


def _hours(starts: pl.Series, ends: pl.Series) -> Floats:
    """Hours between times; NaN where one is null."""
    seconds = (ends - starts).dt.total_seconds().cast(pl.Float64)
    return seconds.fill_null(np.nan).to_numpy() / 3600


def _later(starts: pl.Series, hours: Floats) -> pl.Series:
    """Each time plus a number of hours, to the second; null where the number is not known."""
    microseconds = pl.Series(np.round(hours * 3600) * 1e6).fill_nan(None).cast(pl.Int64)
    return starts + microseconds.cast(pl.Duration("us"))
