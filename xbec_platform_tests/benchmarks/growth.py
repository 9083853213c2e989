"""One day of 10^4 to 10^6 events, from its files to the published snapshot: seconds, memory, and how they grow.

    python -m xbec_platform_tests.benchmarks.growth [--events 10000 100000 1000000]

A generated world of 20 days is built up to its last day but one. The last day then lands with the traffic of a sale:
its visits are copied under new ids of event, session and device, signed in nowhere, into the same hourly files; for a
day of fewer events some visits stay away. The run is the job `daily` for that day, with everything it decides and
publishes, in a process of its own.
"""

import argparse
import math
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from xbec_platform.automation.jobs import DAILY, DECISIONS, INTAKE_AND_FACTS
from xbec_platform.instance import open_instance
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.world.generate import generate_world
from xbec_platform.world.spec import WorldSpec
from xbec_platform_tests.benchmarks.measured import Cost, Stopwatch, run_python, watched

IDS = ("event_id", "session_id", "anonymous_id")
DAY = timedelta(days=1)
# Seconds and bytes that a day of a million events may take.
GOAL_EVENTS, GOAL_S, GOAL_MB = 1_000_000, 60, 2048
RUN = """
import sys
from datetime import date
from xbec_platform.settings import Settings
from xbec_platform_tests.integration.homes import run_job
sys.exit(0 if run_job(Settings.from_env(), sys.argv[1], *map(date.fromisoformat, sys.argv[2:])) else 1)
"""


@dataclass(frozen=True)
class Measured:
    """A daily run: what it took, the most memory of its processes, and wall seconds of its longest steps."""

    cost: Cost
    peak_mb: float
    steps: tuple[tuple[str, float], ...]


def make_base(home: Path, held: Path, customers: int) -> date:
    """A home built up to its last day but one; the files of that day are put aside."""
    spec = WorldSpec(seed=1, days=20, customers=customers)
    generate_world(home, spec)
    replace(Settings(home=home), start_date=spec.first_day, end_date=spec.last_day + DAY).save()
    for folder in sorted((home / "landing").glob(f"*/dt={spec.last_day}")):
        (held / folder.parent.name).mkdir(parents=True)
        shutil.move(folder, held / folder.parent.name)
    run_python(RUN, home, INTAKE_AND_FACTS, spec.first_day.isoformat(), spec.last_day.isoformat())
    run_python(RUN, home, DECISIONS, (spec.last_day - DAY).isoformat(), spec.last_day.isoformat())
    return spec.last_day


def land(home: Path, held: Path, day: date, events: int) -> int:
    """Deliver the day with about so many events; their number."""
    shutil.copytree(held, home / "landing", dirs_exist_ok=True)
    files = sorted((home / "landing" / "events" / f"dt={day}").glob("*.parquet"))
    share = events / sum(pl.read_parquet(path).height for path in files)
    total = 0
    for path in files:
        rows = pl.read_parquet(path)
        visitors = rows.with_columns(customer_id=pl.lit(None, rows.schema["customer_id"]))
        copies = [
            visitors.with_columns(pl.col(name) + f"-{copy}" for name in IDS)
            for copy in range(1, round(share))
        ]
        if share < 1:
            rows = rows.filter(pl.col("session_id").hash(seed=1) % 1000 < 1000 * share)
        pl.concat([rows, *copies]).sort("ts", "event_id").write_parquet(path)
        total += rows.height * (1 + len(copies))
    return total


def measure(home: Path, day: date) -> Measured:
    """The daily run of a day."""
    watch = Stopwatch(children_only=True)
    command = [sys.executable, "-W", "ignore", "-c", RUN, DAILY, day.isoformat(), (day + DAY).isoformat()]
    _, peak = watched(command, home)
    return Measured(watch.stop(), peak / 2**20, steps(Settings.from_env({"XBEC_HOME": str(home)})))


def steps(settings: Settings) -> tuple[tuple[str, float], ...]:
    """Seconds of the longest steps of the last run."""
    instance = open_instance(settings)
    try:
        (run,) = instance.get_runs(limit=1)
        stats = instance.get_run_step_stats(run.run_id)
    finally:
        instance.dispose()
    took = [(one.step_key, one.end_time - one.start_time) for one in stats if one.end_time and one.start_time]
    return tuple(sorted(took, key=lambda step: -step[1])[:8])


def stored(settings: Settings, day: date) -> int:
    """Events of the day that are stored."""
    sql = f"SELECT count(*) AS n FROM raw.events WHERE ts::DATE = DATE '{day}'"
    return int(Warehouse.of(settings).read_frame(sql, purpose="benchmark")["n"][0])


def exponents(sizes: Sequence[int], seconds: Sequence[float]) -> list[float]:
    """Slopes of log seconds over log size between neighbours; between small ones the start of programs weighs most."""
    return [
        math.log(seconds[place] / seconds[place - 1]) / math.log(sizes[place] / sizes[place - 1])
        for place in range(1, len(sizes))
    ]


def main() -> None:
    """Print asked and measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--customers", type=int, default=3000)
    given = parser.parse_args()
    sizes: list[int] = []
    cpu: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        base, held, home = (Path(folder) / name for name in ("base", "held", "home"))
        day = make_base(home, held, given.customers)
        home.rename(base)
        for events in sorted(given.events):
            # Where it was built: what dbt has parsed counts for that place only.
            shutil.copytree(base, home)
            sizes.append(land(home, held, day, events))
            measured = measure(home, day)
            kept = stored(Settings.from_env({"XBEC_HOME": str(home)}), day)
            shutil.rmtree(home)
            cpu.append(measured.cost.cpu_s)
            asked = f"asked <= {GOAL_S} s, <= {GOAL_MB:,} MB; " if events == GOAL_EVENTS else ""
            told = f"{measured.cost}, {measured.peak_mb:,.0f} MB"
            print(f"a day of {sizes[-1]:,} events ({kept:,} stored): {asked}{told}")
            print("   " + ", ".join(f"{step} {took:.1f} s" for step, took in measured.steps), flush=True)
    if len(sizes) > 1:
        found = ", ".join(f"{one:.2f}" for one in exponents(sizes, cpu))
        print(f"exponents of CPU seconds: asked <= 1.1, measured {found}")


if __name__ == "__main__":
    main()
