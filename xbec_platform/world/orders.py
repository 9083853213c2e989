"""Orders of the generated world: who, where, on which terms and what becomes of them. Their feeds are in order_feed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.baskets import GUEST, by_segment, draw_baskets
from xbec_platform.world.buying import Buying, guest_orders
from xbec_platform.world.catalogue import Catalogue
from xbec_platform.world.deposits import draw_deposits
from xbec_platform.world.draws import between
from xbec_platform.world.order_totals import order_totals, priced_lines
from xbec_platform.world.people import People, place_columns
from xbec_platform.world.presales import presale_offers
from xbec_platform.world.spec import SECONDS_PER_DAY, WorldSpec, parameters
from xbec_platform.world.streams import categorical, log_normal, stream
from xbec_platform.world.trade import Trade

IntArray = npt.NDArray[np.int64]

LEAST_PAYMENT_S = 20
# After a payment, before which nothing is cancelled.
LEAST_CANCEL_S = 600
# A pre-sale order without balance is closed some minutes after the window.
CLOSED_AFTER_S = 900
NO_TIME = -1


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What was ordered; money in cents of the order's currency, times in s, by (order_ts, customer, market).

    Attributes:
        frame: Row = `order`: order_id; customer (GUEST: -1), market (indices); country, region, city,
            postal_code, lat, lon (deg); order_ts, order_day; channel, currency; goods_cents (lines after their
            discounts), discount_cents (coupon), shipping_cents, tax_cents, duty_cents (null: paid by the buyer);
            incoterm, promised_days (of the operation mode until `promises` knows more), is_presale, presale
            (index or -1), operation_mode, cancelled_ts, paid_ts (in full; null: never), is_gift_order.
        lines: order, line_no, product, qty, unit_price_cents, discount_cents (whole line), is_gift; by order.
        offers: See `presales.Presales`.
        deposits: See `presales.Presales`.
    """

    frame: pl.DataFrame
    lines: pl.DataFrame
    offers: pl.DataFrame
    deposits: pl.DataFrame

    def total_cents(self) -> IntArray:
        """Return what is paid for each order: goods and shipping after the coupon, tax, duty if charged."""
        total = (
            pl.col("goods_cents") + pl.col("shipping_cents") - pl.col("discount_cents") + pl.col("tax_cents")
        )
        return self.frame.select(total + pl.col("duty_cents").fill_null(0)).to_series().to_numpy()


def build_orders(
    spec: WorldSpec, people: People, buying: Buying, catalogue: Catalogue, trade: Trade
) -> Orders:
    """Return all orders of the period: those of customers, pre-sales among them, and those of guests."""
    visits = _visits(spec, people, buying, trade)
    offers = presale_offers(spec, catalogue, trade)
    deposits = draw_deposits(spec, people, catalogue, offers, visits)
    visits = _with_presales(visits, offers, deposits)
    visits = visits.with_columns(**_terms(spec, people, trade, visits))
    lines = _lines(spec, people, catalogue, offers, visits)
    lines = priced_lines(spec, catalogue, trade, visits, lines)
    totals = order_totals(spec, catalogue, trade, visits, lines)
    ids = "O" + (pl.int_range(1, pl.len() + 1)).cast(pl.String).str.zfill(7)
    frame = visits.with_columns(
        ids.alias("order_id"),
        **_places(spec, people, trade, visits),
        **totals,
        **_outcome(spec, offers, deposits, visits),
    )
    columns = (
        *("order_id", "customer", "market", "country", "region", "city", "postal_code", "lat", "lon"),
        *("order_ts", "order_day", "channel", "currency", "goods_cents", "discount_cents", "shipping_cents"),
        *("tax_cents", "duty_cents", "incoterm", "promised_days", "is_presale", "presale", "operation_mode"),
        *("cancelled_ts", "paid_ts", "is_gift_order"),
    )
    return Orders(frame=frame.select(columns), lines=lines, offers=offers, deposits=deposits)


