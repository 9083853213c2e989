"""Holidays, customs and restrictions on routes and transfers: answers worked out by hand."""

from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from xbec_platform.logistics.closures import OpenDays
from xbec_platform.logistics.customs_dwell import CustomsParams, customs_dwell
from xbec_platform.logistics.route_network import Parcel, route_network
from xbec_platform.logistics.route_terms import CALENDAR_SCHEMA, RULE_SCHEMA, RouteTerms
from xbec_platform.logistics.routes import routes
from xbec_platform.logistics.transfers import restricted_groups, transfer_costs
from xbec_platform_tests.unit.logistics.test_routes import lane, network

MONDAY = datetime(2026, 1, 5, 9)
PLACES = {"W": "CN", "L": "DE", "B": "DE", "P": "PL"}


def terms(*closed: tuple[str, str, int], rules: tuple[dict[str, Any], ...] = (), **more: Any) -> RouteTerms:
    """Warehouses in China, Germany (B is bonded) and Poland; days of January 2026 closed by market and kind."""
    days = [(date(2026, 1, day), market, kind) for market, kind, day in closed]
    return RouteTerms(
        country=PLACES,
        uncleared=frozenset({"B"}),
        calendar=pl.DataFrame(days, schema=CALENDAR_SCHEMA, orient="row"),
        rules=pl.DataFrame([{"from_outside_eu": False, **rule} for rule in rules], schema=RULE_SCHEMA),
        **more,
    )


def first(
    net: Any, origin: str, zone: str, held: RouteTerms, goods: str = "plain", kg: float = 1.0
) -> dict[str, Any]:
    parcel = Parcel(kg=kg, m3=0.001, goods=goods)
    return routes(net, [origin], [zone], parcel, ready=MONDAY, terms=held).row(0, named=True)


@pytest.mark.parametrize(
    ("changes", "closed", "days"),
    [
        # Ready Monday 9:00, three days on the way.
        ({}, [], 3.0),
        ({}, [("CN", "holiday", 5)], 3.625),
        ({}, [("CN", "holiday", 5), ("CN", "holiday", 6)], 4.625),
        ({}, [("DE", "holiday", 5), ("CN", "customs_closed", 5), ("CN", "holiday", 6)], 3.0),
        ({"cut_off_local": "12:00"}, [("CN", "holiday", 5)], 4.125),
        # Mondays and Thursdays only: the Monday is lost, then the Thursday too.
        ({"cut_off_local": "12:00", "departures": "Mon Thu"}, [("CN", "holiday", 5)], 6.125),
        (
            {"cut_off_local": "12:00", "departures": "Mon Thu"},
            [("CN", "holiday", 5), ("CN", "holiday", 8)],
            10.125,
        ),
    ],
)
def test_nothing_leaves_on_a_holiday(
    changes: dict[str, Any], closed: list[tuple[str, str, int]], days: float
) -> None:
    net = network(lane("W", "US", "air", "10", 3.0, **changes))
    assert first(net, "W", "US", terms(*closed))["p50_days"] == pytest.approx(days)


@pytest.mark.parametrize(
    ("closed", "p50", "p90"),
    [
        # A day to the hub (P90 a day and a half), there on Tuesday 9:00, and a day from there.
        ([], 2.0, 2.5),
        # Nothing leaves the hub before Wednesday 0:00: slow first legs arrive by then, so the P90 is the P50.
        ([("NL", "holiday", 6)], 2.625, 2.625),
        ([("NL", "holiday", 6), ("NL", "holiday", 7)], 3.625, 3.625),
        # Only the slow ones come too late for the Tuesday; customs of the hub's country and other places do not matter.
        ([("NL", "holiday", 7)], 2.0, 2.5),
        ([("NL", "customs_closed", 6), ("DE", "holiday", 6)], 2.0, 2.5),
    ],
)
def test_hubs_keep_the_holidays_of_their_country(
    closed: list[tuple[str, str, int]], p50: float, p90: float
) -> None:
    net = network(lane("W", "H", "air", "1", 1.0, transit_p90_days=1.5), lane("H", "DE", "truck", "1", 1.0))
    found = first(net, "W", "DE", terms(*closed, hub_country={"H": "NL"}))
    assert found["p50_days"] == pytest.approx(p50)
    assert found["p90_days"] == pytest.approx(p90, abs=0.1)
    unknown = first(net, "W", "DE", terms(*closed))
    assert (unknown["p50_days"], unknown["p90_days"]) == (2.0, pytest.approx(2.5, abs=0.1))


