"""Which warehouse serves which order line of the day (feature F21). The one entry point; the steps live beside it.

The model is a minimum-cost flow over classes of equal lines: exact, integral, and never infeasible, because leaving
a piece over at a penalty is always possible.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from xbec_platform.logistics.arcs import build_arcs, stock_nodes, usable_lanes
from xbec_platform.logistics.assignment_inputs import (
    TICKS_PER_BASE,
    UNLIMITED,
    AssignmentInputs,
    AssignmentParams,
    canonical,
)
from xbec_platform.logistics.assignment_schema import CONTAINER_SCHEMA
from xbec_platform.logistics.assignment_tables import (
    Network,
    assignment_table,
    summary_table,
    unserved_table,
)
from xbec_platform.logistics.audit import audit_plan
from xbec_platform.logistics.baselines import greedy_plan
from xbec_platform.logistics.bottlenecks import bottleneck_table
from xbec_platform.logistics.demand_classes import Demand, classify, merge_alike
from xbec_platform.logistics.distance import warehouse_ranking
from xbec_platform.logistics.flow import FlowProblem, Ints, solve_flow
from xbec_platform.logistics.line_plan import split_flows
from xbec_platform.logistics.prices import shadow_prices
from xbec_platform.logistics.unserved import explain, flow_reasons


@dataclass(frozen=True, kw_only=True)
class AssignmentResult:
    """The plan of a day.

    Attributes:
        assignments: ASSIGNMENT_SCHEMA, one row per order line and warehouse.
        unserved: UNSERVED_SCHEMA, one row per order line with pieces left over, each with its reason.
        bottlenecks: BOTTLENECK_SCHEMA, limits with use and shadow price.
        summary: SUMMARY_SCHEMA, one row: cost, unserved pieces, regret against both baselines.
        containers: CONTAINER_SCHEMA, empty where no lane ships in containers.
    """

    assignments: pl.DataFrame
    unserved: pl.DataFrame
    bottlenecks: pl.DataFrame
    summary: pl.DataFrame
    containers: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CONTAINER_SCHEMA))


def assign(inputs: AssignmentInputs, params: AssignmentParams | None = None) -> AssignmentResult:
    """Serve the day at least cost under stock, capacity, promise and hazard limits; explain what is left.

    Always has an answer: what cannot be served is left over with a reason. The plan is optimal (the shadow
    prices certify it), independent of row order, and passes the independent audit before it is returned.

    Args:
        inputs: The frames of the day, money in one base currency.
        params: Penalty and defaults for missing data.

    Returns:
        Assignments, unserved lines, bottlenecks and summary.

    Raises:
        ValueError: The frames are malformed, costs are too large for the solver, or a lane ships in containers, which
            are to be loaded first (`containers.load_containers`).
        RuntimeError: The plan failed its audit or is not optimal; nothing is returned rather than a wrong
            plan.
    """
    params = params or AssignmentParams()
    network = build_network(canonical(inputs), params)
    if network.inputs.lanes["container_rate"].count():
        raise ValueError("a lane has a container_rate, which a flow cannot count: load_containers first")
    problem, demand = network.problem, network.demand
    solution = solve_flow(problem)
    prices = shadow_prices(problem, solution)
    segments = split_flows(
        demand.lines["class_id"].to_numpy(),
        demand.lines["qty"].to_numpy(),
        problem.arc_class,
        solution.arc_flow,
        solution.class_unserved,
    )
    warehouse_ids = network.inputs.warehouses["warehouse_id"]
    reasons = explain(demand.classes, network.lanes, warehouse_ids, problem, solution, prices)
    result = AssignmentResult(
        assignments=assignment_table(network, segments),
        unserved=unserved_table(network, segments, reasons),
        bottlenecks=bottleneck_table(network, solution, prices, flow_reasons(problem, solution)),
        summary=summary_table(network, solution, segments, _in_turn(network, params)),
    )
    violations = audit_plan(network.inputs, params, result.assignments, result.unserved, result.summary)
    if violations.height:
        raise RuntimeError(f"the plan breaks {violations.height} rules, first: {violations.row(0)}")
    return result


def build_network(inputs: AssignmentInputs, params: AssignmentParams) -> Network:
    """Turn canonical frames into the integers the solver works on, and keep the tables they number.

    Args:
        inputs: As `canonical` returns them.
        params: Penalty and defaults for missing data.

    Returns:
        The network; rows of its tables are the indices of its flow problem.
    """
    lanes = usable_lanes(inputs, params)
    demand = classify(inputs, lanes, params)
    stock = stock_nodes(inputs)
    demand, arcs = merge_alike(demand, build_arcs(demand.classes, lanes, stock))
    problem = flow_problem(inputs, demand, arcs, stock)
    return Network(inputs=inputs, lanes=lanes, demand=demand, stock=stock, arcs=arcs, problem=problem)


def flow_problem(
    inputs: AssignmentInputs, demand: Demand, arcs: pl.DataFrame, stock: pl.DataFrame | None
) -> FlowProblem:
    """Classes, arcs (ARC_SCHEMA) and the limits of a day as arrays."""
    limits = {}
    if stock is not None:
        limits = {
            "arc_stock": arcs["stock_node"].to_numpy(),
            "stock_product": stock["product_id"].rle_id().cast(pl.Int64).to_numpy(),
            "stock_warehouse": stock["warehouse"].to_numpy(),
            "stock_qty": stock["available"].to_numpy(),
        }
    return FlowProblem(
        class_qty=demand.classes["qty"].to_numpy(),
        class_penalty=demand.classes["penalty_ticks"].to_numpy(),
        arc_class=arcs["class_id"].to_numpy(),
        arc_warehouse=arcs["warehouse"].to_numpy(),
        arc_cost=arcs["cost_ticks"].to_numpy(),
        capacity=inputs.warehouses["capacity_orders_day"].fill_null(UNLIMITED).to_numpy(),
        **limits,
    )


def _in_turn(network: Network, params: AssignmentParams) -> dict[str, pl.DataFrame]:
    """The two shop rules on the same day: nearest warehouse first, cheapest first."""
    lines = network.demand.lines
    arrival = lines.select(pl.arg_sort_by("order_ts", nulls_last=True, maintain_order=True).cast(pl.Int64))
    line_class, line_qty = lines["class_id"].to_numpy(), lines["qty"].to_numpy()
    return {
        rule: greedy_plan(
            network.problem,
            line_class,
            line_qty,
            arrival.to_series().to_numpy(),
            preference,
            arc_limit=params.no_way_base * TICKS_PER_BASE,
        )
        for rule, preference in (
            ("nearest", _distance_ranks(network)),
            ("cheapest", network.problem.arc_cost),
        )
    }


def _distance_ranks(network: Network) -> Ints:
    """Rank of each arc's warehouse by distance from the country of its class."""
    inputs = network.inputs
    centres = (
        inputs.warehouses.select("warehouse_id").with_row_index("warehouse").cast({"warehouse": pl.Int64})
    )
    ranks = warehouse_ranking(network.lanes, inputs.warehouses, inputs.destinations).join(
        centres, on="warehouse_id"
    )
    countries = network.demand.classes["ship_country"][network.arcs["class_id"]]
    ranked = network.arcs.select("warehouse", country=countries).join(
        ranks, on=["country", "warehouse"], how="left", maintain_order="left"
    )
    return np.asarray(ranked["distance_rank"].to_numpy(), dtype=np.int64)
