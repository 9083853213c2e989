"""The late-data sensor: exactly the waiting days, newest first, bounded, never silently dropped."""

from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from xbec_platform.automation.late_data import (
    ATTEMPTS,
    HORIZON_DAYS,
    MAX_DAYS_PER_TICK,
    TAG,
    build_late_data_sensor,
    due_days,
)
from xbec_platform.ingest.store import create_tables
from xbec_platform.partitions import windows
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse

JAN = [date(2026, 1, day) for day in range(1, 32)]


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, start_date=JAN[0], end_date=date(2026, 2, 1))


def wait(home: Settings, *days: date) -> None:
    """Put days into the ledger."""
    with Warehouse(home.warehouse).transaction("test") as connection:
        create_tables(connection)
        for day in days:
            connection.execute(
                f"INSERT INTO ops.pending_event_days VALUES ('orders', DATE '{day}', DATE '{day}', 1)"
            )


def tick(home: Settings, instance: dg.DagsterInstance) -> list[dg.RunRequest] | str:
    """Runs asked for, or why none is."""
    result = build_late_data_sensor(home)(dg.build_sensor_context(instance=instance))
    if isinstance(result, dg.SkipReason):
        return str(result.skip_message)
    assert isinstance(result, dg.SensorResult)
    return list(result.run_requests or [])


def end_run(instance: dg.DagsterInstance, request: dg.RunRequest, status: dg.DagsterRunStatus) -> None:
    """A run as the daemon would have made it, ended."""
    run = dg.DagsterRun(job_name="intake_and_facts", tags=request.tags, status=status)
    instance.add_run(run)


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


def test_asks_for_exactly_the_waiting_days(home: Settings) -> None:
    """Days that are no partition of the home cannot be asked for."""
    wait(home, JAN[3], JAN[4], JAN[9], date(2025, 6, 1))
    with dg.DagsterInstance.ephemeral() as instance:
        requests = tick(home, instance)
    assert not isinstance(requests, str)
    spans = [
        (
            one.tags["dagster/asset_partition_range_start"],
            one.tags["dagster/asset_partition_range_end"],
        )
        for one in requests
    ]
    assert spans == [("2026-01-10", "2026-01-10"), ("2026-01-04", "2026-01-05")]


def test_same_day_late_twice_is_asked_for_twice(home: Settings) -> None:
    """Dagster drops a run key it has seen for ever: the second lateness needs a key of its own."""
    wait(home, JAN[3])
    with dg.DagsterInstance.ephemeral() as instance:
        (first,) = tick(home, instance)
        assert isinstance(first, dg.RunRequest)
        end_run(instance, first, dg.DagsterRunStatus.STARTED)
        assert tick(home, instance) == "the days asked for last are being rebuilt"
    with dg.DagsterInstance.ephemeral() as instance:
        end_run(instance, first, dg.DagsterRunStatus.SUCCESS)
        (second,) = tick(home, instance)
        assert isinstance(second, dg.RunRequest)
        assert second.tags[TAG] == first.tags[TAG]
        assert second.run_key != first.run_key


def test_days_that_keep_failing_are_left_to_a_person(home: Settings) -> None:
    """A broken rebuild every five minutes helps nobody."""
    wait(home, JAN[3])
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(ATTEMPTS):
            (request,) = tick(home, instance)
            assert isinstance(request, dg.RunRequest)
            end_run(instance, request, dg.DagsterRunStatus.FAILURE)
        assert "waiting for a backfill by hand: 2026-01-04" in str(tick(home, instance))


def test_nothing_to_do(home: Settings) -> None:
    """No file yet, then an empty ledger."""
    with dg.DagsterInstance.ephemeral() as instance:
        assert tick(home, instance) == "nothing has been loaded yet"
        wait(home)
        assert tick(home, instance) == "no event day is waiting to be rebuilt"
