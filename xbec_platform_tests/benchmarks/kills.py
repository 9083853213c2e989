"""kill -9 at random moments of run, dbt, code server and daemon; the tables must equal those of an undisturbed home.

    python -m xbec_platform_tests.benchmarks.kills [--kills 200 --kills-a-day 20 --seed N --models NAME ...]

A small shop is built up to a day; the days after it land one by one, each in as many parts as it has kills. A part
lands, and while it is loaded a victim is killed at a moment that is drawn: the run (its dbt outlives it by seconds),
the run with its dbt, dbt alone. The last part is loaded by a run through queue, daemon and code server, killed
at moments drawn over its length and started again at once; so is its process, which the daemon has to start again.
Then the day is run once more as anybody would, and the next one lands. Nothing is cleaned up by hand, nothing is built
anew at the end: what a kill spoiled is seen. A kill counts when its victim lived until then.

After each kill the file must open, every file be there with all its rows or with none, and no day have gone from a
table. Cheap because all processes but those that Dagster starts are forked from one that has everything imported, and
because dbt has few models (`--models all`: the project as it is).
"""

import argparse
import ctypes
import itertools
import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import dagster as dg
import pandas  # noqa: F401 - DuckDB imports it with the first bound parameter
from dagster._cli import cli as dagster_programs
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import GrpcServerTarget
from dagster._daemon.cli import cli as dagster_daemon
from dagster_graphql.cli import execute_query

from xbec_platform.automation.jobs import INTAKE_AND_FACTS
from xbec_platform.commands.serve import Part, command_line
from xbec_platform.dbt_program import PROJECT_DIR
from xbec_platform.definitions import build_definitions
from xbec_platform.instance import open_instance, prepare_instance
from xbec_platform.operations.run_process import process_of
from xbec_platform.partitions import range_tags
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse, missing_tables
from xbec_platform.warehouse.fingerprint import fingerprints
from xbec_platform.warehouse.queue import tickets
from xbec_platform.world.generate import generate_world
from xbec_platform.world.spec import WorldSpec
from xbec_platform_tests.benchmarks.measured import Stopwatch, descendants
from xbec_platform_tests.benchmarks.small_checkout import small_checkout

CODE_PORT = 4918
RUN, RUN_AND_DBT, DBT, CODE, DAEMON, WORKER = "run", "run and dbt", "dbt", "code", "daemon", "worker"
# The run a person started is not started again by the daemon: its next one is.
ALONE = {"dagster/max_retries": "0"}
MODELS = ("mart_rfm", "fct_session")
DAY = timedelta(days=1)
DAYS, CUSTOMERS, HELD = 30, 100, 10
SPEC = WorldSpec(seed=5, days=DAYS, customers=CUSTOMERS, last_day=date(2026, 1, DAYS))
FIRST, END = SPEC.first_day, SPEC.last_day + DAY
WAIT_S = 600.0
ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
LOCATION = "xbec_platform"
LAUNCH = """
mutation($run: ExecutionParams!) { launchRun(executionParams: $run) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
FORKS = multiprocessing.get_context("fork")
_BECOME_SUBREAPER = 36


@dataclass(frozen=True)
class Child:
    """A process forked from this one, the first of a session, and what it has to say."""

    process: Any
    says: Connection

    def answer(self) -> Any:
        """What its task returned; None when it died before."""
        with suppress(EOFError):
            found = self.says.recv()
            self.process.join()
            return found
        self.process.join()
        return None


def fork(log: Path, task: Callable[..., Any], *given: Any) -> Child:
    """Begin a task in a process of its own. This one must never use Polars or DuckDB: their threads are not forked."""
    here, there = FORKS.Pipe(duplex=False)

    def work() -> None:
        os.setsid()
        with log.open("ab") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        there.send(task(*given))

    process = FORKS.Process(target=work)
    process.start()
    there.close()
    return Child(process, here)


def make_home(home: Path) -> Settings:
    """The shop's landed files."""
    settings = replace(Settings(home=home), start_date=FIRST, end_date=END)
    generate_world(home, SPEC)
    settings.save()
    return settings


@cache
def job(settings: Settings) -> dg.JobDefinition:
    """The job of a home, the same for all runs that are forked after it was made."""
    return build_definitions(settings).resolve_job_def(INTAKE_AND_FACTS)


