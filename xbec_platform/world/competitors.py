"""Listings of competitors, their prices by day and what a price watch sees. Our own prices are in catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.files import money, timestamp
from xbec_platform.world.catalogue import Catalogue
from xbec_platform.world.draws import between
from xbec_platform.world.spec import WorldSpec, parameters
from xbec_platform.world.streams import stream
from xbec_platform.world.trade import Trade

if TYPE_CHECKING:
    from xbec_platform.world.plan import Plan

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

SLIP_FACTOR = 10
# The watch runs at night, each listing at its own time.
OBSERVED_FROM_S, OBSERVED_TO_S = 2 * 3600, 8 * 3600


@dataclass(frozen=True, kw_only=True)
class Competitors:
    """Listings by row; matrices are [days x listings], money in cents of the market's currency.

    Attributes:
        listings: competitor, listing_id, product (index, truth), market (index), currency, product_known, gtin
            (null: not told), seller, shipping_cents, promised_days, rating, rank_base, review_count (at the start),
            reviews_per_day, observed_s (second of the day), source, trend_per_day (log price, truth).
        price_cents: What the competitor asks.
        shown_cents: What the watch reads; a decimal slip where it differs.
        in_stock: Whether it can be bought.
        seen: Whether the watch has an observation.
        rank: Place in the category, 1 is the best; 0: not told.
    """

    listings: pl.DataFrame
    price_cents: IntArray
    shown_cents: IntArray
    in_stock: BoolArray
    seen: BoolArray
    rank: IntArray


def build_competitors(spec: WorldSpec, catalogue: Catalogue, trade: Trade) -> Competitors:
    """Return all listings and their course; it does not grow with the scale."""
    rule = parameters("competitors")
    parts = [
        _listings(spec, catalogue, trade, number, name, terms, trade.codes.index(code))
        for number, (name, terms) in enumerate(rule["competitors"].items())
        for code in terms["markets"]
    ]
    listings = pl.concat(parts)
    rng = stream(spec.seed, "competitor-course")
    prices = _prices(spec, trade, listings, rng)
    slips = rng.random(prices.shape) < rule["slip_share"]
    high = rng.random(prices.shape) < 0.5
    slipped = np.where(high, prices * SLIP_FACTOR, np.maximum(prices // SLIP_FACTOR, 1))
    return Competitors(
        listings=listings.drop("base_cents"),
        price_cents=prices,
        shown_cents=np.where(slips, slipped, prices),
        in_stock=_stock(rng, prices.shape, rule["stock"]),
        seen=_seen(spec, listings, rng),
        rank=_ranks(listings, prices.shape, rng),
    )


def _listings(
    spec: WorldSpec,
    catalogue: Catalogue,
    trade: Trade,
    number: int,
    name: str,
    terms: Mapping[str, Any],
    market: int,
) -> pl.DataFrame:
    """Return the listings of a competitor in a market, without their course; base_cents is their first price."""
    rule = parameters("competitors")
    rng = stream(spec.seed, "competitor", number, market)
    size = round(terms["coverage"] * len(catalogue.companion))
    product = np.sort(rng.choice(len(catalogue.companion), size, replace=False))
    level = terms["level"] * np.exp(rule["price_noise"] * rng.standard_normal(size))
    to_local = trade.term("price_factor")[market] / trade.eur_per_unit[0, market]
    base = catalogue.list_price_cents(product, 0) * to_local * level
    places = np.sort(rng.permutation(90_000)[:size]) + 10_000
    return pl.DataFrame(
        {
            "competitor": [name] * size,
            "listing_id": [f"{trade.codes[market]}-{place:05d}" for place in places],
            "product": pl.Series(product, dtype=pl.Int16),
            "market": pl.Series([market] * size, dtype=pl.Int8),
            "currency": [trade.currencies[market]] * size,
            "product_known": rng.random(size) < terms["product_known"],
            "gtin": _known(rng, terms["gtin_known"], catalogue.frame["gtin"].gather(pl.Series(product))),
            "observed_s": rng.integers(OBSERVED_FROM_S, OBSERVED_TO_S, size),
            "source": [terms["source"]] * size,
            "trend_per_day": np.round(_drift(rng, rule["trend"], size) / spec.days, 8),
            "base_cents": np.maximum(np.round(base), 10).astype(np.int64),
            **_offer(rng, catalogue, product, float(trade.eur_per_unit[0, market])),
        }
    )


def _known(rng: np.random.Generator, share: float, values: pl.Series) -> pl.Series:
    """Return the values with a share of them kept, the others null."""
    return pl.select(pl.when(pl.Series(rng.random(len(values)) < share)).then(values)).to_series()


def _drift(rng: np.random.Generator, rule: Mapping[str, Any], size: int) -> FloatArray:
    """Return the change of the log price over the period; 0 for listings without a trend."""
    chance = rng.random(size)
    falls = (chance >= rule["up"]) & (chance < rule["up"] + rule["down"])
    sign = np.where(chance < rule["up"], 1, 0) - np.where(falls, 1, 0)
    return np.asarray(sign * between(rng, rule["size"], size))


def _offer(
    rng: np.random.Generator, catalogue: Catalogue, product: IntArray, eur_per_unit: float
) -> dict[str, Any]:
    """Return seller, shipping, promise, rating, place and reviews of listings."""
    rule, size = parameters("competitors"), len(product)
    goods = catalogue.frame.select(pl.col("quality", "popularity").cast(pl.Float64))[product]
    quality, popularity = goods["quality"].to_numpy(), goods["popularity"].to_numpy()
    fee = np.round(between(rng, rule["shipping"]["fee_eur"], size) * 100 / eur_per_unit)
    fee = np.where(rng.random(size) < rule["shipping"]["free"], 0, fee).astype(np.int64)
    days = np.rint(between(rng, rule["promised_days"], size)).astype(np.int64)
    rating = 4.2 + 2 * (quality - 0.7) + 0.25 * rng.standard_normal(size)
    ranked = rng.random(size) < rule["rank_known"]
    seller = pl.Series(rng.choice(rule["sellers"], size).tolist())
    return {
        "seller": _known(rng, rule["seller_known"], seller),
        "shipping_cents": _known(rng, rule["shipping"]["known"], pl.Series(fee)),
        "promised_days": _known(rng, rule["promised_known"], pl.Series(days)),
        "rating": _known(rng, rule["rating_known"], pl.Series(np.clip(np.round(rating, 1), 1, 5))),
        "rank_base": np.where(ranked, np.round(3 / np.sqrt(popularity)), 0),
        "review_count": np.round(np.exp(rng.normal(4, 1.2, size))).astype(np.int64),
        "reviews_per_day": np.round(20 * popularity, 3),
    }


def _prices(spec: WorldSpec, trade: Trade, listings: pl.DataFrame, rng: np.random.Generator) -> IntArray:
    """Return prices that follow a trend in steps, lower in promotions of the market."""
    rule = parameters("competitors")
    shape = (spec.days, listings.height)
    changes = rng.random(shape) < rule["change_share"]
    changes[0] = True
    day = np.arange(spec.days)[:, None]
    set_on = np.maximum.accumulate(np.where(changes, day, 0), axis=0)
    noise = rule["change_noise"] * rng.standard_normal(shape)
    log_level = listings["trend_per_day"].to_numpy() * set_on + np.take_along_axis(noise, set_on, axis=0)
    joins = rng.random(shape[1]) < rule["promotion"]["joins"]
    depth = np.where(joins, between(rng, rule["promotion"]["depth"], shape[1]), 0.0)
    promoted = trade.discount_pct[:, listings["market"].to_numpy()] > 0
    price = listings["base_cents"].to_numpy() * np.exp(log_level) * np.where(promoted, 1 - depth, 1.0)
    # Prices end in 9, as shops like them.
    return np.asarray(np.maximum(np.round(price / 10).astype(np.int64) * 10 - 1, 9))


def _stock(rng: np.random.Generator, shape: tuple[int, ...], rule: Mapping[str, float]) -> BoolArray:
    """Return whether a listing can be bought: a chain of two states by day."""
    chance = rng.random(shape)
    in_stock = np.ones(shape, dtype=bool)
    for day in range(1, shape[0]):
        stays = chance[day] >= rule["runs_out"]
        in_stock[day] = np.where(in_stock[day - 1], stays, chance[day] < rule["comes_back"])
    return in_stock


def _seen(spec: WorldSpec, listings: pl.DataFrame, rng: np.random.Generator) -> BoolArray:
    rule = parameters("competitors")
    share = {name: terms["missing"] for name, terms in rule["competitors"].items()}
    missing = listings["competitor"].replace_strict(share, return_dtype=pl.Float64).to_numpy()
    seen = rng.random((spec.days, listings.height)) >= missing
    outage = rng.random((spec.days, len(share))) < rule["outage_share"]
    number = listings["competitor"].replace_strict({name: n for n, name in enumerate(share)}).to_numpy()
    return np.asarray(seen & ~outage[:, number])


def _ranks(listings: pl.DataFrame, shape: tuple[int, ...], rng: np.random.Generator) -> IntArray:
    base = listings["rank_base"].to_numpy()
    moved = np.round(base * np.exp(0.12 * rng.standard_normal(shape)))
    return np.where(base > 0, np.maximum(moved, 1), 0).astype(np.int64)


def competitor_observations_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return what the price watch read on a day, in the columns of the table of the data model.

    price and shipping in `currency`; product_id and gtin only where the listing is matched; rank within
    rank_category, 1 is the best.
    """
    market = plan.competitors
    row = np.flatnonzero(market.seen[day])
    listings = market.listings[row].with_columns(
        price=pl.Series(market.shown_cents[day][row]),
        in_stock=pl.Series(market.in_stock[day][row]),
        rank=pl.Series(market.rank[day][row]),
    )
    goods = plan.catalogue.frame.select("product_id", "category_path")[listings["product"].cast(pl.UInt32)]
    ranked = pl.col("rank") > 0
    reviews = (pl.col("review_count") + pl.col("reviews_per_day") * day).floor().cast(pl.Int64)
    codes = pl.Series(plan.trade.codes)
    return (
        listings.with_columns(goods["product_id"], goods["category_path"])
        .select(
            "competitor",
            "listing_id",
            pl.when("product_known").then("product_id").alias("product_id"),
            "gtin",
            codes.gather(listings["market"].cast(pl.UInt32)).alias("market"),
            timestamp(pl.col("observed_s") + plan.spec.midnight(day)).alias("observed_ts"),
            money(pl.col("price")).alias("price"),
            "currency",
            money(pl.col("shipping_cents")).alias("shipping"),
            "in_stock",
            pl.when(ranked).then("rank").alias("rank"),
            pl.when(ranked).then(pl.col("category_path").str.split("/").list.first()).alias("rank_category"),
            "rating",
            reviews.alias("review_count"),
            "seller",
            pl.col("promised_days").cast(pl.Int64),
            "source",
        )
        .sort("competitor", "listing_id", "observed_ts")
    )


