"""kill -9 at random moments of run, dbt, daemon and code server; the tables must equal those of an undisturbed home.

    python -m xbec_platform_tests.benchmarks.kills [--kills 200 --seed N]

Each turn a run over random days is started or asked for, and one of five victims is killed: the run alone (its dbt
lives on for some seconds), the run with its dbt, dbt alone, daemon or code server while they launch a run.
Nothing is cleaned up by hand. It takes about 20 s a kill.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import dagster as dg

from xbec_platform.automation.jobs import DECISIONS, INTAKE_AND_FACTS
from xbec_platform.instance import open_instance
from xbec_platform.partitions import range_tags
from xbec_platform.settings import Settings
from xbec_platform.warehouse.queue import tickets
from xbec_platform_tests.integration.homes import (
    DAYS,
    END,
    FIRST,
    run_all,
    run_job,
    small_shop,
    start_job,
    tables,
)

PROGRAMS = Path(sys.executable).parent
CODE_PORT = 4917
VICTIMS = ("run", "run and dbt", "dbt", "daemon", "code server")
# A run over all days takes about so long on a quiet machine.
LONGEST_S = 25.0
DRAIN_S = 600.0


class Services:
    """Code server and daemon of a home, as `xbec serve` runs them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start those that do not run."""
        for part in ("code", "daemon"):
            if part not in self._running or self._running[part].poll() is not None:
                port = ["--port", str(CODE_PORT)] if part == "code" else ["--code-port", str(CODE_PORT)]
                self._running[part] = subprocess.Popen(
                    [str(PROGRAMS / "xbec"), "serve", part, *port],
                    env={**os.environ, "XBEC_HOME": str(self._settings.home)},
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )

    def kill(self, part: str) -> None:
        """End a part with SIGKILL."""
        self._running[part].kill()
        self._running[part].wait()

    def stop(self) -> None:
        """End both with everything they started."""
        for process in self._running.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait()

    def ask(self, tags: dict[str, str]) -> None:
        """A run through queue, daemon and code server."""
        words = [f'"{name}": "{value}"' for name, value in tags.items()]
        workspace = str(self._settings.dagster_home / "code_server.yaml")
        for _ in range(10):
            done = subprocess.run(
                [
                    str(PROGRAMS / "dagster"),
                    "job",
                    "launch",
                    "-w",
                    workspace,
                    "-j",
                    INTAKE_AND_FACTS,
                    "--tags",
                    "{" + ", ".join(words) + "}",
                ],
                env={
                    **os.environ,
                    "XBEC_HOME": str(self._settings.home),
                    "DAGSTER_HOME": str(self._settings.dagster_home),
                },
                capture_output=True,
                check=False,
            )
            if done.returncode == 0:
                return
            time.sleep(3)
        raise RuntimeError(done.stderr.decode()[-2000:])


def children(pid: int) -> list[int]:
    """Processes a process started."""
    found = subprocess.run(
        ["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    return [int(one) for one in found]


def kill_run(settings: Settings, victim: str, draw: random.Random) -> bool:
    """Start a run, kill it or its dbt; whether there was anything left to kill."""
    first = draw.randrange(DAYS - 1)
    start, end = FIRST + timedelta(days=first), FIRST + timedelta(days=draw.randint(first + 1, DAYS))
    process = start_job(settings, INTAKE_AND_FACTS, start, end)
    deadline = time.monotonic() + draw.uniform(2, LONGEST_S)
    if victim == "dbt":
        while (
            process.poll() is None and not children(process.pid) and time.monotonic() < deadline + LONGEST_S
        ):
            time.sleep(0.1)
        time.sleep(draw.uniform(0, 8))
    while victim != "dbt" and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    if process.poll() is not None:
        return False
    if victim == "run and dbt":
        os.killpg(process.pid, signal.SIGKILL)
    elif victim == "run":
        process.kill()
    else:
        for child in children(process.pid):
            os.kill(child, signal.SIGKILL)
    process.wait()
    return True


def open_runs(settings: Settings) -> int:
    """Runs that have not ended."""
    instance = open_instance(settings)
    try:
        ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
        statuses = [status for status in dg.DagsterRunStatus if status not in ended]
        return instance.get_runs_count(dg.RunsFilter(statuses=statuses))
    finally:
        instance.dispose()


def drained(settings: Settings) -> bool:
    """Whether all runs end within ten minutes with nobody's help."""
    deadline = time.monotonic() + DRAIN_S
    while open_runs(settings):
        if time.monotonic() > deadline:
            return False
        time.sleep(3)
    return True


def main() -> None:
    """Print asked and measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    killed = dict.fromkeys(VICTIMS, 0)
    with tempfile.TemporaryDirectory() as folder:
        calm, shop = small_shop(Path(folder) / "calm"), small_shop(Path(folder) / "killed")
        if not run_all(calm.settings):
            sys.exit("the undisturbed home could not be built")
        services = Services(shop.settings)
        try:
            for number in range(given.kills):
                victim = VICTIMS[number % len(VICTIMS)]
                if victim in {"daemon", "code server"}:
                    services.start()
                    time.sleep(draw.uniform(10, 20))
                    day = FIRST + timedelta(days=draw.randrange(DAYS))
                    services.ask(range_tags(day, day + timedelta(days=1)))
                    time.sleep(draw.uniform(0, LONGEST_S))
                    services.kill("code" if victim == "code server" else "daemon")
                    killed[victim] += 1
                else:
                    killed[victim] += kill_run(shop.settings, victim, draw)
                print(f"\r{number + 1} of {given.kills}", end="", file=sys.stderr, flush=True)
            services.start()
            ends = drained(shop.settings)
        finally:
            services.stop()
        last = END - timedelta(days=1)
        built = run_job(shop.settings, INTAKE_AND_FACTS, FIRST, END) and run_job(
            shop.settings, DECISIONS, last, END
        )
        waiting = [one for one in tickets(shop.settings.warehouse) if one.is_alive]
        equal = tables(shop.settings) == tables(calm.settings)
    print(f"\nseed {given.seed}")
    for what, asked, measured in (
        ("kills", str(given.kills), f"{sum(killed.values())} {killed}"),
        ("runs end by themselves after a restart", "yes", "yes" if ends else "no"),
        ("the next run succeeds", "yes", "yes" if built else "no"),
        ("tables equal an undisturbed home's", "yes", "yes" if equal else "no"),
        ("places in the queue still held", "0", str(len(waiting))),
    ):
        print(f"{what:40} asked {asked:8} measured {measured}")
    sys.exit(0 if ends and built and equal and not waiting else 1)


if __name__ == "__main__":
    main()
