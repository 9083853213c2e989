"""The first records of a CSV as one dialect cuts them, and the header among them. Decides nothing."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from xbec_platform.ingest.formats.cells import Dialect, told
from xbec_platform.ingest.formats.header import Header, find_header
from xbec_platform.ingest.formats.records import Expectation

EXCEL_HINT = re.compile(r"sep=(.)")


@dataclass(frozen=True)
class Sample:
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
    def body_line(self) -> int:
        """Number of lines before the first record."""
        header = self.header
        return self.lines[header.first + len(header.rows) - 1] if header else 0

    @property
    def ragged(self) -> int:
        """Records that are not as wide as the header, with the empty cells behind most of them."""
        width = len(self.header.names) + self.surplus if self.header else 0
        return sum(len(record) != width for record in self.body)

    @cached_property
    def surplus(self) -> int:
        """Empty cells that stand behind more than half of the records: a delimiter too many, not a shifted cell."""
        width = len(self.header.names) if self.header else 0
        longer = Counter(
            len(record) - width
            for record in self.body
            if len(record) > width and not any(cell.strip() for cell in record[width:])
        )
        ((cells, records),) = longer.most_common(1) or [(0, 0)]
        return cells if records * 2 > len(self.body) else 0


def take_sample(
    lines: Sequence[str], dialect: Dialect, *, is_whole: bool, limit: int | None = None
) -> Sample:
    """The first `limit` records of the lines; one that the end of the sample tears is left out."""
    reader = dialect.reader(iter(lines))
    records: list[tuple[str, ...]] = []
    ends: list[int] = []
    error, started = "", 0
    try:
        for cells in itertools.islice((cells for cells in reader if cells), limit):
            records.append(tuple(cells))
            ends.append(reader.line_num)  # type: ignore[attr-defined]
            started = ends[-1]
    except csv.Error as problem:
        line = reader.line_num  # type: ignore[attr-defined]
        if is_whole or line < len(lines):
            error = f"line {line}: {told(problem, started)}"
    return Sample(dialect, tuple(records), tuple(ends), error)


def with_header(sample: Sample, expect: Expectation) -> Sample:
    """The sample with the header that the feed declares or its required names show; without one if there is none."""
    reading = expect.reading
    records = sample.records
    if reading.header_row is None and not expect.required:
        # Excel's hint is no header; nothing else before a header can be told without names.
        skip = 1 if records and EXCEL_HINT.fullmatch(sample.dialect.delimiter.join(records[0])) else 0
        header = find_header(records[skip:], (), declared_row=None, header_rows=reading.header_rows)
        return replace(sample, header=replace(header, first=skip) if header else None)
    header = find_header(
        records, expect.required, declared_row=reading.header_row, header_rows=reading.header_rows
    )
    return replace(sample, header=header)
