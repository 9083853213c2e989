"""Files checked against their contracts without loading anything: what the intake would make of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from xbec_platform.ingest.accounting import Account, LandedFile, accounts
from xbec_platform.ingest.contracts import contracts
from xbec_platform.ingest.landing import content_hash
from xbec_platform.ingest.mappings import mappings


class UnknownFeedError(ValueError):
    """A file whose source cannot be told; the message says how to name it."""


def validate(path: Path, *, source: str | None, day: date) -> Iterator[Account]:
    """Screen a file, or all files below a folder, as the intake would.

    Args:
        path: A file, or a folder whose files are read in order of their paths.
        source: Contract or mapping for all of them; without it the folder `<source>/dt=<day>/` of each tells.
        day: Drop day of files that lie in no `dt=` folder: nothing in them may have happened after it.

    Raises:
        UnknownFeedError: A file's source is neither given nor told by its folder.
    """
    paths = [path] if path.is_file() else sorted(one for one in path.rglob("*") if _is_complete(one))
    root = path.parent if path.is_file() else path
    files = [
        LandedFile(
            source or _source_of(one),
            _day_of(one) or day,
            one.relative_to(root).as_posix(),
            content_hash(one),
            one.stat().st_size,
        )
        for one in paths
    ]
    return accounts(files, root)


def _is_complete(path: Path) -> bool:
    return path.is_file() and not path.name.startswith((".", "_"))


def _source_of(path: Path) -> str:
    known = {*contracts(), *mappings()}
    # Whole paths: `landing/orders/dt=2026-01-31/a.csv`, wherever the call is made from.
    named = [part for part in path.absolute().parts[:-1] if part in known]
    if not named:
        raise UnknownFeedError(
            f"{path}: its folder names no source; give --source, one of {', '.join(sorted(known))}"
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
