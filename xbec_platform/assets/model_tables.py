"""What all model assets share: specs, the days of a run, reading and writing as of a day, what the UI is told."""

import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._utils.interrupts import capture_interrupts, pop_captured_interrupt

from xbec_platform import asset_keys
from xbec_platform.partitions import days, window
from xbec_platform.warehouse.database import Warehouse

if TYPE_CHECKING:
    import polars as pl

AS_OF = "as_of_date"


def model_spec(
    key: dg.AssetKey,
    description: str,
    *,
    group: str,
    owner: str,
    kinds: set[str],
    deps: Iterable[dg.AssetKey],
) -> dg.AssetSpec:
    """The spec of a table that a model fills, one slice per as-of day."""
    return dg.AssetSpec(
        key,
        group_name=group,
        owners=[owner],
        kinds={"duckdb", "polars", *kinds},
        tags={"domain": group},
        description=description,
        deps=list(deps),
        metadata={"dagster/table_name": asset_keys.table(key)},
    )


def as_of_days(context: dg.AssetExecutionContext) -> list[date]:
    """The as-of days of a run, oldest first; each is computed and stored by itself."""
    start, end = window(context)
    return list(days(start, end))


def read_as_of(
    warehouse: Warehouse, queries: Mapping[str, str], day: date, *, purpose: str
) -> "dict[str, pl.DataFrame]":
    """Run queries that name the day as `$day` in one opening of the file."""
    from xbec_platform.warehouse.database import read_queries

    with warehouse.connect(purpose) as connection:
        return read_queries(connection, queries, day)


def write_as_of(
    warehouse: Warehouse, tables: "Mapping[dg.AssetKey, pl.DataFrame]", day: date, *, purpose: str
) -> None:
    """Replace the day's slice of several tables in one transaction: all of a day's results or none.

    Inside a run over several days the day is told to Dagster as soon as it is stored, so that a run that dies later is
    known to have finished it. Who cancels the run has to wait for both; while the file is waited for he has not.
    """
    import polars as pl

    from xbec_platform.warehouse.database import replace_windows

    frames = {
        asset_keys.table(key): frame.select(pl.lit(day).alias(AS_OF), pl.all())
        for key, frame in tables.items()
    }
    with ExitStack() as waited:
        connection = waited.enter_context(warehouse.transaction(purpose))
        with _uninterrupted():
            with waited.pop_all():
                replace_windows(connection, frames, column=AS_OF, start=day, end=day + timedelta(days=1))
            _tell(tables, day)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put off what cancels a run until the end of the block; for Dagster's own switch there is no public name."""
    with capture_interrupts():
        yield
        is_cancelled = pop_captured_interrupt()
    if is_cancelled:
        signal.raise_signal(signal.SIGINT)


def results(
    tables: "Mapping[dg.AssetKey, pl.DataFrame]",
    day: date,
    shown: Mapping[dg.AssetKey, Mapping[str, Any]] | None = None,
) -> Iterator[dg.MaterializeResult[Any]]:
    """The result of every table of a run's last day: rows, what else the UI shows of it, the day."""
    for key, table in tables.items():
        more = (shown or {}).get(key, {})
        yield dg.MaterializeResult(
            asset_key=key, metadata={"dagster/row_count": table.height, **more, "as of": day.isoformat()}
        )


def _tell(tables: "Mapping[dg.AssetKey, pl.DataFrame]", day: date) -> None:
    """A materialization of the day for every asset among the tables; its rows stay with the day's last event too."""
    try:
        context = dg.AssetExecutionContext.get()
    except dg.DagsterInvariantViolationError:
        # Called from outside a run.
        return
    if len(context.partition_keys) < 2:
        return
    for key in sorted(set(tables) & context.selected_asset_keys):
        rows = {"dagster/partition_row_count": tables[key].height}
        context.log_event(dg.AssetMaterialization(key, partition=day.isoformat(), metadata=rows))
        context.add_asset_metadata(rows, asset_key=key, partition_key=day.isoformat())
