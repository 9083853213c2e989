"""The audit must pass every honest plan and catch every planted fault by the right rule."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from xbec_platform.logistics import assignment
from xbec_platform.logistics.assignment import AssignmentResult, assign
from xbec_platform.logistics.assignment_inputs import AssignmentInputs, AssignmentParams
from xbec_platform.logistics.audit import audit_plan

Mutation = Callable[[AssignmentResult], AssignmentResult]


@pytest.fixture(scope="module")
def plan(crowded_day: AssignmentInputs) -> AssignmentResult:
    """An honest plan of a day on which everything binds."""
    return assign(crowded_day)


def rules(day: AssignmentInputs, plan: AssignmentResult) -> set[str]:
    """Names of the rules the audit finds broken."""
    found = audit_plan(day, AssignmentParams(), plan.assignments, plan.unserved, plan.summary)
    return set(found["rule"])


def first_row(**changes: object) -> Mutation:
    """Change cells of the first assignment row."""

    def mutate(plan: AssignmentResult) -> AssignmentResult:
        at = pl.int_range(pl.len()) == 0
        cells = [
            pl.when(at)
            .then(pl.lit(value))
            .otherwise(pl.col(name))
            .cast(plan.assignments.schema[name])
            .alias(name)
            for name, value in changes.items()
        ]
        return replace(plan, assignments=plan.assignments.with_columns(cells))

    return mutate


def lose_a_row(plan: AssignmentResult) -> AssignmentResult:
    """Forget one served line."""
    return replace(plan, assignments=plan.assignments[1:])


def serve_twice(plan: AssignmentResult) -> AssignmentResult:
    """Send one line twice."""
    return replace(plan, assignments=pl.concat([plan.assignments, plan.assignments[:1]]))


def hide_unserved(plan: AssignmentResult) -> AssignmentResult:
    """Drop the list of what is left over."""
    return replace(plan, unserved=plan.unserved[:0])


def swap_reason(plan: AssignmentResult) -> AssignmentResult:
    """Blame the customer's address for everything."""
    return replace(plan, unserved=plan.unserved.with_columns(reason=pl.lit("NO_ADDRESS_OR_RATE")))


def cheaper_penalty(plan: AssignmentResult) -> AssignmentResult:
    """Understate what leaving pieces over costs."""
    return replace(
        plan, unserved=plan.unserved.with_columns(penalty_base=pl.lit(Decimal(1), pl.Decimal(18, 4)))
    )


def summary_cell(name: str, shift: Decimal) -> Mutation:
    """Shift one figure of the summary."""

    def mutate(plan: AssignmentResult) -> AssignmentResult:
        stated = plan.summary[name].item() + shift
        return replace(
            plan, summary=plan.summary.with_columns(pl.lit(stated).cast(pl.Decimal(18, 4)).alias(name))
        )

    return mutate


def test_honest_plan_passes(crowded_day: AssignmentInputs, plan: AssignmentResult) -> None:
    """No false alarm on a day with splits, left-overs, assumed weights and estimated times."""
    assert rules(crowded_day, plan) == set()


@pytest.mark.parametrize(
    ("mutation", "rule"),
    [
        pytest.param(lose_a_row, "line_conservation", id="lost row"),
        pytest.param(lose_a_row, "product_conservation", id="lost row, by product"),
        pytest.param(serve_twice, "line_conservation", id="served twice"),
        pytest.param(hide_unserved, "line_conservation", id="left-overs hidden"),
        pytest.param(first_row(qty=0), "pieces_positive", id="row without pieces"),
        pytest.param(first_row(order_id="nobody"), "line_conservation", id="order nobody placed"),
        pytest.param(first_row(product_id="p5"), "product_conservation", id="other product sent"),
        pytest.param(first_row(qty=10_000), "capacity", id="more than the warehouse can"),
        pytest.param(first_row(qty=10_000), "stock", id="more than there is"),
        pytest.param(first_row(lane_id="no-such-lane"), "lane", id="lane that does not exist"),
        pytest.param(first_row(warehouse_id="D"), "lane", id="lane of another warehouse"),
        pytest.param(first_row(mode="rail"), "lane", id="mode of another lane"),
        pytest.param(first_row(transit_p90_days=0.1), "transit_days", id="faster than the lane"),
        pytest.param(first_row(freight_per_unit_base=Decimal("0.01")), "freight", id="freight understated"),
        pytest.param(first_row(handling_per_unit_base=Decimal(0)), "handling", id="handling forgotten"),
        pytest.param(first_row(cost_per_unit_base=Decimal("0.01")), "unit_cost", id="unit cost understated"),
        pytest.param(first_row(cost_base=Decimal("0.01")), "row_cost", id="row cost understated"),
        pytest.param(first_row(chargeable_kg=0.001), "chargeable_kg", id="weight understated"),
        pytest.param(cheaper_penalty, "penalty", id="penalty understated"),
        pytest.param(swap_reason, "reason", id="wrong reason"),
        pytest.param(summary_cell("cost_base", Decimal("0.01")), "summary", id="total off by a cent"),
        pytest.param(summary_cell("objective_base", Decimal(-1)), "summary", id="objective too good"),
    ],
)
def test_planted_fault_is_caught(
    crowded_day: AssignmentInputs, plan: AssignmentResult, mutation: Mutation, rule: str
) -> None:
    """Each fault a solver or a table could introduce, and the rule that has to see it."""
    assert rule in rules(crowded_day, mutation(plan))


