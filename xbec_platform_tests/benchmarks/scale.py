"""A home of 10,000 days and 5,000 landed files: ticks of the landing sensor, loading, and what the UI asks for.

    python -m xbec_platform_tests.benchmarks.scale [--days 10000 --files 5000]

Dagster's records say of four assets that every day is built, and hold 1,000 runs. The UI's pages are measured by the
GraphQL they ask, of a web server and a code server as `xbec serve` runs them: the seconds of whoever waits, and the
CPU seconds of both servers, which other work on the machine does not move.
"""

import argparse
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
from dagster._core.events import DagsterEvent, StepMaterializationData
from dagster._core.events.log import EventLogEntry

from xbec_platform.asset_keys import FILE_MANIFEST, mart, raw
from xbec_platform.automation.jobs import DAILY
from xbec_platform.automation.landing_sensor import build_landing_sensor
from xbec_platform.instance import open_instance
from xbec_platform.partitions import range_tags
from xbec_platform.settings import Settings
from xbec_platform_tests.benchmarks.measured import (
    PROGRAMS,
    Cost,
    Stopwatch,
    cpu_s,
    descendants,
    environment,
    run_python,
)

WEB_PORT, CODE_PORT = 3917, 4917
BUILT = (raw("fx_rates"), FILE_MANIFEST, mart("fct_order"), mart("mart_daily_kpi"))
BATCH = RUNS = 1000
LOAD = """
from xbec_platform.definitions import build_definitions
from xbec_platform.settings import Settings
build_definitions(Settings.from_env()).get_repository_def().load_all_definitions()
"""
KEY = {"path": list(mart("fct_order").path)}
PAGES = {
    "all assets": "query { assetNodes { id assetKey { path } groupName kinds owners { __typename } isPartitioned } }",
    "one asset, its days": """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
        partitionKeys partitionStats { numMaterialized numPartitions }
        assetPartitionStatuses { ... on TimePartitionStatuses { ranges { startKey endKey status } } } } } }""",
    "one asset, its history": """query($key: AssetKeyInput!) { assetOrError(assetKey: $key) { ... on Asset {
        assetMaterializations(limit: 100) { partition timestamp runId metadataEntries { label } } } } }""",
    "runs": "query { runsOrError(limit: 26) { ... on Runs { results { runId status jobName tags { key value } } } } }",
}


