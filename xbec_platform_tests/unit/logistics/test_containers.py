"""Lanes that ship in containers: a day solved by hand, beside other rules, in words; plans the audit refuses.

Exactness on days drawn at random: the properties.
"""

from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest

from xbec_platform.assets.logistics import plan_day
from xbec_platform.logistics.assignment import AssignmentResult, assign
from xbec_platform.logistics.assignment_inputs import AssignmentInputs, AssignmentParams, canonical
from xbec_platform.logistics.assignment_options import line_options
from xbec_platform.logistics.container_audit import container_faults
from xbec_platform.logistics.container_plan import container_text
from xbec_platform.logistics.restricted_items import allow
from xbec_platform_tests.unit.logistics.small_days import make_day
from xbec_platform_tests.unit.logistics.test_restricted_items import rules

BOX = {
    "container_rate": Decimal(300),
    "container_max_kg": 1000.0,
    "container_max_m3": 1.0,
    "mode": "sea",
    "transit_p90_days": 30.0,
}
# 15 pieces of p, of 10 kg and .1 m3: ten fill the container. One by truck costs 5 x 10 kg = 50.
DAY = make_day(
    lines=[
        *({"order_id": f"o{n}", "qty": qty} for n, qty in enumerate((3, 4, 5, 2))),
        {"order_id": "fast", "promised_days": 5},
        {"order_id": "heavy", "product_id": "big"},
        {"order_id": "far", "ship_country": "US"},
    ],
    products=[
        {"product_id": "p", "weight_kg": 10.0, "length_cm": 50.0, "width_cm": 50.0, "height_cm": 40.0},
        {"product_id": "big", "weight_kg": 2000.0},
    ],
    lanes=[
        {"origin_node": "A", **BOX, "surcharge_pct": 10.0},
        {"origin_node": "A", "rate_per_kg": Decimal(5)},
        {"origin_node": "A", "dest_node": "US", **BOX, "container_rate": Decimal(900)},
    ],
    warehouses=[{"warehouse_id": "A", "cost_pick": Decimal(1)}],
)  # fmt: skip


def planned(
    day: AssignmentInputs, order_splits: str = "free", *restricted: dict[str, object]
) -> AssignmentResult:
    """The plan of a day as the asset makes it."""
    named = replace(
        day,
        lanes=day.lanes.with_columns(carrier=pl.lit("K")),
        warehouses=day.warehouses.with_columns(country=pl.lit("DE")),
    )
    return plan_day(allow(named, rules(*restricted)), order_splits)[0]


def test_a_container_leaves_full_and_the_rest_goes_by_truck() -> None:
    """Ten of 14 patient pieces at 330 instead of 500, five by truck: a second container costs 330 and saves 200."""
    plan = planned(DAY)
    by_lane = dict(plan.assignments.group_by("lane_id").agg(pl.col("qty").sum()).rows())
    assert by_lane == {"L0": 10, "L1": 5}
    assert plan.assignments.filter(order_id="fast")["lane_id"].to_list() == ["L1"]
    assert plan.containers.select("lane_id", "containers", "pieces", "weight_fill", "volume_fill").rows() == [
        ("L0", 1, 10, 0.1, 1.0)
    ]
    summary = plan.summary.row(0, named=True)
    assert [summary[name] for name in ("container_base", "cost_base", "objective_base", "n_lines")] == [
        Decimal(330), Decimal(595), Decimal(1595), 7,
    ]  # fmt: skip
    assert float(summary["bound_base"]) == pytest.approx(1595, abs=0.01)
    reasons = dict(plan.unserved.select("order_id", "reason").rows())
    assert reasons == {"heavy": "COST_ABOVE_PENALTY", "far": "CONTAINER_NOT_WORTH_IT"}


def test_rules_for_splits_and_restrictions_share_the_container() -> None:
    """Restricted goods go over the lane's other name into the same container; no order is in two warehouses."""
    plan = planned(DAY, "single", {"product_id": "p", "restriction_id": "NO-ROAD", "mode": "truck"})
    assert plan.containers["containers"].to_list() == [2]
    assert plan.containers["pieces"].to_list() == [14]
    assert plan.assignments["lane_id"].unique().to_list() == ["L0"]
    # The piece that cannot wait names the restriction, which closed the only fast lane.
    assert plan.unserved.filter(order_id="fast")["reason"].to_list() == ["RESTRICTED_ITEM"]


def test_words_name_the_container_and_its_fill() -> None:
    plan = planned(DAY)
    assert container_text(plan.containers, ["L0"]) == (
        "L0: 1 containers from A to DE, 330.0000 each, 10 pieces, 10% of the payload, 100% of the room"
    )
    row = line_options(DAY, AssignmentParams(), plan.assignments, plan.bottlenecks, "o2").row(0, named=True)
    assert (row["lane_id"], row["qty"], row["verdict"]) == ("L0", 5, "chosen")
    # Its part of a full container, a tenth of 330, and handling.
    assert row["cost_per_unit_base"] == Decimal(34)


def test_a_flow_alone_refuses_containers_and_a_rate_needs_its_limits() -> None:
    with pytest.raises(ValueError, match="load_containers first"):
        assign(DAY)
    with pytest.raises(ValueError, match="L0: container_rate needs container_max_kg"):
        canonical(replace(DAY, lanes=DAY.lanes.with_columns(container_max_m3=pl.lit(None))))


@pytest.mark.parametrize(
    ("table", "changes", "fault"),
    [
        ("containers", {"containers": pl.lit(2, pl.Int64)}, "2 containers for 1.000000 containers of goods"),
        ("containers", {"cost_base": pl.lit(300, pl.Decimal(18, 4))}, "1 containers at 330.0000 cost 300.0000"),
        ("containers", {"volume_fill": pl.lit(0.9)}, "volume_fill 0.9 is stated, 1.000000 planned"),
        ("containers", {"lane_id": pl.lit("L2")}, "lane L0 has containers or pieces, not both"),
        ("assignments", {"qty": pl.col("qty") + 1}, "1 containers for"),
        ("assignments", {"freight_per_unit_base": pl.lit(1, pl.Decimal(18, 4))}, "pays freight in a container"),
        ("summary", {"container_base": pl.lit(0, pl.Decimal(18, 4))}, "container_base is 0"),
        ("summary", {"bound_base": pl.lit(9999, pl.Decimal(18, 4))}, "below its bound"),
    ],
)  # fmt: skip
def test_the_audit_refuses(table: str, changes: dict[str, pl.Expr], fault: str) -> None:
    plan = planned(DAY)
    day, tables = canonical(DAY), {n: getattr(plan, n) for n in ("assignments", "containers", "summary")}
    assert container_faults(day, AssignmentParams(), **tables) == []
    tables[table] = tables[table].with_columns(**changes)
    assert any(fault in said for said in container_faults(day, AssignmentParams(), **tables))
