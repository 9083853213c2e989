"""What happens to the generated orders: stock, shipping, delivery; files and returns do not belong here."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.catalogue import Catalogue
from xbec_platform.demo.orders import Sales
from xbec_platform.demo.sample_stock import SNAPSHOT_SCHEMA
from xbec_platform.demo.world import Period, shop_world

OPEN = -1
CANCELLED_SHARE = 0.025
NEXT_DAY_SHARE = 0.7
# Centres take turns in ordering, each once a week.
REVIEW_DAYS = 7
LEAD_DAYS = {"domestic": 3, "bonded": 4}
FAR_LEAD_DAYS = 9
# The share of a market's orders its first, second and third centre is stocked for.
CENTRE_SHARES = (0.75, 0.15, 0.10)
# Days of demand a centre holds beyond its lead time and the week between two orders.
SAFETY_DAYS = 14
# Range of the factor by which buyers misjudge a product in a centre: below 1 it runs out.
JUDGEMENT = (0.5, 1.6)
CAPACITY_HEADROOM = 1.2
# So many of the best-selling quarter of the products cannot be bought any more after half of the period.
OUT_OF_SUPPLY = 5


@dataclass(frozen=True, kw_only=True)
class Fulfilment:
    """Fate of the orders and the stock behind it.

    Attributes:
        cancelled: One flag per order.
        shipped: Day number on which each order left, OPEN when it did not.
        delivered: Day number of arrival, OPEN when not shipped; may lie after the period.
        snapshots: Stock at the end of each day, in the columns of the contract.
    """

    cancelled: npt.NDArray[np.bool_]
    shipped: npt.NDArray[np.int64]
    delivered: npt.NDArray[np.int64]
    snapshots: dict[int, pl.DataFrame]


def shop_centres(centres: pl.DataFrame) -> pl.DataFrame:
    """Return the sample centres from which some market of the shop is served."""
    used = {name for rule in shop_world()["markets"].values() for name in rule["warehouses"]}
    return centres.filter(pl.col("warehouse_id").is_in(sorted(used)))


def expected_pieces(sales: Sales, centres: pl.DataFrame, products: int, days: int) -> npt.NDArray[np.float64]:
    """Return the mean pieces a day each centre (rows) is planned to ship of each product (columns)."""
    markets = list(shop_world()["markets"].values())
    place = {name: number for number, name in enumerate(centres["warehouse_id"])}
    share = np.zeros((centres.height, len(markets)))
    for market, rule in enumerate(markets):
        for name, part in zip(rule["warehouses"], CENTRE_SHARES, strict=False):
            share[place[name], market] += part
    sold = np.zeros((len(markets), products))
    lines = sales.lines.join(sales.orders.select("order", "market"), on="order")
    np.add.at(sold, (lines["market"].to_numpy(), lines["product"].to_numpy()), lines["qty"].to_numpy())
    return np.asarray(share @ sold / days)


def daily_capacity(expected: npt.NDArray[np.float64], centres: pl.DataFrame) -> dict[str, int]:
    """Return pieces a day by centre: enough for a usual day, too little for a promotion."""
    pieces = np.ceil(expected.sum(axis=1) * CAPACITY_HEADROOM).astype(int)
    return dict(zip(centres["warehouse_id"], pieces.tolist(), strict=True))


def fulfil(
    *, period: Period, sales: Sales, catalogue: Catalogue, centres: pl.DataFrame, rng: np.random.Generator
) -> Fulfilment:
    """Ship every order from the first centres of its market that have the goods, day by day.

    Orders of a day are picked on one of the next two mornings; until then their pieces lie on the shelf,
    reserved when a night has passed. An order waits until all its lines are there.
    """
    size = sales.orders.height
    cancelled = rng.random(size) < CANCELLED_SHARE
    earliest = sales.orders["day"].to_numpy() + np.where(rng.random(size) < NEXT_DAY_SHARE, 1, 2)
    expected = expected_pieces(sales, centres, catalogue.category.size, period.days)
    shelves = _Shelves(centres=centres, catalogue=catalogue, expected=expected, rng=rng)
    best = np.argsort(-expected.sum(axis=0), kind="stable")[: expected.shape[1] // 4]
    unavailable = rng.choice(best, OUT_OF_SUPPLY, replace=False)
    picks = _Picks(sales=sales, centres=centres)
    shipped = np.full(size, OPEN)
    waiting: list[int] = []
    snapshots = {}
    for day in range(period.days):
        shelves.receive(day)
        waiting += np.flatnonzero((earliest == day) & ~cancelled).tolist()
        for order in waiting:
            if shelves.take(picks.wishes(order)):
                shipped[order] = day
        waiting = [order for order in waiting if shipped[order] == OPEN]
        reserved = np.zeros_like(shelves.on_hand)
        overnight = np.flatnonzero((earliest == day + 1) & (picks.day < day) & ~cancelled).tolist()
        for order in waiting + overnight:
            shelves.reserve(picks.wishes(order), reserved)
        shelves.review(day, unavailable if day >= period.days // 2 else unavailable[:0])
        snapshots[day] = shelves.snapshot(period, day, reserved)
    arrived = np.where(shipped == OPEN, OPEN, shipped + _transit_days(sales, rng))
    return Fulfilment(cancelled=cancelled, shipped=shipped, delivered=arrived, snapshots=snapshots)


def _transit_days(sales: Sales, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return days on the way: two less than promised as a rule, so that some orders come late."""
    promised = np.array([rule["promised_days"] for rule in shop_world()["markets"].values()])
    usual = promised[sales.orders["market"].to_numpy()] - 2
    return np.asarray(np.maximum(np.round(rng.normal(usual, 1.2)), 1), dtype=np.int64)