def make_home(home: Path, days: int, files: int) -> Settings:
    """Days back from a fixed one; small files spread over them."""
    end = date(2026, 6, 1)
    settings = replace(Settings(home=home), start_date=end - timedelta(days=days), end_date=end)
    settings.save()
    for number in range(files):
        day = settings.start_date + timedelta(days=number * days // files)
        folder = settings.landing / "fx_rates" / f"dt={day}"
        folder.mkdir(parents=True, exist_ok=True)
        text = f"rate_date,currency,rate_to_base,source\n{day},USD,1.1,ecb\n"
        (folder / f"f{number:05d}.csv").write_text(text)
    return settings


def record_days(settings: Settings) -> None:
    """Tell Dagster that every day of some assets is built, and of some runs."""
    instance = open_instance(settings)
    try:
        for key in BUILT:
            events = list(_materialized(settings, key))
            for first in range(0, len(events), BATCH):
                instance.event_log_storage.store_event_batch(events[first : first + BATCH])
        for number in range(RUNS):
            day = settings.start_date + timedelta(days=number)
            tags = range_tags(day, day + timedelta(days=1))
            instance.add_run(dg.DagsterRun(job_name=DAILY, tags=tags, status=dg.DagsterRunStatus.SUCCESS))
    finally:
        instance.dispose()


def _materialized(settings: Settings, key: dg.AssetKey) -> Iterator[EventLogEntry]:
    run = dg.DagsterRun(job_name="history").run_id
    day = settings.start_date
    while settings.end_date and day < settings.end_date:
        told = dg.AssetMaterialization(key, partition=day.isoformat())
        event = DagsterEvent(
            event_type_value=dg.DagsterEventType.ASSET_MATERIALIZATION.value,
            job_name="history",
            event_specific_data=StepMaterializationData(told),
        )
        yield EventLogEntry(None, 20, "", run, time.time(), None, "history", event)  # type: ignore[no-untyped-call]
        day += timedelta(days=1)


def ticks(settings: Settings) -> dict[str, tuple[Cost, int]]:
    """Cost and requests of three ticks: files are seen, found quiet and asked for, and as they were.

    The second one asks for 30 days; that nothing is new to the third needs a cursor in which all days were asked for.
    """
    sensor, instance = build_landing_sensor(settings), open_instance(settings)
    told: dict[str, tuple[Cost, int]] = {}
    cursor: str | None = None
    try:
        for name in ("all files new", "all files quiet, days asked for", "nothing new"):
            if name == "nothing new" and cursor:
                memory = json.loads(cursor)
                cursor = json.dumps(memory | {"asked": memory["seen"]})
            watch = Stopwatch()
            with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
                told_now = sensor.evaluate_tick(context)
            cursor = told_now.cursor
            told[name] = watch.stop(), len(told_now.run_requests or [])
    finally:
        instance.dispose()
    return told


def load(home: Path) -> Cost:
    """All definitions in a fresh process."""
    watch = Stopwatch()
    run_python(LOAD, home)
    return watch.stop()


@contextmanager
def served(settings: Settings) -> Iterator[Callable[[], float]]:
    """Code server and web server of a home, ended with everything they started; gives what CPU seconds they used."""
    parts = (
        ["code", "--port", str(CODE_PORT)],
        ["web", "--port", str(WEB_PORT), "--code-port", str(CODE_PORT)],
    )
    running = [
        subprocess.Popen(
            [str(PROGRAMS / "xbec"), "serve", *part],
            env=environment(settings.home),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for part in parts
    ]
    try:
        yield lambda: sum(
            cpu_s(pid) for process in running for pid in (process.pid, *descendants(process.pid))
        )
    finally:
        for process in running:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def ask(query: str) -> Any:
    """Data of a GraphQL query; None while the servers start.

    Raises:
        RuntimeError: The query is refused.
    """
    body = json.dumps({"query": query, "variables": {"key": KEY} if "$key" in query else {}}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{WEB_PORT}/graphql", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 - our own server
            told = json.load(answer)
    except (urllib.error.URLError, ConnectionError):
        return None
    if told.get("errors"):
        raise RuntimeError(told["errors"])
    return told["data"]


def page_times(settings: Settings, days: int) -> dict[str, list[tuple[float, float]]]:
    """Wall and CPU seconds of each page's query, asked twice; whether the days are there is looked at."""
    with served(settings) as used_s:
        deadline = time.monotonic() + 300
        while not (ask(PAGES["all assets"]) or {}).get("assetNodes"):
            if time.monotonic() > deadline:
                raise TimeoutError("the UI did not come up in 300 s")
            time.sleep(1)
        times: dict[str, list[tuple[float, float]]] = {}
        for name, query in PAGES.items():
            times[name] = []
            for _ in range(2):
                began, used_before_s = time.monotonic(), used_s()
                told = ask(query)
                times[name].append((time.monotonic() - began, used_s() - used_before_s))
            if name == "one asset, its days":
                stats = told["assetNodeOrError"]["partitionStats"]
                if stats != {"numMaterialized": days, "numPartitions": days}:
                    raise RuntimeError(f"days are missing: {stats}")
        return times


def main() -> None:
    """Print asked and measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=5_000)
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        small = make_home(Path(folder) / "small", 60, 60)
        large = make_home(Path(folder) / "large", given.days, given.files)
        few, many = load(small.home), load(large.home)
        print(
            f"load of the code location: asked unchanged, measured {few.cpu_s:.1f} -> {many.cpu_s:.1f} CPU s"
        )
        for name, (cost, requests) in ticks(large).items():
            print(f"tick, {name}: asked <= 5 s, measured {cost}; {requests} runs asked for", flush=True)
        record_days(large)
        for name, times in page_times(large, given.days).items():
            told = ", again ".join(f"{wall_s:.2f} s ({used_s:.2f} CPU s)" for wall_s, used_s in times)
            print(f"page, {name}: asked <= 3 s, measured {told}", flush=True)


if __name__ == "__main__":
    main()
