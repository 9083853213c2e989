"""Landed files screened again under the present rules, as a fresh home would screen them. No rule is judged here.

Tables are a function of the landed files and the rules. After a mended rule, contract or mapping the files that
the old ones had judged are read again from the landing folder, each in one transaction: out with its rows, in
with the new ones. The ledger of changed event days is written by the store on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xbec_platform.ingest import store
from xbec_platform.ingest.accounting import BLOCK_ROWS, Account, LandedFile, LargeFile, accounts
from xbec_platform.ingest.feeds import Feeds
from xbec_platform.ingest.landing import content_hash
from xbec_platform.ingest.large_files import load_large
from xbec_platform.ingest.manifest import LOADED, REJECTED
from xbec_platform.warehouse.database import Warehouse

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Counts:
    """The account of one file: what came of its records."""

    status: str
    rows_in: int
    rows_loaded: int
    rows_quarantined: int
    rows_duplicate: int


@dataclass(frozen=True)
class StoredFile:
    """A landed file as the manifest knows it."""

    file: LandedFile
    counts: Counts
    rules_hash: str | None


@dataclass(frozen=True)
class Replayed:
    """What a replay did, or would do, with one file.

    Attributes:
        file: The file.
        before: Its account under the rules it was screened by.
        after: Its account under the present ones; None when it could not be replayed.
        problem: Why not, and what to do.
    """

    file: LandedFile
    before: Counts
    after: Counts | None
    problem: str | None = None


_FILES_SQL = """
SELECT feed, drop_date, path, sha256, size_bytes, status, coalesce(rows_in, 0), coalesce(rows_loaded, 0),
    coalesce(rows_quarantined, 0), coalesce(rows_duplicate, 0), rules_hash
FROM ops.file_manifest
WHERE status IN (?, ?) AND (?::VARCHAR IS NULL OR feed = ?) AND (?::VARCHAR IS NULL OR path = ?)
ORDER BY drop_date, feed, path
"""


def files_to_replay(
    connection: duckdb.DuckDBPyConnection,
    *,
    feed: str | None = None,
    path: str | None = None,
    everything: bool = False,
    hashes: Mapping[str, str] | None = None,
) -> list[StoredFile]:
    """Files whose verdict may have changed, oldest drop day first.

    Args:
        connection: The warehouse.
        feed: Only files of this source or mapping.
        path: Only this file, below `landing/`.
        everything: Also files that had nothing to quarantine.
        hashes: Feed -> hash of its present rules; files screened by others are taken too.
    """
    rows = connection.execute(_FILES_SQL, [LOADED, REJECTED, feed, feed, path, path]).fetchall()
    stored = [StoredFile(LandedFile(*row[:5]), Counts(*row[5:10]), row[10]) for row in rows]
    known = hashes or {}
    return [
        one
        for one in stored
        if everything
        or path is not None
        or one.counts.status == REJECTED
        or one.counts.rows_quarantined
        or one.rules_hash != known.get(one.file.feed, one.rules_hash)
    ]


def replay(
    warehouse: Warehouse,
    landing: Path,
    files: Iterable[StoredFile],
    *,
    feeds: Feeds | None = None,
    dry_run: bool = False,
    block_rows: int = BLOCK_ROWS,
) -> Iterator[Replayed]:
    """Screen files again and, unless `dry_run`, put their rows in place of the old ones.

    Args:
        warehouse: Where the rows are.
        landing: Folder of landed files.
        files: What `files_to_replay` found.
        feeds: Feeds of the home; None for those of the package.
        dry_run: Only tell what would change.
        block_rows: Records of one file that are held in memory.
    """
    chosen = feeds or Feeds()
    for stored in files:
        problem = _problem(stored.file, landing)
        after = (
            None
            if problem
            else _exchange(warehouse, landing, stored.file, chosen, dry_run=dry_run, block_rows=block_rows)
        )
        if problem is None and after is None:
            problem = f"{stored.file.path}: another process took it out meanwhile; nothing was done"
        yield Replayed(stored.file, stored.counts, after, problem)


def _problem(file: LandedFile, landing: Path) -> str | None:
    """Why a file cannot be replayed as it was taken in."""
    path = landing / file.path
    if not path.is_file():
        return f"{file.path}: is gone from the landing folder; its rows stay as they are until it is landed again"
    if content_hash(path) != file.sha256:
        return f"{file.path}: has changed since it was taken in; run the intake, which takes the new content"
    return None


def _exchange(
    warehouse: Warehouse, landing: Path, file: LandedFile, feeds: Feeds, *, dry_run: bool, block_rows: int
) -> Counts | None:
    """Exchange the rows of a file in one transaction; None when it does not count any more.

    What a dry run reports is what was written before it was rolled back: of a file that is larger than memory
    nothing less tells which of its keys repeat.
    """
    (read,) = accounts([file], landing, feeds, block_rows=block_rows)
    if dry_run and not isinstance(read, LargeFile):
        return _counts(read)
    with warehouse.connect("quarantine: replay") as connection:
        connection.execute("BEGIN TRANSACTION")
        if not _counts_still(connection, file):
            return None
        store.remove_rows(connection, [file])
        if isinstance(read, LargeFile):
            account = load_large(connection, file, landing, feeds, block_rows=block_rows)
        else:
            account = read
            store.store(connection, [account])
        # Whatever goes wrong above closes the connection, which takes everything back.
        connection.execute("ROLLBACK" if dry_run else "COMMIT")
    return _counts(account)


def _counts_still(connection: duckdb.DuckDBPyConnection, file: LandedFile) -> bool:
    sql = "SELECT status FROM ops.file_manifest WHERE file_id = ?"
    return connection.execute(sql, [file.file_id]).fetchall() in ([(LOADED,)], [(REJECTED,)])


def _counts(account: Account) -> Counts:
    return Counts(
        REJECTED if account.error else LOADED,
        account.rows_in,
        account.rows_loaded,
        account.rows_quarantined,
        account.rows_duplicate,
    )
