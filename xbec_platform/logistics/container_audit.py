"""Independent re-check of the containers of a plan. Imports no solver and none of the code that loaded them."""

from __future__ import annotations

import math
from decimal import Decimal

import polars as pl

from xbec_platform.logistics.assignment_inputs import AssignmentInputs, AssignmentParams

TOLERANCE = 1e-6
"""Part of a container, of a rate or of the plan's cost."""
_CM3_PER_KG = 6_000


def container_faults(
    inputs: AssignmentInputs,
    params: AssignmentParams,
    assignments: pl.DataFrame,
    containers: pl.DataFrame,
    summary: pl.DataFrame,
) -> list[str]:
    """Sentences about every rule the containers break; empty = they hold.

    Every piece on a lane with a rate by container is in one, there are as many as weight and room need and no more,
    each is paid at its rate, the totals of the plan hold them, and the plan is not below its bound.

    Args:
        inputs: Canonical frames with the lanes as they are.
        params: As the plan was made with.
        assignments: ASSIGNMENT_SCHEMA.
        containers: CONTAINER_SCHEMA.
        summary: SUMMARY_SCHEMA.
    """
    faults: list[str] = []
    lanes = {
        row["lane_id"]: row
        for row in inputs.lanes.filter(pl.col("container_rate").is_not_null()).iter_rows(named=True)
    }
    goods = {row["product_id"]: row for row in inputs.products.iter_rows(named=True)}
    need: dict[str, list[float]] = {}
    for row in assignments.filter(pl.col("lane_id").is_in(list(lanes))).iter_rows(named=True):
        if row["freight_per_unit_base"]:
            faults.append(f"{row['order_id']} line {row['line_no']} pays freight in a container")
        kg, m3 = _size(goods.get(row["product_id"], {}), params)
        lane = lanes[row["lane_id"]]
        total = need.setdefault(_base(row["lane_id"]), [0.0, 0.0, 0.0])
        total[0] += row["qty"]
        total[1] += kg * row["qty"] / lane["container_max_kg"]
        total[2] += m3 * row["qty"] / lane["container_max_m3"]
    stated = {row["lane_id"]: row for row in containers.iter_rows(named=True)}
    faults += [f"lane {name} has containers or pieces, not both" for name in sorted(set(need) ^ set(stated))]
    rates = {
        _base(name): float(lane["container_rate"]) * (1 + lane["surcharge_pct"] / 100)
        for name, lane in lanes.items()
    }
    for name in sorted(set(need) & set(stated)):
        faults += _lane_faults(name, stated[name], need[name], rates[name])
    return faults + _total_faults(containers, summary.row(0, named=True))


def _base(lane_id: str) -> str:
    for mark in "|@#":
        lane_id = lane_id.split(mark, 1)[0]
    return lane_id


def _size(product: dict[str, float | None], params: AssignmentParams) -> tuple[float, float]:
    """Weight and room of a piece."""
    kg = product.get("weight_kg") or 0.0
    kg = kg if kg > 0 else params.default_weight_kg
    sides = [product.get(f"{side}_cm") or 0.0 for side in ("length", "width", "height")]
    return kg, (math.prod(sides) or kg * _CM3_PER_KG) / 1e6


def _lane_faults(name: str, stated: dict[str, object], need: list[float], rate: float) -> list[str]:
    faults = []
    number, pieces = int(str(stated["containers"])), int(str(stated["pieces"]))
    full = max(need[1:])
    needless = number > 1 and full <= number - 1 + TOLERANCE / 2
    if needless or number < 1 or full > number + TOLERANCE:
        faults.append(f"lane {name}: {number} containers for {full:.6f} containers of goods")
    if pieces != need[0]:
        faults.append(f"lane {name}: {pieces} pieces stated, {need[0]:.0f} planned")
    if abs(float(str(stated["cost_base"])) - rate * number) > 1e-4 * number:
        faults.append(f"lane {name}: {number} containers at {rate:.4f} cost {stated['cost_base']}")
    for at, fill in ((1, "weight_fill"), (2, "volume_fill")):
        if abs(float(str(stated[fill])) - need[at] / number) > TOLERANCE:
            faults.append(f"lane {name}: {fill} {stated[fill]} is stated, {need[at] / number:.6f} planned")
    return faults


def _total_faults(containers: pl.DataFrame, plan: dict[str, Decimal]) -> list[str]:
    paid = sum(containers["cost_base"], Decimal(0))
    whole = plan["freight_base"] + plan["handling_base"] + paid
    objective = whole + plan["penalty_base"]
    stated = {"container_base": paid, "cost_base": whole, "objective_base": objective}
    faults = [f"{name} is {plan[name]}, not {value}" for name, value in stated.items() if plan[name] != value]
    if plan["containers"] != containers["containers"].sum():
        faults.append(
            f"{plan['containers']} containers in the summary, {containers['containers'].sum()} on lanes"
        )
    if float(plan["bound_base"]) > float(objective) * (1 + TOLERANCE) + 1e-4:
        faults.append(f"the plan costs {objective}, below its bound {plan['bound_base']}")
    return faults
