"""Accounts into tables: `raw.*`, `quarantine.records` and `ops.file_manifest`. Decides nothing about rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from xbec_platform.ingest.accounting import META, Account, LandedFile
from xbec_platform.ingest.contracts import contracts
from xbec_platform.ingest.manifest import DUPLICATE, LOADED, REJECTED, ManifestEntry
from xbec_platform.warehouse.database import append, create_table, read_frame

if TYPE_CHECKING:
    import duckdb

MANIFEST_SCHEMA = {
    "file_id": pl.String(),
    "feed": pl.String(),
    "drop_date": pl.Date(),
    "path": pl.String(),
    "sha256": pl.String(),
    "size_bytes": pl.Int64(),
    "status": pl.String(),
    "format": pl.String(),
    "rows_in": pl.Int64(),
    "rows_loaded": pl.Int64(),
    "rows_quarantined": pl.Int64(),
    "rows_duplicate": pl.Int64(),
    "error": pl.String(),
    "duplicate_of": pl.String(),
}
QUARANTINE_SCHEMA = {
    "file_id": pl.String(),
    "feed": pl.String(),
    "drop_date": pl.Date(),
    "path": pl.String(),
    "row_no": pl.Int64(),
    "reasons": pl.List(pl.String()),
    "raw_json": pl.String(),
}


PENDING_DAYS = "ops.pending_event_days"


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create every raw table, the quarantine and the manifest where they are missing."""
    for source, contract in contracts().items():
        create_table(connection, f"raw.{source}", contract.schema | META)
    create_table(connection, "quarantine.records", QUARANTINE_SCHEMA)
    create_table(connection, "ops.file_manifest", MANIFEST_SCHEMA)
    create_table(connection, PENDING_DAYS, {"source": pl.String(), "event_date": pl.Date()})


def read_manifest(connection: duckdb.DuckDBPyConnection) -> list[ManifestEntry]:
    """All entries, sorted by path and content."""
    rows = connection.execute(
        "SELECT feed, drop_date, path, sha256, size_bytes, status, duplicate_of "
        "FROM ops.file_manifest ORDER BY path, sha256"
    ).fetchall()
    return [ManifestEntry(LandedFile(*row[:5]), *row[5:]) for row in rows]


def withdraw(connection: duckdb.DuckDBPyConnection, files: Sequence[tuple[LandedFile, str]]) -> None:
    """Take the rows of files out and note their new status."""
    if not files:
        return
    ids = [[file.file_id for file, _ in files]]
    _note_event_days(connection, ids)
    for source in contracts():
        connection.execute(f"DELETE FROM raw.{source} WHERE _file_id IN (SELECT unnest(?))", ids)
    connection.execute("DELETE FROM quarantine.records WHERE file_id IN (SELECT unnest(?))", ids)
    for file, status in files:
        connection.execute(
            "UPDATE ops.file_manifest SET status = ? WHERE file_id = ?", [status, file.file_id]
        )


def note_duplicates(
    connection: duckdb.DuckDBPyConnection, duplicates: Iterable[tuple[LandedFile, LandedFile]]
) -> None:
    """Note files whose content another file of the feed already brought."""
    rows = [_manifest_row(file, DUPLICATE, duplicate_of=owner.path) for file, owner in duplicates]
    _replace_entries(connection, rows)


def store(connection: duckdb.DuckDBPyConnection, accounts: Sequence[Account]) -> None:
    """Append the rows of accounts and their manifest entries; a rejected file brings an entry only."""
    for source, contract in contracts().items():
        frames = [account.tables[source] for account in accounts if source in account.tables]
        frames = [frame for frame in frames if not frame.is_empty()]
        if frames:
            rows = pl.concat(frames).select(*contract.columns, *META)
            append(connection, f"raw.{source}", rows)
    _note_event_days(connection, [[account.file.file_id for account in accounts]])
    quarantined = [_quarantine_rows(account) for account in accounts if account.quarantined.height]
    if quarantined:
        append(connection, "quarantine.records", pl.concat(quarantined))
    _replace_entries(connection, [_account_row(account) for account in accounts])


