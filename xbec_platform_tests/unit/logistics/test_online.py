"""Orders served one by one at the prices of a past period: limits hold, and foresight pays."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from xbec_platform.logistics.flow import FlowProblem, solve_flow
from xbec_platform.logistics.line_plan import UNSERVED
from xbec_platform.logistics.online import OnlineStream, online_plan, segments_cost, with_other_destinations
from xbec_platform_tests.unit.logistics.online_halves import halves

A = np.array


def test_a_price_keeps_the_last_place_for_who_needs_it() -> None:
    """W1 has one place; the first comes to W1 for 1 or W2 for 2, the second to W1 for 1 or not at all (100).

    Cheapest first costs 1 + 100. The past day had the same lines: a place in W1 is worth 1 to the first and 99 to the
    second, so the first goes to W2: 2 + 1.
    """
    problem = FlowProblem(
        class_qty=A([1, 1]),
        class_penalty=A([100, 100]),
        arc_class=A([0, 0, 1]),
        arc_warehouse=A([0, 1, 0]),
        arc_cost=A([1, 2, 1]),
        capacity=A([1, 5]),
    )
    stream = OnlineStream(problem=problem, line_class=A([0, 1]), line_qty=A([1, 1]), arrival=A([0, 1]))
    costs = {
        n: segments_cost(problem, stream.line_class, online_plan(stream, problem, reprices=n)) for n in (0, 1)
    }
    assert costs == {0: 101, 1: 3}


@pytest.mark.parametrize(("with_stock", "copies"), [(False, 1), (True, 2)])
def test_limits_hold_and_every_piece_is_accounted_for(with_stock: bool, copies: int) -> None:
    past, stream = halves(1500, with_stock=with_stock, copies=copies)
    segments = online_plan(stream, past, reprices=4)
    problem = stream.problem
    pieces = segments.group_by("line").agg(pl.col("qty").sum()).sort("line")["qty"].to_numpy()
    assert (pieces == stream.line_qty).all()
    served = segments.filter(pl.col("arc") != UNSERVED)
    arcs, qty = served["arc"].to_numpy(), served["qty"].to_numpy()
    used = np.bincount(problem.arc_warehouse[arcs], qty, len(problem.capacity))
    assert (used <= problem.capacity).all()
    if problem.arc_stock is not None:
        assert (np.bincount(problem.arc_stock[arcs], qty, len(problem.stock_qty)) <= problem.stock_qty).all()
    assert segments_cost(problem, stream.line_class, segments) >= solve_flow(problem).objective
    assert segments.equals(online_plan(stream, past, reprices=4))


def test_prices_beat_cheapest_first_on_days_not_seen() -> None:
    """Prices of the first half of a day close at least half of the gap on the second."""
    past, stream = halves(4000, with_stock=False)
    best = solve_flow(stream.problem).objective
    plain, priced = (
        segments_cost(stream.problem, stream.line_class, online_plan(stream, past, reprices=n))
        for n in (0, 10)
    )
    assert plain > best
    assert (plain - priced) / (plain - best) >= 0.5


def test_the_past_with_other_destinations() -> None:
    """Twice the pieces of every product and of every country; the first time as it was, orders in one piece."""
    lines = pl.DataFrame(
        {
            "order_id": ["a", "a", "b", "c"],
            "line_no": [1, 2, 1, 1],
            "product_id": ["p", "q", "p", "r"],
            "qty": [1, 2, 3, 4],
            "ship_country": ["DE", "DE", "FR", "US"],
            "promised_days": [5.0, 5.0, None, 9.0],
        }
    )
    twice = with_other_destinations(lines, 2, seed=3)
    assert twice.head(4).equals(lines)
    assert twice.group_by("product_id").agg(pl.col("qty").sum()).sort("product_id")["qty"].to_list() == [
        8,
        4,
        8,
    ]
    moved = twice.tail(4)
    assert moved["ship_country"].to_list() != lines["ship_country"].to_list()
    heads = moved.unique("order_id").select("ship_country", "promised_days").sort("ship_country")
    assert heads.rows() == [("DE", 5.0), ("FR", None), ("US", 9.0)]
    assert with_other_destinations(lines, 1).equals(lines)


def test_stock_that_the_past_never_saw() -> None:
    """A stock node without a past has no price and serves as before."""
    past, stream = halves(400, with_stock=True)
    unknown = replace(stream, past_stock=np.full(len(stream.problem.stock_qty), -1))
    segments = online_plan(unknown, past, reprices=2)
    assert int(segments["qty"].sum()) == int(stream.line_qty.sum())
