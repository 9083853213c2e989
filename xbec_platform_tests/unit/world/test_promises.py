"""What buyers are told follows from the way of their order, and is kept about as often as shops keep it."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbec_platform.world.fulfilment import truth_fulfilment
from xbec_platform.world.orders import Orders
from xbec_platform.world.places import markets
from xbec_platform.world.promises import add_promises, planned_places
from xbec_platform.world.spec import SECONDS_PER_DAY, parameters
from xbec_platform_tests.unit.world.logistics_fakes import FakePlan, fake_plan

NONE = -1


@pytest.fixture(scope="module")
def plan() -> FakePlan:
    return fake_plan()


def order_of(plan: FakePlan, size: int, kg: float, **header: object) -> tuple[Orders, object]:
    """Return equal orders of one line each, and a catalogue whose first product weighs `kg` and has no hazard."""
    frame = plan.catalogue.frame.with_columns(
        weight_kg=pl.lit(kg), has_battery=False, is_liquid=False, is_hazard=False
    )
    day = plan.spec.midnight(3)
    orders = {
        "order_ts": day,
        "paid_ts": day + 600,
        "is_presale": False,
        **header,
    }
    lines = pl.DataFrame(
        {"order": np.arange(size, dtype=np.int32), "product": np.int16(0), "qty": np.int16(1)}
    )
    types = {"market": pl.Int8, "promised_days": pl.Int16, "paid_ts": pl.Int64}
    rows = pl.DataFrame([orders] * size).cast({name: types[name] for name in types if name in orders})
    catalogue = type(plan.catalogue)(frame=frame)
    return Orders(frame=rows, lines=lines, offers=pl.DataFrame(), deposits=pl.DataFrame()), catalogue


def test_promise_by_hand(plan: FakePlan) -> None:
    """East Midlands to Great Britain: last mile of P50 0.54 and P90 0.92 days, P87 0.54 x 1.70^(1.15 / 1.2816) = 0.87.

    Picking 0.75, a day off a week 0.14, hours of delivery 0.3: 2.06 days in all, told as 3.
    """
    orders, catalogue = order_of(
        plan, 5, 0.5, market=markets().index("GB"), operation_mode="overseas_warehouse", promised_days=4
    )
    told = add_promises(plan.spec, orders, catalogue, plan.network).frame
    assert told["promised_days"].to_list() == [3] * 5
    assert told["target_days"].to_list() == [4] * 5
    assert (told["promised_ts"] - told["order_ts"]).to_list() == [3 * SECONDS_PER_DAY] * 5


def test_presale_counts_from_the_payment(plan: FakePlan) -> None:
    """Who pays the balance two weeks later is told days from then; who never pays has no date."""
    day = plan.spec.midnight(3)
    for paid in (day + 14 * SECONDS_PER_DAY, None):
        orders, catalogue = order_of(
            plan,
            1,
            0.5,
            market=markets().index("GB"),
            operation_mode="overseas_warehouse",
            promised_days=4,
            is_presale=True,
            paid_ts=paid,
        )
        told = add_promises(plan.spec, orders, catalogue, plan.network).frame
        assert told["promised_days"].to_list() == [3]
        assert told["promised_ts"].to_list() == [None if paid is None else paid + 3 * SECONDS_PER_DAY]


def test_bulky_orders_are_told_of_the_slow_way(plan: FakePlan) -> None:
    """Of orders of 15 kg from China to Great Britain about 20 % are sold by sea: weeks, not days.

    The least is Hong Kong's or Shenzhen's P50 of 35 days; the others keep the promise of an air parcel.
    """
    orders, catalogue = order_of(
        plan, 2000, 15.0, market=markets().index("GB"), operation_mode="direct_mail", promised_days=9
    )
    told = add_promises(plan.spec, orders, catalogue, plan.network).frame
    by_sea = told.filter(pl.col("service").cast(pl.String) == "sea")
    rule = next(slow for slow in parameters("logistics")["fulfilment"]["bulky"] if slow["mode"] == "sea")
    assert by_sea.height / told.height == pytest.approx(0.8 * rule["share"], abs=0.04)
    assert by_sea["promised_days"].min() > 35
    usual = told.filter(pl.col("service").is_null())
    assert usual["promised_days"].is_between(4, 12).all()


def test_light_orders_have_no_slow_service(plan: FakePlan) -> None:
    """The slow ways are for what is heavy."""
    orders, catalogue = order_of(
        plan, 500, 1.0, market=markets().index("GB"), operation_mode="direct_mail", promised_days=9
    )
    told = add_promises(plan.spec, orders, catalogue, plan.network).frame
    assert told["service"].is_null().all()


def test_slow_parcels_belong_to_orders_sold_so(plan: FakePlan) -> None:
    """Nobody gets a parcel by sea or rail who was told days."""
    service = plan.orders.frame["service"].cast(pl.String).gather(plan.fulfilment.parcels["order"])
    mode = plan.fulfilment.parcels["mode"].cast(pl.String)
    for slow in ("sea", "rail"):
        assert (mode == slow).any()
        assert set(service.filter(mode == slow)) == {slow}


def test_promises_are_kept_as_often_as_shops_keep_them(plan: FakePlan) -> None:
    """On time by mode: 70 to 93 %; SCMS has 76 % (ocean) to 92 % (air). By sea and rail few go: together here."""
    mode = pl.col("mode").cast(pl.String).replace({"sea": "slow", "rail": "slow"})
    kept = truth_fulfilment(plan).group_by(mode).agg((pl.col("late_days") <= 0).mean(), pl.len())
    assert set(kept["mode"]) == {"air", "air_charter", "express", "ground", "last_mile", "slow", "truck"}
    assert kept["len"].min() > 50
    assert kept["late_days"].is_between(0.7, 0.93).all(), kept


def test_the_peak_season_breaks_more_promises(plan: FakePlan) -> None:
    """Carriers are slower from 11-11 on, and the shop does not say so beforehand."""
    truth = truth_fulfilment(plan).with_columns(
        late=pl.col("late_days") > 0, day=(pl.col("shipped_ts") - plan.spec.epoch) // SECONDS_PER_DAY
    )
    modes = pl.col("mode").cast(pl.String).is_in(["air", "express", "last_mile"])
    peak = plan.spec.first_day.replace(month=11, day=11)
    before = truth.filter(modes, pl.col("day") < (peak - plan.spec.first_day).days - 3)["late"].mean()
    after = truth.filter(modes, pl.col("day") >= (peak - plan.spec.first_day).days)["late"].mean()
    assert after > before + 0.02


@given(
    ranks=st.lists(st.permutations([0, 1, 2]), min_size=1, max_size=20),
    allowed=st.lists(st.booleans(), min_size=12, max_size=12),
    data=st.data(),
)
def test_planned_places_are_the_first_that_may(
    ranks: list[list[int]], allowed: list[bool], data: st.DataObject
) -> None:
    """Against the definition, line by line: 3 warehouses, 2 markets, 2 products."""
    table = np.array(allowed).reshape(3, 2, 2)
    market, product = (
        np.array(data.draw(st.lists(st.integers(0, 1), min_size=len(ranks), max_size=len(ranks))))
        for _ in range(2)
    )
    found = planned_places(np.array(ranks, dtype=np.int8), table, market.astype(np.int8), product)
    expected = [
        next((place for place in row if table[place, m, p]), NONE)
        for row, m, p in zip(ranks, market, product, strict=True)
    ]
    assert found.tolist() == expected
