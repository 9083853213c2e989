"""Orders and lines of the generated shop at the moment of sale; shipping them does not belong here."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.baskets import GUEST, Shopper
from xbec_platform.demo.catalogue import Catalogue
from xbec_platform.demo.people import BEFORE, People
from xbec_platform.demo.world import SECONDS_PER_DAY, Period, Promotion, shop_world

# After the hour in which people register (see people).
FIRST_ORDER_SECOND = 3600
# Who would buy shortly before a sale waits for it.
WAITING_DAYS = 4
WAITING_SHARE = 0.35
LOCAL_HOUR, LOCAL_HOUR_SPREAD = 19.0, 3.0
COUPON_EUR_CENTS = 500
COUPON_SHARE, COUPON_FROM_EUR_CENTS = 0.06, 3000
FREE_SHIPPING_FROM_EUR_CENTS = 6000


@dataclass(frozen=True, kw_only=True)
class Sales:
    """What was sold; money in cents of the order's currency.

    Attributes:
        orders: One row per order by time: order (index), day, ts (epoch seconds), customer (index or GUEST),
            market and city (indices), channel, is_gift, rate (EUR per unit), goods, fee, discount, tax, duty.
        lines: One row per line: order, line_no, product (index), qty, price, discount.
    """

    orders: pl.DataFrame
    lines: pl.DataFrame


def generate_sales(
    *,
    period: Period,
    catalogue: Catalogue,
    people: People,
    rates: Mapping[str, npt.NDArray[np.float64]],
    rng: np.random.Generator,
) -> Sales:
    """Return all orders of the period: customers by their segment's rhythm, guests, more on promotions."""
    plan = sorted(_customer_days(period, people, rng) + _guest_days(period, rng))
    customer = np.array([who for _, who in plan])
    day = np.array([when for when, _ in plan])
    orders = _when_and_where(period, people, customer, day, rng)
    shopper = Shopper(catalogue=catalogue, people=people, rng=rng)
    baskets = [
        (order, line_no, product, qty)
        for order, who, when in orders.select("order", "customer", "day").iter_rows()
        for line_no, (product, qty) in enumerate(shopper.basket(who, when), start=1)
    ]
    lines = pl.DataFrame(baskets, schema=["order", "line_no", "product", "qty"], orient="row")
    orders = _with_rate(orders, rates)
    lines = _priced(period, catalogue, orders, lines)
    return Sales(orders=_with_totals(orders, lines, rng), lines=lines)


def _customer_days(period: Period, people: People, rng: np.random.Generator) -> list[tuple[int, int]]:
    rules = list(shop_world()["segments"].values())
    promotions = period.promotions()
    visits = []
    for customer, (segment, joined) in enumerate(zip(people.segment, people.joined, strict=True)):
        rule = rules[segment]
        end = rule["active_until"] * period.days
        if rule["gap_days"] is None:
            day = float(joined) if joined != BEFORE else rng.random() * end
            visits.append((_after_waiting(promotions, int(day), rng), customer))
            continue
        day = float(joined) if joined != BEFORE else rng.random() * rule["gap_days"]
        while day < end:
            visits.append((_after_waiting(promotions, int(day), rng), customer))
            # Gamma of shape 3: more regular than chance, as real repeat buyers are.
            day += max(rng.gamma(3.0, rule["gap_days"] / 3.0), 1.0)
    return visits


def _after_waiting(promotions: list[Promotion], day: int, rng: np.random.Generator) -> int:
    for sale in promotions:
        if sale.first - WAITING_DAYS <= day < sale.first and rng.random() < WAITING_SHARE:
            return int(rng.integers(sale.first, sale.last + 1))
    return day


def _guest_days(period: Period, rng: np.random.Generator) -> list[tuple[int, int]]:
    mean = np.full(period.days, float(shop_world()["guests"]["orders_per_day"]))
    for sale in period.promotions():
        mean[sale.first : sale.last + 1] *= sale.uplift
    return [(day, GUEST) for day, visits in enumerate(rng.poisson(mean)) for _ in range(visits)]


