"""What a shop does without a plan of the whole day: each line in its turn. The yardstick of the optimal plan.

Both rules serve lines in order of arrival from what is left and never reconsider. They choose among the
same arcs as the optimum (cheapest admissible lane of each warehouse), so the difference is the planning
alone.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from xbec_platform.logistics.flow import FlowProblem, Ints
from xbec_platform.logistics.line_plan import SEGMENT_SCHEMA, UNSERVED


def greedy_plan(
    problem: FlowProblem,
    line_class: Ints,
    line_qty: Ints,
    arrival: Ints,
    arc_preference: Ints,
    *,
    arc_limit: float = np.inf,
) -> pl.DataFrame:
    """Serve each line from its most preferred warehouse with stock and capacity left, then from the next.

    Sequential by definition: what a line finds depends on every line before it. Hence the one loop over
    lines of this package, about 4 CPU s at 10^6 lines.

    Args:
        problem: Arcs, capacities and stock.
        line_class: Class of each line.
        line_qty: Pieces of each line.
        arrival: Rows of lines in order of arrival.
        arc_preference: Rank of each arc within its class, smaller first (distance rank: nearest warehouse
            as in distance-priority sourcing; cost: cheapest first). Ties go to the first arc.
        arc_limit: Arcs of this cost or more are not taken.

    Returns:
        SEGMENT_SCHEMA, sorted by line, then arc.
    """
    order = np.lexsort((arc_preference, problem.arc_class))
    order = order[problem.arc_cost[order] < arc_limit]
    bounds = np.searchsorted(problem.arc_class[order], np.arange(len(problem.class_qty) + 1)).tolist()
    arcs, centres = order.tolist(), problem.arc_warehouse[order].tolist()
    capacity = problem.capacity.tolist()
    if problem.arc_stock is None:
        shelves, stock = [0] * len(arcs), [int(problem.class_qty.sum())]
    else:
        shelves, stock = problem.arc_stock[order].tolist(), problem.stock_qty.tolist()
    rows: list[int] = []
    taken: list[int] = []
    pieces: list[int] = []
    for line, group, wanted in zip(
        arrival.tolist(), line_class[arrival].tolist(), line_qty[arrival].tolist(), strict=True
    ):
        missing = wanted
        for at in range(bounds[group], bounds[group + 1]):
            take = min(missing, stock[shelves[at]], capacity[centres[at]])
            if take:
                stock[shelves[at]] -= take
                capacity[centres[at]] -= take
                rows.append(line)
                taken.append(arcs[at])
                pieces.append(take)
                missing -= take
                if not missing:
                    break
        if missing:
            rows.append(line)
            taken.append(UNSERVED)
            pieces.append(missing)
    return pl.DataFrame({"line": rows, "arc": taken, "qty": pieces}, schema=SEGMENT_SCHEMA).sort(
        "line", "arc"
    )
