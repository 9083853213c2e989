"""Replay: the later days first, kill -9 at random moments, a cancel inside dbt, a second run: equal tables.

Few and large windows, because each run starts dbt; the intake's order of files has a property test, and
test_intake_kills kills a hundred ingests.
"""

import os
import random
import signal
import subprocess
import threading
import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from xbec_platform.automation.jobs import DECISIONS, INTAKE_AND_FACTS
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.dbt_builds import TABLE
from xbec_platform.warehouse.fingerprint import fingerprints
from xbec_platform.warehouse.queue import tickets
from xbec_platform_tests.integration.homes import (
    END,
    FIRST,
    Shop,
    run_job,
    small_shop,
    start_job,
    tables,
)
from xbec_platform_tests.integration.services.processes import eventually

MIDDLE = FIRST + timedelta(days=13)
# Models that a run rebuilds by days, early and late ones.
REBUILT = ("intermediate/int_events", "marts/core/fct_order_line", "marts/reporting/mart_user_database")


def killed(shop: Shop, start: date, end: date, draw: random.Random) -> float:
    """Start a run over the days and kill its whole process group, dbt included; when that was."""
    moment = draw.uniform(5, 20)
    process = start_job(shop.settings, INTAKE_AND_FACTS, start, end)
    try:
        process.wait(timeout=moment)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return moment


def cancelled(settings: Settings, start: date, end: date, model: str) -> bool:
    """Run over the days in this process and interrupt it when dbt has begun a model; whether the run failed of that."""
    begun = settings.dbt_target / "run" / "xbec" / "models" / f"{model}.sql"
    before_ns = begun.stat().st_mtime_ns

    def interrupt() -> None:
        eventually(lambda: begun.stat().st_mtime_ns != before_ns, f"dbt to begin {model}", every_s=0.002)
        signal.pthread_kill(int(threading.main_thread().ident or 0), signal.SIGINT)

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    has_succeeded = run_job(settings, INTAKE_AND_FACTS, start, end, again=True)
    watcher.join()
    return not has_succeeded


def last_build(settings: Settings) -> str:
    """The run that called dbt last."""
    with Warehouse.of(settings).connect("test") as connection:
        sql = f"SELECT run_id FROM {TABLE} ORDER BY number DESC LIMIT 1"
        return str(connection.execute(sql).fetchall()[0][0])


def test_later_days_first_killed_and_run_again_give_equal_tables(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The facts of a week depend neither on whether the week before was there nor on runs that died.

    Nothing is cleaned up by hand between a kill and the next run.
    """
    seed = time.time_ns()
    draw = random.Random(seed)
    shop = small_shop(tmp_path / "shuffled")
    moments = [killed(shop, MIDDLE, END, draw)]
    assert run_job(shop.settings, INTAKE_AND_FACTS, MIDDLE, END)
    moments.append(killed(shop, FIRST, MIDDLE, draw))
    assert run_job(shop.settings, INTAKE_AND_FACTS, FIRST, MIDDLE)
    built_by = last_build(shop.settings)
    assert run_job(shop.settings, INTAKE_AND_FACTS, END - timedelta(days=2), END)
    assert last_build(shop.settings) == built_by, "dbt was called although nothing had changed"
    before, model = tables(shop.settings), draw.choice(REBUILT)
    assert cancelled(shop.settings, END - timedelta(days=2), END, model)
    assert not [one for one in tickets(shop.settings.warehouse) if one.is_alive]
    with Warehouse.of(shop.settings, wait_s=0).connect("test") as connection:
        # A model that had lost its days and not got them back would differ.
        assert fingerprints(connection) == before, f"cancelled in {model}"
    assert run_job(shop.settings, INTAKE_AND_FACTS, END - timedelta(days=2), END, again=True)
    assert last_build(shop.settings) != built_by
    assert run_job(shop.settings, DECISIONS, END - timedelta(days=1), END)
    # Asked for late: by now another worker has made it.
    finished: Shop = request.getfixturevalue("finished_shop")
    assert tables(shop.settings) == tables(finished.settings), f"killed after {moments} s, seed {seed}"
