"""Which delimiter, quote and escape a CSV is written with, proven on its first megabyte.

A contract names its columns, so a reading is right when one of its first records names all that are required.
Without required names the delimiter must be the only one that cuts the header, or the only one under which all
records are equally wide. Two readings that remain and differ reject the file. The quote is `"` (RFC 4180)
unless the file proves the apostrophe; a backslash escapes only where doubled quotes cannot be read.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from xbec_platform.ingest.formats.header import (
    PREAMBLE_RECORDS,
    Header,
    closest_header,
    find_header,
    require_columns_named,
)
from xbec_platform.ingest.formats.records import Expectation, FileRejectedError

DELIMITERS = (",", ";", "\t", "|")
# No cell is longer than the longest line; csv's own limit of 128 kB is below a large nested JSON value.
CELL_LIMIT = 16 << 20
csv.field_size_limit(CELL_LIMIT)
_EXCEL_HINT = re.compile(r"sep=(.)")


@dataclass(frozen=True)
class Dialect:
    """How cells are written.

    Attributes:
        delimiter: Between cells.
        quote: Around cells; "" when quotes are ordinary characters.
        escape: "double" or "backslash".
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = "double"

    def reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        """Python's strict CSV reader: the definition of what a record is."""
        return csv.reader(
            lines,
            strict=True,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            doublequote=self.escape == "double",
            escapechar="\\" if self.escape == "backslash" else None,
        )

    @property
    def label(self) -> str:
        """For people; only what is unusual besides the delimiter."""
        parts = [f"delimiter {self.delimiter!r}"]
        if self.quote != '"':
            parts.append(f"quote {self.quote!r}" if self.quote else "no quotes")
        if self.escape == "backslash":
            parts.append("backslash escapes")
        return "; ".join(parts)


@dataclass(frozen=True)
class Layout:
    """A CSV's dialect and where its records start.

    Attributes:
        dialect: How cells are written.
        header: The header, with its place among the records of the file.
        header_line: Line of its first row, from 1.
        body_line: Number of lines before the first record.
        body_chars: Number of characters before the first record.
        record_ends: Kinds of line end seen: LF, CRLF, CR.
    """

    dialect: Dialect
    header: Header
    header_line: int
    body_line: int
    body_chars: int
    record_ends: tuple[str, ...]


@dataclass(frozen=True)
class _Sample:
    """First records of a file under one dialect; `lines[i]` is the number of lines up to the end of record i."""

    dialect: Dialect
    records: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    error: str
    header: Header | None = None

    @property
    def body(self) -> tuple[tuple[str, ...], ...]:
        """Records behind the header."""
        return self.records[self.header.first + len(self.header.rows) :] if self.header else self.records

    @property
    def ragged(self) -> int:
        """Records that are not as wide as the header."""
        width = len(self.header.names) if self.header else 0
        return sum(len(record) != width for record in self.body)


def detect_layout(head: str, expect: Expectation, *, is_whole: bool) -> Layout:
    """Find the one reading of a CSV.

    Args:
        head: First part of the text, cut behind a line end.
        expect: Required names and what the feed declares.
        is_whole: Whether `head` is the whole file.

    Raises:
        FileRejectedError: No header, no reading, or two that differ.
    """
    lines = list(io.StringIO(head, newline=""))
    samples = [
        _with_header(_sample(lines, dialect, is_whole=is_whole), expect)
        for dialect in _promising(_dialects(lines, expect), lines, expect)
    ]
    named = [sample for sample in samples if sample.header is not None]
    if not named and expect.reading.quote is None and "'" in head:
        # Required names that appear only without the apostrophes around them prove the quote.
        quoted = [replace(sample.dialect, quote="'") for sample in samples]
        retried = [_with_header(_sample(lines, one, is_whole=is_whole), expect) for one in quoted]
        named = [sample for sample in retried if sample.header is not None]
    if not named:
        raise _no_header(samples, expect)
    sample = _refined(_one_delimiter(named, is_known=bool(expect.required)), lines, expect, is_whole=is_whole)
    return _layout(sample, lines)


def _dialects(lines: Sequence[str], expect: Expectation) -> list[Dialect]:
    reading = expect.reading
    hint = _EXCEL_HINT.fullmatch(lines[0].strip("\r\n")) if lines else None
    if reading.delimiter is not None:
        delimiters: Sequence[str] = [reading.delimiter]
    elif hint:
        delimiters = [hint[1]]
    else:
        delimiters = DELIMITERS
    quote = '"' if reading.quote is None else reading.quote
    try:
        dialects = [Dialect(delimiter, quote, reading.escape or "double") for delimiter in delimiters]
        for dialect in dialects:
            dialect.reader(iter(()))
    except (TypeError, ValueError, csv.Error) as error:
        raise FileRejectedError(f"read: the declared delimiter or quote cannot be used: {error}") from error
    return dialects


def _promising(dialects: Sequence[Dialect], lines: Sequence[str], expect: Expectation) -> Sequence[Dialect]:
    """Dialects under which a header is found; all when there is none.

    A header stands among the first records, so the megabyte is cut under one or two dialects, not under all:
    0.3 s a dialect. Of those that give one column only, none is a candidate when another one cuts.
    """
    needed = max(PREAMBLE_RECORDS + 2, expect.reading.header_row or 0) + expect.reading.header_rows
    starts = [
        _with_header(_sample(lines, dialect, is_whole=True, limit=needed), expect) for dialect in dialects
    ]
    cutting = [start.dialect for start in starts if start.header and len(start.header.names) > 1]
    return cutting or dialects


