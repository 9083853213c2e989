"""The late-data sensor beyond what all sensors bear: exactly the waiting days, newest first, bounded, none dropped."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from xbec_platform.automation.asking import ATTEMPTS
from xbec_platform.automation.late_data import (
    HORIZON_DAYS,
    MAX_DAYS_PER_TICK,
    build_late_data_sensor,
    due_days,
)
from xbec_platform.partitions import windows
from xbec_platform.settings import Settings
from xbec_platform_tests.unit.automation.cases import late
from xbec_platform_tests.unit.automation.daemon import Daemon

JAN = [date(2026, 1, day) for day in range(1, 32)]
FROM, TO = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    home = Settings(home=tmp_path, start_date=JAN[0], end_date=date(2026, 2, 1))
    with dg.DagsterInstance.ephemeral() as instance:
        yield Daemon(home, build_late_data_sensor, instance)


def test_windows_are_neighbouring_days_newest_first() -> None:
    """Each gap costs a run; a run for the gap would rebuild what nobody asked for."""
    days = [JAN[9], JAN[8], JAN[5], JAN[2], JAN[1]]
    assert list(windows(days)) == [(JAN[8], JAN[10]), (JAN[5], JAN[6]), (JAN[1], JAN[3])]
    assert list(windows([])) == []


def test_newest_first_and_bounded() -> None:
    """A correction of the whole last year must not become one run a day at once; the ancient waits."""
    many = [JAN[0] + timedelta(days=n) for n in range(40)]
    assert due_days(many) == sorted(many, reverse=True)[:MAX_DAYS_PER_TICK]
    ancient = JAN[30] - timedelta(days=HORIZON_DAYS + 1)
    assert due_days([ancient, JAN[30]]) == [JAN[30]]


def test_asks_for_exactly_the_waiting_days(daemon: Daemon) -> None:
    """Days that are no partition of the home cannot be asked for; while they run, none is asked for."""
    for day in (JAN[3], JAN[4], JAN[9], date(2025, 6, 1)):
        late(day)(daemon)
    spans = [(one.tags[FROM], one.tags[TO]) for one in daemon.tick()]
    assert spans == [("2026-01-10", "2026-01-10"), ("2026-01-04", "2026-01-05")]
    late(JAN[20])(daemon)
    assert daemon.tick() == []
    assert daemon.said == "the days asked for last are being rebuilt"


def test_days_that_keep_failing_are_left_to_a_person(daemon: Daemon) -> None:
    """A broken rebuild every five minutes helps nobody."""
    late(JAN[3])(daemon)
    for _ in range(ATTEMPTS):
        assert daemon.tick()
        daemon.end_runs(dg.DagsterRunStatus.FAILURE)
    assert daemon.tick() == []
    assert "failed 3 times, now waiting for a person: 2026-01-04..2026-01-04" in daemon.said
