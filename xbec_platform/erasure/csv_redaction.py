"""A delimited file without a person: only the person's cells change, every other byte stays.

The reader of the intake is not used: it says what a record means, not where it stands. Here records are cut by
the shape of quotes, delimiters and line ends; the header is the row that names most of the feed's columns. Only
whether blanks around cells are text is told as the intake tells it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from xbec_platform.ingest.contracts import Contract
from xbec_platform.ingest.formats.cells import Dialect as Cut
from xbec_platform.ingest.formats.cells import is_padded
from xbec_platform.ingest.suppression import (
    Suppression,
    erased_rows,
    keeps_tombstone,
    naming_columns,
    stone_of,
)

DELIMITERS = (",", ";", "\t", "|")
QUOTES = ('"', "'")
# A header stands among the first records, behind preamble lines at most.
HEADER_WITHIN = 50
# Blanks at delimiters are proven on so much of the records.
HEAD_CHARS = 1 << 20


@dataclass(frozen=True, slots=True)
class Cell:
    """Place of a cell in the text, quotes included, and its value."""

    start: int
    end: int
    value: str


@dataclass(frozen=True)
class Dialect:
    """How cells are cut; with `is_padded` the blanks around them are none of theirs and stay."""

    delimiter: str
    quote: str
    is_padded: bool = False


def redact_csv(text: str, contract: Contract, suppression: Suppression) -> str:
    """Text with the cells of erased persons replaced or emptied."""
    found = _header(text, contract)
    if found is None:
        return text
    dialect, number, names = found
    cut = Cut(dialect.delimiter, dialect.quote)
    header = next(_records(text, dialect, skip=number))
    end = header[-1].end
    if is_padded(io.StringIO(text[end : end + HEAD_CHARS], newline=""), cut):
        dialect = replace(dialect, is_padded=True)
    whole: list[list[Cell]] = []
    odd: list[list[Cell]] = []
    for cells in _records(text, dialect, skip=number + 1):
        behind = cells[len(names) :]
        is_whole = len(cells) >= len(names) and not any(cell.value.strip() for cell in behind)
        (whole if is_whole else odd).append(cells[: len(names)] if is_whole else cells)
    edits = _whole_edits(whole, names, contract, suppression)
    for cells in odd:
        edits.update(_odd_edits(cells, contract, suppression))
    return _edited(text, edits)


def _header(text: str, contract: Contract) -> tuple[Dialect, int, list[str]] | None:
    """Dialect, number and names of the header row; None when no row names a column that says whose a row is."""
    best: tuple[int, Dialect, int, list[str]] | None = None
    naming = set(naming_columns(contract))
    for delimiter in DELIMITERS:
        for quote in QUOTES:
            dialect = Dialect(delimiter, quote)
            for number, cells in zip(range(HEADER_WITHIN), _records(text, dialect), strict=False):
                names = [cell.value.strip() for cell in cells]
                known = len(set(names) & set(contract.columns))
                if naming & set(names) and (best is None or known > best[0]):
                    best = known, dialect, number, names
    return best[1:] if best else None


def _records(text: str, dialect: Dialect, skip: int = 0) -> Iterator[list[Cell]]:
    """Records with the places of their cells; empty lines are none. Blanks may stand around quotes."""
    quote, other = re.escape(dialect.quote), re.escape(dialect.delimiter)
    cell = re.compile(
        rf"(?: *{quote}((?:[^{quote}]|{quote}{quote})*){quote} *(?=[{other}\r\n]|\Z)|([^{other}\r\n]*))"
        rf"({other}|\r\n|\n|\r|\Z)"
    )
    place, count, cells = 0, 0, []
    while place <= len(text):
        match = cell.match(text, place)
        if match is None:
            return
        quoted, plain, end = match[1], match[2], match[3]
        value = plain if quoted is None else quoted.replace(dialect.quote * 2, dialect.quote)
        start, stop = place, match.start(3)
        if dialect.is_padded:
            value = value if plain is None else value.strip(" ")
            whole = text[start:stop]
            start, stop = stop - len(whole.lstrip(" ")), start + len(whole.rstrip(" "))
        cells.append(Cell(start, max(start, stop), value))
        place = match.end()
        if end == dialect.delimiter:
            continue
        if len(cells) > 1 or cells[0].end > cells[0].start:
            if count >= skip:
                yield cells
            count += 1
        cells = []
        if end == "":
            return


def _whole_edits(
    rows: list[list[Cell]], names: list[str], contract: Contract, suppression: Suppression
) -> dict[Cell, str]:
    naming = [name for name in naming_columns(contract) if name in names]
    places = {name: names.index(name) for name in naming}
    frame = pl.DataFrame(
        {name: [row[place].value or None for row in rows] for name, place in places.items()},
        schema=dict.fromkeys(naming, pl.String),
    )
    theirs = erased_rows(frame, contract, suppression)
    edits: dict[Cell, str] = {}
    for row, is_theirs in zip(rows, theirs, strict=True):
        if is_theirs:
            for name, cell in zip(names, row, strict=True):
                edits[cell] = redacted_cell(name, cell.value, contract, suppression)
    return edits


def redacted_cell(name: str, value: str, contract: Contract, suppression: Suppression) -> str:
    """What an erased person's cell says afterwards; "" for nothing.

    In a source whose rows are deleted nothing is left but tombstones: by these the intake counts the record as
    erased. Otherwise the cells that are not personal stay.
    """
    column = contract.columns.get(name)
    if contract.erase == "delete":
        return suppression.tombstone(value) if value and name in naming_columns(contract) else ""
    if column is not None and column.pii == "none":
        return value
    return suppression.tombstone(value) if value and column is not None and keeps_tombstone(column) else ""


def _odd_edits(cells: list[Cell], contract: Contract, suppression: Suppression) -> dict[Cell, str]:
    """A record with too many or too few cells: nobody knows which is which, so all go when one tells who it is."""
    stones = {cell: stone_of(cell.value, contract, suppression) for cell in cells}
    return stones if any(stones.values()) else {}


def _edited(text: str, edits: dict[Cell, str]) -> str:
    """The text with cells replaced where their value changes."""
    parts, place = [], 0
    for cell in sorted(edits, key=lambda cell: cell.start):
        if edits[cell] != cell.value:
            parts += [text[place : cell.start], edits[cell]]
            place = cell.end
    return "".join([*parts, text[place:]])
