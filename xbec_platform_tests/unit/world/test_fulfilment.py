"""Paid orders leave, whole and once, in time as far as capacity and carriers allow."""

import dataclasses
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from xbec_platform.world.fulfilment import build_fulfilment, shipments_rows, truth_fulfilment
from xbec_platform.world.parcels import lane_freight
from xbec_platform.world.places import markets, utc_offset_seconds
from xbec_platform.world.spec import SECONDS_PER_DAY, parameters
from xbec_platform.world.supply import hazard_class
from xbec_platform.world.transit import season_factors
from xbec_platform_tests.unit.world.logistics_fakes import FakePlan, fake_plan


@pytest.fixture(scope="module")
def plan() -> FakePlan:
    return fake_plan()


def test_only_paid_orders_that_were_not_cancelled_leave(plan: FakePlan) -> None:
    """A cancelled or unpaid order must never show up as a parcel."""
    orders = plan.orders.frame[plan.fulfilment.parcels["order"]]
    assert orders["paid_ts"].is_not_null().all()
    assert orders["cancelled_ts"].is_null().all()
    assert (plan.fulfilment.parcels["shipped_ts"] > orders["paid_ts"]).all()


def test_milestones_are_in_order(plan: FakePlan) -> None:
    """Nothing arrives before it left."""
    stages = [f"{name}_ts" for name in ("shipped", "departed", "landed", "received", "arrival")]
    for before, after in pairwise(stages):
        assert (plan.fulfilment.parcels[before] <= plan.fulfilment.parcels[after]).all()


def test_most_lines_are_served_and_most_orders_leave_in_one_parcel(plan: FakePlan) -> None:
    """Stock covers the demand mostly; some orders are split."""
    contents = plan.orders.lines.hstack(plan.fulfilment.contents)
    orders = plan.orders.frame.with_row_index("order").with_columns(pl.col("order").cast(pl.Int32))
    early = orders.filter(
        pl.col("cancelled_ts").is_null(), pl.col("paid_ts") < plan.spec.midnight(plan.spec.days - 10)
    )
    served = contents.join(early, on="order", how="semi")["parcel"].is_not_null().mean()
    assert 0.97 < served <= 1.0
    split = (plan.fulfilment.parcels.group_by("order").len()["len"] > 1).mean()
    assert 0.02 < split < 0.2


def test_parcels_hold_the_pieces_of_their_lines(plan: FakePlan) -> None:
    """Pieces handed over equal the pieces of the lines that left, by warehouse and product."""
    lines = plan.orders.lines.hstack(plan.fulfilment.contents).drop_nulls("parcel")
    assert plan.fulfilment.shipped.sum() == lines["qty"].sum()
    counted = np.zeros(plan.fulfilment.shipped.shape[1:], dtype=np.int64)
    np.add.at(counted, (lines["warehouse"].to_numpy(), lines["product"].to_numpy()), lines["qty"].to_numpy())
    assert (plan.fulfilment.shipped.sum(axis=0) == counted).all()


def test_hazards_go_only_where_lane_and_warehouse_take_them(plan: FakePlan) -> None:
    """Eligibility is per warehouse and per lane."""
    parcels = plan.fulfilment.parcels
    ways = plan.network.journeys[parcels["journey"]]
    centres = plan.network.warehouses[parcels["warehouse"]]
    for bit, kind in enumerate(("battery", "liquid", "hazard")):
        here = (parcels["hazard"].to_numpy() >> bit & 1).astype(bool)
        assert here.any()
        assert ways[f"takes_{kind}"].to_numpy()[here].all()
        assert centres[f"can_{kind}"].to_numpy()[here].all()


def test_hazard_class_counts_bits() -> None:
    """Battery 1, liquid 2, hazard 4; not declared counts as no."""
    frame = pl.DataFrame(
        {
            "has_battery": [True, None, False],
            "is_liquid": [True, False, False],
            "is_hazard": [True, True, False],
        }
    )
    assert hazard_class(frame).tolist() == [7, 4, 0]


def test_sales_days_make_a_backlog(plan: FakePlan) -> None:
    """After 11.11 orders wait longer than in an ordinary week, as capacity does not follow."""
    truth = truth_fulfilment(plan)
    day = (truth["shipped_ts"] - plan.spec.epoch) // SECONDS_PER_DAY
    days = [plan.spec.day(number).strftime("%m-%d") for number in range(plan.spec.days)]
    peak = days.index("11-13")
    ordinary = truth.filter(day.is_between(8, 20))["waited_days"].mean()
    after = truth.filter(day.is_between(peak - 1, peak + 1))["waited_days"].mean()
    assert after > 1.2 * ordinary