def truth_competitors(plan: "Plan") -> pl.DataFrame:
    """Return the true product and price trend of each listing: trend_pct_per_day and its sign (-1, 0, 1)."""
    listings = plan.competitors.listings
    codes = pl.Series(plan.trade.codes)
    trend = pl.col("trend_per_day")
    return listings.select(
        "competitor",
        "listing_id",
        plan.catalogue.frame["product_id"].gather(listings["product"].cast(pl.UInt32)),
        codes.gather(listings["market"].cast(pl.UInt32)).alias("market"),
        (trend * 100).round(6).alias("trend_pct_per_day"),
        trend.sign().cast(pl.Int8).alias("trend_sign"),
    )


def truth_competitor_slips(plan: "Plan") -> pl.DataFrame:
    """Return the observations with a decimal slip: competitor, listing_id, observed_ts, true_price, shown_price."""
    market = plan.competitors
    day, row = np.nonzero(market.seen & (market.shown_cents != market.price_cents))
    midnight = np.array([plan.spec.midnight(number) for number in range(plan.spec.days)])
    listings = market.listings[row]
    return listings.select(
        "competitor",
        "listing_id",
        timestamp(pl.col("observed_s") + pl.Series(midnight[day])).alias("observed_ts"),
        money(pl.lit(pl.Series(market.price_cents[day, row]))).alias("true_price"),
        money(pl.lit(pl.Series(market.shown_cents[day, row]))).alias("shown_price"),
    ).sort("competitor", "listing_id", "observed_ts")
