"""kill -9 at random moments of run, dbt, code server and daemon; the tables must equal those of an undisturbed home.

    python -m xbec_platform_tests.benchmarks.kills [--kills 200 --kills-a-day 10 --seed N]

A small shop is built up to a day; the days after it land one by one. While a day is loaded its victims are killed, one
after the other, each at a moment that is drawn: the run (its dbt outlives it by seconds), the run with its dbt, dbt
alone, the code server or the daemon while they launch the run. Then the day is run once more as anybody would, and the
next one lands. Nothing is cleaned up by hand, nothing is built anew at the end: what a kill spoiled is seen. A kill
counts when its victim lived until then.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import dagster as dg

from xbec_platform.automation.jobs import INTAKE_AND_FACTS
from xbec_platform.instance import open_instance
from xbec_platform.partitions import range_tags
from xbec_platform.settings import Settings
from xbec_platform.warehouse.queue import tickets
from xbec_platform_tests.benchmarks.measured import PROGRAMS, Stopwatch, descendants, environment
from xbec_platform_tests.integration.homes import END, FIRST, run_job, small_shop, tables

CODE_PORT = 4918
VICTIMS = ("run", "run and dbt", "dbt", "run", "run and dbt", "dbt", "code", "daemon")
DAY = timedelta(days=1)
WAIT_S = 600.0
# Also where nothing has changed: a quiet run has no dbt that could be killed.
RUN = """
import sys
from datetime import date
from xbec_platform.settings import Settings
from xbec_platform_tests.integration.homes import run_job
sys.exit(0 if run_job(Settings.from_env(), sys.argv[1], *map(date.fromisoformat, sys.argv[2:]), again=True) else 1)
"""
ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


class Services:
    """Code server and daemon of a home, as `xbec serve` runs them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start those that do not run."""
        for part, port in (("code", "--port"), ("daemon", "--code-port")):
            if part not in self._running or self._running[part].poll() is not None:
                self._running[part] = subprocess.Popen(
                    [str(PROGRAMS / "xbec"), "serve", part, port, str(CODE_PORT)],
                    env=environment(self._settings.home),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )

    def kill(self, part: str) -> bool:
        """End a part with SIGKILL; whether it lived."""
        process = self._running[part]
        if process.poll() is not None:
            return False
        process.kill()
        process.wait()
        return True

    def stop(self) -> None:
        """End both, runs that they started included."""
        for process in self._running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()

    def ask(self, day: date) -> None:
        """A run over a day through queue, daemon and code server.

        Raises:
            RuntimeError: Nobody took it within the time.
        """
        workspace = str(self._settings.dagster_home / "code_server.yaml")
        tags = json.dumps(range_tags(day, day + DAY))
        command = [
            str(PROGRAMS / "dagster"),
            "job",
            "launch",
            "-w",
            workspace,
            "-j",
            INTAKE_AND_FACTS,
            "--tags",
            tags,
        ]
        homes = {**environment(self._settings.home), "DAGSTER_HOME": str(self._settings.dagster_home)}
        deadline = time.monotonic() + WAIT_S
        while (done := subprocess.run(command, env=homes, capture_output=True, check=False)).returncode:
            if time.monotonic() > deadline:
                raise RuntimeError(done.stderr.decode()[-2000:])
            time.sleep(2)


def processes(home: Path) -> dict[int, str]:
    """Living processes that work on a home, by what their command line or environment says: number -> command."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            if (
                str(home).encode() in command + (folder / "environ").read_bytes()
                and int(folder.name) != os.getpid()
            ):
                found[int(folder.name)] = command.replace(b"\0", b" ").decode(errors="replace")[:100]
    return found


