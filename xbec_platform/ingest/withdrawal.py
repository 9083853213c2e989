"""Taking a landed file back, and giving it again: a mark beside the file, which the intake obeys.

The mark is a file too, so that tables stay a function of the landing folder: a new home made from it ends the same.
"""

from __future__ import annotations

from pathlib import Path

from xbec_platform.ingest.landing import WITHDRAWN_MARK
from xbec_platform.whole_files import replace_text


class WithdrawalError(ValueError):
    """A path that names no landed file, with what was looked for."""


def landed_file(landing: Path, path: Path) -> Path:
    """The file a person means: a path as it is, or below the landing folder.

    Raises:
        WithdrawalError: There is no such file, or it lies outside the landing folder.
    """
    root = landing.resolve()
    for candidate in (path, landing / path):
        if candidate.is_file() and candidate.resolve().is_relative_to(root):
            return candidate.resolve()
    raise WithdrawalError(f"{path}: no file below {landing}; name it like orders/dt=2026-01-31/orders.csv")


def take_back(landing: Path, path: Path, why: str) -> Path:
    """Mark a landed file as taken back; the next intake of its drop day removes its rows."""
    file = landed_file(landing, path)
    replace_text(file.with_name(file.name + WITHDRAWN_MARK), why + "\n")
    return file


def give_again(landing: Path, path: Path) -> Path:
    """Remove the mark; the next intake of its drop day loads the file again.

    Raises:
        WithdrawalError: The file is not marked.
    """
    file = landed_file(landing, path)
    mark = file.with_name(file.name + WITHDRAWN_MARK)
    if not mark.is_file():
        raise WithdrawalError(f"{path}: is not taken back")
    mark.unlink()
    return file
