"""Why an order goes where it goes: every warehouse has its cost or its reason."""

import polars as pl

from xbec_platform.logistics.assignment import assign
from xbec_platform.logistics.assignment_inputs import AssignmentParams
from xbec_platform.logistics.assignment_options import explain_options, line_options
from xbec_platform_tests.unit.logistics.small_days import make_day

# A is cheap and has one piece, B costs 3, C 2 more than the promise allows, D has no lane, E takes no batteries, F
# holds nothing. Order 1 asks for two pieces of p (a battery) within 5 days.
DAY = make_day(
    lines=[{"order_id": "1", "qty": 2, "promised_days": 5}, {"order_id": "2", "product_id": "gone"}],
    warehouses=[{"warehouse_id": name} for name in "ABCDF"] + [{"warehouse_id": "E", "can_battery": False}],
    products=[{"product_id": "p", "weight_kg": 1.0, "has_battery": True}, {"product_id": "gone", "weight_kg": 1.0}],
    lanes=[
        {"origin_node": "A", "rate_per_kg": 1},
        {"origin_node": "B", "rate_per_kg": 3},
        {"origin_node": "C", "rate_per_kg": 1, "transit_p90_days": 7.0},
        {"origin_node": "E", "rate_per_kg": 1},
        {"origin_node": "F", "rate_per_kg": 2},
    ],
    stock=[
        {"warehouse_id": name, "product_id": "p", "available": 1 if name == "A" else 9} for name in "ABCDE"
    ],
)  # fmt: skip


def test_every_warehouse_has_its_verdict() -> None:
    result = assign(DAY)
    options = line_options(DAY, AssignmentParams(), result.assignments, result.bottlenecks, "1")
    verdicts = dict(options.select("warehouse_id", "verdict").rows())
    assert verdicts == {
        "A": "chosen",
        "B": "chosen",
        "C": "too slow: 7.0 days (P90), promised 5.0",
        "D": "no lane goes there",
        "E": "no lane and warehouse for these goods",
        "F": "does not hold the product",
    }
    assert options.filter(pl.col("warehouse_id") == "A")["stock_price_base"].cast(pl.Float64).to_list() == [
        2.0
    ]
    words = explain_options(options, result.unserved)
    assert "line 1: 2 x p to DE" in words
    assert "A 1 pieces by L0 (truck, P90 3 days): 1.0000 a piece - chosen" in words


def test_a_used_up_or_full_warehouse_says_what_one_more_piece_saves() -> None:
    """The other order took A's piece; where A is full instead, that is said."""
    lines = [{"order_id": "1", "priority": 2}, {"order_id": "2"}]
    lanes = [{"origin_node": "A", "rate_per_kg": 1}, {"origin_node": "B", "rate_per_kg": 4}]
    shelves = [{"warehouse_id": w, "product_id": "p", "available": n} for w, n in (("A", 1), ("B", 5))]
    for warehouses, stock, said in (
        (
            [{"warehouse_id": "A"}, {"warehouse_id": "B"}],
            shelves,
            "stock is used up (one more piece saves 3.0000)",
        ),
        (
            [{"warehouse_id": "A", "capacity_orders_day": 1}, {"warehouse_id": "B"}],
            None,
            "full (one more piece saves 3.0000)",
        ),
    ):
        day = make_day(lines=lines, lanes=lanes, warehouses=warehouses, stock=stock)
        result = assign(day)
        loser = result.assignments.filter(pl.col("warehouse_id") == "B")["order_id"][0]
        options = line_options(day, AssignmentParams(), result.assignments, result.bottlenecks, loser)
        assert options.filter(pl.col("warehouse_id") == "A")["verdict"].to_list() == [said]


def test_unserved_lines_and_unknown_orders() -> None:
    """The reason of the plan stands below the warehouses; an order without lines has no options."""
    result = assign(DAY)
    options = line_options(DAY, AssignmentParams(), result.assignments, result.bottlenecks, "2")
    assert "unserved: 1 pieces, SKU_NOT_STOCKED_IN_REACH" in explain_options(options, result.unserved)
    assert line_options(DAY, AssignmentParams(), result.assignments, result.bottlenecks, "9").is_empty()
