"""One number for how well a lane delivers, from several that move together. Not here: how those are measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

GOODNESS = {
    "on_time_rate": 1.0,
    "late_days": -1.0,
    "days_over_usual": -1.0,
    "failed_rate": -1.0,
    "lost_rate": -1.0,
    "rating": 1.0,
}
"""Indicators, and whether more of one is better or worse."""
INDICATORS = tuple(GOODNESS)

INDEX_SCHEMA = pl.Schema(
    {
        "lane": pl.String(),
        "n_parcels": pl.Int64(),
        **{name: pl.Float64() for name in INDICATORS},
        "service_index": pl.Float64(),
        "service_rank": pl.Int64(),
        "status": pl.String(),
    }
)
"""Grain: lane. Key: lane. status: ok, too_few_parcels (not in the analysis) or too_few_lanes (no index at all)."""

LOADING_SCHEMA = pl.Schema(
    {"indicator": pl.String(), "loading": pl.Float64(), "communality": pl.Float64(), "is_used": pl.Boolean()}
)
"""Grain: indicator. Key: indicator. communality: share of the indicator's variance the index explains."""


@dataclass(frozen=True, kw_only=True)
class ServiceIndexParams:
    """Settings.

    Attributes:
        min_parcels: A lane with fewer is listed without an index: chance alone would rank it.
        min_lanes: Fewer lanes give no index.
        mean: Mean of the index over lanes.
        deviation: Its standard deviation.
    """

    min_parcels: int = 20
    min_lanes: int = 8
    mean: float = 100.0
    deviation: float = 15.0


@dataclass(frozen=True, kw_only=True)
class ServiceIndex:
    """Lanes (`INDEX_SCHEMA`) and what the index is made of (`LOADING_SCHEMA`)."""

    lanes: pl.DataFrame
    loadings: pl.DataFrame


def service_index(lanes: pl.DataFrame, params: ServiceIndexParams | None = None) -> ServiceIndex:
    """Estimate one common factor of the indicators by maximum likelihood (Joreskog 1969) and score every lane.

    Sign and scale of a factor are free: here more is better (the loadings, each with its `GOODNESS`, add up to no less
    than 0), and the scores have the given mean and deviation.

    Args:
        lanes: lane, n_parcels and `INDICATORS`; a missing value counts as the mean of the others.
        params: Settings.

    Returns:
        Both tables, sorted by their keys. Indicators that do not vary are not used and say so.
    """
    params = params or ServiceIndexParams()
    rows = lanes.sort("lane")
    enough = rows["n_parcels"].to_numpy() >= params.min_parcels
    if enough.sum() < params.min_lanes:
        return ServiceIndex(lanes=_without(rows, enough), loadings=_unused())
    matrix = rows.filter(pl.Series(enough)).select(pl.col(INDICATORS).cast(pl.Float64)).to_numpy()
    known = ~np.isnan(matrix)
    count = known.sum(axis=0)
    mean = np.divide(
        np.where(known, matrix, 0).sum(axis=0), count, out=np.zeros(len(INDICATORS)), where=count > 0
    )
    centred = np.where(known, matrix - mean, 0.0)
    spread = np.sqrt((centred**2).mean(axis=0))
    used = spread > 1e-12
    if used.sum() < 2:
        return ServiceIndex(lanes=_without(rows, enough), loadings=_unused())
    loading, score = _factor(centred[:, used] / spread[used])
    goodness = np.array(list(GOODNESS.values()))[used]
    sign = 1.0 if float(goodness @ loading) >= 0 else -1.0
    index = params.mean + params.deviation * sign * score / (score.std() or 1.0)
    scored = pl.Series("service_index", np.full(len(enough), np.nan))
    scored = scored.scatter(np.flatnonzero(enough), np.round(index, 6)).fill_nan(None)
    table = _without(rows, enough).with_columns(
        service_index=scored,
        service_rank=scored.rank("min", descending=True).cast(pl.Int64),
        status=pl.Series(np.where(enough, "ok", "too_few_parcels"), dtype=pl.String),
    )
    loadings = np.zeros(len(INDICATORS))
    loadings[used] = np.round(sign * loading, 6)
    described = pl.DataFrame(
        {
            "indicator": INDICATORS,
            "loading": loadings,
            "communality": np.round(loadings**2, 6),
            "is_used": used,
        }
    )
    return ServiceIndex(lanes=table, loadings=described.cast(dict(LOADING_SCHEMA)).sort("indicator"))  # type: ignore[arg-type]


def _factor(standard: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Loadings and scores of one factor; columns have mean 0 and deviation 1."""
    from sklearn.decomposition import FactorAnalysis

    model = FactorAnalysis(n_components=1, svd_method="lapack", tol=1e-8, max_iter=5000).fit(standard)
    return model.components_[0], model.transform(standard)[:, 0]


def _without(rows: pl.DataFrame, enough: np.ndarray) -> pl.DataFrame:
    status = np.where(enough, "too_few_lanes", "too_few_parcels")
    return (
        rows.with_columns(
            service_index=pl.lit(None, pl.Float64),
            service_rank=pl.lit(None, pl.Int64),
            status=pl.Series(status, dtype=pl.String),
        )
        .select(INDEX_SCHEMA.names())
        .cast(dict(INDEX_SCHEMA))  # type: ignore[arg-type]
    )


def _unused() -> pl.DataFrame:
    rows = {"indicator": sorted(INDICATORS), "loading": None, "communality": None, "is_used": False}
    return pl.DataFrame(rows, schema=LOADING_SCHEMA)
