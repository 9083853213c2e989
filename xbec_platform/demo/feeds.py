"""Orders, lines and returns of the generated shop as delivered, by drop day; faults do not belong here."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.baskets import GUEST
from xbec_platform.demo.catalogue import Catalogue
from xbec_platform.demo.files import money, timestamp
from xbec_platform.demo.fulfilment import OPEN, Fulfilment
from xbec_platform.demo.orders import Sales
from xbec_platform.demo.people import People
from xbec_platform.demo.world import SECONDS_PER_DAY, Period, shop_world

# Some returns come back without a slip: the source does not know the order.
WITHOUT_ORDER_SHARE = 0.2
REFUND_ONLY_SHARE = 0.25
LONGEST_RETURN_DAYS = 12
RETURN_SCHEMA = {
    "order": pl.Int64,
    "line_no": pl.Int64,
    "product": pl.Int64,
    "qty": pl.Int64,
    "refund": pl.Int64,
    "opened": pl.Int64,
    "reason": pl.String,
    "has_order": pl.Boolean,
    "refund_only": pl.Boolean,
}


def order_feed(
    sales: Sales, fulfilment: Fulfilment, people: People, period: Period, rng: np.random.Generator
) -> dict[int, pl.DataFrame]:
    """Return the versions of order headers by the day of their `updated_ts`, within the period."""
    header = _header(sales, people)
    size = header.height
    day = sales.orders["day"].to_numpy()
    placed = sales.orders["ts"].to_numpy()
    settled = placed + rng.integers(60, 4 * 3600, size)

    def daytime(days: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        # 06:00 to 18:00; a payment takes less than four hours and stays before it.
        return period.epoch + days * SECONDS_PER_DAY + rng.integers(6 * 3600, 18 * 3600, size)

    shipped = fulfilment.shipped != OPEN
    versions = [
        _version(header, "placed", placed, np.ones(size, dtype=bool)),
        _version(header, "paid", settled, ~fulfilment.cancelled),
        _version(header, "cancelled", settled, fulfilment.cancelled),
        _version(header, "shipped", daytime(np.maximum(fulfilment.shipped, day)), shipped),
        _version(header, "delivered", daytime(np.maximum(fulfilment.delivered, day)), shipped),
    ]
    everything = pl.concat(versions).sort("order_id", "updated_ts")
    drop = (everything["updated_ts"].dt.epoch("s") - period.epoch) // SECONDS_PER_DAY
    return {number: everything.filter(drop == number) for number in range(period.days)}


def _version(
    header: pl.DataFrame, status: str, ts: npt.NDArray[np.int64], happened: npt.NDArray[np.bool_]
) -> pl.DataFrame:
    return header.with_columns(
        timestamp(pl.lit(pl.Series(ts))).alias("updated_ts"), status=pl.lit(status)
    ).filter(pl.Series(happened))


def order_ids(order: pl.Expr) -> pl.Expr:
    """Return the shop's identifiers of orders by index."""
    return "O" + (order + 1).cast(pl.String).str.zfill(6)


def _header(sales: Sales, people: People) -> pl.DataFrame:
    markets = list(shop_world()["markets"].items())
    rows = sales.orders.select("market", "city", "order").rows()
    cities = [markets[market][1]["cities"][city] for market, city, _ in rows]
    rules = [markets[market][1] for market, _, _ in rows]
    country = pl.Series([markets[market][0] for market, _, _ in rows], dtype=pl.String)
    return sales.orders.select(
        order_ids(pl.col("order")).alias("order_id"),
        pl.Series("customer_id", _customer_ids(sales.orders["customer"], people), dtype=pl.String),
        timestamp(pl.col("ts")).alias("order_ts"),
        pl.lit(None, dtype=pl.Datetime("us", "UTC")).alias("updated_ts"),
        pl.lit(None, dtype=pl.String).alias("status"),
        "channel",
        country.alias("market"),
        country.alias("ship_country"),
        pl.Series("ship_region", [city[1] for city in cities], dtype=pl.String),
        pl.Series(
            "ship_postal", [f"{city[2]}{row[2] % 900 + 100}" for city, row in zip(cities, rows, strict=True)]
        ),
        pl.Series("ship_lat", [city[3] for city in cities], dtype=pl.Float64),
        pl.Series("ship_lon", [city[4] for city in cities], dtype=pl.Float64),
        "currency",
        money(pl.col("goods")).alias("goods_total"),
        money(pl.col("fee")).alias("shipping_fee"),
        *(money(pl.col(name)).alias(name) for name in ("discount", "tax", "duty")),
        pl.Series("incoterm", [rule["incoterm"] for rule in rules], dtype=pl.String),
        pl.Series("promised_days", [rule["promised_days"] for rule in rules], dtype=pl.Int64),
        pl.lit(value=False).alias("is_presale"),
        pl.lit(None, dtype=pl.String).alias("presale_id"),
        pl.lit(None, dtype=pl.String).alias("operation_mode"),
    )


