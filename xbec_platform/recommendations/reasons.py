"""The product behind each recommendation, bought or looked at; which product is recommended is decided elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbec_platform.recommendations.ease import ItemModel
from xbec_platform.recommendations.interactions import runs
from xbec_platform.recommendations.lists import FILLS, Audience, Picks
from xbec_platform.recommendations.signals import CATEGORY_PAGE

NO_PRODUCT = -1


def _latest_bought(audience: Audience, customer: int) -> int:
    start, end = audience.history.first_pair[customer], audience.history.first_pair[customer + 1]
    pairs = audience.history.pairs[int(start) : int(end)]
    order = np.lexsort((pairs["product_ix"], -pairs["n_orders"].to_numpy(), pairs["age_days"]))
    return int(pairs["product_ix"][int(order[0])])


def explain(
    audience: Audience, picks: Picks, model: ItemModel, matrix: Any
) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """Name one product for each pick of a customer with a history.

    Args:
        audience: customers.
        picks: their lists.
        model: the fitted model.
        matrix: CSR customers x modelled products, the rows the model scored.

    Returns:
        product_ix of the reason (`NO_PRODUCT` = none) and its kind:
        'bought' = largest contribution x_j B_ji to the score; 'looked_at' and 'browsed_category' the same of what the
        customer has not bought but looked at, the latter a page of a category;
        'closest_bought' = the pick is a fill: the bought product that speaks most for it, if any does;
        'latest_bought' = the model knows no relation: latest, then most often bought, then by id;
        'market_popularity' = the customer has no history.
    """
    column_of = np.full(audience.history.n_products, NO_PRODUCT, dtype=np.int64)
    column_of[model.shown] = np.arange(len(model.shown))
    shown = column_of[picks.product_ix]
    has_history = (np.diff(audience.history.first_pair) > 0)[audience.customer_ix[picks.row]]
    modelled = ~np.isin(picks.generator, FILLS)
    kind = np.full(len(picks.row), "market_popularity", dtype=np.object_)
    kind[has_history] = "latest_bought"
    reason = np.full(len(picks.row), NO_PRODUCT, dtype=np.int64)
    for places in _by_customer(picks, np.flatnonzero(modelled)):
        bought, weights = _known(matrix, audience.customer_ix[picks.row[places[0]]])
        # A positive score has a positive contribution, and argmax takes the first by id among equals.
        best = model.contributions(weights, bought, shown[places]).argmax(axis=1)
        reason[places] = model.columns[bought[best]]
    kind[modelled] = _kinds(audience, picks.row[modelled], reason[modelled])
    for places in _by_customer(picks, np.flatnonzero(has_history & ~modelled)):
        customer = audience.customer_ix[picks.row[places[0]]]
        reason[places] = _latest_bought(audience, customer)
        bought, _ = _known(matrix, customer)
        bought = bought[np.isin(model.columns[bought], audience.bought(int(picks.row[places[0]])))]
        near = places[shown[places] != NO_PRODUCT]
        if len(bought):
            strength = model.contributions(np.ones(len(bought), dtype=np.float32), bought, shown[near])
            positive = strength.max(axis=1) > 0
            reason[near[positive]] = model.columns[bought[strength.argmax(axis=1)[positive]]]
            kind[near[positive]] = "closest_bought"
    return reason, kind


def _kinds(audience: Audience, rows: NDArray[np.int64], products: NDArray[np.int64]) -> NDArray[np.object_]:
    """Say how the customers of rows know the products that speak for others, all at once."""
    history = audience.history
    pairs = (
        history.pairs["customer_ix"].to_numpy() * history.n_products + history.pairs["product_ix"].to_numpy()
    )
    wanted = audience.customer_ix[rows] * history.n_products + products
    is_bought = np.append(pairs, -1)[np.searchsorted(pairs, wanted)] == wanted
    is_page = history.product_ids.str.starts_with(CATEGORY_PAGE).to_numpy()[products]
    kinds = np.full(len(rows), "looked_at", dtype=np.object_)
    kinds[is_page] = "browsed_category"
    kinds[is_bought] = "bought"
    return kinds


def _known(matrix: Any, customer: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return modelled products and weights of a customer, ascending."""
    place = slice(matrix.indptr[customer], matrix.indptr[customer + 1])
    return matrix.indices[place], matrix.data[place]


def _by_customer(picks: Picks, places: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Split places of `picks` by audience row; picks are sorted by it."""
    starts, _ = runs(picks.row[places])
    return np.split(places, starts[1:]) if len(places) else []
