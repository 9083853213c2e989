"""Which centres to have open (model M2): weeks of orders, fixed costs, capacity, the user's rules; exact, elastic.

Orders become classes with the cost of every centre as the daily assignment prices them; classes of a country that
the same centres can serve are one zone. Where to serve what is facility location (`location`), with leaving a zone over
at its penalty always possible: the answer is never "infeasible".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from xbec_platform.logistics.assignment import build_network
from xbec_platform.logistics.assignment_inputs import (
    TICKS_PER_BASE,
    UNLIMITED,
    AssignmentInputs,
    AssignmentParams,
    canonical,
)
from xbec_platform.logistics.location import locate
from xbec_platform.logistics.location_flow import serve_from
from xbec_platform.logistics.location_problem import LocationPlan, LocationProblem, plan_cost
from xbec_platform.logistics.network_tables import (
    FLOW_SCHEMA,
    SITE_SCHEMA,
    SUMMARY_SCHEMA,
    ZONE_SCHEMA,
    flow_rows,
    rule_rows,
    site_rows,
    summary_row,
    zone_rows,
)

WINDOW_DAYS = 28
DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True, kw_only=True)
class NetworkPlan:
    """Tables of a plan: SITE_SCHEMA, FLOW_SCHEMA, ZONE_SCHEMA, SUMMARY_SCHEMA, RULE_SCHEMA."""

    sites: pl.DataFrame
    flows: pl.DataFrame
    zones: pl.DataFrame
    summary: pl.DataFrame
    rules: pl.DataFrame


def plan_network(
    inputs: AssignmentInputs, terms: pl.DataFrame, *, day: date, rules: pl.DataFrame | None = None
) -> NetworkPlan:
    """Open the centres that serve the orders of `WINDOW_DAYS` at least cost, fixed costs included.

    Args:
        inputs: Order lines of the window and the network; stock is not looked at: it can be moved within weeks.
        terms: warehouse_id, fixed_cost_month_base (null = not known: such a centre is never closed to save it, status
            FIXED_COST_UNKNOWN), opening (null or not after `day` = open today).
        day: Last day of the window.
        rules: warehouse_id, rule (open, closed, least_units), units: what the user insists on. Contradictions are met
            as far as they go, and the rest is stated.

    Returns:
        The plan with its gap, against today's centres.
    """
    lines = inputs.lines.height
    window = canonical(
        AssignmentInputs(
            lines=inputs.lines,
            products=inputs.products,
            warehouses=inputs.warehouses,
            lanes=inputs.lanes,
            destinations=inputs.destinations,
            stock=None,
        )
    )
    sites = _sites(window, terms, day)
    asked = _rules(rules, sites)
    if not lines:
        return NetworkPlan(
            sites=pl.DataFrame(schema=SITE_SCHEMA),
            flows=pl.DataFrame(schema=FLOW_SCHEMA),
            zones=pl.DataFrame(schema=ZONE_SCHEMA),
            summary=pl.DataFrame(schema=SUMMARY_SCHEMA),
            rules=rule_rows(asked, sites, None),
        )
    zones, problem = _problem(window, sites)
    today = np.asarray(sites["is_open_today"].to_numpy(), dtype=np.bool_)
    served = serve_from(problem, today)
    if served is None:
        raise RuntimeError("leaving zones unserved is always possible: the flow must have an answer")
    today_cost = plan_cost(problem, today, *served, np.zeros(len(today)))
    plan = _with_rules(problem, asked)
    return NetworkPlan(
        sites=site_rows(sites, problem, plan, served[0]),
        flows=flow_rows(sites, zones, problem, plan),
        zones=zone_rows(zones, problem, plan),
        summary=summary_row(problem, plan, today_cost, float(served[1] @ problem.demand), WINDOW_DAYS),
        rules=rule_rows(asked, sites, plan),
    )


def _sites(inputs: AssignmentInputs, terms: pl.DataFrame, day: date) -> pl.DataFrame:
    """Centres in the order of the flow problem, with their terms for the window."""
    fixed = pl.col("fixed_cost_month_base").cast(pl.Float64) * WINDOW_DAYS / DAYS_PER_MONTH
    limit = pl.col("capacity_orders_day").fill_null(UNLIMITED) * WINDOW_DAYS
    return (
        inputs.warehouses.select("warehouse_id", "capacity_orders_day")
        .join(terms, on="warehouse_id", how="left", maintain_order="left")
        .with_columns(
            is_open_today=(pl.col("opening") <= day).fill_null(True),
            fixed_cost=fixed.fill_null(0.0),
            is_known=fixed.is_not_null() & (fixed >= 0),
            capacity=limit.cast(pl.Float64),
        )
        .with_columns(fixed_cost=pl.when("is_known").then("fixed_cost").otherwise(0.0))
    )


def _problem(inputs: AssignmentInputs, sites: pl.DataFrame) -> tuple[pl.DataFrame, LocationProblem]:
    """Zones, and what serving each from each centre costs over the window."""
    network = build_network(inputs, AssignmentParams())
    arcs = network.arcs.select("class_id", "warehouse", "cost_ticks").sort("class_id", "warehouse")
    reach = arcs.group_by("class_id", maintain_order=True).agg(reach=pl.col("warehouse"))
    classes = (
        network.demand.classes.select("class_id", "ship_country", "qty", "penalty_ticks")
        .join(reach, on="class_id", how="left")
        .with_columns(
            country=pl.col("ship_country").fill_null(""),
            reach=pl.col("reach").fill_null([]).list.eval(pl.element().cast(pl.String)).list.join(" "),
        )
    )
    zones = (
        classes.group_by("country", "reach")
        .agg(units=pl.col("qty").sum(), penalty=(pl.col("penalty_ticks") * pl.col("qty")).sum())
        .sort("country", "reach")
        .with_row_index("zone")
    )
    zone_of = classes.join(zones.select("country", "reach", "zone"), on=["country", "reach"], how="left")
    cells = (
        arcs.join(zone_of.select("class_id", "zone", "qty"), on="class_id")
        .group_by("zone", "warehouse")
        .agg(cost=(pl.col("cost_ticks") * pl.col("qty")).sum())
        .sort("zone", "warehouse")
    )
    cost = np.full((sites.height, zones.height), np.inf)
    cost[cells["warehouse"].to_numpy(), cells["zone"].to_numpy()] = cells["cost"].to_numpy() / TICKS_PER_BASE
    demand = zones["units"].to_numpy().astype(np.float64)
    problem = LocationProblem(
        fixed_cost=sites["fixed_cost"].to_numpy(),
        capacity=np.minimum(sites["capacity"].to_numpy(), demand.sum()),
        demand=demand,
        serve_cost=cost,
        unserved_cost=zones["penalty"].to_numpy() / TICKS_PER_BASE,
    )
    return zones, problem


def _rules(rules: pl.DataFrame | None, sites: pl.DataFrame) -> pl.DataFrame:
    if rules is None:
        return pl.DataFrame(
            schema={"warehouse_id": pl.String, "rule": pl.String, "units": pl.Int64, "site": pl.Int64}
        )
    typed = rules.select(
        pl.col("warehouse_id").cast(pl.String), pl.col("rule").cast(pl.String), pl.col("units").cast(pl.Int64)
    ).sort("warehouse_id", "rule")
    unknown = sorted(set(typed["rule"]) - {"open", "closed", "least_units"})
    if unknown:
        raise ValueError(f"rules {unknown} are unknown; known are open, closed and least_units")
    numbered = sites.with_row_index("site").select(pl.col("site").cast(pl.Int64), "warehouse_id")
    return typed.join(numbered, on="warehouse_id", how="left", maintain_order="left")


def _with_rules(problem: LocationProblem, asked: pl.DataFrame) -> LocationPlan:
    """The plan under the rules: closed ones have no capacity, open ones are paid for in any case."""
    known = asked.drop_nulls("site")
    chosen = {kind: known.filter(pl.col("rule") == kind)["site"].to_numpy() for kind in ("open", "closed")}
    least = known.filter(pl.col("rule") == "least_units")
    if not known.height:
        return locate(problem)
    fixed, capacity = problem.fixed_cost.copy(), problem.capacity.copy()
    fixed[chosen["open"]] = 0.0
    capacity[chosen["closed"]] = 0.0
    minimum = np.zeros(len(fixed))
    minimum[least["site"].to_numpy()] = np.maximum(least["units"].fill_null(0).to_numpy(), 0)
    finite = np.where(np.isfinite(problem.serve_cost), problem.serve_cost, 0.0) / problem.demand
    penalty = problem.unserved_cost if problem.unserved_cost is not None else np.zeros(len(problem.demand))
    changed = LocationProblem(
        fixed_cost=fixed,
        capacity=capacity,
        demand=problem.demand,
        serve_cost=problem.serve_cost,
        unserved_cost=penalty,
        least=minimum if minimum.any() else None,
        # Above any piece's cost: a rule of the user is broken only where it cannot be kept.
        least_cost=float(
            10 * (finite.max() + (penalty / problem.demand).max() + problem.fixed_cost.sum() + 1)
        ),
    )
    plan = locate(changed)
    is_open = plan.is_open.copy()
    is_open[chosen["open"]] = True
    is_open[chosen["closed"]] = False
    cost = plan_cost(problem, is_open, plan.share, plan.unserved, np.zeros(len(is_open)))
    return LocationPlan(
        is_open=is_open,
        share=plan.share,
        unserved=plan.unserved,
        shortfall=plan.shortfall,
        cost=cost,
        bound=cost - max(plan.cost - plan.bound, 0.0),
        n_fixed=plan.n_fixed,
        is_proven=plan.is_proven,
    )
