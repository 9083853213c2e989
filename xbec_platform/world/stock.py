"""Stock of every warehouse day by day, and which warehouse each order line is taken from. No picking, no parcels."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from xbec_platform.world.network import Network
from xbec_platform.world.spec import WorldSpec, parameters
from xbec_platform.world.streams import stream

NONE = -1


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Order lines that are to be shipped, by the time they were paid; one entry per line.

    Attributes:
        day: Day on which the line can be picked (may lie before or after the period).
        product: Product index.
        qty: Pieces.
        market: Market index.
        ranks: Warehouses in order of preference, lines x ranks, padded with NONE.
        is_presale: Goods bought for the pre-sale arrive for it.
    """

    day: npt.NDArray[np.int32]
    product: npt.NDArray[np.int32]
    qty: npt.NDArray[np.int32]
    market: npt.NDArray[np.int8]
    ranks: npt.NDArray[np.int8]
    is_presale: npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Stock:
    """Pieces by day, warehouse and product.

    Attributes:
        listed: Whether a warehouse keeps a product, warehouses x products.
        opening: On the shelves before day 0.
        layer_age: Age in days at the start of day 0 of each layer of the opening stock: layers x warehouses x products.
        layer_pieces: Pieces of the layer.
        receipts: Put away on a day.
        inbound: On the way at the end of a day.
        due_day: Day the inbound goods of a warehouse are expected, days x warehouses; NONE without any.
    """

    listed: npt.NDArray[np.bool_]
    opening: npt.NDArray[np.int32]
    layer_age: npt.NDArray[np.int32]
    layer_pieces: npt.NDArray[np.int32]
    receipts: npt.NDArray[np.int32]
    inbound: npt.NDArray[np.int32]
    due_day: npt.NDArray[np.int16]


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """Where each line of a demand is taken from: warehouse index and day, NONE when it is not served."""

    warehouse: npt.NDArray[np.int8]
    day: npt.NDArray[np.int32]


