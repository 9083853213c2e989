"""From integer plans to the tables of a run: names, lengths, money as Decimal. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from xbec_platform.logistics.arcs import chargeable_kg
from xbec_platform.logistics.assignment_inputs import AssignmentInputs
from xbec_platform.logistics.assignment_schema import (
    ASSIGNMENT_SCHEMA,
    MONEY,
    SUMMARY_SCHEMA,
    UNSERVED_SCHEMA,
    base_money,
    conform,
)
from xbec_platform.logistics.demand_classes import Demand
from xbec_platform.logistics.distance import warehouse_ranking
from xbec_platform.logistics.flow import FlowProblem, FlowSolution
from xbec_platform.logistics.line_plan import UNSERVED
from xbec_platform.logistics.parcels import bill_parcels


@dataclass(frozen=True, kw_only=True)
class Network:
    """The day as the solver sees it: tables whose row numbers are the integers of the flow problem."""

    inputs: AssignmentInputs
    lanes: pl.DataFrame
    demand: Demand
    stock: pl.DataFrame | None
    arcs: pl.DataFrame
    problem: FlowProblem


@dataclass(frozen=True, kw_only=True)
class PlanTotals:
    """A plan in figures, money in ticks."""

    freight: int
    handling: int
    unserved_units: int
    penalty: int
    parcels: int
    parcel_freight: int

    @property
    def cost(self) -> int:
        """Freight and handling."""
        return self.freight + self.handling

    @property
    def objective(self) -> int:
        """What the model minimises."""
        return self.cost + self.penalty


def served_pieces(network: Network, segments: pl.DataFrame) -> pl.DataFrame:
    """Each served segment beside its line, class, arc and lane; `row` is the segment's number."""
    served = segments.filter(pl.col("arc") != UNSERVED)
    lines = network.demand.lines.select("order_id", "line_no", "product_id", "ship_country", "class_id")
    weights = network.demand.classes.select("parcel_units", "weight_kg", "volume_cm3", "weight_assumed")
    on_line = lines[served["line"]]
    on_arc = network.arcs.select("lane", "warehouse", "cost_ticks")[served["arc"]]
    of_class = weights[on_line["class_id"]]
    of_lane = network.lanes.drop("lane", "warehouse", "mode", "dest_node")[on_arc["lane"]]
    return (
        pl.concat([served, on_line, on_arc, of_class, of_lane], how="horizontal")
        .with_columns(mode=network.lanes["mode"][on_arc["lane"]], unit_kg=chargeable_kg())
        .with_columns(parcel_kg=pl.col("unit_kg") * pl.col("qty"))
    )


def plan_totals(network: Network, segments: pl.DataFrame) -> PlanTotals:
    """Add a plan up; also for the baselines, so that they are measured with the same yardstick."""
    pieces = served_pieces(network, segments)
    left_over = segments.filter(pl.col("arc") == UNSERVED)
    penalty = network.demand.classes["penalty_ticks"][network.demand.lines["class_id"][left_over["line"]]]
    cost = int((pieces["cost_ticks"] * pieces["qty"]).sum())
    handling = int((pieces["handling_ticks"] * pieces["qty"]).sum())
    bill = bill_parcels(pieces.select("order_id", "lane", "parcel_kg"), network.lanes)
    return PlanTotals(
        freight=cost - handling,
        handling=handling,
        unserved_units=int(left_over["qty"].sum()),
        penalty=int((penalty * left_over["qty"]).sum()),
        parcels=bill.parcels,
        parcel_freight=bill.freight_ticks,
    )


