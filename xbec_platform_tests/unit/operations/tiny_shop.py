"""A home with two assets under the platform's job names: real Dagster, real warehouse, days that are quick to make.

Run as a program it backfills the home named on the command line, so that a test may interrupt or kill it.
"""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl

from xbec_platform import asset_keys
from xbec_platform.assets.model_tables import as_of_days, write_as_of
from xbec_platform.automation.jobs import DECISIONS, INTAKE_AND_FACTS, build_jobs
from xbec_platform.instance import open_instance
from xbec_platform.operations.backfill_plan import PlannedRun
from xbec_platform.operations.backfill_run import DagsterRunner, execute
from xbec_platform.partitions import daily
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse

FIRST, DAYS = date(2026, 1, 1), 12
LAST = FIRST + timedelta(days=DAYS - 1)
ROWS = 50
# Longer than any test waits for what it stops.
LASTS_S = 600
ORDERS, MODEL, PROFILE = (
    dg.AssetKey(["intermediate", "orders"]),
    asset_keys.CLUSTER_MODEL,
    asset_keys.CLUSTER_PROFILE,
)
RUNS = [
    PlannedRun(INTAKE_AND_FACTS, FIRST, LAST, ("intermediate/orders",)),
    PlannedRun(DECISIONS, FIRST, LAST, ("ml/cluster_model", "ml/cluster_profile")),
]


def shop(home: Path) -> Settings:
    """Settings of the home."""
    return Settings(home=home, start_date=FIRST, end_date=LAST + timedelta(days=1))


def rows(day: date, column: str) -> pl.DataFrame:
    """What a day holds, however often it is made."""
    return pl.DataFrame({column: [day.toordinal() * ROWS + n for n in range(ROWS)]})


class CancelledOnCommit(Warehouse):
    """A warehouse that has its run cancelled when the third day of the model has just been kept."""

    @contextmanager
    def transaction(self, purpose: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """The transaction, and the signal before anything else is done."""
        with super().transaction(purpose) as connection:
            yield connection
        if purpose == f"model {FIRST + timedelta(days=2)}":
            signal.raise_signal(signal.SIGINT)


def definitions(
    settings: Settings,
    *,
    lasting_on: date | None = None,
    broken_on: date | None = None,
    kind: type[Warehouse] = Warehouse,
) -> dg.Definitions:
    """Orders by day, and a model of two tables that waits to be stopped on one day and breaks on another."""
    warehouse = kind.of(settings)
    days = daily(settings)
    policy = dg.BackfillPolicy.single_run()

    @dg.asset(key=ORDERS, group_name="intake", partitions_def=days, backfill_policy=policy)
    def orders(context: dg.AssetExecutionContext) -> None:
        for day in as_of_days(context):
            write_as_of(warehouse, {ORDERS: rows(day, "order_id")}, day, purpose=f"orders {day}")

    @dg.multi_asset(
        specs=[dg.AssetSpec(key, group_name="customers", deps=[ORDERS]) for key in (MODEL, PROFILE)],
        partitions_def=days,
        backfill_policy=policy,
        name="model",
    )
    def model(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        for day in as_of_days(context):
            if day == broken_on:
                raise ValueError(f"nothing can be learned on {day}")
            if day == lasting_on:
                time.sleep(LASTS_S)
            tables = {MODEL: rows(day, "model"), PROFILE: rows(day, "profile")}
            write_as_of(warehouse, tables, day, purpose=f"model {day}")
            context.log.info(f"model {day}: {ROWS} rows")
        for key in (MODEL, PROFILE):
            yield dg.MaterializeResult(asset_key=key)

    jobs = [job for job in build_jobs() if job.name in {INTAKE_AND_FACTS, DECISIONS}]
    return dg.Definitions(assets=[orders, model], jobs=jobs, executor=dg.in_process_executor)


def stored(settings: Settings, *schemas: str) -> dict[str, dict[date, int]]:
    """Rows of each table by day; of some schemas, or of those the tiny assets fill."""
    if not settings.warehouse.is_file():
        return {}
    with Warehouse.of(settings).connect("test") as connection:
        there = {
            f"{schema}.{name}"
            for schema, name in connection.execute(
                "SELECT schema_name, table_name FROM duckdb_tables()"
            ).fetchall()
            if schema in (schemas or ("intermediate", "ml"))
        }
        return {
            table: dict(
                connection.execute(
                    f"SELECT as_of_date, count(*) FROM {table} GROUP BY ALL ORDER BY ALL"
                ).fetchall()
            )
            for table in sorted(there)
        }


def main() -> int:
    """Backfill the home of the first argument; the fourth day of the model lasts until the process is stopped."""
    settings = shop(Path(sys.argv[1]))
    instance = open_instance(settings)
    made = definitions(settings, lasting_on=FIRST + timedelta(days=3))
    outcome = execute(RUNS, DagsterRunner(made, instance), lambda number, run: None)
    sys.stdout.write(f"finished {len(outcome.finished)}, interrupted {outcome.is_interrupted}\n")
    return 0 if outcome.succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
