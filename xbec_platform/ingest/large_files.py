"""Files of more records than are held in memory: block by block into the tables, in one transaction.

A block is screened like a file of its own. What only the whole file can tell, that is records that share a key,
is looked for in the tables afterwards; those records, few in honest files, are read again and judged together.
The tables end as if the file had been screened at once. Which files are large is decided in `accounting`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from xbec_platform.ingest import store
from xbec_platform.ingest.accounting import (
    BLOCK_ROWS,
    Account,
    LandedFile,
    account_for,
    rejected,
    require_balance,
    require_unchanged,
)
from xbec_platform.ingest.clean_rows import clean_rows, plain_columns
from xbec_platform.ingest.contracts import Contract
from xbec_platform.ingest.feeds import Feeds
from xbec_platform.ingest.formats.reading import read_blocks
from xbec_platform.ingest.formats.records import ROW, FileRejectedError, Records
from xbec_platform.ingest.key_hashes import KeyHashes
from xbec_platform.ingest.native import typed_columns
from xbec_platform.ingest.screening import require_columns
from xbec_platform.ingest.suppression import suppress
from xbec_platform.warehouse.database import append, read_frame

if TYPE_CHECKING:
    import duckdb

# Keys that are compared at once; more are taken in portions by their hash: 80 M keys of a 5 GB file need 4 GB.
KEYS_AT_ONCE = 10_000_000
# Beside DuckDB's pages stand 0.5 GB of blocks and libraries: together less than 2 GB.
DATABASE_BYTES = 1_300_000_000
# Records that are screened and appended at once: more leave the processor's cache.
PIECE_ROWS = 150_000
# Records with a shared key that are judged at once.
SUSPECTS_AT_ONCE = 1_000_000
_COUNTED = ("rows_in", "rows_loaded", "rows_quarantined", "rows_duplicate", "rows_repaired", "rows_warned")
# Keys of quarantined rows and warnings by row, until the file is closed.
_REFUSED, _WARNED = "_refused_keys", "_warned_rows"


def load_large(
    connection: duckdb.DuckDBPyConnection,
    file: LandedFile,
    landing: Path,
    feeds: Feeds,
    *,
    block_rows: int = BLOCK_ROWS,
) -> Account:
    """Bring the rows of one file of a contract's feed in, inside the caller's transaction.

    The connection's memory limit is lowered, so that it is to be closed with the transaction.

    Returns:
        Its account without rows; with an error, and no row in the tables, when the file must be rejected.
    """
    contract = feeds.contract(file.feed)
    _leave_room(connection)
    try:
        totals, spelling, hashes = _load_blocks(connection, file, landing, feeds, block_rows)
        require_unchanged(file, landing)
    except (FileRejectedError, OSError) as error:
        store.remove_rows(connection, [file])
        account = rejected(file, error if isinstance(error, FileRejectedError) else _unopened(error))
    else:
        # Comparing keys in the tables costs 0.3 CPU s per million; hashes acquit honest files for a tenth.
        portions = () if hashes.are_distinct() else _portions(connection, file, contract)
        del hashes
        for portion in portions:
            totals.update(_judge_again(connection, file, landing, feeds, portion, block_rows))
        totals.update(_count_equal_refusals(connection, file))
        store.store_warnings(connection, [(file, _warnings(connection))])
        judged_by = feeds.rules_hash(file.feed)
        account = replace(Account(file=file, format=spelling, rules_hash=judged_by), **dict(totals))  # type: ignore[arg-type]  # mypy: all keywords of one type
        require_balance(account)
    for table in (_REFUSED, _WARNED):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    store.close_accounts(connection, [account])
    return account


def _leave_room(connection: duckdb.DuckDBPyConnection) -> None:
    """Bound what DuckDB keeps of the pages it wrote: by itself it fills its limit with them."""
    (limit,) = connection.execute(
        f"SELECT least(parse_formatted_bytes(current_setting('memory_limit')), {DATABASE_BYTES})"
    ).fetchall()[0]
    connection.execute(f"SET memory_limit = '{limit}B'")


def _unopened(error: OSError) -> FileRejectedError:
    return FileRejectedError(f"cannot be opened: {error.strerror}")


def _blocks(
    file: LandedFile,
    landing: Path,
    feeds: Feeds,
    block_rows: int,
    plain: Mapping[str, pl.DataType] | None = None,
) -> Iterator[Records]:
    """The file's records without those of erased people."""
    contract, expect = feeds.contract(file.feed), feeds.expectation(file.feed)
    for records in read_blocks(landing / file.path, expect, block_rows=block_rows, plain=plain):
        require_columns(records.frame, contract)
        yield suppress(records, contract, feeds.suppression)


