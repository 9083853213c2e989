"""Delimited text to records, block by block: proven blocks at full speed, the rest by Python's strict reader.

A record with more or fewer cells than the header is broken and kept as the JSON list of its cells.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from xbec_platform.ingest.formats.cells import told
from xbec_platform.ingest.formats.csv_proof import ProvenBlock, proven_block
from xbec_platform.ingest.formats.dialect import Layout, detect_layout
from xbec_platform.ingest.formats.header import reject_nameless, require_names
from xbec_platform.ingest.formats.lines import count_lines, line_blocks
from xbec_platform.ingest.formats.records import ROW, Expectation, FileRejectedError, without_empty

HEAD_BYTES = 1 << 20
Broken = tuple[int, str, str]


@dataclass(frozen=True)
class Part:
    """Records of a stretch of a file.

    Attributes:
        frame: `_row_no` and text columns.
        broken: (row_no, raw text, cause).
        text: The frame with text columns only, where it holds numbers.
    """

    frame: pl.DataFrame
    broken: list[Broken]
    text: Callable[[], pl.DataFrame] | None = None

    def as_text(self) -> Part:
        """The same with text columns only."""
        return self if self.text is None else Part(self.text(), self.broken)

    def cut(self, start: int, length: int) -> Part:
        """Some of the readable records."""
        text = self.text
        return Part(
            self.frame.slice(start, length), [], None if text is None else lambda: text().slice(start, length)
        )


class CsvFile:
    """One pass over a delimited text; `format` is complete when `parts` is exhausted."""

    def __init__(
        self, chunks: Iterable[bytes], expect: Expectation, plain: Mapping[str, pl.DataType] | None = None
    ) -> None:
        blocks = line_blocks(chunks)
        first = next(blocks, b"")
        second = next(blocks, None)
        head = first[: first.rfind(b"\n", 0, HEAD_BYTES) + 1] or first
        text = head.decode("utf-8")
        is_whole = second is None and len(head) == len(first)
        self.layout: Layout = detect_layout(text, expect, is_whole=is_whole)
        require_names(self.layout.header.names, f"line {self.layout.header_line}")
        start = len(text[: self.layout.body_chars].encode())
        self._blocks = itertools.chain([first[start:]], [] if second is None else [second], blocks)
        self._line = self.layout.body_line
        self._row = 0
        self._is_behind_blank = False
        self._repeated = 0
        self._plain = {} if self.layout.header.nameless else plain or {}

    @property
    def format(self) -> str:
        """What was detected."""
        layout = self.layout
        ends = " and ".join(layout.record_ends)
        parts = [layout.dialect.label, f"record end {ends}"]
        if layout.header.first:
            parts.append(_counted(layout.header.first, "preamble line"))
        if len(layout.header.rows) > 1:
            parts.append(f"{len(layout.header.rows)} header rows")
        if layout.header.is_trimmed:
            parts.append("blanks around names")
        unnamed = len(layout.header.nameless) - layout.surplus
        if unnamed:
            parts.append(_counted(unnamed, "empty column"))
        if layout.surplus:
            parts.append(f"{_counted(layout.surplus, 'empty cell')} behind every record")
        if self._repeated:
            parts.append(_counted(self._repeated, "repeated header"))
        return "; ".join(parts)

    def parts(self) -> Iterator[Part]:
        """The records, in order; at least one part, which may be empty.

        Raises:
            FileRejectedError: A quote is never closed, or a column without name holds a value.
        """
        yield self._part(self._frame([]), [])
        for block in self._blocks:
            if not block:
                continue
            proven = proven_block(block, self.layout.header.names, self.layout.dialect)
            part = None if proven is None or self._is_beyond(proven) else self._proven(proven)
            if proven is None or part is None:
                yield self._exact(block)
                continue
            self._is_behind_blank = block.endswith((b"\n\n", b"\r\n\r\n"))
            self._line += count_lines(block) if self._is_behind_blank else proven.lines
            yield part

    def _proven(self, proven: ProvenBlock) -> Part | None:
        """Records of a block that Polars may read, with numbers where no record can be a header."""
        is_padded = self.layout.dialect.is_padded
        if self._plain and not is_padded and not self._may_repeat_header(proven.data):
            typed, first = proven.typed(self._plain), self._row + 1
            if typed is not None:
                return replace(self._part(typed, []), text=lambda: _spelt(proven, first))
        text = proven.text()
        if text is not None and is_padded:
            text = without_empty(text.with_columns(pl.all().str.strip_chars(" ")))
        if text is None or any(text[name].count() for name in self._surplus):
            return None
        return self._part(self._without_headers(text), [])

    @property
    def _surplus(self) -> Sequence[str]:
        """Names of the empty cells behind every record."""
        names = self.layout.header.names
        return names[len(names) - self.layout.surplus :]

    def _is_beyond(self, proven: ProvenBlock) -> bool:
        """Whether the proof is of other cells than this file's: quotes behind blanks count as characters there."""
        return self.layout.dialect.is_padded and proven.has_quotes

    def _may_repeat_header(self, block: bytes) -> bool:
        named = [next((cell for cell in row if cell), "") for row in self.layout.header.rows]
        return any(name.encode() in block for name in named)

    def _part(self, frame: pl.DataFrame, broken: list[Broken]) -> Part:
        """Number records that are all readable, and drop columns without name."""
        if ROW not in frame.columns:
            frame = _numbered(frame, self._row + 1)
            self._row += frame.height
        for name in self.layout.header.nameless:
            values = frame[name].drop_nulls()
            if len(values):
                raise reject_nameless(f"line {self.layout.header_line}", name, values[0])
        return Part(frame.drop(self.layout.header.nameless), broken)

    def _without_headers(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Leave out records that repeat the header; its rarest place decides first, at the cost of one column."""
        for depth, row in enumerate(self.layout.header.rows):
            named = next((index for index, cell in enumerate(row) if cell), None)
            if named is None or not (frame.to_series(named) == row[named]).any():
                continue
            is_header = pl.all_horizontal(
                pl.col(name).eq_missing(pl.lit(row[index] if index < len(row) else None).replace("", None))
                for index, name in enumerate(self.layout.header.names)
            )
            kept = frame.filter(~is_header)
            self._repeated += (frame.height - kept.height) if depth == 0 else 0
            frame = kept
        return frame

    def _exact(self, block: bytes) -> Part:
        """Records of a block by the strict reader, running on while a quoted cell does."""
        feed = _LineFeed(block, self._blocks)
        reader = self.layout.dialect.reader(feed)
        rows: list[list[str]] = []
        numbers: list[int] = []
        broken: list[Broken] = []
        width, surplus = len(self.layout.header.names), self.layout.surplus
        started = 0
        try:
            for cells in reader:
                started = feed.lines
                feed.is_between_records = True
                if not cells or tuple(cells) in self.layout.header.rows:
                    self._is_behind_blank = self._is_behind_blank or not cells
                    self._repeated += tuple(cells) == self.layout.header.rows[0]
                    continue
                self._row += 1
                if len(cells) == width and not (surplus and any(cells[width - surplus :])):
                    self._is_behind_blank = False
                    rows.append(cells)
                    numbers.append(self._row)
                else:
                    broken.append(
                        (self._row, json.dumps(cells, ensure_ascii=False), self._cause(cells, feed))
                    )
        except csv.Error as error:
            told_why = told(error, self._line + started)
            raise FileRejectedError(f"line {self._line + feed.lines}: {told_why}") from error
        self._line += feed.lines
        return self._part(self._frame(rows).insert_column(0, pl.Series(ROW, numbers, pl.Int64)), broken)

    def _cause(self, cells: list[str], feed: _LineFeed) -> str:
        surplus = self.layout.surplus
        cause = (
            f"line {self._line + feed.lines}: {len(cells)} cells, the header has "
            f"{len(self.layout.header.names) - surplus}"
        )
        if surplus:
            cause = f"{cause}, and other records have {_counted(surplus, 'empty cell')} behind them"
        return f"{cause}; it stands behind a blank line: another table?" if self._is_behind_blank else cause

    def _frame(self, rows: list[list[str]]) -> pl.DataFrame:
        names = self.layout.header.names
        columns = zip(*rows, strict=True) if rows else [()] * len(names)
        frame = pl.DataFrame(
            [pl.Series(name, values, pl.String) for name, values in zip(names, columns, strict=True)]
        )
        return frame.with_columns(pl.all().replace("", None))


class _LineFeed:
    """Lines of a block; asks for the next block only while a record is unfinished."""

    def __init__(self, block: bytes, more: Iterator[bytes]) -> None:
        self._more = more
        self._lines = _lines(block)
        self.is_between_records = True
        self.lines = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines, None)
        while line is None:
            if self.is_between_records:
                raise StopIteration
            self._lines = _lines(next(self._more))
            line = next(self._lines, None)
        self.is_between_records = False
        self.lines += 1
        return line


def _spelt(proven: ProvenBlock, first: int) -> pl.DataFrame:
    """Records that were read as numbers, as text."""
    text = proven.text()
    assert text is not None, "the same records were read with numbers"  # noqa: S101
    return _numbered(text, first)


def _numbered(frame: pl.DataFrame, first: int) -> pl.DataFrame:
    return frame.with_row_index(ROW, first).cast({ROW: pl.Int64})


def _lines(block: bytes) -> Iterator[str]:
    return iter(io.StringIO(block.decode("utf-8"), newline=""))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
