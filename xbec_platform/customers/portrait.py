"""Consumption portraits of persons, as tags with evidence and confidence. What tags mean is in `portrait_tags`.

A person who does not consent to profiling has no portrait: such people count in those of groups only. What rests on too
little is left out, not guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from xbec_platform.customers.portrait_tags import (
    KEY,
    PERSON,
    SCHEMA,
    PortraitParams,
    against_others,
    leading_share,
    mean_confidence,
    rows,
)

BANDS = ("lowest fifth", "second fifth", "middle fifth", "fourth fifth", "top fifth")
SENSITIVITIES = (
    ("price_sensitivity", "n_reduced_lines", "n_lines"),
    ("coupon_sensitivity", "n_coupon_orders", "n_orders_seen"),
    ("delivery_sensitivity", "n_soon_orders", "n_promised_orders"),
)
# The finest one that is known names the next category.
CATEGORY_ATTRIBUTES = {"category": 1, "top_category": 2}


@dataclass(frozen=True, kw_only=True)
class PortraitInput:
    """What is known as of a day; frames have one row per customer unless said otherwise.

    Attributes:
        as_of: The day.
        people: customer_id, market, may_be_profiled; every customer.
        database: The user database, with segment, cluster_name, interest_name, and of lifetime values p_alive,
            activity, clv_method, expected_order_days_90d, clv_12m_base, clv_12m_base_lo, clv_12m_base_hi (null: none).
        habits: customer_id; n_orders_seen, n_coupon_orders, n_lines, n_reduced_lines, n_promised_orders, n_soon_orders;
            preferred_hour, n_hour_orders, preferred_channel, n_channel_orders: paid orders of 365 days.
        likes: customer_id, attribute, attribute_value, preference, interest_share, n_events, confidence; several rows.
        stages: customer_id, life_stage, n_purchases; several rows.
        settings: customer_id, delivery: what the customer asks for.
        recommended: customer_id, rank, product_id, title, n_reasons (products bought that speak for it); several rows.
        group_likes: group_type, group_key, attribute, attribute_value, index, n_buyers, p_value: significant ones.
    """

    as_of: date
    people: pl.DataFrame
    database: pl.DataFrame
    habits: pl.DataFrame
    likes: pl.DataFrame
    stages: pl.DataFrame
    settings: pl.DataFrame
    recommended: pl.DataFrame
    group_likes: pl.DataFrame


def person_portraits(data: PortraitInput, params: PortraitParams) -> pl.DataFrame:
    """Return the tags of everybody who consents to profiling, in `SCHEMA` by its key.

    Everybody has the tag `market` at least: a person of whom nothing is known is told from one who is not there.
    """
    consenting = data.people.filter("may_be_profiled").select(
        "customer_id", "market", subject_id="customer_id"
    )

    def of(frame: pl.DataFrame) -> pl.DataFrame:
        return consenting.select("customer_id", "subject_id").join(frame, on="customer_id")

    parts = [
        rows(
            consenting,
            PERSON,
            "market",
            value=pl.col("market").fill_null("unknown"),
            evidence_n=1,
            confidence=1.0,
        ),
        *_value(of(data.database), data.database),
        *_habits(of(data.database), of(data.habits), params),
        *_likes(of(data.likes), params),
        *_sensitivities(of(data.habits), data.habits, params),
        rows(of(data.settings), PERSON, "delivery_setting", value="delivery", evidence_n=1, confidence=1.0),
        *_life(of(data.stages)),
        *_next(of(data.database), of(data.likes), data.as_of, params),
        _recommended(of(data.recommended), params),
    ]
    # All are persons: the rest of the key orders them.
    return pl.concat([pl.DataFrame(schema=SCHEMA), *parts]).sort(KEY[1:])


def _value(own: pl.DataFrame, everybody: pl.DataFrame) -> list[pl.DataFrame]:
    order_days = pl.col("n_order_days")
    model = own.filter(pl.col("clv_method") == "bgnbd_gamma_gamma", order_days >= 2)
    return [
        rows(
            own,
            PERSON,
            "rfm_segment",
            value="segment",
            evidence_n=pl.col("n_orders_365d").clip(1),
            confidence=1.0,
        ),
        rows(own, PERSON, "cluster", value="cluster_name", evidence_n="n_orders", confidence=1.0),
        _bands(model, everybody),
        rows(
            model.filter(pl.col("activity").is_in(["active", "at_risk", "likely_lost"])),
            PERSON,
            "activity",
            value=pl.col("activity").str.replace("_", " "),
            number="p_alive",
            evidence_n="n_order_days",
            # The chance that what is said is true: alive, or not.
            confidence=pl.when(pl.col("activity") == "likely_lost")
            .then(1 - pl.col("p_alive"))
            .otherwise(pl.col("p_alive")),
        ),
    ]


def _bands(model: pl.DataFrame, everybody: pl.DataFrame) -> pl.DataFrame:
    """The fifth of all scored customers a lifetime value lies in; confidence: .9 times its interval's part in there."""
    values = everybody.filter(pl.col("clv_method") == "bgnbd_gamma_gamma")["clv_12m_base"].cast(pl.Float64)
    if values.len() < len(BANDS):
        return pl.DataFrame(schema=SCHEMA)
    inner = np.quantile(values.to_numpy(), [0.2, 0.4, 0.6, 0.8])
    edges = np.concatenate([[-np.inf], inner, [np.inf]])
    value, lo, hi = (
        model[name].cast(pl.Float64).to_numpy()
        for name in ("clv_12m_base", "clv_12m_base_lo", "clv_12m_base_hi")
    )
    band = np.searchsorted(inner, value, side="right")
    inside = np.maximum(np.minimum(hi, edges[band + 1]) - np.maximum(lo, edges[band]), 0.0)
    width = np.maximum(hi - lo, 1e-12)
    shown = model.with_columns(
        pl.Series("band", [BANDS[number] for number in band], dtype=pl.String),
        pl.Series("inside", np.where(hi > lo, 0.9 * inside / width, 1.0), dtype=pl.Float64),
    )
    return rows(shown, PERSON, "clv_band", value="band", evidence_n="n_order_days", confidence="inside")


