"""Portraits of segments, clusters, interests and markets: what people do, with evidence. Persons are in `portrait`.

Everybody counts, also who does not consent to profiling. A group of fewer than 30 people has no portrait, and no habit
is named that fewer than 30 of them have. What rests on profiles (life stage, next category, recommendations) counts
those who consent.
"""

from __future__ import annotations

import polars as pl

from xbec_platform.customers.portrait import SENSITIVITIES, PortraitInput, sensitivity
from xbec_platform.customers.portrait_tags import (
    CLUSTER,
    INTEREST,
    KEY,
    MARKET,
    SCHEMA,
    SEGMENT,
    PortraitParams,
    leading_share,
    rows,
)

# Kind of subject, column of the user database that names it, its name among target groups.
KINDS = (
    (SEGMENT, "segment", "segment"),
    (CLUSTER, "cluster_name", "cluster"),
    (INTEREST, "interest_name", "interest"),
    (MARKET, "country", "country"),
)


def group_portraits(data: PortraitInput, persons: pl.DataFrame, params: PortraitParams) -> pl.DataFrame:
    """Return the tags of all groups of the day, in `SCHEMA` by its key.

    Args:
        data: What is known; groups are made of the people of the user database.
        persons: Tags of persons, of `portrait.person_portraits`.
        params: Limits.
    """
    people = data.database.with_columns(
        pl.col("top_categories").str.split(", ").list.first().alias("first_category"),
        pl.col("activity").str.replace_all("_", " "),
    ).join(
        data.habits.select("customer_id", "preferred_hour", "preferred_channel"), on="customer_id", how="left"
    )
    parts = [pl.DataFrame(schema=SCHEMA)]
    for kind, column, group_type in KINDS:
        members = people.with_columns(subject_id=pl.col(column)).drop_nulls("subject_id")
        large = members.group_by("subject_id").len().filter(pl.col("len") >= params.least_group)
        members = members.join(large.select("subject_id"), on="subject_id", how="semi")
        parts += [
            *_size(members, kind, people),
            *_habits(members, kind, params),
            *_sensitivities(members, kind, data.habits, params),
            _likes(data.group_likes, group_type, kind, large, params),
            *_from_persons(members, kind, persons, params),
        ]
    return pl.concat(parts).sort(KEY)


def _size(members: pl.DataFrame, kind: str, people: pl.DataFrame) -> list[pl.DataFrame]:
    total = people.height
    sales = float(people["net_base_365d"].sum() or 0)
    groups = members.group_by("subject_id").agg(
        n=pl.len(), net=pl.col("net_base_365d").cast(pl.Float64).sum()
    )
    groups = groups.with_columns(
        share=pl.col("n") / max(total, 1),
        revenue=pl.col("net") / sales if sales > 0 else pl.lit(None, pl.Float64),
    )

    def fact(tag: str, value: pl.Expr, number: str) -> pl.DataFrame:
        return rows(groups, kind, tag, value=value, number=number, evidence_n="n", confidence=1.0)

    return [
        fact("n_people", pl.col("n").cast(pl.String), "n"),
        fact("share_of_people", _percent("share"), "share"),
        fact("share_of_sales", _percent("revenue"), "revenue"),
    ]


def _percent(column: str) -> pl.Expr:
    return pl.format("{} %", (pl.col(column) * 100).round(1))