def _load_blocks(
    connection: duckdb.DuckDBPyConnection, file: LandedFile, landing: Path, feeds: Feeds, block_rows: int
) -> tuple[Counter[str], str, KeyHashes]:
    """Screen and append block by block; the sums of their accounts, what the reader detected, and all keys."""
    contract, hashes = feeds.contract(file.feed), KeyHashes()
    totals, spelling = Counter(dict.fromkeys(_COUNTED, 0)), ""
    keys = ", ".join(f'"{name}" {kind}' for name, kind in _key_types(connection, contract).items())
    connection.execute(f"CREATE TEMP TABLE {_REFUSED} ({keys}, {ROW} BIGINT)")
    connection.execute(f"CREATE TEMP TABLE {_WARNED} ({ROW} BIGINT, rule_id VARCHAR)")
    # Erased people are looked for in the text.
    plain = {} if feeds.suppression else plain_columns(contract)
    for block in _blocks(file, landing, feeds, min(block_rows, PIECE_ROWS), plain):
        spelling = block.format
        clean = clean_rows(block, contract, drop_date=file.drop_date)
        if clean is not None:
            store.store_clean(connection, file, contract.source, clean.frame)
            hashes.add_hashes(clean.key_hashes)
            totals.update(rows_in=block.rows_in, rows_loaded=block.rows_in)
            continue
        records = block.as_spelt()
        (account,) = account_for([(file, records)], feeds)
        if account.error:
            raise FileRejectedError(account.error.removeprefix(f"{file.path}: "))
        store.store_rows(connection, [account])
        append(connection, _WARNED, account.warned)
        if contract.source in account.tables:
            hashes.add(account.tables[contract.source], contract.key)
        if account.quarantined.height:
            again = records.frame.join(account.quarantined.select(ROW), on=ROW, how="semi")
            refused = _keys(replace(records, frame=again), contract)
            append(connection, _REFUSED, refused)
            hashes.add(refused, contract.key)
        totals.update({name: getattr(account, name) for name in _COUNTED})
    return totals, spelling, hashes


