"""When people buy: the BG/NBD process with known parameters. What they buy belongs to `orders`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.files import timestamp
from xbec_platform.demo.market_days import yearly_promotions
from xbec_platform.world.campaigns import advance_first_orders, build_campaigns
from xbec_platform.world.people import People
from xbec_platform.world.spec import SECONDS_PER_DAY, WorldSpec, parameters
from xbec_platform.world.streams import stream

if TYPE_CHECKING:
    from xbec_platform.world.plan import Plan

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

# Nobody orders sooner after the registration.
LEAST_DELAY_S = 600


@dataclass(frozen=True, kw_only=True)
class Buying:
    """Orders of customers in time.

    Attributes:
        orders: One row per order by (order_ts, customer): customer (index), order_ts (s), order_day, nth (0: first).
        truth: One row per customer: customer, lambda_per_day, p_dropout, first_order_ts, dropout_ts (null: not
            within the period), orders_total.
    """

    orders: pl.DataFrame
    truth: pl.DataFrame


def build_buying(spec: WorldSpec, people: People) -> Buying:
    """Return the orders of all customers by BG/NBD (Fader, Hardie & Lee 2005), the same for every segment.

    lambda ~ Gamma(r, alpha), p ~ Beta(a, b). The first order comes after an exponential delay (some never order);
    repeats are a Poisson process with rate lambda; after each repeat the customer leaves with probability p. Days
    follow the process exactly; the time of day is drawn from a profile in local time afterwards.
    """
    rule = parameters("people")["buying"]
    rng = stream(spec.seed, "buying")
    size = people.frame.height
    rate = rng.gamma(rule["r"], 1 / rule["alpha_days"], size)
    dropout = rng.beta(rule["a"], rule["b"], size)
    end = _end_days(spec, people)
    first = _first_days(spec, people, rng)
    buys = first < end
    repeats = rng.poisson(rate * np.where(buys, np.maximum(end - first, 0), 0))
    # 1 - U in (0, 1], so that the logarithm exists; a p near 0 means practically never.
    left_after = np.ceil(np.log(1 - rng.random(size)) / np.log1p(-np.clip(dropout, 1e-12, 1 - 1e-12)))
    left_after = np.clip(left_after, 1, 10**6).astype(np.int64)
    customer = np.repeat(np.arange(size), repeats)
    at = first[customer] + rng.random(len(customer)) * (end - first)[customer]
    order = np.lexsort((at, customer))
    nth = np.arange(len(customer)) - np.repeat(np.cumsum(repeats) - repeats, repeats) + 1
    kept = nth <= left_after[customer]
    leaves = nth == left_after[customer]
    at = at[order]
    dropped = np.full(size, np.nan)
    dropped[customer[leaves]] = at[leaves]
    buyers = np.flatnonzero(buys)
    days = np.concatenate([np.floor(first[buyers]), np.floor(at[kept])]).astype(np.int64)
    orders = _orders(spec, people, np.concatenate([buyers, customer[kept]]), days)
    return Buying(orders=orders, truth=_truth(spec, rate, dropout, orders, dropped))


def _end_days(spec: WorldSpec, people: People) -> FloatArray:
    """Return the day number after which a customer cannot order: the end of the period or the erasure."""
    erased = people.frame["erased_day"].fill_null(spec.days)
    return np.asarray(erased.to_numpy(), dtype=np.float64)


def _first_days(spec: WorldSpec, people: People, rng: np.random.Generator) -> FloatArray:
    """Return the day of the first order, fractional and maybe after the period; infinite when never."""
    rule = parameters("people")["first_order"]
    size = people.frame.height
    start = np.maximum((people.frame["created_ts"].to_numpy() - spec.epoch) / SECONDS_PER_DAY, 0.0)
    means = rule["mean_delay_days"]
    before = people.frame["joined_day"].to_numpy() < 0
    delay = rng.exponential(np.where(before, means["joined_before"], means["joined_in_period"]))
    first = np.where(rng.random(size) < rule["never"], np.inf, start + delay)
    first = _wait_for_promotions(spec, people, first, rng.random((size, 2)))
    return advance_first_orders(spec, people, build_campaigns(spec, people), first, start)


def _wait_for_promotions(
    spec: WorldSpec, people: People, first: FloatArray, uniform: FloatArray
) -> FloatArray:
    """Return first orders of people who join in the period, some of them postponed to the next promotion."""
    rule = parameters("people")["first_order"]
    known = parameters("trade")["promotions"]
    waits = (people.frame["joined_day"].to_numpy() >= 0) & (uniform[:, 0] < rule["waits_share"])
    market = people.frame["market"].to_numpy()
    calendar = yearly_promotions(markets=people.markets, first_day=spec.first_day, last_day=spec.last_day)
    for date, name, where in calendar.select("calendar_date", "name", "market").sort(pl.all()).iter_rows():
        uplift = known[name]["uplift"][where] if name in known else 0.0
        if uplift < rule["waits_from_uplift"]:
            continue
        day = (date - spec.first_day).days
        soon = (first >= day - rule["waits_days"]) & (first < day)
        moved = waits & soon & (market == people.markets.index(where))
        first = np.where(moved, day + uniform[:, 1], first)
    return first


def _orders(spec: WorldSpec, people: People, customer: IntArray, day: IntArray) -> pl.DataFrame:
    """Return orders at drawn local times of their days, numbered per customer."""
    offset = people.utc_offset_h[people.frame["market"].to_numpy()[customer]]
    second = local_seconds(stream(spec.seed, "order times"), offset)
    earliest = people.frame["created_ts"].to_numpy()[customer] + LEAST_DELAY_S
    latest = spec.epoch + (day + 1) * SECONDS_PER_DAY - 1
    ts = np.minimum(np.maximum(spec.epoch + day * SECONDS_PER_DAY + second, earliest), latest)
    return (
        pl.DataFrame(
            {
                "customer": pl.Series(customer, dtype=pl.Int32),
                "order_ts": ts,
                "order_day": pl.Series(day, dtype=pl.Int32),
            }
        )
        .sort("order_ts", "customer")
        .with_columns(nth=(pl.int_range(pl.len()).over("customer")).cast(pl.Int32))
    )


def local_seconds(rng: np.random.Generator, utc_offset_h: FloatArray) -> IntArray:
    """Return seconds since midnight UTC of purchases, with most of them in the local evening."""
    rule = parameters("people")["order_hour"]
    local = rng.normal(rule["mean"], rule["spread"], len(utc_offset_h))
    return np.round((local - utc_offset_h) * 3600).astype(np.int64) % SECONDS_PER_DAY


def _truth(
    spec: WorldSpec, rate: FloatArray, dropout: FloatArray, orders: pl.DataFrame, dropped: FloatArray
) -> pl.DataFrame:
    totals = orders.group_by("customer").agg(
        first_order_ts=pl.col("order_ts").min(), orders_total=pl.len().cast(pl.Int32)
    )
    gone = pl.Series(dropped, nan_to_null=True)
    frame = pl.DataFrame(
        {
            "customer": pl.int_range(len(rate), dtype=pl.Int32, eager=True),
            "lambda_per_day": np.round(rate, 9),
            "p_dropout": np.round(dropout, 9),
            "dropout_ts": (gone * SECONDS_PER_DAY).round(0).cast(pl.Int64) + spec.epoch,
        }
    ).join(totals, on="customer", how="left", maintain_order="left")
    return frame.select(
        "customer",
        "lambda_per_day",
        "p_dropout",
        "first_order_ts",
        "dropout_ts",
        pl.col("orders_total").fill_null(0),
    )


def guest_orders(spec: WorldSpec, promotions: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return the orders of people without an account.

    Args:
        spec: Size, period and seed.
        promotions: Columns day, market (index) and uplift (factor on the demand); rows of one day and market
            multiply. Days and markets without a row have the usual demand.

    Returns:
        market (index) and order_ts (s), by order_ts and market.
    """
    markets = parameters("trade")["markets"]
    share = np.array([rule["share"] for rule in markets.values()])
    offset = np.array([rule["utc_offset_h"] for rule in markets.values()], dtype=np.float64)
    per_day = parameters("people")["guests"]["orders_per_customer_day"] * spec.people
    mean = np.tile(per_day * share / share.sum(), (spec.days, 1))
    if promotions is not None:
        within = promotions.filter(pl.col("day").is_between(0, spec.days - 1))
        np.multiply.at(
            mean, (within["day"].to_numpy(), within["market"].to_numpy()), within["uplift"].to_numpy()
        )
    rng = stream(spec.seed, "guests")
    count = rng.poisson(mean).ravel()
    cell = np.repeat(np.arange(count.size), count)
    day, market = np.divmod(cell, len(markets))
    ts = spec.epoch + day * SECONDS_PER_DAY + local_seconds(rng, offset[market])
    return pl.DataFrame({"market": pl.Series(market, dtype=pl.Int8), "order_ts": ts}).sort(
        "order_ts", "market"
    )


def truth_buying(plan: "Plan") -> pl.DataFrame:
    """Return the parameters of each customer's buying: customer_id and the columns of `Buying.truth`."""
    ids = plan.people.frame["customer_id"]
    return plan.buying.truth.select(
        ids.gather(plan.buying.truth["customer"]).alias("customer_id"),
        "lambda_per_day",
        "p_dropout",
        *(timestamp(pl.col(name)).alias(name) for name in ("first_order_ts", "dropout_ts")),
        "orders_total",
    )
