"""Equality of whole tables: a hash over rows that does not depend on their order. Nothing is written here."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

SCHEMAS = ("raw", "quarantine", "marts", "ml")


def fingerprints(
    connection: duckdb.DuckDBPyConnection, schemas: Iterable[str] = SCHEMAS
) -> dict[str, tuple[int, str]]:
    """Row count and content hash of every table of some schemas.

    The hash is the sum of the MD5 numbers of the rows' text: the same rows in any order give the same
    value, and a row that is there twice counts twice.

    Returns:
        `{"schema.table": (rows, hash)}`, sorted by name.
    """
    wanted = ", ".join(f"'{schema}'" for schema in schemas)
    tables = connection.execute(
        f"""SELECT table_schema, table_name FROM information_schema.tables
        WHERE table_schema IN ({wanted}) AND table_type = 'BASE TABLE' ORDER BY ALL"""
    ).fetchall()
    return {f"{schema}.{table}": _fingerprint(connection, schema, table) for schema, table in tables}


def _fingerprint(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> tuple[int, str]:
    columns = [
        row[0]
        for row in connection.execute(
            """SELECT column_name FROM information_schema.columns
            WHERE table_schema = ? AND table_name = ? ORDER BY column_name""",
            [schema, table],
        ).fetchall()
    ]
    row_text = " || '\x1f' || ".join(f"coalesce(\"{name}\"::VARCHAR, '\x1e')" for name in columns)
    # Halves of the digest are summed as 128-bit integers: no overflow below 2^64 rows.
    rows, low, high = connection.execute(
        f"""SELECT count(*), coalesce(sum(md5_number_lower({row_text})::HUGEINT), 0),
        coalesce(sum(md5_number_upper({row_text})::HUGEINT), 0) FROM "{schema}"."{table}" """
    ).fetchall()[0]
    return int(rows), f"{int(low):x}.{int(high):x}"