def load(settings: Settings, start: date, end: date) -> bool:
    """Run the job over `[start, end)`; whether it succeeded."""
    settings.announce()
    with open_instance(settings) as instance:
        tags = {**range_tags(start, end), **ALONE}
        return bool(
            job(settings).execute_in_process(instance=instance, tags=tags, raise_on_error=False).success
        )


def serve(settings: Settings, part: Part) -> None:
    """Be the code server or the daemon, with the words that `xbec serve` gives them."""
    settings.announce()
    prepare_instance(settings)
    words = command_line(settings, part, port=CODE_PORT if part is Part.CODE else 0, code_port=CODE_PORT)
    (dagster_programs if part is Part.CODE else dagster_daemon)(words[1:])


def launch(settings: Settings, day: date) -> str:
    """Ask for the run of a day as the UI's launchpad does, until the code server answers; its id.

    Raises:
        TimeoutError: Nobody took it within the time.
    """
    target = GrpcServerTarget(port=CODE_PORT, socket=None, host="127.0.0.1", location_name=LOCATION)
    tags = [{"key": key, "value": value} for key, value in range_tags(day, day + DAY).items()]
    selector = {
        "repositoryLocationName": LOCATION,
        "repositoryName": "__repository__",
        "pipelineName": INTAKE_AND_FACTS,
    }
    wanted = {"run": {"selector": selector, "executionMetadata": {"tags": tags}}}
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        with open_instance(settings) as instance, WorkspaceProcessContext(instance, target) as workspace:
            answer = execute_query(workspace, LAUNCH, wanted)["data"]["launchRun"]
        if answer["__typename"] == "LaunchRunSuccess":
            return str(answer["run"]["runId"])
        time.sleep(1)
    raise TimeoutError(str(answer))


def drained(settings: Settings) -> bool:
    """Whether all runs end with nobody's help."""
    deadline = time.monotonic() + WAIT_S
    open_ones = dg.RunsFilter(statuses=[one for one in dg.DagsterRunStatus if one not in ENDED])
    with open_instance(settings) as instance:
        while instance.get_runs_count(open_ones) and time.monotonic() < deadline:
            time.sleep(0.5)
        return not instance.get_runs_count(open_ones)


def worker(settings: Settings) -> int | None:
    """The process of the run that runs."""
    with open_instance(settings) as instance:
        running = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]), limit=1)
        process = process_of(instance, running[0].run_id) if running else None
    return process.number if process else None


def stored(settings: Settings) -> dict[str, set[object]]:
    """Days of each table that has a window of them, and files whose rows are not those of their account.

    A dbt that has outlived its run is waited for.
    """
    days = {
        f"{path.relative_to(PROJECT_DIR / 'models').parts[0]}.{path.stem}": found[1]
        for path in (PROJECT_DIR / "models").rglob("*.sql")
        if (found := re.search(r"delete_window\('(\w+)'\)", path.read_text(encoding="utf-8")))
    }
    with Warehouse.of(settings, wait_s=120).connect("kills: what is there") as connection:
        absent = missing_tables(connection, list(days))
        told: dict[str, set[object]] = {
            table: {day for (day,) in connection.execute(f"SELECT DISTINCT {day} FROM {table}").fetchall()}
            for table, day in days.items()
            if table not in absent
        }
        tables = connection.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE schema_name = 'raw'"
        ).fetchall()
        loaded = " UNION ALL ".join(f"SELECT _file_id FROM {table}" for (table,) in tables)
        broken = connection.execute(
            f"""SELECT coalesce(path, 'rows of no file') FROM ops.file_manifest
            FULL JOIN (SELECT _file_id AS file_id, count(*) AS n FROM ({loaded}) GROUP BY 1) USING (file_id)
            WHERE path IS NULL OR (status = 'loaded' AND coalesce(n, 0) <> rows_loaded)"""
        ).fetchall()
    return told | {"broken files": {path for (path,) in broken}}


def all_tables(settings: Settings) -> dict[str, tuple[int, str]]:
    """Rows and content hash of every table."""
    with Warehouse.of(settings).connect("kills: tables") as connection:
        return fingerprints(connection)


