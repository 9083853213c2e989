"""Reviews: a rating that depends on quality and on the delay against the promise, and a few words."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.files import timestamp
from xbec_platform.world.catalogue import Catalogue
from xbec_platform.world.returns import TYPICAL_QUALITY, delivered_lines
from xbec_platform.world.spec import SECONDS_PER_DAY, WorldSpec, parameters
from xbec_platform.world.streams import stream

if TYPE_CHECKING:
    from xbec_platform.world.fulfilment import Fulfilment
    from xbec_platform.world.orders import Orders
    from xbec_platform.world.plan import Plan

FloatArray = npt.NDArray[np.float64]

# The kinds of texts, in the order of their index; a late parcel is complained about from this many days.
MOODS = ("late", "bad", "middling", "good")
COMPLAINS_FROM_DAYS = 2.0
EARLY_DAYS = 2


@dataclass(frozen=True, kw_only=True)
class Reviews:
    """Reviews by (ts, order, product).

    Attributes:
        frame: order, product (indices), ts (s), day, rating (1 to 5), expected_rating (truth), late_days,
            has_order (the review says which), text_number (picks one of the texts of its language and mood;
            null: no text).
    """

    frame: pl.DataFrame


def expected_rating(quality: FloatArray, late_days: FloatArray) -> FloatArray:
    """Return the mean rating before noise and rounding (formula in reviews.yml), rounded to four decimals."""
    rule = parameters("reviews")["reviews"]
    late = np.clip(late_days, 0, rule["most_late_days"])
    early = np.clip(-late_days, 0, EARLY_DAYS)
    value = (
        rule["base"]
        + rule["quality"] * (quality - TYPICAL_QUALITY)
        - rule["late"] * late
        + rule["early"] * early
    )
    return np.asarray(np.round(value, 4))


def build_reviews(
    spec: WorldSpec, orders: "Orders", catalogue: Catalogue, fulfilment: "Fulfilment"
) -> Reviews:
    """Return the reviews of delivered lines; the later the parcel, the more people write and the worse."""
    rule = parameters("reviews")["reviews"]
    rng = stream(spec.seed, "reviews")
    lines = delivered_lines(orders, fulfilment)
    late = np.clip(lines["late_days"].to_numpy(), 0, rule["most_late_days"])
    writes = rng.random(lines.height) < rule["share"] + rule["share_per_late_day"] * late
    lines = lines.filter(pl.Series(writes))
    size = lines.height
    quality = catalogue.frame["quality"].to_numpy()[lines["product"].to_numpy()].astype(np.float64)
    expected = expected_rating(quality, lines["late_days"].to_numpy())
    rating = np.clip(np.rint(expected + rule["noise"] * rng.standard_normal(size)), 1, 5)
    wait = np.minimum(rng.exponential(rule["mean_wait_days"], size), rule["longest_wait_days"])
    ts = lines["delivered_ts"].to_numpy() + np.round((wait + 0.1) * SECONDS_PER_DAY).astype(np.int64)
    text = pl.Series(rng.integers(0, 1000, size).astype(np.int16))
    written = pl.Series(rng.random(size) < rule["with_text_share"])
    return Reviews(
        frame=lines.select("order", "product", "late_days")
        .with_columns(
            ts=pl.Series(ts),
            day=pl.Series(((ts - spec.epoch) // SECONDS_PER_DAY).astype(np.int32)),
            rating=pl.Series(rating.astype(np.int8)),
            expected_rating=pl.Series(expected),
            has_order=pl.Series(rng.random(size) >= rule["without_order_share"]),
            text_number=pl.select(pl.when(written).then(text)).to_series(),
        )
        .sort("ts", "order", "product")
    )


def _texts(reviews: pl.DataFrame, languages: pl.Series) -> pl.Series:
    """Return the text of each review in the language of its market; null where nothing is written."""
    known = parameters("reviews")["reviews"]["texts"]
    texts = pl.DataFrame(
        [
            (language, mood, place, len(of[name]), text)
            for language, of in known.items()
            for mood, name in enumerate(MOODS)
            for place, text in enumerate(of[name])
        ],
        schema=["language", "mood", "place", "count", "text"],
        orient="row",
    )
    rating = pl.col("rating")
    complains = (pl.col("late_days") >= COMPLAINS_FROM_DAYS) & (rating <= 3)
    mood = pl.when(complains).then(0).when(rating <= 2).then(1).when(rating == 3).then(2).otherwise(3)
    counts = texts.select("language", "mood", "count").unique()
    rows = (
        reviews.select(mood.cast(pl.Int64).alias("mood"), "text_number", languages.alias("language"))
        .join(counts, on=["language", "mood"], how="left", maintain_order="left")
        .with_columns(place=pl.col("text_number").cast(pl.Int64) % pl.col("count"))
    )
    return rows.join(texts, on=["language", "mood", "place"], how="left", maintain_order="left")["text"]


def review_ids(number: pl.Expr) -> pl.Expr:
    """Return the identifiers of reviews by row number."""
    return "V" + (number.cast(pl.Int64) + 1).cast(pl.String).str.zfill(7)


def reviews_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return the reviews of a day: review_id, order_id, product_id, rating, text_lang, text, ts."""
    reviews = plan.reviews.frame.with_row_index("number").filter(pl.col("day") == day)
    market = plan.orders.frame["market"].gather(reviews["order"]).cast(pl.UInt32)
    languages = pl.Series([terms["language"] for terms in plan.trade.markets.values()]).gather(market)
    ids = plan.orders.frame["order_id"].gather(reviews["order"])
    return reviews.with_columns(
        ids.alias("order_id"), languages.alias("language"), _texts(reviews, languages).alias("text")
    ).select(
        review_ids(pl.col("number")).alias("review_id"),
        pl.when("has_order").then("order_id").alias("order_id"),
        plan.catalogue.frame["product_id"].gather(reviews["product"].cast(pl.UInt32)),
        pl.col("rating").cast(pl.Int64),
        pl.when(pl.col("text").is_not_null()).then("language").alias("text_lang"),
        "text",
        timestamp(pl.col("ts")).alias("ts"),
    )


def truth_reviews(plan: "Plan") -> pl.DataFrame:
    """Return what a rating came from: review_id, order_id, quality, late_days, expected_rating."""
    reviews = plan.reviews.frame.with_row_index("number")
    return reviews.select(
        review_ids(pl.col("number")).alias("review_id"),
        plan.orders.frame["order_id"].gather(reviews["order"]),
        plan.catalogue.frame["quality"].gather(reviews["product"].cast(pl.UInt32)),
        "late_days",
        "expected_rating",
    )
