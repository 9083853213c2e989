"""Blocks of CSV that are proven regular, read by Polars at full speed. Whatever is not proven is left alone.

Polars fills short lines with nulls, and takes unclosed quotes, without a word. Before it may read a block, the
places of its delimiters, line ends and quotes must show that every record has exactly the header's cells and
every quoted cell is closed at its end. The proof accepts a part of what Python's strict reader accepts, and
there both give the same cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from xbec_platform.ingest.formats.cells import Dialect
from xbec_platform.ingest.formats.lines import count_lines
from xbec_platform.ingest.formats.numbers import DOUBLE_DIGITS, exact_decimal
from xbec_platform.ingest.formats.records import without_empty

_NEWLINE = 10
# All that Polars skips before a number.
_BLANKS = (b" ", b"\t")
_STARTS_NUMBER = np.isin(np.arange(256), np.frombuffer(b"0123456789+-.", np.uint8))


@dataclass(frozen=True)
class ProvenBlock:
    """Records that are certainly cut in one way.

    Attributes:
        data: UTF-8 with LF behind every record.
        names: Of the columns.
        dialect: Of the file.
        has_quotes: Whether a quote occurs at all.
        ends: Place behind each cell, record by record.
    """

    data: bytes
    names: Sequence[str]
    dialect: Dialect
    has_quotes: bool
    ends: np.ndarray

    @property
    def records(self) -> int:
        """Number of records."""
        return len(self.ends) // len(self.names)

    @property
    def lines(self) -> int:
        """Number of lines."""
        return count_lines(self.data) if self.has_quotes else self.records

    def text(self) -> pl.DataFrame | None:
        """All columns as text, without "" in them; None should Polars see other records."""
        frame = self._read({})
        return frame if frame is None or not self.has_quotes else without_empty(frame)

    def typed(self, types: Mapping[str, pl.DataType]) -> pl.DataFrame | None:
        """The same with some columns as numbers; None unless each of their cells is certainly plain.

        Polars reads a number in place faster than it copies the text. It skips blanks before a number and its
        parser of decimals rounds: so no cell may start with a blank, and decimals come by way of a double,
        which holds any number of 15 characters.

        Args:
            types: Of columns of numbers: `Int64`, `Float64` or `Decimal`.
        """
        chosen = {name: dtype for name, dtype in types.items() if name in self.names}
        has_blanks = any(blank in self.data for blank in _BLANKS)
        for name, dtype in chosen.items():
            if dtype.is_decimal() and not self._are_short(name):
                return None
            # Where nothing precedes a number unseen, only doubles take words (inf, nan).
            is_certain = not (has_blanks or self.has_quotes or dtype.is_float())
            if not (is_certain or self._are_plain(name)):
                return None
        frame = self._read(
            {name: pl.Float64() if dtype.is_decimal() else dtype for name, dtype in chosen.items()}
        )
        if frame is None:
            return None
        decimals = [exact_decimal(frame[name], dtype) for name, dtype in chosen.items() if dtype.is_decimal()]
        if any(one.null_count() != frame[one.name].null_count() for one in decimals):
            return None
        frame = frame.with_columns(decimals)
        return without_empty(frame) if self.has_quotes else frame

    def _are_short(self, name: str) -> bool:
        """Whether a double holds each cell of a column, whatever digits it has."""
        starts, ends = self._cells(name)
        return bool((ends - starts).max(initial=0) <= DOUBLE_DIGITS)

    def _are_plain(self, name: str) -> bool:
        """Whether each cell of a column is empty or starts like a number."""
        starts, ends = self._cells(name)
        first = np.frombuffer(self.data, np.uint8)[starts]
        return bool((_STARTS_NUMBER[first] | (ends == starts)).all())

    def _cells(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Place of the first byte of each cell of a column, and the place behind its last."""
        width, column = len(self.names), list(self.names).index(name)
        before = self.ends[column - 1 :: width] if column else self.ends[width - 1 : -1 : width]
        return before + 1 if column else np.concatenate(([0], before + 1)), self.ends[column::width]

    def _read(self, types: Mapping[str, pl.DataType]) -> pl.DataFrame | None:
        try:
            frame = pl.read_csv(
                self.data,
                has_header=False,
                schema={name: types.get(name, pl.String()) for name in self.names},
                separator=self.dialect.delimiter,
                quote_char=self.dialect.quote if self.has_quotes else None,
                infer_schema=False,
            )
        except pl.exceptions.ComputeError:  # a cell is no number
            return None
        return frame if frame.height == self.records else None


def proven_block(block: bytes, names: Sequence[str], dialect: Dialect) -> ProvenBlock | None:
    """A block that starts and ends with a whole record; None when nothing is proven.

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
    ends = _proven_ends(clean, len(names), dialect, has_quotes=has_quotes, is_normalised=clean is not block)
    return None if ends is None else ProvenBlock(clean, names, dialect, has_quotes, ends)


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


def _proven_ends(
    clean: bytes, width: int, dialect: Dialect, *, has_quotes: bool, is_normalised: bool
) -> np.ndarray | None:
    """Place behind each cell of records that all have `width` of them; None when it is not proven.

    Args:
        clean: Ends with LF and holds no CR outside of quotes.
        width: Cells of the header.
        dialect: Of the file.
        has_quotes: Whether a quote occurs at all.
        is_normalised: Line ends were replaced, which must not have happened inside a cell.
    """
    data = np.frombuffer(clean, dtype=np.uint8)
    ends = data == _NEWLINE
    marks = data == ord(dialect.delimiter)
    marks |= ends
    places = np.flatnonzero(marks)
    if has_quotes:
        quotes = np.flatnonzero(data == ord(dialect.quote))
        if not _stand_at_cell_ends(quotes, marks):
            return None
        is_inside = _are_quoted(places, quotes)
        if is_normalised and ends[places[is_inside]].any():
            return None
        places = places[~is_inside]
    if len(places) % width:
        return None
    is_end = ends[places]
    records = len(places) // width
    # Every last cell ends its record, and no other cell does.
    return places if is_end[width - 1 :: width].all() and np.count_nonzero(is_end) == records else None


def _are_quoted(places: np.ndarray, quotes: np.ndarray) -> np.ndarray:
    """Which places stand between an opening quote and its closing one; quotes come in pairs.

    Counted over places, a tenth of the bytes.
    """
    opened, closed = (
        np.bincount(np.searchsorted(places, half), minlength=len(places) + 1)
        for half in (quotes[0::2], quotes[1::2])
    )
    return np.cumsum(opened - closed)[:-1] > 0


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
