"""Minimum-cost flow: classes to warehouses under stock and capacity. Integers in, integers out; no tables, no tariffs.

Graph: class -> (product, warehouse) stock -> warehouse -> sink, plus class -> sink for what stays unserved.
Supplies are the pieces of the classes. The matrix is totally unimodular, so the optimum is integral and
equals the bound of the linear program; the unserved arc keeps every instance feasible.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xbec_platform.logistics.least_cost_flow import least_cost_flow

Ints = NDArray[np.int64]

COST_LIMIT = 2**62
"""Costs times nodes must stay below (`least_cost_flow`)."""


def _none() -> Ints:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class FlowProblem:
    """A transportation problem with optional stock, every array int64.

    Optimal plans are not unique: give classes and arcs in an order that does not depend on chance.

    Attributes:
        class_qty: Pieces of each class, shape (K,).
        class_penalty: Cost of leaving one piece of the class unserved, shape (K,).
        arc_class: Class of each arc, shape (A,).
        arc_warehouse: Warehouse of each arc, shape (A,).
        arc_cost: Cost of one piece over the arc, shape (A,).
        arc_stock: Stock node of each arc, shape (A,); None = stock is unlimited.
        capacity: Pieces each warehouse can send, shape (W,).
        stock_product: Product of each stock node, shape (L,), numbered from 0; empty without stock. All
            arcs of a class lead to stock of one product.
        stock_warehouse: Warehouse of each stock node, shape (L,); empty without stock.
        stock_qty: Pieces in each stock node, shape (L,); empty without stock.
    """

    class_qty: Ints
    class_penalty: Ints
    arc_class: Ints
    arc_warehouse: Ints
    arc_cost: Ints
    capacity: Ints
    arc_stock: Ints | None = None
    stock_product: Ints = field(default_factory=_none)
    stock_warehouse: Ints = field(default_factory=_none)
    stock_qty: Ints = field(default_factory=_none)

    def __post_init__(self) -> None:
        if len(self.class_qty) != len(self.class_penalty):
            raise ValueError("class_qty and class_penalty must have one entry per class")
        if not len(self.arc_class) == len(self.arc_warehouse) == len(self.arc_cost):
            raise ValueError("arc_class, arc_warehouse and arc_cost must have one entry per arc")
        if self.arc_stock is not None and len(self.arc_stock) != len(self.arc_class):
            raise ValueError("arc_stock must have one entry per arc, or be None")
        if not len(self.stock_product) == len(self.stock_warehouse) == len(self.stock_qty):
            raise ValueError(
                "stock_product, stock_warehouse and stock_qty must have one entry per stock node"
            )
        for name in ("class_qty", "class_penalty", "arc_cost", "capacity", "stock_qty"):
            values = getattr(self, name)
            if len(values) and values.min() < 0:
                raise ValueError(f"{name} must not be negative")
        if self.arc_stock is not None and (self.stock_warehouse[self.arc_stock] != self.arc_warehouse).any():
            raise ValueError("an arc and its stock node must belong to the same warehouse")


@dataclass(frozen=True, kw_only=True)
class FlowSolution:
    """An optimal flow.

    Attributes:
        arc_flow: Pieces over each arc, shape (A,).
        class_unserved: Pieces left over in each class, shape (K,).
        objective: Cost of flows plus penalties.
    """

    arc_flow: Ints
    class_unserved: Ints
    objective: int


def warehouse_use(problem: FlowProblem, solution: FlowSolution) -> Ints:
    """Pieces sent from each warehouse, shape (W,)."""
    used = np.zeros(len(problem.capacity), dtype=np.int64)
    np.add.at(used, problem.arc_warehouse, solution.arc_flow)
    return used


def stock_use(problem: FlowProblem, solution: FlowSolution) -> Ints:
    """Pieces taken from each stock node, shape (L,)."""
    used = np.zeros(len(problem.stock_qty), dtype=np.int64)
    if problem.arc_stock is not None:
        np.add.at(used, problem.arc_stock, solution.arc_flow)
    return used


def solve_flow(problem: FlowProblem) -> FlowSolution:
    """Serve as cheaply as possible; what cannot be served, or costs more than its penalty, is left over.

    Args:
        problem: Classes, arcs, capacities and stock.

    Returns:
        The optimum; the same arrays give the same flow.

    Raises:
        ValueError: Costs are too large for the solver's arithmetic.
        RuntimeError: The solver did not prove optimality (not expected: every instance is feasible).
    """
    open_to = np.flatnonzero(np.bincount(problem.arc_class, minlength=len(problem.class_qty)))
    unserved = problem.class_qty.copy()
    arc_flow = np.zeros(len(problem.arc_class), dtype=np.int64)
    if len(open_to):
        arc_flow, unserved[open_to] = _solve_open(problem, open_to)
    objective = int(arc_flow @ problem.arc_cost) + int(unserved @ problem.class_penalty)
    return FlowSolution(arc_flow=arc_flow, class_unserved=unserved, objective=objective)


def _solve_open(problem: FlowProblem, open_to: Ints) -> tuple[Ints, Ints]:
    """Flows of all arcs and what is left of the classes that have arcs."""
    tails, heads, limits, costs, sink = _graph(problem, open_to)
    n_nodes = sink + 1
    dearest = max(int(part.max(initial=0)) for part in costs)
    if dearest * (n_nodes + 1) >= COST_LIMIT:
        raise ValueError(
            f"cost {dearest} x {n_nodes} nodes overflows the solver: use a coarser unit or lower penalties"
        )
    supply = problem.class_qty[open_to]
    flows = least_cost_flow(
        tails, heads, limits, costs, sources=np.arange(len(open_to)), supply=supply, sink=sink
    )
    if flows is None:
        raise RuntimeError("min-cost flow found nothing although a solution always exists")
    n_arcs = len(problem.arc_class)
    return flows[:n_arcs], flows[n_arcs : n_arcs + len(open_to)]


def _graph(problem: FlowProblem, open_to: Ints) -> tuple[list[Ints], list[Ints], list[Ints], list[Ints], int]:
    """Tails, heads, capacities, costs and the sink; arcs first in the order given, then one unserved arc per class."""
    n_classes, n_stock = len(open_to), len(problem.stock_qty)
    first_warehouse = n_classes + n_stock
    sink = first_warehouse + len(problem.capacity)
    demand = problem.class_qty[problem.arc_class]
    if problem.arc_stock is None:
        arc_head, arc_limit = first_warehouse + problem.arc_warehouse, demand
    else:
        arc_head = n_classes + problem.arc_stock
        arc_limit = np.minimum(demand, problem.stock_qty[problem.arc_stock])
    centres = np.arange(first_warehouse, sink, dtype=np.int64)
    tails = [
        np.searchsorted(open_to, problem.arc_class),
        np.arange(n_classes, dtype=np.int64),
        np.arange(n_classes, first_warehouse, dtype=np.int64),
        centres,
    ]
    to_sink = np.full(n_classes, sink, dtype=np.int64)
    heads = [arc_head, to_sink, first_warehouse + problem.stock_warehouse, np.full(len(centres), sink)]
    limits = [arc_limit, problem.class_qty[open_to], problem.stock_qty, problem.capacity]
    free = np.zeros(n_stock + len(centres), dtype=np.int64)
    return tails, heads, limits, [problem.arc_cost, problem.class_penalty[open_to], free], sink
