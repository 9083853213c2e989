"""What one more piece of capacity or stock would save. Exact, from the residual graph; solves nothing anew.

In an optimal flow, one more unit on a full arc (u, v) changes the optimum by the length of the shortest
residual path from v back to u, where that is negative (Ahuja, Magnanti & Orlin 1993, ch. 9): exactly what a
new run with the limit raised by one would gain, which duals of a degenerate linear program need not be. The
residual graph is contracted first: within one product, classes are only bridges between its stock nodes and
the sink, so a (W+1) x (W+1) matrix per product and one over the warehouses hold all shortest paths (Floyd
1962). With k warehouses that hold a product this takes k x W^2 steps a product, and W^3 once: 1,000 products,
each in five places, take .03 CPU s with 20 warehouses and 1.5 with 200. A negative cycle would mean that the
flow is not optimal; it is looked for, so the prices are also a certificate of optimality that does not trust
the solver.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbec_platform.logistics.flow import FlowProblem, FlowSolution, Ints, stock_use, warehouse_use

FAR = 2**60
"""No path; sums of two stay within 64 bits, and costs are below 2^42."""

MATRIX_CELLS = 4_000_000
"""Cells of the distance matrices held at once (32 MB)."""

BRIDGE_ROWS = 500_000
"""Flows expanded at once into their alternatives."""


@dataclass(frozen=True, kw_only=True)
class ShadowPrices:
    """Fall of the optimal cost per extra piece, never negative.

    Attributes:
        warehouse: Price of one more piece of capacity, shape (W,).
        stock: Price of one more piece in each stock node, shape (L,); empty without stock.
    """

    warehouse: Ints
    stock: Ints


@dataclass(frozen=True)
class _Ends:
    """One end of the bridges: class, product, node within the product (W = sink) and cost of that side."""

    group: Ints
    product: Ints
    node: Ints
    cost: Ints


@dataclass(frozen=True)
class _Nodes:
    """Stock nodes laid out as product x warehouse; without stock one product that is everywhere.

    index: number of the stock node, -1 = none, shape (products, W). leave: whether a path may go on from the node
    to its warehouse (something is left to take) or, last column, to the sink, shape (products, W+1). Going back
    from the warehouse into a node needs no mask: a node without flow leads nowhere.
    """

    index: Ints
    leave: NDArray[np.bool_]


def shadow_prices(problem: FlowProblem, solution: FlowSolution) -> ShadowPrices:
    """Prices of all capacities and stocks of an optimal flow.

    Args:
        problem: What was solved.
        solution: Its optimum.

    Returns:
        Prices in the unit of the costs; 0 where the limit does not bind.

    Raises:
        RuntimeError: The flow is not optimal: a residual cycle of negative cost exists.
    """
    n_products = int(problem.stock_product.max()) + 1 if len(problem.stock_product) else 1
    n_centres = len(problem.capacity)
    nodes = _lay_out(problem, solution, n_products)
    sources, targets = _bridge_ends(problem, solution)
    scarce = (nodes.index >= 0) & ~nodes.leave[:, :n_centres]
    between = np.full((n_centres + 1, n_centres + 1), FAR, dtype=np.int64)
    kept: list[tuple[Ints, Ints]] = []
    step = max(1, MATRIX_CELLS // (n_centres + 1) ** 2)
    for start in range(0, n_products, step):
        stop = min(start + step, n_products)
        local = _product_paths(sources, targets, start, stop, n_centres)
        open_paths = np.where(nodes.leave[start:stop, None, :], local, FAR)
        between = np.minimum(between, open_paths.min(axis=0, initial=FAR))
        rows = np.flatnonzero(scarce[start:stop].any(axis=1))
        kept.append((rows + start, local[rows]))
    used = warehouse_use(problem, solution)
    between[:-1, -1][used < problem.capacity] = np.minimum(between[:-1, -1][used < problem.capacity], 0)
    between[-1, :-1][used > 0] = np.minimum(between[-1, :-1][used > 0], 0)
    _close(between[None])
    stock = np.zeros(len(problem.stock_qty), dtype=np.int64)
    for products, local in kept:
        _price_stock(stock, between, nodes, products, local, scarce)
    return ShadowPrices(warehouse=np.maximum(-between[-1, :-1], 0), stock=stock)


def _lay_out(problem: FlowProblem, solution: FlowSolution, n_products: int) -> _Nodes:
    """Number the stock nodes by product and warehouse and see which still hold pieces."""
    n_centres = len(problem.capacity)
    index = np.full((n_products, n_centres), -1, dtype=np.int64)
    leave = np.ones((n_products, n_centres + 1), dtype=np.bool_)
    if problem.arc_stock is not None:
        place = (problem.stock_product, problem.stock_warehouse)
        index[place] = np.arange(len(problem.stock_qty))
        leave[:, :-1] = False
        leave[place] = stock_use(problem, solution) < problem.stock_qty
    return _Nodes(index=index, leave=leave)


def _bridge_ends(problem: FlowProblem, solution: FlowSolution) -> tuple[_Ends, _Ends]:
    """Where pieces are now (flows and unserved) and where they could be (all arcs, unserved), both by class."""
    n_centres, n_classes = len(problem.capacity), len(problem.class_qty)
    class_product = np.zeros(n_classes, dtype=np.int64)
    if problem.arc_stock is not None:
        class_product[problem.arc_class] = problem.stock_product[problem.arc_stock]
    classes = np.arange(n_classes, dtype=np.int64)
    group = np.concatenate([problem.arc_class, classes])
    node = np.concatenate([problem.arc_warehouse, np.full(n_classes, n_centres, dtype=np.int64)])
    cost = np.concatenate([problem.arc_cost, problem.class_penalty])
    flow = np.concatenate([solution.arc_flow, solution.class_unserved])
    order = np.lexsort((group, class_product[group]))
    now = order[flow[order] > 0]
    return (
        _Ends(group[now], class_product[group[now]], node[now], cost[now]),
        _Ends(group[order], class_product[group[order]], node[order], cost[order]),
    )


def _product_paths(sources: _Ends, targets: _Ends, start: int, stop: int, n_centres: int) -> Ints:
    """Shortest ways within each product from node to node by moving pieces, shape (products, W+1, W+1)."""
    size = n_centres + 1
    paths = np.full((stop - start, size, size), FAR, dtype=np.int64)
    flat = paths.reshape(-1)
    first_target, end_target = _ranges(sources, targets)
    low, high = np.searchsorted(sources.product, [start, stop])
    for chunk in range(int(low), int(high), BRIDGE_ROWS):
        rows = np.arange(chunk, min(chunk + BRIDGE_ROWS, int(high)))
        fan = end_target[rows] - first_target[rows]
        source = np.repeat(rows, fan)
        within = np.arange(len(source)) - np.repeat(np.cumsum(fan) - fan, fan)
        target = first_target[source] + within
        cell = ((sources.product[source] - start) * size + sources.node[source]) * size + targets.node[target]
        np.minimum.at(flat, cell, targets.cost[target] - sources.cost[source])
    diagonal = np.arange(size)
    paths[:, diagonal, diagonal] = np.minimum(paths[:, diagonal, diagonal], 0)
    _close(paths)
    return paths


def _ranges(sources: _Ends, targets: _Ends) -> tuple[Ints, Ints]:
    """Rows of `targets` that belong to the class of each source; both are ordered by product, then class."""
    change = np.flatnonzero(np.diff(targets.group, prepend=-1))
    first = np.zeros(int(targets.group.max(initial=-1)) + 1, dtype=np.int64)
    end = np.zeros_like(first)
    first[targets.group[change]] = change
    end[targets.group[change]] = np.append(change[1:], len(targets.group))
    return first[sources.group], end[sources.group]


def _close(paths: Ints) -> None:
    """Shortest paths between all nodes, in place (Floyd-Warshall over a stack of matrices).

    A product lies in few warehouses: a node that no other one leads to shortens nothing, so its matrix is passed over.
    """
    for via in range(paths.shape[1]):
        leads = paths[:, :, via] < FAR // 2
        leads[:, via] = False
        rows = np.flatnonzero(leads.any(axis=1))
        if len(rows) == len(paths):
            np.minimum(paths, paths[:, :, via, None] + paths[:, None, via, :], out=paths)
        elif len(rows):
            some = paths[rows]
            paths[rows] = np.minimum(some, some[:, :, via, None] + some[:, None, via, :])
    diagonal = np.arange(paths.shape[1])
    if paths.size and paths[:, diagonal, diagonal].min() < 0:
        raise RuntimeError("the flow is not optimal: moving pieces along a residual cycle would save money")


def _price_stock(
    stock: Ints, between: Ints, nodes: _Nodes, products: Ints, local: Ints, scarce: NDArray[np.bool_]
) -> None:
    """Fill in prices of used-up stock: from its warehouse over the network back into the node."""
    for centre in range(scarce.shape[1]):
        rows = np.flatnonzero(scarce[products, centre])
        length = (between[centre][None, :] + local[rows, :, centre]).min(axis=1, initial=FAR)
        stock[nodes.index[products[rows], centre]] = np.maximum(-length, 0)
