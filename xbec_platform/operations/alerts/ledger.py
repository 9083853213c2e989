"""The ledger `ops.alerts`: one row per alert from the moment it is raised. What raises one is decided in `levels`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from xbec_platform.operations.alerts.levels import Decision, Key, Reading, decide
from xbec_platform.warehouse.database import append, create_missing, read_frame

if TYPE_CHECKING:
    import duckdb

ALERTS = "ops.alerts"
SCHEMA = {
    "alert_id": pl.String(),
    "kind": pl.String(),
    "subject": pl.String(),
    "stage": pl.String(),
    "as_of_date": pl.Date(),
    "raised_ts": pl.Datetime("us"),
    "cleared_ts": pl.Datetime("us"),
    "value": pl.Float64(),
    "raise_at": pl.Float64(),
    "clear_at": pl.Float64(),
    "text": pl.String(),
    "batch": pl.String(),
}


@dataclass(frozen=True)
class Kind:
    """How alerts of one kind behave.

    Attributes:
        name: In the column `kind`.
        is_absence_good: See `levels.decide`.
        rings_once: A key is never raised a second time, not even after it was cleared.
    """

    name: str
    is_absence_good: bool
    rings_once: bool = False


def record(
    connection: duckdb.DuckDBPyConnection,
    kind: Kind,
    readings: Iterable[Reading],
    *,
    now: datetime,
    limit: int,
) -> Decision:
    """Raise and clear alerts of a kind inside the caller's transaction.

    Args:
        connection: Of the warehouse.
        kind: Whose readings these are.
        readings: All readings of the look.
        now: UTC, without zone.
        limit: Most alerts to raise.
    """
    create_missing(connection, {ALERTS: SCHEMA})
    known = connection.execute(
        f"SELECT subject, stage, count(*), bool_or(cleared_ts IS NULL) FROM {ALERTS} WHERE kind = ? GROUP BY ALL",
        [kind.name],
    ).fetchall()
    episodes: dict[Key, int] = {(subject, stage): times for subject, stage, times, _ in known}
    is_open = {(subject, stage) for subject, stage, _, opened in known if opened}
    decision = decide(
        readings,
        is_open=is_open,
        is_over=episodes.keys() if kind.rings_once else (),
        is_absence_good=kind.is_absence_good,
        limit=limit,
    )
    for subject, stage in sorted(decision.cleared):
        connection.execute(
            f"UPDATE {ALERTS} SET cleared_ts = ? WHERE kind = ? AND subject = ? AND stage = ? AND cleared_ts IS NULL",
            [now, kind.name, subject, stage],
        )
    append(connection, ALERTS, _rows(kind, decision.raised, episodes, now))
    return decision


def _rows(kind: Kind, raised: Iterable[Reading], episodes: dict[Key, int], now: datetime) -> pl.DataFrame:
    """The new rows; equal alerts of equal episodes have equal ids, whoever raised them."""
    rows = []
    for one in raised:
        identity = json.dumps([kind.name, *one.key, episodes.get(one.key, 0)])
        alert_id = hashlib.sha256(identity.encode()).hexdigest()[:16]
        values = (one.value, one.raise_at, one.clear_at, one.text)
        rows.append((alert_id, kind.name, *one.key, one.as_of, now, None, *values))
    batch = hashlib.sha256("".join(sorted(row[0] for row in rows)).encode()).hexdigest()[:12]
    return pl.DataFrame([(*row, batch) for row in rows], schema=SCHEMA, orient="row")


def raised_since(connection: duckdb.DuckDBPyConnection, kind: Kind, since: datetime) -> pl.DataFrame:
    """Alerts of a kind raised from a moment on, by batch and id."""
    return read_frame(
        connection,
        f"SELECT * FROM {ALERTS} WHERE kind = ? AND raised_ts >= ? ORDER BY batch, alert_id",
        [kind.name, since],
    )
