"""A home of 10,000 days and 5,000 landed files: ticks of the landing sensor, loading, and pages of the UI in Chromium.

    python -m xbec_platform_tests.benchmarks.many_days [--days 10000 --files 5000]

Wall seconds: a quiet machine. Dagster's records say of four assets that every day is built.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.events import DagsterEvent, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from playwright.sync_api import Page, sync_playwright

from xbec_platform.asset_keys import FILE_MANIFEST, mart, raw
from xbec_platform.automation.landing_sensor import build_landing_sensor
from xbec_platform.instance import open_instance
from xbec_platform.settings import Settings
from xbec_platform_tests.browser.conftest import FLAGS, _executable

XBEC = str(Path(sys.executable).parent / "xbec")
PORT = 3917
BUILT = (raw("fx_rates"), FILE_MANIFEST, mart("fct_order"), mart("mart_daily_kpi"))
BATCH = 1000
LOAD = """
import sys, time
from pathlib import Path
from xbec_platform.definitions import build_definitions
from xbec_platform.settings import Settings
build_definitions(Settings.from_env({"XBEC_HOME": sys.argv[1]})).get_repository_def().load_all_definitions()
"""
PAGES = {
    "overview of assets": ("/assets", "fct_order"),
    "one asset, its days": ("/assets/marts/fct_order?view=partitions", "Materialized"),
    "asset graph of a group": ("/locations/xbec_platform.definitions/asset-groups/marts_core", "fct_order"),
    "runs": ("/runs", "Runs"),
    "automation": ("/automation", "landing_files"),
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
    """Tell Dagster that every day of some assets is built."""
    instance = open_instance(settings)
    try:
        for key in BUILT:
            events = list(_materialized(settings, key))
            for first in range(0, len(events), BATCH):
                instance.event_log_storage.store_event_batch(events[first : first + BATCH])
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
        yield EventLogEntry(None, 20, "", run, time.time(), None, "history", event)
        day += timedelta(days=1)


def tick_s(settings: Settings) -> float:
    """Seconds of the second tick of the landing sensor, which finds the files quiet and asks for days."""
    sensor, instance = build_landing_sensor(settings), open_instance(settings)
    try:
        cursor = None
        for _ in range(2):
            began = time.monotonic()
            with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
                sensor.evaluate_tick(context)
                cursor = context.cursor
            took = time.monotonic() - began
        return took
    finally:
        instance.dispose()


def load_s(home: Path) -> float:
    """CPU seconds to load all definitions in a fresh process."""
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", LOAD, str(home)])
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError("the definitions do not load")
    return used.ru_utime + used.ru_stime


def page_times(settings: Settings) -> dict[str, float]:
    """Seconds until each page shows what it is for; each opened twice, the second counts."""
    server = subprocess.Popen(
        [XBEC, "ui", "--port", str(PORT)],
        env={**os.environ, "XBEC_HOME": str(settings.home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _await_server()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=_executable(), args=list(FLAGS))
            page = browser.new_page()
            page.set_default_timeout(120_000)
            times = {name: min(_opened(page, *where) for _ in range(2)) for name, where in PAGES.items()}
            browser.close()
            return times
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _await_server() -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/server_info", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(1)
    raise TimeoutError("the UI did not come up in 300 s")


def _opened(page: Page, path: str, text: str) -> float:
    began = time.monotonic()
    page.goto(f"http://127.0.0.1:{PORT}{path}", wait_until="domcontentloaded")
    page.get_by_text(text).first.wait_for()
    return time.monotonic() - began


def main() -> None:
    """Print asked and measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=5_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small = make_home(Path(folder) / "small", 60, 60)
        large = make_home(Path(folder) / "large", given.days, given.files)
        few, many = load_s(small.home), load_s(large.home)
        print(f"{'load of the code location':34} asked unchanged  measured {few:.1f} -> {many:.1f} CPU s")
        print(
            f"{'tick of the landing sensor':34} asked <= 5 s     measured {tick_s(large):.2f} s", flush=True
        )
        record_days(large)
        for name, took in page_times(large).items():
            print(f"{'page: ' + name:34} asked <= 3 s     measured {took:.1f} s", flush=True)


if __name__ == "__main__":
    main()
