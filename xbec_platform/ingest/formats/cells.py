"""How the cells of a delimited text are written, and such text cut into cells, strictly. Nothing is detected here."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xbec_platform.ingest.formats.records import declare

# No cell is longer than the longest line; csv's own limit of 128 kB is below a large nested JSON value.
CELL_LIMIT = 16 << 20
csv.field_size_limit(CELL_LIMIT)


@dataclass(frozen=True)
class Dialect:
    """How cells are written.

    Attributes:
        delimiter: Between cells.
        quote: Around cells; "" when quotes are ordinary characters.
        escape: "double" or "backslash".
        is_padded: Blanks around delimiters belong to them, not to the cells; only with doubled quotes.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = "double"
    is_padded: bool = False

    def reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        """A strict reader with the number of lines read as `line_num`: the definition of what a record is."""
        if self.is_padded:
            return PaddedReader(lines, self.delimiter, self.quote)
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
        if self.is_padded:
            parts.append("blanks around cells")
        if self.quote != '"':
            parts.append(f"quote {self.quote!r}" if self.quote else "no quotes")
        if self.escape == "backslash":
            parts.append("backslash escapes")
        return "; ".join(parts)


def told(error: csv.Error, lines: int) -> str:
    """What a strict reader refused, where the record starts, and what to do.

    Args:
        error: Of the reader.
        lines: Number of lines before the record.
    """
    where = f"the record starts on line {lines + 1}"
    unquoted = declare("quote", '""')
    if "end of data" in str(error):
        return (
            f"a quote is never closed ({error}); {where}: close it there, or, if quotes are text, {unquoted}"
        )
    if "expected after" in str(error):
        return f"a quote ends inside its cell ({error}); {where}: double the quotes of its text there, or {unquoted}"
    return f"{error}; {where}: mend it there and deliver the file again"


class PaddedReader:
    """Records of a text with blanks around its delimiters, as csv's strict reader would give them without.

    That reader takes a quote behind a blank for an ordinary character, and a blank behind a quote for an error.
    """

    def __init__(self, lines: Iterator[str], delimiter: str, quote: str) -> None:
        self.line_num = 0
        self._lines = lines
        self._delimiter = delimiter
        self._quote = quote
        end, mark = re.escape(delimiter), re.escape(quote)
        start = rf" *{mark}([^{mark}]*(?:{mark}{mark}[^{mark}]*)*)" if quote else r"(?!)"
        self._quoted = re.compile(rf"{start}{mark} *(?=[{end}\r\n]|\Z)")
        self._open = re.compile(rf"{start}\Z")
        self._plain = re.compile(rf"[^{end}\r\n]*")

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        """The next record; [] for a blank line, as csv gives it.

        Raises:
            csv.Error: A quote is never closed, or closed in the middle of a cell.
        """
        text = self._line()
        if not text.strip(" \r\n"):
            return []
        cells: list[str] = []
        place = 0
        while True:
            if self._open.match(text, place):
                text, place = self._closed(text[place:]), 0
            cell, place = self._cell(text, place)
            cells.append(cell)
            if text[place : place + 1] != self._delimiter:
                return cells
            place += 1

    def _cell(self, text: str, place: int) -> tuple[str, int]:
        quoted = self._quoted.match(text, place)
        if quoted:
            return quoted[1].replace(self._quote * 2, self._quote), quoted.end()
        plain = self._plain.match(text, place)
        assert plain is not None, "the pattern fits the empty text"  # noqa: S101
        cell = plain[0].strip(" ")
        if self._quote and cell.startswith(self._quote):
            raise csv.Error(f"'{self._delimiter}' expected after '{self._quote}'")
        return cell, plain.end()

    def _closed(self, text: str) -> str:
        """The rest of a record and the lines up to one that may close the quote which is open at its end."""
        held = [text]
        size = len(text)
        is_open = True
        while is_open:
            try:
                held.append(self._line())
            except StopIteration:
                raise csv.Error("unexpected end of data") from None
            size += len(held[-1])
            if size > CELL_LIMIT:
                raise csv.Error(f"field larger than field limit ({CELL_LIMIT})")
            is_open = held[-1].count(self._quote) % 2 == 0
        return "".join(held)

    def _line(self) -> str:
        line = next(self._lines)
        self.line_num += 1
        return line


def is_padded(lines: Iterable[str], dialect: Dialect) -> bool:
    """Whether blanks belong to the delimiters: they stand on the same side of every one, where a cell is.

    A blank that stands at some delimiters only may be text. A delimiter in a quoted cell is none; lines that a
    quoted cell leaves or enters tell nothing.
    """
    mark = re.escape(dialect.quote)
    quoted = re.compile(rf"{mark}[^{mark}]*(?:{mark}{mark}[^{mark}]*)*{mark}" if mark else r"(?!)")
    before = after = True
    seen = 0
    for line in lines:
        plain = quoted.sub("-", line) if mark and dialect.quote in line else line
        if mark and dialect.quote in plain:
            continue
        cells = plain.rstrip("\r\n").split(dialect.delimiter)
        if len(cells) < 2:
            continue
        before = before and all(cell.endswith(" ") for cell in cells[:-1] if cell)
        after = after and all(cell.startswith(" ") for cell in cells[1:] if cell)
        if not (before or after):
            return False
        seen += any(map(str.strip, cells))
    return seen > 0
