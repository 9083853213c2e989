"""Warehouse assignment at scale: minimum-cost flow against the same linear program, CPU seconds, one thread.

Run as `python -m xbec_platform_tests.benchmarks.bench_assignment [folder with the shared data] [--million]`, with
OMP_NUM_THREADS, OPENBLAS_NUM_THREADS and POLARS_MAX_THREADS at 1 (CPU seconds add up over threads).
"""

import resource
import sys
from functools import partial
from pathlib import Path

from xbec_platform.logistics.assignment import AssignmentResult, assign, build_network
from xbec_platform.logistics.assignment_inputs import TICKS_PER_BASE, AssignmentParams, canonical
from xbec_platform.logistics.flow import solve_flow
from xbec_platform.logistics.online import online_plan, segments_cost
from xbec_platform_tests.benchmarks.peers_flow import cbc, highs, network_simplex, timed
from xbec_platform_tests.unit.logistics.brunel import load_brunel
from xbec_platform_tests.unit.logistics.generated_day import generate_day
from xbec_platform_tests.unit.logistics.online_halves import halves

PEERS = {
    "pulp/CBC": cbc,
    "HiGHS simplex": partial(highs, method="highs-ds"),
    "HiGHS interior point": partial(highs, method="highs-ipm"),
    "networkx": network_simplex,
}
CENT = 0.01
_REPRICES = 20

Row = dict[str, object]


def run(shared_data: Path | None, *, million: bool = False) -> list[Row]:
    """Measure; rows of name, ours, peer, ratio, unit, goal.

    Args:
        shared_data: Folder with the public data; None leaves the Brunel rows out.
        million: Also the day of 10^6 lines (about a minute and 2 GB).
    """
    rows = _against_peers(10_000, ("stock", "capacity"), tuple(PEERS))
    rows += _against_peers(100_000, ("stock",), ("pulp/CBC",))
    rows += _online(100_000) + _at_size(100_000, ("<= 4", "reported", "reported"))
    if million:
        rows += _at_size(1_000_000, ("<= 20", "<= 60", "<= 2048"))
    if shared_data is not None:
        rows += _brunel(shared_data / "brunel")
    return rows


def main() -> None:
    """Print the rows as a table."""
    folders = [Path(word) for word in sys.argv[1:] if not word.startswith("--")]
    for row in run(folders[0] if folders else None, million="--million" in sys.argv):
        print(" | ".join(str(value) for value in row.values()))


def _row(name: str, ours: float, peer: float | None, unit: str, goal: str) -> Row:
    ratio = None if not peer or not ours else round(peer / ours, 2)
    return {"name": name, "ours": ours, "peer": peer, "ratio": ratio, "unit": unit, "goal": goal}


def _against_peers(n_lines: int, models: tuple[str, ...], peers: tuple[str, ...]) -> list[Row]:
    """The solver alone on both sides: building the arcs is the same work for either. All end at the same cost."""
    rows = []
    for model in models:
        day = canonical(generate_day(n_lines, with_stock=model == "stock"))
        problem = build_network(day, AssignmentParams()).problem
        solution, ours = timed(lambda problem=problem: solve_flow(problem))
        for peer in peers:
            try:
                found, seconds = PEERS[peer](problem)
            except ImportError:
                print(f"{peer} is not installed: no row against it (extra bench)", file=sys.stderr)
                continue
            gap = abs(solution.objective / TICKS_PER_BASE - found)
            if gap >= CENT:
                raise AssertionError(f"{peer} ends {gap} elsewhere")
            name = f"{n_lines:,} lines, {model} model: solver against {peer}, equal to the cent"
            rows.append(_row(name, ours, seconds, "CPU s", ">= 10x"))
    return rows


def _at_size(n_lines: int, goals: tuple[str, str, str]) -> list[Row]:
    """Solver, whole run with audit, memory of the process, and what the plan saves."""
    day = generate_day(n_lines)
    result, whole = timed(lambda: assign(day))
    problem = build_network(canonical(day), AssignmentParams()).problem
    _, solver = timed(lambda: solve_flow(problem))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    name = f"{n_lines:,} lines"
    return [
        _row(f"{name}: solver", solver, None, "CPU s", goals[0]),
        _row(f"{name}: end to end with audit and baselines", whole, None, "CPU s", goals[1]),
        _row(f"{name}: peak memory of the process", peak_mb, None, "MB", goals[2]),
        *_savings(name, result),
    ]


def _savings(name: str, result: AssignmentResult) -> list[Row]:
    stated = result.summary.row(0, named=True)
    rows = []
    for rule in ("nearest", "cheapest"):
        for column, unit in (("objective_base", "base"), ("cost_base", "base"), ("unserved_units", "pieces")):
            ours, peer = float(stated[column]), float(stated[f"{rule}_{column}"])
            goal = "ratio >= 1" if column == "objective_base" else "reported"
            rows.append(_row(f"{name}: {column} against {rule} in turn", ours, peer, unit, goal))
    return rows


def _online(n_lines: int) -> list[Row]:
    """Prices learned on the first half of a day, used on the second: part of the gap to foresight that is closed."""
    rows = []
    for model, copies in (("capacity", 1), ("stock", 1), ("stock", 4)):
        past, stream = halves(n_lines, with_stock=model == "stock", copies=copies)
        best = solve_flow(stream.problem).objective
        plain, priced = (
            segments_cost(stream.problem, stream.line_class, online_plan(stream, past, reprices=n))
            for n in (0, _REPRICES)
        )
        name = f"{n_lines // 2:,} lines one by one, {model} model, {_REPRICES} prices, past x {copies}"
        goal = ">= 0.8" if model == "capacity" or copies > 1 else "reported"
        rows += [
            _row(f"{name}: gap closed", round((plain - priced) / (plain - best), 3), None, "share", goal),
            _row(f"{name}: cost against cheapest first", priced / best, plain / best, "of optimum", ">= 1x"),
        ]
    return rows


def _brunel(folder: Path) -> list[Row]:
    brunel = load_brunel(folder)
    solution, seconds = timed(lambda: solve_flow(brunel.problem))
    cost = round(float(solution.arc_flow @ brunel.problem.arc_cost) / TICKS_PER_BASE, 2)
    return [
        _row("Brunel: orders served", int(solution.arc_flow.sum()), 2444, "orders", "2,444, the maximum"),
        _row("Brunel: cost of the served", cost, 1_190_689, "USD", "least cost of our reading of the tariff"),
        _row("Brunel: solver", seconds, 0.05, "CPU s", "reported"),
    ]


if __name__ == "__main__":
    main()
