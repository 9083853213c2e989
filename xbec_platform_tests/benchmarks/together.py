"""Sixteen processes at once on one home, against the same work one after the other. Wall seconds: a quiet machine.

    python -m xbec_platform_tests.benchmarks.together [--days 24 --customers 150]

Writers: three `xbec backfill`, three runs as a sensor asks for them, two dbt command lines; beside them eight readers
of published.duckdb. Asked: no lock error, no torn read, no waiter that starves, and no more time than 1.1 x serial.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb

from xbec_platform.settings import Settings
from xbec_platform.world.generate import generate_world
from xbec_platform.world.spec import WorldSpec

XBEC = str(Path(sys.executable).parent / "xbec")
READERS = 8
LOCKED = ("Could not set lock", "Conflicting lock", "WarehouseBusyError")
# Both tables are written in one transaction a day and published in one swap: a mixture would differ.
TORN = """
SELECT (SELECT max(as_of_date) FROM marts.mart_rfm) IS DISTINCT FROM
    (SELECT max(as_of_date) FROM marts.mart_user_database)
"""
SENSOR_RUN = """
import sys
from datetime import date
from xbec_platform.automation.jobs import INTAKE_AND_FACTS
from xbec_platform.settings import Settings
from xbec_platform_tests.integration.homes import run_job
days = map(date.fromisoformat, sys.argv[1:3])
sys.exit(0 if run_job(Settings.from_env(), INTAKE_AND_FACTS, *days, again=True) else 1)
"""


READER = """
import sys
from xbec_platform_tests.benchmarks.together import read
read(sys.argv[1], float(sys.argv[2]))
"""


def make_home(home: Path, days: int, customers: int) -> Settings:
    """A world with its first build, so that readers have something to read."""
    spec = WorldSpec(seed=5, days=days, customers=customers)
    generate_world(home, spec)
    settings = replace(
        Settings(home=home), start_date=spec.first_day, end_date=spec.last_day + timedelta(days=1)
    )
    settings.save()
    subprocess.run([XBEC, "backfill", "--decisions", "last-day"], env=environment(home), check=True)
    return settings


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "XBEC_HOME": str(home)}


def writers(last: date) -> list[list[str]]:
    """Commands of all writers."""
    before = [(last - timedelta(days=n)).isoformat() for n in range(8)]
    backfills = [
        [XBEC, "backfill", "--from", before[n + 1], "--to", before[n], "--decisions", "last-day"]
        for n in (0, 2, 4)
    ]
    runs = [[sys.executable, "-c", SENSOR_RUN, before[n + 1], before[n]] for n in (0, 2, 4)]
    dbt = [[XBEC, "dbt", "build", "--select", name] for name in ("fct_order", "fct_order_line")]
    return [*backfills, *runs, *dbt]


def read(published: str, seconds: float) -> None:
    """One reader: opens the snapshot again and again; prints reads, torn reads and the longest one."""
    reads = torn = 0
    longest, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        with duckdb.connect(published, read_only=True) as connection:
            torn += int(connection.execute(TORN).fetchall()[0][0])
        longest = max(longest, time.monotonic() - began)
        reads += 1
        time.sleep(0.5)
    print(reads, torn, longest)


def measure(days: int, customers: int) -> list[tuple[str, str, str]]:
    """(what, asked, measured)."""
    with tempfile.TemporaryDirectory() as folder:
        one, many = Path(folder) / "serial", Path(folder) / "together"
        settings = make_home(one, days, customers)
        shutil.copytree(one, many, ignore=shutil.ignore_patterns("dagster"))
        commands = writers((settings.end_date or settings.start_date) - timedelta(days=1))
        began = time.monotonic()
        for command in commands:
            subprocess.run(command, env=environment(one), check=True, capture_output=True)
        serial_s = time.monotonic() - began
        began = time.monotonic()
        readers = [
            subprocess.Popen(
                [sys.executable, "-c", READER, str(many / "published.duckdb"), str(serial_s)],
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(READERS)
        ]
        outputs = [Path(folder) / f"{n}.log" for n in range(len(commands))]
        ended, running = {}, {}
        for command, output in zip(commands, outputs, strict=True):
            with output.open("w") as stream:
                running[output] = subprocess.Popen(
                    command, env=environment(many), stdout=stream, stderr=stream
                )
        while running:
            for output, process in list(running.items()):
                if process.poll() is not None:
                    ended[output] = (time.monotonic() - began, process.returncode)
                    del running[output]
            time.sleep(0.1)
        together_s = time.monotonic() - began
        said = [[float(part) for part in (reader.communicate()[0] or "0 1 0").split()] for reader in readers]
        locked = sum(any(word in output.read_text() for word in LOCKED) for output in outputs)
        failed = [output.read_text()[-2000:] for output, (_, code) in ended.items() if code]
    for text in failed:
        print(text, file=sys.stderr)
    return [
        ("lock errors of 8 writers", "0", str(locked)),
        ("writers that failed", "0", str(len(failed))),
        (
            "torn reads of 8 readers",
            "0",
            f"{sum(one[1] for one in said):.0f} of {sum(one[0] for one in said):.0f}",
        ),
        ("longest read", "no wait", f"{max(one[2] for one in said):.2f} s"),
        (
            "together / serial",
            "<= 1.1",
            f"{together_s:.0f} s / {serial_s:.0f} s = {together_s / serial_s:.2f}",
        ),
        ("last writer ends", "none starves", f"{max(when for when, _ in ended.values()):.0f} s"),
    ]


def main() -> None:
    """Print asked and measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=24)
    parser.add_argument("--customers", type=int, default=150)
    given = parser.parse_args()
    for what, asked, measured in measure(given.days, given.customers):
        print(f"{what:40} asked {asked:14} measured {measured}")


if __name__ == "__main__":
    main()
