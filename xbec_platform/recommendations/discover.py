"""Discover lists: products a customer has never bought; repeats are the business of replenish."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from xbec_platform.recommendations.ease import EaseModel, EaseParams, fit_ease
from xbec_platform.recommendations.interactions import History, decayed_matrix
from xbec_platform.recommendations.lists import (
    Audience,
    Picks,
    build_audience,
    fill_lists,
    ranks,
    shortfalls,
)
from xbec_platform.recommendations.popularity import PopularityParams
from xbec_platform.recommendations.reasons import NO_PRODUCT, explain
from xbec_platform.recommendations.signals import SignalParams, check_signals, signal_matrix, strongest
from xbec_platform.recommendations.top_columns import top_columns
from xbec_platform.recommendations.trend import TrendParams, trend_factor

BLOCK_CELLS = 4_000_000  # 16 MB of float32 scores at a time: stays near the caches, memory bounded

DISCOVER_SCHEMA = {
    "customer_id": pl.String,
    "rank": pl.Int64,
    "product_id": pl.String,
    "score": pl.Float64,
    "generator": pl.String,
    "reason_product_id": pl.String,
    "reason_kind": pl.String,
}


@dataclass(frozen=True, kw_only=True)
class DiscoverParams:
    """Settings of discover lists.

    Attributes:
        n_items: length of each list.
        ease: the item-item model.
        trend: the correction to what sells now; None switches it off.
        popularity: the fill.
        signals: what looks, clicks, searches and time spent are worth.
    """

    n_items: int = 20
    ease: EaseParams = field(default_factory=EaseParams)
    trend: TrendParams | None = field(default_factory=TrendParams)
    popularity: PopularityParams = field(default_factory=PopularityParams)
    signals: SignalParams = field(default_factory=SignalParams)

    def __post_init__(self) -> None:
        """Refuse an empty list."""
        if self.n_items < 1:
            raise ValueError(f"n_items is {self.n_items}: give 1 or more")


@dataclass(frozen=True)
class Discover:
    """Result of `discover`.

    Attributes:
        lists: `DISCOVER_SCHEMA`, sorted by customer_id, rank.
        shortfalls: `lists.SHORTFALL_SCHEMA`, customers with fewer than n_items rows.
    """

    lists: pl.DataFrame
    shortfalls: pl.DataFrame


def discover(
    interactions: pl.DataFrame,
    customers: pl.DataFrame,
    eligibility: pl.DataFrame,
    *,
    as_of: date,
    params: DiscoverParams | None = None,
    signals: pl.DataFrame | None = None,
) -> Discover:
    """Recommend to each customer n_items eligible products never bought before.

    EASE on one matrix of decayed purchases and signals, times the trend factor; what it leaves open is filled by
    popularity in the customer's market. Products that may not be shown still count as evidence. In the generated
    world signals raise nDCG@10 by 31 to 46 % in three windows (.204 to .283 in the last one).

    Args:
        interactions: customer_id, product_id, order_id, order_date, qty, market; one row per line of a paid order
            of a known customer. Leave out the lines of customers who did not consent to profiling: they then
            get popularity, which may show what they have bought.
        customers: customer_id, market; who gets a list.
        eligibility: product_id, market, is_eligible; see `eligibility.decide_eligibility`.
        as_of: last known day; later interactions are ignored.
        params: settings.
        signals: what customers who consent did with products and category pages, see `signals.signal_matrix`.

    Returns:
        Lists and shortfalls; equal for any order of input rows and any number of BLAS threads.

    Raises:
        ValueError: an input table breaks its contract.
    """
    params = params or DiscoverParams()
    if signals is not None:
        check_signals(signals)
    others = None if signals is None else (signals["customer_id"].unique(), signals["item_id"].unique())
    audience = build_audience(
        interactions, customers, eligibility, as_of=as_of, popularity=params.popularity, others=others
    )
    matrix = evidence(audience.history, signals, params)
    model = fit_ease(matrix, params.ease)
    factor = np.ones(audience.history.n_products)
    if params.trend is not None:
        memory = params.ease.half_life_days
        factor = trend_factor(audience.history, memory_half_life_days=memory, params=params.trend)
    known = matrix[:, model.columns].tocsr()
    modelled = _model_picks(audience, model, known, factor[model.columns].astype(np.float32), params.n_items)
    picks = fill_lists(audience, modelled, params.n_items)
    reason, kind = explain(audience, picks, model, known)
    return Discover(_frame(audience, picks, reason, kind), shortfalls(audience, picks, params.n_items))


def evidence(history: History, signals: pl.DataFrame | None, params: DiscoverParams) -> Any:
    """Build the matrix EASE learns from: of purchase and signals of a pair the larger counts.

    Args:
        history: purchases by code.
        signals: see `discover`.
        params: settings; a customer keeps the ease.max_history strongest products.

    Returns:
        A scipy CSR matrix of float32, n_customers x n_products, indices sorted.
    """
    most = params.ease.max_history
    bought = decayed_matrix(history, half_life_days=params.ease.half_life_days, max_history=most)
    if signals is None or params.signals.scale == 0:
        return bought
    both = strongest(bought.maximum(signal_matrix(signals, history, params.signals)).tocsr(), most)
    both.sort_indices()
    return both


def _blocks(rows: NDArray[np.int64], n_columns: int) -> Iterator[NDArray[np.int64]]:
    size = max(1, BLOCK_CELLS // max(1, n_columns))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _bought(audience: Audience, columns: NDArray[np.int64]) -> Any:
    """Return everything ever bought as a CSR matrix customers x modelled products; the model's own is capped."""
    pairs = audience.history.pairs
    place = (pairs["customer_ix"].to_numpy(), pairs["product_ix"].to_numpy())
    shape = (audience.history.n_customers, audience.history.n_products)
    return sp.csr_matrix((np.ones(len(pairs), dtype=np.bool_), place), shape=shape)[:, columns]


