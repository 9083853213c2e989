"""Ranking metrics per customer and their means; which lists and which windows are compared is decided elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

CUSTOMER_METRIC_SCHEMA = {
    "customer_id": pl.String,
    "n_targets": pl.Int64,
    "n_hits": pl.Int64,
    "recall": pl.Float64,
    "ndcg": pl.Float64,
}


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


def customer_metrics(lists: pl.DataFrame, targets: pl.DataFrame, *, k: int) -> pl.DataFrame:
    """Score lists against what customers bought afterwards.

    recall@k = hits / min(k, targets); nDCG@k = sum over hits of 1 / log2(rank + 1), divided by the same sum for
    min(k, targets) hits in the first places.

    Args:
        lists: customer_id, rank (from 1), product_id.
        targets: customer_id, product_id; repetitions count once.
        k: places that count.

    Returns:
        `CUSTOMER_METRIC_SCHEMA`, one row per customer with a target, sorted; a customer without a list scores 0.

    Raises:
        ValueError: k below 1.
    """
    if k < 1:
        raise ValueError(f"k is {k}: give 1 or more")
    wanted = targets.select("customer_id", "product_id").unique()
    hits = (
        lists.filter(pl.col("rank") <= k)
        .join(wanted, on=["customer_id", "product_id"], how="semi")
        .group_by("customer_id")
        .agg(n_hits=pl.len().cast(pl.Int64), gain=(1 / (pl.col("rank") + 1).log(2)).sort().sum())
    )
    ideal = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
    table = (
        wanted.group_by("customer_id")
        .agg(n_targets=pl.len().cast(pl.Int64))
        .join(hits, on="customer_id", how="left")
        .with_columns(pl.col("n_hits").fill_null(0), pl.col("gain").fill_null(0.0))
        .with_columns(best=pl.col("n_targets").clip(upper_bound=k))
        .sort("customer_id")
    )
    best = table["best"].to_numpy()
    return table.with_columns(
        recall=pl.col("n_hits") / pl.col("best"),
        ndcg=pl.col("gain") / pl.Series(ideal[best - 1], dtype=pl.Float64),
    ).select(CUSTOMER_METRIC_SCHEMA.keys())


def coverage(lists: pl.DataFrame, *, k: int, n_products: int) -> float:
    """Return the share of the catalogue that appears in some first k places."""
    if n_products < 1:
        return 0.0
    return lists.filter(pl.col("rank") <= k)["product_id"].n_unique() / n_products


def mean_interval(values: NDArray[np.float64], *, seed: int, n_resamples: int = 1000) -> Interval:
    """Return the mean and its percentile bootstrap interval over customers.

    Give differences of two models' scores of the same customers to compare them: customers differ far more than
    models do.

    Args:
        values: one value per customer.
        seed: of the resampling.
        n_resamples: how many.

    Raises:
        ValueError: there is no value.
    """
    if len(values) == 0:
        raise ValueError("there is no customer to average over: the test window has no known customer")
    draws = _resamples(len(values), seed, n_resamples)
    low, high = np.quantile(draws @ values / len(values), [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))


# A day compares fifteen models on the same customers: all, those with repeats, those who explore.
@lru_cache(maxsize=3)
def _resamples(n: int, seed: int, n_resamples: int) -> NDArray[np.uint16]:
    """Return how often each of n customers is drawn in each resample."""
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=n_resamples)
    return draws.astype(np.uint16)
