"""Usual days between two orders of a product by a customer; what to show when is decided elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xbec_platform.recommendations.interactions import History, runs


@dataclass(frozen=True, kw_only=True)
class IntervalParams:
    """Settings of shrinkage.

    Attributes:
        product_pseudo_gaps: gaps at the shop's median that a product's own median is mixed with.
        pair_pseudo_gaps: gaps at the product's value that a customer's own gaps are mixed with.
    """

    product_pseudo_gaps: float = 30.0
    pair_pseudo_gaps: float = 2.0

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if not self.product_pseudo_gaps > 0 or not self.pair_pseudo_gaps > 0:
            raise ValueError("pseudo gaps must be above 0")


def usual_gap_days(history: History, params: IntervalParams) -> NDArray[np.float64]:
    """Estimate the days from one order of a product to the next, for each customer-product pair.

    Shop median -> product median -> the pair's own mean, on logs of days, each mixed with the level above.
    Only completed gaps are seen: products bought once so far make the true gap longer than this.

    Args:
        history: purchases by code.
        params: settings.

    Returns:
        float64 days, one per row of `history.pairs`; NaN everywhere when nobody ever bought anything twice.
    """
    pair = history.orders["pair_ix"].to_numpy()
    gap = np.diff(history.orders["age_days"].to_numpy())
    repeated = (np.diff(pair) == 0) & (gap > 0)  # two orders on one day are one purchase
    log_gap, pair_of_gap = np.log(gap[repeated]), pair[1:][repeated]
    if len(log_gap) == 0:
        return np.full(len(history.pairs), np.nan)
    overall = float(np.median(log_gap))
    product = pair_of_gap % history.n_products
    medians = (
        pl.DataFrame({"product_ix": product, "log_gap": log_gap})
        .group_by("product_ix")
        .agg(pl.col("log_gap").median(), n=pl.len())
    )
    level = np.full(history.n_products, overall)
    n, k = medians["n"].to_numpy(), params.product_pseudo_gaps
    level[medians["product_ix"].to_numpy()] = (n * medians["log_gap"].to_numpy() + k * overall) / (n + k)
    first, _ = runs(pair)
    row = np.searchsorted(pair[first], pair_of_gap)
    own_sum = np.bincount(row, weights=log_gap, minlength=len(first))
    own_n = np.bincount(row, minlength=len(first))
    k = params.pair_pseudo_gaps
    days: NDArray[np.float64] = np.exp((own_sum + k * level[pair[first] % history.n_products]) / (own_n + k))
    return days
