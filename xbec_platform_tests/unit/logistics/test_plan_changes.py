"""A plan against the day before: shares by country, and the cause of each change."""

from decimal import Decimal
from typing import Any

import polars as pl

from xbec_platform.logistics.plan_changes import plan_changes

MONEY = pl.Decimal(18, 4)
Plan = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


def plan(
    served: list[tuple[str, str, int, float]],
    *,
    left: list[tuple[str | None, int]] = (),  # type: ignore[assignment]
    full: tuple[str, ...] = (),
    used_up: tuple[str, ...] = (),
) -> Plan:
    """Pieces by warehouse and country with their cost, pieces unserved, warehouses that are full or lack an article."""
    rows = [(w, c, n, Decimal(str(cost))) for w, c, n, cost in served]
    limits: list[tuple[Any, ...]] = [(w, "warehouse_pieces", w in full) for w in ("W1", "W2")]
    limits += [(w, "sku_stock", True) for w in used_up]
    pieces = {"ship_country": pl.String, "qty": pl.Int64}
    flow = {"warehouse_id": pl.String, **pieces, "cost_base": MONEY}
    limit = {"warehouse_id": pl.String, "kind": pl.String, "is_binding": pl.Boolean}
    return (
        pl.DataFrame(rows, schema=flow, orient="row"),
        pl.DataFrame(list(left), schema=pieces, orient="row"),
        pl.DataFrame(limits, schema=limit, orient="row"),
    )


def causes(now: Plan, before: Plan) -> dict[tuple[str | None, str | None], str]:
    rows = plan_changes(now, before).select("ship_country", "warehouse_id", "cause").rows()
    return {(country, warehouse): cause for country, warehouse, cause in rows}


BEFORE = plan([("W1", "DE", 10, 20.0)])


def test_more_orders_alone_are_no_change() -> None:
    found = plan_changes(plan([("W1", "DE", 30, 60.0)]), BEFORE).row(0, named=True)
    assert (found["pieces_before"], found["pieces_now"], found["share_now"]) == (10, 30, 1.0)
    assert found["cause"] == "the same share of the country's pieces"


def test_causes() -> None:
    """Full, taking over, full no more, unserved, used up, dearer: each is named."""
    full = plan([("W1", "DE", 5, 10.0), ("W2", "DE", 15, 45.0)], left=[("DE", 5)], full=("W1",))
    assert causes(full, BEFORE) == {
        ("DE", "W1"): "the warehouse is full",
        ("DE", "W2"): "takes over from W1, which is full",
        ("DE", None): "more stays unserved",
    }
    assert causes(BEFORE, full) == {
        ("DE", "W1"): "the warehouse is full no more",
        ("DE", "W2"): "other articles were ordered",
        ("DE", None): "less stays unserved",
    }
    lacking = plan([("W1", "DE", 5, 10.0), ("W2", "DE", 5, 15.0)], used_up=("W1",))
    assert causes(lacking, BEFORE)["DE", "W1"] == "more of its articles are used up"
    dearer = plan([("W1", "DE", 5, 15.0), ("W2", "DE", 5, 12.0)])
    assert causes(dearer, BEFORE)["DE", "W1"] == "a piece is 1.0000 dearer from here"


def test_orders_without_a_country() -> None:
    """Lines that name no country stay unserved and keep their row."""
    assert causes(plan([("W1", "DE", 1, 2.0)], left=[(None, 2)]), BEFORE)[None, None] == "more stays unserved"
