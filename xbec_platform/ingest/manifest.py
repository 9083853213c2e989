"""Which landed files must be loaded, left or taken back: a pure decision over the manifest. No file is read.

The outcome depends on which files there are, never on the order in which they came. Of several files of a
feed with the same content the one with the smallest (drop day, path) owns the rows; the others are
duplicates. New content at a known path supersedes the old.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xbec_platform.ingest.accounting import LandedFile

LOADED, DUPLICATE, SUPERSEDED, REJECTED = "loaded", "duplicate", "superseded", "rejected"


@dataclass(frozen=True)
class ManifestEntry:
    """What the manifest says of a content at a place; `duplicate_of` is the path of the owner it noted."""

    file: LandedFile
    status: str
    duplicate_of: str | None = None


@dataclass(frozen=True)
class IntakePlan:
    """What to do so that the tables hold exactly what the landed files say.

    Attributes:
        load: Files whose rows must come in.
        withdraw: Files whose rows must go out, with their new status.
        duplicates: (file, owner) to be noted; no rows move.
        unchanged: Files whose rows are in already.
    """

    load: tuple[LandedFile, ...]
    withdraw: tuple[tuple[LandedFile, str], ...]
    duplicates: tuple[tuple[LandedFile, LandedFile], ...]
    unchanged: tuple[LandedFile, ...]

    @property
    def is_empty(self) -> bool:
        """Nothing to do."""
        return not (self.load or self.withdraw or self.duplicates)


def plan_intake(found: Iterable[LandedFile], manifest: Iterable[ManifestEntry]) -> IntakePlan:
    """Decide what to do with the files found, given what the manifest knows.

    Args:
        found: Files of the window that is looked at.
        manifest: All entries of the manifest; of a path at most one is not superseded.
    """
    current = {entry.file.path: entry for entry in manifest if entry.status != SUPERSEDED}
    files = {path: entry.file for path, entry in current.items()} | {file.path: file for file in found}
    owners = _owners(files.values())
    load, withdraw, duplicates, unchanged = [], [], [], []
    for path in sorted(files):
        file, known = files[path], current.get(path)
        owner = owners[file.feed, file.sha256]
        changed = known is not None and known.file.sha256 != file.sha256
        if known is not None and changed:
            withdraw.append((known.file, SUPERSEDED))
        status = None if known is None or changed else known.status
        if owner.path != path:
            if status == LOADED:
                withdraw.append((file, DUPLICATE))
            if status != DUPLICATE or (known is not None and known.duplicate_of != owner.path):
                duplicates.append((file, owner))
            else:
                unchanged.append(file)
        elif status == LOADED:
            unchanged.append(file)
        else:
            # A rejected file is tried again: the rules or the reference data may have been mended.
            load.append(file)
    return IntakePlan(tuple(load), tuple(withdraw), tuple(duplicates), tuple(unchanged))


def _owners(files: Iterable[LandedFile]) -> dict[tuple[str, str], LandedFile]:
    """The owner of every content of a feed."""
    owners: dict[tuple[str, str], LandedFile] = {}
    for file in files:
        key = (file.feed, file.sha256)
        if key not in owners or (file.drop_date, file.path) < (owners[key].drop_date, owners[key].path):
            owners[key] = file
    return owners
