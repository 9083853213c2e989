"""Which delimiter, quote and escape a CSV is written with, proven on its first megabyte.

A contract names its columns, so a reading is right when one of its first records names all that are required.
Without required names the delimiter must be the only one that cuts the header, or the only one under which all
records are equally wide. Two readings that remain and differ reject the file. The quote is `"` (RFC 4180)
unless the file proves the apostrophe; a backslash escapes only where doubled quotes cannot be read. Blanks that
stand at every delimiter belong to it, and empty cells that stand behind most records to none.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from xbec_platform.ingest.formats.cells import Dialect, is_padded
from xbec_platform.ingest.formats.header import (
    NAMELESS,
    PREAMBLE_RECORDS,
    Header,
    closest_header,
    require_columns_named,
)
from xbec_platform.ingest.formats.records import Expectation, FileRejectedError, declare
from xbec_platform.ingest.formats.sample import EXCEL_HINT, Sample, take_sample, with_header

DELIMITERS = (",", ";", "\t", "|")


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
        surplus: Empty cells behind every record, beyond the header; the last names of it are theirs.
    """

    dialect: Dialect
    header: Header
    header_line: int
    body_line: int
    body_chars: int
    record_ends: tuple[str, ...]
    surplus: int = 0


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
        with_header(take_sample(lines, dialect, is_whole=is_whole), expect)
        for dialect in _promising(_dialects(lines, expect), lines, expect)
    ]
    named = [sample for sample in samples if sample.header is not None]
    for change in _less_usual(head, expect) if not named else ():
        # Required names that appear only without the apostrophes or blanks around them prove these.
        others = [replace(sample.dialect, **change) for sample in samples]
        retried = [with_header(take_sample(lines, one, is_whole=is_whole), expect) for one in others]
        named = named or [sample for sample in retried if sample.header is not None]
    if not named:
        raise _no_header(samples, expect)
    sample = _refined(_one_delimiter(named, is_known=bool(expect.required)), lines, expect, is_whole=is_whole)
    return _layout(sample, lines)


def _less_usual(head: str, expect: Expectation) -> list[dict[str, Any]]:
    """Changes of a dialect that a head may need before its header can be read."""
    reading = expect.reading
    can_be_padded = reading.escape != "backslash"
    changes: list[dict[str, Any]] = []
    if reading.quote is None and "'" in head:
        changes.append({"quote": "'"})
        if can_be_padded:
            changes.append({"quote": "'", "is_padded": True})
    if can_be_padded and (reading.quote or '"') in head:
        changes.append({"is_padded": True})
    return changes


def _dialects(lines: Sequence[str], expect: Expectation) -> list[Dialect]:
    reading = expect.reading
    hint = EXCEL_HINT.fullmatch(lines[0].strip("\r\n")) if lines else None
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
        with_header(take_sample(lines, dialect, is_whole=True, limit=needed), expect) for dialect in dialects
    ]
    cutting = [start.dialect for start in starts if start.header and len(start.header.names) > 1]
    return cutting or dialects


def _no_header(samples: Sequence[Sample], expect: Expectation) -> FileRejectedError:
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


def _one_delimiter(samples: Sequence[Sample], *, is_known: bool) -> Sample:
    """The only reading, or the error that shows two."""
    cutting = [sample for sample in samples if len(sample.header.names) > 1]  # type: ignore[union-attr]
    if not cutting:
        return samples[0]
    even = [sample for sample in cutting if not sample.ragged and not sample.error]
    left = cutting if is_known or not even else even
    if len(left) > 1:
        raise _two_readings(left[0], left[1], "delimiter")
    return left[0]


def _refined(sample: Sample, lines: Sequence[str], expect: Expectation, *, is_whole: bool) -> Sample:
    """Settle blanks, quote and escape, where the feed leaves them open."""
    reading = expect.reading

    def other(**change: Any) -> Sample | None:
        found = with_header(take_sample(lines, replace(sample.dialect, **change), is_whole=is_whole), expect)
        return found if found.header is not None and not found.error and not found.ragged else None

    if sample.dialect.escape == "double" and is_padded(lines[sample.body_line :], sample.dialect):
        padded = with_header(
            take_sample(lines, replace(sample.dialect, is_padded=True), is_whole=is_whole), expect
        )
        if padded.header and (padded.error or padded.ragged <= sample.ragged):
            sample = padded

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


def _quoted_by(sample: Sample, apostrophes: Sample) -> Sample:
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


def _two_readings(one: Sample, two: Sample, what: str) -> FileRejectedError:
    shown = [
        f"{sample.dialect.label} gives {json.dumps((*sample.body, sample.records[0])[0], ensure_ascii=False)}"
        for sample in (one, two)
    ]
    values = [json.dumps(getattr(sample.dialect, what)) for sample in (one, two)]
    return FileRejectedError(
        f"can be read in two ways: {shown[0][:300]}, {shown[1][:300]}; {declare(what, *values)}"
    )


def _layout(sample: Sample, lines: Sequence[str]) -> Layout:
    header = sample.header
    assert header is not None, "a sample without header is no reading"  # noqa: S101
    body_line = sample.body_line
    width = len(header.names)
    unnamed = tuple(f"{NAMELESS}{column}" for column in range(width + 1, width + 1 + sample.surplus))
    return Layout(
        sample.dialect,
        replace(header, names=header.names + unnamed),
        _first_line(sample.lines, header.first),
        body_line,
        sum(len(line) for line in lines[:body_line]),
        _record_ends(lines),
        sample.surplus,
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
