"""Facility location: published optima, brute force, elastic limits, traps of the solvers."""

import csv
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from ortools.math_opt.python import mathopt
from scipy.optimize import linprog

from xbec_platform.logistics import location
from xbec_platform.logistics.location import locate
from xbec_platform.logistics.location_ascent import settle_by_ascent
from xbec_platform.logistics.location_audit import location_faults
from xbec_platform.logistics.location_mip import solve_model
from xbec_platform.logistics.location_problem import LocationParams, LocationProblem, plan_cost
from xbec_platform_tests.unit.logistics.location_files import generated, read_holmberg, read_orlib

# The method of large problems, on small ones.
BOUNDED = LocationParams(direct_cells=0)
# Of the single-source files, those of different shapes; all 24 are in `make bench`.
HOLMBERG = ("p1", "p9", "p14", "p18", "p22")


def _optima(folder: Path) -> dict[str, float]:
    with (folder / "optima.csv").open() as lines:
        return {row["instance"]: float(row["optimum"]) for row in csv.DictReader(lines)}


@pytest.mark.parametrize("params", [LocationParams(), BOUNDED])
def test_every_orlib_file_is_proven_at_its_published_optimum(
    shared_data: Path, params: LocationParams
) -> None:
    """Multi-source files of the OR-Library (Beasley 1988), at once and by the method of large ones."""
    for name, optimum in _optima(shared_data / "orlib").items():
        plan = locate(read_orlib(shared_data / "orlib" / f"{name}.txt"), params)
        assert plan.is_proven, name
        assert plan.cost == pytest.approx(optimum, rel=1e-6), name
        assert plan.bound == pytest.approx(optimum, rel=1e-6), name


@pytest.mark.parametrize("name", HOLMBERG)
def test_single_source_files_are_proven_at_their_published_optimum(shared_data: Path, name: str) -> None:
    """Files of Holmberg, Ronnqvist & Yuan (1999); the multi-source optimum would be lower."""
    plan = locate(read_holmberg(shared_data / "holmberg" / f"{name}.txt"))
    assert plan.is_proven
    assert plan.cost == pytest.approx(_optima(shared_data / "holmberg")[name], rel=1e-6)
    assert set(np.unique(plan.share)) <= {0.0, 1.0}


def _small(seed: int, *, elastic: bool) -> LocationProblem:
    """Four sites, five zones, some out of reach; limits bind."""
    rng = np.random.default_rng(seed)
    cost = np.round(rng.uniform(1, 60, (4, 5)), 2)
    cost[rng.random((4, 5)) < 0.25] = np.inf
    cost[0] = np.where(np.isfinite(cost).any(axis=0), cost[0], 70.0)
    demand = rng.integers(1, 9, 5).astype(np.float64)
    capacity = rng.integers(4, 16, 4).astype(np.float64)
    capacity[0] += 0 if elastic else demand.sum()
    return LocationProblem(
        fixed_cost=np.round(rng.uniform(0, 80, 4), 2),
        capacity=capacity,
        demand=demand,
        serve_cost=np.where(np.isfinite(cost), cost, 90.0) if not elastic else cost,
        unserved_cost=np.round(rng.uniform(20, 90, 5), 2) if elastic else None,
    )


def _brute_force(problem: LocationProblem) -> float:
    """Every set of open sites, each with its transportation problem as a linear program."""
    m, n = problem.serve_cost.shape
    best = np.inf
    for chosen in product([0, 1], repeat=m):
        upper = [
            float(chosen[i] and np.isfinite(problem.serve_cost[i, j])) for i in range(m) for j in range(n)
        ]
        cost = np.where(np.isfinite(problem.serve_cost), problem.serve_cost, 0.0).ravel()
        served, load = np.tile(np.eye(n), m), np.kron(np.eye(m), problem.demand)
        if problem.unserved_cost is not None:
            cost, upper = np.concatenate([cost, problem.unserved_cost]), upper + [1.0] * n
            served, load = np.hstack([served, np.eye(n)]), np.hstack([load, np.zeros((m, n))])
        found = linprog(
            cost,
            A_ub=load,
            b_ub=problem.capacity,
            A_eq=served,
            b_eq=np.ones(n),
            bounds=[(0.0, u) for u in upper],
        )
        if found.success:
            best = min(best, found.fun + float(problem.fixed_cost @ np.array(chosen)))
    return best


