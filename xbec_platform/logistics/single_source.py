"""Orders that may leave from one warehouse only: which one, and the day as it is then. A rule of the user.

The choice is a mixed-integer program: a binary for every order of several pieces and warehouse, flows for the rest.
Then the lines of such an order go to a destination of their own, which only lanes of the chosen warehouse lead to (as
restricted goods do): the flow, its reasons and its audit hold without knowing of the rule. In a day of many such orders
those that the free plan keeps together stay where they are, and the rest is decided in groups: no longer exact, but the
free plan is a bound, and what the rule costs against it is stated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from xbec_platform.logistics.assignment import AssignmentResult, build_network
from xbec_platform.logistics.assignment_inputs import (
    TICKS_PER_BASE,
    AssignmentInputs,
    AssignmentParams,
    canonical,
)
from xbec_platform.logistics.assignment_schema import Reason
from xbec_platform.logistics.assignment_tables import Network
from xbec_platform.logistics.flow import FlowProblem, Ints, solve_flow
from xbec_platform.logistics.line_plan import UNSERVED, split_flows
from xbec_platform.logistics.location_mip import Linear, solve_linear
from xbec_platform.logistics.location_problem import LocationParams

MARK = "@"
"""Parts a destination or lane from the warehouse an order is bound to; no country or lane id of ours holds it."""
GROUP = 200
"""Orders decided at once, and the most for which the whole day is one program: 200 x 20 binaries take seconds."""
MAX_NODES = 2_000
_NO_WAY = (
    Reason.NO_ADDRESS_OR_RATE,
    Reason.NO_MODE_HAZARD,
    Reason.NO_MODE_MEETS_PROMISE,
    Reason.SKU_NOT_STOCKED_IN_REACH,
)


@dataclass(frozen=True, kw_only=True)
class BoundDay:
    """A day whose orders of several pieces are bound to a warehouse each.

    Attributes:
        inputs: The day.
        free_ticks: Cost of the best plan that may split orders: no plan of this day costs less.
    """

    inputs: AssignmentInputs
    free_ticks: int


def one_warehouse_each(inputs: AssignmentInputs, params: AssignmentParams | None = None) -> BoundDay:
    """Bind every order of several pieces to the warehouse it leaves from; what that lacks stays unserved.

    Args:
        inputs: The day.
        params: As the plan will be made with.

    Raises:
        RuntimeError: The program had no answer (not expected: serving nothing is one).
    """
    day = canonical(inputs)
    network = build_network(day, params or AssignmentParams())
    solution = solve_flow(network.problem)
    lines = network.demand.lines.with_row_index("line").with_columns(pl.col("line").cast(pl.Int64))
    several = lines.filter(pl.col("qty").sum().over("order_id") > 1)
    orders = several["order_id"].unique().sort().to_list()
    if not orders:
        return BoundDay(inputs=inputs, free_ticks=solution.objective)
    segments = split_flows(
        lines["class_id"].to_numpy(),
        lines["qty"].to_numpy(),
        network.problem.arc_class,
        solution.arc_flow,
        solution.class_unserved,
    ).join(lines.select("line", "order_id"), on="line")
    arcs = pl.DataFrame(
        {
            "arc": np.arange(len(network.problem.arc_class)),
            "class_id": network.problem.arc_class,
            "warehouse": network.problem.arc_warehouse,
            "cost": network.problem.arc_cost,
        }
    )
    chosen: dict[str, int] = {}
    open_orders = orders
    if len(orders) > GROUP:
        chosen = _kept_together(network.problem, segments.filter(pl.col("order_id").is_in(orders)))
        open_orders = [order for order in orders if order not in chosen]
    for first in range(0, len(open_orders), GROUP):
        group = open_orders[first : first + GROUP]
        rest = segments.filter(~pl.col("order_id").is_in([*group, *chosen])) if len(orders) > GROUP else None
        chosen |= _decide(network, arcs, lines, group, rest, chosen)
    # What has no way at all keeps its own reason.
    reached = several.filter(pl.col("class_id").is_in(np.unique(network.problem.arc_class)))
    names = day.warehouses["warehouse_id"].to_list()
    ties = reached.select(
        "order_id",
        "line_no",
        tied_to=pl.col("order_id").replace_strict({o: names[w] for o, w in chosen.items()}),
    )
    return BoundDay(inputs=_bound(inputs, ties), free_ticks=solution.objective)


def _kept_together(problem: FlowProblem, segments: pl.DataFrame) -> dict[str, int]:
    """Orders that the free plan serves from one warehouse alone, with that warehouse."""
    arcs = segments["arc"].to_numpy()
    places = np.where(arcs == UNSERVED, UNSERVED, problem.arc_warehouse[np.maximum(arcs, 0)])
    found = segments.with_columns(place=pl.Series(places)).group_by("order_id").agg(pl.col("place").unique())
    alone = found.filter(pl.col("place").list.len() == 1, pl.col("place").list.first() != UNSERVED)
    return dict(alone.select("order_id", pl.col("place").list.first()).rows())


def _decide(
    network: Network,
    arcs: pl.DataFrame,
    lines: pl.DataFrame,
    group: list[str],
    rest: pl.DataFrame | None,
    chosen: dict[str, int],
) -> dict[str, int]:
    """The warehouse of each order of a group.

    Args:
        network: The day.
        arcs: arc, class_id, warehouse, cost.
        lines: line, order_id, class_id, qty.
        group: Orders to decide.
        rest: Segments of the free plan that keep their places; None: the whole day is decided at once.
        chosen: Orders decided before, which take what they can from their warehouse.
    """
    problem = network.problem
    capacity, stock = problem.capacity.copy(), problem.stock_qty.copy()
    free = lines.filter(~pl.col("order_id").is_in(group))
    if rest is not None:
        _take(problem, capacity, stock, rest)
        _take(problem, capacity, stock, _served_by(arcs, lines, chosen))
        free = free.clear()
    asked = pl.concat([lines.filter(pl.col("order_id").is_in(group)), free]).select(
        "order_id", "class_id", "qty"
    )
    rows = asked.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    cells = rows.join(arcs, on="class_id").sort("row", "arc")
    number = {order: at for at, order in enumerate(group)}
    pairs = (
        cells.filter(pl.col("order_id").is_in(group))
        .select(order=pl.col("order_id").replace_strict(number, return_dtype=pl.Int64), warehouse="warehouse")
        .unique()
        .sort("order", "warehouse")
    )
    if pairs.is_empty():
        return dict.fromkeys(group, 0)
    values, n_x = _solve(problem, rows, cells, pairs, number, capacity, stock)
    picked = pairs.filter(pl.Series(values[n_x : n_x + pairs.height] > 0.5))
    found: dict[str, int] = {group[order]: warehouse for order, warehouse in picked.rows()}
    # Who is served from nowhere is bound all the same: to the first that could, should room be left.
    first: dict[int, int] = dict(pairs.unique("order", keep="first", maintain_order=True).rows())
    return {order: found.get(order, first.get(at, 0)) for at, order in enumerate(group)}


def _take(problem: FlowProblem, capacity: Ints, stock: Ints, segments: pl.DataFrame) -> None:
    """Subtract what segments use, in place."""
    served = segments.filter(pl.col("arc") != UNSERVED)
    arcs, qty = served["arc"].to_numpy(), served["qty"].to_numpy()
    np.subtract.at(capacity, problem.arc_warehouse[arcs], qty)
    if problem.arc_stock is not None:
        np.subtract.at(stock, problem.arc_stock[arcs], qty)
    np.maximum(capacity, 0, out=capacity)
    np.maximum(stock, 0, out=stock)


def _served_by(arcs: pl.DataFrame, lines: pl.DataFrame, chosen: dict[str, int]) -> pl.DataFrame:
    """Segments of bound orders, each line over the arc of its warehouse."""
    bound = pl.DataFrame(
        list(chosen.items()), schema={"order_id": pl.String, "warehouse": pl.Int64}, orient="row"
    )
    return lines.join(bound, on="order_id").join(arcs, on=["class_id", "warehouse"]).select("arc", "qty")


def _solve(
    problem: FlowProblem,
    rows: pl.DataFrame,
    cells: pl.DataFrame,
    pairs: pl.DataFrame,
    number: dict[str, int],
    capacity: Ints,
    stock: Ints,
) -> tuple[np.ndarray, int]:
    """Values of the program, and how many of them are flows; those of `pairs` follow."""
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
    once = program.rows(np.full(len(number), -np.inf), np.ones(len(number)))
    program.cells.append((once[pairs["order"].to_numpy()], z, np.ones(len(z))))
    bound = cells.with_row_index("x").with_columns(
        order=pl.col("order_id").replace_strict(number, default=None, return_dtype=pl.Int64)
    )
    linked = bound.join(pairs.with_row_index("z"), on=["order", "warehouse"]).sort("x")
    link = program.rows(np.full(linked.height, -np.inf), np.zeros(linked.height))
    program.cells.append((link, x[linked["x"].to_numpy()], np.ones(linked.height)))
    program.cells.append((link, z[linked["z"].to_numpy()], -qty[linked["row"].to_numpy()]))
    values, _ = solve_linear(program, LocationParams(max_nodes=MAX_NODES, relative_gap=1e-6), np.inf)
    if values is None:
        raise RuntimeError("no warehouse was found for orders that must not be split: allow more nodes")
    return values, len(x)


def _bound(inputs: AssignmentInputs, ties: pl.DataFrame) -> AssignmentInputs:
    """Lines of bound orders (order_id, line_no, tied_to) go where only lanes of their warehouse lead to."""
    tied = pl.format("{}{}{}", "ship_country", pl.lit(MARK), "tied_to")
    key = ["order_id", "line_no"]
    lines = inputs.lines.join(ties, on=key, how="left", maintain_order="left").with_columns(
        ship_country=pl.coalesce(tied, "ship_country")
    )
    asked = (
        lines.drop_nulls(["ship_country", "tied_to"]).select("tied_to", destination="ship_country").unique()
    )
    asked = asked.with_columns(dest_node=pl.col("destination").str.split(MARK).list.first()).sort(
        "destination"
    )
    lanes = inputs.lanes.join(
        asked, left_on=["dest_node", "origin_node"], right_on=["dest_node", "tied_to"], maintain_order="left"
    ).with_columns(dest_node="destination", lane_id=pl.format("{}{}", "lane_id", pl.lit(MARK)))
    places = inputs.destinations.join(asked.select("destination", country="dest_node"), on="country")
    return replace(
        inputs,
        lines=lines.drop("tied_to"),
        lanes=pl.concat([inputs.lanes, lanes.select(inputs.lanes.columns)]),
        destinations=pl.concat(
            [
                inputs.destinations,
                places.with_columns(country="destination").select(inputs.destinations.columns),
            ]
        ),
    )


def unbound(result: AssignmentResult) -> AssignmentResult:
    """The plan of a bound day with countries and lanes by their own names; the rule stands among its reasons.

    Raises:
        RuntimeError: An order leaves from two warehouses all the same.
    """
    places = result.assignments.group_by("order_id").agg(pl.col("warehouse_id").n_unique())
    torn = places.filter(pl.col("warehouse_id") > 1)
    if torn.height:
        order = torn["order_id"].sort()[0]
        raise RuntimeError(f"order {order} leaves from two warehouses, which the rule forbids")
    is_tied = pl.col("ship_country").str.contains(MARK, literal=True).fill_null(False)
    only = pl.col("ship_country").str.split(MARK).list.last()
    told = pl.format("orders stay together, this one at {}: {} ({})", only, "reason", "detail")
    no_way = pl.col("reason").is_in([str(reason) for reason in _NO_WAY])
    left = result.unserved.with_columns(
        detail=pl.when(is_tied).then(told).otherwise("detail"),
        reason=pl.when(is_tied & no_way)
        .then(pl.lit(str(Reason.ORDER_NOT_FROM_ONE_WAREHOUSE)))
        .otherwise("reason"),
    )
    names = [("assignments", result.assignments), ("unserved", left)]
    return replace(
        result,
        **{
            name: table.with_columns(
                pl.col(column).str.split(MARK).list.first()
                for column in ("ship_country", "lane_id")
                if column in table.columns
            )
            for name, table in names
        },
    )
