"""How many containers each lane ships and what is in them: the mixed-integer program of a day. No tables.

Pieces of a class over a lane with containers are whole numbers; all else is a flow, whole by itself once these are.
HiGHS, for CP-SAT would round the flow without a word (`location_mip`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbec_platform.logistics.assignment_inputs import TICKS_PER_BASE
from xbec_platform.logistics.flow import FlowProblem, Ints
from xbec_platform.logistics.location_mip import Linear, solve_linear
from xbec_platform.logistics.location_problem import Floats, LocationParams

MAX_NODES = 2_000
RELATIVE_GAP = 1e-6


@dataclass(frozen=True, kw_only=True)
class Boxes:
    """Lanes that ship in containers, and which arcs of the flow problem go over them.

    Attributes:
        rate: Of one container in base currency, shape (B,).
        arc_box: Lane of each arc, -1 = ships by weight, shape (A,).
        arc_kg: Part of a container's payload that a piece takes, shape (A,); 0 on other arcs.
        arc_m3: Part of its room.
    """

    rate: Floats
    arc_box: Ints
    arc_kg: Floats
    arc_m3: Floats


def fill_containers(problem: FlowProblem, boxes: Boxes) -> tuple[Ints, float]:
    """Pieces over every arc with a container (0 on the others), and the proven bound of all costs in base currency.

    Args:
        problem: Classes, arcs, capacity and stock; what an arc with a container costs is its handling alone.
        boxes: Its containers.

    Raises:
        RuntimeError: No plan within `MAX_NODES` (not expected: shipping nothing is one).
    """
    program = Linear()
    cls, box = problem.arc_class, boxes.arc_box
    qty = problem.class_qty.astype(np.float64)
    inside = box >= 0
    x = np.zeros(len(cls), dtype=np.int64)
    for which, whole in ((~inside, False), (inside, True)):
        x[which] = program.columns(problem.arc_cost[which] / TICKS_PER_BASE, qty[cls[which]], integer=whole)
    left = program.columns(problem.class_penalty / TICKS_PER_BASE, qty, integer=False)
    most = np.zeros(len(boxes.rate))
    np.add.at(most, box[inside], (np.maximum(boxes.arc_kg, boxes.arc_m3) * qty[cls])[inside])
    n = program.columns(boxes.rate, np.ceil(most), integer=True)
    placed = program.rows(qty, qty)
    program.cells.extend([(placed[cls], x, np.ones(len(x))), (placed, left, np.ones(len(left)))])
    limits = [(problem.capacity, problem.arc_warehouse)]
    limits += [(problem.stock_qty, problem.arc_stock)] if problem.arc_stock is not None else []
    for limit, of_arc in limits:
        within = program.rows(np.full(len(limit), -np.inf), limit.astype(np.float64))
        program.cells.append((within[of_arc], x, np.ones(len(x))))
    for part in (boxes.arc_kg, boxes.arc_m3):
        fits = program.rows(np.full(len(n), -np.inf), np.zeros(len(n)))
        program.cells.extend([(fits[box[inside]], x[inside], part[inside]), (fits, n, -np.ones(len(n)))])
    # Strong rows: no piece without a container, which the two above say of the sum only.
    strong = program.rows(np.full(int(inside.sum()), -np.inf), np.zeros(int(inside.sum())))
    program.cells.extend(
        [(strong, x[inside], np.ones(len(strong))), (strong, n[box[inside]], -qty[cls[inside]])]
    )
    params = LocationParams(max_nodes=MAX_NODES, relative_gap=RELATIVE_GAP)
    values, bound = solve_linear(program, params, np.inf)
    if values is None:
        raise RuntimeError("no plan was found for lanes that ship in containers: allow more nodes")
    return np.where(inside, np.rint(values[x]), 0).astype(np.int64), bound
