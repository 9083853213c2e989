"""Pre-sales: what is offered, their feed and their truth. Who leaves a deposit and pays the balance is in deposits."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from xbec_platform.demo.files import money, timestamp
from xbec_platform.world.catalogue import Catalogue
from xbec_platform.world.draws import between
from xbec_platform.world.spec import SECONDS_PER_DAY, WorldSpec, parameters
from xbec_platform.world.streams import stream
from xbec_platform.world.trade import Trade, promotion_days

if TYPE_CHECKING:
    from xbec_platform.world.orders import Orders
    from xbec_platform.world.plan import Plan

HOUR = 3600
# Windows open at 20:00 in China and turn at its midnight: 8 hours before that of UTC.
CHINA_OFFSET_S = 8 * HOUR
OPENS_AT_S = 12 * HOUR
LEAST_WINDOW_DAYS = 2
OFFER_SCHEMA = {
    "promotion": pl.String,
    "product": pl.Int16,
    "announced_day": pl.Int32,
    "deposit_open_ts": pl.Int64,
    "deposit_close_ts": pl.Int64,
    "balance_open_ts": pl.Int64,
    "balance_close_ts": pl.Int64,
    "deposit_cents": pl.Int64,
    "final_cents": pl.Int64,
    "discount_depth": pl.Float64,
    "ship_by_date": pl.Date,
}


@dataclass(frozen=True, kw_only=True)
class Presales:
    """Offers and deposits; money in EUR cents, times in s.

    Attributes:
        offers: Row = `presale`: promotion, product (index), announced_day, deposit_open_ts, deposit_close_ts,
            balance_open_ts, balance_close_ts, deposit_cents, final_cents, discount_depth, ship_by_date.
        deposits: One row per pre-sale order by order: order and presale (indices), days_to_balance,
            segment_match, probability (of paying the balance, truth), is_paid, balance_ts (null: not paid).
    """

    offers: pl.DataFrame
    deposits: pl.DataFrame


def build_presales(orders: "Orders") -> Presales:
    """Return the pre-sales that the orders were drawn with."""
    return Presales(offers=orders.offers, deposits=orders.deposits)


def presale_offers(spec: WorldSpec, catalogue: Catalogue, trade: Trade) -> pl.DataFrame:
    """Return the offers of all pre-sales whose promotion lies in the period, see `Presales.offers`."""
    frames = [pl.DataFrame(schema=OFFER_SCHEMA)]
    for number, (name, window) in enumerate(parameters("trade")["presales"]["windows"].items()):
        for day in promotion_days(spec, trade, name):
            if day >= LEAST_WINDOW_DAYS:
                rng = stream(spec.seed, "presale-offers", number, day)
                frames.append(_offers_of(spec, catalogue, name, window, day, rng))
    return pl.concat(frames)


def _offers_of(
    spec: WorldSpec,
    catalogue: Catalogue,
    name: str,
    window: dict[str, Any],
    day: int,
    rng: np.random.Generator,
) -> pl.DataFrame:
    rule = parameters("trade")["presales"]
    opens = max(day - window["open_days_before"], 0)
    closes = spec.midnight(day) - CHINA_OFFSET_S
    ends = closes + window["balance_days"] * SECONDS_PER_DAY
    everything = np.arange(len(catalogue.companion))
    sold = catalogue.on_sale(everything, opens) & catalogue.on_sale(everything, day + window["balance_days"])
    # Square root: best sellers first, but not only they.
    wish = np.sqrt(catalogue.frame["popularity"].to_numpy().astype(np.float64)) * sold
    product = np.sort(rng.choice(len(wish), window["products"], replace=False, p=wish / wish.sum()))
    depth = np.round(between(rng, rule["discount_pct"], len(product)) / 100, 2)
    final = np.maximum(np.round(catalogue.list_price_cents(product, opens) * (1 - depth)), 200).astype(
        np.int64
    )
    deposit = np.maximum(np.round(final * between(rng, rule["deposit_share"], len(product)), -2), 100)
    size = len(product)
    ship_by = spec.day(day) + timedelta(days=window["balance_days"] + rule["ship_days_after"])
    columns = {
        "promotion": [name] * size,
        "product": product,
        "announced_day": [max(opens - rule["announced_days_before"], 0)] * size,
        "deposit_open_ts": [spec.midnight(opens) + (OPENS_AT_S if opens else 0)] * size,
        "deposit_close_ts": [closes - 1] * size,
        "balance_open_ts": [closes] * size,
        "balance_close_ts": [ends - 1] * size,
        "deposit_cents": deposit.astype(np.int64),
        "final_cents": final,
        "discount_depth": depth,
        "ship_by_date": [ship_by] * size,
    }
    return pl.DataFrame(columns).cast(OFFER_SCHEMA)  # type: ignore[arg-type]


def presale_ids(presale: pl.Expr) -> pl.Expr:
    """Return the shop's identifiers of pre-sales by index."""
    return "PS" + (presale.cast(pl.Int64) + 1).cast(pl.String).str.zfill(4)


def presales_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return the pre-sales announced on a day; columns of the contract `presales.yml`.

    Amounts are in the base currency, like the list price; payments are in that of the order.
    """
    ids = plan.catalogue.frame["product_id"]
    offers = plan.presales.offers.with_row_index("presale").filter(pl.col("announced_day") == day)
    windows = ("deposit_open_ts", "deposit_close_ts", "balance_open_ts", "balance_close_ts")
    return offers.select(
        presale_ids(pl.col("presale")).alias("presale_id"),
        ids.gather(offers["product"].cast(pl.UInt32)).alias("product_id"),
        *(timestamp(pl.col(name)).alias(name) for name in windows),
        money(pl.col("deposit_cents")).alias("deposit_amount"),
        money(pl.col("final_cents")).alias("final_price"),
        pl.lit(parameters("trade")["base_currency"]).alias("currency"),
        "ship_by_date",
    ).sort("presale_id")


def truth_presales(plan: "Plan") -> pl.DataFrame:
    """Return each deposit with the true probability that its balance is paid, what it depends on, and the outcome."""
    people, orders, deposits = plan.people.frame, plan.orders.frame, plan.presales.deposits
    customer = orders["customer"].gather(deposits["order"])
    offers = plan.presales.offers.select(
        "promotion",
        "discount_depth",
        (pl.col("deposit_cents") / pl.col("final_cents")).round(6).alias("deposit_share"),
    )
    return pl.concat(
        [
            deposits.select(
                orders["order_id"].gather(deposits["order"]),
                presale_ids(pl.col("presale")).alias("presale_id"),
                people["customer_id"].gather(customer),
                *("days_to_balance", "segment_match", "probability", "is_paid"),
                timestamp(pl.col("balance_ts")).alias("balance_ts"),
            ),
            offers[deposits["presale"].to_list()],
            people["price_sensitivity"].gather(customer).to_frame(),
        ],
        how="horizontal",
    )
