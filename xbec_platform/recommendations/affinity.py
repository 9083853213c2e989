"""Which products are bought together more often than by chance; baskets are counted and bundles priced elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import gammaln

Floats = NDArray[np.float64]

PAIR_SCHEMA = {
    "basket_kind": pl.String,
    "market": pl.String,
    "product_a": pl.String,
    "product_b": pl.String,
    "n_baskets": pl.Int64,
    "n_a": pl.Int64,
    "n_b": pl.Int64,
    "n_both": pl.Int64,
}
TRIPLE_SCHEMA = {
    "basket_kind": pl.String,
    "market": pl.String,
    "product_a": pl.String,
    "product_b": pl.String,
    "product_c": pl.String,
    "n_baskets": pl.Int64,
    "n_ab": pl.Int64,
    "n_c": pl.Int64,
    "n_all": pl.Int64,
}
RATED_SCHEMA = {
    "support": pl.Float64,
    "lift": pl.Float64,
    "lift_low": pl.Float64,
    "lift_high": pl.Float64,
    "p_value": pl.Float64,
    "q_value": pl.Float64,
}


@dataclass(frozen=True, kw_only=True)
class AffinityParams:
    """Settings of the counts and of their judgement.

    Attributes:
        min_baskets: a set is looked at from this many baskets.
        min_share: and from this share of the market's baskets.
        min_triple_share: the same of triples, whose number grows with the third power.
        min_market_baskets: a country is counted by itself from this many baskets; all are in 'all' anyway.
        max_basket: baskets of more products are left out: one of 10,000 costs 50 million pairs and says nothing.
        history_days: days of orders that count.
        person_days: length of a person's basket.
        false_discovery_rate: share of the pairs called significant that may be chance.
    """

    min_baskets: int = 20
    min_share: float = 0.002
    min_triple_share: float = 0.01
    min_market_baskets: int = 200
    max_basket: int = 2_000
    history_days: int = 365
    person_days: int = 28
    false_discovery_rate: float = 0.05

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if min(self.min_baskets, self.max_basket, self.history_days, self.person_days) < 1:
            raise ValueError("min_baskets, max_basket, history_days and person_days must be 1 or more")
        if not 0 <= self.min_share <= self.min_triple_share < 1:
            raise ValueError("shares must be 0 <= min_share <= min_triple_share < 1")
        if not 0 < self.false_discovery_rate < 1:
            raise ValueError(
                f"false_discovery_rate is {self.false_discovery_rate}: give a share between 0 and 1"
            )


def fisher_greater(n: Floats, n_x: Floats, n_y: Floats, n_both: Floats) -> Floats:
    """Chance of at least `n_both` common baskets if x and y were bought independently (Fisher's exact test, one-sided).

    The hypergeometric tail, summed from the observed count away from the mean by the ratio of neighbouring terms, for
    all pairs at once.

    Args:
        n: baskets.
        n_x: baskets with x.
        n_y: baskets with y.
        n_both: baskets with both.

    Returns:
        p values; 1 where the observed count is the least possible one.
    """
    is_upper = n_both * n >= n_x * n_y
    upper = _tail(n, n_x, n_y, n_both, step=1, wanted=is_upper)
    lower = _tail(n, n_x, n_y, n_both - 1, step=-1, wanted=~is_upper)
    chances: Floats = np.clip(np.where(is_upper, upper, 1 - lower), 0, 1)
    return chances


def _log_chance(n: Floats, n_x: Floats, n_y: Floats, k: Floats) -> Floats:
    def choose(total: Floats, part: Floats) -> Floats:
        return np.asarray(gammaln(total + 1) - gammaln(part + 1) - gammaln(total - part + 1))

    return choose(n_x, k) + choose(n - n_x, n_y - k) - choose(n, n_y)


def _tail(
    n: Floats, n_x: Floats, n_y: Floats, first: Floats, *, step: int, wanted: NDArray[np.bool_]
) -> Floats:
    """Sum the terms from `first` in one direction, which falls, until they add nothing more."""
    total = np.zeros(len(n))
    rows = np.flatnonzero(wanted & (first >= np.maximum(0, n_x + n_y - n)))
    k = first[rows]
    scale = np.exp(_log_chance(n[rows], n_x[rows], n_y[rows], k))
    term, running = np.ones(len(rows)), np.ones(len(rows))
    while len(rows):
        x, y, rest = n_x[rows], n_y[rows], n[rows] - n_x[rows] - n_y[rows]
        term *= (
            (x - k) * (y - k) / ((k + 1) * (rest + k + 1))
            if step > 0
            else k * (rest + k) / ((x - k + 1) * (y - k + 1))
        )
        k = k + step
        running += term
        done = term <= 1e-17 * running
        total[rows[done]] = running[done] * scale[done]
        going = ~done
        rows, k, term, running, scale = rows[going], k[going], term[going], running[going], scale[going]
    return total


def lift_interval(n: Floats, n_x: Floats, n_y: Floats, n_both: Floats) -> tuple[Floats, Floats, Floats]:
    """Lift with its 95 % interval by the delta method on the logarithm of multinomial shares.

    Var log lift = 1/n_xy - 1/n_x - 1/n_y + 2 n_xy / (n_x n_y) - 1/n.

    Args:
        n: baskets.
        n_x: baskets with x, above 0.
        n_y: baskets with y, above 0.
        n_both: baskets with both, above 0.
    """
    lift = n_both * n / (n_x * n_y)
    variance = 1 / n_both - 1 / n_x - 1 / n_y + 2 * n_both / (n_x * n_y) - 1 / n
    width = np.exp(1.959964 * np.sqrt(np.maximum(variance, 0)))
    return lift, lift / width, lift * width


def adjusted(p_values: Floats, n_tests: int) -> Floats:
    """Benjamini & Hochberg (1995) q values of the smallest of `n_tests` p values; those not given count as 1.

    Only sets with enough baskets are tested, and the number of common baskets is what the test is about: the family is
    therefore all sets that the products' own counts allow, seen or not.

    Raises:
        ValueError: fewer tests than p values.
    """
    if n_tests < len(p_values):
        raise ValueError(f"{len(p_values)} p values of {n_tests} tests: the family must hold them all")
    order = np.argsort(p_values, kind="stable")
    raised = p_values[order] * n_tests / np.arange(1, len(p_values) + 1)
    q_values = np.empty(len(p_values))
    q_values[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1)
    return q_values


def rate_pairs(counts: pl.DataFrame, tests: pl.DataFrame, params: AffinityParams) -> pl.DataFrame:
    """Keep the pairs that are bought together more often than by chance.

    Args:
        counts: `PAIR_SCHEMA`, one row per pair with enough baskets, product_a before product_b.
        tests: basket_kind, market, n_items: products with enough baskets of their own.
        params: settings.

    Returns:
        The significant pairs of each basket kind and market with `RATED_SCHEMA`, confidence_ab (share of the baskets
        with a that hold b) and confidence_ba; sorted by key.
    """
    sizes = tests.with_columns(n_tests=pl.col("n_items") * (pl.col("n_items") - 1) // 2)
    rated = _rated(counts, sizes, ("n_a", "n_b", "n_both"), params)
    return rated.with_columns(
        confidence_ab=pl.col("n_both") / pl.col("n_a"), confidence_ba=pl.col("n_both") / pl.col("n_b")
    ).sort("basket_kind", "market", "product_a", "product_b")


def rate_triples(
    counts: pl.DataFrame, tests: pl.DataFrame, n_pairs: pl.DataFrame, params: AffinityParams
) -> pl.DataFrame:
    """Keep the products that a pair brings along more often than by chance.

    Args:
        counts: `TRIPLE_SCHEMA`, product_a before product_b, product_c any third one.
        tests: basket_kind, market, n_items.
        n_pairs: basket_kind, market, n_pairs: pairs with enough baskets for a triple.
        params: settings.

    Returns:
        Significant triples with `RATED_SCHEMA` and confidence, the share of the pair's baskets that hold product_c.
    """
    sizes = tests.join(n_pairs, on=["basket_kind", "market"], how="left").with_columns(
        n_tests=pl.col("n_pairs").fill_null(0) * (pl.col("n_items") - 2).clip(0)
    )
    rated = _rated(counts, sizes, ("n_ab", "n_c", "n_all"), params)
    return rated.with_columns(confidence=pl.col("n_all") / pl.col("n_ab")).sort(
        "basket_kind", "market", "product_a", "product_b", "product_c"
    )


def _rated(
    counts: pl.DataFrame, tests: pl.DataFrame, columns: tuple[str, str, str], params: AffinityParams
) -> pl.DataFrame:
    """Rate each basket kind and market by itself: a family of tests of its own."""
    parts = [
        counts.clear().with_columns(pl.lit(None, dtype=kind).alias(k) for k, kind in RATED_SCHEMA.items())
    ]
    sizes = {(kind, market): n for kind, market, n in tests.select("basket_kind", "market", "n_tests").rows()}
    keys = ["basket_kind", "market"]
    for (kind, market), part in counts.partition_by(keys, as_dict=True).items():
        n, x, y, both = (part[name].to_numpy().astype(np.float64) for name in ("n_baskets", *columns))
        p_value = fisher_greater(n, x, y, both)
        lift, low, high = lift_interval(n, x, y, both)
        rating = {
            "support": both / n,
            "lift": lift,
            "lift_low": low,
            "lift_high": high,
            "p_value": p_value,
            "q_value": adjusted(p_value, sizes[str(kind), str(market)]),
        }
        rated = part.with_columns(pl.Series(name, values) for name, values in rating.items())
        parts.append(rated.filter(pl.col("q_value") <= params.false_discovery_rate))
    return pl.concat(parts)
