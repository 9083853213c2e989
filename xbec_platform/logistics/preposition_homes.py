"""Which centre each order is planned for. Quantities given the homes are in preposition_flow, tables elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations, product

import numpy as np
import polars as pl

from xbec_platform.logistics.assignment_schema import conform
from xbec_platform.logistics.newsvendor import demand_distribution, marginal_costs
from xbec_platform.logistics.preposition_flow import Floats, Group, Ints, send_quantities
from xbec_platform.logistics.preposition_schema import (
    DEPOSIT_SCHEMA,
    OPTION_SCHEMA,
    ROOM_SCHEMA,
    STOCK_SCHEMA,
    HomeReason,
    PrepositionInputs,
)

UNLIMITED = 2**40
FEW_ORDERS = 8
"""Up to so many orders of a product every single move and pair of moves is tried; above, pooling gains too little."""
MAX_PASSES = 4


@dataclass(frozen=True, kw_only=True)
class Model:
    """Numbers behind the frames; orders sorted by product, pre-sale, zone and order_id.

    Attributes:
        orders: Orders that take part, columns of DEPOSIT_SCHEMA.
        rejected: The others, with `reason`.
        items: Pre-sales: presale_id, product_id, by number.
        centres: warehouse_id by number.
        options: OPTION_SCHEMA with `item` and `centre`.
        item: Item of each order, shape (K,).
        product: Product of each item, shape (I,).
        zone_class: Item x zone of each order, shape (K,).
        qty: Pieces of each order.
        probability: That it is paid.
        saving: Of a used piece by item x zone and centre; -inf = no option, shape (C, W).
        rank: Distance rank likewise; large = no option.
        send: Cost of a piece to the centre by item, shape (I, W); inf = no option.
        unused: Cost of a piece left over, likewise.
        stock: Pieces of each product, shape (P,).
        room: Pieces of each centre, shape (W,).
    """

    orders: pl.DataFrame
    rejected: pl.DataFrame
    items: pl.DataFrame
    centres: list[str]
    options: pl.DataFrame
    item: Ints
    product: Ints
    zone_class: Ints
    qty: Ints
    probability: Floats
    saving: Floats
    rank: Ints
    send: Floats
    unused: Floats
    stock: Ints
    room: Ints
    _groups: dict[tuple[int, int, bytes], Group] = field(default_factory=dict)

    def group(self, item: int, centre: int, members: Ints) -> Group:
        """An item at a centre with the orders planned for it."""
        key = (item, centre, members.tobytes())
        if key not in self._groups:
            pmf = demand_distribution(self.probability[members], self.qty[members])
            costs = marginal_costs(
                pmf, unused=float(self.unused[item, centre]), saving=self.mean_saving(centre, members)
            )
            marginal = costs + self.send[item, centre]
            self._groups[key] = Group(product=int(self.product[item]), centre=centre, marginal=marginal)
        return self._groups[key]

    def mean_saving(self, centre: int, members: Ints) -> float:
        """What a used piece saves. Which paid order gets it is chance: each counts by its expected pieces."""
        weight = self.probability[members] * self.qty[members]
        saving = self.saving[self.zone_class[members], centre]
        return float(saving @ weight / weight.sum()) if weight.sum() > 0 else float(saving.mean())

    def nearest_cost(self) -> float:
        """Expected cost of sending every piece to its nearest centre until room or stock is used up."""
        stock, room, total = self.stock.copy(), self.room.copy(), 0.0
        for _, _, group in _grouped(self, nearest_homes(self)):
            units = int(min(len(group.marginal), stock[group.product], room[group.centre]))
            stock[group.product] -= units
            room[group.centre] -= units
            total += float(group.marginal[:units].sum())
        return total


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Homes with their quantities.

    Attributes:
        home: Centre of each order, shape (K,).
        groups: (item, centre, members) in order.
        quantity: Pieces of each group.
        wish: Pieces of each group if nothing else wanted room or stock.
        cost: Expected, against sending nothing.
    """

    home: Ints
    groups: list[tuple[int, int, Ints]]
    quantity: Ints
    wish: Ints
    cost: float


