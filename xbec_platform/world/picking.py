"""When allocated lines leave their warehouse: cut-off, working days, capacity, backlog. No carriers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xbec_platform.demo.market_days import holidays
from xbec_platform.world.network import Network
from xbec_platform.world.places import utc_offset_seconds
from xbec_platform.world.spec import SECONDS_PER_DAY, WorldSpec, parameters

NONE = -1
HOUR = 3600
# Seen from the mean load of a warehouse: capacity below this would let the backlog grow without end.
LEAST_HEADROOM = 1.3


@dataclass(frozen=True, kw_only=True)
class PickQueue:
    """Lines that stand in the pick queue, one entry per line, sorted by the time they were paid.

    Attributes:
        warehouse: Warehouse index, NONE for a line without goods.
        ready_ts: Moment from which the line can be picked, seconds since 1970 (UTC).
        qty: Pieces.
    """

    warehouse: npt.NDArray[np.int8]
    ready_ts: npt.NDArray[np.int64]
    qty: npt.NDArray[np.int32]


def warehouse_offsets(spec: WorldSpec, network: Network) -> npt.NDArray[np.int64]:
    """Return the offset of local time from UTC in seconds at noon UTC, warehouses x days (one more than the period)."""
    noon = np.array([spec.midnight(day) + SECONDS_PER_DAY // 2 for day in range(spec.days + 1)])
    return np.stack([utc_offset_seconds(zone, noon) for zone in network.warehouses["timezone"]])


def capacity_by_day(spec: WorldSpec, network: Network) -> npt.NDArray[np.int64]:
    """Return pieces that can be picked, warehouses x days: nothing on days off and public holidays."""
    countries = sorted(set(network.warehouses["country"]))
    closed = holidays(markets=countries, first_day=spec.first_day, last_day=spec.last_day)
    off = set(closed.select("market", "calendar_date").iter_rows())
    capacity = np.zeros((network.warehouses.height, spec.days), dtype=np.int64)
    for number, centre in enumerate(network.warehouses.iter_rows(named=True)):
        for day in range(spec.days):
            today = spec.day(day)
            size = centre["capacity_orders_day" if day < network.later_day else "capacity_later"]
            open_today = centre["works"][today.weekday()] == "1" and (centre["country"], today) not in off
            capacity[number, day] = size if open_today else 0
    return capacity


def ship_days(spec: WorldSpec, network: Network, queue: PickQueue) -> npt.NDArray[np.int32]:
    """Return the local day on which each line leaves; NONE when that is after the period.

    First in, first out: a line leaves on the day on which the pieces picked so far reach it.
    """
    capacity = capacity_by_day(spec, network)
    offsets = warehouse_offsets(spec, network)
    day = np.full(len(queue.qty), NONE, dtype=np.int32)
    for number in range(network.warehouses.height):
        lines = np.flatnonzero(queue.warehouse == number)
        if not len(lines):
            continue
        entered = _queue_day(spec, queue.ready_ts[lines], offsets[number])
        order = np.argsort(entered, kind="stable")
        lines, entered = lines[order], entered[order]
        place_in_line = np.cumsum(queue.qty[lines], dtype=np.int64)
        done = _picked(entered, queue.qty[lines], _enough(capacity[number], place_in_line[-1]))
        left = np.searchsorted(done, place_in_line, side="left")
        day[lines] = np.where(left < spec.days, left, NONE)
    return day


def _queue_day(
    spec: WorldSpec, ready_ts: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return the local day on which a line enters the queue: the next one after the cut-off."""
    cut_off = parameters("logistics")["fulfilment"]["cut_off_hour"] * HOUR
    utc_day = np.clip((ready_ts - spec.epoch) // SECONDS_PER_DAY, 0, spec.days)
    local = ready_ts - spec.epoch + offsets[utc_day]
    day = local // SECONDS_PER_DAY + (local % SECONDS_PER_DAY >= cut_off)
    return np.asarray(np.maximum(day, 0), dtype=np.int64)


def _enough(capacity: npt.NDArray[np.int64], pieces: int) -> npt.NDArray[np.int64]:
    """Raise a capacity that could not keep up with the mean load (a network sized for a smaller demand)."""
    least = int(np.ceil(pieces * LEAST_HEADROOM / max(len(capacity), 1)))
    return np.where(capacity > 0, np.maximum(capacity, least), 0)


def _picked(
    entered: npt.NDArray[np.int64], qty: npt.NDArray[np.int32], capacity: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return pieces picked by the end of each day."""
    days = len(capacity)
    arrived = np.cumsum(np.bincount(np.minimum(entered, days), weights=qty, minlength=days + 1)).astype(
        np.int64
    )
    done = np.zeros(days, dtype=np.int64)
    before = 0
    for day in range(days):
        before = min(int(arrived[day]), before + int(capacity[day]))
        done[day] = before
    return done


def shipped_ts(
    spec: WorldSpec,
    network: Network,
    warehouse: npt.NDArray[np.int8],
    day: npt.NDArray[np.int32],
    uniform: npt.NDArray[np.float64],
) -> npt.NDArray[np.int64]:
    """Return when parcels are handed over: on their local day, after the cut-off."""
    first, last = parameters("logistics")["fulfilment"]["ship_hour"]
    local = (first * HOUR + np.floor(uniform * (last - first) * HOUR)).astype(np.int64)
    offsets = warehouse_offsets(spec, network)
    return np.asarray(spec.epoch + day.astype(np.int64) * SECONDS_PER_DAY + local - offsets[warehouse, day])
