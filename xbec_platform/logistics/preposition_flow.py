"""How many pieces of each product go to each centre: newsvendors coupled by room and stock, solved exactly.

The expected cost of a product at a centre is convex in the pieces sent, so its pieces become unit arcs of growing cost
and the coupled problem a minimum-cost flow: stock -> product -> (product, centre) -> centre -> room. Which orders a
centre serves is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xbec_platform.logistics.least_cost_flow import least_cost_flow

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SCALE = 1_000_000
"""Costs inside the flow are counted in millionths of the base currency."""
_COST_LIMIT = 2**60


@dataclass(frozen=True, kw_only=True)
class Group:
    """A product at a centre: cost of its first, second, ... piece there, the way there included; never falling."""

    product: int
    centre: int
    marginal: Floats

    @cached_property
    def best(self) -> float:
        """Cost of all pieces that pay, as if nothing else wanted room or stock."""
        return float(self.marginal[self.marginal < 0].sum())

    @cached_property
    def wanted(self) -> Ints:
        """Costs below 0 in millionths."""
        costs = np.rint(self.marginal[self.marginal < 0] * SCALE).astype(np.int64)
        return costs[costs < 0]


def send_quantities(groups: Sequence[Group], stock: Ints, room: Ints) -> Ints:
    """Pieces of each group at least total cost.

    Args:
        groups: In an order that does not depend on chance.
        stock: Pieces of each product, shape (P,).
        room: Pieces each centre takes, shape (W,).

    Returns:
        Pieces of each group, shape (G,).
    """
    # Pieces that cost more than they save are sent in no optimum: their arcs are left out.
    wanted = [group.wanted for group in groups]
    size = np.array([len(costs) for costs in wanted], dtype=np.int64)
    if not size.sum():
        return size
    product = np.array([group.product for group in groups])
    centre = np.array([group.centre for group in groups])
    if _fits(size, product, stock) and _fits(size, centre, room):
        return size
    n_products, n_groups, n_centres = len(stock), len(groups), len(room)
    first_group, first_centre = 1 + n_products, 1 + n_products + n_groups
    sink = first_centre + n_centres
    number = np.arange(n_groups)
    owner = np.repeat(number, size)
    tails = [np.zeros(n_products + 1), 1 + product, first_group + owner, first_centre + np.arange(n_centres)]
    heads = [
        np.append(1 + np.arange(n_products), sink),
        first_group + number,
        first_centre + centre[owner],
        np.full(n_centres, sink),
    ]
    total = int(size.sum())
    limits = [np.append(np.minimum(stock, total), total), size, np.ones(total), np.minimum(room, total)]
    costs = [np.zeros(n_products + 1), np.zeros(n_groups), np.concatenate(wanted), np.zeros(n_centres)]
    dearest = -min(int(one.min()) for one in wanted if len(one))
    if dearest * (sink + 2) >= _COST_LIMIT:
        raise ValueError(f"a piece saves {dearest / SCALE:g}: too much for the solver's arithmetic")
    flows = least_cost_flow(
        tails, heads, limits, costs, sources=np.zeros(1), supply=np.array([total]), sink=sink
    )
    if flows is None:
        raise RuntimeError("min-cost flow found nothing although sending nothing is always possible")
    return flows[n_products + 1 : n_products + 1 + n_groups]


def _fits(size: Ints, place: Ints, limit: Ints) -> bool:
    """Whether what every group wants is there: then nothing couples them."""
    return bool((np.bincount(place, weights=size, minlength=len(limit)) <= limit).all())