@pytest.mark.parametrize("elastic", [False, True])
def test_dual_ascent_is_a_bound_and_its_plan_feasible(elastic: bool) -> None:
    """On 200 problems without capacities, every set of sites tried: bound below, plan above; most are settled."""
    settled = 0
    for seed in range(200):
        problem = _small(seed, elastic=elastic)
        problem = replace(problem, capacity=problem.capacity + problem.demand.sum())
        found = settle_by_ascent(problem)
        assert found is not None
        is_open, (share, unserved), bound = found
        cost = plan_cost(problem, is_open, share, unserved, np.zeros(4))
        best = _best_without_capacities(problem)
        assert bound <= best + 1e-9
        assert cost >= best - 1e-9
        settled += cost <= bound + 1e-9
    assert settled > 100


def _best_without_capacities(problem: LocationProblem) -> float:
    """Every set of open sites, each zone at its cheapest or unserved."""
    best = np.inf
    for chosen in product([False, True], repeat=4):
        is_open = np.array(chosen)
        cheapest = np.where(is_open[:, None], problem.serve_cost, np.inf).min(axis=0)
        if problem.unserved_cost is not None:
            cheapest = np.minimum(cheapest, problem.unserved_cost)
        best = min(best, float(problem.fixed_cost[is_open].sum() + cheapest.sum()))
    return best


def test_dual_ascent_by_hand() -> None:
    """Zones at 1 and 2 from A, 4 and 1 from B; B is worth its fixed cost of 0.5, a third site is not."""
    problem = LocationProblem(
        fixed_cost=np.array([2.0, 0.5, 9.0]),
        capacity=np.full(3, 10.0),
        demand=np.ones(2),
        serve_cost=np.array([[1.0, 2.0], [4.0, 1.0], [0.5, 0.5]]),
    )
    found = settle_by_ascent(problem)
    assert found is not None
    is_open, (share, _), bound = found
    # A and B together cost 2.5 + 1 + 1, A alone 2 + 1 + 2, B alone .5 + 4 + 1.
    assert (is_open.tolist(), share.argmax(axis=0).tolist(), bound) == ([True, True, False], [0, 1], 4.5)


@pytest.mark.parametrize("elastic", [False, True])
def test_small_problems_agree_with_brute_force(elastic: bool) -> None:
    """Sixteen sets of sites each; sites out of reach and too small in all are part of it."""
    for seed in range(12):
        problem = _small(seed, elastic=elastic)
        plan = locate(problem, BOUNDED if seed % 3 else LocationParams())
        assert plan.is_proven, seed
        assert plan.cost == pytest.approx(_brute_force(problem), rel=1e-7), seed


def test_order_of_sites_and_zones_does_not_change_the_cost() -> None:
    """The optimum is one number, whatever its arrays are numbered by; the same arrays give the same plan."""
    problem = generated(3, 12, 60, 700.0)
    first, again = locate(problem, BOUNDED), locate(problem, BOUNDED)
    assert first.share.tobytes() == again.share.tobytes()
    rng = np.random.default_rng(1)
    rows, columns = rng.permutation(12), rng.permutation(60)
    turned = LocationProblem(
        fixed_cost=problem.fixed_cost[rows],
        capacity=problem.capacity[rows],
        demand=problem.demand[columns],
        serve_cost=problem.serve_cost[np.ix_(rows, columns)],
    )
    assert locate(turned).cost == pytest.approx(first.cost, rel=1e-7)


def test_a_zone_out_of_reach_stays_unserved_at_its_price() -> None:
    """One site, fixed 10, serves zone 0 for 5; zone 1 is reached by nobody and costs 7."""
    problem = LocationProblem(
        fixed_cost=np.array([10.0]),
        capacity=np.array([100.0]),
        demand=np.array([3.0, 4.0]),
        serve_cost=np.array([[5.0, np.inf]]),
        unserved_cost=np.array([50.0, 7.0]),
    )
    plan = locate(problem)
    assert (plan.cost, plan.unserved.tolist(), plan.is_open.tolist()) == (22.0, [0.0, 1.0], [True])


