"""The landing sensor beyond what all sensors bear: quiet files only, bounded per tick, days outside are named."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from xbec_platform.automation.landing_sensor import MAX_DAYS_PER_TICK, build_landing_sensor
from xbec_platform.settings import Settings
from xbec_platform_tests.unit.automation.daemon import Daemon

FIRST = date(2026, 1, 1)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    home = Settings(home=tmp_path, start_date=FIRST, end_date=FIRST + timedelta(days=40))
    with dg.DagsterInstance.ephemeral() as instance:
        yield Daemon(home, build_landing_sensor, instance)


def land(home: Settings, day: str, content: str = "x") -> None:
    path = home.landing / "orders" / f"dt={day}" / "a.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def tick(daemon: Daemon) -> list[str]:
    """Windows asked for."""
    first, last = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
    return [f"{one.tags[first]}..{one.tags[last]}" for one in daemon.tick()]


def test_a_file_must_be_quiet_for_two_ticks(daemon: Daemon) -> None:
    """A file that is still growing must not be read."""
    land(daemon.home, "2026-01-05")
    assert tick(daemon) == []
    land(daemon.home, "2026-01-05", "still growing")
    assert tick(daemon) == []
    assert tick(daemon) == ["2026-01-05..2026-01-05"]


def test_a_flood_of_days_comes_in_portions_newest_first(daemon: Daemon) -> None:
    """A tick has a time limit, the newest day is what people wait for, and neighbours share the start of a run."""
    for number in (*range(20), *range(22, 40)):
        land(daemon.home, (FIRST + timedelta(days=number)).isoformat())
    assert MAX_DAYS_PER_TICK == 30
    assert tick(daemon) == []
    assert tick(daemon) == ["2026-01-23..2026-02-09", "2026-01-09..2026-01-20"]
    assert tick(daemon) == ["2026-01-01..2026-01-08"]
    assert tick(daemon) == []


def test_day_outside_the_home_is_named_and_not_asked_for(daemon: Daemon) -> None:
    """A request for a partition that does not exist would fail the tick."""
    land(daemon.home, "2030-01-01")
    tick(daemon)
    assert tick(daemon) == []
    assert "2030-01-01" in daemon.said