def _habits(own: pl.DataFrame, seen: pl.DataFrame, params: PortraitParams) -> list[pl.DataFrame]:
    own = own.with_columns(
        n_gaps=pl.col("n_order_days") - 1,
        first_category=pl.col("top_categories").str.split(", ").list.first(),
    )
    enough = own.filter(pl.col("n_orders") >= params.n_min)
    pieces = own.filter(pl.col("n_items") >= params.n_min)

    def mean(frame: pl.DataFrame, tag: str, column: str, count: str, digits: int) -> pl.DataFrame:
        return rows(
            frame,
            PERSON,
            tag,
            value=pl.col(column).cast(pl.Float64).round(digits).cast(pl.String),
            number=column,
            evidence_n=count,
            confidence=mean_confidence(count),
        )

    return [
        rows(
            own,
            PERSON,
            "orders",
            value=pl.col("n_orders").cast(pl.String),
            number="n_orders",
            evidence_n="n_orders",
            confidence=1.0,
        ),
        mean(
            own.filter(pl.col("n_gaps") >= params.n_min - 1), "usual_gap_days", "mean_gap_days", "n_gaps", 0
        ),
        mean(enough, "items_per_order", "items_per_order", "n_orders", 1),
        mean(enough, "return_rate", "return_rate", "n_orders", 2),
        rows(
            pieces,
            PERSON,
            "price_band",
            value="price_band",
            evidence_n="n_items",
            confidence=mean_confidence("n_items"),
        ),
        rows(
            pieces,
            PERSON,
            "top_category",
            value="first_category",
            evidence_n="n_items",
            confidence=mean_confidence("n_items"),
        ),
        *_leading(seen, params),
    ]


def _leading(seen: pl.DataFrame, params: PortraitParams) -> list[pl.DataFrame]:
    """The preferred hour and channel, with the share they lead with."""
    enough = seen.filter(pl.col("n_orders_seen") >= params.n_min)
    parts = []
    for tag, column, count in (
        ("preferred_hour", "preferred_hour", "n_hour_orders"),
        ("preferred_channel", "preferred_channel", "n_channel_orders"),
    ):
        shown = enough.with_columns(leading_share(enough, count, "n_orders_seen"))
        parts.append(
            rows(
                shown,
                PERSON,
                tag,
                value=pl.col(column).cast(pl.String),
                number=pl.col(count) / pl.col("n_orders_seen"),
                evidence_n="n_orders_seen",
                confidence="confidence",
            )
        )
    return parts