def build_model(inputs: PrepositionInputs) -> Model:
    """Type, sort and number the frames; orders that cannot take part get their reason.

    Raises:
        ValueError: A cost is negative or no number, or a key comes twice.
    """
    deposits = conform(inputs.deposits, DEPOSIT_SCHEMA).sort("product_id", "presale_id", "zone", "order_id")
    options = conform(inputs.options, OPTION_SCHEMA).sort("presale_id", "zone", "warehouse_id")
    stock = conform(inputs.stock, STOCK_SCHEMA).sort("product_id")
    _refuse(deposits, ("order_id",), "deposits")
    _refuse(options, ("presale_id", "zone", "warehouse_id"), "options")
    _refuse(stock, ("product_id",), "stock")
    for name in ("send_cost", "unused_cost"):
        wrong = options.filter(~(pl.col(name) >= 0).fill_null(False) | ~pl.col(name).is_finite())
        if wrong.height:
            raise ValueError(f"options: {name} of {wrong.row(0)[:3]} is negative or no number")
    if options.filter(~pl.col("saving").is_finite().fill_null(False)).height:
        raise ValueError("options: saving must be a number")
    reason = _reasons(deposits, options, stock)
    orders, rejected = (
        deposits.filter(reason.is_null()),
        deposits.with_columns(reason=reason).drop_nulls("reason"),
    )
    return _numbered(orders, rejected, options, stock, conform(inputs.rooms, ROOM_SCHEMA))


def _refuse(frame: pl.DataFrame, key: tuple[str, ...], name: str) -> None:
    twice = frame.filter(frame.select(key).is_duplicated())
    if twice.height:
        raise ValueError(f"{name}: {key} {twice.select(key).row(0)} comes twice; keep one row per key")


def _reasons(deposits: pl.DataFrame, options: pl.DataFrame, stock: pl.DataFrame) -> pl.Series:
    known = deposits.select("presale_id", "zone", "product_id").with_columns(
        has_option=pl.struct("presale_id", "zone").is_in(
            options.select(pl.struct("presale_id", "zone")).to_series().implode()
        ),
        has_stock=pl.col("product_id").is_in(stock.filter(pl.col("units") > 0)["product_id"].implode()),
    )
    chance = pl.col("probability")
    cases = (
        (pl.col("zone").is_null(), HomeReason.NO_ADDRESS),
        (~chance.is_between(0, 1).fill_null(False), HomeReason.NO_PROBABILITY),
        (~(pl.col("qty") >= 1).fill_null(False), HomeReason.BAD_QUANTITY),
        (~pl.col("has_stock").fill_null(False), HomeReason.NO_STOCK),
        (~pl.col("has_option").fill_null(False), HomeReason.NO_CENTRE_IN_TIME),
    )
    texts = [pl.when(condition).then(pl.lit(reason.value)) for condition, reason in cases]
    table = deposits.hstack(known.select("has_option", "has_stock"))
    return table.select(reason=pl.coalesce(*texts)).to_series()


