"""Orders served one by one with the prices of the last plan (model M6): what a cheap choice takes from later orders.

Each line takes the warehouse with the least cost + price of its capacity + price of its stock, and stays open where
even that is more than its penalty. Prices go stale as stock and capacity are used: the plan of a past period is solved
again every so often with what is left, scaled to the time that is left (re-solved dual prices, Jasin & Sinha 2015;
static ones: Acimovic & Graves 2015).

Stock is where this is hard: an article has a few orders a day, and its past says little of where the next come from.
Hence `with_other_destinations`: the past several times over, its orders sent where the other orders of the shop went
(four times: gap closed .80 instead of .78 and .76 instead of .73 on days of one kind, .71 instead of .70 on another, at
three times the cost). What does not help, at 2 x 10^4 lines (.73 as it is): averages over resampled demand (.74 at four
times the cost), prices three times as often (.74), the value of the last piece instead of one more (.10). Even prices
from the true demand close only .75: what is left is lost by deciding line by line. On five days of 2 x 10^4 lines one
copy closes .70 to .75, four .70 to .76 and eight .71 to .77. Worse: waves of a twentieth of the day decided as one flow
with the past for the rest (.44); leaving lines open only from half as much again as their penalty (.52, .58), or from
nine tenths of it (.34, .43).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import polars as pl

from xbec_platform.logistics.baselines import greedy_plan
from xbec_platform.logistics.flow import FlowProblem, Ints, solve_flow
from xbec_platform.logistics.line_plan import UNSERVED
from xbec_platform.logistics.prices import ShadowPrices, shadow_prices

STOCK_PRICE_DOUBT = 0.5
"""Part of a stock price that does not count, over the root of the copies of the past. An article lies in few pieces:
with one order more or less its price is the penalty or nothing, so half of it is nearest to what it will be (gap closed
at 2 x 10^4 lines: .67 with none of it, .70 with half, .34 with all; prices of warehouses, of thousands of pieces, count
in full)."""


@dataclass(frozen=True, kw_only=True)
class OnlineStream:
    """Lines of a period that come one by one.

    Attributes:
        problem: The period as a flow problem: its capacity and stock are those at its beginning.
        line_class: Class of each line.
        line_qty: Pieces of each line.
        arrival: Rows of lines in order of arrival.
        past_stock: Number of each stock node in the past problem, -1 = unknown there; None without stock.
        past_copies: How many periods' demand the past problem holds, see `with_other_destinations`.
    """

    problem: FlowProblem
    line_class: Ints
    line_qty: Ints
    arrival: Ints
    past_stock: Ints | None = None
    past_copies: int = 1


def with_other_destinations(lines: pl.DataFrame, copies: int, *, seed: int = 1) -> pl.DataFrame:
    """The lines of a period several times over: once as they were, then each order where some other order went.

    Args:
        lines: As of `AssignmentInputs`.
        copies: How many periods' demand to return.
        seed: Of the shuffles.
    """
    rng = np.random.default_rng(seed)
    place = ["ship_country", "promised_days"]
    orders = lines.sort("order_id", "line_no").unique("order_id", keep="first", maintain_order=True)
    parts = [lines]
    for number in range(1, copies):
        moved = orders.select("order_id").hstack(orders[rng.permutation(orders.height)].select(place))
        there = lines.drop(place).join(moved, on="order_id", maintain_order="left").select(lines.columns)
        parts.append(there.with_columns(order_id=pl.format("{}#{}", "order_id", pl.lit(number))))
    return pl.concat(parts)


def online_plan(stream: OnlineStream, past: FlowProblem, *, reprices: int) -> pl.DataFrame:
    """Serve the lines as they come.

    Args:
        stream: The lines; nothing of them is known before they come.
        past: A period like this one, with the demand that prices are learned from.
        reprices: How often prices are computed: at the start and evenly after that; 0: cheapest first, no prices.

    Returns:
        SEGMENT_SCHEMA, sorted by line, then arc; arcs are those of the stream's problem.
    """
    capacity, stock = stream.problem.capacity.copy(), stream.problem.stock_qty.copy()
    bounds = np.linspace(0, len(stream.arrival), max(reprices, 1) + 1).astype(np.int64)
    parts = []
    for number, (first, last) in enumerate(pairwise(bounds.tolist())):
        now = replace(stream.problem, capacity=capacity, stock_qty=stock)
        if reprices:
            share = 1 - number / reprices
            found = _serve(stream, now, _prices(past, now, stream, share), stream.arrival[first:last])
        else:
            found = greedy_plan(now, stream.line_class, stream.line_qty, stream.arrival, now.arc_cost)
        taken = found.filter(pl.col("arc") != UNSERVED)
        arcs, pieces = taken["arc"].to_numpy(), taken["qty"].to_numpy()
        capacity, stock = capacity.copy(), stock.copy()
        np.subtract.at(capacity, stream.problem.arc_warehouse[arcs], pieces)
        if stream.problem.arc_stock is not None:
            np.subtract.at(stock, stream.problem.arc_stock[arcs], pieces)
        parts.append(found)
    return pl.concat(parts).sort("line", "arc")


def _prices(past: FlowProblem, now: FlowProblem, stream: OnlineStream, share: float) -> ShadowPrices:
    """Prices of the past demand against what is left, were it left for a whole period; by the stream's stock nodes."""
    scale = stream.past_copies / share
    # What the last place is worth, not one more: the price of one more where one place is missing.
    limits = {"capacity": np.maximum(np.floor(now.capacity * scale).astype(np.int64) - 1, 0)}
    if stream.past_stock is not None:
        there = stream.past_stock >= 0
        held = np.zeros(len(past.stock_qty), dtype=np.int64)
        held[stream.past_stock[there]] = np.floor(now.stock_qty[there] * scale).astype(np.int64)
        limits["stock_qty"] = held
    scaled = replace(past, **limits)
    found = shadow_prices(scaled, solve_flow(scaled))
    stock = np.zeros(len(now.stock_qty), dtype=np.int64)
    if stream.past_stock is not None:
        counts = 1 - STOCK_PRICE_DOUBT / np.sqrt(stream.past_copies)
        stock[there] = np.round(found.stock[stream.past_stock[there]] * counts)
    return ShadowPrices(warehouse=found.warehouse, stock=stock)


