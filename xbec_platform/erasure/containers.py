"""Packed files as plain bytes and back: gzip, zip, zstd or none, told by their first bytes. No content is read.

What is broken stays broken: an archive that was cut off is cut off again, so that the intake still rejects it.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa

PARQUET = b"PAR1"
EXCEL_PART = "xl/workbook.xml"
_GZIP, _ZIP, _ZSTD = b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd"
_TRAILER = 8


class UnreadableError(ValueError):
    """A packed file nobody can look into; the message says why."""


@dataclass(frozen=True)
class Unpacked:
    """Plain content of a file.

    Attributes:
        parts: Content by name; one part named "" when the file is no zip archive.
        repack: Packs parts of the same names again.
    """

    parts: Mapping[str, bytes]
    repack: Callable[[Mapping[str, bytes]], bytes]


def unpack(data: bytes) -> Unpacked:
    """Plain content of a file's bytes, as far as it can be unpacked.

    Raises:
        UnreadableError: Nothing of it can be unpacked.
    """
    if data.startswith(_GZIP):
        return _gunzip(data)
    if data.startswith(_ZIP):
        return _unzip(data)
    if data.startswith(_ZSTD):
        return _unzstd(data)
    return Unpacked({"": data}, lambda parts: parts[""])


def _gunzip(data: bytes) -> Unpacked:
    """All members; of a damaged archive what comes before the damage."""
    parts, rest, is_whole = [], data, True
    while rest.startswith(_GZIP):
        stream = zlib.decompressobj(wbits=31)
        try:
            # Piece by piece: what was unpacked before the damage is kept.
            for start in range(0, len(rest), 1 << 16):
                parts.append(stream.decompress(rest[start : start + (1 << 16)]))
                if stream.eof:
                    break
        except zlib.error:
            is_whole = False
            break
        if not stream.eof:
            is_whole = False
            break
        start += 1 << 16
        rest = stream.unused_data + rest[start:]

    def repack(changed: Mapping[str, bytes]) -> bytes:
        packed = gzip.compress(changed[""], compresslevel=6, mtime=0)
        return packed if is_whole else packed[:-_TRAILER]

    return Unpacked({"": b"".join(parts)}, repack)


def _unzip(data: bytes) -> Unpacked:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
            parts = {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise UnreadableError(f"zip archive cannot be unpacked: {error}") from error

    def repack(changed: Mapping[str, bytes]) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                # ZipInfo's own date is 1980: the same content gives the same bytes on any day.
                archive.writestr(zipfile.ZipInfo(name), changed[name], zipfile.ZIP_DEFLATED)
        return buffer.getvalue()

    return Unpacked(parts, repack)


def _unzstd(data: bytes) -> Unpacked:
    try:
        plain = pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()
    except (OSError, pa.ArrowInvalid) as error:
        raise UnreadableError(f"zstd archive cannot be unpacked: {error}") from error

    def repack(changed: Mapping[str, bytes]) -> bytes:
        buffer = pa.BufferOutputStream()
        with pa.CompressedOutputStream(buffer, "zstd") as stream:
            stream.write(changed[""])
        return bytes(buffer.getvalue())

    return Unpacked({"": plain}, repack)