def _likes(own: pl.DataFrame, params: PortraitParams) -> list[pl.DataFrame]:
    liked = own.filter(pl.col("preference") > 0, pl.col("n_events") >= params.n_min_events)
    ranked = liked.sort(
        ["subject_id", "preference", "attribute", "attribute_value"], descending=[False, True, False, False]
    ).with_columns(position=pl.int_range(1, pl.len() + 1).over("subject_id"))
    return [
        rows(
            ranked.filter(pl.col("position") <= params.kept_likes),
            PERSON,
            "likes",
            position="position",
            value=pl.format("{}={}", "attribute", "attribute_value"),
            number="preference",
            evidence_n="n_events",
            confidence="confidence",
        )
    ]


def _sensitivities(own: pl.DataFrame, everybody: pl.DataFrame, params: PortraitParams) -> list[pl.DataFrame]:
    return [
        sensitivity(own.filter(pl.col(count) >= params.n_min), PERSON, tag, everybody, params)
        for tag, _, count in SENSITIVITIES
    ]


def sensitivity(
    own: pl.DataFrame, kind: str, tag: str, everybody: pl.DataFrame, params: PortraitParams
) -> pl.DataFrame:
    """One sensitivity of subjects against everybody; claims below `least_confidence` are left out."""
    of, count = next((of, count) for name, of, count in SENSITIVITIES if name == tag)
    total = int(everybody[count].sum())
    overall = int(everybody[of].sum()) / total if total else 0.0
    said = against_others(own, of, count, overall).filter(pl.col("confidence") >= params.least_confidence)
    return rows(
        said,
        kind,
        tag,
        value="value",
        number="number",
        evidence_n="evidence_n",
        confidence="confidence",
    )


def _life(own: pl.DataFrame) -> list[pl.DataFrame]:
    numbered = own.sort("subject_id", "life_stage").with_columns(
        position=pl.int_range(1, pl.len() + 1).over("subject_id")
    )
    return [
        rows(
            numbered,
            PERSON,
            "life_stage",
            position="position",
            value=pl.col("life_stage").str.replace_all("_", " "),
            evidence_n="n_purchases",
            confidence=mean_confidence("n_purchases"),
        )
    ]


def _next(own: pl.DataFrame, likes: pl.DataFrame, as_of: date, params: PortraitParams) -> list[pl.DataFrame]:
    """When the next order is expected, by the purchase model, and of which category, by the preferences.

    A day is named where an order is expected within 90 days at all; confidence: its chance, as orders come at random.
    """
    expected = pl.col("expected_order_days_90d")
    soon = own.filter(pl.col("clv_method") == "bgnbd_gamma_gamma", pl.col("n_order_days") >= 2, expected >= 1)
    wait = pl.duration(days=(90 / expected).ceil().cast(pl.Int64))
    category = (
        likes.filter(
            pl.col("attribute").is_in(CATEGORY_ATTRIBUTES),
            pl.col("preference") > 0,
            pl.col("n_events") >= params.n_min_events,
        )
        .with_columns(depth=pl.col("attribute").replace_strict(CATEGORY_ATTRIBUTES, return_dtype=pl.Int64))
        .sort(
            ["subject_id", "depth", "interest_share", "attribute_value"],
            descending=[False, False, True, False],
        )
        .unique("subject_id", keep="first", maintain_order=True)
    )
    return [
        rows(
            category,
            PERSON,
            "next_category",
            value="attribute_value",
            number="interest_share",
            evidence_n="n_events",
            confidence="confidence",
        ),
        rows(
            soon,
            PERSON,
            "next_date",
            value=(pl.lit(as_of) + wait).cast(pl.String),
            number=expected,
            evidence_n="n_order_days",
            confidence=1 - (-expected).exp(),
        ),
    ]


def _recommended(own: pl.DataFrame, params: PortraitParams) -> pl.DataFrame:
    return rows(
        own.filter(pl.col("rank") <= params.kept_recommendations),
        PERSON,
        "recommended",
        position="rank",
        value=pl.format("{} ({})", "title", "product_id"),
        evidence_n="n_reasons",
        confidence=mean_confidence("n_reasons"),
    )