@dataclass
class Round:
    """A home under attack.

    Attributes:
        settings: The home.
        log: What its processes say.
        draw: Decides every moment.
        run_s, dbt_s, launched_s: Lengths of an undisturbed run, of its dbt, and of a run through the queue.
        killed: Kills of victims that lived.
        wrong: What was found.
    """

    settings: Settings
    log: Path
    draw: random.Random
    run_s: float = 20.0
    dbt_s: float = 10.0
    launched_s: float = 30.0
    killed: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    services: dict[Part, Child] = field(default_factory=dict)
    days: dict[str, set[object]] = field(default_factory=dict)

    def start_services(self) -> None:
        """Start those that do not run."""
        for part in (Part.CODE, Part.DAEMON):
            if part not in self.services or not self.services[part].process.is_alive():
                self.services[part] = fork(self.log, serve, self.settings, part)

    def stop_services(self) -> None:
        """End both, runs that they started included."""
        for child in self.services.values():
            with suppress(ProcessLookupError):
                os.killpg(child.process.pid, signal.SIGTERM)
            child.process.join()
        self.services.clear()

    def look(self, victim: str) -> None:
        """Cheap invariants after a kill."""
        now = fork(self.log, stored, self.settings).answer()
        if now is None:
            self.wrong.append(f"{victim}: the file did not open")
            return
        broken = now.pop("broken files")
        gone = {table: days - now.get(table, set()) for table, days in self.days.items()}
        self.wrong += [f"{victim}: {sorted(map(str, broken))}"] * bool(broken)
        self.wrong += [f"{victim}: {table} lost {days}" for table, days in gone.items() if days]
        self.days = now

    def kill_run(self, day: date, victim: str) -> None:
        """Start the run of a day and kill it or its dbt."""
        process = fork(self.log, load, self.settings, day, day + DAY).process
        moment = time.monotonic() + self.draw.uniform(0.1, self.run_s)
        if victim == DBT:
            while process.is_alive() and not list(descendants(process.pid)):
                time.sleep(0.02)
            moment = time.monotonic() + self.draw.uniform(0.0, self.dbt_s)
        while process.is_alive() and time.monotonic() < moment:
            time.sleep(0.02)
        victims = list(descendants(process.pid)) if victim == DBT else [process.pid]
        lived = process.is_alive() and bool(victims)
        if lived and victim == RUN_AND_DBT:
            os.killpg(process.pid, signal.SIGKILL)
        elif lived:
            for one in victims:
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
        process.join()
        self.killed[victim] += lived
        self.look(victim)

    def kill_launched(self, day: date, victims: list[str]) -> None:
        """Ask for the run of a day and kill services or the run meanwhile; what was killed comes back by itself."""
        self.start_services()
        fork(self.log, launch, self.settings, day).answer()
        began = time.monotonic()
        moments = sorted(self.draw.uniform(0.0, self.launched_s) for _ in victims)
        for victim, moment in zip(victims, moments, strict=True):
            time.sleep(max(0.0, began + moment - time.monotonic()))
            if victim == WORKER:
                number = fork(self.log, worker, self.settings).answer()
                if number:
                    os.kill(number, signal.SIGKILL)
                self.killed[victim] += bool(number)
                continue
            process = self.services[Part(victim)].process
            self.killed[victim] += process.is_alive()
            process.kill()
            process.join()
            self.start_services()
        if not fork(self.log, drained, self.settings).answer():
            self.wrong.append(f"{day}: runs did not end within {WAIT_S:.0f} s after {victims}")
        self.look(", ".join(victims))

    def finish(self, day: date) -> None:
        """Run the day as anybody would; its lengths are those that moments are drawn from."""
        began = time.monotonic()
        child = fork(self.log, load, self.settings, day, day + DAY)
        seen = []
        while child.process.is_alive() and not child.says.poll(0.1):
            if list(descendants(child.process.pid)):
                seen.append(time.monotonic())
        if not child.answer():
            self.wrong.append(f"{day}: the next run failed")
        if seen:
            self.run_s, self.dbt_s = time.monotonic() - began, seen[-1] - seen[0]


def reap() -> None:
    """Collect orphans, which come to this process: their CPU seconds are part of the cost."""
    known = {one.pid for one in multiprocessing.active_children()}
    for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        if int(child) not in known:
            with suppress(ChildProcessError):
                os.waitpid(int(child), os.WNOHANG)