class _Picks:
    """What each order needs and from which centres its market is served."""

    def __init__(self, *, sales: Sales, centres: pl.DataFrame) -> None:
        place = {name: number for number, name in enumerate(centres["warehouse_id"])}
        served = [[place[name] for name in rule["warehouses"]] for rule in shop_world()["markets"].values()]
        self.day = sales.orders["day"].to_numpy()
        self._centres = [served[market] for market in sales.orders["market"]]
        self._lines: list[list[tuple[int, int]]] = [[] for _ in range(sales.orders.height)]
        for order, product, qty in sales.lines.select("order", "product", "qty").iter_rows():
            self._lines[order].append((product, qty))

    def wishes(self, order: int) -> list[tuple[int, int, list[int]]]:
        """Return product, quantity and centres (first choice first) of each line."""
        return [(product, qty, self._centres[order]) for product, qty in self._lines[order]]


class _Shelves:
    """Stock of every centre and product; orders up to a target once a week."""

    def __init__(
        self,
        *,
        centres: pl.DataFrame,
        catalogue: Catalogue,
        expected: npt.NDArray[np.float64],
        rng: np.random.Generator,
    ) -> None:
        self._catalogue = catalogue
        self._names = centres["warehouse_id"].to_list()
        self._ids = catalogue.frame["product_id"].to_numpy()
        self._lead = [LEAD_DAYS.get(kind, FAR_LEAD_DAYS) for kind in centres["type"]]
        cover = np.array(self._lead)[:, None] + REVIEW_DAYS + SAFETY_DAYS
        self._target = np.ceil(expected * cover * rng.uniform(*JUDGEMENT, expected.shape)).astype(np.int64)
        self._due = np.full(len(self._names), OPEN)
        self.on_hand = np.where(catalogue.on_sale(0), self._target, 0)
        self.inbound = np.zeros_like(self.on_hand)

    def receive(self, day: int) -> None:
        """Put away what was due on this morning."""
        here = self._due == day
        self.on_hand[here] += self.inbound[here]
        self.inbound[here] = 0
        self._due[here] = OPEN

    def review(self, day: int, unavailable: npt.NDArray[np.int64]) -> None:
        """Let the centres whose turn it is order what is missing to their targets, if it can be had."""
        for centre, lead in enumerate(self._lead):
            if day % REVIEW_DAYS == centre % REVIEW_DAYS and self._due[centre] == OPEN:
                listed = self._catalogue.on_sale(day)
                missing = np.where(listed, self._target[centre] - self.on_hand[centre], 0)
                self.inbound[centre] = np.maximum(missing, 0)
                self.inbound[centre, unavailable] = 0
                self._due[centre] = day + lead

    def take(self, wishes: list[tuple[int, int, list[int]]]) -> bool:
        """Take all lines off the shelves, or nothing when one of them is not there."""
        found = [self._find(product, qty, places, self.on_hand) for product, qty, places in wishes]
        if OPEN in found:
            return False
        for (product, qty, _), centre in zip(wishes, found, strict=True):
            self.on_hand[centre, product] -= qty
        return True

    def reserve(self, wishes: list[tuple[int, int, list[int]]], reserved: npt.NDArray[np.int64]) -> None:
        """Count the lines that are there as reserved."""
        for product, qty, places in wishes:
            centre = self._find(product, qty, places, self.on_hand - reserved)
            if centre != OPEN:
                reserved[centre, product] += qty

    @staticmethod
    def _find(product: int, qty: int, places: list[int], stock: npt.NDArray[np.int64]) -> int:
        return next((centre for centre in places if stock[centre, product] >= qty), OPEN)

    def snapshot(self, period: Period, day: int, reserved: npt.NDArray[np.int64]) -> pl.DataFrame:
        """Return one row per centre and product it is planned to hold."""
        centre, product = np.nonzero((self._target > 0) & (self._catalogue.launch <= day))
        coming = self.inbound[centre, product]
        return pl.DataFrame(
            {
                "warehouse_id": [self._names[number] for number in centre],
                "product_id": self._ids[product],
                "snapshot_date": [period.day(day)] * len(centre),
                "on_hand": self.on_hand[centre, product],
                "reserved": reserved[centre, product],
                "inbound": coming,
                "inbound_eta_date": [
                    period.day(int(self._due[place])) if pieces else None
                    for place, pieces in zip(centre, coming, strict=True)
                ],
                "is_sample": [True] * len(centre),
            },
            schema=SNAPSHOT_SCHEMA,
        ).sort("warehouse_id", "product_id")
