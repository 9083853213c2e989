"""Where somebody is mentioned: text columns by salted hash, files by their bytes. Only `delete_mentions` changes rows.

The suppression list knows hashes only, so a table is searched by hashing every distinct value of its text columns
and every word in longer ones (JSON, addresses, reasons). Bytes need the identifiers in plain text, which exist
only while a person is being erased or when somebody names the person. DuckDB may store text compressed, so for its
files the columns are the proof, and long identifiers in the bytes show what lies in blocks that no table holds any
more. An identifier that is short or a number is a mention only as the whole value of a column that holds identifiers
by its name.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from xbec_platform.catalogue.names import direct_class
from xbec_platform.erasure.containers import PARQUET, UnreadableError, unpack
from xbec_platform.erasure.mentions import byte_pattern
from xbec_platform.erasure.parquet_redaction import read_parquet
from xbec_platform.ingest.suppression import (
    KINDS,
    LEAST_LENGTH,
    ORDER,
    TOKEN,
    Suppression,
    listed_values,
)
from xbec_platform.warehouse import dbt_builds

if TYPE_CHECKING:
    import duckdb

_LIST = "_suppressed"
DUCKDB = (".duckdb",)
DATABASES = (".wal", ".db", ".db-wal")
_PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", PARQUET)


@dataclass(frozen=True)
class ColumnMention:
    """Rows of a text column that mention somebody on the list."""

    table: str
    column: str
    rows: int


def mentioned_rows(
    connection: duckdb.DuckDBPyConnection, suppression: Suppression, database: str | None = None
) -> list[ColumnMention]:
    """Search every text column of every table for every owned identifier on the list.

    Args:
        connection: Of the warehouse.
        suppression: The list.
        database: An attached database; the connection's own one when None.

    Returns:
        Columns with mentions, sorted; none when everybody on the list is forgotten.
    """
    if not suppression:
        return []
    _create_list(connection, suppression)
    name = database or str(connection.execute("SELECT current_database()").fetchall()[0][0])
    columns = connection.execute(
        """SELECT schema_name, table_name, column_name FROM duckdb_columns()
        JOIN duckdb_tables() USING (database_name, schema_name, table_name)
        WHERE database_name = ? AND (data_type LIKE '%VARCHAR%' OR data_type = 'JSON') AND NOT temporary
        ORDER BY ALL""",
        [name],
    ).fetchall()
    found = []
    filled: dict[str, bool] = {}
    for schema, table, column in columns:
        place = f'"{name}"."{schema}"."{table}"'
        if place not in filled:
            filled[place] = bool(connection.execute(f"SELECT 1 FROM {place} LIMIT 1").fetchall())
        if not filled[place]:
            continue
        sql = f"SELECT count(*) FROM {place} WHERE {_listed_sql(place, column)}"
        rows = connection.execute(sql, _parameters(column, suppression)).fetchall()[0][0]
        if rows:
            found.append(ColumnMention(f"{schema}.{table}", column, int(rows)))
    return found


def delete_mentions(
    connection: duckdb.DuckDBPyConnection, suppression: Suppression, mentions: Iterable[ColumnMention]
) -> None:
    """Delete the rows that `mentioned_rows` counted in some columns."""
    _create_list(connection, suppression)
    dbt_builds.forget(connection)
    for one in mentions:
        sql = f"DELETE FROM {one.table} WHERE {_listed_sql(one.table, one.column)}"
        connection.execute(sql, _parameters(one.column, suppression))


def _create_list(connection: duckdb.DuckDBPyConnection, suppression: Suppression) -> None:
    """The owned hashes as a temporary table: kind, hash."""
    entries = sorted((one.kind, one.hash) for one in suppression.entries if one.is_own and one.kind != ORDER)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_LIST} (kind VARCHAR, hash VARCHAR)")
    if entries:
        kinds, hashes = ([entry[place] for entry in entries] for place in (0, 1))
        connection.execute(f"INSERT INTO {_LIST} SELECT unnest(?), unnest(?)", [kinds, hashes])


def _listed_sql(place: str, column: str) -> str:
    """Condition on a row: its value, or a word of it, is on the list.

    A short or purely numeric word counts only as the whole value of a column that holds identifiers.
    """
    words = "list_append(regexp_extract_all(value, $token), value)"
    return f"""
    "{column}"::VARCHAR IN (
        SELECT value FROM (
            SELECT value, unnest(list_distinct({words})) AS word
            FROM (SELECT DISTINCT "{column}"::VARCHAR AS value FROM {place} WHERE "{column}" IS NOT NULL)
        ) JOIN {_LIST} ON hash = sha256($salt || trim(word))
        WHERE (length(word) >= $least AND NOT regexp_full_match(word, '[0-9]+'))
            OR ($kind IN (kind, '*') AND word = value)
    )
    """


def _parameters(column: str, suppression: Suppression) -> dict[str, object]:
    kind = column if column in KINDS else "*" if _is_personal(column) else ""
    return {"token": TOKEN, "salt": suppression.salt, "least": LEAST_LENGTH, "kind": kind}


def _is_personal(column: str) -> bool:
    """Whether a column holds identifiers or contacts of persons, by its name."""
    return column != ORDER and (column in KINDS or direct_class(column) is not None)


def listed_rows(frame: pl.DataFrame, suppression: Suppression) -> pl.Series:
    """Which rows name somebody on the list in a column that holds identifiers by its name, as one flag a row."""
    hits = pl.repeat(value=False, n=frame.height, eager=True)
    for name in (name for name in frame.columns if _is_personal(name) and not frame[name].dtype.is_nested()):
        kind = name if name in KINDS else ""
        hits = hits | listed_values(frame[name].cast(pl.String), suppression.own[kind], suppression)
    return hits


def listed_in_exports(exports: Path, suppression: Suppression) -> tuple[dict[Path, int], dict[Path, str]]:
    """Rows by exported file that name somebody on the list; numbers too, which no search of bytes can tell.

    Returns:
        Files with rows, and files nobody can look into with the cause.
    """
    counts: dict[Path, int] = {}
    unreadable: dict[Path, str] = {}
    for path in (path for path in files_below([exports]) if suppression and path.suffix in _TABLES):
        try:
            frame = _TABLES[path.suffix](path)
        except (UnreadableError, pl.exceptions.PolarsError) as error:
            unreadable[path] = str(error)
            continue
        if rows := int(listed_rows(frame, suppression).sum()):
            counts[path] = rows
    return counts, unreadable


_TABLES: Mapping[str, Callable[[Path], pl.DataFrame]] = {
    ".parquet": lambda path: read_parquet(path.read_bytes())[0],
    ".csv": lambda path: pl.read_csv(path, infer_schema=False),
}


def mentioned_in_files(
    paths: Iterable[Path], values: Iterable[str]
) -> tuple[dict[Path, int], dict[Path, str]]:
    """Count mentions in the bytes of files; packed files and Parquet are looked into.

    Args:
        paths: Files; folders are searched whole, links are not followed.
        values: Identifiers in plain text. Short or numeric ones mean other things too and are not looked for.

    Returns:
        Files with mentions, and files nobody can look into with the cause.
    """
    words = list(values)
    plain = byte_pattern(words)
    by_ending = {
        DATABASES: byte_pattern(words, is_packed=True),
        DUCKDB: byte_pattern(words, is_compressed=True),
    }
    counts: dict[Path, int] = {}
    unreadable: dict[Path, str] = {}
    for path in files_below(paths):
        found = next((one for ending, one in by_ending.items() if path.name.endswith(ending)), plain)
        if found is None:
            continue
        try:
            count = _mentions(path, found)
        except UnreadableError as error:
            unreadable[path] = str(error)
            continue
        if count:
            counts[path] = count
    return counts, unreadable


def files_below(paths: Iterable[Path]) -> list[Path]:
    """All files of some files and folders, sorted."""
    chosen: set[Path] = set()
    for place in paths:
        below = place.rglob("*") if place.is_dir() else [place]
        chosen |= {path for path in below if path.is_file() and not path.is_symlink()}
    return sorted(chosen)


def _mentions(path: Path, found: re.Pattern[bytes]) -> int:
    if path.stat().st_size == 0:
        return 0
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if not data[:4].startswith(_PACKED):
            return sum(1 for _ in found.finditer(data)) + _wide_mentions(data, found)
        packed = data[:]
    if packed.startswith(PARQUET):
        return _count_values(read_parquet(packed)[0], found)
    return sum(_part_mentions(part, found) for part in unpack(packed).parts.values())


def _part_mentions(data: bytes, found: re.Pattern[bytes]) -> int:
    if data.startswith(PARQUET):
        return _count_values(read_parquet(data)[0], found)
    return len(found.findall(data)) + _wide_mentions(data, found)


def _wide_mentions(data: bytes | mmap.mmap, found: re.Pattern[bytes]) -> int:
    """Mentions in UTF-16 text, told by its byte order mark."""
    encodings: Mapping[bytes, str] = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
    encoding = encodings.get(data[:2])
    if encoding is None:
        return 0
    return len(found.findall(data[2:].decode(encoding, errors="ignore").encode()))


def _count_values(frame: pl.DataFrame, found: re.Pattern[bytes]) -> int:
    """Rows of a frame's text and nested columns that mention somebody."""
    count = 0
    for name, dtype in frame.schema.items():
        if dtype == pl.String or dtype.is_nested():
            column = (
                frame[name]
                if dtype == pl.String
                else pl.Series([str(value) for value in frame[name].to_list()])
            )
            values = column.drop_nulls().value_counts()
            count += sum(rows for value, rows in values.iter_rows() if found.search(value.encode()))
    return count