@pytest.mark.parametrize(
    ("table", "change", "rule"),
    [
        ("lines", {"promised_days": pl.lit(0)}, "promise"),
        ("lanes", {"allows_battery": pl.lit(False)}, "hazard"),
        ("warehouses", {"can_battery": pl.lit(False)}, "hazard"),
        ("warehouses", {"capacity_orders_day": pl.lit(1)}, "capacity"),
        ("warehouses", {"capacity_orders_day": pl.lit(10_000)}, "reason"),
        ("stock", {"available": pl.lit(0)}, "stock"),
        ("lanes", {"rate_per_kg": pl.col("rate_per_kg") * 2}, "freight"),
    ],
)
def test_plan_is_checked_against_the_inputs_not_against_itself(
    crowded_day: AssignmentInputs,
    plan: AssignmentResult,
    table: str,
    change: dict[str, pl.Expr],
    rule: str,
) -> None:
    """A consistent plan made for other inputs must fail on these."""
    other = replace(crowded_day, **{table: getattr(crowded_day, table).with_columns(**change)})
    assert rule in rules(other, plan)


def test_leaving_over_what_could_be_served_is_caught(make_day: Callable[..., AssignmentInputs]) -> None:
    """Feasible and conserved, but careless: the piece has a lane, stock and room for 1 against 500."""
    day = make_day(lines=[{"order_id": "o"}], lanes=[{"origin_node": "A"}])
    lazy = assign(replace(day, warehouses=day.warehouses.with_columns(capacity_orders_day=pl.lit(0))))
    found = audit_plan(day, AssignmentParams(), lazy.assignments, lazy.unserved, lazy.summary)
    assert found.rows() == [("reason", "o line 1", "SERVABLE", "WAREHOUSE_CAPACITY_FULL")]


@pytest.mark.parametrize(
    ("step", "broken", "message"),
    [
        # The solver calls a plan optimal that leaves a piece over which has a cheaper way.
        (
            "solve_flow",
            lambda good: replace(good, arc_flow=0 * good.arc_flow, class_unserved=np.array([1])),
            "optimal",
        ),
        # The plan loses a row after it was solved.
        ("assignment_table", lambda good: good.clear(), "breaks"),
    ],
)
def test_a_wrong_plan_is_never_returned(
    make_day: Callable[..., AssignmentInputs],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    broken: Callable[[Any], Any],
    message: str,
) -> None:
    """Solvers have wrong-answer bugs (or-tools #5293, #5274): every plan is certified and audited on its way out."""
    honest = getattr(assignment, step)
    monkeypatch.setattr(assignment, step, lambda *given: broken(honest(*given)))
    with pytest.raises(RuntimeError, match=message):
        assign(make_day(lines=[{"order_id": "o"}], lanes=[{"origin_node": "A"}]))


def test_audit_loads_no_solver_and_no_planning_code() -> None:
    """An audit that shares the planner's code shares its faults; checked in a fresh interpreter."""
    check = (
        "import sys, xbec_platform.logistics.audit;"
        "ours = {m.rsplit('.', 1)[-1] for m in sys.modules if m.startswith('xbec_platform.logistics.')};"
        "assert ours == {'audit', 'audit_reasons', 'assignment_inputs', 'assignment_schema'}, ours;"
        "assert not any(m.split('.')[0] in ('ortools', 'scipy') for m in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", check], check=True)