def _when_and_where(
    period: Period,
    people: People,
    customer: npt.NDArray[np.int64],
    day: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> pl.DataFrame:
    world = shop_world()
    markets = list(world["markets"].values())
    size = len(customer)
    guest = customer == GUEST
    share = np.array([rule["share"] for rule in markets])
    market = np.where(guest, rng.choice(len(markets), size, p=share / share.sum()), people.market[customer])
    cities = np.array([len(rule["cities"]) for rule in markets])
    city = np.where(guest, (rng.random(size) * cities[market]).astype(np.int64), people.city[customer])
    utc_hour = (
        rng.normal(LOCAL_HOUR, LOCAL_HOUR_SPREAD, size)
        - np.array([rule["utc_offset"] for rule in markets])[market]
    )
    second = (utc_hour % 24 * 3600).astype(np.int64) % SECONDS_PER_DAY
    second += np.where(second < FIRST_ORDER_SECOND, FIRST_ORDER_SECOND, 0)
    gift_share = np.array([rule["gift_share"] for rule in (*world["segments"].values(), world["guests"])])
    kind = np.where(guest, len(gift_share) - 1, people.segment[customer])
    return (
        pl.DataFrame(
            {
                "day": day,
                "ts": period.epoch + day * SECONDS_PER_DAY + second,
                "customer": customer,
                "market": market,
                "city": city,
                "channel": np.where(rng.random(size) < 0.7, "site", "marketplace"),
                "is_gift": rng.random(size) < gift_share[kind],
            }
        )
        .sort("ts", "customer", maintain_order=True)
        .with_row_index("order")
        .with_columns(pl.col("order").cast(pl.Int64))
    )


def _with_rate(orders: pl.DataFrame, rates: Mapping[str, npt.NDArray[np.float64]]) -> pl.DataFrame:
    markets = list(shop_world()["markets"].values())
    rate = np.array([rates[markets[m]["currency"]][d] for m, d in orders.select("market", "day").iter_rows()])
    return orders.with_columns(
        rate=rate, currency=pl.Series([markets[m]["currency"] for m in orders["market"]])
    )


def _priced(period: Period, catalogue: Catalogue, orders: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    percent = np.zeros(period.days, dtype=np.int64)
    for sale in period.promotions():
        touched = slice(sale.first, sale.last + 1)
        percent[touched] = np.maximum(percent[touched], sale.discount_pct)
    joined = lines.join(orders.select("order", "day", "rate"), on="order", maintain_order="left")
    day = joined["day"].to_numpy()
    eur_cents = catalogue.price_cents[day, joined["product"].to_numpy()]
    price = np.round(eur_cents / joined["rate"].to_numpy()).astype(np.int64)
    total = price * joined["qty"].to_numpy()
    return lines.with_columns(
        price=pl.Series(price),
        discount=pl.Series(np.round(total * percent[day] / 100).astype(np.int64)),
    )


def _with_totals(orders: pl.DataFrame, lines: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Add goods (sum of the lines after their discounts), fee, coupon, tax and duty."""
    markets = list(shop_world()["markets"].values())
    fee = np.array([round(rule["shipping_fee"] * 100) for rule in markets])[orders["market"].to_numpy()]
    tax_pct = np.array([rule["tax_pct"] for rule in markets])[orders["market"].to_numpy()]
    buyer_pays_duty = np.array([rule["incoterm"] != "DDP" for rule in markets])[orders["market"].to_numpy()]
    sums = lines.group_by("order").agg(goods=(pl.col("qty") * pl.col("price") - pl.col("discount")).sum())
    full = orders.join(sums, on="order", how="left", maintain_order="left")
    rate = full["rate"].to_numpy()
    goods = full["goods"].to_numpy()
    goods_eur = goods * rate
    coupon = (rng.random(len(goods)) < COUPON_SHARE) & (goods_eur >= COUPON_FROM_EUR_CENTS)
    return full.with_columns(
        fee=pl.Series(
            np.where(goods_eur >= FREE_SHIPPING_FROM_EUR_CENTS, 0, np.round(fee / rate)).astype(np.int64)
        ),
        discount=pl.Series(np.where(coupon, np.round(COUPON_EUR_CENTS / rate), 0).astype(np.int64)),
        tax=pl.Series(np.round(goods * tax_pct / 100).astype(np.int64)),
        # Where the buyer pays the duty the shop does not know it.
        duty=pl.Series([None if unknown else 0 for unknown in buyer_pays_duty], dtype=pl.Int64),
    )