def _numbered(
    orders: pl.DataFrame,
    rejected: pl.DataFrame,
    options: pl.DataFrame,
    stock: pl.DataFrame,
    rooms: pl.DataFrame,
) -> Model:
    items = orders.select("presale_id", "product_id").unique(maintain_order=True).with_row_index("item")
    products = items.select("product_id").unique(maintain_order=True).with_row_index("product")
    classes = orders.select("presale_id", "zone").unique(maintain_order=True).with_row_index("zone_class")
    used = options.join(classes, on=["presale_id", "zone"], how="inner").join(
        items.select("presale_id", "item"), on="presale_id", how="inner"
    )
    centres = used.select("warehouse_id").unique().sort("warehouse_id").with_row_index("centre")
    used = used.join(centres, on="warehouse_id", how="inner").sort("item", "zone_class", "centre")
    numbered = orders.join(
        items.select("presale_id", "item"), on="presale_id", how="left", maintain_order="left"
    ).join(classes, on=["presale_id", "zone"], how="left", maintain_order="left")
    place = (used["zone_class"].to_numpy(), used["centre"].to_numpy())
    by_item = (used["item"].to_numpy(), used["centre"].to_numpy())
    shape, item_shape = (classes.height, centres.height), (items.height, centres.height)
    saving, rank = np.full(shape, -np.inf), np.full(shape, UNLIMITED)
    send, unused = np.full(item_shape, np.inf), np.zeros(item_shape)
    saving[place], rank[place] = (
        used["saving"].to_numpy(),
        used["distance_rank"].fill_null(UNLIMITED).to_numpy(),
    )
    send[by_item], unused[by_item] = used["send_cost"].to_numpy(), used["unused_cost"].to_numpy()
    units = products.join(stock, on="product_id", how="left", maintain_order="left")["units"].fill_null(0)
    room = centres.join(rooms, on="warehouse_id", how="left", maintain_order="left")["room_units"]
    return Model(
        orders=orders,
        rejected=rejected,
        items=items,
        centres=centres["warehouse_id"].to_list(),
        options=used,
        item=numbered["item"].cast(pl.Int64).to_numpy(),
        product=items.join(products, on="product_id", how="left", maintain_order="left")["product"]
        .cast(pl.Int64)
        .to_numpy(),
        zone_class=numbered["zone_class"].cast(pl.Int64).to_numpy(),
        qty=orders["qty"].to_numpy(),
        probability=orders["probability"].to_numpy(),
        saving=saving,
        rank=rank,
        send=send,
        unused=unused,
        stock=np.maximum(units.to_numpy(), 0),
        room=np.maximum(room.fill_null(UNLIMITED).to_numpy(), 0),
    )


def nearest_homes(model: Model) -> Ints:
    """The nearest centre of each order; ties by id."""
    return np.asarray(np.argmin(model.rank, axis=1)[model.zone_class])


def profitable_homes(model: Model) -> Ints:
    """The centre where a piece sent and used brings most; ties by id."""
    first = np.unique(model.zone_class, return_index=True)[1]
    gain = model.saving - model.send[model.item[first]]
    return np.asarray(np.argmax(np.where(np.isfinite(gain), gain, -np.inf), axis=1)[model.zone_class])


def best_homes(model: Model) -> Choice:
    """Try both rules, then move orders between centres while that pays."""
    reached = []
    for start in (profitable_homes(model), nearest_homes(model)):
        best = _choice(model, start)
        for _ in range(MAX_PASSES):
            moved = _choice(model, _improved(model, best))
            if moved.cost >= best.cost - 1e-9:
                break
            best = moved
        reached.append(best)
    return min(reached, key=lambda choice: choice.cost)


def _choice(model: Model, home: Ints) -> Choice:
    found = list(_grouped(model, home))
    quantity = send_quantities([group for _, _, group in found], model.stock, model.room)
    cost = sum(float(group.marginal[:n].sum()) for (_, _, group), n in zip(found, quantity, strict=True))
    wish = np.array([int((group.marginal < 0).sum()) for _, _, group in found], dtype=np.int64)
    groups = [(item, group.centre, members) for item, members, group in found]
    return Choice(home=home, groups=groups, quantity=quantity, wish=wish, cost=cost)


def _grouped(model: Model, home: Ints, members: Ints | None = None) -> Iterator[tuple[int, Ints, Group]]:
    """Items at centres in order, with the orders planned for them; of some orders only, if named."""
    among = np.arange(len(home)) if members is None else members
    key = model.item[among] * len(model.room) + home[among]
    order = np.argsort(key, kind="stable")
    edges = np.flatnonzero(np.diff(key[order])) + 1
    for part in np.split(among[order], edges):
        item, centre = int(model.item[part[0]]), int(home[part[0]])
        yield item, part, model.group(item, centre, part)