def _warnings(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Rows by rule."""
    return read_frame(
        connection,
        f"SELECT rule_id, count(*)::BIGINT AS rows FROM {_WARNED} GROUP BY rule_id ORDER BY rule_id",
    )


def _key_types(connection: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, str]:
    rows = connection.execute(
        f"SELECT column_name, column_type FROM (DESCRIBE raw.{contract.source})"
    ).fetchall()
    types = {str(name): str(kind) for name, kind in rows}
    return {name: types[name] for name in contract.key}


def _keys(records: Records, contract: Contract) -> pl.DataFrame:
    """Typed key and row number of records; null where it cannot be read."""
    present = [contract.columns[name] for name in contract.key if name in records.frame.columns]
    typed = typed_columns(records.frame, present, "UTC", records.numbers)
    absent = [
        pl.lit(None, contract.columns[name].dtype).alias(name)
        for name in contract.key
        if name not in records.frame.columns
    ]
    return typed.with_columns(*absent, records.frame[ROW]).select(*contract.key, ROW)


def _portions(
    connection: duckdb.DuckDBPyConnection, file: LandedFile, contract: Contract
) -> Iterator[pl.DataFrame]:
    """Keys that several records of the file share, in portions that fit into memory."""
    key = ", ".join(f'"{name}"' for name in contract.key)
    known = " AND ".join(f'"{name}" IS NOT NULL' for name in contract.key)
    everything = f"""
        SELECT {key} FROM raw.{contract.source} WHERE _file_id = {file.file_id}
        UNION ALL SELECT {key} FROM {_REFUSED}
    """
    (rows,) = connection.execute(f"SELECT count(*) FROM ({everything})").fetchall()[0]
    parts = -(-rows // KEYS_AT_ONCE)
    found = []
    for part in range(parts):
        # Eight bytes a key: equal hashes are only suspects, which the full comparison acquits.
        suspects = f"""
            SELECT hash({key}) AS h FROM ({everything}) WHERE {known} AND hash({key}) % {parts} = {part}
            GROUP BY h HAVING count(*) > 1
        """
        found.append(
            read_frame(
                connection,
                f"SELECT {key} FROM ({everything}) WHERE {known} AND hash({key}) IN ({suspects}) "
                f"GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL",
            )
        )
    repeated = pl.concat(found) if found else pl.DataFrame()
    for offset in range(0, repeated.height, SUSPECTS_AT_ONCE):
        yield repeated.slice(offset, SUSPECTS_AT_ONCE)


def _judge_again(
    connection: duckdb.DuckDBPyConnection,
    file: LandedFile,
    landing: Path,
    feeds: Feeds,
    repeated: pl.DataFrame,
    block_rows: int,
) -> Counter[str]:
    """Judge all records with these keys together; what changes in the sums of the account."""
    contract = feeds.contract(file.feed)
    found = []
    for records in _blocks(file, landing, feeds, block_rows):
        theirs = _keys(records, contract).join(repeated, on=list(contract.key), how="semi")
        found.append(
            replace(records, frame=records.frame.join(theirs.select(ROW), on=ROW, how="semi"), broken=())
        )
    frame = pl.concat([one.frame for one in found], how="diagonal_relaxed").sort(ROW)
    before = _remove(connection, file, contract, frame.select(ROW))
    (account,) = account_for([(file, replace(found[0], frame=frame))], feeds)
    store.store_rows(connection, [account])
    append(connection, _WARNED, account.warned)
    after = Counter({name: getattr(account, name) for name in _COUNTED if name != "rows_in"})
    after["rows_duplicate"] -= frame.height - before["rows_loaded"] - before["rows_quarantined"]
    after.subtract(before)
    return after


def _count_equal_refusals(connection: duckdb.DuckDBPyConnection, file: LandedFile) -> Counter[str]:
    """Equal records of several blocks whose key cannot be read: the first one stays, the others are counted."""
    (equal,) = connection.execute(
        f"""
        WITH refused AS (
            SELECT q.row_no, row_number() OVER (PARTITION BY q.raw_json ORDER BY q.row_no) AS place
            FROM {store.QUARANTINE} AS q JOIN {_REFUSED} AS r ON r.{ROW} = q.row_no
            WHERE q.file_id = {file.file_id}
        )
        DELETE FROM {store.QUARANTINE}
        WHERE file_id = {file.file_id} AND row_no IN (SELECT row_no FROM refused WHERE place > 1)
        """
    ).fetchall()[0]
    return Counter({"rows_quarantined": -equal, "rows_duplicate": equal})


def _remove(
    connection: duckdb.DuckDBPyConnection, file: LandedFile, contract: Contract, rows: pl.DataFrame
) -> Counter[str]:
    """Take rows of the file out again and count them."""
    connection.register("_suspects", rows.to_arrow())
    counts: Counter[str] = Counter()
    for name, table, number, file_id in (
        ("rows_loaded", f"raw.{contract.source}", ROW, "_file_id"),
        ("rows_quarantined", store.QUARANTINE, "row_no", "file_id"),
        ("rows_repaired", store.REPAIRS, "row_no", "file_id"),
        ("rows_warned", _WARNED, ROW, ""),
    ):
        where = f"{number} IN (SELECT {ROW} FROM _suspects)"
        where += f" AND {file_id} = {file.file_id}" if file_id else ""
        (counted,) = connection.execute(
            f"SELECT count(DISTINCT {number}) FROM {table} WHERE {where}"
        ).fetchall()[0]
        connection.execute(f"DELETE FROM {table} WHERE {where}")
        counts[name] = counted
    connection.unregister("_suspects")
    return counts
