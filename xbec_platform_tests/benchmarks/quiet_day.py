"""A daily run on a day for which nothing changed, start of process included. Wall seconds: a quiet machine.

    python -m xbec_platform_tests.benchmarks.quiet_day [--home DIR]

Without a home the default world is generated and built first, which takes minutes.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from xbec_platform.instance import prepare_instance
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.dbt_builds import TABLE

PROGRAMS = Path(sys.executable).parent


def daily(settings: Settings) -> tuple[float, float]:
    """Wall and CPU seconds of the daily job for the home's last day."""
    prepare_instance(settings)
    day = (settings.end_date or settings.start_date) - timedelta(days=1)
    command = [str(PROGRAMS / "dagster"), "job", "execute", "-m", "xbec_platform.definitions", "-j", "daily"]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [*command, "--tags", json.dumps({"dagster/partition": day.isoformat()})],
        env={**os.environ, "XBEC_HOME": str(settings.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"the daily run failed, so nothing was measured:\n{done.stderr[-3000:]}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - began, cpu_s


def calls(settings: Settings) -> int:
    """Number of the last call of dbt."""
    with Warehouse.of(settings).connect("benchmark") as connection:
        return int(connection.execute(f"SELECT coalesce(max(number), 0) FROM {TABLE}").fetchall()[0][0])


def main() -> None:
    """Print asked and measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = given.home or Path(folder)
        if given.home is None:
            subprocess.run(
                [str(PROGRAMS / "xbec"), "run"],
                env={**os.environ, "XBEC_HOME": str(home)},
                check=True,
                stdout=subprocess.DEVNULL,
            )
        settings = Settings.from_env({"XBEC_HOME": str(home)})
        daily(settings)
        before = calls(settings)
        wall_s, cpu_s = daily(settings)
        print(
            f"{'daily run, nothing changed':40} asked <= 25 s wall   measured {wall_s:.1f} s ({cpu_s:.1f} CPU s)"
        )
        print(f"{'calls of dbt':40} asked <= 2           measured {calls(settings) - before}")


if __name__ == "__main__":
    main()
