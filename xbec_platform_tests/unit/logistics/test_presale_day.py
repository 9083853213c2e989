"""A day of pre-sales from frames to plan: options by hand, last calls, outcome; bad rows get reasons."""

from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest

from xbec_platform.logistics.preposition_options import OptionParams, origins, preposition_options
from xbec_platform.logistics.preposition_transfers import transfer_offers
from xbec_platform.logistics.presale_day import presale_day
from xbec_platform.logistics.presale_features import DEPOSIT_FACTS
from xbec_platform.logistics.presale_outcome import committed_plans, presale_outcome
from xbec_platform.logistics.route_network import route_network

ASKED = datetime(2025, 11, 11)
DAY = date(2025, 11, 1)


def _lane(origin: str, dest: str, rate: float, days: float, mode: str = "truck") -> dict[str, object]:
    return {
        "lane_id": f"{origin}:{dest}:{mode}",
        "origin_node": origin,
        "dest_node": dest,
        "mode": mode,
        "distance_km": 100.0,
        "rate_per_kg": Decimal(str(rate)),
        "rate_per_cbm": None,
        "min_charge": Decimal("0.1"),
        "rate_brackets": None,
        "rate_to_base": Decimal(1),
        "surcharge_pct": 0.0,
        "vol_divisor": None,
        "transit_p50_days": days,
        "transit_p90_days": days,
        "allows_battery": True,
        "allows_liquid": True,
        "allows_hazard": True,
        "cut_off_local": None,
        "departures": None,
    }


def _frames(**deposit: object) -> dict[str, pl.DataFrame]:
    """Goods lie in CN-1 (20 days by sea to DE for 2 a kg); DE-1 is 4 days by truck away and one day from the door."""
    rows = [
        {
            "order_id": f"O{number}",
            "presale_id": "PS1",
            "product_id": "P1",
            "customer_id": f"C{number}",
            "zone": "DE",
            "qty": 1,
            "category": None,
            "deposit_ts": datetime(2025, 10, 22),
            "balance_open_ts": ASKED,
            "balance_close_ts": datetime(2025, 11, 13),
            "balance_ts": None,
            "cancelled_ts": None,
            "deposit_base": 10,
            "final_price_base": 100,
            "list_price_base": 120,
            "has_coupon": False,
            "prior_orders": 0,
            "promised_days": None,
        }
        | (deposit if number == 0 else {})
        for number in range(4)
    ]
    schema = {**DEPOSIT_FACTS, "promised_days": pl.Float64()}
    lanes = pl.DataFrame(
        [_lane("CN-1", "DE", 2.0, 20.0), _lane("DE-1", "DE", 1.0, 1.0), _lane("CN-1", "DE-1", 0.5, 4.0)],
        schema_overrides={"rate_per_cbm": pl.Decimal(18, 4), "rate_brackets": pl.String, "vol_divisor": pl.Float64,
                          "cut_off_local": pl.String, "departures": pl.String},
    )  # fmt: skip
    return {
        "deposits": pl.DataFrame(rows).select(pl.col(name).cast(dtype) for name, dtype in schema.items()),
        "presales": pl.DataFrame(
            {
                "presale_id": ["PS1"],
                "product_id": ["P1"],
                "deposit_open_ts": [datetime(2025, 10, 21)],
                "balance_open_ts": [ASKED],
                "final_price_base": [Decimal(100)],
            }
        ),
        "products": pl.DataFrame(
            {
                "product_id": ["P1"],
                "weight_kg": [2.0],
                "length_cm": [None],
                "width_cm": [None],
                "height_cm": [None],
                "has_battery": [False],
                "is_liquid": [False],
                "is_hazard": [False],
                "unit_cost": [Decimal(50)],
                "list_price": [Decimal(120)],
            }
        ),
        "warehouses": pl.DataFrame(
            {
                "warehouse_id": ["CN-1", "DE-1"],
                "type": ["domestic", "overseas"],
                "lat": [30.0, 51.0],
                "lon": [120.0, 12.0],
                "capacity_orders_day": [100, 10],
                "capacity_kg": [None, None],
                "cost_pick": [Decimal("0.5")] * 2,
                "cost_pack": [Decimal("0.5")] * 2,
                "can_battery": [True] * 2,
                "can_liquid": [True] * 2,
                "can_hazard": [True] * 2,
                "usual_pieces_day": [None, 9.5],
                "room_days": [5, 5],
            }
        ),
        "lanes": lanes.drop("rate_brackets").filter(pl.col("dest_node").str.len_chars() == 2),
        "stock": pl.DataFrame({"warehouse_id": ["CN-1"], "product_id": ["P1"], "available": [50]}),
        "route_lanes": lanes,
        "destinations": pl.DataFrame({"country": ["DE"], "lat": [51.0], "lon": [10.0]}),
    }