def _habits(members: pl.DataFrame, kind: str, params: PortraitParams) -> list[pl.DataFrame]:
    """Medians of what people do, and what most of them have in common."""
    parts = []
    for tag, column, digits in (
        ("orders", "n_orders", 1),
        ("usual_gap_days", "mean_gap_days", 0),
        ("items_per_order", "items_per_order", 1),
    ):
        middle = (
            members.drop_nulls(column)
            .group_by("subject_id")
            .agg(n=pl.len(), number=pl.col(column).cast(pl.Float64).median())
            .filter(pl.col("n") >= params.least_group)
        )
        parts.append(
            rows(
                middle,
                kind,
                tag,
                value=pl.format("{} (median)", pl.col("number").round(digits)),
                number="number",
                evidence_n="n",
                confidence=pl.col("n") / (pl.col("n") + 2),
            )
        )
    returned = (
        members.group_by("subject_id")
        .agg(
            n=pl.len(),
            number=pl.col("returns_base").cast(pl.Float64).sum()
            / pl.col("gross_base").cast(pl.Float64).sum(),
        )
        .filter(pl.col("number").is_finite())
    )
    parts.append(
        rows(
            returned,
            kind,
            "return_rate",
            value=_percent("number"),
            number="number",
            evidence_n="n",
            confidence=1.0,
        )
    )
    for tag, column in (
        ("price_band", "price_band"),
        ("top_category", "first_category"),
        ("activity", "activity"),
        ("preferred_hour", "preferred_hour"),
        ("preferred_channel", "preferred_channel"),
    ):
        parts.append(
            _most(members.select("subject_id", value=pl.col(column).cast(pl.String)), kind, tag, params)
        )
    return parts


def _most(
    values: pl.DataFrame, kind: str, tag: str, params: PortraitParams, *, kept: int = 1
) -> pl.DataFrame:
    """The values that most people of a group have, where 30 or more have them; the share among those who have any."""
    known = values.drop_nulls("value")
    counted = (
        known.group_by("subject_id", "value")
        .agg(n=pl.len())
        .with_columns(total=pl.col("n").sum().over("subject_id"))
        .sort(["subject_id", "n", "value"], descending=[False, True, False])
        .with_columns(position=pl.int_range(1, pl.len() + 1).over("subject_id"))
        .filter(pl.col("position") <= kept, pl.col("n") >= params.least_group)
    )
    return rows(
        counted.with_columns(leading_share(counted, "n", "total")),
        kind,
        tag,
        position="position",
        value="value",
        number=pl.col("n") / pl.col("total"),
        evidence_n="n",
        confidence="confidence",
    )


def _sensitivities(
    members: pl.DataFrame, kind: str, habits: pl.DataFrame, params: PortraitParams
) -> list[pl.DataFrame]:
    own = members.select("subject_id", "customer_id").join(habits, on="customer_id")
    sums = own.group_by("subject_id").agg(
        pl.len().alias("n"), *(pl.col(name).sum() for _, of, count in SENSITIVITIES for name in (of, count))
    )
    enough = sums.filter(pl.col("n") >= params.least_group)
    return [sensitivity(enough, kind, tag, habits, params) for tag, _, _ in SENSITIVITIES]


def _likes(
    index: pl.DataFrame, group_type: str, kind: str, large: pl.DataFrame, params: PortraitParams
) -> pl.DataFrame:
    """Attributes the group buys more often than everybody, by the index of its target groups."""
    ranked = (
        index.filter(pl.col("group_type") == group_type, pl.col("index") > 1)
        .rename({"group_key": "subject_id"})
        .join(large.select("subject_id"), on="subject_id", how="semi")
        .sort(["subject_id", "index", "attribute", "attribute_value"], descending=[False, True, False, False])
        .with_columns(position=pl.int_range(1, pl.len() + 1).over("subject_id"))
        .filter(pl.col("position") <= params.kept_likes)
    )
    return rows(
        ranked,
        kind,
        "likes",
        position="position",
        value=pl.format("{}={}", "attribute", "attribute_value"),
        number="index",
        evidence_n="n_buyers",
        confidence=1 - pl.col("p_value"),
    )


def _from_persons(
    members: pl.DataFrame, kind: str, persons: pl.DataFrame, params: PortraitParams
) -> list[pl.DataFrame]:
    """What most profiles of the group say."""
    said = members.select("subject_id", "customer_id").join(
        persons.select("tag", "value", customer_id="subject_id"), on="customer_id"
    )

    def most(tag: str, kept: int = 1) -> pl.DataFrame:
        return _most(said.filter(pl.col("tag") == tag), kind, tag, params, kept=kept)

    return [most("life_stage"), most("next_category"), most("recommended", params.kept_recommendations)]
