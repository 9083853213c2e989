"""Points, distances, lanes and yearly days: values worked out by hand."""

import math
from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from xbec_platform.demo.geography import EARTH_RADIUS_KM, country_points, great_circle_km
from xbec_platform.demo.market_days import holidays, yearly_promotions
from xbec_platform.demo.network import build_lanes, distances_km, sample_centres, units_per_usd

BEFORE_BREXIT, AFTER_BREXIT = date(2011, 1, 1), date(2026, 1, 1)


def test_great_circle_of_a_quarter_of_the_equator():
    """A quarter of the circumference; half of it at the antipode, where rounding could leave asin's range."""
    assert great_circle_km(0, 0, 0, 90) == pytest.approx(EARTH_RADIUS_KM * math.pi / 2)
    assert great_circle_km(10, 20, -10, -160) == pytest.approx(EARTH_RADIUS_KM * math.pi)
    assert great_circle_km(10, 20, 10, 20) == 0


def test_country_points_are_one_per_country():
    """Namibia's code reads as a missing value in careless hands; Hong Kong is absent from the main source."""
    points = country_points()
    assert points.columns == ["iso2", "lat", "lon"]
    assert points["iso2"].is_unique().all()
    assert points["iso2"].is_sorted()
    assert {"NA", "HK", "TW", "GB", "AX"} <= set(points["iso2"])
    assert points.null_count().sum_horizontal().item() == 0
    assert points["lat"].abs().max() <= 90
    assert points["lon"].abs().max() <= 180


def test_centres_lie_in_or_near_their_country():
    """A swapped latitude and longitude would put a centre into the sea."""
    centres = sample_centres()
    own = distances_km(centres, centres["country"].to_list())
    # Sydney to the middle of Australia is the farthest, 1,900 km.
    assert np.diag(own).max() < 2_000


def _lanes(origin, destinations, day=AFTER_BREXIT, currency="USD"):
    centres = sample_centres().filter(pl.col("warehouse_id") == origin)
    lanes = build_lanes(centres=centres, destinations=destinations, valid_from=day, currency=currency)
    return {(row["dest_node"], row["mode"]): row for row in lanes.iter_rows(named=True)}


def test_ground_lane_by_hand():
    """Leipzig to the middle of Germany: formula of network.yml with the great circle taken as given."""
    lane = _lanes("DE-LEJ", ["DE"])["DE", "ground"]
    centre = sample_centres().filter(pl.col("warehouse_id") == "DE-LEJ")
    route_km = distances_km(centre, ["DE"])[0, 0] * 1.3
    assert 150 < route_km < 300
    assert lane["distance_km"] == pytest.approx(route_km, abs=0.05)
    # Band up to 300 km: 0.45 x 2.5 and 0.45 x 5 USD.
    assert lane["rate_per_kg"] == Decimal("1.1250")
    assert lane["min_charge"] == Decimal("2.2500")
    # One day of handling and 650 km a day, no border; P90 is half as long again.
    assert lane["transit_p50_days"] == pytest.approx(1 + route_km / 650, abs=0.05)
    assert lane["transit_p90_days"] == pytest.approx(1.5 * (1 + route_km / 650), abs=0.05)


def test_charges_follow_the_currency():
    """One USD counts 0.6235 GBP in the parameters."""
    dollars, pounds = (_lanes("US-EWR", ["JP"], currency=code)["JP", "air"] for code in ("USD", "GBP"))
    # 11,000 km: band factor 1.2.
    assert dollars["rate_per_kg"] == Decimal("12.0000")
    assert pounds["rate_per_kg"] == Decimal("7.4820")
    assert units_per_usd("GBP") == 0.6235


def test_customs_days_appear_when_a_country_leaves_the_union():
    """The Online Retail year is before Brexit: Leipzig to Britain then takes 1.5 days less."""
    before = _lanes("DE-LEJ", ["GB"], BEFORE_BREXIT)["GB", "ground"]["transit_p50_days"]
    after = _lanes("DE-LEJ", ["GB"], AFTER_BREXIT)["GB", "ground"]["transit_p50_days"]
    assert after - before == pytest.approx(1.5)


def test_modes_are_plausible():
    """No lorry over an ocean, no ship inside Europe, no battery in the air; a country is its own ground."""
    europe, hong_kong = _lanes("DE-LEJ", ["GB", "US", "DE"]), _lanes("HK-HKG", ["US", "CN"])
    assert {mode for country, mode in europe if country == "GB"} == {"ground", "air", "express"}
    assert {mode for country, mode in europe if country == "US"} == {"air", "express"}
    assert {mode for country, mode in europe if country == "DE"} == {"ground", "express"}
    assert {mode for country, mode in hong_kong if country == "US"} == {"air", "express", "sea"}
    assert ("CN", "ground") in hong_kong
    assert not any(lane["allows_battery"] for (_, mode), lane in europe.items() if mode == "air")


def test_yearly_days():
    """Thanksgiving 2025 is 27 November, so Black Friday is the 28th and Cyber Monday 1 December."""
    days = yearly_promotions(markets=["GB"], first_day=date(2025, 11, 1), last_day=date(2025, 12, 12))
    assert days.select("calendar_date", "name").rows() == [
        (date(2025, 11, 11), "11.11"),
        (date(2025, 11, 28), "Black Friday"),
        (date(2025, 12, 1), "Cyber Monday"),
        (date(2025, 12, 12), "12.12"),
    ]


def test_holidays_of_known_markets_only():
    """A market without rules has no invented holiday; both ends of the period count."""
    days = holidays(markets=["GB", "BR"], first_day=date(2025, 12, 25), last_day=date(2026, 1, 1))
    assert days.select("calendar_date", "market").rows() == [
        (date(2025, 12, 25), "GB"),
        (date(2025, 12, 26), "GB"),
        (date(2026, 1, 1), "GB"),
    ]
