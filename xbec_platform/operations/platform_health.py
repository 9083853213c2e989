"""What runs cost and how fresh tables are: `ops.platform_health`, by asset and day, from Dagster's own records.

Read, never written: Dagster's storage. Judging it is the checks' work, showing it the page's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from xbec_platform import asset_keys

if TYPE_CHECKING:
    import duckdb

TABLE = "ops.platform_health"
SCHEMA = {
    "health_date": pl.Date(),
    "asset_key": pl.String(),
    "runs": pl.Int64(),
    "failures": pl.Int64(),
    "step_s": pl.Float64(),
    "own_s": pl.Float64(),
    "queue_wait_s": pl.Float64(),
    "rows": pl.Int64(),
    "size_bytes": pl.Int64(),
    "newest_partition": pl.Date(),
    "last_built_ts": pl.Datetime("us"),
}
# Runs that began yesterday may end today: two days are counted anew, older ones stay as they are.
DAYS_BACK = 2
# More runs a day than this are counted up to here, newest first.
MAX_RUNS = 500
# When the pages of the morning are due, UTC, and what people and programs wait for.
DEADLINE_HOUR = 7
PROMISED = (
    asset_keys.mart("fct_order_line"),
    asset_keys.mart("mart_daily_kpi"),
    asset_keys.mart("mart_user_database"),
    asset_keys.CUSTOMER_CLUSTERS,
    asset_keys.RECS_DISCOVER,
    asset_keys.ASSIGNMENT_SUMMARY,
    asset_keys.DELAYED_SHIPMENTS,
    asset_keys.EXPORTS,
    asset_keys.SNAPSHOT,
    asset_keys.OVERVIEW_PAGE,
)
_PLANNED_LIMIT = 2000
_STEP_EVENTS = {
    dg.DagsterEventType.STEP_START,
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
}
_STARTED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED)


@dataclass(frozen=True)
class StepUse:
    """One step of a run, for each asset it was to build.

    Attributes:
        day: UTC day the run began.
        asset_key: `a/b`.
        failed: It ended in failure.
        step_s: Duration of the step; a step of several assets counts for each of them.
        queue_wait_s: From the run's creation to its start.
    """

    day: date
    asset_key: str
    failed: bool
    step_s: float
    queue_wait_s: float


def step_uses(instance: dg.DagsterInstance, *, since: date) -> list[StepUse]:
    """Steps of the runs that were created since a day; those of a run that still runs as far as they have ended."""
    begun = datetime.combine(since, datetime.min.time(), UTC)
    records = instance.get_run_records(
        dg.RunsFilter(statuses=list(_STARTED), created_after=begun), limit=MAX_RUNS
    )
    uses = []
    for record in records:
        if record.start_time is None:
            continue
        run_id = record.dagster_run.run_id
        wait = max(record.start_time - record.create_timestamp.timestamp(), 0.0)
        day = datetime.fromtimestamp(record.start_time, UTC).date()
        assets = _assets_by_step(instance, run_id)
        for step_key, (spent, failed) in _ended_steps(instance, run_id).items():
            uses += [StepUse(day, name, failed, spent, wait) for name in assets.get(step_key, ())]
    return uses


def _ended_steps(instance: dg.DagsterInstance, run_id: str) -> Mapping[str, tuple[float, bool]]:
    """Step -> seconds and whether it failed.

    Dagster's own statistics of a step read all that it materialised, too: 25,000 events of a year's backfill.
    """
    started: dict[str, float] = {}
    ended: dict[str, tuple[float, bool]] = {}
    for record in instance.get_records_for_run(run_id, of_type=_STEP_EVENTS, ascending=True).records:
        entry = record.event_log_entry
        event = entry.get_dagster_event()
        if event.step_key is None:
            continue
        if event.event_type == dg.DagsterEventType.STEP_START:
            started[event.step_key] = entry.timestamp
        elif event.step_key in started:
            failed = event.event_type == dg.DagsterEventType.STEP_FAILURE
            ended[event.step_key] = (entry.timestamp - started[event.step_key], failed)
    return ended


def _assets_by_step(instance: dg.DagsterInstance, run_id: str) -> Mapping[str, set[str]]:
    """Step -> assets it was to build."""
    found: dict[str, set[str]] = defaultdict(set)
    planned = {dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED}
    for record in instance.get_records_for_run(run_id, of_type=planned, limit=_PLANNED_LIMIT).records:
        event = record.event_log_entry.get_dagster_event()
        if event.step_key and event.asset_key:
            found[event.step_key].add("/".join(event.asset_key.path))
    return found


@dataclass(frozen=True)
class Built:
    """How an asset stands: its last build and its newest partition.

    Attributes:
        asset_key: `a/b`.
        rows: Where the build said so.
        last_built_ts: UTC.
        newest_partition: None without partitions.
        own_s: Seconds of this asset alone, which dbt tells of its models; other steps know their sum only.
    """

    asset_key: str
    rows: int | None
    last_built_ts: datetime
    newest_partition: date | None
    own_s: float | None = None


def built(
    instance: dg.DagsterInstance, keys: Sequence[dg.AssetKey], partitioned: set[dg.AssetKey]
) -> list[Built]:
    """The state of those assets that were ever built."""
    found = []
    for record in instance.get_asset_records(list(keys)):
        entry = record.asset_entry
        last = entry.last_materialization_record
        if last is None or last.asset_materialization is None:
            continue
        rows = last.asset_materialization.metadata.get("dagster/row_count")
        count = rows.value if rows is not None and isinstance(rows.value, int) else None
        days = instance.get_materialized_partitions(entry.asset_key) if entry.asset_key in partitioned else ()
        newest = date.fromisoformat(max(days)) if days else None
        moment = datetime.fromtimestamp(last.timestamp, UTC).replace(tzinfo=None)
        own = last.asset_materialization.metadata.get("Execution Duration")
        own_s = float(own.value) if own is not None and isinstance(own.value, int | float) else None
        found.append(Built("/".join(entry.asset_key.path), count, moment, newest, own_s))
    return found


def health_rows(
    uses: Iterable[StepUse], states: Iterable[Built], sizes: Mapping[str, int], *, today: date
) -> pl.DataFrame:
    """Rows of the table: what was used by day, and how each asset stands today.

    Args:
        uses: Steps of the last days.
        states: Assets that were built.
        sizes: Bytes by table, `schema.name`.
        today: UTC day of the state.

    Returns:
        `SCHEMA`, by day and asset.
    """
    cells: dict[tuple[date, str], list[StepUse]] = defaultdict(list)
    for use in uses:
        cells[use.day, use.asset_key].append(use)
    known = {state.asset_key: state for state in states}
    for name in known:
        cells.setdefault((today, name), [])
    rows = []
    for (day, name), found in sorted(cells.items()):
        state = known.get(name) if day == today else None
        rows.append(
            {
                "health_date": day,
                "asset_key": name,
                "runs": len(found),
                "failures": sum(use.failed for use in found),
                "step_s": round(sum(use.step_s for use in found), 3),
                "own_s": round(state.own_s, 3) if state and state.own_s is not None else None,
                "queue_wait_s": round(max((use.queue_wait_s for use in found), default=0.0), 3),
                "rows": state.rows if state else None,
                "size_bytes": sizes.get(name.replace("/", ".")) if state else None,
                "newest_partition": state.newest_partition if state else None,
                "last_built_ts": state.last_built_ts if state else None,
            }
        )
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def table_sizes(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Bytes of the blocks that every table touches; small tables share blocks, so that their sum is an upper bound."""
    block = connection.execute("SELECT block_size FROM pragma_database_size()").fetchall()[0][0]
    names = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal"
    ).fetchall()
    sizes = {}
    for schema, table in names:
        used = connection.execute(
            f"""SELECT count(DISTINCT block_id) FROM pragma_storage_info('"{schema}"."{table}"') WHERE block_id >= 0"""
        ).fetchall()[0][0]
        sizes[f"{schema}.{table}"] = int(used) * int(block)
    return sizes


def stale(states: Iterable[Built], expected: date) -> list[tuple[str, date | None]]:
    """Partitioned assets that have not built a day that is due: (asset, newest day)."""
    return [
        (state.asset_key, state.newest_partition)
        for state in states
        if state.newest_partition is not None and state.newest_partition < expected
    ]


def expected_day(now: datetime, *, deadline_hour: int, end: date | None) -> date:
    """The newest day that must be there: yesterday from the deadline on, the day before until then.

    Args:
        now: UTC.
        deadline_hour: When the pages of the morning are due.
        end: Day after the home's last one.
    """
    newest = now.date() - timedelta(days=1 if now.hour >= deadline_hour else 2)
    return min(newest, end - timedelta(days=1)) if end else newest
