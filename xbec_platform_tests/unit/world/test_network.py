"""The network serves every market, its lengths and rates are what their sources say."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import yaml

from xbec_platform.world.lanes import departure_moments, departure_wait, rate_brackets, route_km
from xbec_platform.world.network import (
    NOTICE_DAYS,
    Network,
    build_network,
    departure_days,
    lanes_rows,
    warehouses_rows,
)
from xbec_platform.world.places import great_circle, markets, sea_km
from xbec_platform.world.spec import WorldSpec, parameters
from xbec_platform.world.supply import reachable

SPEC = WorldSpec(seed=3)


@pytest.fixture(scope="module")
def network() -> Network:
    return build_network(SPEC)


@pytest.fixture(scope="module")
def plan(network: Network) -> SimpleNamespace:
    return SimpleNamespace(spec=SPEC, network=network)


def test_no_rows_on_other_days(plan: SimpleNamespace) -> None:
    """Versions are delivered when they are made; other days are empty with the same types."""
    for rows in (warehouses_rows, lanes_rows):
        assert rows(plan, 1).schema == rows(plan, 0).schema
        assert rows(plan, 1).is_empty()


def test_sea_goes_around_land() -> None:
    """Shanghai-Rotterdam by Suez is 19,610 km (searoute), more than twice the great circle."""
    assert route_km("PORT-CNSGH", "PORT-NLRTM", "sea") == 19_610
    assert sea_km()["PORT-NLRTM", "PORT-CNSGH"] == 19_610
    assert 19_610 / great_circle("PORT-CNSGH", "PORT-NLRTM") == pytest.approx(2.19, abs=0.02)


def test_air_is_a_little_longer_than_the_great_circle() -> None:
    """Hong Kong-Frankfurt: 9,160 km great circle (published by airlines as about 9,150)."""
    assert great_circle("AIR-HKG", "AIR-FRA") == pytest.approx(9160, rel=0.01)
    assert route_km("AIR-HKG", "AIR-FRA", "air") == pytest.approx(9160 * 1.04, rel=0.01)


@pytest.mark.parametrize(("mode", "usd"), [("air", 10.0), ("air_charter", 4.3), ("truck", 2.5), ("sea", 1.7)])
def test_the_median_lane_between_nodes_costs_what_scms_measured(
    network: Network, mode: str, usd: float
) -> None:
    """Rates are calibrated to the medians of the SCMS delivery history (see logistics.yml)."""
    legs = network.lanes.filter(pl.col("mode") == mode, ~pl.col("dest_node").is_in(list(markets())))
    median = legs["rate_per_kg_eur"].median() / parameters("logistics")["eur_per_usd"]
    assert median == pytest.approx(usd, rel=1e-3)


def test_every_market_has_a_direct_lane_from_each_of_its_warehouses(plan: SimpleNamespace) -> None:
    """The warehouse assignment knows lanes from a warehouse to a country only."""
    offered = set(lanes_rows(plan, 0).select("origin_node", "dest_node").iter_rows())
    for market, modes in parameters("logistics")["supply"].items():
        assert all((name, market) in offered for shares in modes.values() for name in shares)


def test_every_type_mode_and_market_is_there(network: Network) -> None:
    """The specification asks for five types of warehouses and eight modes."""
    kinds = {"domestic", "consolidation", "bonded", "overseas", "station"}
    assert set(network.warehouses["type"]) == kinds
    assert set(network.lanes["mode"]) == set(parameters("logistics")["modes"])
    assert set(network.journeys["market"]) == set(range(len(markets())))
    assert (network.lanes["transit_p90_days"] >= network.lanes["transit_p50_days"]).all()


def test_legs_of_a_journey_join_and_end_in_the_market(network: Network) -> None:
    """A journey is a chain: each lane starts where the one before ended."""
    lanes = network.lanes
    for way in network.journeys.iter_rows(named=True):
        origin = lanes["origin_node"].gather(way["lanes"]).to_list()
        dest = lanes["dest_node"].gather(way["lanes"]).to_list()
        assert origin == [way["warehouse_id"], *dest[:-1]]
        assert dest[-1] == markets()[way["market"]]


def test_later_version_changes_surcharges_only_and_is_announced(plan: SimpleNamespace) -> None:
    """The second version holds from the middle of the period and arrives before it."""
    first, later = lanes_rows(plan, 0), lanes_rows(plan, SPEC.days // 2 - NOTICE_DAYS)
    assert later["valid_from"].unique().dt.date().to_list() == [SPEC.day(SPEC.days // 2)]
    assert (later["surcharge_pct"] > first["surcharge_pct"]).all()
    changed = ("valid_from", "surcharge_pct")
    assert first.drop(changed).equals(later.drop(changed))


def test_batteries_do_not_fly_as_air_freight(network: Network) -> None:
    """A parcel with a battery (class 1) from Shenzhen to Germany goes by express, one without by air."""
    place = network.warehouses["warehouse_id"].to_list().index("CN-SZX")
    market = markets().index("DE")
    modes = network.journeys["mode"]
    assert modes[int(network.choice.cheapest[place, market, 0, 12])] == "air"
    assert modes[int(network.choice.cheapest[place, market, 1, 12])] == "express"


def test_all_lanes_carry_schedule_and_brackets(plan: SimpleNamespace) -> None:
    """Time-expanded routing needs departures; a sailing leaves once a week."""
    rows = lanes_rows(plan, 0)
    assert set(rows.filter(pl.col("mode") == "sea")["departures"]) == {"Sat"}
    assert rows["lane_id"].is_unique().all()
    assert (
        rows.select("rate_brackets", "cut_off_local", "restrictions").null_count().sum_horizontal().item()
        == 0
    )


def test_brackets_join_without_gaps() -> None:
    """Gaps or overlaps would reject the lane; 0.94 is the factor from 5 kg on."""
    steps = yaml.safe_load(rate_brackets(10.0))
    assert [step["max_kg"] for step in steps[:-1]] == [step["min_kg"] for step in steps[1:]]
    assert steps[1] == {"min_kg": 5, "max_kg": 20, "rate_per_kg": 9.4}


def test_departure_wait() -> None:
    """On Saturdays only: five days from Monday, none on Saturday, six from Sunday."""
    assert departure_wait("0000010") == [5, 4, 3, 2, 1, 0, 6]
    assert departure_days("1010100") == "Mon Wed Fri"
    with pytest.raises(ValueError, match="no day"):
        departure_wait("0000000")


def test_capacity_grows_with_the_demand() -> None:
    """Scale moves capacities and nothing else of the network."""
    one, ten = (build_network(SPEC, dict.fromkeys(markets(), 1000.0 * factor)) for factor in (1, 10))
    ratio = (
        ten.warehouses["capacity_orders_day"].to_numpy() / one.warehouses["capacity_orders_day"].to_numpy()
    )
    stocking = (one.warehouses["type"] != "station").to_numpy()
    np.testing.assert_allclose(ratio[stocking], 10.0, rtol=0.02)
    assert one.lanes.equals(ten.lanes)


def test_departure_moments() -> None:
    """Goods that come at any time wait uniformly: up to a week for a weekly sailing, up to a day for a daily one."""
    assert departure_moments("0000010") == pytest.approx((3.5, 49 / 12))
    assert departure_moments("1111111") == pytest.approx((0.5, 1 / 12))


def test_line_haul_by_hand(network: Network) -> None:
    """Rotterdam-Duisburg-Germany: 253.3 km by lorry and 387.1 km of last mile.

    P50 0.59 and 0.85 days, P90 0.94 and 1.45; log-normal means 0.630 and 0.927, variances 0.056 and 0.163, and
    3.5 hours until the lorry leaves: mean 1.703, variance 0.219, so P50 1.64 and P90 2.32.
    """
    journeys = network.journeys.filter(
        pl.col("warehouse_id") == "NL-RTM",
        pl.col("mode") == "truck",
        pl.col("market") == markets().index("DE"),
    )
    way = journeys.row(0, named=True)
    assert way["lane_ids"] == '["NL-RTM:DE-DUI:truck", "DE-DUI:DE:last_mile"]'
    assert way["distance_km"] == pytest.approx(640.4)
    assert way["transit_p50_days"] == pytest.approx(1.64, abs=0.01)
    assert way["transit_p90_days"] == pytest.approx(2.32, abs=0.01)
    assert (way["hub_place"], way["station_place"]) == (
        "Bonded warehouse Rotterdam Maasvlakte",
        "Parcel station Duisburg",
    )
    assert not way["crosses_customs"]


def test_journey_of_one_lane_keeps_its_quantiles(network: Network) -> None:
    """One log-normal leg has the moments of itself."""
    direct = network.journeys.filter(pl.col("lanes").list.len() == 1)
    legs = network.lanes[direct["lanes"].list.first()]
    for level in ("transit_p50_days", "transit_p90_days"):
        np.testing.assert_allclose(direct[level].to_numpy(), legs[level].to_numpy(), atol=0.011)


def test_light_parcels_go_by_truck_where_it_is_cheapest(network: Network) -> None:
    """Hong Kong-China within 9 days: line haul (3.40 EUR for a usual parcel) before ground (4.97); never for speed."""
    place = network.warehouses["warehouse_id"].to_list().index("HK-HKG")
    cell = (place, markets().index("CN"), 0, 9)
    modes = network.journeys["mode"]
    assert modes[int(network.choice.cheapest[cell])] == "truck"
    assert modes[int(network.choice.other[cell])] == "ground"
    chosen = set(network.choice.other.ravel().tolist()) - {-1}
    assert "truck" not in {modes[way] for way in chosen}


def test_what_may_go_alone_may_go_together(network: Network) -> None:
    """The lines of an order share a parcel: no mixture of hazards that can be sent one by one is without a way."""
    way = reachable(network)
    for one in range(way.shape[2]):
        for other in range(one):
            together = way[:, :, one] & way[:, :, other]
            assert (way[:, :, one | other] | ~together).all()
