"""What lies in the landing folder: complete files of `<feed>/dt=YYYY-MM-DD/`, what was taken back, what is misplaced.

Only regular files below the folder itself are taken: a link could lead anywhere, and a copy is always possible.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from xbec_platform.ingest.accounting import LandedFile

_DAY = re.compile(r"dt=(\d{4}-\d{2}-\d{2})")
# Endings of files that a writer has not finished; it renames them when it has.
UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".crdownload", ".download", ".swp")
# What editors and file managers leave beside files: older versions, locks, pictures.
_LEFT_BEHIND = ("~", ".swo")
_LEFT_BEHIND_NAMES = {"thumbs.db", "ehthumbs.db", "desktop.ini"}
# Of a marker beside a finished file, not a file of rows itself.
_MARKER = ".done"
_CHUNK = 1 << 20
# `orders.csv` is taken back while `orders.csv.withdrawn` lies beside it; the marker holds the reason.
WITHDRAWN_MARK = ".withdrawn"


@dataclass(frozen=True)
class Landing:
    """Files of a window of drop days.

    Attributes:
        files: Complete files, sorted by path.
        withdrawn: Files that somebody took back, sorted by path; no row of theirs may be loaded.
        misplaced: (path, cause) of entries that belong to no drop day or are links, and are not read.
    """

    files: tuple[LandedFile, ...]
    withdrawn: tuple[LandedFile, ...]
    misplaced: tuple[tuple[str, str], ...]


def discover(landing: Path, *, start: date | None = None, end: date | None = None) -> Landing:
    """List the landed files with `start <= drop day < end` and hash their content.

    Files whose name is passed over (`is_passed_over`) are not looked at.
    """
    files: list[LandedFile] = []
    withdrawn: list[LandedFile] = []
    misplaced: list[tuple[str, str]] = []
    for folder in _drop_folders(landing, misplaced):
        day = date.fromisoformat(folder.name.removeprefix("dt="))
        if (start is not None and day < start) or (end is not None and day >= end):
            continue
        marked = {path.name for path in folder.glob(f"*{WITHDRAWN_MARK}")}
        for path in sorted(folder.iterdir()):
            if is_passed_over(path.name) or path.name in marked:
                continue
            if path.is_symlink() or not path.is_file():
                cause = (
                    "is a link; put a copy of the file here" if path.is_symlink() else "is no regular file"
                )
                misplaced.append((path.relative_to(landing).as_posix(), cause))
                continue
            file = _landed(landing, day, path)
            (withdrawn if path.name + WITHDRAWN_MARK in marked else files).append(file)
    return Landing(tuple(files), tuple(withdrawn), tuple(sorted(misplaced)))


def _drop_folders(landing: Path, misplaced: list[tuple[str, str]]) -> Iterator[Path]:
    """Folders of drop days in order of their path; what is none of them is noted as misplaced."""
    for path in sorted(landing.glob("*")):
        if path.is_symlink() or not path.is_dir():
            cause = "is a link" if path.is_symlink() else "lies outside a feed's folder"
            misplaced.append((path.name, f"{cause}; expected <feed>/dt=YYYY-MM-DD/<file>"))
            continue
        for folder in sorted(path.iterdir()):
            if folder.is_symlink() or not _is_drop_day(folder):
                where = folder.relative_to(landing).as_posix()
                misplaced.append((where, "is no drop day; expected a folder dt=YYYY-MM-DD"))
            else:
                yield folder


def _is_drop_day(folder: Path) -> bool:
    match = _DAY.fullmatch(folder.name)
    if not match or not folder.is_dir():
        return False
    try:
        date.fromisoformat(match[1])
    except ValueError:
        return False
    return True


def is_passed_over(name: str) -> bool:
    """Whether a name says that the file is unfinished, hidden, a marker, or left behind by a program."""
    plain = name.lower()
    return (
        plain.startswith((".", "_", "~$"))
        or plain.endswith((*UNFINISHED, *_LEFT_BEHIND, _MARKER))
        or plain in _LEFT_BEHIND_NAMES
    )


def _landed(landing: Path, day: date, path: Path) -> LandedFile:
    """The file as it is; a change while it is hashed shows in the time of change taken before."""
    facts = path.stat()
    where = path.relative_to(landing)
    return LandedFile(
        where.parts[0], day, where.as_posix(), content_hash(path), facts.st_size, facts.st_mtime_ns
    )


def content_hash(path: Path) -> str:
    """SHA-256 of a file's content, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