def _improved(model: Model, choice: Choice) -> Ints:
    """One pass over the products; each sees the room that the others leave. Few orders are looked at together."""
    home = choice.home.copy()
    if len(home) <= FEW_ORDERS:
        _climb(model, home, np.arange(len(home)), model.room)
        return home
    use = np.zeros(len(model.room), dtype=np.int64)
    own: dict[int, Ints] = {}
    for (item, centre, _), units in zip(choice.groups, choice.quantity, strict=True):
        use[centre] += units
        own.setdefault(int(model.product[item]), np.zeros_like(use))[centre] += units
    for one in sorted(own):
        members = np.flatnonzero(model.product[model.item] == one)
        room = model.room - use + own[one]
        use = use - own[one] + _climb(model, home, members, room)
    return home


def _climb(model: Model, home: Ints, members: Ints, room: Ints) -> Ints:
    """Move some orders while that lowers their cost; changes `home`, returns the room they use."""
    now = _alone(model, home, members, room)
    if now is None:
        raise RuntimeError("costs of a plan at hand are always finite")
    while True:
        best, best_home = now, home
        for moved, centres in _moves(model, home, members, now.full):
            if not np.isfinite(model.saving[model.zone_class[moved], centres]).all():
                continue
            trial = home.copy()
            trial[moved] = centres
            found = _alone(model, trial, members, room, best.cost - 1e-9)
            if found is not None and found.cost < best.cost - 1e-9:
                best, best_home = found, trial
        if best is now:
            return now.use
        home[:] = best_home
        now = best


@dataclass(frozen=True, kw_only=True)
class _Alone:
    """Some orders by themselves: cost, room used, groups that find too little room with what they miss."""

    cost: float
    use: Ints
    full: list[tuple[Ints, int]]


def _alone(model: Model, home: Ints, members: Ints, room: Ints, ceiling: float = np.inf) -> _Alone | None:
    """None where even without limits the cost is not below the ceiling: most moves are seen through so."""
    found = list(_grouped(model, home, members))
    groups, parts = [group for _, _, group in found], [part for _, part, _ in found]
    if sum(group.best for group in groups) >= ceiling:
        return None
    quantity = send_quantities(groups, model.stock, room)
    centres = np.array([group.centre for group in groups])
    use = np.bincount(centres, weights=quantity, minlength=len(room)).astype(np.int64)
    cost, full = 0.0, []
    for group, part, units in zip(groups, parts, quantity, strict=True):
        cost += float(group.marginal[:units].sum())
        missing = int((group.marginal < 0).sum() - units)
        if missing and use[group.centre] >= room[group.centre]:
            full.append((part, missing))
    return _Alone(cost=cost, use=use, full=full)


def _moves(
    model: Model, home: Ints, members: Ints, full: list[tuple[Ints, int]]
) -> Iterator[tuple[Ints, Ints]]:
    """Orders and the centres they could move to.

    Few orders: each one and each two to any centres. Many: all of a zone, and those that find no room, to one centre.
    """
    n_centres = len(model.room)
    if len(members) <= FEW_ORDERS:
        for size in (1, 2):
            for part in combinations(members, size):
                elsewhere = [[one for one in range(n_centres) if one != home[order]] for order in part]
                for centres in product(*elsewhere):
                    yield np.array(part), np.array(centres)
    elif full:
        zones = [members[model.zone_class[members] == one] for one in np.unique(model.zone_class[members])]
        for part in [*(part[-missing:] for part, missing in full), *zones]:
            for centre in range(n_centres):
                if (home[part] != centre).any():
                    yield part, np.full(len(part), centre)
