"""What happens to paid orders, from stock to the door, and the shipments file. Scans: `tracking`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.files import MONEY, money, timestamp
from xbec_platform.world.network import Network
from xbec_platform.world.parcels import (
    DUE_AT_DOOR,
    add_costs,
    add_fates,
    add_identity,
    add_journeys,
    pack,
)
from xbec_platform.world.picking import PickQueue, ship_days, shipped_ts
from xbec_platform.world.places import markets
from xbec_platform.world.spec import SECONDS_PER_DAY, WorldSpec
from xbec_platform.world.stock import Allocation, Demand, Stock, mean_pieces, simulate_stock
from xbec_platform.world.streams import stream
from xbec_platform.world.supply import (
    Supply,
    build_supply,
    expected_demand,
    may_hold,
    smoothed_pieces,
)

if TYPE_CHECKING:
    from xbec_platform.world.catalogue import Catalogue
    from xbec_platform.world.orders import Orders
    from xbec_platform.world.plan import Plan

NONE = -1
HOUR = 3600
# Goods that came in on a morning can be picked from this hour (UTC) on.
PUT_AWAY_HOUR = 6
SHIPMENT_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "parcel_id": pl.String,
    "order_id": pl.String,
    "warehouse_id": pl.String,
    "lane_ids": pl.String,
    "shipped_ts": pl.Datetime("us", "UTC"),
    "weight_kg": pl.Float64,
    "dims": pl.String,
    "declared_value": MONEY,
    "currency": pl.String,
    "customs_mode": pl.String,
    "cost": MONEY,
}


@dataclass(frozen=True, kw_only=True)
class Fulfilment:
    """Parcels and the stock behind them.

    Attributes:
        parcels: One row per parcel (the row number is its index), sorted by day of shipping: parcel_id, order (index),
            warehouse, market, journey (indices), lanes (list of lane indices), mode, carrier, tracking_no,
            ship_day (local day of the warehouse), pieces, weight_kg, length_cm, width_cm, height_cm, hazard (bits),
            declared_cents, currency, cost_cents (EUR), cost_is_known, customs_mode, shipped_ts, promised_ts,
            departed_ts, landed_ts, received_ts, delivered_ts (null: stuck, lost, returned, or after the period),
            fate (truth), arrival_ts (truth: when it is or would have been delivered), ended_at (truth: share of the
            way after which scans cease).
        contents: One row per order line, in the order of the lines of the orders: parcel (index of the first parcel
            with it, null when not shipped), warehouse (null), served_day (goods found), ship_day.
        stock: Stock by day.
        shipped: Pieces handed over by day, warehouse and product.
        reserved: Pieces promised on an earlier day and not yet handed over, by day, warehouse and product.
    """

    parcels: pl.DataFrame
    contents: pl.DataFrame
    stock: Stock
    shipped: npt.NDArray[np.int32]
    reserved: npt.NDArray[np.int32]


def build_fulfilment(spec: WorldSpec, orders: Orders, catalogue: Catalogue, network: Network) -> Fulfilment:
    """Ship what was paid and not cancelled, from the warehouse its market and operation mode prefer and that has it.

    Args:
        spec: Period and seed.
        orders: `.frame` (row = order) with what `promises.add_promises` adds, and `.lines`.
        catalogue: `.frame` (row = product).
        network: Warehouses, lanes, journeys.
    """
    lines = _lines_to_ship(orders)
    demand, supply_rows, supply = _demand(spec, orders.frame, lines, network)
    products = catalogue.frame.height
    popularity = catalogue.frame["popularity"].to_numpy().astype(np.float64)
    allowed = may_hold(spec, network, catalogue)
    pieces = mean_pieces(supply_rows, demand.product, demand.qty, (len(supply.keys), products), spec.days)
    mean = expected_demand(supply, smoothed_pieces(pieces, popularity), allowed)
    stock, allocation = simulate_stock(spec, network, demand, mean, allowed)
    day = _ship_days(spec, network, lines, demand, allocation)
    lines = lines.with_columns(
        warehouse=pl.Series(allocation.warehouse),
        served_day=pl.Series(allocation.day),
        ship_day=pl.Series(day),
    )
    parcels = _parcels(spec, orders.frame, lines.filter(pl.col("ship_day") != NONE), catalogue.frame, network)
    shipped, reserved = _outflow(spec, stock, demand, allocation, day)
    return Fulfilment(
        parcels=parcels,
        contents=_contents(orders.lines, lines, parcels),
        stock=stock,
        shipped=shipped,
        reserved=reserved,
    )


def _lines_to_ship(orders: Orders) -> pl.DataFrame:
    """Return the lines of paid orders that were not cancelled, in the order in which they are served."""
    paid = orders.frame.with_row_index("row").filter(
        pl.col("paid_ts").is_not_null(), pl.col("cancelled_ts").is_null()
    )
    return (
        orders.lines.with_row_index("line")
        .join(
            paid.select(pl.col("row").cast(orders.lines.schema["order"]).alias("order"), "paid_ts"),
            on="order",
        )
        .sort("paid_ts", "order", "line_no")
        .select("line", "order", "product", "qty", "unit_price_cents", "discount_cents", "paid_ts")
    )


def _demand(
    spec: WorldSpec, orders: pl.DataFrame, lines: pl.DataFrame, network: Network
) -> tuple[Demand, npt.NDArray[np.int16], Supply]:
    supply = build_supply(network)
    rows, first = supply.of_orders(spec, orders)
    order = lines["order"].to_numpy()
    demand = Demand(
        day=((lines["paid_ts"].to_numpy() - spec.epoch) // SECONDS_PER_DAY).astype(np.int32),
        product=lines["product"].to_numpy().astype(np.int32),
        qty=lines["qty"].to_numpy().astype(np.int32),
        market=orders["market"].to_numpy().astype(np.int8)[order],
        ranks=supply.ranks[rows[order], first[order]],
        is_presale=orders["is_presale"].fill_null(value=False).to_numpy()[order],
    )
    return demand, rows[order], supply


def _ship_days(
    spec: WorldSpec, network: Network, lines: pl.DataFrame, demand: Demand, allocation: Allocation
) -> npt.NDArray[np.int32]:
    paid = lines["paid_ts"].to_numpy()
    put_away = spec.epoch + allocation.day.astype(np.int64) * SECONDS_PER_DAY + PUT_AWAY_HOUR * HOUR
    ready = np.where(allocation.day > demand.day, np.maximum(put_away, paid), paid)
    queue = PickQueue(warehouse=allocation.warehouse, ready_ts=ready, qty=demand.qty)
    return ship_days(spec, network, queue)


def _parcels(
    spec: WorldSpec, orders: pl.DataFrame, lines: pl.DataFrame, products: pl.DataFrame, network: Network
) -> pl.DataFrame:
    parcels = pack(orders, lines, products)
    draws = stream(spec.seed, "fulfilment.hour").random(parcels.height)
    warehouse = parcels["warehouse"].to_numpy()
    handed_over = shipped_ts(spec, network, warehouse, parcels["ship_day"].to_numpy(), draws)
    parcels = parcels.with_columns(shipped_ts=pl.Series(handed_over))
    parcels = add_journeys(spec, network, parcels)
    parcels = add_fates(spec, network, parcels)
    parcels = add_costs(spec, network, parcels)
    return add_identity(network, parcels)


def _contents(all_lines: pl.DataFrame, lines: pl.DataFrame, parcels: pl.DataFrame) -> pl.DataFrame:
    """Return where each order line went, one row per line of the orders."""
    first = (
        parcels.select("order", "warehouse", "ship_day")
        .with_row_index("parcel")
        .unique(["order", "warehouse", "ship_day"], keep="first", maintain_order=True)
    )
    found = lines.select("line", "order", "warehouse", "served_day", "ship_day").join(
        first, on=["order", "warehouse", "ship_day"], how="left"
    )
    every = pl.DataFrame({"line": pl.int_range(all_lines.height, dtype=pl.UInt32, eager=True)})
    named = {name: pl.when(pl.col(name) >= 0).then(name) for name in ("warehouse", "served_day", "ship_day")}
    return every.join(found, on="line", how="left", maintain_order="left").select("parcel", **named)


def _outflow(
    spec: WorldSpec, stock: Stock, demand: Demand, allocation: Allocation, ship_day: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return pieces shipped and reserved by day: reserved from the day after the goods were found."""
    shape = (spec.days + 1, *stock.opening.shape)
    shipped, change = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)
    found = allocation.warehouse != NONE
    left = np.where(ship_day == NONE, spec.days, ship_day)[found]
    place, product, qty = allocation.warehouse[found], demand.product[found], demand.qty[found]
    since = np.minimum(allocation.day[found] + 1, left)
    np.add.at(shipped, (left, place, product), qty)
    np.add.at(change, (since, place, product), qty)
    np.subtract.at(change, (left, place, product), qty)
    return shipped[:-1], np.cumsum(change, axis=0, dtype=np.int32)[:-1]