def _note_event_days(connection: duckdb.DuckDBPyConnection, ids: list[list[str]]) -> None:
    """Remember the event days whose facts rows of these files change: the ledger of what must be rebuilt.

    It is written in the transaction that moves the rows, and cleared by whoever has rebuilt the days, so that
    a late or corrected row is never forgotten, whatever dies in between.
    """
    for source, contract in contracts().items():
        if contract.event_time and not contract.looks_ahead:
            days = f"SELECT DISTINCT '{source}', {contract.event_time}::DATE FROM raw.{source}"
        elif source == "order_lines":
            days = """SELECT DISTINCT 'order_lines', o.order_ts::DATE
                FROM raw.order_lines JOIN raw.orders AS o USING (order_id)"""
        else:
            continue
        connection.execute(
            f"INSERT INTO {PENDING_DAYS} {days} WHERE raw.{source}._file_id IN (SELECT unnest(?))", ids
        )


def pending_days(connection: duckdb.DuckDBPyConnection) -> list[date]:
    """Event days whose raw rows changed since their facts were built, in order."""
    rows = connection.execute(f"SELECT DISTINCT event_date FROM {PENDING_DAYS} ORDER BY ALL").fetchall()
    return [day for (day,) in rows if day is not None]


def clear_pending(connection: duckdb.DuckDBPyConnection, start: date, end: date) -> None:
    """Forget the days of `[start, end)`: their facts have been built from the rows as they are."""
    connection.execute(f"DELETE FROM {PENDING_DAYS} WHERE event_date >= ? AND event_date < ?", [start, end])


def _quarantine_rows(account: Account) -> pl.DataFrame:
    file = account.file
    return account.quarantined.select(
        pl.lit(file.file_id).alias("file_id"),
        pl.lit(file.feed).alias("feed"),
        pl.lit(file.drop_date).alias("drop_date"),
        pl.lit(file.path).alias("path"),
        pl.col("_row_no").alias("row_no"),
        "reasons",
        "raw_json",
    )


def _account_row(account: Account) -> dict[str, object]:
    return _manifest_row(account.file, REJECTED if account.error else LOADED) | {
        "format": account.format,
        "rows_in": account.rows_in,
        "rows_loaded": account.rows_loaded,
        "rows_quarantined": account.rows_quarantined,
        "rows_duplicate": account.rows_duplicate,
        "error": account.error,
    }


def _manifest_row(file: LandedFile, status: str, duplicate_of: str | None = None) -> dict[str, object]:
    return {
        "file_id": file.file_id,
        "feed": file.feed,
        "drop_date": file.drop_date,
        "path": file.path,
        "sha256": file.sha256,
        "size_bytes": file.size_bytes,
        "status": status,
        "duplicate_of": duplicate_of,
    }


def _replace_entries(connection: duckdb.DuckDBPyConnection, rows: Sequence[dict[str, object]]) -> None:
    frame = pl.DataFrame(rows, schema=MANIFEST_SCHEMA)
    ids = [frame["file_id"].to_list()]
    connection.execute("DELETE FROM ops.file_manifest WHERE file_id IN (SELECT unnest(?))", ids)
    append(connection, "ops.file_manifest", frame)


def intake_summary(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Per feed: files, rows in, loaded, quarantined, exact duplicates, rejected files."""
    return read_frame(
        connection,
        """
        SELECT feed,
            count(*) FILTER (status <> 'superseded') AS files,
            coalesce(sum(rows_in) FILTER (status = 'loaded'), 0)::BIGINT AS rows_in,
            coalesce(sum(rows_loaded) FILTER (status = 'loaded'), 0)::BIGINT AS loaded,
            coalesce(sum(rows_quarantined) FILTER (status = 'loaded'), 0)::BIGINT AS quarantined,
            coalesce(sum(rows_duplicate) FILTER (status = 'loaded'), 0)::BIGINT AS exact_duplicates,
            count(*) FILTER (status = 'duplicate') AS duplicate_files,
            count(*) FILTER (status = 'rejected') AS rejected_files
        FROM ops.file_manifest GROUP BY feed ORDER BY feed
        """,
    )