def test_a_day_by_hand() -> None:
    """A piece from the centre saves 2 of freight and 19 days of .8 each: 17.2, for 1 + 0.5 to bring it.

    Freight 4 + 1 from CN-1, 2 + 1 from DE-1. Left over costs 0.5 + 2 % of 50. Room: (10 - 9.5) x 5 = 2.5, two pieces.
    Each of the four is paid with .75 (no log to learn from).
    """
    result = presale_day(_frames(), DAY)
    row = result.plan.plan.row(0, named=True)
    assert (row["warehouse_id"], row["send_units"], row["status"]) == ("DE-1", 2, "ROOM_FULL")
    assert float(row["saving_per_unit_base"]) == pytest.approx(17.2)
    assert float(row["send_cost_per_unit_base"]) == pytest.approx(1.5)
    assert float(row["unused_cost_per_unit_base"]) == pytest.approx(1.5)
    used = (1 - 0.25**4) + (1 - 0.25**4 - 4 * 0.75 * 0.25**3)
    assert row["expected_used_units"] == pytest.approx(used)
    assert row["hours_saved"] == pytest.approx(used * 19 * 24)
    assert float(result.summary["expected_cost_base"][0]) == pytest.approx(
        3 + 1.5 * (2 - used) - 17.2 * used, abs=1e-3
    )
    assert result.plan.homes["reason"].null_count() == 4


def test_the_last_call_is_the_day_after_which_goods_come_too_late() -> None:
    """Four days on the road, balances from 11 November: ready on the 6th at 9:00 is the last morning in time.

    The plan of the 6th, for the 7th at 9:00, would arrive on the 11th at 9:00: too late.
    """
    frames = _frames()
    calls = {day: presale_day(frames, date(2025, 11, day)).plan.plan for day in (4, 5, 6)}
    assert [calls[day]["is_last_call"].to_list() for day in (4, 5, 6)] == [[False], [True], []]


@pytest.mark.parametrize(
    ("deposit", "reason"),
    [({"zone": None}, "NO_ADDRESS"), ({"zone": "XX"}, "NO_CENTRE_IN_TIME"), ({"qty": 0}, "BAD_QUANTITY"),
     ({"presale_id": "PS9"}, "NO_CENTRE_IN_TIME")],
)  # fmt: skip
def test_bad_deposits_get_a_reason_and_the_others_a_plan(deposit: dict[str, object], reason: str) -> None:
    """One row at fault among four."""
    result = presale_day(_frames(**deposit), DAY)
    assert dict(result.plan.homes.select("order_id", "reason").rows())["O0"] == reason
    assert int(result.plan.plan["n_orders"].sum()) == 3


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("stock", _frames()["stock"].clear()),
        ("warehouses", _frames()["warehouses"].with_columns(capacity_orders_day=pl.lit(0))),
        ("route_lanes", _frames()["route_lanes"].with_columns(rate_per_kg=-pl.col("rate_per_kg"))),
        ("lanes", _frames()["lanes"].clear()),
        ("products", _frames()["products"].clear()),
        ("deposits", _frames()["deposits"].clear()),
    ],
)
def test_days_on_which_nothing_can_be_sent(name: str, frame: pl.DataFrame) -> None:
    """No stock, no room, negative rates, no lanes, unknown goods, nobody: no piece, but every deposit."""
    frames = _frames() | {name: frame}
    result = presale_day(frames, DAY)
    assert int(result.summary["send_units"][0]) == 0
    assert result.plan.homes.height == frames["deposits"].height


