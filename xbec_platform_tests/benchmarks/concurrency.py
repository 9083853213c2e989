"""Sixteen processes at once on one home, against the same work one after the other.

    python -m xbec_platform_tests.benchmarks.concurrency [--reads 20]

Eight writers: three runs as the landing sensor asks for them, two `xbec backfill` with decisions and publishing, two
runs that publish, one `xbec dbt`. Runs and backfills load days of their own, so that every published snapshot differs
from the one before. Eight readers open the snapshot again and again and compare its tables with each other, slowly
enough to be overtaken by a swap. That the comparison can fail is shown as well: tables of the first and the last
snapshot are mixed, one table at a time.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb

from xbec_platform.automation.jobs import DECISIONS, INTAKE_AND_FACTS, REPORTS
from xbec_platform.settings import Settings
from xbec_platform.warehouse.queue import tickets
from xbec_platform_tests.benchmarks.measured import PROGRAMS, Cost, Stopwatch, environment, run_python
from xbec_platform_tests.integration.homes import END, FIRST, small_shop

XBEC = str(PROGRAMS / "xbec")
READERS = 8
# Days that the writers load; those before are there already.
NEW_DAYS = 7
PAUSE_S = 0.2
LOCKED = re.compile(r"Could not set lock|Conflicting lock|WarehouseBusyError")
RUN = """
import sys
from datetime import date
from xbec_platform.settings import Settings
from xbec_platform_tests.integration.homes import run_job
sys.exit(0 if run_job(Settings.from_env(), sys.argv[1], *map(date.fromisoformat, sys.argv[2:])) else 1)
"""
READ = """
import sys
from xbec_platform_tests.benchmarks.concurrency import read
read(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
"""
# (tables, query): each counts disagreements between tables that one state of the warehouse cannot have.
INVARIANTS = (
    (
        ("marts.fct_order", "marts.fct_order_line"),
        """SELECT count(*) FROM (SELECT order_id, count(*) AS n FROM marts.fct_order_line GROUP BY 1) AS lines
        FULL JOIN marts.fct_order USING (order_id)
        WHERE fct_order.order_ts IS NULL OR coalesce(n, 0) <> n_lines""",
    ),
    (
        ("marts.fct_order", "marts.mart_daily_kpi"),
        """SELECT count(*)
        FROM (SELECT order_date, count(*) FILTER (is_paid) AS n FROM marts.fct_order GROUP BY 1) AS days
        FULL JOIN (SELECT kpi_date AS order_date, n_orders FROM marts.mart_daily_kpi) AS kpi
            USING (order_date)
        WHERE coalesce(n, 0) <> coalesce(n_orders, 0)""",
    ),
    (
        ("marts.mart_rfm", "marts.mart_user_database"),
        """SELECT count(*) FROM (SELECT DISTINCT as_of_date, customer_id, true AS here FROM marts.mart_rfm) AS rfm
        FULL JOIN (SELECT as_of_date, customer_id, true AS there FROM marts.mart_user_database WHERE n_orders > 0)
            USING (as_of_date, customer_id)
        WHERE here IS NULL OR there IS NULL""",
    ),
)


@dataclass
class Watched:
    """What was seen of the queue while the writers worked: longest wait, and how often somebody was overtaken."""

    longest_wait_s: float = 0.0
    looks: int = 0
    overtaken: int = 0
    purposes: set[str] = field(default_factory=set)

    def look(self, database: Path) -> None:
        """One look at the tickets, which are in the order of arrival."""
        living = [one for one in tickets(database) if one.is_alive]
        self.looks += bool(living)
        for place, ticket in enumerate(living):
            waited_s = ticket.since_s - (ticket.held_s or 0.0)
            self.longest_wait_s = max(self.longest_wait_s, waited_s)
            self.overtaken += ticket.held_s is not None and place > 0
            self.purposes.add(ticket.purpose)


@dataclass(frozen=True)
class Worked:
    """How the writers and readers of one home fared."""

    cost: Cost
    said: dict[str, str]
    failed: list[str]
    reads: list[dict[str, float]]
    watched: Watched


def torn(connection: duckdb.DuckDBPyConnection, pause_s: float = 0.0) -> int:
    """Invariants that a snapshot breaks."""
    broken = 0
    for _, sql in INVARIANTS:
        broken += connection.execute(sql).fetchall()[0][0] > 0
        time.sleep(pause_s)
    return broken


def read(published: str, reads: int, pause_s: float) -> None:
    """One reader; prints how often it read, what was torn, and the longest opening."""
    counts = {"reads": 0.0, "torn": 0.0, "longest_open_s": 0.0}
    for _ in range(reads):
        began = time.monotonic()
        with duckdb.connect(published, read_only=True) as connection:
            counts["longest_open_s"] = max(counts["longest_open_s"], time.monotonic() - began)
            counts["torn"] += torn(connection, pause_s) > 0
        counts["reads"] += 1
    print(json.dumps(counts))


def make_home(home: Path) -> Settings:
    """A small shop whose last days are landed and not yet loaded, with a snapshot to read."""
    settings = small_shop(home).settings
    known = END - timedelta(days=NEW_DAYS)
    run_python(RUN, home, INTAKE_AND_FACTS, FIRST.isoformat(), known.isoformat())
    run_python(RUN, home, DECISIONS, (known - timedelta(days=1)).isoformat(), known.isoformat())
    return settings


def writers() -> list[list[str]]:
    """Commands of the writers; those that load have days of their own, in no order of time."""
    new = [END - timedelta(days=NEW_DAYS - number) for number in range(NEW_DAYS)]

    def run(job: str, day: date) -> list[str]:
        return [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            RUN,
            job,
            day.isoformat(),
            (day + timedelta(days=1)).isoformat(),
        ]

    def backfill(first: date, last: date) -> list[str]:
        days = ["--from", first.isoformat(), "--to", last.isoformat()]
        return [XBEC, "backfill", *days, "--decisions", "last-day"]

    return [
        run(INTAKE_AND_FACTS, new[2]),
        run(REPORTS, new[0] - timedelta(days=1)),
        backfill(new[3], new[4]),
        run(INTAKE_AND_FACTS, new[0]),
        [XBEC, "dbt", "build", "--select", "fct_order", "fct_order_line", "mart_daily_kpi"],
        backfill(new[5], new[6]),
        run(REPORTS, new[0] - timedelta(days=1)),
        run(INTAKE_AND_FACTS, new[1]),
    ]


def readers(settings: Settings, reads: int, pause_s: float) -> list[list[str]]:
    """Commands of the readers."""
    return [[sys.executable, "-c", READ, str(settings.published), str(reads), str(pause_s)]] * READERS


def work(settings: Settings, reads: int, *, at_once: bool) -> Worked:
    """All writers and readers, at once or one after the other."""
    commands = [*writers(), *readers(settings, reads, PAUSE_S if at_once else 0.0)]
    watch, watched = Stopwatch(), Watched()
    waves = [commands] if at_once else [[command] for command in commands]
    said: dict[str, str] = {}
    failed: list[str] = []
    answers: list[dict[str, float]] = []
    for wave in waves:
        for command, code, output in _run(wave, settings, watched):
            name = " ".join(part for part in command if "\n" not in part)
            said[f"{len(said)} {name}"] = output
            if code:
                failed.append(f"{name}:\n{output[-1500:]}")
            elif READ in command:
                answers.append(json.loads(output.splitlines()[-1]))
    return Worked(watch.stop(), said, failed, answers, watched)


def _run(
    commands: Sequence[list[str]], settings: Settings, watched: Watched
) -> list[tuple[list[str], int, str]]:
    """Run commands side by side, with an eye on the queue."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder) / str(number) for number in range(len(commands))]
        running = []
        for command, output in zip(commands, outputs, strict=True):
            with output.open("w") as stream:
                running.append(
                    subprocess.Popen(
                        command, env=environment(settings.home), stdout=stream, stderr=subprocess.STDOUT
                    )
                )
        while any(process.poll() is None for process in running):
            watched.look(settings.warehouse)
            time.sleep(0.1)
        return [
            (command, process.returncode, output.read_text(errors="replace"))
            for command, process, output in zip(commands, running, outputs, strict=True)
        ]


def mixtures_found(first: Path, last: Path, folder: Path) -> tuple[int, int]:
    """Mix one table of the first snapshot into the last, for each table of the invariants: (found, mixtures)."""
    names = sorted({name for tables, _ in INVARIANTS for name in tables})
    found = 0
    for name in names:
        mixed = folder / "mixed.duckdb"
        shutil.copyfile(last, mixed)
        with duckdb.connect(str(mixed)) as connection:
            connection.execute(f"ATTACH '{first}' AS first (READ_ONLY)")
            connection.execute(f"CREATE OR REPLACE TABLE {name} AS FROM first.{name}")
            found += torn(connection) > 0
    return found, len(names)


def main() -> None:
    """Print asked and measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=20, help="snapshots that each reader checks")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base, many, one = (Path(folder) / name for name in ("base", "many", "one"))
        make_home(base)
        for home in (many, one):
            shutil.copytree(base, home, ignore=shutil.ignore_patterns("dagster"))
        together = work(Settings.from_env({"XBEC_HOME": str(many)}), given.reads, at_once=True)
        found, mixtures = mixtures_found(base / "published.duckdb", many / "published.duckdb", Path(folder))
        tell_at_once(together, found, mixtures)
        serial = work(Settings.from_env({"XBEC_HOME": str(one)}), given.reads, at_once=False)
    tell("processes that failed, one after the other", "0", str(len(serial.failed)))
    print(*serial.failed, sep="\n", file=sys.stderr)
    tell("at once / serial, wall", "<= 1.1", f"{together.cost.wall_s / serial.cost.wall_s:.2f}")
    tell("at once / serial, CPU", "", f"{together.cost.cpu_s / serial.cost.cpu_s:.2f}")
    tell("   serial", "", str(serial.cost))


def tell_at_once(worked: Worked, found: int, mixtures: int) -> None:
    """Print how the processes fared beside each other."""
    print(*worked.failed, sep="\n", file=sys.stderr)
    locked = sum(bool(LOCKED.search(text)) for text in worked.said.values())
    reads, torn_reads = (sum(one[key] for one in worked.reads) for key in ("reads", "torn"))
    longest_open_s = max((one["longest_open_s"] for one in worked.reads), default=0.0)
    tell("processes at once", "16", str(len(worked.said)))
    tell("processes that failed", "0", str(len(worked.failed)))
    tell("processes with a lock error", "0", str(locked))
    tell("torn reads", "0", f"{torn_reads:.0f} of {reads:.0f}")
    tell("mixed snapshots that the check finds", "all", f"{found} of {mixtures}")
    tell("longest opening of a snapshot", "no wait", f"{longest_open_s:.2f} s")
    tell("longest wait for the file", "told", f"{worked.watched.longest_wait_s:.1f} s")
    tell("overtaken in the queue", "0", f"{worked.watched.overtaken} in {worked.watched.looks} looks")
    tell("   at once", "", str(worked.cost))


def tell(what: str, asked: str, measured: str) -> None:
    """Print a line of the result."""
    print(f"{what:44} asked {asked:8} measured {measured}", flush=True)


if __name__ == "__main__":
    main()