def test_transit_keeps_the_quantiles_of_its_lane(plan: FakePlan) -> None:
    """Out of season, last-mile parcels take what their lanes state, plus the wait for delivery hours."""
    truth = truth_fulfilment(plan).with_columns(journey=plan.fulfilment.parcels["journey"])
    calm = truth.filter(
        pl.col("mode") == "express", (pl.col("shipped_ts") - plan.spec.epoch) // SECONDS_PER_DAY < 20
    )
    stated = plan.network.journeys["transit_p50_days"].gather(calm["journey"])
    assert (calm["transit_days"] / stated).median() == pytest.approx(1.1, abs=0.1)
    p90 = plan.network.journeys["transit_p90_days"].gather(calm["journey"])
    assert (calm["transit_days"] <= p90 + 0.6).mean() == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize(("mode", "door_days"), [("air", 0.33), ("truck", 0.15)])
def test_transit_keeps_the_quantiles_of_its_journey(plan: FakePlan, mode: str, door_days: float) -> None:
    """Out of season, ways of several lanes take what they state for legs, departures and customs together.

    Plus the wait for the hours of delivery and Sundays: 0.33 days on average of arrivals at any hour; lorries leave
    in the evening, and the median last mile ends in daytime.
    """
    truth = truth_fulfilment(plan).with_columns(journey=plan.fulfilment.parcels["journey"])
    calm = truth.filter(
        pl.col("mode") == mode, (pl.col("shipped_ts") - plan.spec.epoch) // SECONDS_PER_DAY < 20
    )
    p50, p90 = (
        plan.network.journeys[f"transit_{level}_days"].gather(calm["journey"]) for level in ("p50", "p90")
    )
    assert calm.height > 100
    assert (calm["transit_days"] <= p50 + door_days).mean() == pytest.approx(0.5, abs=0.06)
    assert (calm["transit_days"] <= p90 + 0.33).mean() == pytest.approx(0.9, abs=0.05)


def test_lorries_leave_at_their_cut_off(plan: FakePlan) -> None:
    """A line haul departs on the evening of the hand-over: 22:00 local, as the clocks stood on day 0."""
    parcels = plan.fulfilment.parcels.filter(pl.col("mode") == "truck")
    zones = plan.network.warehouses["timezone"].gather(parcels["warehouse"])
    for zone in sorted(set(zones)):
        departed = parcels.filter(zones == zone)["departed_ts"].to_numpy()
        offset = utc_offset_seconds(zone, np.array([plan.spec.epoch]))[0]
        assert set((departed + offset) % SECONDS_PER_DAY) == {22 * 3600}
    waited = parcels["departed_ts"] - parcels["shipped_ts"]
    assert waited.is_between(0, 6 * 3600).all()


def test_a_sensible_share_goes_by_truck(plan: FakePlan) -> None:
    """Within Europe, China and Australia; the network has no station of the United States within a day's drive."""
    parcels = plan.fulfilment.parcels
    by_truck = parcels.filter(pl.col("mode") == "truck")
    assert 0.03 < by_truck.height / parcels.height < 0.15
    assert {markets()[number] for number in set(by_truck["market"])} == {"CN", "DE", "GB", "AU", "FR"}
    assert set(by_truck["carrier"]) == {"Bluehaul"}


def test_season_delays(plan: FakePlan) -> None:
    """From Black Friday on, express (factor 1.3) takes longer against its lane than in October (1.0)."""
    modes = ["air", "express"]
    factors = season_factors(plan.spec, modes + sorted(set(parameters("logistics")["modes"]) - set(modes)))
    assert factors[1, markets().index("GB"), [10, 44]].tolist() == [1.0, 1.3]
    truth = truth_fulfilment(plan).with_columns(journey=plan.fulfilment.parcels["journey"])
    express = truth.filter(pl.col("mode") == "express")
    stated = plan.network.journeys["transit_p50_days"].gather(express["journey"])
    day = (express["shipped_ts"] - plan.spec.epoch) // SECONDS_PER_DAY
    ratio = express["transit_days"] / stated
    assert ratio.filter(day >= 44).median() > 1.1 * ratio.filter(day < 25).median()


