"""Dagster's own sensor daemon on the landing sensor of a home, killed in the middle of ticks and started again.

    python -m xbec_platform_tests.unit.automation.killed_daemon HOME

prints what was there at each death and at the end, as JSON. Each life of the daemon is a process, forked from one that
has everything imported; SIGKILL comes where Dagster lets a test ask for it.
"""

import json
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import freeze_time
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.sensor import execute_sensor_iteration

from xbec_platform.automation.jobs import INTAKE_AND_FACTS, build_jobs
from xbec_platform.automation.landing_sensor import NAME, build_landing_sensor
from xbec_platform.instance import open_instance
from xbec_platform.partitions import daily, run_days
from xbec_platform.settings import Settings

# When the sensor has not looked yet, when it has asked, when the first of its runs is made, when that one is queued.
DEATHS = ("TICK_HELD", "RUN_IDS_RESERVED", "RUN_CREATED", "RUN_LAUNCHED")
# Days that land before each death: no neighbours, so each is a run of its own.
GAPS = (1, 3, 5)
FIRST = date(2026, 1, 1)
FORKS = multiprocessing.get_context("fork")
MODULE = "xbec_platform_tests.unit.automation.killed_daemon"


@dg.definitions
def defs() -> dg.Definitions:
    """The sensor with the job it asks for, over one asset instead of all."""
    settings = Settings.from_env()

    @dg.asset(group_name="intake", partitions_def=daily(settings))
    def orders() -> None:
        """Never run."""

    jobs = [job for job in build_jobs() if job.name == INTAKE_AND_FACTS]
    return dg.Definitions(assets=[orders], jobs=jobs, sensors=[build_landing_sensor(settings)])


def turns(settings: Settings, minutes: Sequence[int], death: str | None) -> None:
    """What the sensor daemon does at some minutes of a day; in the last of them it dies."""
    origin = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name=MODULE))
    with (
        open_instance(settings) as instance,
        WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(origin)) as workspace,
    ):
        for minute in minutes:
            flags = {NAME: {death: signal.SIGKILL}} if death and minute == minutes[-1] else None
            with freeze_time(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minute)):
                turn = execute_sensor_iteration(
                    workspace, logging.getLogger("sensor"), None, None, debug_crash_flags=flags
                )
                errors = [error for error in turn if error]
            if errors:
                raise RuntimeError(str(errors))


def live(settings: Settings, minutes: Sequence[int], death: str | None = None) -> bool:
    """A life of the daemon; whether it was killed."""
    process = FORKS.Process(target=turns, args=(settings, minutes, death))
    process.start()
    process.join()
    if process.exitcode not in {0, -signal.SIGKILL}:
        raise RuntimeError(f"the daemon failed between minutes {minutes[0]} and {minutes[-1]}")
    return process.exitcode == -signal.SIGKILL


def runs(settings: Settings) -> list[tuple[str, str]]:
    """Day and state of every run."""
    with open_instance(settings) as instance:
        return sorted((str(run_days(run.tags)[0]), run.status.value) for run in instance.get_runs())


def main(home: Path) -> None:
    """Die once at each place, with new files each time, and live on."""
    settings = replace(
        Settings(home=home), start_date=FIRST, end_date=FIRST + timedelta(days=90), automation=True
    )
    settings.save()
    os.environ["XBEC_HOME"] = str(home)
    deaths, minute = {}, 0
    for number, death in enumerate(DEATHS):
        for gap in GAPS:
            day = settings.landing / "orders" / f"dt={FIRST + timedelta(days=10 * number + gap)}"
            day.mkdir(parents=True)
            (day / "a.csv").write_text("x")
        before = len(runs(settings))
        # Files must be quiet for one tick: it asks in the second.
        was_killed = live(settings, (minute, minute + 1), death)
        deaths[death] = [was_killed, len(runs(settings)) - before]
        live(settings, (minute + 2,))
        minute += 3
    live(settings, (minute, minute + 1))
    print(json.dumps({"deaths": deaths, "runs": runs(settings)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
