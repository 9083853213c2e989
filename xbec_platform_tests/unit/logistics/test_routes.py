"""Routes of a parcel: chargeable weight, departures, kinds of goods, prices of a day, simulated P90, faulty lanes."""

from datetime import datetime
from decimal import Decimal

import polars as pl
import pytest

from xbec_platform.logistics.route_network import Parcel, RouteNetwork, freight_ticks, route_network
from xbec_platform.logistics.routes import ROUTE_SCHEMA, RouteParams, routes

MONDAY = datetime(2026, 1, 5, 9)
MONEY = {name: pl.Decimal(18, 4) for name in ("rate_per_kg", "rate_per_cbm", "min_charge")}


def lane(origin: str, dest: str, mode: str, rate: str, days: float, **changes: object) -> dict[str, object]:
    usual: dict[str, object] = {"carrier": None,
        "lane_id": f"{origin}:{dest}:{mode}", "origin_node": origin, "dest_node": dest, "mode": mode,
        "distance_km": 100.0, "rate_per_kg": Decimal(rate), "rate_per_cbm": None, "min_charge": Decimal(0),
        "rate_brackets": None, "rate_to_base": Decimal(1), "surcharge_pct": None, "vol_divisor": None,
        "transit_p50_days": days, "transit_p90_days": days, "allows_battery": True, "allows_liquid": True,
        "allows_hazard": True, "cut_off_local": None, "departures": None,
    }  # fmt: skip
    return usual | changes


def network(*lanes: dict[str, object]) -> RouteNetwork:
    text = dict.fromkeys(("carrier", "rate_brackets", "cut_off_local", "departures"), pl.String)
    floats = dict.fromkeys(
        ("surcharge_pct", "vol_divisor", "transit_p50_days", "transit_p90_days"), pl.Float64
    )
    rates = {"rate_to_base": pl.Decimal(18, 8)}
    return route_network(pl.DataFrame(list(lanes), schema_overrides={**MONEY, **text, **floats, **rates}))


def find(net: RouteNetwork, goods: str = "plain", kg: float = 1.0) -> pl.DataFrame:
    return routes(net, ["W"], ["DE"], Parcel(kg=kg, m3=0.001, goods=goods), ready=MONDAY)


AIR = lane("W", "DE", "air", "10", 3.0, allows_battery=False)
SEA = lane("W", "P", "sea", "1", 30.0, departures="Sat", cut_off_local="12:00")
LAST = lane("P", "DE", "last_mile", "2", 2.0)


def test_air_against_sea() -> None:
    """Air 10 in 3 days; sea 3, Monday 9:00 to Saturday 12:00 (5.125 d) + 30 + 2: 7 for 34.125 days."""
    found = find(network(AIR, SEA, LAST))
    assert found.schema == ROUTE_SCHEMA
    assert found.select("modes", "cost_base", "p50_days", "is_fastest", "is_cheapest").rows() == [
        ("air", Decimal("10.0000"), 3.0, True, False),
        ("sea > last_mile", Decimal("3.0000"), 37.125, False, True),
    ]
    assert found["breakeven_day_value_base"].to_list() == [pytest.approx(7 / 34.125, abs=1e-6), None]
    assert found["distance_km"].to_list() == [100.0, 200.0]


def test_batteries_do_not_fly_where_air_refuses_them() -> None:
    """They go by sea; without the ship the row says that no way takes them, and not that there is none."""
    assert find(network(AIR, SEA, LAST), goods="battery")["modes"].to_list() == ["sea > last_mile"]
    refused = find(network(AIR), goods="battery")
    assert refused.select("route_no", "status", "cost_base").rows() == [(0, "NO_MODE_HAZARD", None)]
    nowhere = routes(network(AIR), ["W", "X"], ["DE", "US"], Parcel(kg=1, m3=0), ready=MONDAY)
    assert nowhere.select("origin_node", "zone", "status").rows() == [
        ("W", "DE", "ok"),
        ("W", "US", "NO_ROUTE"),
        ("X", "DE", "NO_ROUTE"),
        ("X", "US", "NO_ROUTE"),
    ]