def test_fates(plan: FakePlan) -> None:
    """Few parcels are stuck, lost or returned; only delivered ones have a delivery within the period."""
    parcels = plan.fulfilment.parcels
    share = {name: count / parcels.height for name, count in parcels["fate"].value_counts().iter_rows()}
    assert 0.96 < share["delivered"] < 0.99
    assert all(0.001 < share[name] < 0.02 for name in ("stuck", "lost", "returned"))
    delivered = parcels.filter(pl.col("delivered_ts").is_not_null())
    assert set(delivered["fate"]) == {"delivered"}
    assert delivered["delivered_ts"].max() < plan.spec.midnight(plan.spec.days)


def test_freight_by_hand(plan: FakePlan) -> None:
    """A bulky 1 kg parcel of 30,000 cm3 on a 6,000 divisor is charged 5 kg: bracket 0.94, surcharge 12 %."""
    lanes = plan.network.lanes
    row = int((lanes["lane_id"] == "AIR-HKG:AIR-FRA:air").arg_true()[0])
    rate = lanes["rate_per_kg_eur"][row]
    args = (np.array([row]), np.array([1.0]), np.array([30_000.0]))
    now = lane_freight(plan.network, *args, np.array([False]))
    then = lane_freight(plan.network, *args, np.array([True]))
    assert now[0] == pytest.approx(rate * 0.94 * 5 * 1.12)
    assert then[0] == pytest.approx(rate * 0.94 * 5 * 1.19)
    light = lane_freight(plan.network, np.array([row]), np.array([0.01]), np.array([10.0]), np.array([False]))
    assert light[0] == pytest.approx(lanes["min_charge_eur"][row] * 1.12)


def test_shipments_of_all_days_are_the_parcels_of_the_period(plan: FakePlan) -> None:
    """Each parcel is announced once, on the day it is handed over."""
    rows = pl.concat([shipments_rows(plan, day) for day in range(plan.spec.days)])
    end = plan.spec.midnight(plan.spec.days)
    expected = plan.fulfilment.parcels.filter(pl.col("shipped_ts") < end)
    assert rows["parcel_id"].is_unique().all()
    assert rows.height == expected.height
    assert set(rows["lane_ids"].str.json_decode(pl.List(pl.String)).explode()) <= set(
        plan.network.lanes["lane_id"]
    )
    assert rows["weight_kg"].is_between(0.05, 1000).all()
    assert rows["cost"].null_count() / rows.height == pytest.approx(0.02, abs=0.01)
    assert set(rows["customs_mode"]) <= {"1210", "9610", "9810", "courier", "domestic"}


def test_bonded_stock_of_china_ships_under_1210(plan: FakePlan) -> None:
    """The customs mode follows from where the goods lay and where they go."""
    parcels = plan.fulfilment.parcels
    china = parcels.filter(pl.col("market") == markets().index("CN"))
    centres = plan.network.warehouses["warehouse_id"].gather(china["warehouse"])
    bonded = centres.is_in(["CN-NGB", "CN-CGO"])
    assert set(china.filter(bonded)["customs_mode"]) == {"1210"}
    assert set(china.filter(~bonded)["customs_mode"]) == {"9610"}


def test_tracking_numbers_are_unique_and_postal_ones_check(plan: FakePlan) -> None:
    """S10: weights 8 6 4 2 3 5 9 7, check digit 11 - sum mod 11 (10 -> 0, 11 -> 5)."""
    numbers = plan.fulfilment.parcels["tracking_no"]
    assert numbers.is_unique().all()
    postal = numbers.filter(numbers.str.starts_with("RG")).head(50)
    assert len(postal) == 50
    for number in postal:
        total = sum(int(d) * w for d, w in zip(number[2:10], (8, 6, 4, 2, 3, 5, 9, 7), strict=True))
        assert int(number[10]) == {10: 0, 11: 5}.get(11 - total % 11, 11 - total % 11)


def test_same_arguments_same_fulfilment(plan: FakePlan) -> None:
    """A second build in the same process is equal, column by column."""
    again = build_fulfilment(plan.spec, plan.orders, plan.catalogue, plan.network)
    assert again.parcels.equals(plan.fulfilment.parcels)
    for field in dataclasses.fields(again.stock):
        assert (getattr(again.stock, field.name) == getattr(plan.fulfilment.stock, field.name)).all()


def test_no_orders_no_parcels(plan: FakePlan) -> None:
    """A world may have days, but no sale at all."""
    orders = dataclasses.replace(plan).orders
    empty = dataclasses.replace(orders, frame=orders.frame.clear(), lines=orders.lines.clear())
    found = build_fulfilment(plan.spec, empty, plan.catalogue, plan.network)
    assert found.parcels.is_empty()
    assert found.shipped.sum() == 0