def test_origin_is_where_most_lies() -> None:
    """Ties by id; what lies nowhere has no origin."""
    stock = pl.DataFrame(
        {"warehouse_id": ["B", "A", "A"], "product_id": ["P1", "P1", "P2"], "available": [7, 7, 0]}
    )
    assert origins(stock).rows() == [("P1", "A", 7)]


def test_transfers_leave_out_the_place_itself_and_what_is_unreachable() -> None:
    """One way there, none back."""
    found = transfer_offers(
        route_network(_frames()["route_lanes"]), ["CN-1", "DE-1"], ["CN-1", "DE-1"], ["plain"], ready=ASKED
    )
    assert found.select(
        "origin_node", "warehouse_id", "cost_per_kg", "p90_days", "p90_days_tomorrow"
    ).rows() == [("CN-1", "DE-1", 0.5, 4.0, 4.0)]


def test_options_without_lines_are_empty() -> None:
    """No deposits, no options, whatever else there is."""
    from xbec_platform.logistics.assignment_inputs import AssignmentInputs

    frames = _frames()
    inputs = AssignmentInputs(
        lines=pl.DataFrame(), products=frames["products"], warehouses=frames["warehouses"], lanes=frames["lanes"],
        destinations=frames["destinations"], stock=frames["stock"],
    )  # fmt: skip
    assert preposition_options(inputs, frames["presales"], pl.DataFrame(), ready=ASKED).is_empty()


@pytest.mark.parametrize("change", [{"lead_share": 0.0}, {"day_value_share": -1.0}, {"volume_divisor": 0.0}])
def test_choices_that_cannot_work_are_refused(change: dict[str, float]) -> None:
    """A transfer within no time."""
    with pytest.raises(ValueError, match=r"lead_share|negative"):
        OptionParams(**change)


def test_outcome_by_hand() -> None:
    """Two sent, one of four paid: one used, one misplaced. 3 + 1.5 - 17.2; with hindsight one piece: 1.5 - 17.2."""
    day = date(2025, 11, 5)
    result = presale_day(_frames(), day).plan
    sent_on = pl.lit(day).alias("sent_on")
    committed = committed_plans(result.plan.with_columns(sent_on))
    orders = pl.DataFrame(
        {
            "order_id": ["O0", "O1", "O2", "O3", "O9"],
            "presale_id": "PS1",
            "product_id": "P1",
            "zone": ["DE", "DE", "DE", "DE", "FR"],
            "qty": 1,
            "is_paid": [True, False, False, False, True],
            "warehouse_id": ["CN-1", None, None, None, None],
            "hours_to_door": [500.0, None, None, None, None],
        }
    )
    rows = presale_outcome(committed, result.homes.with_columns(sent_on), orders, days_after_close=0).rows(
        named=True
    )
    assert [row["warehouse_id"] for row in rows] == ["", "DE-1"]
    assert (rows[0]["status"], rows[0]["paid_units"], rows[0]["late_shipped_units"]) == ("no_centre", 1, 1)
    row = rows[1]
    assert (row["sent_units"], row["used_units"], row["misplaced_units"], row["late_shipped_units"]) == (
        2,
        1,
        1,
        0,
    )
    assert row["misplacement_rate"] == 0.5
    assert float(row["cost_base"]) == pytest.approx(3 + 1.5 - 17.2)
    assert float(row["hindsight_cost_base"]) == pytest.approx(1.5 - 17.2)
    assert row["hours_saved"] == pytest.approx(19 * 24)
    assert (row["n_delivered"], row["n_from_centre"], row["hours_to_door_elsewhere"]) == (1, 0, 500.0)