def assignment_table(network: Network, segments: pl.DataFrame) -> pl.DataFrame:
    """ASSIGNMENT_SCHEMA, sorted by order_id, line_no, warehouse_id."""
    inputs = network.inputs
    nearest = (
        warehouse_ranking(network.lanes, inputs.warehouses, inputs.destinations)
        .filter((pl.col("distance_rank") == 0) & pl.col("distance_km").is_not_null())
        .select(ship_country="country", nearest_warehouse_id="warehouse_id")
    )
    return (
        served_pieces(network, segments)
        .join(nearest, on="ship_country", how="left", maintain_order="left")
        .with_columns(
            warehouse_id=pl.col("origin_node"),
            is_split=pl.len().over("line") > 1,
            transit_p90_days=pl.col("p90_days"),
            chargeable_kg=pl.col("parcel_kg"),
            freight=pl.col("cost_ticks") - pl.col("handling_ticks"),
            total=pl.col("cost_ticks") * pl.col("qty"),
        )
        .with_columns(
            freight_per_unit_base=base_money("freight"),
            handling_per_unit_base=base_money("handling_ticks"),
            cost_per_unit_base=base_money("cost_ticks"),
            cost_base=base_money("total"),
        )
        .pipe(conform, ASSIGNMENT_SCHEMA)
        .sort("order_id", "line_no", "warehouse_id")
    )


def unserved_table(network: Network, segments: pl.DataFrame, reasons: pl.DataFrame) -> pl.DataFrame:
    """UNSERVED_SCHEMA, sorted by order_id, line_no."""
    left_over = segments.filter(pl.col("arc") == UNSERVED)
    lines = network.demand.lines.select("order_id", "line_no", "product_id", "ship_country", "class_id")
    return (
        lines[left_over["line"]]
        .with_columns(qty=left_over["qty"])
        .join(network.demand.classes.select("class_id", "penalty_ticks"), on="class_id", how="left")
        .join(reasons, on="class_id", how="left")
        .with_columns(penalty=pl.col("penalty_ticks") * pl.col("qty"))
        .with_columns(penalty_base=base_money("penalty"))
        .pipe(conform, UNSERVED_SCHEMA)
        .sort("order_id", "line_no")
    )


def summary_table(
    network: Network, solution: FlowSolution, segments: pl.DataFrame, baselines: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """SUMMARY_SCHEMA, one row.

    Args:
        network: The day.
        solution: Its optimum.
        segments: The optimum by line.
        baselines: Plans "nearest" and "cheapest" by line.
    """
    plan = plan_totals(network, segments)
    ordered = int(network.demand.lines["qty"].sum())
    twice = segments.filter(pl.col("arc") != UNSERVED).group_by("line").len().filter(pl.col("len") > 1)
    values: dict[str, object] = {
        "status": "optimal",
        "n_lines": network.demand.lines.height,
        "n_classes": network.demand.classes.height,
        "n_arcs": network.arcs.height,
        "ordered_units": ordered,
        "assigned_units": ordered - plan.unserved_units,
        "unserved_units": plan.unserved_units,
        "n_split_lines": twice.height,
        "freight_base": _money(plan.freight),
        "handling_base": _money(plan.handling),
        "cost_base": _money(plan.cost),
        "penalty_base": _money(plan.penalty),
        "containers": 0,
        "container_base": _money(0),
        "extra_parcels": None,
        "split_base": _money(0),
        "objective_base": _money(solution.objective),
        "bound_base": _money(solution.objective),
        "parcels": plan.parcels,
        "parcel_freight_base": _money(plan.parcel_freight),
    }
    for name, baseline in baselines.items():
        other = plan_totals(network, baseline)
        values |= {
            f"{name}_cost_base": _money(other.cost),
            f"{name}_unserved_units": other.unserved_units,
            f"{name}_objective_base": _money(other.objective),
            f"{name}_parcel_freight_base": _money(other.parcel_freight),
            f"regret_{name}_cost_base": _money(other.cost - plan.cost),
            f"regret_{name}_unserved_units": other.unserved_units - plan.unserved_units,
            f"regret_{name}_total_base": _money(other.objective - plan.objective),
        }
    return pl.DataFrame([values], schema=SUMMARY_SCHEMA)


def with_further_cost(summary: pl.DataFrame, paid: Decimal) -> pl.DataFrame:
    """SUMMARY_SCHEMA with a cost that no line has: of containers, of extra parcels. Baselines pay it too."""
    names = [f"{plan}{name}_base" for plan in ("", "nearest_", "cheapest_") for name in ("cost", "objective")]
    return summary.with_columns((pl.col(name) + pl.lit(paid, dtype=MONEY)).cast(MONEY) for name in names)


def _money(amount: int) -> Decimal:
    return Decimal(amount).scaleb(-4)
