"""Old raw files packed by feed and month, every byte under its hash, and put back. Which are old is decided elsewhere.

An archive is `archive/<feed>/<month>-<hash>.tar.gz` with a list beside it: path, hash, size and time of change of each
file. Originals go when the finished archive has been read back and every hash agrees, so a kill at any moment leaves
each file in the landing folder, in an archive, or in both. The manifest keeps the rows of a file that is packed.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from xbec_platform.ingest.accounting import LandedFile
from xbec_platform.ingest.landing import content_hash

FOLDER = "archive"
_CHUNK = 1 << 20


class ArchiveError(OSError):
    """An archive that does not hold what its list says, or a file that stands in the way; nothing was removed."""


@dataclass(frozen=True)
class Packed:
    """A file in an archive; `path` is below the landing folder."""

    path: str
    sha256: str
    size_bytes: int
    mtime_ns: int


def pack(home: Path, landing: Path, files: Sequence[LandedFile]) -> list[Path]:
    """Move files into archives, one by feed and month.

    Returns:
        The archives made.

    Raises:
        ArchiveError: A file changed meanwhile, or an archive could not be read back; its files stay.
    """
    made = []
    by_place = sorted(files, key=lambda file: (file.feed, file.drop_date, file.path))
    for (feed, month), some in groupby(by_place, key=lambda file: (file.feed, f"{file.drop_date:%Y-%m}")):
        entries = [_entry(landing, file) for file in some]
        listed = json.dumps([asdict(entry) for entry in entries], indent=1)
        name = f"{month}-{hashlib.sha256(listed.encode()).hexdigest()[:12]}"
        folder = home / FOLDER / feed
        folder.mkdir(parents=True, exist_ok=True)
        archive = folder / f"{name}.tar.gz"
        part = folder / f".{name}.part"
        with tarfile.open(part, "w:gz", compresslevel=6) as tar:
            for entry in entries:
                tar.add(landing / entry.path, arcname=entry.path, recursive=False)
        _require(part, entries)
        _write_whole(folder / f"{name}.json", listed)
        part.replace(archive)
        for entry in entries:
            _remove(landing / entry.path)
        made.append(archive)
    return made


def restore(home: Path, landing: Path) -> int:
    """Put all packed files back where they were and remove the archives; how many files that were.

    Raises:
        ArchiveError: An archive is damaged, or another file stands where one was; that archive stays.
    """
    count = 0
    for archive, entries in archives(home):
        _require(archive, entries)
        for entry in entries:
            target = landing / entry.path
            if target.is_file() and content_hash(target) != entry.sha256:
                raise ArchiveError(f"{target}: another file stands there; {archive} was not unpacked")
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(landing, members=[tar.getmember(e.path) for e in entries], filter="data")
        for entry in entries:
            os.utime(landing / entry.path, ns=(entry.mtime_ns, entry.mtime_ns))
        archive.unlink()
        archive.with_name(archive.name.replace(".tar.gz", ".json")).unlink()
        count += len(entries)
    return count


def damaged(home: Path) -> list[str]:
    """What is wrong with archives: none that is missing its list or a file, or holds other bytes than it should."""
    problems = []
    for path in sorted((home / FOLDER).glob("*/*.tar.gz")):
        try:
            _require(path, _listed(path))
        except (ArchiveError, OSError, KeyError, ValueError, tarfile.TarError) as error:
            problems.append(f"{path.relative_to(home).as_posix()}: {error}")
    return problems


def archives(home: Path) -> Iterator[tuple[Path, list[Packed]]]:
    """Archives of a home in order of their path, with what they hold."""
    for archive in sorted((home / FOLDER).glob("*/*.tar.gz")):
        yield archive, _listed(archive)


def _listed(archive: Path) -> list[Packed]:
    text = archive.with_name(archive.name.replace(".tar.gz", ".json")).read_text()
    return [Packed(**entry) for entry in json.loads(text)]


def _entry(landing: Path, file: LandedFile) -> Packed:
    path = landing / file.path
    found = content_hash(path)
    if found != file.sha256:
        raise ArchiveError(f"{path}: changed since it was loaded; run its day first, then pack it")
    facts = path.stat()
    return Packed(file.path, found, facts.st_size, facts.st_mtime_ns)


def _require(archive: Path, entries: Iterable[Packed]) -> None:
    """Every file can be read back with its hash."""
    with tarfile.open(archive, "r:gz") as tar:
        for entry in entries:
            digest = hashlib.sha256()
            stream = tar.extractfile(entry.path)
            while stream and (chunk := stream.read(_CHUNK)):
                digest.update(chunk)
            if digest.hexdigest() != entry.sha256:
                raise ArchiveError(f"{archive}: {entry.path} does not have the hash it should have")


def _write_whole(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text)
    part.replace(path)


def _remove(path: Path) -> None:
    """The file, and its drop day's folder when it was the last one."""
    path.unlink()
    if not any(path.parent.iterdir()):
        path.parent.rmdir()
