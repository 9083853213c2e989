"""Files checked against their contracts without loading anything: what the intake would make of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from xbec_platform.ingest import store
from xbec_platform.ingest.accounting import Account, LandedFile, LargeFile, accounts
from xbec_platform.ingest.feeds import Feeds
from xbec_platform.ingest.landing import WITHDRAWN_MARK, content_hash, is_passed_over
from xbec_platform.ingest.large_files import load_large
from xbec_platform.warehouse.database import Warehouse, read_frame


class UnknownFeedError(ValueError):
    """A file whose source cannot be told; the message says how to name it."""


def validate(path: Path, *, source: str | None, day: date, feeds: Feeds | None = None) -> Iterator[Account]:
    """Screen a file, or all files below a folder, as the intake would.

    Args:
        path: A file, or a folder whose files are read in order of their paths.
        source: Contract or mapping for all of them; without it the folder `<source>/dt=<day>/` of each tells.
        day: Drop day of files that lie in no `dt=` folder: nothing in them may have happened after it.
        feeds: Feeds of the home; None for those of the package.

    Raises:
        UnknownFeedError: A file's source is neither given nor told by its folder.
    """
    feeds = feeds or Feeds()
    paths = [path] if path.is_file() else sorted(one for one in path.rglob("*") if _is_complete(one))
    root = path.parent if path.is_file() else path
    files = [
        LandedFile(
            source or _source_of(one, feeds),
            _day_of(one) or day,
            one.relative_to(root).as_posix(),
            content_hash(one),
            one.stat().st_size,
        )
        for one in paths
    ]
    for account in accounts(files, root, feeds):
        yield _screen_large(account.file, root, feeds) if isinstance(account, LargeFile) else account


def _screen_large(file: LandedFile, root: Path, feeds: Feeds) -> Account:
    """A file that does not fit into memory, screened in a warehouse of its own that is thrown away."""
    with TemporaryDirectory(prefix="xbec-validate-") as folder:
        warehouse = Warehouse(Path(folder) / "validate.duckdb")
        with warehouse.transaction("validate") as connection:
            store.create_tables(connection)
            account = load_large(connection, file, root, feeds)
            quarantined = read_frame(
                connection,
                f"SELECT row_no AS _row_no, reasons, raw_json FROM {store.QUARANTINE} ORDER BY row_no",
            )
    return replace(account, quarantined=quarantined)


def _is_complete(path: Path) -> bool:
    return path.is_file() and not is_passed_over(path.name) and not path.name.endswith(WITHDRAWN_MARK)


def _source_of(path: Path, feeds: Feeds) -> str:
    known = feeds.names
    # Whole paths: `landing/orders/dt=2026-01-31/a.csv`, wherever the call is made from.
    named = [part for part in path.absolute().parts[:-1] if part in known]
    if not named:
        raise UnknownFeedError(
            f"{path}: its folder names no source; give --source, one of {', '.join(known)}"
        )
    return named[-1]


def _day_of(path: Path) -> date | None:
    for part in path.absolute().parts:
        if part.startswith("dt="):
            try:
                return date.fromisoformat(part.removeprefix("dt="))
            except ValueError:
                return None
    return None