@pytest.mark.parametrize(
    ("changes", "kg", "m3", "ticks"),
    [
        # Weight; volume of 0.02 m3 / 5,000 = 4 kg; minimum; with 10 %; cubic metres; bracket of 2 to 5 kg at 7.
        ({}, 2.0, 0.001, 200_000),
        ({"vol_divisor": 5000.0}, 2.0, 0.02, 400_000),
        ({"min_charge": Decimal(25)}, 2.0, 0.001, 250_000),
        ({"surcharge_pct": 10.0}, 2.0, 0.001, 220_000),
        ({"rate_per_cbm": Decimal(1500)}, 2.0, 0.02, 300_000),
        (
            {
                "rate_brackets": '[{"min_kg": 0, "max_kg": 2, "rate_per_kg": 9},'
                '{"min_kg": 2, "max_kg": null, "rate_per_kg": 7}]',
                "rate_to_base": Decimal("0.5"),
            },
            2.0,
            0.001,
            70_000,
        ),
    ],
)
def test_freight(changes: dict[str, object], kg: float, m3: float, ticks: int) -> None:
    net = network(lane("W", "DE", "air", "10", 3.0, **changes))
    assert freight_ticks(net, Parcel(kg=kg, m3=m3)).tolist() == [ticks]


def test_p90_is_not_the_sum_of_p90s() -> None:
    """Two legs of P50 10 and P90 20 days: their sum is 40, by numerical convolution the P90 of both is 35.5."""
    slow = {"transit_p90_days": 20.0}
    net = network(lane("W", "H", "truck", "1", 10.0, **slow), lane("H", "DE", "truck", "1", 10.0, **slow))
    params = RouteParams(n_samples=20_000)
    found = routes(net, ["W"], ["DE"], Parcel(kg=1, m3=0), ready=MONDAY, params=params)
    assert found["p50_days"].to_list() == [20.0]
    assert found["p90_days"][0] == pytest.approx(35.47, abs=0.5)
    again = routes(net, ["W"], ["DE"], Parcel(kg=1, m3=0), ready=MONDAY, params=params)
    assert found.equals(again)


def test_a_late_feeder_misses_the_ship() -> None:
    """The feeder makes the Saturday ship at its median and misses it at its P90: the P90 has a week more."""
    feeder = lane("W", "P", "truck", "1", 5.0, transit_p90_days=8.0)
    ship = lane("P", "DE", "sea", "1", 10.0, departures="Sat", cut_off_local="12:00")
    found = find(network(feeder, ship)).row(0, named=True)
    assert found["p50_days"] == pytest.approx(15.125)
    assert found["p90_days"] == pytest.approx(22.125)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rate_per_kg": Decimal(-1)}, "rate_per_kg is negative"),
        ({"rate_per_kg": None}, "rate_per_kg is missing, or its currency has no exchange rate"),
        ({"transit_p50_days": 0.0}, "transit_p50_days is not above 0"),
        ({"departures": "Someday"}, "departures 'Someday' name no weekday"),
        ({"cut_off_local": "25:00"}, "cut_off_local 25:00 is no time of day"),
        (
            {
                "rate_brackets": '[{"min_kg": 0, "max_kg": 5, "rate_per_kg": 1},'
                '{"min_kg": 4, "max_kg": 9, "rate_per_kg": 1}]'
            },
            "rate_brackets overlap at 4 kg",
        ),
    ],
)
def test_faulty_lanes_are_named(changes: dict[str, object], reason: str) -> None:
    """They are rows with a reason, and the others still make routes."""
    net = network(lane("W", "DE", "truck", "1", 1.0, **changes), AIR)
    assert net.faulty.rows() == [("W:DE:truck", reason)]
    assert find(net)["modes"].to_list() == ["air"]


def test_no_parcel_without_weight() -> None:
    with pytest.raises(ValueError, match="weigh"):
        Parcel(kg=0, m3=0)