def test_contradicting_minimum_is_met_as_far_as_it_goes() -> None:
    """Ten pieces of demand; two sites ask for at least 8 and 6: four are lacking, and the plan says where."""
    problem = LocationProblem(
        fixed_cost=np.array([1.0, 1.0]),
        capacity=np.array([20.0, 20.0]),
        demand=np.array([4.0, 6.0]),
        serve_cost=np.array([[4.0, 6.0], [8.0, 12.0]]),
        least=np.array([8.0, 6.0]),
        least_cost=100.0,
    )
    plan = locate(problem)
    assert plan.shortfall.sum() == pytest.approx(4.0)
    assert plan.is_proven
    assert location_faults(problem, plan) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fixed_cost": np.array([-1.0, 1.0])}, r"fixed_cost at \(0,\) is negative"),
        ({"serve_cost": np.array([[1.0, np.nan], [1.0, 1.0]])}, r"serve_cost at \(0, 1\)"),
        ({"demand": np.array([1.0, 0.0])}, "demand of zone 1 is not above 0"),
        ({"capacity": np.array([0.0, 1.0])}, "can serve 1 of 2"),
        ({"serve_cost": np.array([[1.0, np.inf], [1.0, np.inf]])}, "no site reaches zone 1"),
        ({"serve_cost": np.ones((3, 2))}, "not sites x zones"),
    ],
)
def test_bad_input_is_named(change: dict[str, np.ndarray], message: str) -> None:
    """What is wrong, where, and what to do."""
    good = {
        "fixed_cost": np.ones(2),
        "capacity": np.ones(2),
        "demand": np.ones(2),
        "serve_cost": np.ones((2, 2)),
    }
    with pytest.raises(ValueError, match=message):
        LocationProblem(**{**good, **change})


def test_effort_has_an_end_and_the_gap_is_stated() -> None:
    """With one node the answer may be unproven, but never without its gap."""
    plan = locate(generated(1, 30, 150, 900.0), replace(BOUNDED, max_nodes=1, rounds=5, relative_gap=1e-9))
    assert plan.bound <= plan.cost
    assert plan.is_proven == (plan.gap <= 1e-9)


def test_an_integer_solver_never_gets_a_continuous_variable() -> None:
    """CP-SAT would call cap63 optimal at 1,014,099.61 (true 1,014,062.05) and cap41 infeasible."""
    model = mathopt.Model()
    model.add_variable(lb=0, ub=1)
    with pytest.raises(ValueError, match="continuous"):
        solve_model(model, mathopt.SolverType.CP_SAT, mathopt.SolveParameters())


def test_a_wrong_answer_of_the_solver_is_never_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Solvers have wrong-answer bugs: a plan that costs something else than it says is refused."""
    honest = location._relaxed

    def lying(problem: LocationProblem, params: LocationParams) -> object:
        plan = honest(problem, params)
        return replace(plan, share=plan.share * 0.9)

    monkeypatch.setattr(location, "_relaxed", lying)
    with pytest.raises(RuntimeError, match="breaks"):
        locate(generated(3, 5, 10, 500.0), BOUNDED)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"cost": 1.0}, "is stated"),
        ({"bound": 1e12}, "lies above the cost"),
        ({"is_open": np.zeros(5, dtype=np.bool_)}, "serves while closed"),
        ({"unserved": np.full(10, 0.5)}, "of its demand is accounted for"),
    ],
)
def test_the_audit_sees_each_kind_of_fault(change: dict[str, object], fault: str) -> None:
    """One fault planted in a good plan."""
    problem = generated(3, 5, 10, 500.0)
    plan = locate(problem)
    assert location_faults(problem, plan) == []
    assert any(fault in found for found in location_faults(problem, replace(plan, **change)))  # type: ignore[arg-type]
