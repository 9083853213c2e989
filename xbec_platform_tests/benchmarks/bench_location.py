"""Facility location against HiGHS by itself and pulp/CBC, and the newsvendor against stockpyl.

Run as `python -m xbec_platform_tests.benchmarks.bench_location [shared data folder] [--large]`, one thread. pulp and
stockpyl come with the extra `bench` (`pip install -e .[bench]`); without them their rows are left out, and it says so.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix

from xbec_platform.logistics.location import locate
from xbec_platform.logistics.location_problem import LocationParams, LocationProblem
from xbec_platform.logistics.newsvendor import critical_ratio, demand_distribution, newsvendor_quantity
from xbec_platform.logistics.preposition import preposition
from xbec_platform_tests.benchmarks.peers_flow import timed
from xbec_platform_tests.unit.logistics.location_files import generated, read_holmberg, read_orlib
from xbec_platform_tests.unit.logistics.small_presales import best_cost, small_presale

Row = dict[str, object]
LARGE = ((1, 3000.0), (1, 5000.0), (2, 8000.0))
GAP = 1e-6
PATIENCE_S = 60.0
"""Wall seconds that plain HiGHS gets for one large problem; it has no proof in 150."""


def run(shared_data: Path | None, *, large: bool = False) -> list[Row]:
    """Measure; rows of name, ours, peer, ratio, unit, goal.

    Args:
        shared_data: Folder with the public files; None leaves them out.
        large: Also 100 sites x 1,000 zones (about a minute of CPU).
    """
    rows = (
        [] if shared_data is None else [*_orlib(shared_data / "orlib"), _holmberg(shared_data / "holmberg")]
    )
    rows += _large() if large else []
    return [*rows, _brute_force(), *_newsvendor()]


def main() -> None:
    """Print the rows."""
    folders = [Path(word) for word in sys.argv[1:] if not word.startswith("--")]
    for row in run(folders[0] if folders else None, large="--large" in sys.argv):
        print(" | ".join(str(value) for value in row.values()))


def _row(name: str, ours: float, peer: float | None, unit: str, goal: str) -> Row:
    ratio = None if not peer or not ours else round(peer / ours, 2)
    return {"name": name, "ours": ours, "peer": peer, "ratio": ratio, "unit": unit, "goal": goal}


def _optima(folder: Path) -> dict[str, float]:
    with (folder / "optima.csv").open() as lines:
        return {row["instance"]: float(row["optimum"]) for row in csv.DictReader(lines)}


def _proven(problems: dict[str, LocationProblem], optima: dict[str, float]) -> float:
    """CPU seconds for all, each proven at its published optimum, or it fails."""
    seconds = 0.0
    for name, problem in problems.items():
        plan, one = timed(lambda problem=problem: locate(problem))
        seconds += one
        if not plan.is_proven or abs(plan.cost - optima[name]) > GAP * optima[name]:
            raise AssertionError(f"{name}: {plan.cost} is proven={plan.is_proven}, published {optima[name]}")
    return round(seconds, 3)


def _orlib(folder: Path) -> list[Row]:
    optima = _optima(folder)
    problems = {name: read_orlib(folder / f"{name}.txt") for name in optima}
    ours = _proven(problems, optima)
    bounded, method = timed(
        lambda: [locate(one, LocationParams(direct_cells=0)) for one in problems.values()]
    )
    if not all(plan.is_proven for plan in bounded):
        raise AssertionError("the method of large problems proved not all small ones")
    name = f"{len(problems)} OR-Library files, proven to 1e-6"
    rows = [
        _row(f"{name}: HiGHS at once against the method of large ones", ours, method, "CPU s", "reported")
    ]
    for form, strong in (("strong", True), ("aggregated", False)):
        found, highs = timed(
            lambda strong=strong: [_highs(one, strong=strong)[0] for one in problems.values()]
        )
        if not np.allclose(found, list(optima.values()), rtol=GAP):
            raise AssertionError("HiGHS ended elsewhere")
        rows.append(_row(f"{name}: against plain HiGHS, {form} rows", ours, highs, "CPU s", ">= 1x"))
    try:
        import pulp
    except ImportError:
        print("pulp is not installed: no row against CBC (extra bench)", file=sys.stderr)
        return rows
    found, cbc = timed(lambda: [_cbc(pulp, problem) for problem in problems.values()])
    if not np.allclose(found, list(optima.values()), rtol=GAP):
        raise AssertionError("CBC ended elsewhere")
    return [*rows, _row(f"{name}: against pulp/CBC", ours, cbc, "CPU s", ">= 1x")]


def _highs(problem: LocationProblem, *, strong: bool, seconds: float = np.inf) -> tuple[float, float]:
    """Plain HiGHS by scipy: cost of its plan and gap to its bound (both inf where it has no plan in time)."""
    m, n = problem.serve_cost.shape
    site, zone = (index.ravel() for index in np.indices((m, n)))
    x, ones = m + np.arange(m * n), np.ones(m * n)
    served = csr_matrix((ones, (zone, x)), shape=(n, m + m * n))
    cells = (np.concatenate([problem.demand[zone], -problem.capacity]), (np.concatenate([site, np.arange(m)]),
             np.concatenate([x, np.arange(m)])))  # fmt: skip
    rows = [
        LinearConstraint(served, 1, 1),
        LinearConstraint(csr_matrix(cells, shape=(m, m + m * n)), -np.inf, 0),
    ]
    if strong:
        each = (np.concatenate([ones, -ones]), (np.tile(np.arange(m * n), 2), np.concatenate([x, site])))
        rows.append(LinearConstraint(csr_matrix(each, shape=(m * n, m + m * n)), -np.inf, 0))
    found = milp(
        np.concatenate([problem.fixed_cost, problem.serve_cost.ravel()]),
        constraints=rows,
        bounds=Bounds(0, 1),
        integrality=np.repeat([1, 0], [m, m * n]),
        options={"mip_rel_gap": 1e-9, "time_limit": seconds},
    )
    return (np.inf, np.inf) if found.x is None else (float(found.fun), float(found.mip_gap))


def _cbc(pulp: object, problem: LocationProblem) -> float:
    """The aggregated form, CBC's better one."""
    m, n = problem.serve_cost.shape
    model = pulp.LpProblem("location", pulp.LpMinimize)  # type: ignore[attr-defined]
    y = [pulp.LpVariable(f"y{i}", cat="Binary") for i in range(m)]  # type: ignore[attr-defined]
    x = [[pulp.LpVariable(f"x{i}_{j}", 0, 1) for j in range(n)] for i in range(m)]  # type: ignore[attr-defined]
    sums = pulp.lpSum  # type: ignore[attr-defined]
    model += sums(problem.fixed_cost[i] * y[i] for i in range(m)) + sums(
        problem.serve_cost[i, j] * x[i][j] for i in range(m) for j in range(n)
    )
    for j in range(n):
        model += sums(x[i][j] for i in range(m)) == 1
    for i in range(m):
        model += sums(problem.demand[j] * x[i][j] for j in range(n)) <= problem.capacity[i] * y[i]
    model.solve(pulp.PULP_CBC_CMD(msg=False, threads=1, gapRel=1e-9))  # type: ignore[attr-defined]
    return float(pulp.value(model.objective))  # type: ignore[attr-defined]


