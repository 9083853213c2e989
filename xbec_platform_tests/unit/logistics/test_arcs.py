"""What a piece costs over a lane, and which lane is chosen."""

from collections.abc import Callable
from decimal import Decimal

import polars as pl
import pytest

from xbec_platform.logistics.assignment import assign, build_network
from xbec_platform.logistics.assignment_inputs import AssignmentInputs, AssignmentParams, canonical
from xbec_platform.logistics.assignment_tables import Network

Day = Callable[..., AssignmentInputs]

BOX = {"length_cm": 50.0, "width_cm": 40.0, "height_cm": 30.0}
"""60,000 cm3: 12 kg at a divisor of 5,000."""
STEPS = [{"min_kg": low, "rate_per_kg": rate} for low, rate in ((20.0, 4.0), (0.0, 10.0), (5.0, 6.0))]
"""Out of order, as a file may have them."""


def network_of(day: AssignmentInputs) -> Network:
    """The day as the solver sees it."""
    return build_network(canonical(day), AssignmentParams())


@pytest.mark.parametrize(
    ("product", "lane", "qty", "expected"),
    [
        pytest.param({}, {"rate_per_kg": Decimal("2.5")}, 1, 25_000, id="rate x weight"),
        pytest.param(BOX, {"vol_divisor": 5000.0}, 1, 120_000, id="volume outweighs"),
        pytest.param({**BOX, "weight_kg": 15.0}, {"vol_divisor": 5000.0}, 1, 150_000, id="weight outweighs"),
        pytest.param(BOX, {}, 1, 10_000, id="no divisor, no volume"),
        pytest.param({"weight_kg": None}, {"rate_per_kg": Decimal(4)}, 1, 20_000, id="0.5 kg assumed"),
        pytest.param(
            {"weight_kg": 0.0}, {"rate_per_kg": Decimal(4)}, 1, 20_000, id="zero weight is no weight"
        ),
        pytest.param({}, {"min_charge": Decimal(6)}, 1, 60_000, id="whole minimum for a single piece"),
        pytest.param({}, {"min_charge": Decimal(6)}, 4, 15_000, id="minimum shared by four pieces"),
        pytest.param({}, {"min_charge": Decimal(6)}, 7, 10_000, id="minimum no longer binds"),
        pytest.param({}, {"surcharge_pct": 12.5}, 1, 11_250, id="surcharge"),
        pytest.param({"weight_kg": 0.00005}, {}, 1, 1, id="half a tick rounds up"),
        pytest.param({}, {"rate_brackets": STEPS}, 4, 100_000, id="4 kg: the first step"),
        pytest.param(
            {}, {"rate_brackets": STEPS}, 5, 60_000, id="5 kg: the second step, for the whole parcel"
        ),
        pytest.param({}, {"rate_brackets": STEPS}, 500, 40_000, id="beyond the last edge: the last step"),
        pytest.param({}, {"rate_brackets": STEPS[::2]}, 1, 60_000, id="below the first edge: the first step"),
        pytest.param(
            {}, {"rate_brackets": STEPS, "min_charge": Decimal(40)}, 5, 80_000, id="minimum after steps"
        ),
        pytest.param(BOX, {"rate_brackets": STEPS, "vol_divisor": 5000.0}, 1, 720_000, id="steps by volume"),
    ],
)
def test_price_of_a_piece_by_hand(
    make_day: Day, product: dict[str, object], lane: dict[str, object], qty: int, expected: int
) -> None:
    """Every term of the tariff once, against numbers worked out on paper (ticks of 0.0001)."""
    day = make_day(
        lines=[{"order_id": "o", "qty": qty}],
        products=[{"product_id": "p", **product}],
        lanes=[{"origin_node": "A", **lane}],
    )
    assert network_of(day).arcs["cost_ticks"].to_list() == [expected]


def test_parcel_of_a_plan_pays_the_step_it_reaches(make_day: Day) -> None:
    """3 kg and 4 kg in one parcel are 7 kg at 6; the plan's rows add up to it, and the audit finds no fault."""
    day = make_day(
        lines=[{"order_id": "o", "qty": 3}, {"order_id": "o", "line_no": 2, "qty": 4}],
        lanes=[{"origin_node": "A", "rate_brackets": STEPS}],
    )
    result = assign(day)
    summary = result.summary.row(0, named=True)
    assert (summary["freight_base"], summary["parcel_freight_base"]) == (Decimal(42), Decimal(42))


def test_pick_and_pack_are_added(make_day: Day) -> None:
    """A warehouse that handles dearly must cost more."""
    day = make_day(
        lines=[{"order_id": "o"}],
        warehouses=[{"warehouse_id": "A", "cost_pick": Decimal("0.3"), "cost_pack": Decimal("0.05")}],
        lanes=[{"origin_node": "A"}],
    )
    assert network_of(day).arcs["cost_ticks"].to_list() == [13_500]


