"""The customer area as it grows: facts by dbt, clusters, interests, preferences, lifetime value, target groups.

Run as `python -m xbec_platform_tests.benchmarks.bench_customer_area [customers ...]` (2000 20000 200000), with
OMP_NUM_THREADS and POLARS_MAX_THREADS at 1. A small generated shop is loaded once; larger ones repeat its customers
under other names, each time with other visits left out, so that 50 events come to a customer as in 10 million events of
200,000 customers. The intake is not part of what is measured.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from xbec_platform.automation.jobs import INTAKE_AND_FACTS
from xbec_platform.dbt_program import VARIABLE_PREFIX
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.world.generate import generate_world
from xbec_platform.world.spec import WorldSpec
from xbec_platform_tests.benchmarks.growth import exponents
from xbec_platform_tests.integration.homes import run_job

Row = dict[str, object]
LAST, DAYS, CUSTOMERS = date(2026, 2, 28), 60, 1000
SIZES = (2_000, 20_000, 200_000)
EVENTS_PER_CUSTOMER = 50
# Names of a person, an order, a visit or a parcel that must be others in every copy.
NAMES = (
    "anonymous_id", "customer_id", "email_hash", "event_id", "impression_id", "order_id", "parcel_id", "payment_id",
    "phone_hash", "return_id", "session_id", "tracking_no",
)  # fmt: skip
COPIED = (
    "customers", "events", "impressions", "order_lines", "orders", "payments", "preferences", "returns", "shipments",
    "tracking_events",
)  # fmt: skip
MODELS = (
    "+mart_user_database", "+mart_customer_moves", "+mart_segment_moves", "+int_item_weights", "+int_device_logins",
    "+int_preference_settings",
)  # fmt: skip
GOALS = {200_000: "<= 120 CPU s, <= 4 GB"}


def run(sizes: Sequence[int] = SIZES) -> list[Row]:
    """Measure every size in a process of its own; rows of name, ours, peer, ratio, unit, goal."""
    rows: list[Row] = []
    spent: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        base = base_shop(Path(folder) / "base")
        for customers in sizes:
            row, parts = measured(base, Path(folder) / str(customers), customers)
            rows.append(row)
            spent.append(parts)
    return [*rows, growth(sizes, spent)] if len(sizes) > 1 else rows


def growth(sizes: Sequence[int], spent: Sequence[Mapping[str, float]]) -> Row:
    """Exponents of CPU seconds from size to size, of the whole and of each part: 1 is linear."""

    def from_size_to_size(seconds: Sequence[float]) -> str:
        return "/".join(f"{one:.2f}" for one in exponents(sizes, seconds))

    parts = ", ".join(f"{name} {from_size_to_size([cpu[name] for cpu in spent])}" for name in spent[0])
    last = exponents(sizes, [sum(cpu.values()) for cpu in spent])[-1]
    name = f"customer area, growth of CPU seconds, exponents from size to size: {parts}"
    return {
        "name": name,
        "ours": round(last, 2),
        "peer": None,
        "ratio": None,
        "unit": "exponent",
        "goal": "<= 1.1",
    }


def base_shop(home: Path) -> Settings:
    """A generated shop with its raw tables."""
    settings = replace(
        Settings(home=home), start_date=LAST - timedelta(days=DAYS - 1), end_date=LAST + timedelta(days=1)
    )
    generate_world(home, WorldSpec(seed=7, days=DAYS, customers=CUSTOMERS, last_day=LAST))
    settings.save()
    if not run_job(settings, INTAKE_AND_FACTS, settings.start_date, LAST + timedelta(days=1)):
        raise RuntimeError("the base shop could not be loaded")
    return settings


def measured(base: Settings, home: Path, customers: int) -> tuple[Row, dict[str, float]]:
    """Grow the shop to a number of customers and measure each part: the row, and CPU seconds by part."""
    settings = replace(base, home=home)
    n_events = grow(base, settings, customers)
    call = [sys.executable, "-m", __spec__.name if __spec__ else __name__, "--home", str(home)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])
    found = json.loads(done.stdout.splitlines()[-1])
    shutil.rmtree(home)
    size = f"customer area, {customers:,} customers, {n_events:,} events"
    parts = ", ".join(f"{name} {cpu:.1f}" for name, cpu in found["parts"].items())
    row: Row = {
        "name": f"{size}: {parts}; {found['gigabytes']:.1f} GB",
        "ours": round(sum(found["parts"].values()), 1),
        "peer": None,
        "ratio": None,
        "unit": "CPU s",
        "goal": GOALS.get(customers, "near linear"),
    }
    return row, found["parts"]


def grow(base: Settings, settings: Settings, customers: int) -> int:
    """Write the raw tables of a shop with so many customers; the number of its events."""
    shutil.copytree(base.home, settings.home, ignore=shutil.ignore_patterns("landing", "dagster", "dbt"))
    with Warehouse.of(settings).connect("benchmark") as connection:

        def count(table: str) -> int:
            return int(connection.execute(f"SELECT count(*) FROM raw.{table}").fetchall()[0][0])

        times = max(1, round(customers / count("customers")))
        kept = min(1.0, EVENTS_PER_CUSTOMER * customers / (times * count("events")))
        for table in COPIED:
            columns = [row[0] for row in connection.execute(f"DESCRIBE raw.{table}").fetchall()]
            named = ", ".join(f"{name} || '-' || copy_no AS {name}" for name in NAMES if name in columns)
            visits = (
                ""
                if "session_id" not in columns
                else f"WHERE hash(session_id, copy_no) % 1000 < {round(1000 * kept)}"
            )
            connection.execute(
                f"CREATE OR REPLACE TABLE raw.{table} AS SELECT * EXCLUDE (copy_no) REPLACE ({named}) "
                f"FROM raw.{table} CROSS JOIN range({times}) AS copies(copy_no) {visits}"
            )
        return count("events")


def main(home: Path) -> None:
    """Measure one home; the last line is the result as JSON."""
    from xbec_platform_tests.benchmarks.customer_area_parts import parts

    settings = replace(Settings(home=home), start_date=LAST - timedelta(days=DAYS - 1))
    spent: dict[str, float] = {}
    scans_of_parcels(settings)
    for name, part in {"dbt": lambda: build(settings, LAST), **parts(settings, LAST)}.items():
        spent[name] = cpu_seconds(part)
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"parts": spent, "gigabytes": most / 1024**2}))


def scans_of_parcels(settings: Settings) -> None:
    """Empty the facts and build those of logistics that the area reads, of all days; not part of what is measured."""
    with Warehouse.of(settings).connect("benchmark") as connection:
        for schema in ("staging", "intermediate", "marts"):
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    _dbt(settings, settings.start_date, ["+int_shipment_scans"])


def build(settings: Settings, day: date) -> None:
    """Facts of all days and the marts of one, from nothing."""
    _dbt(settings, day, MODELS)


def _dbt(settings: Settings, first: date, models: Sequence[str]) -> None:
    program = Path(sys.executable).with_name("xbec")
    # As the platform gives the window: other --vars would make dbt parse the project whole, 7 CPU s of a call.
    window = {"MIN_DATE": first.isoformat(), "MAX_DATE": (LAST + timedelta(days=1)).isoformat()}
    given = {f"{VARIABLE_PREFIX}{name}": day for name, day in window.items()}
    done = subprocess.run(
        [str(program), "dbt", "run", "--select", *models],
        env={**os.environ, "XBEC_HOME": str(settings.home), **given},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout[-3000:])


def cpu_seconds(part: Callable[[], object]) -> float:
    """CPU seconds of this process and of those it waits for."""

    def spent() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime

    start = spent()
    part()
    return spent() - start


if __name__ == "__main__":
    if sys.argv[1:2] == ["--home"]:
        main(Path(sys.argv[2]))
    else:
        for row in run([int(size) for size in sys.argv[1:]] or SIZES):
            print(" | ".join(str(value) for value in row.values()))
