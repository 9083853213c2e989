"""Orders that should leave from one warehouse: from which they leave, and the day as it is then. A rule of the user.

A split is forbidden, or costs so much for each further parcel (Xu, Allgor & Graves 2009 count what splits cost an
online shop). The choice is a mixed-integer program (`order_split_mip`). Then the lines of such an order go to a
destination of their own, which only lanes of the chosen warehouses lead to (as restricted goods do): the flow, its
reasons and its audit hold without knowing of the rule.

Exact up to `GROUP` orders of several pieces. In a day of more those that the free plan keeps together stay where they
are, and the rest is decided in groups, each with what the others leave: no longer exact, but the free plan is a bound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import polars as pl

from xbec_platform.logistics.assignment import AssignmentResult, build_network
from xbec_platform.logistics.assignment_inputs import (
    TICKS_PER_BASE,
    AssignmentInputs,
    AssignmentParams,
    canonical,
)
from xbec_platform.logistics.assignment_schema import MONEY, Reason
from xbec_platform.logistics.assignment_tables import Network, with_further_cost
from xbec_platform.logistics.audit import audit_splits
from xbec_platform.logistics.flow import FlowProblem, Ints, solve_flow
from xbec_platform.logistics.line_plan import UNSERVED, split_flows
from xbec_platform.logistics.order_split_mip import choose_places

MARK = "@"
"""Parts a destination or lane from the warehouse an order is bound to; no country or lane id of ours holds it."""
GROUP = 2_000
"""Orders decided at once, and the most for which the whole day is one program. Whole days of 321, 655, 973 and 1,645
such orders on 20 warehouses take 4, 7, 23 and 24 CPU s (at 5 a parcel 1 to 2); groups of 200 took as long and
paid three times as much for the rule (655 orders: 15,187 instead of 4,705 above the free plan)."""
_NO_WAY = (
    Reason.NO_ADDRESS_OR_RATE,
    Reason.NO_MODE_HAZARD,
    Reason.NO_MODE_MEETS_PROMISE,
    Reason.SKU_NOT_STOCKED_IN_REACH,
)


@dataclass(frozen=True, kw_only=True)
class BoundDay:
    """A day whose orders of several pieces are bound to warehouses.

    Attributes:
        inputs: The day.
        free_ticks: Cost of the best plan that may split orders as it likes.
        bound: No plan under the rule costs less, extra parcels included, in base currency.
        extra_parcel_base: Cost of each parcel of an order beyond its first; None: there may be none.
    """

    inputs: AssignmentInputs
    free_ticks: int
    bound: float
    extra_parcel_base: Decimal | None


def bind_orders(
    inputs: AssignmentInputs,
    params: AssignmentParams | None = None,
    *,
    extra_parcel_base: Decimal | None = None,
) -> BoundDay:
    """Bind every order of several pieces to the warehouses it leaves from; what these lack stays unserved.

    Args:
        inputs: The day.
        params: As the plan will be made with.
        extra_parcel_base: What each warehouse beyond an order's first costs; None: one warehouse an order.

    Raises:
        RuntimeError: The program had no answer (not expected: serving nothing is one).
    """
    day = canonical(inputs)
    network = build_network(day, params or AssignmentParams())
    solution = solve_flow(network.problem)
    lines = network.demand.lines.with_row_index("line").with_columns(pl.col("line").cast(pl.Int64))
    several = lines.filter(pl.col("qty").sum().over("order_id") > 1)
    orders = several["order_id"].unique().sort().to_list()
    free = solution.objective / TICKS_PER_BASE
    if not orders:
        return BoundDay(
            inputs=inputs, free_ticks=solution.objective, bound=free, extra_parcel_base=extra_parcel_base
        )
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
    chosen: dict[str, tuple[int, ...]] = {}
    bound = free
    open_orders = orders
    if len(orders) > GROUP:
        chosen = _kept_together(network.problem, segments.filter(pl.col("order_id").is_in(orders)))
        open_orders = [order for order in orders if order not in chosen]
    for first in range(0, len(open_orders), GROUP):
        group = open_orders[first : first + GROUP]
        rest = segments.filter(~pl.col("order_id").is_in([*group, *chosen])) if len(orders) > GROUP else None
        found, lowest = _decide(network, arcs, lines, group, rest, chosen, extra_parcel_base)
        chosen |= found
        bound = max(bound, lowest) if rest is None else bound
    # What has no way at all keeps its own reason.
    reached = several.filter(pl.col("class_id").is_in(np.unique(network.problem.arc_class)))
    names = day.warehouses["warehouse_id"].to_list()
    ties = reached.select(
        "order_id",
        "line_no",
        places=pl.col("order_id").replace_strict(
            {order: [names[w] for w in places] for order, places in chosen.items()},
            return_dtype=pl.List(pl.String),
        ),
    ).with_columns(tied_to=pl.col("places").list.join(" and "))
    return BoundDay(
        inputs=_bound(inputs, ties),
        free_ticks=solution.objective,
        bound=bound,
        extra_parcel_base=extra_parcel_base,
    )


def _kept_together(problem: FlowProblem, segments: pl.DataFrame) -> dict[str, tuple[int, ...]]:
    """Orders that the free plan serves from one warehouse alone, with that warehouse."""
    arcs = segments["arc"].to_numpy()
    places = np.where(arcs == UNSERVED, UNSERVED, problem.arc_warehouse[np.maximum(arcs, 0)])
    found = segments.with_columns(place=pl.Series(places)).group_by("order_id").agg(pl.col("place").unique())
    alone = found.filter(pl.col("place").list.len() == 1, pl.col("place").list.first() != UNSERVED)
    return {order: (place,) for order, place in alone.select("order_id", pl.col("place").list.first()).rows()}


def _decide(
    network: Network,
    arcs: pl.DataFrame,
    lines: pl.DataFrame,
    group: list[str],
    rest: pl.DataFrame | None,
    chosen: dict[str, tuple[int, ...]],
    extra_parcel_base: Decimal | None,
) -> tuple[dict[str, tuple[int, ...]], float]:
    """The warehouses of each order of a group, and the bound of the program.

    Args:
        network: The day.
        arcs: arc, class_id, warehouse, cost.
        lines: line, order_id, class_id, qty.
        group: Orders to decide.
        rest: Segments of the free plan that keep their places; None: the whole day is decided at once.
        chosen: Orders decided before, which take what they can from their warehouses.
        extra_parcel_base: As in `bind_orders`.
    """
    problem = network.problem
    capacity, stock = problem.capacity.copy(), problem.stock_qty.copy()
    free = lines.filter(~pl.col("order_id").is_in(group))
    if rest is not None:
        _take(problem, capacity, stock, rest)
        _take(problem, capacity, stock, _served_by(arcs, lines, chosen))
        free = free.clear()
    # What no rule binds is alike by class.
    free = free.group_by("class_id").agg(pl.col("qty").sum()).sort("class_id")
    bound_lines = lines.filter(pl.col("order_id").is_in(group)).select("order_id", "class_id", "qty")
    rows = pl.concat([bound_lines, free], how="diagonal").with_row_index("row")
    rows = rows.with_columns(pl.col("row").cast(pl.Int64))
    cells = rows.join(arcs, on="class_id").sort("row", "arc")
    number = {order: at for at, order in enumerate(group)}
    cells = cells.with_columns(
        order=pl.col("order_id").replace_strict(number, default=None, return_dtype=pl.Int64)
    )
    pairs = cells.drop_nulls("order").select("order", "warehouse").unique().sort("order", "warehouse")
    if pairs.is_empty():
        return dict.fromkeys(group, (0,)), 0.0
    picked, bound = choose_places(problem, rows, cells, pairs, capacity, stock, extra_parcel_base)
    places = pairs.filter(picked).group_by("order", maintain_order=True).agg("warehouse")
    found = {group[order]: tuple(warehouses) for order, warehouses in places.rows()}
    # Who is served from nowhere is bound all the same: to the first that could, should room be left.
    first: dict[int, int] = dict(pairs.unique("order", keep="first", maintain_order=True).rows())
    return {order: found.get(order, (first.get(at, 0),)) for at, order in enumerate(group)}, bound


def _take(problem: FlowProblem, capacity: Ints, stock: Ints, segments: pl.DataFrame) -> None:
    """Subtract what segments use, in place."""
    served = segments.filter(pl.col("arc") != UNSERVED)
    arcs, qty = served["arc"].to_numpy(), served["qty"].to_numpy()
    np.subtract.at(capacity, problem.arc_warehouse[arcs], qty)
    if problem.arc_stock is not None:
        np.subtract.at(stock, problem.arc_stock[arcs], qty)
    np.maximum(capacity, 0, out=capacity)
    np.maximum(stock, 0, out=stock)


def _served_by(arcs: pl.DataFrame, lines: pl.DataFrame, chosen: dict[str, tuple[int, ...]]) -> pl.DataFrame:
    """Segments of bound orders, each line over the cheapest arc of their warehouses."""
    bound = pl.DataFrame(
        [(order, place) for order, places in chosen.items() for place in places],
        schema={"order_id": pl.String, "warehouse": pl.Int64},
        orient="row",
    )
    ways = lines.join(bound, on="order_id").join(arcs, on=["class_id", "warehouse"])
    return (
        ways.sort("line", "cost", "arc")
        .unique("line", keep="first", maintain_order=True)
        .select("arc", "qty")
    )


def _bound(inputs: AssignmentInputs, ties: pl.DataFrame) -> AssignmentInputs:
    """Lines of bound orders go where only lanes of their warehouses lead to.

    Args:
        inputs: The day.
        ties: order_id, line_no, places (warehouses), tied_to (their names in one).
    """
    tied = pl.format("{}{}{}", "ship_country", pl.lit(MARK), "tied_to")
    key = ["order_id", "line_no"]
    lines = inputs.lines.join(ties, on=key, how="left", maintain_order="left").with_columns(
        ship_country=pl.coalesce(tied, "ship_country")
    )
    asked = (
        lines.drop_nulls(["ship_country", "tied_to"])
        .select("tied_to", "places", destination="ship_country")
        .unique("destination")
        .with_columns(dest_node=pl.col("destination").str.split(MARK).list.first())
        .sort("destination")
    )
    lanes = inputs.lanes.join(
        asked.explode("places"),
        left_on=["dest_node", "origin_node"],
        right_on=["dest_node", "places"],
        maintain_order="left",
    ).with_columns(dest_node="destination", lane_id=pl.format("{}{}{}", "lane_id", pl.lit(MARK), "tied_to"))
    places = inputs.destinations.join(asked.select("destination", country="dest_node"), on="country")
    return replace(
        inputs,
        lines=lines.drop("tied_to", "places"),
        lanes=pl.concat([inputs.lanes, lanes.select(inputs.lanes.columns)]),
        destinations=pl.concat(
            [
                inputs.destinations,
                places.with_columns(country="destination").select(inputs.destinations.columns),
            ]
        ),
    )


def unbound(result: AssignmentResult, bound: BoundDay) -> AssignmentResult:
    """The plan of a bound day by the names of countries and lanes; the rule stands among reasons, its cost in totals.

    Raises:
        RuntimeError: An order leaves from two warehouses although it may not, or the totals lack an extra parcel.
    """
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
    plan = replace(
        result,
        summary=_summary(result, bound),
        **{
            name: table.with_columns(
                pl.col(column).str.split(MARK).list.first()
                for column in ("ship_country", "lane_id")
                if column in table.columns
            )
            for name, table in names
        },
    )
    violations = audit_splits(plan.assignments, plan.summary, bound.extra_parcel_base)
    if violations.height:
        raise RuntimeError(f"the plan breaks {violations.height} rules, first: {violations.row(0)}")
    return plan


def _summary(result: AssignmentResult, bound: BoundDay) -> pl.DataFrame:
    """With the extra parcels, and the bound under the rule where it is the higher one."""
    places = result.assignments.group_by("order_id").agg(pl.col("warehouse_id").n_unique())
    extra = int((places["warehouse_id"] - 1).sum())
    paid = (bound.extra_parcel_base or Decimal(0)) * extra
    summary = with_further_cost(result.summary, paid)
    lowest = pl.min_horizontal(pl.lit(bound.bound), pl.col("objective_base").cast(pl.Float64))
    return summary.with_columns(
        extra_parcels=pl.lit(extra, dtype=pl.Int64),
        split_base=pl.lit(paid, dtype=MONEY),
        bound_base=lowest.round(4).cast(MONEY),
    )
