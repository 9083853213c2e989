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
# Taken back by a person; its rows are out until the mark beside the file is gone.
WITHDRAWN = "withdrawn"


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
        taken_back: Files that somebody took back; their rows, if any, must go out.
        duplicates: (file, owner) to be noted; no rows move.
        unchanged: Files whose rows are in already.
    """

    load: tuple[LandedFile, ...]
    withdraw: tuple[tuple[LandedFile, str], ...]
    taken_back: tuple[LandedFile, ...]
    duplicates: tuple[tuple[LandedFile, LandedFile], ...]
    unchanged: tuple[LandedFile, ...]

    @property
    def is_empty(self) -> bool:
        """Nothing to do."""
        return not (self.load or self.withdraw or self.taken_back or self.duplicates)


def plan_intake(
    found: Iterable[LandedFile],
    manifest: Iterable[ManifestEntry],
    withdrawn: Iterable[LandedFile] = (),
) -> IntakePlan:
    """Decide what to do with the files found, given what the manifest knows.

    Args:
        found: Files of the window that is looked at.
        manifest: All entries of the manifest; of a path at most one is not superseded.
        withdrawn: Files of the window that somebody took back.
    """
    current = {entry.file.path: entry for entry in manifest if entry.status != SUPERSEDED}
    out = {file.path: file for file in withdrawn}
    here = {file.path: file for file in found}
    known_files = {
        path: entry.file
        for path, entry in current.items()
        # What was taken back or rejected and is not looked at now brings no rows and owns none.
        if path not in out and (path in here or entry.status not in {WITHDRAWN, REJECTED})
    }
    files = known_files | here
    owners = _owners(files.values())
    load, unchanged = [], []
    withdraw: list[tuple[LandedFile, str]] = []
    duplicates: list[tuple[LandedFile, LandedFile]] = []
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
    taken_back = _taken_back(out, current, withdraw)
    return IntakePlan(tuple(load), tuple(withdraw), taken_back, tuple(duplicates), tuple(unchanged))


def _taken_back(
    out: dict[str, LandedFile],
    current: dict[str, ManifestEntry],
    withdraw: list[tuple[LandedFile, str]],
) -> tuple[LandedFile, ...]:
    """Withdrawn files whose entry does not say so yet; what they held before goes out as superseded."""
    due = []
    for path in sorted(out):
        known = current.get(path)
        if known is not None and known.file.sha256 != out[path].sha256:
            withdraw.append((known.file, SUPERSEDED))
        elif known is not None and known.status == WITHDRAWN:
            continue
        due.append(out[path])
    return tuple(due)


def _owners(files: Iterable[LandedFile]) -> dict[tuple[str, str], LandedFile]:
    """The owner of every content of a feed."""
    owners: dict[tuple[str, str], LandedFile] = {}
    for file in files:
        key = (file.feed, file.sha256)
        if key not in owners or (file.drop_date, file.path) < (owners[key].drop_date, owners[key].path):
            owners[key] = file
    return owners
