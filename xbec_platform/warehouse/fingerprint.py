"""Equality of whole tables: a hash over rows that does not depend on their order. Nothing is written here."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

SCHEMAS = ("raw", "quarantine", "marts", "ml")
EMPTY = (0, "0.0")


def fingerprints(
    connection: duckdb.DuckDBPyConnection, schemas: Iterable[str] = SCHEMAS
) -> dict[str, tuple[int, str]]:
    """Row count and content hash of every table of some schemas.

    The hash is the sum of the MD5 numbers of the rows' text: the same rows in any order give the same
    value, and a row that is there twice counts twice.

    Returns:
        `{"schema.table": (rows, hash)}`, sorted by name.
    """
    columns = _columns(connection, schemas)
    counted = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in columns)
    rows = dict(connection.execute(counted).fetchall()) if counted else {}
    return {
        table.replace('"', ""): _fingerprint(connection, table, names) if rows[table] else EMPTY
        for table, names in columns.items()
    }


def _columns(connection: duckdb.DuckDBPyConnection, schemas: Iterable[str]) -> dict[str, list[str]]:
    """Quoted table -> its columns, both by name; one look into the catalogue, which is slow to look into."""
    found: dict[str, list[str]] = {}
    listed = connection.execute(
        """
        SELECT c.schema_name, c.table_name, c.column_name
        FROM duckdb_columns() AS c JOIN duckdb_tables() AS t USING (database_oid, schema_oid, table_oid)
        WHERE c.database_name = current_database() AND c.schema_name IN (SELECT unnest(?))
        ORDER BY ALL
        """,
        [list(schemas)],
    )
    for schema, table, name in listed.fetchall():
        found.setdefault(f'"{schema}"."{table}"', []).append(name)
    return found


def _fingerprint(connection: duckdb.DuckDBPyConnection, table: str, names: list[str]) -> tuple[int, str]:
    row_text = " || '\x1f' || ".join(f"coalesce(\"{name}\"::VARCHAR, '\x1e')" for name in names)
    # Halves of the digest are summed as 128-bit integers: no overflow below 2^64 rows.
    rows, low, high = connection.execute(
        f"""SELECT count(*), coalesce(sum(md5_number_lower({row_text})::HUGEINT), 0),
        coalesce(sum(md5_number_upper({row_text})::HUGEINT), 0) FROM {table}"""
    ).fetchall()[0]
    return int(rows), f"{int(low):x}.{int(high):x}"
