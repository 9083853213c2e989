"""The published snapshot: marts and model tables in a file of their own, swapped by rename.

A reader opens `published.duckdb` and sees the old state or the new one, never a mixture, and never waits:
the file is written beside and takes its name in one step, and readers of the old file keep it until they
close. No number is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from xbec_platform.warehouse.database import Warehouse

SCHEMAS = ("marts", "ml")


@dataclass(frozen=True)
class Snapshot:
    """What was published.

    Attributes:
        path: The file.
        tables: Rows by table.
        size_bytes: Length of the file.
    """

    path: Path
    tables: dict[str, int]
    size_bytes: int


def publish_snapshot(warehouse: Warehouse, target: Path) -> Snapshot:
    """Copy all tables of the marts and model schemas into a fresh file and swap it in.

    The live file is held while its tables are copied, so the snapshot is one consistent state.
    """
    part = target.with_name(f".{target.name}.part")
    for leftover in (part, part.with_name(part.name + ".wal")):
        leftover.unlink(missing_ok=True)
    with warehouse.connect("publish the snapshot") as connection:
        tables = _tables(connection)
        connection.execute(f"ATTACH '{_quoted(part)}' AS snapshot")
        try:
            for schema in SCHEMAS:
                connection.execute(f"CREATE SCHEMA snapshot.{schema}")
            for name in tables:
                connection.execute(f"CREATE TABLE snapshot.{name} AS FROM {name}")
            rows = _counts(connection, {name: f"snapshot.{name}" for name in tables})
        finally:
            connection.execute("DETACH snapshot")
    part.replace(target)
    return Snapshot(target, rows, target.stat().st_size)


def table_rows(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of the tables that a snapshot would hold now."""
    return _counts(connection, {name: name for name in _tables(connection)})


def _counts(connection: duckdb.DuckDBPyConnection, places: Mapping[str, str]) -> dict[str, int]:
    return {
        name: connection.execute(f"SELECT count(*) FROM {place}").fetchall()[0][0]
        for name, place in places.items()
    }


def _tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    wanted = ", ".join(f"'{schema}'" for schema in SCHEMAS)
    found = connection.execute(
        f"""SELECT table_schema, table_name FROM information_schema.tables
        WHERE table_schema IN ({wanted}) AND table_type = 'BASE TABLE' AND table_catalog = current_database()
        ORDER BY ALL"""
    ).fetchall()
    return [f'{schema}."{table}"' for schema, table in found]


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
