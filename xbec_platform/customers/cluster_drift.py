"""Drift of customers away from the day a scale was learned: population stability index per feature."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xbec_platform.customers.cluster_model import ClusterModel, FeatureBins
from xbec_platform.customers.features import FittedFeature, standardise

DRIFT_SCHEMA = pl.Schema({"feature": pl.String, "psi": pl.Float64, "n_customers": pl.Int64})
SMALLEST_SHARE = 1e-4  # an empty bin counts as this: the logarithm of 0 is not a number


def fit_bins(points: NDArray[np.float64], features: Sequence[FittedFeature]) -> tuple[FeatureBins, ...]:
    """Cut each feature at its deciles; equal deciles of counts make fewer, wider bins."""
    bins = []
    for j, feature in enumerate(features):
        uppers = np.unique(np.quantile(points[:, j], np.arange(0.1, 0.95, 0.1)))
        shares = _shares(points[:, j], uppers)
        bins.append(
            FeatureBins(column=feature.column, uppers=tuple(uppers.tolist()), shares=tuple(shares.tolist()))
        )
    return tuple(bins)


def drift(model: ClusterModel, frame: pl.DataFrame) -> pl.DataFrame:
    """Compare a day's customers with those the model's scale was learned on.

    Args:
        model: any fitted model; one group alone has no bins and gives no rows.
        frame: user database of one as-of day.

    Returns:
        `DRIFT_SCHEMA`, one row per feature, by name. `psi` is the sum over bins of (p - q) ln(p / q); below .1
        counts as no change, from .25 as a change that calls for a new search.
    """
    rows = []
    if frame.height:
        points = standardise(frame, model.features)
        for j, bins in enumerate(model.bins):
            then = np.maximum(np.array(bins.shares), SMALLEST_SHARE)
            now = np.maximum(_shares(points[:, j], np.array(bins.uppers)), SMALLEST_SHARE)
            rows.append(
                (bins.column, round(float(((now - then) * np.log(now / then)).sum()), 6), frame.height)
            )
    return pl.DataFrame(rows, schema=DRIFT_SCHEMA, orient="row").sort("feature")


def _shares(values: NDArray[np.float64], uppers: NDArray[np.float64]) -> NDArray[np.float64]:
    place = np.searchsorted(uppers, values, side="left")
    return np.bincount(place, minlength=len(uppers) + 1) / len(values)
