"""The inventory of unfinished partitions: what Dagster's records say, hand-counted on runs that really failed."""

import os
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from xbec_platform.automation.jobs import DECISIONS, INTAKE_AND_FACTS
from xbec_platform.instance import open_instance
from xbec_platform.operations.backfill_plan import PlannedRun
from xbec_platform.operations.backfill_run import DagsterRunner
from xbec_platform.operations.inventory import (
    FAILED,
    LOST,
    MISSING,
    RUNNING,
    inventory,
    run_states,
)
from xbec_platform.operations.run_process import RunProcess, is_alive
from xbec_platform.settings import Settings
from xbec_platform_tests.unit.operations.tiny_shop import FIRST, LAST, MODEL, ORDERS, definitions, shop

DAYS = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
ASSETS = {INTAKE_AND_FACTS: ("intermediate/orders",), DECISIONS: ("ml/cluster_model", "ml/cluster_profile")}


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return shop(tmp_path)


@pytest.fixture
def instance(home: Settings) -> Iterator[dg.DagsterInstance]:
    """The platform's own storage: it stores planned partitions in its own way."""
    opened = open_instance(home)
    yield opened
    opened.dispose()


def run(
    home: Settings, instance: dg.DagsterInstance, job: str, first: int, last: int, broken: int | None = None
) -> bool:
    """Run a job over days by their number; it breaks on one of them."""
    made = definitions(home, broken_on=None if broken is None else DAYS[broken])
    planned = PlannedRun(job, DAYS[first], DAYS[last], ASSETS[job])
    return DagsterRunner(made, instance).run(planned).succeeded


def states(frame: pl.DataFrame) -> dict[date, str]:
    return dict(frame.select("partition", "status").iter_rows())


def test_home_that_never_ran_misses_everything(instance: dg.DagsterInstance) -> None:
    """An asset nobody ever ran has no record at all, and is missed all the same."""
    found = inventory(instance, [MODEL, ORDERS], DAYS[:3])
    assert found["asset_key"].to_list() == ["intermediate/orders"] * 3 + ["ml/cluster_model"] * 3
    assert set(found["status"]) == {MISSING}
    assert found["run_id"].null_count() == found["failed_at_ts"].null_count() == 6


def test_what_is_built_has_no_row(home: Settings, instance: dg.DagsterInstance) -> None:
    """A healthy home must cost nothing to read: only what is not finished is listed."""
    assert run(home, instance, INTAKE_AND_FACTS, 0, 4)
    assert states(inventory(instance, [ORDERS], DAYS[:7])) == {DAYS[5]: MISSING, DAYS[6]: MISSING}


def test_last_attempt_counts_and_names_its_run(home: Settings, instance: dg.DagsterInstance) -> None:
    """Two failed runs overlap: each day belongs to the later one that tried it; a day stored before is built."""
    assert run(home, instance, DECISIONS, 0, 2)
    assert not run(home, instance, DECISIONS, 2, 6, broken=4)
    assert not run(home, instance, DECISIONS, 5, 8, broken=5)
    second, first = (record.dagster_run.run_id for record in instance.get_run_records(limit=2))
    found = inventory(instance, [MODEL], DAYS)
    assert states(found) == dict.fromkeys(DAYS[4:9], FAILED) | dict.fromkeys(DAYS[9:], MISSING)
    runs = dict(found.filter(pl.col("status") == FAILED).select("partition", "run_id").iter_rows())
    assert runs == {DAYS[4]: first} | dict.fromkeys(DAYS[5:9], second)
    ended = instance.get_run_record_by_id(second)
    assert ended is not None
    assert found.filter(run_id=second)["failed_at_ts"].dt.epoch("ms").unique().to_list() == [
        int((ended.end_time or 0) * 1000)
    ]


def test_mended_days_leave_the_list(home: Settings, instance: dg.DagsterInstance) -> None:
    """After the cause is mended and the days ran again nobody is sent to look for it."""
    assert not run(home, instance, DECISIONS, 0, 3, broken=1)
    assert run(home, instance, DECISIONS, 0, 3)
    assert inventory(instance, [MODEL], DAYS[:4]).is_empty()


def test_run_without_process_is_lost(instance: dg.DagsterInstance) -> None:
    """Dagster believes a killed run to run for ever; one that waits for its turn needs no process yet."""
    started = dg.DagsterRun(job_name=DECISIONS, status=dg.DagsterRunStatus.STARTED)
    queued = dg.DagsterRun(job_name=DECISIONS, status=dg.DagsterRunStatus.NOT_STARTED)
    for one in (started, queued):
        instance.add_run(one)
    ids = [started.run_id, queued.run_id]
    living = run_states(instance, ids, is_alive=lambda _: True)
    dead = run_states(instance, [*ids, "deleted"], is_alive=lambda _: False)
    assert [living[one].status for one in ids] == [RUNNING, RUNNING]
    assert [dead[one].status for one in ids] == [LOST, RUNNING]
    assert set(dead) == set(ids)


def test_nobody_is_declared_dead_by_guess() -> None:
    """A run that never told its process counts as alive; our own process does, a number beyond all does not."""
    now = time.time()
    assert is_alive(None)
    assert is_alive(RunProcess(os.getpid(), now))
    assert not is_alive(RunProcess(2**22 + 1, now))


def test_process_that_got_the_number_of_a_dead_one() -> None:
    """After a restart of the machine numbers are given again: this process began after such a run did."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("needs /proc: elsewhere a process does not tell when it began")
    assert not is_alive(RunProcess(os.getpid(), time.time() - 10 * 365 * 86400))
