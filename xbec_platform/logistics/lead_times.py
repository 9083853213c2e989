"""Lead times by lane with what is still under way: P50 and P90 that keep what they say. No promise is judged here.

Measured on the freight history of SCMS, walk-forward by month (test_lead_times_scms): without open shipments the P90
covers .80 of what follows, with them .87, with the shift .90.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xbec_platform.logistics.shrinkage import ShrunkCurves, shrunk_curves
from xbec_platform.logistics.survival import Floats, kaplan_meier, quantiles

_DAY_S = 86_400.0
EVERYTHING = "*"


@dataclass(frozen=True, kw_only=True)
class LeadTimeParams:
    """Settings.

    Attributes:
        window_days: Shipments that left earlier say nothing about today.
        lane_prior: Events a lane's own curve is worth half against its mode.
        mode_prior: The same of a mode against everything.
        level: Level of the upper quantile.
        calibration_days: How far back predictions are compared with what came.
        calibration_step_days: Days between the as-of days whose predictions are compared.
        calibration_prior: Deliveries at which half of the shift found is believed.
        min_calibration: Fewer deliveries give no shift.
        resolution_days: Durations are rounded to this: it bounds the grid of curves, and no promise is finer.
    """

    window_days: int = 730
    lane_prior: float = 20.0
    mode_prior: float = 50.0
    level: float = 0.9
    calibration_days: int = 365
    calibration_step_days: int = 14
    calibration_prior: float = 50.0
    min_calibration: int = 30
    resolution_days: float = 1 / 24

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if not 0 < self.level < 1:
            raise ValueError("level must be between 0 and 1")
        if min(self.window_days, self.calibration_days, self.calibration_step_days) < 1:
            raise ValueError("windows and steps must be at least a day")
        if min(self.lane_prior, self.mode_prior, self.calibration_prior) < 0:
            raise ValueError("priors must not be negative")


@dataclass(frozen=True, kw_only=True)
class LeadTimes:
    """Lead times of all lanes as of a moment.

    Attributes:
        lanes: Names, row numbers of `curves`: lanes with parcels, sorted, then `*:mode` for every mode and `*`.
        modes: Mode of each lane; `*` for everything.
        curves: Of lanes, leaning on their mode and on everything.
        shift_days: What is added to the upper quantile.
        n_calibration: Deliveries the shift rests on.
        coverage_before: Share of those that arrived by the quantile as it was predicted; NaN without any.
        coverage_after: The same with the shift that was known when they were predicted.
        level: Level of the upper quantile.
    """

    lanes: tuple[str, ...]
    modes: tuple[str, ...]
    curves: ShrunkCurves
    shift_days: float
    n_calibration: int
    coverage_before: float
    coverage_after: float
    level: float

    def rows(self, parcels: pl.DataFrame) -> NDArray[np.int64]:
        """Row of each parcel (lane, mode): its lane, else its mode, else everything."""
        code = {lane: number for number, lane in enumerate(self.lanes)}
        everything = code[EVERYTHING]
        found = parcels.select(
            pl.coalesce(
                pl.col("lane").replace_strict(code, default=None, return_dtype=pl.Int64),
                pl.format("*:{}", "mode").replace_strict(code, default=None, return_dtype=pl.Int64),
                pl.lit(everything, pl.Int64),
            )
        ).to_series()
        return found.to_numpy()

    def upper_days(self) -> Floats:
        """The shifted upper quantile by lane, never below 0."""
        return np.maximum(self.curves.quantiles(self.level) + self.shift_days, 0.0)


@dataclass(frozen=True, kw_only=True)
class _Parcels:
    """Arrays of one moment: group codes, start and end in days, whether the end is a delivery."""

    lane: NDArray[np.int64]
    mode_of_lane: NDArray[np.int64]
    start: Floats
    end: Floats
    delivered: NDArray[np.bool_]


def lead_times(parcels: pl.DataFrame, *, as_of: datetime, params: LeadTimeParams | None = None) -> LeadTimes:
    """Estimate the lead times of every lane from what is known at a moment.

    Open parcels count as longer than they have taken so far; parcels that came back or were lost count until then.

    Args:
        parcels: parcel_id, lane, mode, start_ts, delivered_ts, closed_ts (came back or lost); the last two null where
            it has not happened. Rows that start from `as_of` on are left out, ends from then on are not known.
        as_of: The moment; UTC without a zone, as all times.
        params: Settings.

    Raises:
        ValueError: A parcel ends before it starts; `faulty_parcels` names such rows beforehand.
    """
    params = params or LeadTimeParams()
    known = parcels.filter(pl.col("start_ts") < as_of).sort("lane", "parcel_id")
    lanes = _with_levels_above(known.select("lane", "mode").unique("lane", keep="first", maintain_order=True))
    code = {lane: number for number, lane in enumerate(lanes["lane"])}
    mode_code = {mode: number for number, mode in enumerate(sorted(set(lanes["mode"])))}
    arrays = _Parcels(
        lane=known["lane"].replace_strict(code, return_dtype=pl.Int64).to_numpy(),
        mode_of_lane=np.array([mode_code[mode] for mode in lanes["mode"]], dtype=np.int64),
        start=_days(known["start_ts"]),
        end=np.fmin(_days(known["delivered_ts"]), _days(known["closed_ts"])),
        delivered=known["delivered_ts"].is_not_null().to_numpy(),
    )
    now = float(_days(pl.Series([as_of], dtype=pl.Datetime("us")))[0])
    backtest = _backtest(arrays, now, params)
    return LeadTimes(
        lanes=tuple(lanes["lane"]),
        modes=tuple(lanes["mode"]),
        curves=_fit(arrays, now, params),
        shift_days=_shift(arrays, backtest.predicted, now, params),
        n_calibration=backtest.n,
        coverage_before=backtest.coverage_before,
        coverage_after=backtest.coverage_after,
        level=params.level,
    )


def _with_levels_above(lanes: pl.DataFrame) -> pl.DataFrame:
    """The lanes and, as lanes without parcels of their own, each mode and everything: they lean on the level above."""
    modes = sorted({*lanes["mode"], EVERYTHING})
    above = [mode_lane(mode) for mode in modes]
    return pl.concat([lanes, pl.DataFrame({"lane": above, "mode": modes}, schema=lanes.schema)])


def mode_lane(mode: str) -> str:
    """Name under which the lead time of a mode stands; `*` is that of everything."""
    return EVERYTHING if mode == EVERYTHING else f"{EVERYTHING}:{mode}"


def _days(times: pl.Series) -> Floats:
    """Days since 1970; NaN for null."""
    values = times.cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Float64)
    return values.fill_null(np.nan).to_numpy() / (_DAY_S * 1e6)


def _durations(
    parcels: _Parcels, chosen: NDArray[np.bool_], now: float, params: LeadTimeParams
) -> tuple[Floats, NDArray[np.bool_]]:
    """Days under way until `now` or the end, and whether that end is a delivery known by then."""
    end = parcels.end[chosen]
    over = end < now
    stop = np.where(over, end, now)
    duration = (stop - parcels.start[chosen]) / params.resolution_days
    return np.round(duration) * params.resolution_days, over & parcels.delivered[chosen]


def _fit(parcels: _Parcels, now: float, params: LeadTimeParams) -> ShrunkCurves:
    chosen = (parcels.start < now) & (parcels.start >= now - params.window_days)
    duration, observed = _durations(parcels, chosen, now, params)
    lane = parcels.lane[chosen]
    return shrunk_curves(
        duration,
        observed,
        levels=[lane, parcels.mode_of_lane[lane]],
        parents=[parcels.mode_of_lane],
        priors=[params.lane_prior, params.mode_prior],
    )


@dataclass(frozen=True, kw_only=True)
class _Backtest:
    predicted: Floats
    n: int
    coverage_before: float
    coverage_after: float


def _backtest(parcels: _Parcels, now: float, params: LeadTimeParams) -> _Backtest:
    """What would have been predicted for the parcels of the calibration window, each time from what was known then."""
    n_cuts = params.calibration_days // params.calibration_step_days
    cuts = now - params.calibration_step_days * np.arange(n_cuts, 0, -1)
    predicted, shifted = np.full(len(parcels.start), np.nan), np.full(len(parcels.start), np.nan)
    for cut in cuts:
        left = (parcels.start >= cut) & (parcels.start < cut + params.calibration_step_days)
        curves = _fit(parcels, cut, params) if left.any() else None
        if curves is None or not len(curves.grid):
            continue
        upper = curves.quantiles(params.level)[parcels.lane[left]]
        shift = _shift(parcels, predicted, cut, params)
        predicted[left], shifted[left] = upper, np.maximum(upper + shift, 0.0)
    done = ~np.isnan(predicted) & (parcels.start < now)
    duration, observed = _durations(parcels, done, now, params)
    return _Backtest(
        predicted=predicted,
        n=int(observed.sum()),
        coverage_before=_coverage(duration, observed, predicted[done]),
        coverage_after=_coverage(duration, observed, shifted[done]),
    )


def _coverage(duration: Floats, observed: NDArray[np.bool_], upper: Floats) -> float:
    """Share that arrived by the quantile: of the parcels of which that is decided."""
    late, in_time = duration > upper, observed & (duration <= upper)
    decided = int((late | in_time).sum())
    return float(in_time.sum() / decided) if decided else float("nan")


def _shift(parcels: _Parcels, predicted: Floats, now: float, params: LeadTimeParams) -> float:
    """Days to add to the upper quantile so that it would have covered its share of the recent past.

    Split conformal prediction (Vovk et al. 2005; one-sided, Romano et al. 2019) on a rolling window; parcels that are
    still under way are censored residuals, as the quick ones of a month arrive first. Shrunk to 0 where few arrived.
    """
    chosen = ~np.isnan(predicted) & (parcels.start < now) & (parcels.start >= now - params.calibration_days)
    duration, observed = _durations(parcels, chosen, now, params)
    n = int(observed.sum())
    if n < params.min_calibration:
        return 0.0
    residual = duration - predicted[chosen]
    lowest = float(residual.min())
    curve = kaplan_meier(residual - lowest, observed, np.zeros(len(residual), np.int64), 1)
    found = float(quantiles(curve, params.level)[0]) + lowest
    return 0.0 if np.isnan(found) else found * n / (n + params.calibration_prior)
