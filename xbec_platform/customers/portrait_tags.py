"""What a consumption portrait is made of: tags, what they mean, how sure one is of them. No portrait is made here.

Confidence is a number from 0 to 1 and means one thing for each kind of tag:

- counted facts (a segment, a number of orders) are 1;
- a claim about a share (buys with coupons more often than others) is the probability that it is true, from the Beta
  posterior with Jeffreys' prior (Brown, Cai & DasGupta 2001, "Interval estimation for a binomial proportion");
- the leading value of several (hour, channel) is the lower end of the one-sided 90 % interval of its share, likewise;
- a mean of few observations is n / (n + 2), the weight of n observations against two that speak for nobody;
- what another model says (preferences, lifetime value, target groups) brings its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import polars as pl
from scipy.special import betainc, betaincinv

PERSON, SEGMENT, CLUSTER, INTEREST, MARKET = "person", "segment", "cluster", "interest", "market"

SCHEMA = pl.Schema(
    [
        ("subject_type", pl.String),
        ("subject_id", pl.String),
        ("tag", pl.String),
        ("position", pl.Int64),
        ("value", pl.String),
        ("number", pl.Float64),
        ("evidence_n", pl.Int64),
        ("confidence", pl.Float64),
    ]
)
# From here on a share is another one: a matter of taste, the same for rare and frequent things.
ODDS_RATIO = 1.5
KEY = ("subject_type", "subject_id", "tag", "position")


@dataclass(frozen=True)
class Tag:
    """A tag: its section, its name for people, and what its evidence counts, of a person and of a group."""

    section: str
    label: str
    of_person: str
    of_group: str = "people"


SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "header": "Who",
        "value": "Value",
        "habits": "Habits",
        "likes": "Likes",
        "sensitivity": "Sensitivity",
        "life": "Life stage",
        "next": "Next purchase",
        "recommendations": "Recommendations",
    }
)
TAGS: Mapping[str, Tag] = MappingProxyType(
    {
        "market": Tag("header", "Market", "statements"),
        "n_people": Tag("header", "People", "people"),
        "rfm_segment": Tag("value", "RFM segment", "orders"),
        "cluster": Tag("value", "Group", "orders"),
        "clv_band": Tag("value", "Lifetime value", "days with an order"),
        "activity": Tag("value", "Activity", "days with an order"),
        "share_of_people": Tag("value", "Share of customers", "people"),
        "share_of_sales": Tag("value", "Share of net sales, 365 days", "people"),
        "orders": Tag("habits", "Orders", "orders"),
        "usual_gap_days": Tag("habits", "Usual days between orders", "gaps between orders"),
        "items_per_order": Tag("habits", "Pieces per order", "orders"),
        "return_rate": Tag("habits", "Share of value returned", "orders"),
        "price_band": Tag("habits", "Price band", "pieces"),
        "top_category": Tag("habits", "Favourite category", "pieces"),
        "preferred_hour": Tag("habits", "Preferred hour (UTC)", "orders"),
        "preferred_channel": Tag("habits", "Preferred channel", "orders"),
        "likes": Tag("likes", "Likes", "events", "buyers"),
        "price_sensitivity": Tag("sensitivity", "Buys at reduced prices", "lines", "lines"),
        "coupon_sensitivity": Tag("sensitivity", "Orders with a coupon", "orders", "orders"),
        "delivery_sensitivity": Tag("sensitivity", "Buys what comes soon", "orders", "orders"),
        "delivery_setting": Tag("sensitivity", "Wishes delivery", "settings"),
        "life_stage": Tag("life", "Life stage", "purchases"),
        "next_category": Tag("next", "Next category", "events"),
        "next_date": Tag("next", "Next order expected on", "days with an order"),
        "recommended": Tag("recommendations", "Recommended", "products bought"),
    }
)


@dataclass(frozen=True, kw_only=True)
class PortraitParams:
    """How much must be known before something is said.

    Attributes:
        n_min: Observations below which a habit or sensitivity is left out.
        n_min_events: Events below which a liked attribute is left out.
        least_confidence: Claims that are less sure are left out.
        least_group: People below which a group has no portrait, and a habit of a group is left out.
        kept_likes, kept_recommendations: At most so many of each.
    """

    n_min: int = 3
    n_min_events: int = 5
    least_confidence: float = 0.5
    least_group: int = 30
    kept_likes: int = 5
    kept_recommendations: int = 3

    def __post_init__(self) -> None:
        """Refuse limits that would make portraits of nothing."""
        for name in ("n_min", "n_min_events", "least_group", "kept_likes", "kept_recommendations"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: give 1 or more")
        if not 0 <= self.least_confidence <= 1:
            raise ValueError(f"least_confidence is {self.least_confidence}: give a number from 0 to 1")


def rows(frame: pl.DataFrame, kind: str, tag: str, **columns: pl.Expr | str | float) -> pl.DataFrame:
    """Return tags of a kind of subject in `SCHEMA`; rows without a value or without evidence are left out.

    Args:
        frame: subject_id and what the columns need.
        kind: PERSON, SEGMENT, CLUSTER, INTEREST or MARKET.
        tag: Name out of TAGS.
        columns: value, evidence_n, confidence, and number or position where they say something.
    """
    given = {"position": pl.lit(1), "number": pl.lit(None), **columns}
    return (
        frame.select(
            pl.lit(kind).alias("subject_type"),
            "subject_id",
            pl.lit(tag).alias("tag"),
            *(
                (
                    pl.col(rule)
                    if isinstance(rule, str)
                    else rule
                    if isinstance(rule, pl.Expr)
                    else pl.lit(rule)
                )
                .cast(SCHEMA[name])
                .alias(name)
                for name, rule in given.items()
            ),
        )
        .select(SCHEMA.names())
        .drop_nulls(["subject_id", "value", "evidence_n", "confidence"])
    )


def mean_confidence(count: str) -> pl.Expr:
    """Confidence of a mean of `count` observations: n / (n + 2)."""
    return pl.col(count) / (pl.col(count) + 2)


def leading_share(frame: pl.DataFrame, of: str, count: str) -> pl.Series:
    """Lower end of the one-sided 90 % interval of the share `of` out of `count`."""
    k, n = (frame[name].cast(pl.Float64).fill_null(0.0).to_numpy() for name in (of, count))
    return pl.Series("confidence", np.where(n > 0, betaincinv(k + 0.5, n - k + 0.5, 0.1), 0.0))


def against_others(frame: pl.DataFrame, of: str, count: str, overall: float) -> pl.DataFrame:
    """Say of each row whether its share is above or below that of all, or about the same, and how likely that is true.

    Args:
        frame: subject_id, and counts `of` out of `count`.
        of: Column of successes.
        count: Column of trials.
        overall: Share of all; 0 or 1 says nothing of anybody: no row is returned.

    Returns:
        subject_id, value (high, average, low: odds from 1.5 times those of all, to 1 / 1.5 times), number (own share),
        evidence_n, confidence: the likeliest of the three.
    """
    known = frame.filter(pl.col(count) > 0)
    if not 0 < overall < 1:
        known = known.clear()
    k, n = (known[name].cast(pl.Float64).to_numpy() for name in (of, count))
    a, b = k + 0.5, n - k + 0.5
    odds = overall / (1 - overall) if overall < 1 else 1.0
    upper, lower = (odds * ratio / (1 + odds * ratio) for ratio in (ODDS_RATIO, 1 / ODDS_RATIO))
    chances = np.column_stack(
        [1 - betainc(a, b, upper), betainc(a, b, upper) - betainc(a, b, lower), betainc(a, b, lower)]
    )
    best = chances.argmax(axis=1) if len(chances) else np.zeros(0, dtype=np.int64)
    return known.select(
        "subject_id",
        pl.Series("value", np.array(["high", "average", "low"])[best].tolist(), dtype=pl.String),
        (pl.col(of) / pl.col(count)).alias("number"),
        pl.col(count).cast(pl.Int64).alias("evidence_n"),
        pl.Series("confidence", chances[np.arange(len(best)), best], dtype=pl.Float64),
    )
