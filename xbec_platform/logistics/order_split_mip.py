"""From which warehouses orders leave that should not be split: the mixed-integer program. No names, no tables.

A binary for every order and warehouse it could leave from, flows for the rest, and a line goes over an arc only if its
order has a parcel there.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import polars as pl

from xbec_platform.logistics.assignment_inputs import TICKS_PER_BASE
from xbec_platform.logistics.flow import FlowProblem, Ints
from xbec_platform.logistics.location_mip import Linear, solve_linear
from xbec_platform.logistics.location_problem import LocationParams

MAX_NODES = 2_000


def choose_places(
    problem: FlowProblem,
    rows: pl.DataFrame,
    cells: pl.DataFrame,
    pairs: pl.DataFrame,
    capacity: Ints,
    stock: Ints,
    extra_parcel_base: Decimal | None,
) -> tuple[pl.Series, float]:
    """Which orders leave from which warehouses, and what no choice undercuts.

    Args:
        problem: The day.
        rows: row (0, 1, ...), class_id, qty: lines of bound orders, classes of all others.
        cells: row, arc, warehouse, cost (ticks), order (null: not bound), sorted by row and arc.
        pairs: order, warehouse: what there is to choose from.
        capacity: Pieces left in each warehouse.
        stock: Pieces left in each stock node.
        extra_parcel_base: Of each warehouse of an order beyond the first; None: there may be none.

    Returns:
        A flag for each of `pairs`, and the bound in base currency.

    Raises:
        RuntimeError: No plan within `MAX_NODES` (not expected: serving nothing is one).
    """
    program = Linear()
    qty = rows["qty"].to_numpy().astype(np.float64)
    row, arc = cells["row"].to_numpy(), cells["arc"].to_numpy()
    x = program.columns(cells["cost"].to_numpy() / TICKS_PER_BASE, qty[row], integer=False)
    z = program.columns(np.zeros(pairs.height), np.ones(pairs.height), integer=True)
    penalty = problem.class_penalty[rows["class_id"].to_numpy()] / TICKS_PER_BASE
    left = program.columns(penalty, qty, integer=False)
    placed = program.rows(qty, qty)
    program.cells.append((placed[row], x, np.ones(len(x))))
    program.cells.append((placed, left, np.ones(len(left))))
    limits = [(capacity, problem.arc_warehouse)]
    limits += [(stock, problem.arc_stock)] if problem.arc_stock is not None else []
    for most, of_arc in limits:
        within = program.rows(np.full(len(most), -np.inf), most.astype(np.float64))
        program.cells.append((within[of_arc[arc]], x, np.ones(len(x))))
    n_orders = int(pairs["order"].max()) + 1  # type: ignore[arg-type]
    once = program.rows(np.full(n_orders, -np.inf), np.ones(n_orders))
    program.cells.append((once[pairs["order"].to_numpy()], z, np.ones(len(z))))
    if extra_parcel_base is not None:
        fee = np.full(n_orders, float(extra_parcel_base))
        extra = program.columns(fee, np.full(n_orders, float(len(capacity))), integer=False)
        program.cells.append((once, extra, -np.ones(n_orders)))
    bound = cells.with_row_index("x").drop_nulls("order")
    linked = bound.join(pairs.with_row_index("z"), on=["order", "warehouse"]).sort("x")
    link = program.rows(np.full(linked.height, -np.inf), np.zeros(linked.height))
    program.cells.append((link, x[linked["x"].to_numpy()], np.ones(linked.height)))
    program.cells.append((link, z[linked["z"].to_numpy()], -qty[linked["row"].to_numpy()]))
    params = LocationParams(max_nodes=MAX_NODES, relative_gap=1e-6)
    values, lowest = solve_linear(program, params, np.inf)
    if values is None:
        raise RuntimeError("no warehouse was found for orders that must not be split: allow more nodes")
    return pl.Series(values[z] > 0.5), lowest
