"""The erasure sensor beyond what all sensors bear: what waits for a person is said and not asked for again."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from xbec_platform.automation.asking import ATTEMPTS
from xbec_platform.automation.erasure_requests import build_erasure_sensor
from xbec_platform.ingest.suppression import Entry
from xbec_platform.ingest.suppression_file import open_suppression, save_suppression
from xbec_platform.settings import Settings
from xbec_platform_tests.unit.automation.cases import execute, request
from xbec_platform_tests.unit.automation.daemon import Daemon


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """Over a loaded home without requests."""
    home = Settings(home=tmp_path)
    execute(home)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Daemon(home, build_erasure_sensor, instance)


def land(home: Settings, *, minutes_ago: int) -> None:
    path = home.landing / "orders" / "dt=2026-01-02" / "a.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("order_id,customer_id\n")
    then = time.time() - 60 * minutes_ago
    os.utime(path, (then, then))


def test_one_erasure_at_a_time(daemon: Daemon) -> None:
    """Also where a person started it."""
    request("D1")(daemon)
    daemon.instance.add_run(dg.DagsterRun(job_name="erase", status=dg.DagsterRunStatus.STARTED))
    daemon.tick()
    assert daemon.said == "an erasure is running; 1 requests and 0 files wait"


def test_what_a_run_left_waits_for_a_person(daemon: Daemon) -> None:
    """An e-mail of several accounts stays open for ever: the job must not run every hour because of it."""
    request("D1")(daemon)
    daemon.tick()
    daemon.end_runs()
    daemon.tick()
    assert "1 requests and 0 files wait for a person's decision" in daemon.said


def test_failed_run_is_repeated_under_a_new_key_and_not_for_ever(daemon: Daemon) -> None:
    """Dagster drops a run key it has seen; a broken erasure every hour helps nobody."""
    request("D1")(daemon)
    for _ in range(ATTEMPTS):
        assert daemon.tick()
        daemon.end_runs(dg.DagsterRunStatus.FAILURE)
    assert daemon.tick() == []
    assert "run xbec erase by hand" in daemon.said


def test_landed_files_count_only_where_somebody_was_erased_and_when_quiet(daemon: Daemon) -> None:
    """Homes without erasures are not bothered; a file that is being written is left alone."""
    land(daemon.home, minutes_ago=60)
    assert daemon.tick() == []
    known = open_suppression(daemon.home.home)
    entry = Entry("customer_id", known.hash("C000001"), True, "p")
    save_suppression(daemon.home.home, known.with_entries([entry]))
    assert daemon.tick()
    daemon.end_runs()
    land(daemon.home, minutes_ago=0)
    daemon.tick()
    assert "no file waits" in daemon.said