def shipments_rows(plan: Plan, day: int) -> pl.DataFrame:
    """Return the shipments source: parcels handed over on a UTC day.

    Returns:
        parcel_id, order_id, warehouse_id, lane_ids (JSON list in the order of the journey), shipped_ts, weight_kg,
        dims (length x width x height in cm), declared_value in `currency` (the order's), customs_mode (customs
        code, or domestic), cost in the base currency, null while the invoice is missing; sorted by parcel_id.
    """
    start = plan.spec.midnight(day)
    parcels = plan.fulfilment.parcels.filter(
        pl.col("shipped_ts").is_between(start, start + SECONDS_PER_DAY, closed="left")
    )
    order_id = plan.orders.frame["order_id"].gather(parcels["order"])
    warehouse_id = plan.network.warehouses["warehouse_id"].gather(parcels["warehouse"])
    sides = ("length_cm", "width_cm", "height_cm")
    return (
        parcels.with_columns(
            order_id=order_id,
            warehouse_id=warehouse_id,
            lane_ids=plan.network.journeys["lane_ids"].gather(parcels["journey"]),
        )
        .with_columns(
            timestamp(pl.col("shipped_ts")),
            pl.col("weight_kg").cast(pl.Float64).round(3),
            dims=pl.format("{}x{}x{}", *(pl.col(side).cast(pl.Float64).round(1) for side in sides)),
            declared_value=money(pl.col("declared_cents")),
            cost=pl.when("cost_is_known").then(money(pl.col("cost_cents"))),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in SHIPMENT_SCHEMA.items())
        .sort("parcel_id")
    )


def truth_fulfilment(plan: Plan) -> pl.DataFrame:
    """Return what became of each parcel, for tests only.

    Returns:
        parcel_id, order_id, market, mode, fate, shipped_ts, arrival_ts, promised_ts, transit_days (from hand-over to
        the door, had it arrived), late_days (beyond the promise), waited_days (payment to hand-over).
    """
    orders, parcels = plan.orders.frame, plan.fulfilment.parcels
    paid = orders["paid_ts"].gather(parcels["order"])
    per_day = float(SECONDS_PER_DAY)
    return parcels.with_columns(
        order_id=orders["order_id"].gather(parcels["order"]),
        market=pl.col("market").replace_strict(dict(enumerate(markets())), return_dtype=pl.String),
        transit_days=((pl.col(DUE_AT_DOOR) - pl.col("shipped_ts")) / per_day).round(3),
        late_days=((pl.col(DUE_AT_DOOR) - pl.col("promised_ts")) / per_day).round(3),
        waited_days=((pl.col("shipped_ts") - paid) / per_day).round(3),
    ).select(
        *("parcel_id", "order_id", "market", "mode", "fate", "shipped_ts", "arrival_ts", "promised_ts"),
        *("transit_days", "late_days", "waited_days"),
    )
