"""Where the header of a table of cells stands and what it names. Shared by CSV and Excel; no dialect here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xbec_platform.ingest.formats.records import ROW, FileRejectedError

# Exports put titles, filters and dates before their table; more than this is no preamble.
PREAMBLE_RECORDS = 100
# DuckDB and Excel end far below; a bomb of names must not make a frame of a million columns.
COLUMN_LIMIT = 10_000
# Columns the intake adds; a file that names them would be mixed up with its own account.
RESERVED = (ROW, "_file", "_drop_date", "_duplicate_records", "_extra", "_feed", "_file_id", "_route")
# Name of a column without one until its cells are known to be empty; no text file's header holds a NUL first.
NAMELESS = "\0"


@dataclass(frozen=True)
class Header:
    """A header found among the first records.

    Attributes:
        first: Index of its first row among the records.
        rows: The rows as they stand, to recognise repetitions.
        names: One per column; a column without a name has one that starts with `NAMELESS`.
        is_trimmed: Whether blanks around names were taken off.
    """

    first: int
    rows: tuple[tuple[str, ...], ...]
    names: tuple[str, ...]
    is_trimmed: bool

    @property
    def nameless(self) -> tuple[str, ...]:
        """Columns whose cells must all be empty."""
        return tuple(name for name in self.names if name.startswith(NAMELESS))


def find_header(
    records: Sequence[Sequence[str]], required: Iterable[str], *, declared_row: int | None, header_rows: int
) -> Header | None:
    """The first record that names all required columns; the declared or the first one when none is required."""
    needed = set(required)
    if declared_row is not None:
        places: Iterable[int] = [declared_row - 1]
    else:
        places = range(PREAMBLE_RECORDS + 1) if needed else [0]
    for place in places:
        rows = records[place : place + header_rows]
        if len(rows) < header_rows:
            return None
        header = _joined(place, rows)
        if declared_row is not None or needed <= set(header.names):
            return header
    return None


def closest_header(
    records: Sequence[Sequence[str]], required: Iterable[str], header_rows: int
) -> Header | None:
    """The record that names most of the required columns, to say what is missing."""
    needed = set(required)
    best: Header | None = None
    for place in range(min(len(records) - header_rows, PREAMBLE_RECORDS) + 1):
        header = _joined(place, records[place : place + header_rows])
        if best is None or len(needed & set(header.names)) > len(needed & set(best.names)):
            best = header
    return best


def _joined(place: int, rows: Sequence[Sequence[str]]) -> Header:
    """One name per column; in upper rows an empty cell takes the name to its left, as merged cells are written."""
    width = max(len(row) for row in rows)
    parts: list[list[str]] = [[] for _ in range(width)]
    for depth, row in enumerate(rows):
        left = ""
        for column in range(width):
            cell = row[column].strip() if column < len(row) else ""
            left = cell or (left if depth < len(rows) - 1 else "")
            parts[column].append(left)
    names = [" ".join(part for part in column if part) for column in parts]
    unnamed = tuple(name or f"{NAMELESS}{column}" for column, name in enumerate(names, start=1))
    trimmed = any(cell != cell.strip() for row in rows for cell in row)
    return Header(place, tuple(tuple(row) for row in rows), unnamed, trimmed)


def require_names(names: Sequence[str], place: str) -> None:
    """Every column is named once and with a name that is its own.

    Args:
        names: Of the header; those that start with `NAMELESS` are judged by their cells.
        place: Where the header stands, for the message.

    Raises:
        FileRejectedError: A name is repeated or reserved, or there are too many.
    """
    if len(names) > COLUMN_LIMIT:
        raise FileRejectedError(f"{place}: {len(names)} columns; at most {COLUMN_LIMIT} are read")
    if all(name.startswith(NAMELESS) for name in names):
        raise FileRejectedError(f"{place}: column 1 has no name, nor has any other")
    seen: set[str] = set()
    doubles: set[str] = set()
    for name in names:
        (doubles if name in seen else seen).add(name)
    if doubles:
        raise FileRejectedError(f"{place}: the header repeats {', '.join(sorted(doubles))}")
    reserved = sorted(seen & set(RESERVED))
    if reserved:
        raise FileRejectedError(f"{place}: {', '.join(reserved)} is a name of the intake; rename the column")


def reject_nameless(place: str, nameless: str, example: str) -> FileRejectedError:
    """The error for a column with values and no name."""
    column = nameless.removeprefix(NAMELESS)
    return FileRejectedError(f"{place}: column {column} has no name, but holds {example!r}")


def require_columns_named(header: Header | None, required: Iterable[str], place: str) -> None:
    """Say which required columns the closest header lacks.

    Raises:
        FileRejectedError: Always, unless all are there.
    """
    names = header.names if header else ()
    missing = [name for name in required if name not in names]
    if missing:
        found = ", ".join(name for name in names if not name.startswith(NAMELESS))
        raise FileRejectedError(
            f"{place}: required columns are missing: {', '.join(missing)}; found are {found}; "
            "deliver them, or map the names the file has (xbec mapping new FILE)"
        )
