"""Parcels that are silent or too slow for their promise, judged before they are late."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from xbec_platform.logistics.delays import DELAYED_SCHEMA, DelayParams, Delays, find_delays

START = datetime(2026, 1, 1)
NOW = START + timedelta(days=30)


def hours(number: float) -> datetime:
    return START + timedelta(hours=number)


def history() -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Forty parcels that are scanned 1 h after the hand-over, out 24 h later, delivered 6 h after that."""
    parcels, stages = [], []
    for number in range(40):
        begin = 12.0 * number
        parcels.append(parcel(f"h{number:02d}", begin, begin + 31))
        for stage, no, after in (
            ("outbound_domestic", 4, 1),
            ("last_mile_out", 12, 25),
            ("delivered", 13, 31),
        ):
            stages.append(scan(f"h{number:02d}", stage, no, begin + after))
    return parcels, stages


def parcel(name: str, start: float, end: float | None, promise: float = 48.0) -> dict[str, object]:
    return {
        "parcel_id": name,
        "order_id": f"o-{name}",
        "lane": "W:DE:ground",
        "mode": "ground",
        "start_ts": hours(start),
        "promised_ts": hours(start + promise),
        "delivered_ts": None if end is None else hours(end),
        "closed_ts": None,
    }


def scan(name: str, stage: str, number: int, at: float) -> dict[str, object]:
    return {
        "parcel_id": name,
        "stage": stage,
        "stage_no": number,
        "stage_ts": hours(at),
        "carrier": "C",
        "is_terminal": stage == "delivered",
    }


def judge(parcels: list[dict[str, object]], stages: list[dict[str, object]]) -> Delays:
    times = {name: pl.Datetime("us") for name in ("start_ts", "promised_ts", "delivered_ts", "closed_ts")}
    before, scans = history()
    frame = pl.DataFrame([*before, *parcels], schema_overrides=times)
    rows = pl.DataFrame([*scans, *stages], schema_overrides={"stage_ts": pl.Datetime("us")})
    return find_delays(frame, rows, as_of=NOW)


def reasons(delays: Delays) -> dict[str, str]:
    return dict(delays.delayed.select("parcel_id", "reason").iter_rows())


def test_silent_before_late() -> None:
    """Scanned at the hand-over 30 h ago where 24 h are usual: silent, although the promise is still to come."""
    now = 720.0
    delays = judge([parcel("s", now - 31, None, promise=90)], [scan("s", "outbound_domestic", 4, now - 30)])
    assert reasons(delays) == {"s": "silent"}
    row = delays.delayed.row(0, named=True)
    assert not row["is_late"]
    assert (row["stage"], row["silent_hours"], row["silent_p95_hours"]) == ("outbound_domestic", 30.0, 24.0)
    assert delays.delayed.schema == DELAYED_SCHEMA


def test_too_slow_for_its_promise() -> None:
    """Usual times give 31 h; promised within 20 h: late is certain while nothing is wrong with the parcel."""
    now = 720.0
    delays = judge([parcel("q", now - 2, None, promise=20)], [scan("q", "outbound_domestic", 4, now - 1)])
    assert reasons(delays) == {"q": "predicted_late"}
    row = delays.delayed.row(0, named=True)
    assert row["late_probability"] == pytest.approx(1.0, abs=0.02)
    # Scanned an hour ago, and all before it came 30 hours after that scan.
    assert row["predicted_p90_ts"] == hours(now - 1 + 30)


def test_what_goes_well_is_not_named() -> None:
    """Neither a parcel on its way in time nor one that has arrived."""
    now = 720.0
    delays = judge(
        [parcel("w", now - 2, None), parcel("d", now - 60, now - 20)],
        [scan("w", "outbound_domestic", 4, now - 1), scan("d", "delivered", 13, now - 20)],
    )
    assert reasons(delays) == {}


def test_never_scanned() -> None:
    """The hand-over itself is the last that was heard of it."""
    delays = judge([parcel("n", 720 - 40, None, promise=90)], [])
    assert reasons(delays) == {"n": "silent"}
    assert delays.delayed["stage"].to_list() == ["handed_over"]


def test_waits_count_those_that_wait() -> None:
    """The table of waits names both: parcels that left a stage and parcels that still wait there."""
    delays = judge([parcel("s", 690, None)], [scan("s", "outbound_domestic", 4, 691)])
    row = delays.dwell.filter(pl.col("stage") == "outbound_domestic").row(0, named=True)
    assert (row["n_left"], row["n_waiting"], row["p50_hours"]) == (40, 1, 24.0)


def test_settings_that_cannot_work() -> None:
    with pytest.raises(ValueError, match="silent_level"):
        DelayParams(silent_level=1.0)
