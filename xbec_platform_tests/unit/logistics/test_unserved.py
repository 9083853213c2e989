"""Each reason for leaving a piece over, alone and in its order of precedence."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from xbec_platform.logistics.assignment import assign
from xbec_platform.logistics.assignment_inputs import AssignmentInputs, AssignmentParams
from xbec_platform.logistics.assignment_schema import Reason

Day = Callable[..., AssignmentInputs]

ROAD = {"lane_id": "road", "origin_node": "A"}
AIR = {"lane_id": "air", "origin_node": "B", "rate_per_kg": Decimal(9), "allows_battery": False}
BATTERY = [{"product_id": "p", "has_battery": True}]


def shelf(name: str, available: int) -> dict[str, object]:
    """Stock of the one product."""
    return {"warehouse_id": name, "product_id": "p", "available": available}


CASES = [
    pytest.param(
        {"lines": [{"order_id": "o", "ship_country": None}], "lanes": [ROAD]},
        Reason.NO_ADDRESS_OR_RATE,
        "no country on the order",
        id="no address",
    ),
    pytest.param(
        {"lines": [{"order_id": "o", "ship_country": "FR"}], "lanes": [ROAD]},
        Reason.NO_ADDRESS_OR_RATE,
        "no lane reaches FR",
        id="no lane",
    ),
    pytest.param(
        {"lines": [{"order_id": "o"}], "lanes": [{**ROAD, "origin_node": "closed"}]},
        Reason.NO_ADDRESS_OR_RATE,
        "no lane reaches DE",
        id="lane from nowhere",
    ),
    pytest.param(
        {"lines": [{"order_id": "o", "promised_days": 1}], "lanes": [AIR], "products": BATTERY},
        Reason.NO_MODE_HAZARD,
        "no lane and warehouse for battery to DE",
        id="hazard before promise",
    ),
    pytest.param(
        {
            "lines": [{"order_id": "o", "promised_days": 2}],
            "lanes": [
                {**AIR, "transit_p90_days": 1.0},
                ROAD,
                {**ROAD, "lane_id": "sea", "transit_p90_days": 9.0},
            ],
            "products": BATTERY,
            "stock": [],
        },
        Reason.NO_MODE_MEETS_PROMISE,
        "fastest: 3.0 days (P90) by lane road from A at 1.0000 a piece",
        id="promise before stock; the air lane in time does not take it",
    ),
    pytest.param(
        {"lines": [{"order_id": "o"}], "lanes": [ROAD, AIR], "stock": [shelf("A", 0), shelf("Z", 5)]},
        Reason.SKU_NOT_STOCKED_IN_REACH,
        "no stock at A, B",
        id="not stocked",
    ),
    pytest.param(
        {
            "lines": [{"order_id": "o", "qty": 4}],
            "lanes": [ROAD, AIR],
            "stock": [shelf("A", 1), shelf("B", 2)],
        },
        Reason.SKU_STOCK_EXHAUSTED_IN_REACH,
        "used up at A, B",
        id="stock used up",
    ),
    pytest.param(
        {
            "lines": [{"order_id": "o", "qty": 4}],
            "lanes": [ROAD, AIR],
            "stock": [shelf("A", 9), shelf("B", 2)],
            "warehouses": [{"warehouse_id": "A", "capacity_orders_day": 1}, {"warehouse_id": "B"}],
        },
        Reason.WAREHOUSE_CAPACITY_FULL,
        "full: A (one more piece saves 499.0000)",
        id="capacity; B is out of stock and not named",
    ),
    pytest.param(
        {"lines": [{"order_id": "o"}], "lanes": [{**ROAD, "rate_per_kg": Decimal("500.01")}]},
        Reason.COST_ABOVE_PENALTY,
        "cheapest way 500.0100 a piece, penalty 500.0000",
        id="dearer than its penalty",
    ),
]


@pytest.mark.parametrize(("parts", "reason", "detail"), CASES)
def test_reason_and_evidence(make_day: Day, parts: dict[str, object], reason: Reason, detail: str) -> None:
    """One day per reason, built so that only that reason holds; the text names what to change."""
    unserved = assign(make_day(**parts)).unserved
    assert unserved.select("order_id", "qty", "reason", "detail").rows() == [("o", 1, str(reason), detail)]


def test_every_reason_has_a_case() -> None:
    """A new reason must come with its day; those of rules have theirs beside the rules."""
    assert {case.values[1] for case in CASES} == set(Reason) - {
        Reason.RESTRICTED_ITEM,
        Reason.ORDER_NOT_FROM_ONE_WAREHOUSE,
        Reason.CONTAINER_NOT_WORTH_IT,
    }


def test_cost_equal_to_the_penalty_is_not_above_it(make_day: Day) -> None:
    """Indifferent between shipping at 500 and leaving over at 500: whatever is chosen, the run stands."""
    day = make_day(lines=[{"order_id": "o"}], lanes=[{**ROAD, "rate_per_kg": Decimal(500)}])
    stated = assign(day).summary.row(0, named=True)
    assert stated["objective_base"] == Decimal(500)


def test_blocked_pieces_are_counted_at_the_full_warehouse(make_day: Day) -> None:
    """Three of four pieces find A full: the bottleneck carries them."""
    day = make_day(
        lines=[{"order_id": "o", "qty": 4}],
        lanes=[ROAD],
        warehouses=[{"warehouse_id": "A", "capacity_orders_day": 1}],
    )
    row = assign(day, AssignmentParams(unserved_penalty_base=Decimal(7))).bottlenecks.filter(
        kind="warehouse_pieces"
    )
    assert row.select("units_blocked", "shadow_price_base").rows() == [(3, Decimal(6))]


def test_partial_line_keeps_its_served_pieces(make_day: Day) -> None:
    """Two of five pieces in stock: two are sent, three explained."""
    day = make_day(lines=[{"order_id": "o", "qty": 5}], lanes=[ROAD], stock=[shelf("A", 2)])
    result = assign(day)
    assert result.assignments["qty"].to_list() == [2]
    assert result.unserved["qty"].to_list() == [3]
    assert not result.assignments["is_split"].item()
