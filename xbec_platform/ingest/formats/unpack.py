"""What a landed file is, by its first bytes, and the bytes of the one data file in it. No text is decoded here.

The content decides; the ending must be a known one and must not promise an archive that is not there. An
archive the ending does not mention is opened and noted. Names of members are text, never paths.
"""

from __future__ import annotations

import gzip
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pyarrow as pa

from xbec_platform.ingest.formats.records import FileRejectedError, Reading, declare

KINDS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
}
PACKINGS = {".gz": "gzip", ".zst": "zstd", ".zip": "zip"}
TEXT_KINDS = ("csv", "jsonl")
SUFFIXES = (
    *KINDS,
    *(kind + packing for kind in KINDS if KINDS[kind] in TEXT_KINDS for packing in PACKINGS),
    ".zip",
)
# A day of a large shop is below 5 GB; a bomb of 42 kB unpacks to petabytes. Deflate reaches 1032:1 on zeros and
# no data file does: real ones stay below 100:1, and small ones are harmless whatever their ratio.
UNPACKED_LIMIT_BYTES = 20_000_000_000
RATIO_LIMIT = 1000
RATIO_FREE_BYTES = 100_000_000
CHUNK_BYTES = 4 << 20
# Small contents are kept while they are looked at, so that an archive is unpacked once.
KEPT_BYTES = 32 << 20
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"PAR1": "parquet",
    b"\xd0\xcf\x11\xe0": "an Excel file of before 2007",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7z",
    b"Rar!": "rar",
}
_UNREADABLE = ("an Excel file of before 2007", "bzip2", "xz", "7z", "rar")
_DAMAGE = (
    EOFError,
    OSError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    LookupError,
    pa.ArrowException,
)


@dataclass
class Content:
    """The data file inside a landed file.

    Attributes:
        path: The landed file.
        kind: csv, jsonl, parquet or excel.
        packing: gzip, zstd, zip or "" when it lies open.
        notes: What a person should know of how it was found.
        member: Name inside a zip archive.
    """

    path: Path
    kind: str
    packing: str = ""
    notes: tuple[str, ...] = ()
    member: str = ""
    _kept: list[bytes] | None = field(default=None, repr=False)

    def chunks(self) -> Iterator[bytes]:
        """The bytes, unpacked, in pieces of at most 4 MB; may be called again.

        Raises:
            FileRejectedError: The archive is broken or unpacks beyond the bounds.
        """
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[bytes] = []
        total = 0
        for chunk in self._unpacked():
            total += len(chunk)
            if total <= KEPT_BYTES:
                kept.append(chunk)
            yield chunk
        if total <= KEPT_BYTES:
            self._kept = kept

    def _unpacked(self) -> Iterator[bytes]:
        packed, total = self.path.stat().st_size, 0
        with ExitStack() as stack:
            read = self._reader(stack)
            while chunk := self._guarded(read):
                total += len(chunk)
                if self.packing:
                    _require_bounds(total, packed)
                yield chunk

    def _guarded(self, read: Callable[[int], bytes]) -> bytes:
        try:
            return bytes(read(CHUNK_BYTES))
        except _DAMAGE as error:
            if self.packing:
                raise _broken(self.packing, error) from error
            raise FileRejectedError(f"cannot be read: {error}") from error

    def _reader(self, stack: ExitStack) -> Callable[[int], bytes]:
        raw: IO[bytes] = stack.enter_context(self.path.open("rb"))
        try:
            match self.packing:
                case "gzip":
                    return stack.enter_context(gzip.GzipFile(fileobj=raw)).read
                case "zstd":
                    source = stack.enter_context(pa.PythonFile(raw, mode="r"))
                    stream = stack.enter_context(pa.CompressedInputStream(source, "zstd"))
                    return lambda size: bytes(stream.read(size))
                case "zip":
                    archive = stack.enter_context(zipfile.ZipFile(raw))
                    return stack.enter_context(archive.open(self.member)).read
        except _DAMAGE as error:
            raise _broken(self.packing, error) from error
        return raw.read