def processes(home: Path) -> Iterator[str]:
    """Commands of living processes whose command line or environment names a home."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            about = command + (folder / "environ").read_bytes()
            if str(home).encode() in about and int(folder.name) != os.getpid():
                yield command.replace(b"\0", b" ").decode(errors="replace")[:100]


def parts(settings: Settings, held: Path, day: date, number: int, draw: random.Random) -> Iterator[None]:
    """Let the files of a day land in parts, in an order that is drawn; the first part is the largest."""
    files = sorted(held.glob(f"*/dt={day}/*"))
    draw.shuffle(files)
    cuts = [len(files) * place // number for place in range(number + 1)]
    for first, last in itertools.pairwise(cuts):
        for file in files[first:last]:
            target = settings.landing / file.relative_to(held)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, target)
        yield


def measure(kills: int, kills_a_day: int, seed: int, folder: Path) -> list[tuple[str, str, str]]:
    """(what, asked, measured)."""
    draw, log = random.Random(seed), folder / "said"
    calm: Settings = fork(log, make_home, folder / "calm").answer()
    shop: Settings = fork(log, make_home, folder / "shop").answer()
    days = [END - DAY * number for number in range(-(-kills // kills_a_day), 0, -1)]
    held = folder / "held"
    for day in days:
        for source in sorted(shop.landing.glob(f"*/dt={day}")):
            target = held / source.relative_to(shop.landing)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(source, target)
    home = Round(shop, log, draw)
    job(shop)
    if not (fork(log, load, calm, FIRST, END).answer() and fork(log, load, shop, FIRST, days[0]).answer()):
        raise SystemExit(f"the undisturbed runs failed: {log.read_text(errors='replace')[-3000:]}")
    watch = Stopwatch()
    for day in days:
        goal = min(kills, sum(home.killed.values()) + kills_a_day)
        served = [CODE, DAEMON] * (kills_a_day // 4) + [WORKER]
        draw.shuffle(served)
        alone = [
            victim for _ in range(kills_a_day // 4) for victim in (draw.choice((RUN, RUN_AND_DBT)), DBT)
        ][1:]
        landing = parts(shop, held, day, len(alone) + 1, draw)
        for victim in alone:
            next(landing)
            home.kill_run(day, victim)
        next(landing)
        home.kill_launched(day, served)
        while sum(home.killed.values()) < goal:
            home.kill_run(day, draw.choice((RUN, RUN_AND_DBT, DBT)))
        home.stop_services()
        home.finish(day)
        reap()
        print(f"{day}: {sum(home.killed.values())} of {kills}, {home.wrong or 'nothing found'}", flush=True)
    deadline = time.monotonic() + 60
    while (left := list(processes(shop.home))) and time.monotonic() < deadline:
        time.sleep(0.5)
        reap()
    cost, total = watch.stop(), sum(home.killed.values())
    waiting = [one for one in tickets(shop.warehouse) if one.is_alive]
    ours, theirs = (fork(log, all_tables, one).answer() for one in (shop, calm))
    unequal = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    return [
        ("kills of living victims", str(kills), f"{total}: {dict(home.killed)}, seed {seed}"),
        ("found after a kill or by the next run", "0", "; ".join(home.wrong) or "0"),
        (f"of {len(ours)} tables, unequal to an undisturbed home's", "0", ", ".join(unequal) or "0"),
        ("places in the queue still held", "0", str(len(waiting))),
        ("processes left", "0", str(left or 0)),
        ("CPU seconds a kill, the runs that finish included", "<= 5", f"{cost.cpu_s / total:.1f}; {cost}"),
    ]


def main() -> None:
    """Print asked and measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--kills-a-day", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--folder", type=Path, help="where a checkout with few models lies already")
    given = parser.parse_args()
    if given.folder is None and given.models != ["all"]:
        with tempfile.TemporaryDirectory() as folder:
            checkout = small_checkout(Path(folder), given.models)
            again = [sys.executable, "-m", __spec__.name, *sys.argv[1:], "--folder", folder]
            sys.exit(subprocess.call(again, cwd=checkout, env={**os.environ, "PYTHONPATH": folder}))
    ctypes.CDLL(None).prctl(_BECOME_SUBREAPER, 1)
    with tempfile.TemporaryDirectory() as folder:
        told = measure(given.kills, given.kills_a_day, given.seed, Path(folder))
    for what, asked, measured in told:
        print(f"{what:54} asked {asked:4} measured {measured}")


if __name__ == "__main__":
    main()
