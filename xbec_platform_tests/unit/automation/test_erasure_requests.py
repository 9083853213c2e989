"""The erasure sensor: open requests and unswept files ask for the job once; what waits for a person is said."""

import os
import time
from pathlib import Path

import dagster as dg
import pytest

from xbec_platform.automation.erasure_requests import ATTEMPTS, build_erasure_sensor
from xbec_platform.automation.jobs import ERASE
from xbec_platform.erasure.log import create_log
from xbec_platform.ingest.store import create_tables
from xbec_platform.ingest.suppression import Entry
from xbec_platform.ingest.suppression_file import open_suppression, save_suppression
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """Loaded, without requests."""
    settings = Settings(home=tmp_path)
    with Warehouse(settings.warehouse).transaction("test") as connection:
        create_tables(connection)
        create_log(connection)
    return settings


def ask(home: Settings, request: str) -> None:
    with Warehouse(home.warehouse).transaction("test") as connection:
        connection.execute(
            "INSERT INTO raw.deletion_requests (request_id, customer_id, requested_ts) "
            "VALUES (?, 'C000001', '2026-01-01')",
            [request],
        )


def answer(home: Settings, request: str) -> None:
    with Warehouse(home.warehouse).transaction("test") as connection:
        connection.execute("INSERT INTO ops.erasure_log (request_id) VALUES (?)", [request])


def land(home: Settings, *, minutes_ago: int) -> Path:
    path = home.landing / "orders" / "dt=2026-01-02" / "a.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("order_id,customer_id\n")
    then = time.time() - 60 * minutes_ago
    os.utime(path, (then, then))
    return path


def tick(home: Settings, instance: dg.DagsterInstance) -> dg.RunRequest | str:
    """The run asked for, or why none is."""
    result = build_erasure_sensor(home)(dg.build_sensor_context(instance=instance))
    if isinstance(result, dg.SkipReason):
        return str(result.skip_message)
    assert isinstance(result, dg.SensorResult)
    (request,) = result.run_requests or []
    return request


def end_run(instance: dg.DagsterInstance, request: dg.RunRequest | str, status: dg.DagsterRunStatus) -> None:
    """A run as the daemon would have made it, ended."""
    assert isinstance(request, dg.RunRequest)
    instance.add_run(dg.DagsterRun(job_name=ERASE, tags=request.tags, status=status))


def test_request_is_asked_for_until_it_is_answered(home: Settings) -> None:
    """One run at a time; an answered request asks for nothing."""
    with dg.DagsterInstance.ephemeral() as instance:
        assert tick(home, instance) == "no request is open and no file waits to be swept"
        ask(home, "D1")
        request = tick(home, instance)
        end_run(instance, request, dg.DagsterRunStatus.STARTED)
        assert tick(home, instance) == "an erasure is running; 1 requests and 0 files wait"
    answer(home, "D1")
    with dg.DagsterInstance.ephemeral() as instance:
        assert tick(home, instance) == "no request is open and no file waits to be swept"


def test_what_a_run_left_waits_for_a_person_and_a_new_request_does_not(home: Settings) -> None:
    """An e-mail of several accounts stays open for ever: the job must not run every hour because of it."""
    ask(home, "D1")
    with dg.DagsterInstance.ephemeral() as instance:
        first = tick(home, instance)
        end_run(instance, first, dg.DagsterRunStatus.SUCCESS)
        assert "1 requests and 0 files wait for a person's decision" in str(tick(home, instance))
        ask(home, "D2")
        second = tick(home, instance)
        assert isinstance(first, dg.RunRequest)
        assert isinstance(second, dg.RunRequest)
        assert second.run_key != first.run_key


def test_failed_run_is_repeated_under_a_new_key_and_not_for_ever(home: Settings) -> None:
    """Dagster drops a run key it has seen; a broken erasure every hour helps nobody."""
    ask(home, "D1")
    keys = set()
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(ATTEMPTS):
            request = tick(home, instance)
            assert isinstance(request, dg.RunRequest)
            keys.add(request.run_key)
            end_run(instance, request, dg.DagsterRunStatus.FAILURE)
        assert "run xbec erase by hand" in str(tick(home, instance))
    assert len(keys) == ATTEMPTS


def test_landed_files_count_only_where_somebody_was_erased_and_when_quiet(home: Settings) -> None:
    """Homes without erasures are not bothered; a file that is being written is left alone."""
    with dg.DagsterInstance.ephemeral() as instance:
        land(home, minutes_ago=60)
        assert "no file waits" in str(tick(home, instance))
        known = open_suppression(home.home)
        entry = Entry("customer_id", known.hash("C000001"), True, "p")
        save_suppression(home.home, known.with_entries([entry]))
        assert isinstance(tick(home, instance), dg.RunRequest)
        land(home, minutes_ago=0)
        assert "no file waits" in str(tick(home, instance))


def test_nothing_loaded_yet(tmp_path: Path) -> None:
    """A sensor must not create the warehouse."""
    with dg.DagsterInstance.ephemeral() as instance:
        assert tick(Settings(home=tmp_path), instance) == "nothing has been loaded yet"
    assert list(tmp_path.iterdir()) == []
