"""The suppression list of a home on disk, with the salt of its hashes. What it means is in `suppression`.

Both lie in the home for ever and are readable by their owner only. Backups must hold both.
"""

from __future__ import annotations

import csv
import secrets
from dataclasses import replace
from pathlib import Path

from xbec_platform.ingest.suppression import KINDS, Entry, Suppression
from xbec_platform.whole_files import replace_private_text

FILE, SALT_FILE = "suppression.csv", "suppression.salt"


class SuppressionError(ValueError):
    """A suppression list that cannot be used, with file, line and what to do."""


def load_suppression(home: Path) -> Suppression:
    """The list of a home; an empty one where nobody was ever erased.

    Raises:
        SuppressionError: The list is there but damaged, or its salt is gone: nobody may be let in by accident.
    """
    path = home / FILE
    if not path.is_file():
        return Suppression()
    if not (home / SALT_FILE).is_file():
        raise SuppressionError(
            f"{home / SALT_FILE} is missing: without it {FILE} recognises nobody; restore it from a backup"
        )
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    entries = []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != 4 or row[0] not in KINDS or row[2] not in {"own", "shared"}:
            raise SuppressionError(
                f"{path}: line {number}: not kind,hash,scope,person; restore it from a backup"
            )
        entries.append(Entry(row[0], row[1], row[2] == "own", row[3]))
    return Suppression((home / SALT_FILE).read_text().strip(), tuple(sorted(entries)))


def open_suppression(home: Path) -> Suppression:
    """The list of a home for somebody who is going to add to it: its salt is drawn on first use."""
    home.mkdir(parents=True, exist_ok=True)
    salt = home / SALT_FILE
    if not salt.is_file() and not (home / FILE).is_file():
        replace_private_text(salt, secrets.token_hex(16) + "\n")
        return Suppression(salt.read_text().strip())
    known = load_suppression(home)
    return known if known.salt else replace(known, salt=salt.read_text().strip())


def save_suppression(home: Path, suppression: Suppression) -> None:
    """Write the list in one step; a reader sees the old one or the new one."""
    lines = ["kind,hash,scope,person"]
    lines += [
        f"{one.kind},{one.hash},{'own' if one.is_own else 'shared'},{one.person}"
        for one in suppression.entries
    ]
    replace_private_text(home / FILE, "\n".join(lines) + "\n")