def _holmberg(folder: Path) -> Row:
    optima = _optima(folder)
    problems = {name: read_holmberg(folder / f"{name}.txt") for name in optima}
    return _row(
        f"{len(problems)} Holmberg files, proven to 1e-6", _proven(problems, optima), None, "CPU s", "all"
    )


def _large() -> list[Row]:
    rows, solved = [], []
    for seed, capacity in LARGE:
        problem = generated(seed, 100, 1000, capacity)
        plan, seconds = timed(lambda problem=problem: locate(problem))
        if not plan.is_proven:
            raise AssertionError(f"seed {seed}, capacity {capacity}: gap {plan.gap}")
        rows.append(_row(f"100 x 1,000, capacity {capacity:,.0f}, proven", seconds, None, "CPU s", "<= 120"))
        solved.append((problem, plan, seconds))
    problem, plan, seconds = solved[0]
    (cost, _), peer = timed(lambda: _highs(problem, strong=True, seconds=PATIENCE_S))
    name = f"100 x 1,000: cost of plain HiGHS after {peer:.0f} CPU s against ours, proven in {seconds:.0f}"
    return [*rows, _row(name, plan.cost, cost, "base", "reported")]


def _brute_force() -> Row:
    """Cost against sending nothing, of 200 small pre-sales, in parts of the best there is; the worst case."""
    worst = 0.0
    for seed in range(200):
        inputs = small_presale(seed)
        best = best_cost(inputs)
        if best < 0:
            worst = max(worst, (preposition(inputs).cost - best) / -best)
    return _row("200 small pre-sales: worst excess over brute force", round(worst, 6), 0.0, "part", "<= .01")


def _newsvendor() -> list[Row]:
    """Quantities of binomial demand against stockpyl one by one, equal every time."""
    try:
        from scipy.stats import binom
        from stockpyl.newsvendor import newsvendor_discrete
    except ImportError:
        print("stockpyl is not installed: no row of the newsvendor (extra bench)", file=sys.stderr)
        return []
    rng = np.random.default_rng(4)
    cases = [(int(n), float(p), float(h), float(b)) for n, p, h, b in zip(
        rng.integers(1, 60, 300), rng.uniform(0.1, 0.95, 300), rng.uniform(0.2, 5, 300), rng.uniform(0.2, 9, 300),
        strict=True)]  # fmt: skip
    ours, seconds = timed(
        lambda: [
            newsvendor_quantity(demand_distribution(np.full(n, p)), float(critical_ratio(b, h)))
            for n, p, h, b in cases
        ]
    )
    theirs, peer = timed(
        lambda: [int(newsvendor_discrete(h, b, demand_distrib=binom(n, p))[0]) for n, p, h, b in cases]
    )
    different = sum(a != b for a, b in zip(ours, theirs, strict=True))
    if different:
        raise AssertionError(f"{different} of {len(cases)} quantities differ from stockpyl's")
    return [_row(f"newsvendor, {len(cases)} quantities, all equal", seconds, peer, "CPU s", "reported")]


if __name__ == "__main__":
    main()