def kill_run(settings: Settings, day: date, victim: str, draw: random.Random, longest_s: float) -> bool:
    """Start the run of a day and kill it or its dbt; whether the victim lived."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, INTAKE_AND_FACTS, day.isoformat(), (day + DAY).isoformat()],
        env=environment(settings.home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    moment = time.monotonic() + draw.uniform(0.1, longest_s)
    if victim == "dbt":
        while process.poll() is None and not list(descendants(process.pid)):
            time.sleep(0.02)
        moment = time.monotonic() + draw.uniform(0.0, longest_s / 2)
    while process.poll() is None and time.monotonic() < moment:
        time.sleep(0.02)
    victims = list(descendants(process.pid)) if victim == "dbt" else [process.pid]
    lived = process.poll() is None and bool(victims)
    if lived and victim == "run and dbt":
        os.killpg(process.pid, signal.SIGKILL)
    elif lived:
        for one in victims:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
    process.wait()
    return lived


def drained(settings: Settings) -> bool:
    """Whether all runs end with nobody's help."""
    deadline = time.monotonic() + WAIT_S
    instance = open_instance(settings)
    try:
        open_ones = dg.RunsFilter(statuses=[one for one in dg.DagsterRunStatus if one not in ENDED])
        while instance.get_runs_count(open_ones):
            if time.monotonic() > deadline:
                return False
            time.sleep(1)
    finally:
        instance.dispose()
    return True


def kill_service(settings: Settings, day: date, part: str, draw: random.Random, longest_s: float) -> bool:
    """Ask for the run of a day, kill a service meanwhile, start it again and let things end; whether it lived."""
    services = Services(settings)
    try:
        services.start()
        services.ask(day)
        time.sleep(draw.uniform(0.0, longest_s))
        lived = services.kill(part)
        services.start()
        if not drained(settings):
            raise SystemExit(f"after {part} was killed and restarted, runs did not end within {WAIT_S:.0f} s")
    finally:
        services.stop()
    return lived


def hold_back(settings: Settings, held: Path, days: list[date]) -> None:
    """Put the landed files of days aside."""
    for day in days:
        for folder in sorted(settings.landing.glob(f"*/dt={day}")):
            target = held / day.isoformat() / folder.parent.name
            target.mkdir(parents=True)
            shutil.move(folder, target / folder.name)


def measure(kills: int, kills_a_day: int, seed: int, folder: Path) -> list[tuple[str, str, str]]:
    """(what, asked, measured)."""
    draw = random.Random(seed)
    calm, shop = small_shop(folder / "calm").settings, small_shop(folder / "shop").settings
    days = [END - DAY * number for number in range(-(-kills // kills_a_day), 0, -1)]
    hold_back(shop, folder / "held", days)
    if not (run_job(calm, INTAKE_AND_FACTS, FIRST, END) and run_job(shop, INTAKE_AND_FACTS, FIRST, days[0])):
        raise SystemExit("the undisturbed runs failed, so nothing was measured")
    killed: Counter[str] = Counter()
    failed: list[date] = []
    turns, longest_s, watch = 0, 20.0, Stopwatch()
    for day in days:
        shutil.copytree(folder / "held" / day.isoformat(), shop.landing, dirs_exist_ok=True)
        wanted = min(sum(killed.values()) + kills_a_day, kills)
        while sum(killed.values()) < wanted:
            victim = VICTIMS[turns % len(VICTIMS)]
            turns += 1
            turn = kill_service if victim in {"code", "daemon"} else kill_run
            killed[victim] += turn(shop, day, victim, draw, longest_s)
            print(
                f"\r{sum(killed.values())} of {kills} in {turns} turns", end="", file=sys.stderr, flush=True
            )
        began = time.monotonic()
        if not run_job(shop, INTAKE_AND_FACTS, day, day + DAY):
            failed.append(day)
        # Moments are drawn from the length of a run, start of its process included.
        longest_s = time.monotonic() - began + 4.0
    cost = watch.stop()
    deadline = time.monotonic() + 60
    while processes(shop.home) and time.monotonic() < deadline:
        time.sleep(0.5)
    left, waiting = processes(shop.home), [one for one in tickets(shop.warehouse) if one.is_alive]
    ours, theirs = tables(shop), tables(calm)
    unequal = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    return [
        ("kills of living victims", str(kills), f"{sum(killed.values())}: {dict(killed)}, seed {seed}"),
        ("days that did not end with the next run", "0", str(len(failed))),
        (f"of {len(ours)} tables, unequal to an undisturbed home's", "0", ", ".join(unequal) or "0"),
        ("places in the queue still held", "0", str(len(waiting))),
        ("processes left", "0", str(left or 0)),
        ("cost", "", str(cost)),
    ]


def main() -> None:
    """Print asked and measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--kills-a-day", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        told = measure(given.kills, given.kills_a_day, given.seed, Path(folder))
    for what, asked, measured in told:
        print(f"{what:54} asked {asked:4} measured {measured}")


if __name__ == "__main__":
    main()