def identify(path: Path, reading: Reading) -> Content:
    """Tell what a landed file is.

    Raises:
        FileRejectedError: Unknown ending, unknown or contradicting content, or not exactly one data file in a
            zip archive.
    """
    name, promised = _without_packing(path.name.lower())
    kind = _kind(name)
    if kind is None and promised != "zip":
        raise FileRejectedError(f"ending is none of {', '.join(SUFFIXES)}")
    found = _looks_like(path)
    if found in _UNREADABLE:
        raise FileRejectedError(f"the content is {found}; deliver CSV, JSON lines, Parquet or .xlsx")
    if promised and found != promised:
        raise FileRejectedError(f"{promised} archive is broken: the content starts like {found}")
    if kind in ("parquet", "excel") and found != kind:
        title = kind.capitalize()
        raise FileRejectedError(f"{title} file is broken: the content starts like {found}")
    if found in ("parquet", "excel"):
        notes = () if kind == found else (f"named {path.suffix}",)
        return Content(path, found, notes=notes)
    if found == "text":
        return Content(path, str(kind))
    content = _archive(path, found, kind, reading)
    if not promised:
        content.notes += (f"named {path.suffix}",)
    return content


def _archive(path: Path, packing: str, kind: str | None, reading: Reading) -> Content:
    """The text file in an archive; an archive in an archive is not opened."""
    member = ""
    if packing == "zip":
        member = _only_member(path, reading.member)
        inner = _kind(member.lower())
        if inner and kind and inner != kind:
            raise FileRejectedError(f"the name says {kind}, the member {member!r} says {inner}; rename one")
        kind = inner or kind
    if kind not in TEXT_KINDS:
        raise FileRejectedError(
            f"{packing} archive holds no .csv or .jsonl file; deliver {kind or 'it'} unpacked"
        )
    content = Content(path, kind, packing, member=member)
    start = next(content.chunks(), b"")[:8]
    inside = next((what for magic, what in _MAGIC.items() if start.startswith(magic)), None)
    if inside is not None:
        raise FileRejectedError(f"the {packing} archive holds {inside}, not text; deliver it unpacked")
    return content


def _only_member(path: Path, declared: str | None) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
    except _DAMAGE as error:
        raise _broken("zip", error) from error
    names = [info.filename for info in members]
    data = [name for name in names if not name.startswith("__MACOSX/") and not name.endswith(".DS_Store")]
    if declared is not None:
        data = [name for name in data if name == declared]
    if len(data) != 1 or names.count(data[0]) != 1:
        shown = ", ".join(repr(name) for name in names[:10]) + (", ..." if len(names) > 10 else "")
        wanted = f"the declared member {declared!r}" if declared else "exactly one data file"
        way = (
            "pack each by itself, or " + declare("member", data[0]) if not declared and len(data) > 1 else ""
        )
        raise FileRejectedError(
            f"zip archive must hold {wanted}, it holds {len(names)}: {shown or 'none'}{way and '; ' + way}"
        )
    member = next(info for info in members if info.filename == data[0])
    # The upper half of the attributes is what Unix calls the mode of a file; 0 where none was noted.
    if stat.S_ISLNK(member.external_attr >> 16):
        raise FileRejectedError(
            f"zip archive holds a link, {data[0]!r}, not the file it leads to; pack the file"
        )
    return data[0]


def _broken(packing: str, error: Exception) -> FileRejectedError:
    """An archive that cannot be unpacked; its rows are not known, so none is taken."""
    return FileRejectedError(
        f"{packing} archive is broken: {error}; it was cut off or damaged on the way: deliver it again, whole"
    )


def _looks_like(path: Path) -> str:
    """Kind of content by its first bytes; "text" when they are no known mark."""
    with path.open("rb") as stream:
        start = stream.read(8)
    found = next((what for magic, what in _MAGIC.items() if start.startswith(magic)), "text")
    if found != "zip":
        return found
    try:
        with zipfile.ZipFile(path) as archive:
            return "excel" if "xl/workbook.xml" in archive.namelist() else "zip"
    except _DAMAGE:  # a broken archive is an archive; whoever opens it says what is broken
        return "excel" if path.suffix.lower() in (".xlsx", ".xlsm") else "zip"


def _without_packing(name: str) -> tuple[str, str]:
    for ending, packing in PACKINGS.items():
        if name.endswith(ending):
            return name.removesuffix(ending), packing
    return name, ""


def _kind(name: str) -> str | None:
    return next((kind for ending, kind in KINDS.items() if name.endswith(ending)), None)


def _require_bounds(total: int, packed: int) -> None:
    if total > UNPACKED_LIMIT_BYTES:
        raise FileRejectedError(f"unpacks to more than {UNPACKED_LIMIT_BYTES:,} bytes; deliver it in parts")
    if total > RATIO_FREE_BYTES and total > RATIO_LIMIT * packed:
        raise FileRejectedError(
            f"{packed:,} bytes unpack to more than {total:,}, over {RATIO_LIMIT}:1: a decompression bomb"
        )
