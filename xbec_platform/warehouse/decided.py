"""What has been decided and nothing has changed since: a step that would make equal tables may be left out.

A decision follows from raw rows and facts, settings, code, and other decisions of its day and of earlier ones. Facts
are known to be unchanged by dbt's note (see `dbt_builds`), which every raw row that moves tears up. Whoever begins to
decide tears up what has been noted for that day and later ones, but for what the same run made or found good, and
leaves a mark that others may sweep away likewise. That the tables hold as many rows as then guards against hands that
did neither. Which steps may be left out is decided elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from xbec_platform.warehouse import dbt_builds
from xbec_platform.warehouse.database import create_missing, missing_tables

if TYPE_CHECKING:
    import duckdb

TABLE = "ops.decided"
SCHEMA = {
    "step": pl.String(),
    "day": pl.Date(),
    "made_from": pl.String(),
    "made_by": pl.String(),
    "found_good_by": pl.String(),
    "row_counts": pl.String(),
}


@dataclass(frozen=True)
class Decision:
    """Days of a step.

    Attributes:
        step: Its name.
        days: In order, without gaps.
        made_from: Code, settings and facts, see `facts_version`; None while nobody knows whether facts have changed.
        run_id: The run that decides.
        tables: What the step fills by `as_of_date`.
    """

    step: str
    days: tuple[date, ...]
    made_from: str | None
    run_id: str
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """A decision that was made before: the run that made its last day, and the rows of that day by table."""

    made_by: str
    row_counts: dict[str, int]


def facts_version(connection: duckdb.DuckDBPyConnection) -> str | None:
    """What the facts are known by; None while nobody knows whether they have changed."""
    if missing_tables(connection, [dbt_builds.TABLE]):
        return None
    noted = connection.execute(
        f"SELECT run_id, code_hash, number FROM {dbt_builds.TABLE} ORDER BY number DESC NULLS FIRST LIMIT 1"
    ).fetchall()
    return None if not noted or noted[0][2] is None else json.dumps(noted[0])


def decisions_version(connection: duckdb.DuckDBPyConnection) -> str | None:
    """What facts and the decisions of all days are known by; None while nobody knows whether they have changed."""
    facts = facts_version(connection)
    if facts is None or missing_tables(connection, [TABLE]):
        return None
    noted = connection.execute(
        f"SELECT step, day::VARCHAR, made_by, row_counts IS NULL FROM {TABLE} ORDER BY ALL"
    ).fetchall()
    is_under_way = any(is_open for _, _, _, is_open in noted)
    return None if is_under_way else json.dumps([facts, noted])


def known(connection: duckdb.DuckDBPyConnection, wanted: Decision) -> Known | None:
    """The decision that was made before, marked as good; None when a day of it must be decided."""
    if wanted.made_from is None or missing_tables(connection, [TABLE, *wanted.tables]):
        return None
    noted = connection.execute(
        f"""SELECT day, made_by, row_counts FROM {TABLE}
        WHERE step = ? AND day BETWEEN ? AND ? AND made_from = ? AND row_counts IS NOT NULL ORDER BY day""",
        [wanted.step, wanted.days[0], wanted.days[-1], wanted.made_from],
    ).fetchall()
    if [day for day, _, _ in noted] != list(wanted.days):
        return None
    if any(json.loads(counts) != _row_counts(connection, day, wanted.tables) for day, _, counts in noted):
        return None
    connection.execute(
        f"UPDATE {TABLE} SET found_good_by = ? WHERE step = ? AND day BETWEEN ? AND ?",
        [wanted.run_id, wanted.step, wanted.days[0], wanted.days[-1]],
    )
    return Known(noted[-1][1], json.loads(noted[-1][2]))


def begin(connection: duckdb.DuckDBPyConnection, wanted: Decision) -> None:
    """Tables are about to change: tear up what rests on them, and leave marks."""
    create_missing(connection, {TABLE: SCHEMA})
    connection.execute(
        f"DELETE FROM {TABLE} WHERE day >= ? AND (found_good_by <> ? OR (step = ? AND day <= ?))",
        [wanted.days[0], wanted.run_id, wanted.step, wanted.days[-1]],
    )
    for day in wanted.days:
        connection.execute(
            f"INSERT INTO {TABLE} VALUES (?, ?, ?, ?, ?, NULL)",
            [wanted.step, day, wanted.made_from, wanted.run_id, wanted.run_id],
        )


def end(connection: duckdb.DuckDBPyConnection, made: Decision) -> None:
    """Note what was decided; nothing where others have changed what it rests on meanwhile."""
    marked = connection.execute(
        f"""DELETE FROM {TABLE} WHERE step = ? AND day BETWEEN ? AND ? AND made_by = ? AND row_counts IS NULL
        RETURNING day""",
        [made.step, made.days[0], made.days[-1], made.run_id],
    ).fetchall()
    if made.made_from is None or missing_tables(connection, made.tables):
        return
    for day in sorted(day for (day,) in marked):
        counts = json.dumps(_row_counts(connection, day, made.tables))
        connection.execute(
            f"INSERT INTO {TABLE} VALUES (?, ?, ?, ?, ?, ?)",
            [made.step, day, made.made_from, made.run_id, made.run_id, counts],
        )


def _row_counts(connection: duckdb.DuckDBPyConnection, day: date, tables: Sequence[str]) -> dict[str, int]:
    sql = " UNION ALL ".join(
        f"SELECT '{table}', count(*) FROM {table} WHERE as_of_date = DATE '{day}'" for table in tables
    )
    return dict(connection.execute(sql).fetchall())