def _visits(spec: WorldSpec, people: People, buying: Buying, trade: Trade) -> pl.DataFrame:
    """Return customer, market, order_ts and order_day of every order, sorted."""
    customer = buying.orders["customer"]
    own = buying.orders.select(
        pl.col("customer").cast(pl.Int32),
        people.frame["market"].gather(customer).cast(pl.Int8),
        pl.col("order_ts").cast(pl.Int64),
    )
    day, market = np.indices(trade.uplift.shape)
    demand = {"day": day.ravel(), "market": market.ravel(), "uplift": trade.uplift.ravel()}
    guests = guest_orders(spec, pl.DataFrame(demand)).select(
        pl.lit(GUEST, dtype=pl.Int32).alias("customer"),
        pl.col("market").cast(pl.Int8),
        pl.col("order_ts").cast(pl.Int64),
    )
    order_day = ((pl.col("order_ts") - spec.epoch) // SECONDS_PER_DAY).cast(pl.Int32)
    return pl.concat([own, guests]).sort("order_ts", "customer", "market").with_columns(order_day=order_day)


def _with_presales(visits: pl.DataFrame, offers: pl.DataFrame, deposits: pl.DataFrame) -> pl.DataFrame:
    """Add is_presale, presale (index or -1) and presale_final_cents (EUR, null: none)."""
    presale = np.full(visits.height, -1, dtype=np.int16)
    presale[deposits["order"].to_numpy()] = deposits["presale"].to_numpy()
    chosen = _or_null(presale)
    return visits.with_columns(
        is_presale=pl.Series(presale >= 0),
        presale=pl.Series(presale),
        presale_final_cents=offers["final_cents"].gather(chosen),
    )


def _terms(spec: WorldSpec, people: People, trade: Trade, visits: pl.DataFrame) -> dict[str, pl.Series]:
    """Return channel, currency, operation mode and what follows from it, and whether the order is a gift."""
    rng = stream(spec.seed, "order-terms")
    market = visits["market"].to_numpy().astype(np.int64)
    channels = list(dict.fromkeys(name for terms in trade.markets.values() for name in terms["channels"]))
    channel_share = [
        [terms["channels"].get(name, 0.0) for name in channels] for terms in trade.markets.values()
    ]
    modes = parameters("trade")["operation_modes"]
    flat = [(number, rule) for number, code in enumerate(trade.codes) for rule in modes[code]]
    mode_share = [[rule["share"] if owner == n else 0.0 for owner, rule in flat] for n in range(len(modes))]
    channel = _by_market(rng.random(len(market)), market, channel_share)
    mode = _by_market(rng.random(len(market)), market, mode_share)
    customer = visits["customer"].to_numpy().astype(np.int64)
    rule = parameters("orders")
    gift = rng.random(len(market)) < by_segment(
        people, customer, rule["gift_share"], rule["gift_share_guest"]
    )

    def of_mode(name: str) -> list[Any]:
        return [rule[name] for _, rule in flat]

    return {
        "channel": _enum(channels, channel),
        "currency": _enum(trade.currencies, market),
        "operation_mode": _enum(of_mode("mode"), mode),
        "incoterm": _enum(of_mode("incoterm"), mode),
        "promised_days": pl.Series(np.array(of_mode("promised_days"))[mode], dtype=pl.Int16),
        "crosses_border": pl.Series(np.array(of_mode("crosses_border"))[mode]),
        "seller_pays_duty": pl.Series((np.array(of_mode("incoterm")) == "DDP")[mode]),
        "is_gift_order": pl.Series(gift),
    }


def _by_market(uniform: npt.NDArray[np.float64], market: IntArray, shares: list[list[float]]) -> IntArray:
    drawn = np.zeros(len(uniform), dtype=np.int64)
    for number, share in enumerate(shares):
        here = market == number
        drawn[here] = categorical(uniform[here], share)
    return drawn


def _enum(names: list[str] | tuple[str, ...], index: IntArray) -> pl.Series:
    return pl.Series(names, dtype=pl.Enum(list(dict.fromkeys(names)))).gather(pl.Series(index))


def _places(spec: WorldSpec, people: People, trade: Trade, visits: pl.DataFrame) -> dict[str, pl.Series]:
    """Return where the goods go: the address of the customer, or one in a city of the guest's market."""
    customer = visits["customer"].to_numpy().astype(np.int64)
    market = visits["market"].to_numpy().astype(np.int64)
    guest = np.flatnonzero(customer == GUEST)
    rng = stream(spec.seed, "guest-places")
    cities, weight = people.cities, people.cities["weight"].to_numpy()
    owner = cities["market"].to_numpy()
    shares = [list(np.where(owner == number, weight, 0.0)) for number in range(len(trade.markets))]
    city = _by_market(rng.random(len(guest)), market[guest], shares)
    theirs = place_columns(cities, city, rng.integers(0, 900, len(guest)), rng.random((len(guest), 2)))
    known = _or_null(customer)
    places = {"country": _enum(trade.codes, market)}
    for name, column in theirs.items():
        own = people.frame[name].gather(known)
        places[name] = own.scatter(guest, column.cast(own.dtype)) if len(guest) else own
    return places


def _lines(
    spec: WorldSpec, people: People, catalogue: Catalogue, offers: pl.DataFrame, visits: pl.DataFrame
) -> pl.DataFrame:
    """Return the lines of all orders without prices; a pre-sale order is one piece of its offer."""
    reserved = visits["is_presale"].to_numpy()
    ordinary, presale = np.flatnonzero(~reserved), np.flatnonzero(reserved)
    customer = visits["customer"].to_numpy().astype(np.int64)[ordinary]
    day = visits["order_day"].to_numpy().astype(np.int64)[ordinary]
    baskets = draw_baskets(spec, people, catalogue, customer, day)
    baskets = baskets.with_columns(order=pl.Series(ordinary.astype(np.int32)).gather(baskets["order"]))
    offered = offers["product"].gather(visits["presale"].gather(presale))
    single = pl.DataFrame(
        {"order": presale, "line_no": [1] * len(presale), "product": offered, "qty": [1] * len(presale)}
    )
    gift = pl.Series("is_gift", visits["is_gift_order"])
    lines = pl.concat([baskets, single.cast(baskets.schema)]).sort("order", "line_no")
    return lines.with_columns(is_gift=gift.gather(lines["order"]))


def _outcome(
    spec: WorldSpec, offers: pl.DataFrame, deposits: pl.DataFrame, visits: pl.DataFrame
) -> dict[str, pl.Series]:
    """Return paid_ts (in full) and cancelled_ts, null when it does not happen."""
    rule = parameters("trade")
    rng = stream(spec.seed, "order-outcome")
    size, placed = visits.height, visits["order_ts"].to_numpy()
    wait = np.maximum(np.round(log_normal(rng, rule["payment"]["minutes"], size) * 60), LEAST_PAYMENT_S)
    paid = placed + np.minimum(wait, SECONDS_PER_DAY).astype(np.int64)
    gives_up = rng.random(size) < rule["cancel"]["share"]
    unpaid = gives_up & (rng.random(size) < rule["cancel"]["unpaid_share"])
    hours = between(rng, rule["cancel"]["hours"], size)
    cancelled = np.maximum(placed + np.round(hours * 3600).astype(np.int64), paid + LEAST_CANCEL_S)
    paid = np.where(unpaid, NO_TIME, paid)
    cancelled = np.where(gives_up, cancelled, NO_TIME)
    order, presale = deposits["order"].to_numpy(), deposits["presale"].to_numpy()
    closed = offers["balance_close_ts"].to_numpy()[presale] + CLOSED_AFTER_S
    paid[order] = deposits["balance_ts"].fill_null(NO_TIME).to_numpy()
    cancelled[order] = np.where(deposits["is_paid"].to_numpy(), NO_TIME, closed)
    return {"paid_ts": _or_null(paid), "cancelled_ts": _or_null(cancelled)}


def _or_null(values: npt.NDArray[Any]) -> pl.Series:
    """Return a series in which the negative values, which mean "none", are null."""
    series = pl.Series(values)
    return pl.select(pl.when(series >= 0).then(series)).to_series()
