"""Blocks of CSV that are proven regular, read by Polars at full speed. Whatever is not proven is left alone.

Polars fills short lines with nulls, and takes unclosed quotes, without a word. Before it may read a block, the
places of its delimiters, line ends and quotes must show that every record has exactly the header's cells and
every quoted cell is closed at its end. The proof accepts a part of what Python's strict reader accepts, and
there both give the same cells.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from xbec_platform.ingest.formats.dialect import Dialect

_NEWLINE = 10


def proven_frame(block: bytes, names: Sequence[str], dialect: Dialect) -> pl.DataFrame | None:
    """Text columns of a block that starts and ends with a whole record; None when nothing is proven.

    Args:
        block: UTF-8.
        names: Of the columns.
        dialect: Of the file.
    """
    if len(names) < 2 or dialect.escape != "double" or not _is_bytewise(dialect):
        return None
    has_quotes = bool(dialect.quote) and dialect.quote.encode() in block
    clean = _with_plain_ends(block)
    if clean is None:
        return None
    records = _proven_records(
        clean, len(names), dialect, has_quotes=has_quotes, is_normalised=clean is not block
    )
    if records is None:
        return None
    frame = pl.read_csv(
        clean,
        has_header=False,
        schema=dict.fromkeys(names, pl.String()),
        separator=dialect.delimiter,
        quote_char=dialect.quote if has_quotes else None,
        infer_schema=False,
    )
    if frame.height != records:
        return None
    return frame.with_columns(pl.all().replace("", None)) if has_quotes else frame


def _is_bytewise(dialect: Dialect) -> bool:
    """Delimiter and quote are one byte each, and no line ends."""
    return dialect.delimiter.isascii() and dialect.quote.isascii() and dialect.delimiter not in "\r\n"


def _with_plain_ends(block: bytes) -> bytes | None:
    """The block with LF behind every record and without blank lines at its end."""
    if b"\r" in block:
        if block.count(b"\r\n") != block.count(b"\r"):
            return None
        block = block.replace(b"\r\n", b"\n")
    if block.endswith(b"\n\n"):
        block = block.rstrip(b"\n")
    return block if block.endswith(b"\n") else block + b"\n"


def _proven_records(
    clean: bytes, width: int, dialect: Dialect, *, has_quotes: bool, is_normalised: bool
) -> int | None:
    """Number of records, each of `width` cells; None when it is not proven.

    Args:
        clean: Ends with LF and holds no CR outside of quotes.
        width: Cells of the header.
        dialect: Of the file.
        has_quotes: Whether a quote occurs at all.
        is_normalised: Line ends were replaced, which must not have happened inside a cell.
    """
    data = np.frombuffer(clean, dtype=np.uint8)
    ends = data == _NEWLINE
    marks = ends | (data == ord(dialect.delimiter))
    if has_quotes:
        quotes = data == ord(dialect.quote)
        if not _stand_at_cell_ends(np.flatnonzero(quotes), marks):
            return None
        outside = ~np.bitwise_xor.accumulate(quotes)
        if is_normalised and not outside[ends].all():
            return None
        marks &= outside
    places = np.flatnonzero(marks)
    if len(places) % width:
        return None
    last = ends[places].reshape(-1, width)
    if not last[:, -1].all() or last[:, :-1].any():
        return None
    return len(last)


def _stand_at_cell_ends(quotes: np.ndarray, marks: np.ndarray) -> bool:
    """Quotes come in pairs, each pair around a whole cell; doubled ones inside a cell count as its text."""
    if len(quotes) % 2:
        return False
    # A quote closed and opened at once is one quote of the text.
    doubled = quotes[2::2] - quotes[1:-1:2] == 1
    opened = quotes[0::2][np.concatenate(([True], ~doubled))]
    closed = quotes[1::2][np.concatenate((~doubled, [True]))]
    starts_cell = (opened == 0) | marks[opened - 1]
    return bool(starts_cell.all() and marks[closed + 1].all())
