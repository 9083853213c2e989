"""Lists of exactly N products per customer: audience, fill by popularity, shortfalls; no model lives here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xbec_platform.recommendations.eligibility import EligibleProducts, eligible_products
from xbec_platform.recommendations.interactions import History, build_history
from xbec_platform.recommendations.popularity import PopularityParams, market_popularity
from xbec_platform.recommendations.top_columns import round_scores

FILLS = ("market_popularity", "catalogue")
"""Generators of `fill_lists`."""
SHORTFALL_SCHEMA = {
    "customer_id": pl.String,
    "n_wanted": pl.Int64,
    "n_delivered": pl.Int64,
    "n_eligible": pl.Int64,
    "n_eligible_bought": pl.Int64,
    "reason": pl.String,
}


@dataclass(frozen=True)
class Audience:
    """Customers who get a list, with what is needed to fill it.

    Attributes:
        history: purchases by code.
        eligible: products by market.
        popularity: shares of decayed buyers, one row per row of `eligible.allowed`.
        customer_ids: sorted text ids.
        customer_ix: position of each in `history`.
        market_row: row of `eligible.allowed` of each.
    """

    history: History
    eligible: EligibleProducts
    popularity: NDArray[np.float64]
    customer_ids: pl.Series
    customer_ix: NDArray[np.int64]
    market_row: NDArray[np.int64]

    def bought(self, row: int) -> NDArray[np.int64]:
        """Return product_ix of everything the customer of a row has ever bought, ascending."""
        customer = self.customer_ix[row]
        start, end = self.history.first_pair[customer], self.history.first_pair[customer + 1]
        products: NDArray[np.int64] = self.history.pairs["product_ix"].to_numpy()[start:end]
        return products


@dataclass(frozen=True)
class Picks:
    """Chosen products, sorted by audience row and then by place in the list.

    Attributes:
        row: audience row.
        product_ix: product.
        score: comparable within one customer and generator only.
        generator: what chose it; shared objects, since fixed-width text takes 68 bytes each.
    """

    row: NDArray[np.int64]
    product_ix: NDArray[np.int64]
    score: NDArray[np.float64]
    generator: NDArray[np.object_]


def build_audience(
    interactions: pl.DataFrame,
    customers: pl.DataFrame,
    eligibility: pl.DataFrame,
    *,
    as_of: date,
    popularity: PopularityParams,
    others: tuple[pl.Series, pl.Series] | None = None,
) -> Audience:
    """Bring the three tables to one coding.

    Args:
        interactions: see `interactions.known_purchases`.
        customers: customer_id, market (null = unknown); one row per customer who is to get a list.
        eligibility: see `eligibility.decide_eligibility`.
        as_of: last known day.
        popularity: settings of the fill.
        others: customer ids and item ids that need a position too: those of signals.

    Returns:
        The audience, sorted by customer.

    Raises:
        ValueError: customers lack a column, have an empty id or a repeated id.
    """
    missing = {"customer_id", "market"} - set(customers.columns)
    if missing:
        raise ValueError(
            f"customers lack {sorted(missing)}: give one row per customer with customer_id and market"
        )
    if customers["customer_id"].null_count() or customers["customer_id"].is_duplicated().any():
        raise ValueError("customers have empty or repeated customer_id: give one row per customer")
    sorted_customers = customers.select("customer_id", "market").sort("customer_id")
    people, items = sorted_customers["customer_id"], eligibility["product_id"]
    if others is not None:
        people, items = pl.concat([people, others[0]]), pl.concat([items, others[1]])
    history = build_history(interactions, as_of=as_of, customer_ids=people, product_ids=items)
    eligible = eligible_products(eligibility, history.product_ids)
    shares = market_popularity(history, eligible.markets, popularity)
    codes = sorted_customers["customer_id"].cast(pl.Enum(history.customer_ids)).to_physical()
    return Audience(
        history,
        eligible,
        np.vstack([shares, np.zeros((1, history.n_products))]),
        sorted_customers["customer_id"],
        codes.to_numpy().astype(np.int64),
        eligible.rows_of(sorted_customers["market"]),
    )


def ranked_popular(audience: Audience) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Return per market row the eligible products with their shares, most popular first, ties by product id."""
    ranked = []
    for allowed, shares in zip(audience.eligible.allowed, audience.popularity, strict=True):
        products = np.flatnonzero(allowed)
        values = round_scores(shares[products])
        order = np.lexsort((products, -values))
        ranked.append((products[order], values[order]))
    return ranked


