"""A daemon that is killed in the middle of a sensor's tick: the next one starts every run, and none twice."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from xbec_platform_tests.unit.automation.killed_daemon import DEATHS, FIRST, GAPS

CHECKOUT = Path(__file__).parents[3]


def test_no_run_is_lost_and_none_comes_twice(tmp_path: Path) -> None:
    """Four deaths by SIGKILL: before and after the sensor has asked, after one of three runs is made, or queued."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "xbec_platform_tests.unit.automation.killed_daemon", tmp_path],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["deaths"] == {
        "TICK_HELD": [True, 0],
        "RUN_IDS_RESERVED": [True, 0],
        "RUN_CREATED": [True, 1],
        "RUN_LAUNCHED": [True, 1],
    }
    expected = [FIRST + timedelta(days=10 * number + gap) for number in range(len(DEATHS)) for gap in GAPS]
    assert told["runs"] == [[str(day), "QUEUED"] for day in expected]
