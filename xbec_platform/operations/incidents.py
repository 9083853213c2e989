"""Failed runs as incidents in `ops.incidents`: one per root asset until it was built again. No run is started here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from xbec_platform.warehouse.database import append, create_missing, read_frame

if TYPE_CHECKING:
    import duckdb

INCIDENTS = "ops.incidents"
SCHEMA = {
    "incident_id": pl.String(),
    "root_asset": pl.String(),
    "step": pl.String(),
    "error": pl.String(),
    "jobs": pl.List(pl.String()),
    "partitions": pl.List(pl.String()),
    "run_ids": pl.List(pl.String()),
    "failures": pl.Int64(),
    "first_failed_ts": pl.Datetime("us"),
    "last_failed_ts": pl.Datetime("us"),
    "resolved_ts": pl.Datetime("us"),
}
# An incident names its last runs; the first ones say nothing more.
RUNS_KEPT = 50


@dataclass(frozen=True)
class FailedRun:
    """A run that failed.

    Attributes:
        run_id: Dagster's.
        job: Its name.
        root_asset: The first asset that the failed step did not build; the step where it builds none.
        step: Where it failed first; empty when no step had begun.
        partitions: Its days, `D` or `D..D`; empty for none.
        error: First line of the cause.
        failed_ts: UTC.
    """

    run_id: str
    job: str
    root_asset: str
    step: str
    partitions: str
    error: str
    failed_ts: datetime


def record(connection: duckdb.DuckDBPyConnection, failed: Iterable[FailedRun]) -> tuple[int, int]:
    """Put failed runs into the open incident of their root asset, or open one.

    A run that is on record already changes nothing, so that runs may be told again.

    Returns:
        Incidents opened, and runs added to open ones.
    """
    create_missing(connection, {INCIDENTS: SCHEMA})
    opened = added = 0
    for run in sorted(failed, key=lambda one: (one.failed_ts, one.run_id)):
        is_known = connection.execute(
            f"SELECT 1 FROM {INCIDENTS} WHERE list_contains(run_ids, ?)", [run.run_id]
        ).fetchall()
        if is_known:
            continue
        updated = connection.execute(
            f"""UPDATE {INCIDENTS} SET
                run_ids = list_append(run_ids, ?)[-{RUNS_KEPT}:], failures = failures + 1, error = ?, step = ?,
                jobs = list_sort(list_distinct(list_append(jobs, ?))),
                partitions = list_sort(list_distinct(list_append(partitions, ?)))[-{RUNS_KEPT}:],
                first_failed_ts = least(first_failed_ts, ?), last_failed_ts = greatest(last_failed_ts, ?)
            WHERE root_asset = ? AND resolved_ts IS NULL RETURNING incident_id""",
            [
                run.run_id,
                run.error,
                run.step,
                run.job,
                run.partitions,
                run.failed_ts,
                run.failed_ts,
                run.root_asset,
            ],
        ).fetchall()
        if updated:
            added += 1
            continue
        opened += 1
        incident = hashlib.sha256(f"{run.root_asset} {run.run_id}".encode()).hexdigest()[:12]
        row = (
            incident, run.root_asset, run.step, run.error, [run.job], [run.partitions], [run.run_id], 1,
            run.failed_ts, run.failed_ts, None,
        )  # fmt: skip
        append(connection, INCIDENTS, pl.DataFrame([row], schema=SCHEMA, orient="row"))
    return opened, added


def open_incidents(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Incidents that are not resolved, by root asset."""
    create_missing(connection, {INCIDENTS: SCHEMA})
    return read_frame(
        connection, f"SELECT * FROM {INCIDENTS} WHERE resolved_ts IS NULL ORDER BY root_asset, incident_id"
    )


def resolve(connection: duckdb.DuckDBPyConnection, built: Sequence[tuple[str, datetime]]) -> int:
    """Close the incidents of assets that were built after they failed last.

    Args:
        connection: The warehouse.
        built: (root asset, when it was built last, UTC).

    Returns:
        Incidents closed.
    """
    closed = 0
    for asset, built_ts in built:
        closed += len(
            connection.execute(
                f"UPDATE {INCIDENTS} SET resolved_ts = ? WHERE root_asset = ? AND resolved_ts IS NULL "
                "AND last_failed_ts < ? RETURNING incident_id",
                [built_ts, asset, built_ts],
            ).fetchall()
        )
    return closed
