"""Tables of a network plan: centres, zones left over, the plan in one row, the user's rules. Decides nothing."""

from __future__ import annotations

import numpy as np
import polars as pl

from xbec_platform.logistics.assignment_schema import MONEY, conform
from xbec_platform.logistics.location_problem import Flags, Floats, LocationPlan, LocationProblem

SITE_SCHEMA = pl.Schema(
    {
        "warehouse_id": pl.String(),
        "opened": pl.Boolean(),
        "is_open_today": pl.Boolean(),
        "action": pl.String(),
        "fixed_cost_base": MONEY,
        "capacity_units": pl.Int64(),
        "served_units": pl.Float64(),
        "served_today_units": pl.Float64(),
        "utilisation": pl.Float64(),
        "status": pl.String(),
    }
)
"""Grain: centre. action: keep, open, close, stay_closed. fixed_cost_base and units: of the window; capacity null = no
limit. served_today_units: in the best plan of the centres open today. status: ok, FIXED_COST_UNKNOWN."""

ZONE_SCHEMA = pl.Schema(
    {
        "ship_country": pl.String(),
        "zone_no": pl.Int64(),
        "units": pl.Float64(),
        "unserved_units": pl.Float64(),
        "penalty_base": MONEY,
        "reason": pl.String(),
    }
)
"""Grain: zone with unserved pieces. reason: NO_CENTRE_IN_REACH, COST_ABOVE_PENALTY or CAPACITY_FULL."""

FLOW_SCHEMA = pl.Schema(
    {
        "warehouse_id": pl.String(),
        "ship_country": pl.String(),
        "units": pl.Float64(),
        "cost_base": MONEY,
    }
)
"""Grain: centre x country that it serves in the plan, within the window."""

SUMMARY_SCHEMA = pl.Schema(
    {
        "window_days": pl.Int64(),
        "n_zones": pl.Int64(),
        "n_sites": pl.Int64(),
        "n_opened": pl.Int64(),
        "units": pl.Float64(),
        "unserved_units": pl.Float64(),
        "today_unserved_units": pl.Float64(),
        "cost_base": MONEY,
        "today_cost_base": MONEY,
        "saving_base": MONEY,
        "bound_base": MONEY,
        "gap": pl.Float64(),
        "is_proven": pl.Boolean(),
    }
)
"""One row. Costs are of the window, penalties included; gap: how far the cost may lie above the optimum."""

RULE_SCHEMA = pl.Schema(
    {
        "warehouse_id": pl.String(),
        "rule": pl.String(),
        "units": pl.Int64(),
        "lacking_units": pl.Float64(),
        "status": pl.String(),
    }
)
"""Grain: rule of the user. status: kept, lacking (by so many units), UNKNOWN_WAREHOUSE."""

_DUST = 1e-6


def site_rows(
    sites: pl.DataFrame, problem: LocationProblem, plan: LocationPlan, share_today: Floats
) -> pl.DataFrame:
    """SITE_SCHEMA, sorted by warehouse_id."""
    served = np.round(plan.share @ problem.demand, 6)
    opened, today = pl.col("opened"), pl.col("is_open_today")
    action = (
        pl.when(opened & today)
        .then(pl.lit("keep"))
        .when(opened)
        .then(pl.lit("open"))
        .when(today)
        .then(pl.lit("close"))
        .otherwise(pl.lit("stay_closed"))
    )
    # A centre whose fixed cost is not known costs nothing to keep: closing it would save nothing that is known.
    is_open = plan.is_open | (sites["is_open_today"] & ~sites["is_known"]).to_numpy()
    capacity = pl.when(pl.col("capacity_orders_day").is_not_null()).then("capacity")
    return (
        sites.with_columns(
            opened=pl.Series(is_open),
            served_units=pl.Series(served),
            served_today_units=pl.Series(np.round(share_today @ problem.demand, 6)),
            capacity_units=capacity,
            fixed_cost_base=pl.when("is_known").then(pl.col("fixed_cost").round(4)),
            status=pl.when("is_known").then(pl.lit("ok")).otherwise(pl.lit("FIXED_COST_UNKNOWN")),
        )
        .with_columns(
            action=action,
            utilisation=pl.when(pl.col("capacity_units") > 0).then(
                (pl.col("served_units") / pl.col("capacity_units")).round(6)
            ),
        )
        .pipe(conform, SITE_SCHEMA)
        .sort("warehouse_id")
    )