def _model_picks(
    audience: Audience, model: EaseModel, known: Any, factor: NDArray[np.float32], n_items: int
) -> Picks:
    """Score customers with a modelled purchase, block by block, and keep their n_items best products."""
    warm = np.flatnonzero(np.diff(known.indptr)[audience.customer_ix] > 0)
    bought = _bought(audience, model.columns)
    allowed = audience.eligible.allowed[:, model.columns]
    rows, products, values = [], [], []
    for block in _blocks(warm, len(model.columns)):
        seen = known[audience.customer_ix[block]]
        scores = model.scores(seen)
        # Less its own weight is what the model gives a product the customer looked at: only others may speak for it.
        scores[np.repeat(np.arange(len(block)), np.diff(seen.indptr)), seen.indices] += seen.data
        scores *= factor
        scores *= allowed[audience.market_row[block]]
        taken = bought[audience.customer_ix[block]]
        scores[np.repeat(np.arange(len(block)), np.diff(taken.indptr)), taken.indices] = 0
        line, column, value = top_columns(scores, n_items)
        rows.append(block[line])
        products.append(model.columns[column])
        values.append(value)
    if not rows:
        nothing = np.zeros(0, dtype=np.int64)
        return Picks(nothing, nothing, np.zeros(0), np.zeros(0, dtype=np.str_))
    row = np.concatenate(rows)
    return Picks(row, np.concatenate(products), np.concatenate(values), np.full(len(row), "ease"))


def _frame(
    audience: Audience, picks: Picks, reason: NDArray[np.int64], kind: NDArray[np.str_]
) -> pl.DataFrame:
    reasons = pl.Series(reason).replace(NO_PRODUCT, None)
    return pl.DataFrame(
        {
            "customer_id": audience.customer_ids.gather(picks.row),
            "rank": ranks(picks),
            "product_id": audience.history.product_ids.gather(picks.product_ix),
            "score": picks.score,
            "generator": picks.generator.tolist(),
            "reason_product_id": audience.history.product_ids.gather(reasons),
            "reason_kind": kind.tolist(),
        },
        schema=DISCOVER_SCHEMA,
    )