def test_equal_cost_takes_the_faster_lane_then_the_smaller_id(make_day: Day) -> None:
    """The choice among equals must not depend on the order of rows."""
    slow = {"origin_node": "A", "transit_p90_days": 9.0}
    day = make_day(
        lines=[{"order_id": "o"}],
        lanes=[
            {**slow, "lane_id": "a-slow"},
            {"origin_node": "A", "lane_id": "z"},
            {"origin_node": "A", "lane_id": "y"},
        ],
    )
    network = network_of(day)
    assert network.lanes["lane_id"][network.arcs["lane"]].to_list() == ["y"]


def test_dearer_lane_is_taken_when_the_cheap_one_is_late(make_day: Day) -> None:
    """The promise is kept by P90 and includes its last day."""
    lanes = [
        {"lane_id": "sea", "origin_node": "A", "transit_p90_days": 8.0},
        {"lane_id": "air", "origin_node": "A", "transit_p90_days": 7.0, "rate_per_kg": Decimal(9)},
    ]
    for promised, lane in ((7, "air"), (8, "sea"), (None, "sea")):
        network = network_of(make_day(lines=[{"order_id": "o", "promised_days": promised}], lanes=lanes))
        assert network.lanes["lane_id"][network.arcs["lane"]].to_list() == [lane]


def test_missing_p90_is_estimated_from_the_p50(make_day: Day) -> None:
    """2 days at P50 are 3.2 at P90 with the factor of 1.6: a promise of 3 days is not kept."""
    lanes = [{"origin_node": "A", "transit_p50_days": 2.0, "transit_p90_days": None}]
    lines = [{"order_id": "o3", "promised_days": 3}, {"order_id": "o4", "promised_days": 4}]
    network = network_of(make_day(lines=lines, lanes=lanes))
    assert network.lanes["transit_p90_estimated"].to_list() == [True]
    served = network.demand.lines.filter(pl.col("class_id").is_in(network.arcs["class_id"].implode()))
    assert served["order_id"].to_list() == ["o4"]


@pytest.mark.parametrize(
    ("flag", "gate"),
    [("has_battery", "battery"), ("is_liquid", "liquid"), ("is_hazard", "hazard")],
)
def test_lane_and_warehouse_must_both_take_the_goods(make_day: Day, flag: str, gate: str) -> None:
    """A battery may fly only where the lane allows it and the warehouse can handle it."""
    for lane_takes, warehouse_takes, arcs in ((True, True, 1), (False, True, 0), (True, False, 0)):
        day = make_day(
            lines=[{"order_id": "o"}],
            products=[{"product_id": "p", flag: True}],
            warehouses=[{"warehouse_id": "A", f"can_{gate}": warehouse_takes}],
            lanes=[{"origin_node": "A", f"allows_{gate}": lane_takes}],
        )
        assert network_of(day).arcs.height == arcs


def test_lines_that_no_plan_can_tell_apart_share_a_class(make_day: Day) -> None:
    """Promises 8, 9 and none admit the same lanes, so three lines are one class of six pieces."""
    day = make_day(
        lines=[
            {"order_id": "a", "promised_days": 8, "qty": 1},
            {"order_id": "b", "promised_days": 9, "qty": 2},
            {"order_id": "c", "promised_days": None, "qty": 3},
            {"order_id": "d", "promised_days": 9, "qty": 4, "priority": 2},
        ],
        lanes=[{"origin_node": "A", "transit_p90_days": 8.0}],
    )
    classes = network_of(day).demand.classes
    assert classes.select("priority", "qty").rows() == [(1, 6), (2, 4)]


def test_parcel_sizes_merge_only_where_the_minimum_does_not_bind(make_day: Day) -> None:
    """Minimum 3 at 1 a kg and piece: orders of one, two and three pieces or more cost 3, 1.5 and 1 a piece."""
    day = make_day(
        lines=[{"order_id": f"o{n}", "qty": n} for n in (1, 2, 3, 5, 50)],
        lanes=[{"origin_node": "A", "min_charge": Decimal(3)}],
    )
    network = network_of(day)
    assert network.arcs["cost_ticks"].to_list() == [30_000, 15_000, 10_000]
    assert network.demand.classes["qty"].to_list() == [1, 2, 58]


def test_stock_decides_which_warehouses_are_joined(make_day: Day) -> None:
    """No stock or stock zero, no arc; stock of a warehouse nobody knows is ignored."""
    day = make_day(
        lines=[{"order_id": "o"}],
        lanes=[{"origin_node": "A"}, {"origin_node": "B"}],
        stock=[
            {"warehouse_id": "A", "product_id": "p", "available": 0},
            {"warehouse_id": "B", "product_id": "p", "available": 3},
            {"warehouse_id": "Z", "product_id": "p", "available": 9},
        ],
    )
    network = network_of(day)
    assert network.arcs.select("warehouse", "stock_node").rows() == [(1, 0)]
    assert network.problem.stock_qty.tolist() == [3]
