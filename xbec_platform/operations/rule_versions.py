"""Rules that are data (tariffs, stages, modes, seeds): which version tables were built with, what a new one changes.

A version is the set of its rows. A row that came, went or changed concerns the days of its validity, and only these.
Which job rebuilds them is decided in `automation/rule_change`.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from xbec_platform.as_of_sql import latest
from xbec_platform.ingest.contracts import contracts
from xbec_platform.warehouse.database import append, create_missing, missing_tables, read_frame

if TYPE_CHECKING:
    import duckdb

VERSIONS, CHANGES = "ops.rule_versions", "ops.rule_changes"
VERSION_SCHEMA = {
    "rule_set": pl.String(),
    "row_hash": pl.String(),
    "name": pl.String(),
    "valid_from": pl.Date(),
    "valid_to": pl.Date(),
}
CHANGE_SCHEMA = {
    "change_id": pl.String(),
    "rule_set": pl.String(),
    "start_date": pl.Date(),
    "end_date": pl.Date(),
    "rules": pl.List(pl.String()),
    "listed_ts": pl.Datetime("us"),
}
TABLES = {VERSIONS: VERSION_SCHEMA, CHANGES: CHANGE_SCHEMA}


@dataclass(frozen=True, order=True)
class RuleRow:
    """One row of a rule set: the hash of all its values, a name for people, and its days (both ends included)."""

    row_hash: str
    name: str
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True)
class RuleChange:
    """Days `[start, end)` that a new version of a rule set concerns.

    Attributes:
        change_id: Hash of the old and the new version and of the days.
        rule_set: Name of the set.
        start: First day.
        end: Day after the last one.
        rules: Names of the rows that came, went or changed.
        listed_ts: When the change was first listed, UTC.
    """

    change_id: str
    rule_set: str
    start: date
    end: date
    rules: tuple[str, ...]
    listed_ts: datetime


def rule_row(name: str, values: Iterable[object], valid_from: date | None, valid_to: date | None) -> RuleRow:
    """A row from its values in the order of their columns."""
    digest = hashlib.sha256("\x1f".join(map(str, values)).encode()).hexdigest()[:16]
    return RuleRow(digest, name, valid_from, valid_to)


def changes(
    rule_set: str, old: Iterable[RuleRow], new: Iterable[RuleRow], *, days: tuple[date, date], now: datetime
) -> list[RuleChange]:
    """What a new version changes: separate spans of days, oldest first.

    Args:
        rule_set: Name of the set.
        old: Rows that tables were built with.
        new: Rows of now.
        days: Built days `[start, end)`; others follow the new version anyway.
        now: UTC.
    """
    before, after = {row.row_hash: row for row in old}, {row.row_hash: row for row in new}
    touched = [row for key, row in (before | after).items() if (key in before) != (key in after)]
    first, end = days
    spans: list[tuple[date, date, set[str]]] = []
    for row in sorted(touched, key=lambda one: (one.valid_from or first, one.row_hash)):
        start = max(row.valid_from or first, first)
        stop = min(row.valid_to + timedelta(days=1), end) if row.valid_to else end
        if start >= stop:
            continue
        if spans and start <= spans[-1][1]:
            known = spans.pop()
            spans.append((known[0], max(known[1], stop), known[2] | {row.name}))
        else:
            spans.append((start, stop, {row.name}))
    version = "".join([*sorted(before), "->", *sorted(after)])
    return [
        RuleChange(
            hashlib.sha256(f"{rule_set} {version} {start} {stop}".encode()).hexdigest()[:12],
            rule_set, start, stop, tuple(sorted(names)), now,
        )
        for start, stop, names in spans
    ]  # fmt: skip


def source_rows(connection: duckdb.DuckDBPyConnection, source: str) -> list[RuleRow]:
    """Rows of a landed rule source: the last delivered version of each key."""
    contract = contracts()[source]
    if missing_tables(connection, [f"raw.{source}"]):
        return []
    names = list(contract.columns)
    rows = connection.execute(
        f"SELECT {', '.join(names)} FROM raw.{source} {latest(', '.join(contract.key))}"
    ).fetchall()
    found = []
    for row in rows:
        values = dict(zip(names, row, strict=True))
        label = " ".join(str(values[key]) for key in contract.key if key != "valid_from")
        found.append(rule_row(label, row, values.get("valid_from"), values.get("valid_to")))
    return sorted(found)


def seed_rows(path: Path) -> list[RuleRow]:
    """Rows of a seed of the dbt project; `valid_from` and `valid_to` where it has them."""
    with path.open(newline="", encoding="utf-8") as stream:
        records = list(csv.DictReader(stream))
    return sorted(
        rule_row(
            " ".join(list(record.values())[:2]),
            record.values(),
            _day(record.get("valid_from")),
            _day(record.get("valid_to")),
        )
        for record in records
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def take_over(
    connection: duckdb.DuckDBPyConnection,
    versions: Mapping[str, Iterable[RuleRow]],
    *,
    days: tuple[date, date],
    now: datetime,
) -> list[RuleChange]:
    """Compare versions with those on record, put what they change on the list and the versions on record.

    A set that is seen for the first time is on record from now on and changes nothing.
    """
    create_missing(connection, TABLES)
    listed: list[RuleChange] = []
    for rule_set, rows in sorted(versions.items()):
        new = sorted(set(rows))
        known = connection.execute(
            f"SELECT row_hash, name, valid_from, valid_to FROM {VERSIONS} WHERE rule_set = ? ORDER BY ALL",
            [rule_set],
        ).fetchall()
        old = [RuleRow(*row) for row in known]
        if old == new:
            continue
        connection.execute(f"DELETE FROM {VERSIONS} WHERE rule_set = ?", [rule_set])
        stored = [(rule_set, row.row_hash, row.name, row.valid_from, row.valid_to) for row in new]
        append(connection, VERSIONS, pl.DataFrame(stored, schema=VERSION_SCHEMA, orient="row"))
        listed += changes(rule_set, old, new, days=days, now=now) if old else []
    noted = [(c.change_id, c.rule_set, c.start, c.end, list(c.rules), c.listed_ts) for c in listed]
    append(connection, CHANGES, pl.DataFrame(noted, schema=CHANGE_SCHEMA, orient="row"))
    return listed


def listed_changes(connection: duckdb.DuckDBPyConnection, since: datetime) -> list[RuleChange]:
    """Changes listed from a moment on, newest first."""
    frame = read_frame(
        connection,
        f"SELECT * FROM {CHANGES} WHERE listed_ts >= ? ORDER BY listed_ts DESC, rule_set, start_date",
        [since],
    )
    return [RuleChange(a, b, c, d, tuple(names), listed) for a, b, c, d, names, listed in frame.rows()]


@dataclass(frozen=True)
class Stale:
    """Files of a feed that were screened under other rules than the present ones, whose hash is `present`."""

    feed: str
    present: str
    files: int
    first_drop: date
    last_drop: date


def stale_screenings(
    connection: duckdb.DuckDBPyConnection, feeds: Collection[str], hash_of: Callable[[str], str]
) -> list[Stale]:
    """Feeds with loaded files to screen again, by name; a file rejected whole is mended by whoever delivered it.

    Args:
        connection: The warehouse.
        feeds: Those that have rules; files of others cannot be judged.
        hash_of: Hash of a feed's present rules.
    """
    if missing_tables(connection, ["ops.file_manifest"]):
        return []
    rows = connection.execute(
        """SELECT feed, list(DISTINCT coalesce(rules_hash, '')) FROM ops.file_manifest
        WHERE status = 'loaded' GROUP BY feed ORDER BY feed"""
    ).fetchall()
    found = []
    for feed, screened_by in rows:
        present = hash_of(feed) if feed in feeds else None
        if present is None or set(screened_by) == {present}:
            continue
        counts = connection.execute(
            """SELECT count(*), min(drop_date), max(drop_date) FROM ops.file_manifest
            WHERE status = 'loaded' AND feed = ? AND rules_hash IS DISTINCT FROM ?""",
            [feed, present],
        ).fetchall()[0]
        found.append(Stale(feed, present, *counts))
    return found
