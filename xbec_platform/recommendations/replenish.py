"""Replenish lists: what a customer has bought and is likely to buy again; new products are discover's business."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xbec_platform.recommendations.frequency import FrequencyParams, personal_frequency
from xbec_platform.recommendations.intervals import IntervalParams, usual_gap_days
from xbec_platform.recommendations.lists import (
    Audience,
    Picks,
    build_audience,
    fill_lists,
    ranks,
    shortfalls,
)
from xbec_platform.recommendations.popularity import PopularityParams
from xbec_platform.recommendations.repurchase import RepurchaseParams, repurchase_chance
from xbec_platform.recommendations.top_columns import round_scores

REPLENISH_SCHEMA = {
    "customer_id": pl.String,
    "rank": pl.Int64,
    "product_id": pl.String,
    "score": pl.Float64,
    "generator": pl.String,
    "reason_product_id": pl.String,
    "reason_kind": pl.String,
    "n_orders": pl.Int64,
    "last_order_date": pl.Date,
    "usual_gap_days": pl.Float64,
    "due_date": pl.Date,
    "order_by_date": pl.Date,
}


@dataclass(frozen=True, kw_only=True)
class ReplenishParams:
    """Settings of replenish lists.

    Attributes:
        n_items: length of each list.
        repurchase: the learned chance to buy again; None = plain frequency always.
        frequency: the score used when the history is too short to learn from.
        intervals: the usual gap behind due dates.
        popularity: the fill.
    """

    n_items: int = 20
    repurchase: RepurchaseParams | None = field(default_factory=RepurchaseParams)
    frequency: FrequencyParams = field(default_factory=FrequencyParams)
    intervals: IntervalParams = field(default_factory=IntervalParams)
    popularity: PopularityParams = field(default_factory=PopularityParams)

    def __post_init__(self) -> None:
        """Refuse an empty list."""
        if self.n_items < 1:
            raise ValueError(f"n_items is {self.n_items}: give 1 or more")


@dataclass(frozen=True)
class Replenish:
    """Result of `replenish`.

    Attributes:
        lists: `REPLENISH_SCHEMA`, sorted by customer_id, rank.
        shortfalls: `lists.SHORTFALL_SCHEMA`, customers with fewer than n_items rows.
    """

    lists: pl.DataFrame
    shortfalls: pl.DataFrame


def replenish(
    interactions: pl.DataFrame,
    customers: pl.DataFrame,
    eligibility: pl.DataFrame,
    *,
    as_of: date,
    lead_times: pl.DataFrame | None = None,
    params: ReplenishParams | None = None,
) -> Replenish:
    """Recommend to each customer n_items eligible products, the bought ones by their chance to be bought again.

    Customers who have bought fewer than n_items eligible products get the rest from popularity in their market,
    marked by generator and reason_kind 'fill'.

    Args:
        interactions: as for `discover.discover`.
        customers: customer_id, market; who gets a list.
        eligibility: product_id, market, is_eligible.
        as_of: last known day; later interactions are ignored.
        lead_times: optional market, lead_time_days (P50 transit): order_by_date = due_date - lead time.
        params: settings.

    Returns:
        Lists and shortfalls. score is the chance of an order within the horizon (generator 'repurchase'), orders
        plus popularity ('frequency'), or the share of buyers (fill). due_date = last order + usual gap and may
        lie in the past: overdue. It is null when nobody ever bought twice, order_by_date also without lead time.

    Raises:
        ValueError: an input table breaks its contract.
    """
    params = params or ReplenishParams()
    audience = build_audience(interactions, customers, eligibility, as_of=as_of, popularity=params.popularity)
    chance = None if params.repurchase is None else repurchase_chance(audience.history, params.repurchase)
    generator = "frequency" if chance is None else "repurchase"
    score = personal_frequency(audience.history, params.frequency) if chance is None else chance
    picks = fill_lists(audience, _best_repeats(audience, score, generator, params.n_items), params.n_items)
    lists = _frame(audience, picks, usual_gap_days(audience.history, params.intervals))
    lists = _with_order_by(lists, customers, lead_times)
    return Replenish(lists, shortfalls(audience, picks, params.n_items))


def _best_repeats(audience: Audience, score: NDArray[np.float64], generator: str, n_items: int) -> Picks:
    """Keep the n_items best eligible bought products of each customer; ties by product id."""
    row_of = np.full(audience.history.n_customers, -1, dtype=np.int64)
    row_of[audience.customer_ix] = np.arange(len(audience.customer_ix))
    row = row_of[audience.history.pairs["customer_ix"].to_numpy()]
    product = audience.history.pairs["product_ix"].to_numpy()
    kept = (row >= 0) & audience.eligible.allowed[audience.market_row[row], product]
    row, product, value = row[kept], product[kept], round_scores(score[kept])
    order = np.lexsort((product, -value, row))
    row, product, value = row[order], product[order], value[order]
    best = np.arange(len(row)) - np.searchsorted(row, row) < n_items
    return Picks(row[best], product[best], value[best], np.full(int(best.sum()), generator, dtype=np.object_))


def _pair_rows(audience: Audience, picks: Picks) -> NDArray[np.int64]:
    """Return the row of `history.pairs` behind each pick, -1 for a product the customer never bought."""
    pairs = audience.history.pairs
    n_products = audience.history.n_products
    known = pairs["customer_ix"].to_numpy() * n_products + pairs["product_ix"].to_numpy()
    wanted = audience.customer_ix[picks.row] * n_products + picks.product_ix
    place = np.searchsorted(known, wanted)
    found = np.append(known, -1)[np.minimum(place, len(known))] == wanted
    rows: NDArray[np.int64] = np.where(found, place, -1)
    return rows


def _frame(audience: Audience, picks: Picks, gap_days: NDArray[np.float64]) -> pl.DataFrame:
    history = audience.history
    pair = pl.Series(_pair_rows(audience, picks)).replace(-1, None)
    product_id = history.product_ids.gather(picks.product_ix)
    gap = pl.Series(round_scores(gap_days)).fill_nan(None).gather(pair)
    table = pl.DataFrame(
        {
            "customer_id": audience.customer_ids.gather(picks.row),
            "rank": ranks(picks),
            "product_id": product_id,
            "score": picks.score,
            "generator": picks.generator.tolist(),
            "n_orders": history.pairs["n_orders"].gather(pair).fill_null(0),
            "age_days": history.pairs["age_days"].gather(pair),
            "usual_gap_days": gap,
        },
        schema_overrides={"generator": pl.String, "customer_id": pl.String, "usual_gap_days": pl.Float64},
    )
    bought = pl.col("n_orders") > 0
    last = pl.lit(history.as_of) - pl.duration(days=pl.col("age_days"))
    return table.with_columns(
        reason_product_id=pl.when(bought).then("product_id"),
        reason_kind=pl.when(bought).then(pl.lit("bought_before")).otherwise(pl.lit("fill")),
        last_order_date=last.cast(pl.Date),
    ).with_columns(
        due_date=pl.col("last_order_date") + pl.duration(days=pl.col("usual_gap_days").round().cast(pl.Int64))
    )


def _with_order_by(
    lists: pl.DataFrame, customers: pl.DataFrame, lead_times: pl.DataFrame | None
) -> pl.DataFrame:
    """Add the latest order day that still arrives by the due date."""
    if lead_times is None:
        lists = lists.with_columns(order_by_date=pl.lit(None, dtype=pl.Date))
    else:
        if lead_times["market"].is_duplicated().any():
            raise ValueError("lead_times have repeated markets: give one lead_time_days per market")
        days = customers.join(lead_times, on="market", how="left").select("customer_id", "lead_time_days")
        lists = lists.join(days, on="customer_id", how="left").with_columns(
            order_by_date=pl.col("due_date")
            - pl.duration(days=pl.col("lead_time_days").cast(pl.Float64).ceil().cast(pl.Int64))
        )
    return lists.select(REPLENISH_SCHEMA.keys()).sort("customer_id", "rank")
