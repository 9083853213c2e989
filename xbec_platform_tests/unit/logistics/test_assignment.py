"""The whole run on days small enough to solve by hand."""

from collections.abc import Callable
from dataclasses import fields, replace
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from xbec_platform.logistics import assignment
from xbec_platform.logistics.assignment import AssignmentResult, assign
from xbec_platform.logistics.assignment_inputs import AssignmentInputs, AssignmentParams
from xbec_platform.logistics.assignment_schema import (
    ASSIGNMENT_SCHEMA,
    BOTTLENECK_SCHEMA,
    SUMMARY_SCHEMA,
    UNSERVED_SCHEMA,
)
from xbec_platform.logistics.flow import FlowProblem, FlowSolution, solve_flow

Day = Callable[..., AssignmentInputs]

RATES = (("A", "DE", 1), ("A", "FR", 2), ("B", "DE", 3), ("B", "FR", 10))


@pytest.fixture
def trap(make_day: Day) -> AssignmentInputs:
    """One piece to DE, then one to FR; A is cheapest and nearest for both but sends one piece a day.

    In turn: DE takes A (1), FR is left with B (10), together 11. Best: DE from B (3), FR from A (2), together 5.
    """
    return make_day(
        lines=[{"order_id": "1", "ship_country": "DE"}, {"order_id": "2", "ship_country": "FR"}],
        warehouses=[{"warehouse_id": "A", "capacity_orders_day": 1}, {"warehouse_id": "B"}],
        lanes=[
            {
                "lane_id": f"{a}-{b}",
                "origin_node": a,
                "dest_node": b,
                "rate_per_kg": Decimal(c),
                "distance_km": 10.0 * c,
            }
            for a, b, c in RATES
        ],
    )


def summary(result: AssignmentResult) -> dict[str, object]:
    """The summary as a dictionary."""
    return result.summary.row(0, named=True)


def test_plans_the_day_not_the_order(trap: AssignmentInputs) -> None:
    """The order that came first gives way, because the other one needs A more."""
    result = assign(trap)
    assert result.assignments.select("order_id", "warehouse_id", "lane_id", "qty", "cost_base").rows() == [
        ("1", "B", "B-DE", 1, Decimal("3.0000")),
        ("2", "A", "A-FR", 1, Decimal("2.0000")),
    ]
    assert result.assignments["nearest_warehouse_id"].to_list() == ["A", "A"]
    assert result.unserved.is_empty()


def test_states_what_planning_saved(trap: AssignmentInputs) -> None:
    """Both shop rules end at 11, the plan at 5: regret 6, no difference in pieces served."""
    stated = summary(assign(trap))
    assert stated["status"] == "optimal"
    assert stated["objective_base"] == stated["cost_base"] == stated["freight_base"] == Decimal(5)
    for rule in ("nearest", "cheapest"):
        assert stated[f"{rule}_cost_base"] == Decimal(11)
        assert stated[f"regret_{rule}_cost_base"] == stated[f"regret_{rule}_total_base"] == Decimal(6)
        assert stated[f"regret_{rule}_unserved_units"] == 0


def test_names_the_bottleneck_and_its_price(trap: AssignmentInputs) -> None:
    """With a second piece a day at A both orders go from A for 3: the price of one more is 2."""
    rows = assign(trap).bottlenecks.filter(kind="warehouse_pieces")
    assert rows.select("warehouse_id", "limit", "used", "is_binding", "shadow_price_base").rows() == [
        ("A", 1.0, 1.0, True, Decimal(2)),
        ("B", 100.0, 1.0, False, Decimal(0)),
    ]
    wider = replace(trap, warehouses=trap.warehouses.with_columns(capacity_orders_day=pl.Series([2, 100])))
    assert summary(assign(wider))["objective_base"] == Decimal(3)


def test_order_of_arrival_matters_to_the_shop_rules_only(trap: AssignmentInputs) -> None:
    """With FR first, in turn gives A to FR (2) and B to DE (3): no regret; the plan is the same."""
    stamps = pl.Series(["2024-01-01T09:00:00", "2024-01-01T08:00:00"]).str.to_datetime(time_zone="UTC")
    later = replace(trap, lines=trap.lines.with_columns(order_ts=stamps))
    stated = summary(assign(later))
    assert stated["objective_base"] == stated["nearest_objective_base"] == Decimal(5)