def _sample(lines: Sequence[str], dialect: Dialect, *, is_whole: bool, limit: int | None = None) -> _Sample:
    """The first `limit` records of the lines; one that the end of the sample tears is left out."""
    reader = dialect.reader(iter(lines))
    records: list[tuple[str, ...]] = []
    ends: list[int] = []
    error = ""
    try:
        for cells in itertools.islice((cells for cells in reader if cells), limit):
            records.append(tuple(cells))
            ends.append(reader.line_num)  # type: ignore[attr-defined]
    except csv.Error as problem:
        line = reader.line_num  # type: ignore[attr-defined]
        if is_whole or line < len(lines):
            error = f"line {line}: {problem}"
    return _Sample(dialect, tuple(records), tuple(ends), error)


def _with_header(sample: _Sample, expect: Expectation) -> _Sample:
    reading = expect.reading
    records = sample.records
    if reading.header_row is None and not expect.required:
        # Excel's hint is no header; nothing else before a header can be told without names.
        skip = 1 if records and _EXCEL_HINT.fullmatch(sample.dialect.delimiter.join(records[0])) else 0
        header = find_header(records[skip:], (), declared_row=None, header_rows=reading.header_rows)
        return replace(sample, header=replace(header, first=skip) if header else None)
    header = find_header(
        records, expect.required, declared_row=reading.header_row, header_rows=reading.header_rows
    )
    return replace(sample, header=header)


def _no_header(samples: Sequence[_Sample], expect: Expectation) -> FileRejectedError:
    """What the closest reading lacks."""
    error = next((sample.error for sample in samples if sample.error), "")
    if not any(sample.records for sample in samples):
        return FileRejectedError(error or "line 1: the file is empty, not even a header")
    closest = [
        (sample, closest_header(sample.records, expect.required, expect.reading.header_rows))
        for sample in samples
    ]
    sample, header = max(
        ((sample, header) for sample, header in closest if header is not None),
        key=lambda pair: (len(set(pair[1].names) & set(expect.required)), len(pair[1].names)),
        default=(samples[0], None),
    )
    if header is None or expect.reading.header_row is not None:
        return FileRejectedError("the declared header_row or header_rows lie beyond the first records")
    line = _first_line(sample.lines, header.first)
    try:
        require_columns_named(header, expect.required, f"line {line}")
    except FileRejectedError as missing:
        return FileRejectedError(f"{missing}; {sample.error}") if sample.error else missing
    return FileRejectedError(sample.error)


def _one_delimiter(samples: Sequence[_Sample], *, is_known: bool) -> _Sample:
    """The only reading, or the error that shows two."""
    cutting = [sample for sample in samples if len(sample.header.names) > 1]  # type: ignore[union-attr]
    if not cutting:
        return samples[0]
    even = [sample for sample in cutting if not sample.ragged and not sample.error]
    left = cutting if is_known or not even else even
    if len(left) > 1:
        raise _two_readings(left[0], left[1], "delimiter")
    return left[0]


def _refined(sample: _Sample, lines: Sequence[str], expect: Expectation, *, is_whole: bool) -> _Sample:
    """Settle quote and escape, where the feed leaves them open."""
    reading = expect.reading

    def other(**change: str) -> _Sample | None:
        found = _with_header(_sample(lines, replace(sample.dialect, **change), is_whole=is_whole), expect)
        return found if found.header is not None and not found.error and not found.ragged else None

    if sample.error and reading.escape is None and any('\\"' in line for line in lines):
        escaped = other(escape="backslash")
        if escaped is not None:
            return escaped
    if sample.error:
        raise FileRejectedError(sample.error)
    if reading.quote is None and any("'" in line for line in lines):
        apostrophes = other(quote="'")
        if apostrophes is not None and apostrophes.records != sample.records:
            return _quoted_by(sample, apostrophes)
    return sample


def _quoted_by(sample: _Sample, apostrophes: _Sample) -> _Sample:
    """Whether the apostrophe is the quote of this file or a character of its text.

    Not where it leaves ordinary quotes around cells. Proven when records are as wide as the header only so.
    Where both readings are even and every value of a column stands between apostrophes, nobody can tell.
    """
    if any(cell.startswith('"') for record in apostrophes.records for cell in record):
        return sample
    if sample.ragged:
        return apostrophes
    for column in zip(*sample.body, strict=True):
        values = [cell for cell in column if cell]
        if values and all(len(cell) > 1 and cell[0] == cell[-1] == "'" for cell in values):
            raise _two_readings(sample, apostrophes, "quote")
    return sample


def _two_readings(one: _Sample, two: _Sample, what: str) -> FileRejectedError:
    shown = [
        f"{sample.dialect.label} gives {json.dumps((*sample.body, sample.records[0])[0], ensure_ascii=False)}"
        for sample in (one, two)
    ]
    return FileRejectedError(
        f"can be read in two ways: {shown[0][:300]}, {shown[1][:300]}; declare read.{what}"
    )


def _layout(sample: _Sample, lines: Sequence[str]) -> Layout:
    header = sample.header
    assert header is not None, "a sample without header is no reading"  # noqa: S101
    body_line = sample.lines[header.first + len(header.rows) - 1]
    return Layout(
        sample.dialect,
        header,
        _first_line(sample.lines, header.first),
        body_line,
        sum(len(line) for line in lines[:body_line]),
        _record_ends(lines),
    )


def _first_line(ends: Sequence[int], record: int) -> int:
    """Line on which a record starts, blank lines before it aside."""
    return (ends[record - 1] if record else 0) + 1


def _record_ends(lines: Sequence[str]) -> tuple[str, ...]:
    found = {
        "CRLF" if line.endswith("\r\n") else "CR" if line.endswith("\r") else "LF"
        for line in lines[:-1] or lines
    }
    return tuple(end for end in ("LF", "CRLF", "CR") if end in found)
