"""Bad input item by item: each is a row with a reason, and the good row beside it counts as before.

Unknown node, negative rate, overlapping brackets, missing HS code, zero weight, unreachable zone, clock skew; one table
for intake and one for each area that has none among its own tests (landed cost, lead times, inventory, pre-sales have).
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from xbec_platform.logistics.assignment import assign
from xbec_platform.logistics.network_plan import plan_network
from xbec_platform.logistics.operation_modes import compare_modes
from xbec_platform_tests.unit.ingest.test_rules import LANE, screened
from xbec_platform_tests.unit.logistics.small_days import make_day
from xbec_platform_tests.unit.logistics.test_network_plan import DAY, _inputs, _terms
from xbec_platform_tests.unit.logistics.test_operation_modes import by_mode, inputs
from xbec_platform_tests.unit.logistics.test_routes import AIR, LAST, SEA, find, lane, network

SCAN = {"carrier": "K", "tracking_no": "T1", "code": "X", "ts": "2026-01-01T08:00:00Z", "parcel_id": "P1"}
GOODS = {"product_id": "P1", "valid_from": "2026-01-01", "status": "active"}
OVERLAP = '[{"min_kg": 0, "max_kg": 5, "rate_per_kg": 1}, {"min_kg": 4, "max_kg": null, "rate_per_kg": 1}]'


@pytest.mark.parametrize(
    ("source", "good", "bad", "reason"),
    [
        ("lanes", LANE, {"rate_per_kg": "-1"}, "rate_per_kg"),
        ("lanes", LANE, {"rate_brackets": OVERLAP}, "rate_brackets: overlap"),
        ("lanes", LANE, {"rate_brackets": "[{]"}, "rate_brackets"),
        ("lanes", LANE, {"origin_node": None}, "origin_node"),
        ("products", GOODS, {"weight_kg": "0"}, "weight_kg"),
        ("tracking_events", SCAN, {"ts": "2126-01-01T08:00:00Z"}, "ts"),
    ],
)
def test_intake_quarantines(source: str, good: dict[str, Any], bad: dict[str, Any], reason: str) -> None:
    """The bad record waits with its reason; the other one is loaded."""
    key = next(iter(good))
    result = screened(source, good, {**good, key: f"{good[key]}b", **bad})
    assert result.accepted.height == 1
    assert any(reason in one for one in result.rejected["reasons"].explode().to_list())


def test_a_malformed_hs_code_is_a_missing_one() -> None:
    """Repaired on record: duty falls back on the category and says so (see the tests of landed cost)."""
    result = screened("products", {**GOODS, "hs_code": "61-0a"})
    assert result.accepted["hs_code"].to_list() == [None]
    assert result.repaired["rule_id"].to_list() == ["product_hs_code_malformed"]


ROAD = {"origin_node": "A", "rate_per_kg": Decimal(1)}
LINES = [{"order_id": "good"}, {"order_id": "bad", "product_id": "q"}]


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"lines": [LINES[0], {**LINES[1], "ship_country": "XX"}]}, "NO_ADDRESS_OR_RATE"),
        ({"lines": [LINES[0], {**LINES[1], "ship_country": None}]}, "NO_ADDRESS_OR_RATE"),
        (
            {"lines": [LINES[0], {**LINES[1], "ship_country": "FR"}],
             "lanes": [ROAD, {**ROAD, "origin_node": "nowhere", "dest_node": "FR"}]},
            "NO_ADDRESS_OR_RATE",
        ),
        ({"stock": [{"warehouse_id": "A", "product_id": "p", "available": 1},
                    {"warehouse_id": "nowhere", "product_id": "q", "available": 9}]}, "SKU_NOT_STOCKED_IN_REACH"),
        ({"stock": [{"warehouse_id": "A", "product_id": "p", "available": 1},
                    {"warehouse_id": "A", "product_id": "q", "available": -4}]}, "SKU_NOT_STOCKED_IN_REACH"),
    ],
)  # fmt: skip
def test_assignment_gives_a_reason(parts: dict[str, Any], reason: str) -> None:
    """Unknown country, lane and stock of an unknown warehouse, stock below zero."""
    usual = {"lines": LINES, "lanes": [ROAD], "products": [{"product_id": "p"}, {"product_id": "q"}]}
    result = assign(make_day(**{**usual, **parts}))
    assert result.assignments["order_id"].to_list() == ["good"]
    assert result.unserved.select("order_id", "reason").rows() == [("bad", reason)]


@pytest.mark.parametrize("weight", [0.0, None, float("nan")])
def test_assignment_of_goods_without_weight(weight: float | None) -> None:
    """They ship at the weight of a usual piece, and the row says that it is assumed."""
    goods = [{"product_id": "p"}, {"product_id": "q", "weight_kg": weight}]
    found = assign(make_day(lines=LINES, lanes=[ROAD], products=goods)).assignments
    told = found.select("order_id", "weight_assumed", "chargeable_kg").rows()
    assert told == [("bad", True, 0.5), ("good", False, 1.0)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rate_brackets": '[{"min_kg": 0}]'}, "rate_brackets are no list"),
        ({"rate_brackets": '{"min_kg": 0}'}, "rate_brackets are no list"),
        ({"rate_brackets": "[{"}, "rate_brackets are no list"),
        (
            {"rate_brackets": '[{"min_kg": 0, "max_kg": null, "rate_per_kg": "much"}]'},
            "rate_brackets are no list",
        ),
        ({"transit_p50_days": float("nan")}, "transit_p50_days is not above 0"),
        ({"origin_node": None}, "origin_node is missing"),
        ({"mode": None}, "mode is missing"),
    ],
)
def test_routes_name_a_lane_they_cannot_use(changes: dict[str, Any], reason: str) -> None:
    net = network({**lane("W", "DE", "truck", "1", 1.0), **changes}, AIR)
    assert [(name, told[: len(reason)]) for name, told in net.faulty.rows()] == [("W:DE:truck", reason)]
    assert find(net)["modes"].to_list() == ["air"]


def test_routes_over_a_node_that_leads_nowhere() -> None:
    """The ship ends in a port that no lane leaves: the address beyond it has a row that says so."""
    assert find(network(SEA))["status"].to_list() == ["NO_ROUTE"]
    assert find(network(SEA, {**LAST, "dest_node": "FR"}))["status"].to_list() == ["NO_ROUTE"]


@pytest.mark.parametrize(
    ("frame", "change", "units", "reasons"),
    [
        ("lines", {"ship_country": pl.lit("XX")}, 28, ["NO_CENTRE_IN_REACH"]),
        ("lines", {"ship_country": pl.lit(None, dtype=pl.String)}, 28, ["NO_CENTRE_IN_REACH"]),
        ("lanes", {"origin_node": pl.lit("nowhere")}, 28, ["NO_CENTRE_IN_REACH"]),
        ("products", {"weight_kg": pl.lit(0.0)}, 0, []),
        ("products", {"product_id": pl.lit("other")}, 0, []),
    ],
)
def test_network_plan_keeps_every_piece(
    frame: str, change: dict[str, pl.Expr], units: int, reasons: list[str]
) -> None:
    """What no centre reaches is a zone with its reason; goods without weight count as a usual piece."""
    usual = _inputs()
    plan = plan_network(
        replace(usual, **{frame: getattr(usual, frame).with_columns(**change)}), _terms(60, 20), day=DAY
    )
    assert plan.zones["reason"].to_list() == reasons
    assert plan.summary["unserved_units"].to_list() == [units]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda usual: {"sold": usual.sold.with_columns(product_id=pl.lit("X"))}, "data_missing"),
        (lambda usual: {"routes": usual.routes.with_columns(origin_node=pl.lit("nowhere"))}, "no_route"),
        (lambda usual: {"warehouses": usual.warehouses.clear()}, "no_origin"),
        (lambda usual: {"products": usual.products.with_columns(weight_kg=pl.lit(0.0))}, "ok"),
        (
            lambda usual: {"products": usual.products.with_columns(hs_code=pl.lit(None, dtype=pl.String))},
            "ok",
        ),
    ],
)
def test_operation_modes_say_what_is_missing(change: Callable[[Any], dict[str, Any]], status: str) -> None:
    usual = inputs()
    assert by_mode(compare_modes(replace(usual, **change(usual))))["mail"]["status"] == status
