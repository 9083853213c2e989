"""Orders and their lines as delivered, by drop day: the order's course joins what became of its parcels."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.files import money, timestamp
from xbec_platform.world.baskets import GUEST
from xbec_platform.world.presales import presale_ids
from xbec_platform.world.spec import SECONDS_PER_DAY

if TYPE_CHECKING:
    from xbec_platform.world.fulfilment import Fulfilment
    from xbec_platform.world.orders import Orders
    from xbec_platform.world.plan import Plan

IntArray = npt.NDArray[np.int64]

STATUSES = ("placed", "paid", "shipped", "delivered", "cancelled")


def parcels_by_order(orders: "Orders", fulfilment: "Fulfilment") -> pl.DataFrame:
    """Return when each order that has parcels was shipped and delivered.

    Returns:
        order, shipped_ts (of its first parcel), delivered_ts (of its last one; null while a line is not shipped
        or a parcel has not arrived), by order.
    """
    waits = np.zeros(orders.frame.height, dtype=bool)
    waits[orders.lines["order"].filter(fulfilment.contents["parcel"].is_null()).to_numpy()] = True
    arrived = pl.col("delivered_ts").is_not_null().all()
    parcels = (
        fulfilment.parcels.group_by("order")
        .agg(
            pl.col("shipped_ts").min(),
            pl.when(arrived).then(pl.col("delivered_ts").max()).alias("delivered_ts"),
        )
        .sort("order")
    )
    complete = ~pl.Series(waits).gather(parcels["order"])
    return parcels.with_columns(pl.when(complete).then("delivered_ts").alias("delivered_ts"))


def customer_ids(plan: "Plan", customer: pl.Series) -> pl.Series:
    """Return the identifiers of customers by index, null for guests."""
    known = pl.select(pl.when(customer != GUEST).then(customer)).to_series()
    return plan.people.frame["customer_id"].gather(known.cast(pl.UInt32))


def rows_of_day(order_day: pl.Series, day: int) -> tuple[int, int]:
    """Return first row and number of rows of a day in a sorted column."""
    first, end = np.searchsorted(order_day.to_numpy(), [day, day + 1])
    return int(first), int(end - first)


def orders_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return the versions of order headers whose `updated_ts` lies in a day; columns of the contract `orders.yml`.

    placed, paid (in full), shipped (first parcel), delivered (last parcel) or cancelled; an order is never
    shipped in the feed before it is paid.
    """
    frame = plan.orders.frame
    first, size = rows_of_day(frame["order_day"], day)
    placed = frame.slice(first, size).select(
        pl.int_range(first, first + size, dtype=pl.UInt32).alias("order"),
        pl.col("order_ts").alias("updated_ts"),
    )
    versions = [placed.with_columns(status=pl.lit("placed"))]
    own = {"paid": frame["paid_ts"], "cancelled": frame["cancelled_ts"]}
    versions += [_of_day(plan, np.arange(frame.height), ts, status, day) for status, ts in own.items()]
    parcels = parcels_by_order(plan.orders, plan.fulfilment)
    order = parcels["order"].to_numpy()
    for status, name in (("shipped", "shipped_ts"), ("delivered", "delivered_ts")):
        versions.append(_of_day(plan, order, parcels[name], status, day))
    changed = pl.concat(versions)
    return _headers(plan, changed).sort("order_id", "updated_ts")


def _of_day(
    plan: "Plan", order: npt.NDArray[np.integer], ts: pl.Series, status: str, day: int
) -> pl.DataFrame:
    """Return order, updated_ts and status of the events of a day."""
    start = plan.spec.midnight(day)
    here = ts.is_between(start, start + SECONDS_PER_DAY - 1).fill_null(value=False)
    row = here.arg_true().to_numpy()
    return pl.DataFrame(
        {
            "order": pl.Series(order[row], dtype=pl.UInt32),
            "updated_ts": ts.gather(pl.Series(row)).cast(pl.Int64),
            "status": pl.Series([status] * len(row), dtype=pl.String),
        }
    )


def _headers(plan: "Plan", changed: pl.DataFrame) -> pl.DataFrame:
    """Return the header of each version in the columns of the contract."""
    header = plan.orders.frame[changed["order"]]
    country = pl.col("country").cast(pl.String)
    totals = {
        "goods_total": "goods_cents",
        "shipping_fee": "shipping_cents",
        "discount": "discount_cents",
        "tax": "tax_cents",
        "duty": "duty_cents",
    }
    return header.with_columns(changed["updated_ts"], changed["status"]).select(
        "order_id",
        customer_ids(plan, header["customer"]).alias("customer_id"),
        timestamp(pl.col("order_ts")).alias("order_ts"),
        timestamp(pl.col("updated_ts")).alias("updated_ts"),
        "status",
        pl.col("channel").cast(pl.String),
        country.alias("market"),
        country.alias("ship_country"),
        pl.col("region").cast(pl.String).alias("ship_region"),
        pl.col("postal_code").alias("ship_postal"),
        pl.col("lat").alias("ship_lat"),
        pl.col("lon").alias("ship_lon"),
        pl.col("currency").cast(pl.String),
        *(money(pl.col(cents)).alias(name) for name, cents in totals.items()),
        pl.col("incoterm").cast(pl.String),
        pl.col("promised_days").cast(pl.Int64),
        "is_presale",
        pl.when("is_presale").then(presale_ids(pl.col("presale"))).alias("presale_id"),
        pl.col("operation_mode").cast(pl.String),
    )


def order_lines_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return the lines of the orders placed on a day; columns of the contract `order_lines.yml`."""
    orders: Orders = plan.orders
    first, size = rows_of_day(orders.frame["order_day"], day)
    begin, end = np.searchsorted(orders.lines["order"].to_numpy(), [first, first + size])
    lines = orders.lines.slice(int(begin), int(end - begin))
    header = orders.frame.select("order_id", "currency")[lines["order"]]
    return lines.select(
        header["order_id"],
        pl.col("line_no").cast(pl.Int64),
        plan.catalogue.frame["product_id"].gather(lines["product"].cast(pl.UInt32)),
        pl.col("qty").cast(pl.Int64),
        money(pl.col("unit_price_cents")).alias("unit_price"),
        money(pl.col("discount_cents")).alias("discount"),
        header["currency"].cast(pl.String),
        "is_gift",
    ).sort("order_id", "line_no")


def truth_orders(plan: "Plan") -> pl.DataFrame:
    """Return what the feed does not say: order_id, customer_id, is_gift_order, and what becomes of the order."""
    frame = plan.orders.frame
    return frame.select(
        "order_id",
        customer_ids(plan, frame["customer"]).alias("customer_id"),
        "is_gift_order",
        timestamp(pl.col("paid_ts")).alias("paid_ts"),
        timestamp(pl.col("cancelled_ts")).alias("cancelled_ts"),
    )