def test_nearest_is_by_distance_not_by_price(make_day: Day) -> None:
    """The near warehouse is the dear one: the nearest rule pays 9, the cheapest rule and the plan 1."""
    day = make_day(
        lines=[{"order_id": "o"}],
        warehouses=[
            {"warehouse_id": "A", "lat": 50.0, "lon": 9.0},
            {"warehouse_id": "B", "lat": 30.0, "lon": 120.0},
        ],
        lanes=[{"origin_node": "A", "rate_per_kg": Decimal(9)}, {"origin_node": "B"}],
        destinations=[{"country": "DE", "lat": 51.0, "lon": 10.0}],
    )
    result = assign(day)
    stated = summary(result)
    assert (stated["nearest_cost_base"], stated["cheapest_cost_base"]) == (Decimal(9), Decimal(1))
    row = result.assignments.row(0, named=True)
    assert (row["warehouse_id"], row["nearest_warehouse_id"]) == ("B", "A")
    assert row["route_km"] == pytest.approx(1.3 * row["great_circle_km"])
    assert row["route_km_estimated"]


def test_line_is_split_where_no_warehouse_has_it_all(make_day: Day) -> None:
    """Five pieces, three at A and two at B: two rows, both flagged; the parcels then pay two minimums."""
    day = make_day(
        lines=[{"order_id": "o", "qty": 5}],
        lanes=[
            {"origin_node": "A", "min_charge": Decimal(10)},
            {"origin_node": "B", "min_charge": Decimal(10)},
        ],
        stock=[
            {"warehouse_id": "A", "product_id": "p", "available": 3},
            {"warehouse_id": "B", "product_id": "p", "available": 2},
        ],
    )
    result = assign(day)
    columns = ("warehouse_id", "qty", "is_split", "chargeable_kg", "cost_base")
    assert result.assignments.select(columns).rows() == [
        ("A", 3, True, 3.0, Decimal(6)),
        ("B", 2, True, 2.0, Decimal(4)),
    ]
    stated = summary(result)
    assert (stated["n_split_lines"], stated["freight_base"], stated["parcels"]) == (1, Decimal(10), 2)
    assert stated["parcel_freight_base"] == Decimal(20)


def test_scarce_stock_goes_to_higher_margin_and_priority(make_day: Day) -> None:
    """One piece left for two orders: priority 2 doubles the penalty, so the other order waits."""
    day = make_day(
        lines=[{"order_id": "1"}, {"order_id": "2", "priority": 2}],
        lanes=[{"origin_node": "A"}],
        products=[{"product_id": "p", "weight_kg": 1.0, "unit_cost": Decimal(5), "list_price": Decimal(25)}],
        stock=[{"warehouse_id": "A", "product_id": "p", "available": 1}],
    )
    result = assign(day, AssignmentParams(unserved_penalty_base=Decimal(100)))
    assert result.assignments["order_id"].to_list() == ["2"]
    assert result.unserved.select("order_id", "penalty_base").rows() == [("1", Decimal(120))]
    scarce = result.bottlenecks.filter(kind="sku_stock")
    assert scarce.select("warehouse_id", "product_id", "shadow_price_base", "units_blocked").rows() == [
        ("A", "p", Decimal(119), 1)
    ]


def test_weight_limit_is_reported_not_enforced(make_day: Day) -> None:
    """Two kilograms from a warehouse that takes one: the plan stands, the bottleneck says so."""
    day = make_day(
        lines=[{"order_id": "o", "qty": 2}],
        warehouses=[{"warehouse_id": "A", "capacity_kg": 1.0}],
        lanes=[{"origin_node": "A"}],
    )
    row = assign(day).bottlenecks.filter(kind="warehouse_kg").row(0, named=True)
    assert (row["limit"], row["used"], row["is_binding"], row["shadow_price_base"]) == (1.0, 2.0, True, None)


