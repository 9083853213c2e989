"""Replay: the later days first, a second run, kill -9 at random moments: equal tables.

Few and large windows, because each run starts dbt twice; the intake's order of files has a property test.
"""

import itertools
import os
import random
import signal
import subprocess
import time
from datetime import timedelta
from pathlib import Path

from xbec_platform.automation.jobs import DECISIONS, INTAKE_AND_FACTS
from xbec_platform_tests.integration.homes import (
    DAYS,
    END,
    FIRST,
    Shop,
    run_all,
    run_job,
    small_shop,
    start_all,
    tables,
)

KILLS = 2


def test_later_days_first_and_a_second_run_give_equal_tables(finished_shop: Shop, tmp_path: Path) -> None:
    """Days come late first: the facts of a week must not depend on whether the week before was there."""
    shop = small_shop(tmp_path / "shuffled")
    edges = [0, 13, DAYS]
    windows = list(itertools.pairwise(edges))
    windows.reverse()
    for first, last in windows:
        start, end = FIRST + timedelta(days=first), FIRST + timedelta(days=last)
        assert run_job(shop.settings, INTAKE_AND_FACTS, start, end)
    assert run_job(shop.settings, DECISIONS, END - timedelta(days=1), END)
    assert tables(shop.settings) == tables(finished_shop.settings)
    assert run_job(shop.settings, INTAKE_AND_FACTS, FIRST, END)
    assert tables(shop.settings) == tables(finished_shop.settings)


def test_killed_at_random_moments_and_run_again_gives_equal_tables(
    finished_shop: Shop, tmp_path: Path
) -> None:
    """The whole process group dies, dbt included; nothing is cleaned up by hand before the next run."""
    shop = small_shop(tmp_path / "killed")
    moments = random.Random(time.time_ns()).sample(range(8, 60), KILLS)
    for moment in sorted(moments):
        process = start_all(shop.settings)
        try:
            process.wait(timeout=moment)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert run_all(shop.settings)
    assert tables(shop.settings) == tables(finished_shop.settings), f"killed after {sorted(moments)} s"
