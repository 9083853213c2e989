"""Accounts into tables: `raw.*`, `quarantine.records` and `ops.*` of the intake. Decides nothing about rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import polars as pl

from xbec_platform.ingest.accounting import META, Account, LandedFile
from xbec_platform.ingest.contracts import Contract, contracts
from xbec_platform.ingest.ledger import PENDING_DAYS, PENDING_SCHEMA, note_event_days
from xbec_platform.ingest.manifest import DUPLICATE, LOADED, REJECTED, WITHDRAWN, ManifestEntry
from xbec_platform.ingest.verdicts import DUPLICATES, EXTRA
from xbec_platform.warehouse import dbt_builds
from xbec_platform.warehouse.database import append, create_missing, read_frame

if TYPE_CHECKING:
    import duckdb

MANIFEST, QUARANTINE = "ops.file_manifest", "quarantine.records"
REPAIRS, WARNINGS = "ops.repairs", "ops.warnings"
MANIFEST_SCHEMA = {
    "file_id": pl.Int64(),
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
    "rows_repaired": pl.Int64(),
    "rows_warned": pl.Int64(),
    "rules_hash": pl.String(),
    "error": pl.String(),
    "duplicate_of": pl.String(),
}
_PLACE = {"file_id": pl.Int64(), "feed": pl.String(), "drop_date": pl.Date()}
QUARANTINE_SCHEMA = _PLACE | {
    "path": pl.String(),
    "row_no": pl.Int64(),
    "reasons": pl.List(pl.String()),
    "raw_json": pl.String(),
}
REPAIRS_SCHEMA = _PLACE | {
    "row_no": pl.Int64(),
    "rule_id": pl.String(),
    "column_name": pl.String(),
    "before": pl.String(),
    "after": pl.String(),
}
WARNINGS_SCHEMA = _PLACE | {"rule_id": pl.String(), "rows": pl.Int64()}


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create every raw table, the quarantine and the intake's own tables where they are missing."""
    raw = {f"raw.{source}": contract.schema | META for source, contract in contracts().items()}
    own = {
        QUARANTINE: QUARANTINE_SCHEMA,
        MANIFEST: MANIFEST_SCHEMA,
        REPAIRS: REPAIRS_SCHEMA,
        WARNINGS: WARNINGS_SCHEMA,
        PENDING_DAYS: PENDING_SCHEMA,
    }
    _number_files(connection)
    compression = {f"raw.{source}": _compression(contract) for source, contract in contracts().items()}
    create_missing(connection, raw | own, compression)


def _compression(contract: Contract) -> dict[str, str]:
    """How to store texts whose kind the contract tells: DuckDB tries all ways otherwise, 15 % of an insert."""
    names = {*contract.key, *contract.parents}
    return {
        name: "dictionary" if column.has_few_values else "fsst"
        for name, column in contract.columns.items()
        if column.has_few_values or (column.type == "text" and (name in names or column.tells_who))
    }


def _number_files(connection: duckdb.DuckDBPyConnection) -> None:
    """In a home of an older version files are named by 16 hex digits; the first 15 are today's number."""
    named = connection.execute(
        """
        SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns()
        WHERE column_name IN ('file_id', '_file_id') AND data_type = 'VARCHAR'
            AND schema_name IN ('raw', 'ops', 'quarantine')
        """
    )
    for table, name in named.fetchall():
        connection.execute(
            f"ALTER TABLE {table} ALTER {name} TYPE BIGINT USING ('0x' || left({name}, 15))::BIGINT"
        )


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
    remove_rows(connection, [file for file, _ in files])
    for file, status in files:
        connection.execute(f"UPDATE {MANIFEST} SET status = ? WHERE file_id = ?", [status, file.file_id])


def take_back(connection: duckdb.DuckDBPyConnection, files: Sequence[LandedFile]) -> None:
    """Take the rows of files out that a person took back, and say so in the manifest."""
    if not files:
        return
    remove_rows(connection, files)
    _replace_entries(connection, [_manifest_row(file, WITHDRAWN) for file in files])


def remove_rows(connection: duckdb.DuckDBPyConnection, files: Sequence[LandedFile]) -> None:
    """Take all rows of files out of the tables; the ledger names the event days that change."""
    note_event_days(connection, [file.file_id for file in files])
    dbt_builds.forget(connection)
    ids = [[file.file_id for file in files]]
    for source in contracts():
        connection.execute(f"DELETE FROM raw.{source} WHERE _file_id IN (SELECT unnest(?))", ids)
    for table in (QUARANTINE, REPAIRS, WARNINGS):
        connection.execute(f"DELETE FROM {table} WHERE file_id IN (SELECT unnest(?))", ids)


def note_duplicates(
    connection: duckdb.DuckDBPyConnection, duplicates: Iterable[tuple[LandedFile, LandedFile]]
) -> None:
    """Note files whose content another file of the feed already brought."""
    rows = [_manifest_row(file, DUPLICATE, duplicate_of=owner.path) for file, owner in duplicates]
    _replace_entries(connection, rows)