@pytest.mark.parametrize("case", ["no orders", "no warehouses", "no lanes", "zero stock", "all empty"])
def test_empty_sides_keep_the_schemas(make_day: Day, case: str) -> None:
    """A day without orders, places or goods is a result, not an error; counts in = counts out."""
    whole = make_day(lines=[{"order_id": "o", "qty": 3}], lanes=[{"origin_node": "A"}])
    none = make_day(warehouses=())
    day = {
        "no orders": replace(whole, lines=none.lines),
        "no warehouses": replace(whole, warehouses=none.warehouses),
        "no lanes": replace(whole, lanes=none.lanes),
        "zero stock": replace(whole, stock=make_day(stock=()).stock),
        "all empty": none,
    }[case]
    result = assign(day)
    assert result.assignments.schema == ASSIGNMENT_SCHEMA
    assert result.unserved.schema == UNSERVED_SCHEMA
    assert result.bottlenecks.schema == BOTTLENECK_SCHEMA
    assert result.summary.schema == SUMMARY_SCHEMA
    stated = summary(result)
    ordered = 0 if case in ("no orders", "all empty") else 3
    assert (stated["ordered_units"], stated["unserved_units"]) == (ordered, ordered)
    assert result.unserved["qty"].sum() == ordered


def test_crowded_day_counts_in_equal_counts_out(crowded_day: AssignmentInputs) -> None:
    """Every limit binds here; each line's pieces are served or left over, and both happen."""
    result = assign(crowded_day)
    placed = pl.concat(
        [frame.select("order_id", "line_no", "qty") for frame in (result.assignments, result.unserved)]
    )
    per_line = placed.group_by("order_id", "line_no").agg(pl.col("qty").sum()).sort("order_id", "line_no")
    assert_frame_equal(
        per_line, crowded_day.lines.select("order_id", "line_no", "qty"), check_row_order=False
    )
    assert result.assignments.height > 20
    assert result.unserved["reason"].n_unique() >= 4
    assert result.bottlenecks.filter(pl.col("shadow_price_base") > 0)["kind"].n_unique() == 2


def test_plan_is_never_worse_than_either_shop_rule(crowded_day: AssignmentInputs) -> None:
    """Same arcs, same penalties: the optimum bounds both; on this day both lose strictly."""
    stated = summary(assign(crowded_day))
    assert stated["regret_nearest_total_base"] > 0
    assert stated["regret_cheapest_total_base"] > 0


def test_row_order_does_not_change_a_byte(crowded_day: AssignmentInputs) -> None:
    """Optimal plans are not unique; without the canonical sort a shuffle changes up to 1.4 % of the classes."""
    first = assign(crowded_day)
    for seed in range(5):
        shuffled = AssignmentInputs(
            **{
                name.name: getattr(crowded_day, name.name).sample(fraction=1.0, shuffle=True, seed=seed)
                for name in fields(AssignmentInputs)
            }
        )
        again = assign(shuffled)
        for name in fields(AssignmentResult):
            assert_frame_equal(getattr(first, name.name), getattr(again, name.name), check_exact=True)


def test_a_plan_that_breaks_a_limit_is_not_returned(
    trap: AssignmentInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the solver to overfill A, the audit must stop the plan."""

    def overfill(problem: FlowProblem) -> FlowSolution:
        flow = np.where(problem.arc_warehouse == 0, 1, 0)
        cost = int(flow @ problem.arc_cost)
        return FlowSolution(arc_flow=flow, class_unserved=np.zeros(2, dtype=np.int64), objective=cost)

    monkeypatch.setattr(assignment, "solve_flow", overfill)
    with pytest.raises(RuntimeError, match=r"breaks 1 rules.*capacity"):
        assign(trap)


def test_a_plan_that_is_not_optimal_is_not_returned(
    trap: AssignmentInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the solver to stop early with a feasible plan, the residual cycle must be found."""

    def in_turn(problem: FlowProblem) -> FlowSolution:
        flow = np.array([1, 0, 0, 1])
        assert int(flow @ problem.arc_cost) == 110_000
        return FlowSolution(arc_flow=flow, class_unserved=np.zeros(2, dtype=np.int64), objective=110_000)

    assert solve_flow is assignment.solve_flow
    monkeypatch.setattr(assignment, "solve_flow", in_turn)
    with pytest.raises(RuntimeError, match="not optimal"):
        assign(trap)