def fill_lists(audience: Audience, picks: Picks, n_items: int) -> Picks:
    """Fill every list to n_items with popular products of the customer's market.

    Products ever bought and products already in the list are passed over. Only the head of the popularity
    ranking is read, n_items + what is passed over, so the cost does not grow with the catalogue.

    Args:
        audience: who gets a list.
        picks: what models chose, at most n_items per row.
        n_items: length of a list.

    Returns:
        Picks with generator 'market_popularity', then 'catalogue' (eligible but without recent buyers, score 0,
        in order of id) behind the given ones; fewer than n_items only if nothing eligible is left.
    """
    n_rows = len(audience.customer_ids)
    starts = np.searchsorted(picks.row, np.arange(n_rows + 1))
    ranked = ranked_popular(audience)
    passed = np.zeros(audience.history.n_products, dtype=np.bool_)
    rows, products, scores = [picks.row], [picks.product_ix], [picks.score]
    for row in np.flatnonzero(np.diff(starts) < n_items):
        listed = picks.product_ix[starts[row] : starts[row + 1]]
        taken = np.concatenate([audience.bought(int(row)), listed])
        popular, shares = ranked[audience.market_row[row]]
        head = popular[: n_items + len(taken)]
        passed[taken] = True
        places = np.flatnonzero(~passed[head])[: n_items - len(listed)]
        passed[taken] = False
        rows.append(np.full(len(places), row, dtype=np.int64))
        products.append(head[places])
        scores.append(shares[places])
    row_ix, product_ix, score = np.concatenate(rows), np.concatenate(products), np.concatenate(scores)
    by_popularity = np.array(FILLS, dtype=np.object_)[(score[len(picks.row) :] <= 0).astype(np.int64)]
    generator = np.concatenate([picks.generator, by_popularity])
    order = np.argsort(row_ix, kind="stable")
    return Picks(row_ix[order], product_ix[order], score[order], generator[order])


def ranks(picks: Picks) -> NDArray[np.int64]:
    """Return the place of each pick in its list, from 1."""
    first = np.searchsorted(picks.row, picks.row)
    places: NDArray[np.int64] = np.arange(len(picks.row)) - first + 1
    return places


def shortfalls(audience: Audience, picks: Picks, n_items: int) -> pl.DataFrame:
    """List every customer whose list is shorter than n_items, with the reason.

    Returns:
        `SHORTFALL_SCHEMA`, sorted by customer: 'market_not_in_eligibility', 'too_few_eligible_products' or
        'too_few_left_after_bought'.
    """
    delivered = np.bincount(picks.row, minlength=len(audience.customer_ids))
    records = []
    for row in np.flatnonzero(delivered < n_items):
        market = audience.market_row[row]
        allowed = audience.eligible.allowed[market]
        n_eligible = int(allowed.sum())
        if market == len(audience.eligible.markets):
            reason = "market_not_in_eligibility"
        elif n_eligible < n_items:
            reason = "too_few_eligible_products"
        else:
            reason = "too_few_left_after_bought"
        n_bought = int(allowed[audience.bought(int(row))].sum())
        customer = audience.customer_ids[int(row)]
        records.append((customer, n_items, int(delivered[row]), n_eligible, n_bought, reason))
    return pl.DataFrame(records, schema=SHORTFALL_SCHEMA, orient="row")
