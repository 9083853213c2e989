"""Other ways to solve the assignment's flow: its linear program by HiGHS and CBC, its graph by networkx.

Each gets the problem as arrays and answers with the optimum in base currency and CPU seconds of solving, its own child
processes included. Building a model in the peer's objects is not counted: none of them is bought for that.
"""

import math
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from scipy.optimize import linprog

from xbec_platform.logistics.assignment_inputs import TICKS_PER_BASE
from xbec_platform.logistics.flow import FlowProblem
from xbec_platform_tests.unit.logistics.generated_day import linear_program

T = TypeVar("T")


def cpu_s() -> float:
    """CPU seconds of this process and of those it waited for: CBC is one."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """A result and the CPU seconds it took."""
    start = cpu_s()
    result = call()
    return result, round(cpu_s() - start, 3)


def highs(problem: FlowProblem, method: str) -> tuple[float, float]:
    """Plain HiGHS; scipy's copy of it may share a process with OR-Tools, highspy may not.

    Args:
        problem: The flow.
        method: highs-ds (dual simplex) or highs-ipm (interior point).
    """
    costs, matrix, lower, upper = linear_program(problem)
    equal = np.isfinite(lower)
    rows = {
        "A_eq": matrix[equal],
        "b_eq": upper[equal],
        "A_ub": matrix[~equal],
        "b_ub": upper[~equal],
    }
    found, seconds = timed(lambda: linprog(costs, method=method, **rows))
    if found.status != 0:
        raise RuntimeError(f"HiGHS {method} ended with {found.message}")
    return float(found.fun), seconds


def cbc(problem: FlowProblem) -> tuple[float, float]:
    """CBC as pulp calls it: a file is written, a process reads it."""
    import pulp

    costs, matrix, lower, upper = linear_program(problem)
    model = pulp.LpProblem("assignment", pulp.LpMinimize)
    x = [pulp.LpVariable(f"x{number}", 0) for number in range(len(costs))]
    model.setObjective(pulp.LpAffineExpression(zip(x, costs.tolist(), strict=True)))
    for row in range(len(upper)):
        cells = slice(matrix.indptr[row], matrix.indptr[row + 1])
        terms = pulp.LpAffineExpression((x[column], 1.0) for column in matrix.indices[cells])
        bound = float(upper[row])
        model.addConstraint(terms == bound if math.isfinite(lower[row]) else terms <= bound)
    with tempfile.TemporaryDirectory() as folder:
        solver = pulp.PULP_CBC_CMD(msg=False, threads=1, gapRel=0)
        solver.tmpDir = str(Path(folder))
        status, seconds = timed(lambda: model.solve(solver))
    # At its time limit pulp reports values of a relaxation: only this status is an optimum.
    if status != pulp.LpStatusOptimal or model.sol_status != pulp.LpSolutionOptimal:
        raise RuntimeError(f"CBC ended with {pulp.LpStatus[status]}")
    return float(pulp.value(model.objective)), seconds


def network_simplex(problem: FlowProblem) -> tuple[float, float]:
    """The same graph by networkx: class -> (stock ->) warehouse -> sink, and class -> sink for what is left over."""
    import networkx

    graph: Any = networkx.DiGraph()
    total = 0
    for number, (qty, penalty) in enumerate(
        zip(problem.class_qty.tolist(), problem.class_penalty.tolist(), strict=True)
    ):
        graph.add_node(("class", number), demand=-qty)
        graph.add_edge(("class", number), "sink", weight=penalty)
        total += qty
    for number, capacity in enumerate(problem.capacity.tolist()):
        graph.add_edge(("warehouse", number), "sink", weight=0, capacity=capacity)
    stocks = zip(problem.stock_warehouse.tolist(), problem.stock_qty.tolist(), strict=True)
    for number, (warehouse, qty) in enumerate(stocks):
        graph.add_edge(("stock", number), ("warehouse", warehouse), weight=0, capacity=qty)
    kind, heads = (
        ("warehouse", problem.arc_warehouse) if problem.arc_stock is None else ("stock", problem.arc_stock)
    )
    for one, head, cost in zip(
        problem.arc_class.tolist(), heads.tolist(), problem.arc_cost.tolist(), strict=True
    ):
        graph.add_edge(("class", one), (kind, head), weight=cost)
    graph.add_node("sink", demand=total)
    (cost, _), seconds = timed(lambda: networkx.network_simplex(graph))
    return cost / TICKS_PER_BASE, seconds