def test_hubs_of_two_countries_are_faulty() -> None:
    """Which holidays hold nobody can say; a lane that names none is used."""
    named = [
        lane("H", to, "truck", "1", 1.0, origin_country=at)
        for to, at in (("DE", "NL"), ("FR", "BE"), ("PL", None))
    ]
    net = network(*named)
    assert net.faulty["reason"].to_list() == ["origin_country: lanes from H name several"] * 2
    assert net.lanes["dest_node"].to_list() == ["PL"]


HALF_DAY = {"customs_days": {"DE": (0.5, 0.5)}, "usual_customs_days": None}


@pytest.mark.parametrize(
    ("ways", "origin", "closed", "days", "customs"),
    [
        # Over a hub: Tuesday 9:00 there, 12 hours in customs, a day to the door.
        (("W-H", "H-DE"), "W", [], 2.5, 0.5),
        # Customs closed on that Tuesday: they begin at midnight and end on Wednesday noon.
        (("W-H", "H-DE"), "W", [("DE", "customs_closed", 6)], 3.125, 1.125),
        # Closed on Wednesday, but done on Tuesday at 21:00.
        (("W-H", "H-DE"), "W", [("DE", "customs_closed", 7)], 2.5, 0.5),
        # A lane from abroad to the address has its customs within; Poland is in the union; the US has no customs here.
        (("W-DE",), "W", [], 1.0, 0.0),
        (("P-H", "H-DE"), "P", [], 2.0, 0.0),
        (("W-H", "H-US"), "W", [], 2.0, 0.0),
        # Once only, where goods come in; after a bonded warehouse, when they leave it.
        (("W-H", "H-L", "L-DE"), "W", [], 3.5, 0.5),
        (("W-H", "H-B", "B-DE"), "W", [], 3.5, 0.5),
        (("W-L", "L-DE"), "W", [], 2.5, 0.5),
    ],
)
def test_goods_are_cleared_once_where_they_come_in(
    ways: tuple[str, ...], origin: str, closed: list[tuple[str, str, int]], days: float, customs: float
) -> None:
    net = network(*(lane(*way.split("-"), "truck", "1", 1.0) for way in ways))
    found = first(net, origin, ways[-1].split("-")[1], terms(*closed, **HALF_DAY))
    assert (found["p50_days"], found["customs_days"]) == (pytest.approx(days), pytest.approx(customs))


def test_slow_customs_are_in_the_p90() -> None:
    """Lanes without spread: the P90 of the way is that of customs, 2 days instead of half a one."""
    net = network(lane("W", "H", "air", "1", 1.0), lane("H", "DE", "truck", "1", 1.0))
    found = first(net, "W", "DE", terms(customs_days={"DE": (0.5, 2.0)}))
    assert found["p90_days"] == pytest.approx(4.0, abs=0.1)
    with pytest.raises(ValueError, match="customs of DE"):
        terms(customs_days={"DE": (2.0, 1.0)})


AIR, SEA = (
    lane("W", "DE", "air", "10", 3.0, carrier="Quick"),
    lane("W", "DE", "sea", "1", 30.0, carrier="Slow"),
)
NO_AIR = {"restriction_id": "B", "goods": "battery", "mode": "air"}


@pytest.mark.parametrize(
    ("rules", "goods", "kg", "found"),
    [
        ((), "battery", 1.0, "air"),
        ((NO_AIR,), "battery", 1.0, "sea"),
        ((NO_AIR,), "plain", 1.0, "air"),
        (({**NO_AIR, "goods": "hazard"},), "hazard", 1.0, "sea"),
        (({**NO_AIR, "market": "US"},), "battery", 1.0, "air"),
        (({**NO_AIR, "mode": None, "carrier": "Quick"},), "battery", 1.0, "sea"),
        (({**NO_AIR, "above_kg": 5.0},), "battery", 5.0, "air"),
        (({**NO_AIR, "above_kg": 5.0},), "battery", 5.1, "sea"),
        (({**NO_AIR, "goods": None, "mode": None, "market": "DE"},), "plain", 1.0, "RESTRICTED_ITEM"),
        (({**NO_AIR, "mode": None, "from_outside_eu": True},), "battery", 1.0, "RESTRICTED_ITEM"),
        ((NO_AIR, {**NO_AIR, "restriction_id": "C", "mode": "sea"}), "battery", 1.0, "RESTRICTED_ITEM"),
    ],
)
def test_restricted_goods_take_what_is_left(
    rules: tuple[dict[str, Any], ...], goods: str, kg: float, found: str
) -> None:
    row = first(network(AIR, SEA), "W", "DE", terms(rules=rules), goods, kg)
    assert (row["modes"] or row["status"]) == found


