"""The minimum-cost flow of a graph given as arrays: the one call of the solver. Callers know what its nodes mean.

Solver: OR-Tools SimpleMinCostFlow, the cost-scaling push-relabel of Goldberg (1997). It multiplies costs by the number
of nodes in 64 bits and does not always notice when that overflows (or-tools #3811): callers keep their costs below.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from ortools.graph.python import min_cost_flow


def least_cost_flow(
    tails: Sequence[NDArray[np.generic]],
    heads: Sequence[NDArray[np.generic]],
    limits: Sequence[NDArray[np.generic]],
    costs: Sequence[NDArray[np.generic]],
    *,
    sources: NDArray[np.generic],
    supply: NDArray[np.generic],
    sink: int,
) -> NDArray[np.int64] | None:
    """Pieces over every arc, at least total cost, when all supply ends in the sink.

    Optimal flows are not unique: give the arcs in an order that does not depend on chance.

    Args:
        tails: Nodes that arcs leave, in parts, one after the other.
        heads: Nodes they enter, in the same parts.
        limits: Pieces they take.
        costs: Of a piece, whole numbers.
        sources: Nodes with supply.
        supply: Pieces of each.
        sink: Node that takes them all.

    Returns:
        Flows in the order of the arcs; None where the arcs cannot carry the supply.

    Raises:
        RuntimeError: The solver ended in any other way, named: costs or limits out of its range, or no answer at all.
    """
    solver = min_cost_flow.SimpleMinCostFlow()
    arcs = solver.add_arcs_with_capacity_and_unit_cost(
        np.concatenate(tails).astype(np.int32, copy=False),
        np.concatenate(heads).astype(np.int32, copy=False),
        np.concatenate(limits).astype(np.int64, copy=False),
        np.concatenate(costs).astype(np.int64, copy=False),
    )
    solver.set_nodes_supplies(sources.astype(np.int32), supply.astype(np.int64))
    solver.set_node_supply(sink, -int(supply.sum()))
    status = solver.solve()
    if status == solver.INFEASIBLE:
        return None
    if status != solver.OPTIMAL:
        raise RuntimeError(f"the minimum-cost flow ended with {status.name}, neither optimal nor infeasible")
    return np.asarray(solver.flows(arcs), dtype=np.int64)