def listed_products(
    spec: WorldSpec, network: Network, popularity: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Return which products a warehouse keeps: popular ones rather than others, as many as its listed_share."""
    share = network.warehouses["listed_share"].to_numpy()
    rank = np.argsort(np.argsort(-popularity, kind="stable"), kind="stable") / len(popularity)
    score = stream(spec.seed, "stock.listed").random((len(share), len(popularity))) + rank
    return np.asarray(
        np.argsort(np.argsort(score, axis=1), axis=1) < np.round(share[:, None] * len(popularity))
    )


def simulate_stock(
    spec: WorldSpec,
    network: Network,
    demand: Demand,
    mean: npt.NDArray[np.float64],
    may_hold: npt.NDArray[np.bool_],
) -> tuple[Stock, Allocation]:
    """Serve the lines day by day from the shelves, and refill these.

    Args:
        spec: Period and seed.
        network: Warehouses.
        demand: Lines, sorted by the time they were paid.
        mean: Expected pieces a day, warehouses x products.
        may_hold: Listed and allowed: warehouses x markets x products.

    Returns:
        The stock, and warehouse and day of each line; a line waits until its goods are there.
    """
    shelves = _Shelves(spec, network, mean, may_hold)
    chosen = np.full(len(demand.day), NONE, dtype=np.int8)
    served = np.full(len(demand.day), NONE, dtype=np.int32)
    arrival = np.clip(demand.day, 0, spec.days)
    edges = np.searchsorted(arrival, np.arange(spec.days + 1))
    if (np.diff(arrival) < 0).any():
        raise ValueError("demand must be sorted by day: sort the lines by the time they were paid")
    waiting = np.empty(0, dtype=np.int64)
    longest = parameters("logistics")["stock"]["waiting_days_most"]
    for day in range(spec.days):
        shelves.receive(day)
        lines = np.concatenate([waiting, np.arange(edges[day], edges[day + 1])])
        granted = shelves.serve(day, demand, lines)
        chosen[lines], served[lines] = granted, np.where(granted == NONE, NONE, day)
        waiting = lines[(granted == NONE) & (day - arrival[lines] < longest)]
        shelves.review(day)
    return shelves.stock, Allocation(warehouse=chosen, day=served)


class _Shelves:
    """What can be promised of every product in every warehouse while the days pass."""

    def __init__(
        self,
        spec: WorldSpec,
        network: Network,
        mean: npt.NDArray[np.float64],
        may_hold: npt.NDArray[np.bool_],
    ) -> None:
        self._spec, self._rule = spec, parameters("logistics")["stock"]
        self._may_hold = may_hold
        self._types = network.warehouses["type"].to_list()
        self._lead = np.array([self._rule["lead_days"][kind] for kind in self._types])
        listed = np.asarray(may_hold.any(axis=1), dtype=np.bool_)
        self._target = self._targets(mean, listed)
        self._missing_days = self._out_of_supply(mean.shape[1])
        days, shape = spec.days, mean.shape
        opening, age, pieces = self._opening(shape)
        self.stock = Stock(
            listed=listed,
            opening=opening,
            layer_age=age,
            layer_pieces=pieces,
            receipts=np.zeros((days, *shape), dtype=np.int32),
            inbound=np.zeros((days, *shape), dtype=np.int32),
            due_day=np.full((days, shape[0]), NONE, dtype=np.int16),
        )
        self._free = opening.astype(np.int64)
        self._coming = np.zeros(shape, dtype=np.int64)
        self._expected, self._due = (np.full(shape[0], NONE, dtype=np.int64) for _ in range(2))

    def _targets(
        self, mean: npt.NDArray[np.float64], listed: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.float64]:
        """Return the level that is ordered up to: cover, chance and the buyers' judgement."""
        review = self._rule["review_days"] * np.ceil(self._lead / self._rule["review_days"])
        cover = (self._lead + review + self._rule["safety_days"])[:, None]
        low, high = self._rule["judgement"]
        judgement = stream(self._spec.seed, "stock.judgement").uniform(low, high, mean.shape)
        level = mean * cover * judgement + self._rule["safety_z"] * np.sqrt(mean * cover)
        return np.where(listed, level, 0.0)

    def _out_of_supply(self, products: int) -> npt.NDArray[np.int64]:
        """Return first and last day on which a product cannot be bought, products x 2; (0, -1): always."""
        rng = stream(self._spec.seed, "stock.out_of_supply")
        rule = self._rule["out_of_supply"]
        gap = np.tile(np.array([0, -1], dtype=np.int64), (products, 1))
        hit = rng.permutation(products)[: int(np.ceil(rule["share"] * products))]
        gap[hit, 0] = rng.integers(0, self._spec.days, len(hit))
        gap[hit, 1] = gap[hit, 0] + rng.integers(rule["days"][0], rule["days"][1] + 1, len(hit))
        return gap

    def _opening(
        self, shape: tuple[int, ...]
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        rng = stream(self._spec.seed, "stock.opening")
        low, high = self._rule["opening_share"]
        total = np.ceil(self._target * rng.uniform(low, high, shape))
        layers = self._rule["opening_age_days"]
        age = np.stack([np.round(days * rng.uniform(0.6, 1.4, shape)) for days, _ in layers])
        parts = [np.floor(total * share) for _, share in layers]
        parts[0] += total - sum(parts)
        old = self._rule["old_stock"]
        oldest: tuple[int, int] = tuple(old["age_days"])
        shelf_warmer = (rng.random(shape) < old["share"]) & (self._target > 0)
        parts.append(np.where(shelf_warmer, np.ceil(self._target * old["pieces_factor"]), 0.0))
        age = np.concatenate([age, rng.integers(oldest[0], oldest[1], (1, *shape))])
        pieces = np.stack(parts)
        return pieces.sum(axis=0).astype(np.int32), age.astype(np.int32), pieces.astype(np.int32)

    def receive(self, day: int) -> None:
        """Put away what arrives on this morning."""
        here = self._due == day
        self.stock.receipts[day, here] += self._coming[here].astype(np.int32)
        self._free[here] += self._coming[here]
        self._coming[here] = 0
        self._due[here] = self._expected[here] = NONE

    def serve(self, day: int, demand: Demand, lines: npt.NDArray[np.int64]) -> npt.NDArray[np.int8]:
        """Return the warehouse of each line, first come first served, NONE when nobody has the goods."""
        granted = np.full(len(lines), NONE, dtype=np.int8)
        product, market, qty = demand.product[lines], demand.market[lines], demand.qty[lines]
        for rank in range(demand.ranks.shape[1]):
            place = demand.ranks[lines, rank]
            asking = np.flatnonzero((granted == NONE) & (place != NONE))
            if not len(asking):
                break
            at, goods, pieces = place[asking], product[asking], qty[asking]
            allowed = self._may_hold[at, market[asking], goods]
            asking, at, goods, pieces = asking[allowed], at[allowed], goods[allowed], pieces[allowed]
            presale = demand.is_presale[lines[asking]]
            np.add.at(self.stock.receipts[day], (at[presale], goods[presale]), pieces[presale])
            np.add.at(self._free, (at[presale], goods[presale]), pieces[presale])
            won = self._first_come(at, goods, pieces, presale)
            np.subtract.at(self._free, (at[won], goods[won]), pieces[won])
            granted[asking[won]] = at[won]
        return granted

    def _first_come(
        self,
        place: npt.NDArray[np.int8],
        product: npt.NDArray[np.int32],
        qty: npt.NDArray[np.int32],
        presale: npt.NDArray[np.bool_],
    ) -> npt.NDArray[np.bool_]:
        """Return which lines get their goods: first the pre-sold ones, whose goods came for them, then by time."""
        width = self._free.shape[1]
        cell = place.astype(np.int64) * width + product
        order = np.argsort(2 * cell + ~presale, kind="stable")
        cell, running = cell[order], np.cumsum(qty[order], dtype=np.int64)
        start = np.flatnonzero(np.diff(cell, prepend=-1))
        before = np.repeat((running - qty[order])[start], np.diff(start, append=len(cell)))
        won = np.empty(len(cell), dtype=np.bool_)
        won[order] = running - before <= self._free.ravel()[cell]
        return won

    def review(self, day: int) -> None:
        """Order up to the target where it is a warehouse's turn, then note what is on the way."""
        every = self._rule["review_days"]
        turn = (np.arange(len(self._lead)) % every == day % every) & (self._due == NONE)
        buyable = ~((self._missing_days[:, 0] <= day) & (day <= self._missing_days[:, 1]))
        level = np.ceil(self._target * self._build_up(day))
        missing = np.where(buyable & turn[:, None], np.maximum(level - self._free, 0), 0).astype(np.int64)
        ordered = turn & (missing.sum(axis=1) > 0)
        self._coming += missing
        rng = stream(self._spec.seed, "stock.late", day)
        late = np.where(
            rng.random(len(turn)) < self._rule["late_share"],
            rng.integers(1, self._rule["late_days"] + 1, len(turn)),
            0,
        )
        self._expected = np.where(ordered, day + self._lead, self._expected)
        self._due = np.where(ordered, day + self._lead + late, self._due)
        self.stock.inbound[day] = self._coming
        self.stock.due_day[day] = np.where(
            self._coming.any(axis=1), np.maximum(self._expected, day + 1), NONE
        )

    def _build_up(self, day: int) -> npt.NDArray[np.float64]:
        """Return the factor on the targets of goods that arrive on the eve of the sales days."""
        rule = self._rule["build_up"]
        arrives = [self._spec.day(day + int(lead)) for lead in self._lead]
        return np.array([[rule["factor"] if within(when, rule) else 1.0] for when in arrives])


def within(day: date, rule: dict[str, Any]) -> bool:
    """Return whether a day lies between the month-days `from` and `to` of a rule, both included."""
    return str(rule["from"]) <= day.strftime("%m-%d") <= str(rule["to"])


def mean_pieces(
    rows: npt.NDArray[np.int16],
    product: npt.NDArray[np.int32],
    qty: npt.NDArray[np.int32],
    shape: tuple[int, int],
    days: int,
) -> npt.NDArray[np.float64]:
    """Return mean pieces a day by supply row and product."""
    cell = rows.astype(np.int64) * shape[1] + product
    sums = np.bincount(cell, weights=qty, minlength=shape[0] * shape[1])
    return np.asarray(sums.reshape(shape) / days)