def _customer_ids(customer: pl.Series, people: People) -> list[str | None]:
    ids = people.frame["customer_id"].to_list()
    return [None if who == GUEST else ids[who] for who in customer]


def line_feed(sales: Sales, catalogue: Catalogue, period: Period) -> dict[int, pl.DataFrame]:
    """Return order lines by the day of their order."""
    ids = catalogue.frame["product_id"]
    joined = sales.lines.join(
        sales.orders.select("order", "day", "currency", "is_gift"), on="order", maintain_order="left"
    )
    lines = joined.select(
        order_ids(pl.col("order")).alias("order_id"),
        "line_no",
        ids.gather(joined["product"]).alias("product_id"),
        "qty",
        money(pl.col("price")).alias("unit_price"),
        money(pl.col("discount")).alias("discount"),
        "currency",
        "is_gift",
    )
    return {number: lines.filter(joined["day"] == number) for number in range(period.days)}


def return_feed(
    sales: Sales,
    fulfilment: Fulfilment,
    catalogue: Catalogue,
    people: People,
    period: Period,
    rng: np.random.Generator,
) -> dict[int, pl.DataFrame]:
    """Return the returns by the day on which they are opened; days without one have no rows."""
    returned = pl.DataFrame(
        _returned_lines(sales, fulfilment, catalogue, period, rng), schema=RETURN_SCHEMA, orient="row"
    )
    opened = pl.Series(rng.integers(7 * 3600, 20 * 3600, returned.height), dtype=pl.Int64)
    full = (
        returned.with_columns(ts=period.epoch + pl.col("opened") * SECONDS_PER_DAY + opened)
        .join(sales.orders.select("order", "customer", "currency"), on="order", maintain_order="left")
        .join(sales.lines.select("order", "line_no", "price"), on=["order", "line_no"], maintain_order="left")
        .sort("ts", "order", "line_no")
        .with_row_index("number", offset=1)
    )
    with_order = pl.col("has_order")
    feed = full.select(
        ("R" + pl.col("number").cast(pl.String).str.zfill(5)).alias("return_id"),
        pl.when(with_order).then(order_ids(pl.col("order"))).alias("order_id"),
        pl.when(with_order).then(pl.col("line_no")).alias("line_no"),
        pl.Series("customer_id", _customer_ids(full["customer"], people), dtype=pl.String),
        catalogue.frame["product_id"].gather(full["product"]).alias("product_id"),
        "qty",
        money(pl.col("price")).alias("unit_price"),
        "currency",
        "reason",
        timestamp(pl.col("ts")).alias("opened_ts"),
        # Nothing has come back yet on the day a return is opened.
        pl.lit(None, dtype=pl.Datetime("us", "UTC")).alias("received_ts"),
        pl.when("refund_only").then(pl.lit("refund_only")).otherwise(pl.lit("expected")).alias("disposition"),
        money(pl.col("refund")).alias("refund"),
    )
    return {number: feed.filter(full["opened"] == number) for number in range(period.days)}


def _returned_lines(
    sales: Sales, fulfilment: Fulfilment, catalogue: Catalogue, period: Period, rng: np.random.Generator
) -> list[tuple[object, ...]]:
    shares = [rule["return_share"] for rule in shop_world()["categories"].values()]
    reasons = shop_world()["return_reasons"]
    guest = (sales.orders["customer"] == GUEST).to_list()
    rows: list[tuple[object, ...]] = []
    for order, line_no, product, qty, price, discount in sales.lines.iter_rows():
        # Drawn for every line, so that a share of one category leaves the others as they were.
        chance, slip, kind = rng.random(3)
        wait, pieces, reason = rng.integers(1, [LONGEST_RETURN_DAYS, qty + 1, len(reasons) + 1])
        delivered = fulfilment.delivered[order]
        opened = int(delivered + wait)
        if delivered == OPEN or opened >= period.days or chance >= shares[catalogue.category[product]]:
            continue
        refund = round((price * qty - discount) * pieces / qty)
        has_order = guest[order] or slip >= WITHOUT_ORDER_SHARE
        rows.append(
            (
                order,
                line_no,
                product,
                int(pieces),
                refund,
                opened,
                reasons[reason - 1],
                has_order,
                kind < REFUND_ONLY_SHARE,
            )
        )
    return rows


def rate_feed(rates: Mapping[str, npt.NDArray[np.float64]], period: Period) -> dict[int, pl.DataFrame]:
    """Return the exchange rates by day."""
    return {
        day: pl.DataFrame(
            {
                "rate_date": [period.day(day)] * len(rates),
                "currency": sorted(rates),
                "rate_to_base": [f"{rates[currency][day]:.8f}" for currency in sorted(rates)],
                "source": "generated",
            }
        )
        for day in range(period.days)
    }
