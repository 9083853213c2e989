"""The reference case for days that cannot be served in full: Brunel's 9,215 orders."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

from xbec_platform.logistics.assignment_inputs import TICKS_PER_BASE
from xbec_platform.logistics.flow import FlowSolution, solve_flow, warehouse_use
from xbec_platform.logistics.prices import shadow_prices
from xbec_platform.logistics.unserved import flow_reasons
from xbec_platform_tests.unit.logistics.brunel import Brunel, load_brunel
from xbec_platform_tests.unit.logistics.generated_day import linear_program

FULL = ["PLANT02", "PLANT03", "PLANT09", "PLANT10", "PLANT12"]


@pytest.fixture(scope="module")
def brunel(shared_data: Path) -> Brunel:
    """The day as arcs."""
    return load_brunel(shared_data / "brunel")


@pytest.fixture(scope="module")
def optimum(brunel: Brunel) -> FlowSolution:
    """Its solution."""
    return solve_flow(brunel.problem)


def served_cost(brunel: Brunel, solution: FlowSolution) -> float:
    """Cost of the served orders."""
    return float(solution.arc_flow @ brunel.problem.arc_cost) / TICKS_PER_BASE


def test_history_overloads_one_plant_eightfold(brunel: Brunel) -> None:
    """Why the day is infeasible as it was run: 8,541 orders on a plant that takes 1,013."""
    third = brunel.plants.index("PLANT03")
    assert (brunel.history == "PLANT03").sum() == 8541
    assert brunel.problem.capacity[third] == 1013


def test_serves_the_maximum_at_the_least_cost(brunel: Brunel, optimum: FlowSolution) -> None:
    """2,444 of 9,215 is the maximum (capacity alone, costs zero, says the same); its least cost 1,189,281.73.

    That no plan is cheaper is the linear program's word, in the next test.
    """
    free = replace(brunel.problem, arc_cost=np.zeros_like(brunel.problem.arc_cost))
    assert solve_flow(free).arc_flow.sum() == 2444
    assert optimum.arc_flow.sum() == 2444
    assert served_cost(brunel, optimum) == pytest.approx(1_189_281.73, abs=0.1)


def test_reading_of_the_tariff_moves_the_cost_by_two_per_mille(shared_data: Path) -> None:
    """Whether CRF orders pay freight is not in the data; paying the cheapest rate costs 1,191,916.57 instead."""
    dear = load_brunel(shared_data / "brunel", crf_pays=True)
    solution = solve_flow(dear.problem)
    assert solution.arc_flow.sum() == 2444
    assert served_cost(dear, solution) == pytest.approx(1_191_916.57, abs=0.1)


def test_cost_equals_the_bound_of_the_linear_program(brunel: Brunel, optimum: FlowSolution) -> None:
    """The proof that no plan is cheaper, by another solver."""
    costs, matrix, lower, upper = linear_program(brunel.problem)
    equal = np.isfinite(lower)
    bound = linprog(
        costs,
        A_eq=matrix[equal],
        b_eq=upper[equal],
        A_ub=matrix[~equal],
        b_ub=upper[~equal],
        method="highs-ipm",
    )
    assert bound.fun == pytest.approx(optimum.objective / TICKS_PER_BASE, rel=1e-9)


def test_every_order_left_over_has_its_reason(brunel: Brunel, optimum: FlowSolution) -> None:
    """All 6,771 find their plants full, and only the five plants really full are named."""
    reasons = flow_reasons(brunel.problem, optimum)
    assert reasons.height == 9215 - 2444
    assert reasons["reason"].unique().to_list() == ["WAREHOUSE_CAPACITY_FULL"]
    named = reasons["warehouses"].explode().unique().sort().to_list()
    used = warehouse_use(brunel.problem, optimum)
    assert [brunel.plants[at] for at in named] == FULL
    assert [name for at, name in enumerate(brunel.plants) if used[at] == brunel.problem.capacity[at]] == FULL


def test_prices_are_what_one_more_order_a_day_saves(brunel: Brunel, optimum: FlowSolution) -> None:
    """Each of the 19 plants once more with one more order: the objective falls by exactly the price."""
    prices = shadow_prices(brunel.problem, optimum).warehouse
    for plant in range(len(brunel.plants)):
        capacity = brunel.problem.capacity.copy()
        capacity[plant] += 1
        again = solve_flow(replace(brunel.problem, capacity=capacity))
        assert optimum.objective - again.objective == prices[plant]
    assert [name for at, name in enumerate(brunel.plants) if prices[at] > 0] == FULL
