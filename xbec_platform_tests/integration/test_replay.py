"""Replay: the later days first, kill -9 at random moments, a second run: equal tables.

Few and large windows, because each run starts dbt; the intake's order of files has a property test, and
test_intake_kills kills a hundred ingests.
"""

import os
import random
import signal
import subprocess
import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from xbec_platform.automation.jobs import DECISIONS, INTAKE_AND_FACTS
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.dbt_builds import TABLE
from xbec_platform_tests.integration.homes import (
    END,
    FIRST,
    Shop,
    run_job,
    small_shop,
    start_job,
    tables,
)

MIDDLE = FIRST + timedelta(days=13)


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
    assert run_job(shop.settings, INTAKE_AND_FACTS, END - timedelta(days=2), END, again=True)
    assert last_build(shop.settings) != built_by
    assert run_job(shop.settings, DECISIONS, END - timedelta(days=1), END)
    # Asked for late: by now another worker has made it.
    finished: Shop = request.getfixturevalue("finished_shop")
    assert tables(shop.settings) == tables(finished.settings), f"killed after {moments} s, seed {seed}"
