"""What lies in the landing folder: complete files of `<feed>/dt=YYYY-MM-DD/`, and what is misplaced there."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from xbec_platform.ingest.accounting import LandedFile

_DAY = re.compile(r"dt=(\d{4}-\d{2}-\d{2})")
# Writers use these names until a file is complete; markers hold no rows.
_UNFINISHED = (".part", ".tmp", ".done", ".crdownload")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Landing:
    """Files of a window of drop days.

    Attributes:
        files: Complete files, sorted by path.
        misplaced: (path, cause) of entries that belong to no drop day and are not read.
    """

    files: tuple[LandedFile, ...]
    misplaced: tuple[tuple[str, str], ...]


def discover(landing: Path, *, start: date | None = None, end: date | None = None) -> Landing:
    """List the landed files with `start <= drop day < end` and hash their content.

    Names that start with a dot or an underscore, or end in .part, .tmp or .done, are not complete files.
    """
    files: list[LandedFile] = []
    misplaced: list[tuple[str, str]] = []
    for path in sorted(landing.glob("*")):
        if not path.is_dir():
            misplaced.append(
                (path.name, "lies outside a feed's folder; expected <feed>/dt=YYYY-MM-DD/<file>")
            )
            continue
        for folder in sorted(path.iterdir()):
            day = _drop_day(folder)
            if day is None:
                where = folder.relative_to(landing).as_posix()
                misplaced.append((where, "is no drop day; expected dt=YYYY-MM-DD"))
            elif (start is None or day >= start) and (end is None or day < end):
                files.extend(_files(landing, path.name, day, folder))
    return Landing(tuple(files), tuple(misplaced))


def _drop_day(folder: Path) -> date | None:
    match = _DAY.fullmatch(folder.name)
    if not match or not folder.is_dir():
        return None
    try:
        return date.fromisoformat(match[1])
    except ValueError:
        return None


def _files(landing: Path, feed: str, day: date, folder: Path) -> list[LandedFile]:
    complete = [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.startswith((".", "_")) and not path.name.endswith(_UNFINISHED)
    ]
    return [
        LandedFile(feed, day, path.relative_to(landing).as_posix(), content_hash(path), path.stat().st_size)
        for path in complete
    ]


def content_hash(path: Path) -> str:
    """SHA-256 of a file's content, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
