"""The pick queue by hand: capacity, cut-off, days off."""

from datetime import date

import numpy as np
import pytest

from xbec_platform.world.network import build_network
from xbec_platform.world.picking import NONE, PickQueue, capacity_by_day, ship_days, warehouse_offsets
from xbec_platform.world.places import markets
from xbec_platform.world.spec import WorldSpec

HOUR = 3600
# 2025-10-13 is a Monday.
SPEC = WorldSpec(seed=1, last_day=date(2025, 11, 1), days=20)
NETWORK = build_network(SPEC, dict.fromkeys(markets(), 40.0))
LEIPZIG = NETWORK.warehouses["warehouse_id"].to_list().index("DE-LEJ")


def queue(hours: list[float], qty: list[int]) -> PickQueue:
    return PickQueue(
        warehouse=np.full(len(qty), LEIPZIG, dtype=np.int8),
        ready_ts=SPEC.epoch + np.array([round(hour * HOUR) for hour in hours], dtype=np.int64),
        qty=np.array(qty, dtype=np.int32),
    )


def test_leipzig_rests_on_sundays_and_holidays() -> None:
    """Day 6 is Sunday 2025-10-19; the network's later capacity holds from day 10 on."""
    capacity = capacity_by_day(SPEC, NETWORK)[LEIPZIG]
    assert capacity[6] == 0
    assert capacity[5] > 0
    assert capacity[10] > capacity[5]


def test_after_the_cut_off_a_line_waits_for_tomorrow() -> None:
    """15:00 in Leipzig is 13:00 UTC in summer: 12:59 leaves today, 13:01 tomorrow."""
    assert ship_days(SPEC, NETWORK, queue([12.98, 13.02], [1, 1])).tolist() == [0, 1]


def test_saturday_evening_leaves_on_monday() -> None:
    """Nothing leaves on a Sunday."""
    assert ship_days(SPEC, NETWORK, queue([5 * 24 + 20], [1])).tolist() == [7]


def test_more_than_a_day_can_carry_waits_in_line() -> None:
    """Three lines of a full day each leave on three days in the order in which they came."""
    full = int(capacity_by_day(SPEC, NETWORK)[LEIPZIG, 0])
    assert ship_days(SPEC, NETWORK, queue([1, 2, 3], [full, full, full])).tolist() == [0, 1, 2]


def test_a_line_without_goods_stays() -> None:
    """No warehouse, no day."""
    lines = queue([1], [1])
    lines.warehouse[:] = NONE
    assert ship_days(SPEC, NETWORK, lines).tolist() == [NONE]


def test_summer_time_ends() -> None:
    """Leipzig: +2 h until 2025-10-25, +1 h after."""
    offsets = warehouse_offsets(SPEC, NETWORK)[LEIPZIG] / HOUR
    assert offsets[0] == pytest.approx(2)
    assert offsets[-1] == pytest.approx(1)
