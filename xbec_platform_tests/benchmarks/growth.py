"""One day of 10^5, 10^6 and 10^7 events from files to facts: CPU and wall seconds, memory, and how they grow.

    python -m xbec_platform_tests.benchmarks.growth [--events 100000 1000000 10000000]

A day of the generated world is copied under new event, session and visitor ids until it has as many events; the other
sources come as the world makes them. The run is `intake_and_facts` over that day, in a process of its own.
"""

import argparse
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl

from xbec_platform.settings import Settings
from xbec_platform.world.generate import generate_world
from xbec_platform.world.spec import WorldSpec

IDS = ("event_id", "session_id", "anonymous_id")
ROWS_A_FILE = 250_000
RUN = """
import resource, sys
from datetime import timedelta
from xbec_platform.automation.jobs import INTAKE_AND_FACTS
from xbec_platform.settings import Settings
from xbec_platform_tests.integration.homes import run_job
home = Settings.from_env({"XBEC_HOME": sys.argv[1]})
start = home.start_date if sys.argv[2] == "all" else home.end_date - timedelta(days=1)
good = run_job(home, INTAKE_AND_FACTS, start, home.end_date)
peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print("peak", *peaks)
sys.exit(0 if good else 1)
"""


def make_day(home: Path, base: Path, events: int) -> None:
    """A home whose last day has so many events."""
    shutil.copytree(base, home)
    settings = Settings.from_env({"XBEC_HOME": str(home)})
    day = (settings.end_date or settings.start_date) - timedelta(days=1)
    folder = settings.landing / "events" / f"dt={day}"
    files = sorted(folder.glob("*.parquet"))
    rows = pl.concat([pl.read_parquet(path) for path in files], how="vertical_relaxed")
    for path in files:
        path.unlink()
    copies = math.ceil(events / rows.height)
    a_file = max(1, ROWS_A_FILE // rows.height)
    for number, first in enumerate(range(0, copies, a_file)):
        some = [
            rows.with_columns(pl.col(name) + f"-{copy}" for name in IDS)
            for copy in range(first, min(first + a_file, copies))
        ]
        pl.concat(some).head(events - first * rows.height).write_parquet(
            folder / f"events_{number:04d}.parquet"
        )


def measure(home: Path, days: str = "last") -> tuple[float, float, float]:
    """CPU seconds, wall seconds and peak memory in MB of a run over the last day, or over all."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUN, str(home), days],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    wall_s, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    peaks = next(line for line in done.stdout.splitlines() if line.startswith("peak")).split()[1:]
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu_s, wall_s, max(map(int, peaks)) / 1024


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Slope of log seconds over log size between the two largest sizes, where the start of programs weighs least."""
    return math.log(seconds[-1] / seconds[-2]) / math.log(sizes[-1] / sizes[-2])


def main() -> None:
    """Print asked and measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    given = parser.parse_args()
    sizes, cpu = sorted(given.events), []
    with tempfile.TemporaryDirectory() as folder:
        spec, base = WorldSpec(seed=1, days=20, customers=1000), Path(folder) / "base"
        generate_world(base, spec)
        replace(
            Settings(home=base), start_date=spec.first_day, end_date=spec.last_day + timedelta(days=1)
        ).save()
        # The days before are there, as on any other day.
        measure(base, "all")
        for events in sizes:
            home = Path(folder) / "home"
            make_day(home, base, events)
            cpu_s, wall_s, peak_mb = measure(home)
            shutil.rmtree(home)
            cpu.append(cpu_s)
            asked = "asked <= 60 s, <= 2,048 MB  " if events == 1_000_000 else ""
            what = f"a day of {events:,} events"
            print(
                f"{what:34} {asked}measured {cpu_s:.1f} CPU s, {wall_s:.1f} s wall, {peak_mb:,.0f} MB",
                flush=True,
            )
    if len(sizes) > 1:
        print(f"{'exponent of CPU seconds':34} asked <= 1.1  measured {exponent(sizes, cpu):.2f}")


if __name__ == "__main__":
    main()
