"""Stock adds up day by day, ages, and runs out now and then."""

import numpy as np
import polars as pl
import pytest

from xbec_platform.world.inventory import (
    age_columns,
    inventory_snapshots_rows,
    on_hand,
    pieces_by_age,
)
from xbec_platform_tests.unit.world.logistics_fakes import FakePlan, fake_plan


@pytest.fixture(scope="module")
def plan() -> FakePlan:
    return fake_plan()


def test_columns_and_keys(plan: FakePlan) -> None:
    """The contract's columns, one row per warehouse and product."""
    rows = inventory_snapshots_rows(plan, 10)
    assert rows.columns == [
        *("warehouse_id", "product_id", "snapshot_date", "on_hand", "reserved", "inbound"),
        *("inbound_eta_date", "is_sample", *age_columns()),
    ]
    assert rows.select("warehouse_id", "product_id").is_unique().all()
    assert rows["snapshot_date"].unique().to_list() == [plan.spec.day(10)]


def test_shelves_are_never_below_nothing(plan: FakePlan) -> None:
    """Pieces cannot leave before they came, and what is reserved lies on the shelf."""
    for day in range(plan.spec.days):
        left = on_hand(plan.fulfilment, day)
        assert left.min() >= 0
        assert (plan.fulfilment.reserved[day] <= left).all()


def test_conservation(plan: FakePlan) -> None:
    """Opening stock and receipts less what left is what lies there on the last day."""
    fulfilment = plan.fulfilment
    last = on_hand(fulfilment, plan.spec.days - 1).sum()
    assert last == fulfilment.stock.opening.sum() + fulfilment.stock.receipts.sum() - fulfilment.shipped.sum()


def test_ages_add_up_and_grow(plan: FakePlan) -> None:
    """The buckets sum to the stock; the oldest pieces can only leave."""
    rows = inventory_snapshots_rows(plan, 30)
    assert (rows.select(pl.sum_horizontal(age_columns())).to_series() == rows["on_hand"]).all()
    assert pieces_by_age(plan.fulfilment, 30).min() >= 0
    old = [pieces_by_age(plan.fulfilment, day)[1:].sum() for day in (0, 59)]
    assert old[1] > old[0] * 0.5
    assert pieces_by_age(plan.fulfilment, 59)[1].sum() > 0


def test_demand_is_covered_mostly_but_not_always(plan: FakePlan) -> None:
    """Some products of the range run out: between 1 % and 12 % of what a warehouse keeps."""
    shares = [(inventory_snapshots_rows(plan, day)["on_hand"] == 0).mean() for day in (20, 40, 55)]
    assert all(0.005 < share < 0.12 for share in shares)


def test_replenishment_is_announced_and_arrives(plan: FakePlan) -> None:
    """What is on the way has a date after the snapshot; it comes in later."""
    rows = inventory_snapshots_rows(plan, 25).filter(pl.col("inbound") > 0)
    assert rows.height > 0
    assert (rows["inbound_eta_date"] > rows["snapshot_date"]).all()
    assert plan.fulfilment.stock.receipts[26:].sum() > 0
    assert np.count_nonzero(plan.fulfilment.stock.receipts.sum(axis=(1, 2))) > 20


def test_stations_keep_no_stock(plan: FakePlan) -> None:
    """Parcels pass a station, goods do not stay."""
    stations = plan.network.warehouses.filter(pl.col("type") == "station")["warehouse_id"].to_list()
    assert not inventory_snapshots_rows(plan, 5)["warehouse_id"].is_in(stations).any()