def test_a_rule_for_goods_from_third_countries_leaves_the_union_alone() -> None:
    """The same goods from Poland, and to a market without the rule in the same call."""
    net = network(AIR, lane("P", "DE", "truck", "5", 2.0), lane("W", "US", "air", "9", 4.0))
    rule = {**NO_AIR, "mode": None, "market": "DE", "from_outside_eu": True}
    parcel = Parcel(kg=1.0, m3=0.001, goods="battery")
    found = routes(net, ["P", "W"], ["DE", "US"], parcel, ready=MONDAY, terms=terms(rules=(rule,)))
    assert found.select("origin_node", "zone", "status").rows() == [
        ("P", "DE", "ok"), ("P", "US", "NO_ROUTE"), ("W", "DE", "RESTRICTED_ITEM"), ("W", "US", "ok"),
    ]  # fmt: skip


def test_transfers_of_restricted_articles() -> None:
    """X and Z may not fly, Y may: its kind goes by air for 10 a kg, their groups by sea for 20, and not to Poland."""
    net = network(
        lane("W", "L", "air", "10", 3.0), lane("W", "L", "sea", "20", 30.0), lane("W", "P", "air", "10", 3.0)
    )
    kinds = pl.DataFrame({"product_id": ["X", "Y", "Z"], "goods": ["battery", "battery", "plain"]})
    loose = {
        "restriction_id": "LOOSE",
        "market": None,
        "mode": "air",
        "carrier": None,
        "from_outside_eu": False,
    }
    restricted = pl.DataFrame([{"product_id": product, **loose} for product in "XZ"])
    groups, rules = restricted_groups(kinds, restricted)
    assert groups.rows() == [("X", "battery", "battery|0"), ("Z", "plain", "plain|1")]
    found = transfer_costs(
        net,
        ["L", "P", "W"],
        ["battery"],
        groups=dict(groups.select("goods_group", "goods").rows()),
        terms=RouteTerms(country=PLACES, rules=rules),
    )
    assert found.select("zone", "goods", "cost_per_kg_base").rows() == [
        ("L", "battery", 10.0), ("L", "battery|0", 20.0), ("L", "plain|1", 20.0), ("P", "battery", 10.0),
    ]  # fmt: skip


def test_customs_by_country() -> None:
    """Of four German parcels two took a day, one three, one has waited for two; France leans on all; broken clocks."""
    start = datetime(2026, 1, 1)
    rows = [("DE", 1), ("DE", 1), ("DE", 3), ("DE", None), ("FR", 3), ("FR", -1), (None, 1)]
    seen = pl.DataFrame(
        {
            "country": [country for country, _ in rows],
            "arrived_ts": start,
            "cleared_ts": [None if days is None else datetime(2026, 1, 1 + days) if days > 0 else datetime(2025, 12, 31)
                           for _, days in rows],
        }
    )  # fmt: skip
    as_of = datetime(2026, 1, 5)
    own = customs_dwell(seen, as_of=as_of, params=CustomsParams(prior=0.0))
    assert own.rows() == [(None, 4, 1, 3.0, 3.0), ("DE", 3, 1, 1.0, 3.0), ("FR", 1, 0, 3.0, 3.0)]
    nobody = customs_dwell(seen.clear(), as_of=as_of)
    assert nobody.rows() == [(None, 0, 0, 1.0, 3.0)]


def test_work_stops_on_closed_days() -> None:
    """Closed on days 1 and 2: what begins at noon of day 0 and takes a day ends at noon of day 3."""
    days = OpenDays(closed=np.array([[False, True, True, False]]))
    none, noon = np.zeros(3, dtype=np.int64), 720
    done = days.after(none, np.array([noon, 1440 + noon, 9 * 1440]), np.array([1440, 60, 30]))
    assert done.tolist() == [3 * 1440 + noon, 3 * 1440 + 60, 9 * 1440 + 30]
    with pytest.raises(ValueError, match="last day"):
        OpenDays(closed=np.array([[True]]))


def test_a_shop_without_lanes_has_no_way() -> None:
    """Nobody told of a carrier: a row that says so, whatever the terms."""
    bare = route_network(network(lane("W", "US", "air", "10", 3.0)).lanes.clear())
    found = first(bare, "W", "US", terms(("CN", "holiday", 5)))
    assert (found["status"], found["route_no"]) == ("NO_ROUTE", 0)
