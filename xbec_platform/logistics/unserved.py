"""Why a piece stays unserved: one reason each, the first that applies. Reads an optimal flow, decides nothing.

All pieces of a class face the same lanes, stocks and capacities, so the reason belongs to the class.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from xbec_platform.logistics.arcs import PRODUCT_FLAG, freight_ticks, hazard_ok, lane_blocks
from xbec_platform.logistics.assignment_inputs import HAZARDS
from xbec_platform.logistics.assignment_schema import Reason, base_money, conform
from xbec_platform.logistics.flow import FlowProblem, FlowSolution, stock_use, warehouse_use
from xbec_platform.logistics.prices import ShadowPrices

FLOW_REASON_SCHEMA = pl.Schema(
    {
        "class_id": pl.Int64(),
        "reason": pl.String(),
        "warehouses": pl.List(pl.Int64()),
        "cost": pl.Int64(),
    }
)

_LANE_FACTS = ("ship_country", "limit_days", *PRODUCT_FLAG.values())
"""What decides whether a lane is open to a class; prices differ, doors do not."""

_EXPLAINED = pl.Schema({"class_id": pl.Int64(), "reason": pl.String(), "detail": pl.String()})


def flow_reasons(problem: FlowProblem, solution: FlowSolution) -> pl.DataFrame:
    """Reasons that show in the flow itself, for classes with arcs and pieces left over.

    Args:
        problem: What was solved.
        solution: Its optimum.

    Returns:
        FLOW_REASON_SCHEMA sorted by class: SKU_STOCK_EXHAUSTED_IN_REACH (warehouses: all in reach),
        WAREHOUSE_CAPACITY_FULL (warehouses: the full ones that still hold stock) or COST_ABOVE_PENALTY
        (warehouses: those with stock and capacity left; cost: the least of theirs).
    """
    arcs = np.flatnonzero(solution.class_unserved[problem.arc_class] > 0)
    centre = problem.arc_warehouse[arcs]
    in_stock = np.ones(len(arcs), dtype=np.bool_)
    if problem.arc_stock is not None:
        node = problem.arc_stock[arcs]
        in_stock = stock_use(problem, solution)[node] < problem.stock_qty[node]
    room = warehouse_use(problem, solution)[centre] < problem.capacity[centre]
    rank = pl.when(pl.col("in_stock") & pl.col("room")).then(2).when(pl.col("in_stock")).then(1).otherwise(0)
    names = [Reason.SKU_STOCK_EXHAUSTED_IN_REACH, Reason.WAREHOUSE_CAPACITY_FULL, Reason.COST_ABOVE_PENALTY]
    return (
        pl.DataFrame(
            {
                "class_id": problem.arc_class[arcs],
                "warehouse": centre,
                "cost": problem.arc_cost[arcs],
                "in_stock": in_stock,
                "room": room,
            }
        )
        .with_columns(rank=rank)
        .filter(pl.col("rank") == pl.col("rank").max().over("class_id"))
        .sort("class_id", "warehouse")
        .group_by("class_id", "rank", maintain_order=True)
        .agg(warehouses="warehouse", cost=pl.col("cost").min())
        .select(
            "class_id",
            pl.col("rank")
            .replace_strict(dict(enumerate(map(str, names))), return_dtype=pl.String)
            .alias("reason"),
            "warehouses",
            "cost",
        )
        .pipe(conform, FLOW_REASON_SCHEMA)
    )


def explain(
    classes: pl.DataFrame,
    lanes: pl.DataFrame,
    warehouse_ids: pl.Series,
    problem: FlowProblem,
    solution: FlowSolution,
    prices: ShadowPrices,
) -> pl.DataFrame:
    """One reason and its evidence for every class with pieces left over.

    Args:
        classes: As in `Demand.classes`.
        lanes: As `arcs.usable_lanes` returns them.
        warehouse_ids: Names of the warehouses, in the order of the problem.
        problem: What was solved.
        solution: Its optimum.
        prices: Shadow prices of the optimum.

    Returns:
        class_id, reason, detail, sorted by class.
    """
    left_over = classes.filter(pl.Series(solution.class_unserved > 0))
    in_flow = flow_reasons(problem, solution)
    without_arc = left_over.join(in_flow, on="class_id", how="anti", maintain_order="left")
    parts = [
        _explain_flow(in_flow, left_over, warehouse_ids, prices),
    ]
    if without_arc.height:
        parts.append(_explain_lanes(without_arc, lanes, warehouse_ids))
    return pl.concat(conform(part, _EXPLAINED) for part in parts).sort("class_id")


def _explain_flow(
    reasons: pl.DataFrame, classes: pl.DataFrame, warehouse_ids: pl.Series, prices: ShadowPrices
) -> pl.DataFrame:
    centres = pl.DataFrame(
        {"warehouse": np.arange(len(warehouse_ids)), "name": warehouse_ids, "price": prices.warehouse}
    )
    full = pl.format("{} (one more piece saves {})", "name", base_money("price").cast(pl.String))
    listed = (
        reasons.explode("warehouses")
        .join(centres, left_on="warehouses", right_on="warehouse", how="left", maintain_order="left")
        .with_columns(full=full)
        .group_by("class_id", maintain_order=True)
        .agg(pl.col("reason", "cost").first(), pl.col("name").str.join(", "), pl.col("full").str.join(", "))
        .join(classes.select("class_id", "penalty_ticks"), on="class_id", how="left", maintain_order="left")
    )
    money = pl.format(
        "cheapest way {} a piece, penalty {}",
        base_money("cost").cast(pl.String),
        base_money("penalty_ticks").cast(pl.String),
    )
    detail = (
        pl.when(pl.col("reason") == Reason.SKU_STOCK_EXHAUSTED_IN_REACH)
        .then(pl.format("used up at {}", "name"))
        .when(pl.col("reason") == Reason.WAREHOUSE_CAPACITY_FULL)
        .then(pl.format("full: {}", "full"))
        .otherwise(money)
    )
    return listed.select("class_id", "reason", detail=detail)


def _explain_lanes(classes: pl.DataFrame, lanes: pl.DataFrame, warehouse_ids: pl.Series) -> pl.DataFrame:
    """Classes without a single arc: no lane, no lane for the goods, none in time, or nothing in stock."""
    demands = classes.select(_LANE_FACTS).unique().sort(_LANE_FACTS)
    facts = pl.concat([_lane_facts(block, lanes, warehouse_ids) for block in lane_blocks(demands, lanes)])
    known = classes.join(facts, on=_LANE_FACTS, how="left", nulls_equal=True, maintain_order="left").join(
        lanes, left_on="fastest", right_on="lane", how="left", maintain_order="left"
    )
    known = known.with_columns(fastest_cost=freight_ticks(known.columns) + pl.col("handling_ticks"))
    goods = pl.concat_str(
        [pl.when(pl.col(flag)).then(pl.lit(name)) for name, flag in PRODUCT_FLAG.items()],
        separator=", ",
        ignore_nulls=True,
    )
    fastest = pl.format(
        "fastest: {} days (P90) by lane {} from {} at {} a piece",
        "p90_days",
        "lane_id",
        "origin_node",
        base_money("fastest_cost").cast(pl.String),
    )
    no_lane = pl.format("no lane reaches {}", pl.col("ship_country").fill_null(""))
    no_address = pl.when(pl.col("ship_country").is_null()).then(pl.lit("no country on the order"))
    cases = (
        (~pl.col("reached"), Reason.NO_ADDRESS_OR_RATE, no_address.otherwise(no_lane)),
        (
            pl.col("fastest").is_null(),
            Reason.NO_MODE_HAZARD,
            pl.format("no lane and warehouse for {} to {}", goods, "ship_country"),
        ),
        (pl.col("in_reach") == "", Reason.NO_MODE_MEETS_PROMISE, fastest),
    )
    reason = pl.lit(str(Reason.SKU_NOT_STOCKED_IN_REACH))
    detail = pl.format("no stock at {}", "in_reach")
    for applies, name, text in reversed(cases):
        reason = pl.when(applies).then(pl.lit(str(name))).otherwise(reason)
        detail = pl.when(applies).then(text).otherwise(detail)
    return known.select("class_id", reason=reason, detail=detail)


def _lane_facts(demands: pl.DataFrame, lanes: pl.DataFrame, warehouse_ids: pl.Series) -> pl.DataFrame:
    """What the lanes to a country offer goods of one kind: any at all, the fastest, warehouses in time."""
    names = pl.DataFrame({"warehouse": np.arange(len(warehouse_ids)), "name": warehouse_ids})
    offered = lanes.join(names, on="warehouse", how="left").select(
        "lane", "dest_node", "name", "p90_days", *(f"takes_{hazard}" for hazard in HAZARDS)
    )
    near = hazard_ok() & (pl.col("p90_days") <= pl.col("limit_days"))
    return (
        demands.join(offered, left_on="ship_country", right_on="dest_node", how="left")
        .with_columns(fits=hazard_ok(), near=near)
        .group_by(_LANE_FACTS)
        .agg(
            reached=pl.col("lane").is_not_null().any(),
            fastest=pl.col("lane").filter(pl.col("fits")).min(),
            in_reach=pl.col("name").filter(pl.col("near")).unique().sort().str.join(", "),
        )
    )
