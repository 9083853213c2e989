"""What dbt has built and nothing has changed since: a run that would make equal tables may leave dbt out.

A build is noted when dbt has succeeded over all models of a selection. All notes are torn up in the transaction that
moves a raw row or an account of a file, and by every dbt that a person starts (`note_start` in portable.sql). So a note
that is still there says that raw rows and tables were not touched since; that the tables hold as many rows as then
guards against hands that used neither. Which run may leave dbt out is decided elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from xbec_platform.warehouse.database import create_missing, missing_tables

if TYPE_CHECKING:
    import duckdb

TABLE = "ops.dbt_builds"
MODELS = "models"
SCHEMA = {
    "selection": pl.String(),
    "code_hash": pl.String(),
    "first_date": pl.Date(),
    "end_date": pl.Date(),
    "run_id": pl.String(),
    "number": pl.Int64(),
    "checks": pl.String(),
    "row_counts": pl.String(),
}
_ALWAYS, _NEVER = date(1, 1, 1), date(9999, 12, 31)


@dataclass(frozen=True)
class Check:
    """How a dbt test ended; a warning did not pass and stops nothing."""

    asset: str
    name: str
    passed: bool
    is_warning: bool


@dataclass(frozen=True)
class Build:
    """One call of dbt over all models of a selection.

    Attributes:
        selection: Which models.
        code_hash: Of the dbt project and what else decides what it makes.
        start, end: Event days `[start, end)`; the whole calendar for models without days.
        run_id: The run that called dbt.
        checks: How its tests ended.
    """

    selection: str
    code_hash: str
    start: date = _ALWAYS
    end: date = _NEVER
    run_id: str = ""
    checks: tuple[Check, ...] = ()


def begin(connection: duckdb.DuckDBPyConnection, build: Build) -> None:
    """Tables are about to change: tear up the notes of the selection and leave a mark that raw rows may sweep away."""
    create_missing(connection, {TABLE: SCHEMA})
    connection.execute(f"DELETE FROM {TABLE} WHERE selection = ?", [build.selection])
    connection.execute(
        f"INSERT INTO {TABLE} (selection, run_id) VALUES (?, ?)", [build.selection, build.run_id]
    )


def end(connection: duckdb.DuckDBPyConnection, build: Build) -> bool:
    """Dbt has ended: take the mark away.

    Returns:
        Whether it was still there: if not, raw rows moved meanwhile and nobody knows which of them dbt saw.
    """
    marked = connection.execute(
        f"DELETE FROM {TABLE} WHERE selection = ? AND run_id = ? AND number IS NULL RETURNING selection",
        [build.selection, build.run_id],
    ).fetchall()
    return bool(marked)


def note(connection: duckdb.DuckDBPyConnection, build: Build, row_counts: Mapping[str, int]) -> None:
    """Write a build of all models down, with the rows that their tables hold after it."""
    checks = json.dumps([[one.asset, one.name, one.passed, one.is_warning] for one in build.checks])
    counts = json.dumps(dict(sorted(row_counts.items())))
    connection.execute(
        f"""INSERT INTO {TABLE} ({", ".join(SCHEMA)})
        SELECT ?, ?, ?, ?, ?, coalesce(max(number), 0) + 1, ?, ? FROM {TABLE}""",
        [build.selection, build.code_hash, build.start, build.end, build.run_id, checks, counts],
    )


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    """Tear up all notes and marks: raw rows move."""
    if not missing_tables(connection, [TABLE]):
        connection.execute(f"DELETE FROM {TABLE}")


def known(
    connection: duckdb.DuckDBPyConnection, wanted: Build, row_counts: Mapping[str, int]
) -> Build | None:
    """The build that made what another one would make; None when there is none.

    Args:
        connection: Of the warehouse.
        wanted: Selection, code and days.
        row_counts: Rows that all tables of dbt hold now.
    """
    if missing_tables(connection, [TABLE]):
        return None
    last = connection.execute(
        f"SELECT row_counts FROM {TABLE} WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1"
    ).fetchall()
    if not last or json.loads(last[0][0]) != dict(row_counts):
        return None
    rows = connection.execute(
        f"""SELECT run_id, checks FROM {TABLE}
        WHERE selection = ? AND code_hash = ? AND first_date <= ? AND end_date >= ?
        ORDER BY number DESC LIMIT 1""",
        [wanted.selection, wanted.code_hash, wanted.start, wanted.end],
    ).fetchall()
    if not rows:
        return None
    run_id, checks = rows[0]
    return replace(wanted, run_id=run_id, checks=tuple(Check(*one) for one in json.loads(checks)))
