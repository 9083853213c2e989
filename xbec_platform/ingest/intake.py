"""The intake of a window of drop days: discover, plan, account for, store. Safe to kill and to run twice at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from xbec_platform.ingest import store
from xbec_platform.ingest.accounting import BLOCK_ROWS, Account, LandedFile, LargeFile, accounts
from xbec_platform.ingest.feeds import Feeds
from xbec_platform.ingest.landing import Landing, discover
from xbec_platform.ingest.large_files import load_large
from xbec_platform.ingest.manifest import plan_intake
from xbec_platform.warehouse.database import Warehouse

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger(__name__)

# Rows that are held before they are written: a kill loses at most this much work, never rows.
BATCH_ROWS = 200_000


@dataclass(frozen=True)
class IntakeReport:
    """What one intake did.

    Attributes:
        accounts: Files read now (their frames are dropped), loaded or rejected.
        duplicates: Files whose content was known under another name.
        unchanged: Number of files whose rows were in already.
        misplaced: (path, cause) of entries that belong to no drop day.
    """

    accounts: tuple[Account, ...]
    duplicates: int
    unchanged: int
    misplaced: tuple[tuple[str, str], ...]

    @property
    def rejected(self) -> list[str]:
        """Errors of the files that were rejected whole."""
        return [account.error for account in self.accounts if account.error]


def run_intake(
    warehouse: Warehouse,
    landing: Path,
    *,
    start: date | None = None,
    end: date | None = None,
    feeds: Feeds | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    block_rows: int = BLOCK_ROWS,
) -> IntakeReport:
    """Bring `raw.*` to what the landed files of `start <= drop day < end` say.

    The plan is made again inside each writing transaction from the manifest as it is then, so a second
    process that loaded a file meanwhile makes it a no-op here and never a second load.

    Args:
        warehouse: Where the tables are.
        landing: Folder the sources deliver into.
        start: First drop day; None for all.
        end: Day after the last drop day; None for all.
        feeds: Feeds of the home; None for those of the package.
        progress: Told (files done, files to do) after every transaction.
        block_rows: Records of one file that are held in memory.
    """
    feeds = feeds or Feeds()
    found = discover(landing, start=start, end=end)
    with warehouse.transaction("intake: plan") as connection:
        store.create_tables(connection)
        plan = plan_intake(found.files, store.read_manifest(connection), found.withdrawn)
    done: list[Account] = []
    read = accounts(plan.load, landing, feeds, block_rows=block_rows)
    for batch in _batches(read):
        if isinstance(batch, LargeFile):
            done.extend(_load_alone(warehouse, landing, found, batch.file, feeds, block_rows))
        else:
            _write(warehouse, found, batch)
            done.extend(_without_frames(account) for account in batch)
        progress(len(done), len(plan.load))
    if not plan.load and not plan.is_empty:
        _write(warehouse, found, [])
    for account in done:
        if account.error:
            log.error("rejected %s", account.error)
    return IntakeReport(tuple(done), len(plan.duplicates), len(plan.unchanged), found.misplaced)


def _write(warehouse: Warehouse, found: Landing, batch: Sequence[Account]) -> None:
    """Write what is still to be done of a batch, in one transaction."""
    with warehouse.transaction("intake: write") as connection:
        due = _make_room(connection, found, {account.file for account in batch})
        store.store(connection, [account for account in batch if account.file in due])


def _load_alone(
    warehouse: Warehouse, landing: Path, found: Landing, file: LandedFile, feeds: Feeds, block_rows: int
) -> list[Account]:
    """Read and write a large file, in one transaction; nothing when another process was faster."""
    with warehouse.closing.transaction(f"intake: {file.path}") as connection:
        if file not in _make_room(connection, found, {file}):
            return []
        return [load_large(connection, file, landing, feeds, block_rows=block_rows)]


def _make_room(
    connection: duckdb.DuckDBPyConnection, found: Landing, ours: Set[LandedFile]
) -> frozenset[LandedFile]:
    """Take out the rows that ours replace; which of ours are still to be loaded.

    Rows go out only together with the rows that take their place: what another batch will bring is left
    alone until then, so that a kill between two batches leaves whole files.
    """
    now = plan_intake(found.files, store.read_manifest(connection), found.withdrawn)
    later = [file for file in now.load if file not in ours]
    paths = {file.path for file in later}
    contents = {(file.feed, file.sha256) for file in later}

    def is_due(file: LandedFile) -> bool:
        return file.path not in paths and (file.feed, file.sha256) not in contents

    store.withdraw(connection, [(file, status) for file, status in now.withdraw if is_due(file)])
    store.take_back(connection, [file for file in now.taken_back if is_due(file)])
    store.note_duplicates(connection, [(file, owner) for file, owner in now.duplicates if is_due(file)])
    return frozenset(ours) & frozenset(now.load)


def _batches(read: Iterable[Account | LargeFile]) -> Iterator[list[Account] | LargeFile]:
    """Accounts of files, grouped to about `BATCH_ROWS` rows; large files by themselves."""
    batch: list[Account] = []
    for account in read:
        if isinstance(account, LargeFile):
            if batch:
                yield batch
                batch = []
            yield account
            continue
        batch.append(account)
        if sum(one.rows_in for one in batch) >= BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _without_frames(account: Account) -> Account:
    """The numbers of an account; its rows are stored and need no memory any more."""
    return replace(
        account,
        tables={},
        quarantined=account.quarantined.head(0),
        repaired=account.repaired.head(0),
        warned=account.warned.head(0),
    )
