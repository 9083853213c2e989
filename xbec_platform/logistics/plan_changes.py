"""What a plan does differently from the one before, and why. Compares stored plans; solves nothing."""

from __future__ import annotations

import polars as pl

from xbec_platform.logistics.assignment_schema import MONEY, conform

CHANGE_SCHEMA = pl.Schema(
    {
        "ship_country": pl.String(),
        "warehouse_id": pl.String(),
        "pieces_before": pl.Int64(),
        "pieces_now": pl.Int64(),
        "share_before": pl.Float64(),
        "share_now": pl.Float64(),
        "unit_cost_before_base": MONEY,
        "unit_cost_now_base": MONEY,
        "cause": pl.String(),
    }
)
"""Grain: country x warehouse; a null warehouse is what stays unserved. Shares are of the country's pieces."""

SAME_SHARE = 0.05
"""Shares that differ by less are the same plan for another number of orders."""
_KEY = ("ship_country", "warehouse_id")


def plan_changes(
    now: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame],
    before: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame],
) -> pl.DataFrame:
    """Compare two plans by country and warehouse.

    The cause is the first that holds: the same share of other demand; the warehouse is full now or is full no more;
    another warehouse of the country is full and this one takes over; its stock runs out; its way became dearer or
    cheaper; else other articles were ordered.

    Args:
        now: ASSIGNMENT_SCHEMA, UNSERVED_SCHEMA and BOTTLENECK_SCHEMA of a day.
        before: Those of the day before.

    Returns:
        CHANGE_SCHEMA, the largest change of share first.
    """
    both = _flows(now).join(
        _flows(before), on=_KEY, how="full", coalesce=True, suffix="_before", nulls_equal=True
    )
    limits = _limits(now[2]).join(
        _limits(before[2]), on="warehouse_id", how="full", coalesce=True, suffix="_before"
    )
    rows = (
        both.join(limits, on="warehouse_id", how="left")
        .with_columns(
            pl.col("pieces", "pieces_before").fill_null(0),
            pl.col("share", "share_before").fill_null(0.0),
            *(pl.col(name).fill_null(False) for name in ("is_full", "is_full_before")),
            *(pl.col(name).fill_null(0) for name in ("n_used_up", "n_used_up_before")),
        )
        .with_columns(change=pl.col("share") - pl.col("share_before"))
    )
    # Who lost share in the country because it is full.
    fuller = pl.when(pl.col("is_full") & (pl.col("change") < -SAME_SHARE)).then("warehouse_id")
    rows = rows.with_columns(gives=fuller.sort_by("warehouse_id").drop_nulls().first().over("ship_country"))
    return (
        rows.with_columns(
            cause=_cause(),
            pieces_now="pieces",
            share_now="share",
            unit_cost_now_base="unit_cost",
            unit_cost_before_base="unit_cost_before",
        )
        .sort(pl.col("change").abs(), *_KEY, descending=[True, False, False], nulls_last=True)
        .pipe(conform, CHANGE_SCHEMA)
    )


def _flows(plan: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]) -> pl.DataFrame:
    served, left, _ = plan
    flows = served.group_by(_KEY).agg(pieces=pl.col("qty").sum(), cost=pl.col("cost_base").sum())
    missing = left.group_by("ship_country").agg(
        warehouse_id=pl.lit(None, dtype=pl.String),
        pieces=pl.col("qty").sum(),
        cost=pl.lit(None, dtype=flows.schema["cost"]),
    )
    return pl.concat([flows, missing.select(flows.columns)]).select(
        *_KEY,
        "pieces",
        share=pl.col("pieces") / pl.col("pieces").sum().over("ship_country"),
        unit_cost=(pl.col("cost").cast(pl.Float64) / pl.col("pieces")).round(4).cast(MONEY),
    )


def _limits(bottlenecks: pl.DataFrame) -> pl.DataFrame:
    centre = pl.col("kind") == "warehouse_pieces"
    return bottlenecks.group_by("warehouse_id").agg(
        is_full=(centre & pl.col("is_binding")).any(),
        n_used_up=(pl.col("kind") == "sku_stock").sum().cast(pl.Int64),
    )


def _cause() -> pl.Expr:
    grew = pl.when(pl.col("change") > 0)
    dearer = (pl.col("unit_cost") - pl.col("unit_cost_before")).cast(MONEY)
    return (
        pl.when(pl.col("change").abs() < SAME_SHARE).then(pl.lit("the same share of the country's pieces"))
        .when(pl.col("warehouse_id").is_null())
        .then(grew.then(pl.lit("more stays unserved")).otherwise(pl.lit("less stays unserved")))
        .when(pl.col("is_full") & (pl.col("change") < 0)).then(pl.lit("the warehouse is full"))
        .when(pl.col("is_full_before") & ~pl.col("is_full") & (pl.col("change") > 0))
        .then(pl.lit("the warehouse is full no more"))
        .when((pl.col("change") > 0) & pl.col("gives").is_not_null())
        .then(pl.format("takes over from {}, which is full", "gives"))
        .when((pl.col("change") < 0) & (pl.col("n_used_up") > pl.col("n_used_up_before")))
        .then(pl.lit("more of its articles are used up"))
        .when((pl.col("change") > 0) & (pl.col("n_used_up") < pl.col("n_used_up_before")))
        .then(pl.lit("fewer of its articles are used up"))
        .when((pl.col("change") < 0) & (dearer > 0)).then(pl.format("a piece is {} dearer from here", dearer))
        .when((pl.col("change") > 0) & (dearer < 0)).then(pl.format("a piece is {} cheaper from here", -dearer))
        .otherwise(pl.lit("other articles were ordered"))
    )  # fmt: skip
