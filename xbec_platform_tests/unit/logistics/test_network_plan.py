"""Which centres to have open: by hand, under rules of the user, with bad terms; against the audit of its parts."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from xbec_platform.logistics.assignment_inputs import AssignmentInputs
from xbec_platform.logistics.network_plan import NetworkPlan, plan_network

DAY = date(2025, 11, 3)
CENTRES = ("A", "B", "C")


def _inputs(pieces: int = 28, **changes: pl.DataFrame) -> AssignmentInputs:
    """Pieces of 1 kg to DE: A ships for 1, B for 2, C reaches nothing; each can send 100 a day."""
    flags = {f"can_{name}": [True] * 3 for name in ("battery", "liquid", "hazard")}
    frames = {
        "lines": pl.DataFrame(
            {
                "order_id": [f"O{number:03}" for number in range(pieces)],
                "line_no": 1,
                "product_id": "P1",
                "qty": 1,
                "ship_country": "DE",
                "promised_days": None,
            }
        ),
        "products": pl.DataFrame(
            {
                "product_id": ["P1"],
                "weight_kg": [1.0],
                **{name: [None] for name in ("length_cm", "width_cm", "height_cm")},
                **{name: [False] for name in ("has_battery", "is_liquid", "is_hazard")},
                "unit_cost": [Decimal(5)],
                "list_price": [Decimal(9)],
            }
        ),
        "warehouses": pl.DataFrame(
            {
                "warehouse_id": CENTRES,
                "lat": [50.0] * 3,
                "lon": [10.0] * 3,
                "capacity_orders_day": [100] * 3,
                "capacity_kg": [None] * 3,
                "cost_pick": [Decimal(0)] * 3,
                "cost_pack": [Decimal(0)] * 3,
                **flags,
            }
        ),
        "lanes": pl.DataFrame(
            {
                "lane_id": ["A:DE", "B:DE"],
                "origin_node": ["A", "B"],
                "dest_node": "DE",
                "mode": "ground",
                "distance_km": 500.0,
                "rate_per_kg": [Decimal(1), Decimal(2)],
                "min_charge": Decimal(0),
                "surcharge_pct": 0.0,
                "vol_divisor": None,
                "transit_p50_days": 2.0,
                "transit_p90_days": 3.0,
                **{f"allows_{name}": True for name in ("battery", "liquid", "hazard")},
            }
        ),
        "destinations": pl.DataFrame({"country": ["DE"], "lat": [51.0], "lon": [10.0]}),
    }
    return AssignmentInputs(**{**frames, **changes}, stock=None)


def _terms(a: object, b: object, c: object = 1, opening: date | None = None) -> pl.DataFrame:
    month = [None if one is None else Decimal(str(one)) for one in (a, b, c)]
    return pl.DataFrame(
        {"warehouse_id": CENTRES, "fixed_cost_month_base": month, "opening": [None, opening, None]},
        schema_overrides={"opening": pl.Date, "fixed_cost_month_base": pl.Decimal(18, 4)},
    )


def _actions(plan: NetworkPlan) -> dict[str, str]:
    return dict(plan.sites.select("warehouse_id", "action").rows())


def test_fixed_costs_decide_by_hand() -> None:
    """28 pieces cost 28 from A and 56 from B. A month is 30.4375 days: A at 60 is 55.1956 a window, B at 20 18.3984.

    A: 83.1956, B: 74.3984: B alone. Today all three are open: best service 28 from A, and 55.1956 + 18.3984 + .9199.
    """
    plan = plan_network(_inputs(), _terms(60, 20), day=DAY)
    assert _actions(plan) == {"A": "close", "B": "keep", "C": "close"}
    row = plan.summary.row(0, named=True)
    assert float(row["cost_base"]) == pytest.approx(74.3984, abs=1e-3)
    assert float(row["today_cost_base"]) == pytest.approx(102.5139, abs=1e-3)
    assert row["is_proven"]
    assert row["gap"] == 0


def test_a_planned_centre_is_opened_where_it_pays() -> None:
    """B opens only next year; with A at 60 a month it pays to have it now."""
    plan = plan_network(_inputs(), _terms(60, 20, opening=date(2026, 1, 1)), day=DAY)
    assert _actions(plan) == {"A": "close", "B": "open", "C": "close"}


def test_unknown_fixed_cost_closes_nothing() -> None:
    """What a closure would save is not known: A stays, and says so. A negative one is no better known."""
    for wrong in (None, -5):
        plan = plan_network(_inputs(), _terms(wrong, 20), day=DAY)
        assert dict(plan.sites.select("warehouse_id", "status").rows())["A"] == "FIXED_COST_UNKNOWN"
        assert _actions(plan)["A"] == "keep"


def test_what_cannot_be_served_stays_over_with_its_reason() -> None:
    """No lane to XX; no capacity at all."""
    base = _inputs()
    lost = base.lines.with_columns(
        ship_country=pl.when(pl.col("order_id") == "O000").then(pl.lit("XX")).otherwise("ship_country")
    )
    plan = plan_network(_inputs(lines=lost), _terms(1, 1), day=DAY)
    assert plan.zones.select("ship_country", "unserved_units", "reason").rows() == [
        ("XX", 1.0, "NO_CENTRE_IN_REACH")
    ]
    closed = base.warehouses.with_columns(capacity_orders_day=pl.lit(0))
    plan = plan_network(_inputs(warehouses=closed), _terms(1, 1), day=DAY)
    assert plan.zones["unserved_units"].to_list() == [28.0]
    assert int(plan.summary["n_opened"][0]) == 0


def test_rules_of_the_user_are_kept_as_far_as_they_go() -> None:
    """B is closed although it is best, and should send 20 at least: it lacks all of them. Z is not there."""
    rules = pl.DataFrame(
        {
            "warehouse_id": ["B", "B", "A", "Z"],
            "rule": ["closed", "least_units", "least_units", "open"],
            "units": [None, 20, 10, None],
        }
    )
    plan = plan_network(_inputs(), _terms(60, 20), day=DAY, rules=rules)
    assert plan.rules.select("warehouse_id", "rule", "lacking_units", "status").rows() == [
        ("A", "least_units", 0.0, "kept"),
        ("B", "closed", 0.0, "kept"),
        ("B", "least_units", 20.0, "lacking"),
        ("Z", "open", 0.0, "UNKNOWN_WAREHOUSE"),
    ]
    assert dict(plan.sites.select("warehouse_id", "opened").rows()) == {"A": True, "B": False, "C": False}


def test_unknown_rules_are_refused() -> None:
    """The message lists what there is."""
    rules = pl.DataFrame({"warehouse_id": ["A"], "rule": ["burn"], "units": [None]})
    with pytest.raises(ValueError, match="known are open, closed and least_units"):
        plan_network(_inputs(), _terms(1, 1), day=DAY, rules=rules)


def test_order_of_rows_does_not_matter_and_no_orders_are_no_plan() -> None:
    """Shuffled frames give equal tables; without orders there is nothing to decide."""
    base = _inputs()
    turned = _inputs(
        lines=base.lines.sample(fraction=1, shuffle=True, seed=1),
        warehouses=base.warehouses[::-1],
        lanes=base.lanes[::-1],
    )
    first, second = (plan_network(one, _terms(60, 20), day=DAY) for one in (base, turned))
    assert first.sites.equals(second.sites)
    assert first.summary.equals(second.summary)
    assert plan_network(_inputs(pieces=0), _terms(1, 1), day=DAY).summary.height == 0