def zone_rows(zones: pl.DataFrame, problem: LocationProblem, plan: LocationPlan) -> pl.DataFrame:
    """ZONE_SCHEMA, sorted by ship_country and zone_no."""
    reached: Flags = np.asarray(problem.reaches.any(axis=0))
    cheapest = np.where(problem.reaches, problem.serve_cost, np.inf).min(axis=0, initial=np.inf)
    penalty = problem.unserved_cost if problem.unserved_cost is not None else np.zeros(len(problem.demand))
    reason = np.where(
        ~reached, "NO_CENTRE_IN_REACH", np.where(cheapest > penalty, "COST_ABOVE_PENALTY", "CAPACITY_FULL")
    )
    return (
        zones.with_columns(
            ship_country="country",
            zone_no="zone",
            unserved_units=pl.Series(np.round(plan.unserved * problem.demand, 6)),
            penalty_base=pl.Series(np.round(plan.unserved * penalty, 4)),
            reason=pl.Series(reason),
        )
        .filter(pl.col("unserved_units") > _DUST)
        .pipe(conform, ZONE_SCHEMA)
        .sort("ship_country", "zone_no")
    )


def flow_rows(
    sites: pl.DataFrame, zones: pl.DataFrame, problem: LocationProblem, plan: LocationPlan
) -> pl.DataFrame:
    """FLOW_SCHEMA, sorted by warehouse_id and ship_country."""
    site, zone = np.nonzero(plan.share * problem.demand > _DUST)
    share = plan.share[site, zone]
    return (
        pl.DataFrame(
            {
                "warehouse_id": sites["warehouse_id"][site],
                "ship_country": zones["country"][zone],
                "units": share * problem.demand[zone],
                "cost_base": share * problem.serve_cost[site, zone],
            }
        )
        .group_by("warehouse_id", "ship_country")
        .agg(pl.col("units").sum().round(6), pl.col("cost_base").sum().round(4))
        .pipe(conform, FLOW_SCHEMA)
        .sort("warehouse_id", "ship_country")
    )


def summary_row(
    problem: LocationProblem, plan: LocationPlan, today_cost: float, today_unserved: float, window_days: int
) -> pl.DataFrame:
    """SUMMARY_SCHEMA, one row."""
    row = {
        "window_days": window_days,
        "n_zones": len(problem.demand),
        "n_sites": len(problem.capacity),
        "n_opened": int(plan.is_open.sum()),
        "units": float(problem.demand.sum()),
        "unserved_units": round(float(plan.unserved @ problem.demand), 6),
        "today_unserved_units": round(today_unserved, 6),
        "cost_base": round(plan.cost, 4),
        "today_cost_base": round(today_cost, 4),
        "saving_base": round(today_cost - plan.cost, 4),
        "bound_base": round(plan.bound, 4),
        "gap": round(plan.gap, 9),
        "is_proven": plan.is_proven,
    }
    return conform(pl.DataFrame([row]), SUMMARY_SCHEMA)


def rule_rows(asked: pl.DataFrame, sites: pl.DataFrame, plan: LocationPlan | None) -> pl.DataFrame:
    """RULE_SCHEMA, sorted by warehouse_id and rule."""
    shortfall = np.zeros(sites.height) if plan is None else plan.shortfall
    lacking = [
        float(round(shortfall[site], 6)) if rule == "least_units" and site is not None else 0.0
        for site, rule in asked.select("site", "rule").rows()
    ]
    return (
        asked.with_columns(lacking_units=pl.Series(lacking, dtype=pl.Float64))
        .with_columns(
            status=pl.when(pl.col("site").is_null())
            .then(pl.lit("UNKNOWN_WAREHOUSE"))
            .when(pl.col("lacking_units") > _DUST)
            .then(pl.lit("lacking"))
            .otherwise(pl.lit("kept"))
        )
        .pipe(conform, RULE_SCHEMA)
        .sort("warehouse_id", "rule")
    )
