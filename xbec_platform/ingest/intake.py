"""The intake of a window of drop days: discover, plan, account for, store. Safe to kill and to run twice at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from xbec_platform.ingest import store
from xbec_platform.ingest.accounting import Account, LandedFile, accounts
from xbec_platform.ingest.landing import discover
from xbec_platform.ingest.manifest import plan_intake
from xbec_platform.warehouse.database import Warehouse

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
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> IntakeReport:
    """Bring `raw.*` to what the landed files of `start <= drop day < end` say.

    The plan is made again inside each writing transaction from the manifest as it is then, so a second
    process that loaded a file meanwhile makes it a no-op here and never a second load.
    """
    found = discover(landing, start=start, end=end)
    with warehouse.transaction("intake: plan") as connection:
        store.create_tables(connection)
        plan = plan_intake(found.files, store.read_manifest(connection))
    done: list[Account] = []
    for batch in _batches(plan.load, landing):
        _write(warehouse, found.files, batch)
        done.extend(_without_frames(account) for account in batch)
        progress(len(done), len(plan.load))
    if not plan.load and not plan.is_empty:
        _write(warehouse, found.files, [])
    return IntakeReport(tuple(done), len(plan.duplicates), len(plan.unchanged), found.misplaced)


def _write(warehouse: Warehouse, found: Sequence[LandedFile], batch: Sequence[Account]) -> None:
    """Write what is still to be done of a batch, in one transaction.

    Rows go out only together with the rows that take their place: what another batch will bring is left
    alone until then, so that a kill between two batches leaves whole files.
    """
    with warehouse.transaction("intake: write") as connection:
        now = plan_intake(found, store.read_manifest(connection))
        ours = {account.file for account in batch}
        later = [file for file in now.load if file not in ours]
        paths = {file.path for file in later}
        contents = {(file.feed, file.sha256) for file in later}

        def is_due(file: LandedFile) -> bool:
            return file.path not in paths and (file.feed, file.sha256) not in contents

        store.withdraw(connection, [(file, status) for file, status in now.withdraw if is_due(file)])
        store.note_duplicates(connection, [(file, owner) for file, owner in now.duplicates if is_due(file)])
        store.store(connection, [account for account in batch if account.file in now.load])


def _batches(files: Sequence[LandedFile], landing: Path) -> Iterator[list[Account]]:
    """Accounts of files, grouped to about `BATCH_ROWS` rows."""
    batch: list[Account] = []
    for account in accounts(files, landing):
        if account.error:
            log.error("rejected %s", account.error)
        batch.append(account)
        if sum(one.rows_in for one in batch) >= BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _without_frames(account: Account) -> Account:
    """The numbers of an account; its rows are stored and need no memory any more."""
    return Account(
        account.file,
        account.format,
        account.rows_in,
        account.rows_loaded,
        account.rows_quarantined,
        account.rows_duplicate,
        {},
        account.quarantined.head(0),
        account.error,
    )