def store(connection: duckdb.DuckDBPyConnection, accounts: Sequence[Account]) -> None:
    """Append the rows of accounts and their manifest entries; a rejected file brings an entry only."""
    store_rows(connection, accounts)
    store_warnings(connection, [(one.file, _by_rule(one.warned)) for one in accounts if one.warned.height])
    close_accounts(connection, accounts)


def store_rows(connection: duckdb.DuckDBPyConnection, accounts: Sequence[Account]) -> None:
    """Append loaded, quarantined and repaired rows; of a large file, those of one block."""
    for source, contract in contracts().items():
        frames = [
            account.tables[source].with_columns(_file_id=pl.lit(account.file.file_id, pl.Int64))
            for account in accounts
            if source in account.tables and not account.tables[source].is_empty()
        ]
        if frames:
            append(connection, f"raw.{source}", pl.concat(frames).select(*contract.columns, *META))
    for table, rows in (
        (QUARANTINE, [_quarantine_rows(one) for one in accounts if one.quarantined.height]),
        (REPAIRS, [_repair_rows(one) for one in accounts if one.repaired.height]),
    ):
        if rows:
            append(connection, table, pl.concat(rows))


def store_clean(
    connection: duckdb.DuckDBPyConnection, file: LandedFile, source: str, frame: pl.DataFrame
) -> None:
    """Append rows of a source's own file that need no account of their own (contract columns, `_row_no`)."""
    constants = {
        "_file_id": file.file_id,
        "_feed": None,
        "_drop_date": file.drop_date,
        DUPLICATES: 0,
        EXTRA: None,
    }
    given = {name: value for name, value in constants.items() if name not in frame.columns}
    append(connection, f"raw.{source}", frame, constants=given)


def store_warnings(
    connection: duckdb.DuckDBPyConnection, counted: Sequence[tuple[LandedFile, pl.DataFrame]]
) -> None:
    """Append the number of rows that each rule warns about (rule_id, rows), by file."""
    if counted:
        append(connection, WARNINGS, pl.concat(_placed(*one).select(*WARNINGS_SCHEMA) for one in counted))


def _by_rule(warned: pl.DataFrame) -> pl.DataFrame:
    return warned.group_by("rule_id").agg(pl.len().cast(pl.Int64).alias("rows")).sort("rule_id")


def close_accounts(connection: duckdb.DuckDBPyConnection, accounts: Sequence[Account]) -> None:
    """Write what became of files into the manifest, and the days they change into the ledger."""
    note_event_days(connection, [account.file.file_id for account in accounts])
    _replace_entries(connection, [_account_row(account) for account in accounts])


def _placed(file: LandedFile, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with the file they come from."""
    return rows.with_columns(
        pl.lit(file.file_id, pl.Int64).alias("file_id"),
        pl.lit(file.feed).alias("feed"),
        pl.lit(file.drop_date).alias("drop_date"),
        pl.lit(file.path).alias("path"),
    )


def _quarantine_rows(account: Account) -> pl.DataFrame:
    placed = _placed(account.file, account.quarantined.rename({"_row_no": "row_no"}))
    return placed.select(*QUARANTINE_SCHEMA)


def _repair_rows(account: Account) -> pl.DataFrame:
    placed = _placed(account.file, account.repaired.rename({"_row_no": "row_no", "column": "column_name"}))
    return placed.select(*REPAIRS_SCHEMA)


def _account_row(account: Account) -> dict[str, object]:
    return _manifest_row(account.file, REJECTED if account.error else LOADED) | {
        "format": account.format,
        "rows_in": account.rows_in,
        "rows_loaded": account.rows_loaded,
        "rows_quarantined": account.rows_quarantined,
        "rows_duplicate": account.rows_duplicate,
        "rows_repaired": account.rows_repaired,
        "rows_warned": account.rows_warned,
        "rules_hash": account.rules_hash,
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
    if not rows:
        return
    dbt_builds.forget(connection)
    frame = pl.DataFrame(rows, schema=MANIFEST_SCHEMA)
    ids = [frame["file_id"].to_list()]
    connection.execute(f"DELETE FROM {MANIFEST} WHERE file_id IN (SELECT unnest(?))", ids)
    append(connection, MANIFEST, frame)


def intake_summary(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Per feed: files, rows in, loaded, quarantined, exact duplicates, rejected files."""
    return read_frame(
        connection,
        """
        SELECT feed,
            count(*) FILTER (status NOT IN ('superseded', 'withdrawn')) AS files,
            coalesce(sum(rows_in) FILTER (status = 'loaded'), 0)::BIGINT AS rows_in,
            coalesce(sum(rows_loaded) FILTER (status = 'loaded'), 0)::BIGINT AS loaded,
            coalesce(sum(rows_quarantined) FILTER (status = 'loaded'), 0)::BIGINT AS quarantined,
            coalesce(sum(rows_duplicate) FILTER (status = 'loaded'), 0)::BIGINT AS exact_duplicates,
            count(*) FILTER (status = 'duplicate') AS duplicate_files,
            count(*) FILTER (status = 'rejected') AS rejected_files,
            count(*) FILTER (status = 'withdrawn') AS withdrawn_files
        FROM ops.file_manifest GROUP BY feed ORDER BY feed
        """,
    )
