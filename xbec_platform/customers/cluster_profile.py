"""Describe the clusters of a day: size, share of sales, typical habits, and what sets each apart.

Describes with more habits than the clusters are made of; it never changes who belongs where.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from xbec_platform.customers.cluster_model import ClusterModel
from xbec_platform.customers.clusters import assign
from xbec_platform.customers.features import (
    CLUSTER_FEATURES,
    FeatureSpec,
    column_values,
    customers_in_order,
    fit_features,
    standardise,
)

MONEY = pl.Decimal(18, 4)
GROUP_SCHEMA = pl.Schema(
    [
        ("cluster_key", pl.String),
        ("cluster_name", pl.String),
        ("evidence", pl.String),
        ("distinguishing", pl.String),
        ("n_customers", pl.Int64),
        ("share", pl.Float64),
        ("net_base", MONEY),
        ("revenue_share", pl.Float64),
    ]
)
FEATURE_SCHEMA = pl.Schema(
    {
        "cluster_key": pl.String,
        "feature": pl.String,
        "z_score": pl.Float64,
        "median": pl.Float64,
        "distinguishing_rank": pl.Int64,
    }
)
N_DISTINGUISHING = 3

PROFILE_FEATURES = (
    *CLUSTER_FEATURES,
    FeatureSpec(column="aov_base", unit=None),
    FeatureSpec(column="items_per_order"),
    FeatureSpec(column="n_products"),
    FeatureSpec(column="return_rate", log=False),
    FeatureSpec(column="tenure_days", unit=30.0),
    FeatureSpec(column="mean_gap_days", unit=30.0),
)


@dataclass(frozen=True, kw_only=True)
class ClusterProfile:
    """The description of one day's clusters.

    Attributes:
        groups: `GROUP_SCHEMA`, one row per cluster by key, clusters without customers included. `share` is of
            customers, `revenue_share` of net sales (null where they are not above 0 in total).
        features: `FEATURE_SCHEMA`, one row per cluster and feature that varies on the day. `z_score` is the
            cluster's mean against all customers of the day, `median` the raw one, `distinguishing_rank` 1 to 3
            for the largest z-scores in size.
    """

    groups: pl.DataFrame
    features: pl.DataFrame


def profile(
    model: ClusterModel, frame: pl.DataFrame, specs: Sequence[FeatureSpec] = PROFILE_FEATURES
) -> ClusterProfile:
    """Describe each cluster by its customers of one day.

    Args:
        model: the model in force.
        frame: user database of one as-of day with `customer_id`, `net_base` and the columns of `specs`.
        specs: habits to describe; a habit mostly missing is described by those who have it.
    """
    people = customers_in_order(frame)
    members = assign(model, people)["cluster_key"]
    features = _feature_rows(people, members, specs)
    sales = people.select(cluster_key=members, net_base=pl.col("net_base").cast(MONEY))
    sums = sales.group_by("cluster_key").agg(pl.len().cast(pl.Int64).alias("n_customers"), pl.sum("net_base"))
    total = float(sales["net_base"].sum() or 0)
    names = pl.DataFrame(
        [(group.key, group.name) for group in model.groups],
        schema={"cluster_key": pl.String, "cluster_name": pl.String},
        orient="row",
    )
    groups = (
        names.join(sums, on="cluster_key", how="left")
        .join(_sentences(features, specs), on="cluster_key", how="left")
        .with_columns(pl.col("n_customers").fill_null(0), pl.col("net_base").fill_null(0).cast(MONEY))
        .with_columns(
            share=pl.col("n_customers") / max(people.height, 1),
            revenue_share=pl.col("net_base").cast(pl.Float64) / (total if total > 0 else None),
            evidence=pl.col("evidence").fill_null("no customers on this day"),
            distinguishing=pl.col("distinguishing").fill_null(""),
        )
    )
    return ClusterProfile(groups=groups.select(GROUP_SCHEMA.names()).sort("cluster_key"), features=features)


def _feature_rows(people: pl.DataFrame, members: pl.Series, specs: Sequence[FeatureSpec]) -> pl.DataFrame:
    fitted, _ = fit_features(people, specs, max_missing=1.0)
    points = standardise(people, fitted)
    parts = [
        pl.DataFrame(
            {"cluster_key": members, "raw": column_values(people, feature.column), "z": points[:, j]}
        )
        .filter(pl.col("raw").is_not_nan())
        .with_columns(feature=pl.lit(feature.column))
        for j, feature in enumerate(fitted)
    ]
    if not parts:
        return FEATURE_SCHEMA.to_frame()
    order = pl.struct(-pl.col("z_score").abs(), "feature").rank("ordinal").over("cluster_key").cast(pl.Int64)
    return (
        pl.concat(parts)
        .group_by("cluster_key", "feature", maintain_order=True)
        .agg(z_score=pl.col("z").mean().round(6), median=pl.col("raw").median())
        .with_columns(distinguishing_rank=pl.when(order <= N_DISTINGUISHING).then(order))
        .select(FEATURE_SCHEMA.names())
        .sort("cluster_key", "feature")
    )


def _sentences(features: pl.DataFrame, specs: Sequence[FeatureSpec]) -> pl.DataFrame:
    rows = []
    for (key,), rows_of_group in features.group_by("cluster_key", maintain_order=True):
        medians = dict(rows_of_group.select("feature", "median").iter_rows())
        facts = [
            spec.evidence.format(medians[spec.column])
            for spec in specs
            if spec.evidence is not None and medians.get(spec.column) is not None
        ]
        top = rows_of_group.drop_nulls("distinguishing_rank").sort("distinguishing_rank")
        marks = [f"{feature} {z:+.1f}" for feature, z in top.select("feature", "z_score").iter_rows()]
        rows.append((key, "median customer: " + "; ".join(facts) if facts else None, ", ".join(marks)))
    schema = {"cluster_key": pl.String, "evidence": pl.String, "distinguishing": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")