def _serve(stream: OnlineStream, now: FlowProblem, prices: ShadowPrices, lines: Ints) -> pl.DataFrame:
    """Segments of the next lines at given prices, arcs numbered as in the stream's problem."""
    priced = now.arc_cost + prices.warehouse[now.arc_warehouse]
    if now.arc_stock is not None:
        priced = priced + prices.stock[now.arc_stock]
    pays = np.flatnonzero(priced <= now.class_penalty[now.arc_class])
    open_arcs = replace(
        now,
        arc_class=now.arc_class[pays],
        arc_warehouse=now.arc_warehouse[pays],
        arc_cost=now.arc_cost[pays],
        arc_stock=None if now.arc_stock is None else now.arc_stock[pays],
    )
    found = greedy_plan(open_arcs, stream.line_class, stream.line_qty, lines, priced[pays])
    served = found["arc"].to_numpy() != UNSERVED
    arcs = np.full(found.height, UNSERVED, dtype=np.int64)
    arcs[served] = pays[found["arc"].to_numpy()[served]]
    return found.with_columns(arc=pl.Series(arcs))


def segments_cost(problem: FlowProblem, line_class: Ints, segments: pl.DataFrame) -> int:
    """Cost of a plan, penalties of what it leaves open included."""
    arc, line, qty = (segments[name].to_numpy() for name in ("arc", "line", "qty"))
    served = arc != UNSERVED
    cost = int(problem.arc_cost[arc[served]] @ qty[served])
    return cost + int(problem.class_penalty[line_class[line[~served]]] @ qty[~served])
