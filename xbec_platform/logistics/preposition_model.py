"""Deposits, options, room and stock of pre-positioning as numbers; who takes no part and why. Nothing is decided."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from xbec_platform.logistics.assignment_schema import conform
from xbec_platform.logistics.newsvendor import demand_distribution, marginal_costs
from xbec_platform.logistics.preposition_flow import Floats, Group, Ints
from xbec_platform.logistics.preposition_schema import (
    DEPOSIT_SCHEMA,
    OPTION_SCHEMA,
    ROOM_SCHEMA,
    STOCK_SCHEMA,
    HomeReason,
    PrepositionInputs,
)

UNLIMITED = 2**40


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
