"""Sheets of an .xlsx file to records with Excel's own types. Formulas count with their stored values."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from xbec_platform.ingest.formats.header import (
    PREAMBLE_RECORDS,
    Header,
    closest_header,
    find_header,
    reject_nameless,
    require_columns_named,
    require_names,
)
from xbec_platform.ingest.formats.records import ROW, Expectation, FileRejectedError, Records, declare

# A full sheet of 20 columns is about 100 MB of XML per 10 million cells; sheets are read whole.
UNPACKED_LIMIT_BYTES = 2_000_000_000
RATIO_LIMIT = 1000
RATIO_FREE_BYTES = 100_000_000
CELL_LIMIT = 25_000_000
_FORMULA = re.compile(rb"<f[ >/]")
_EXACT_INTEGER = 2**53
Row = tuple[int, tuple[Any, ...]]


# What a feed declares to read all sheets; Excel allows no such name for one.
ALL_SHEETS = "*"


@dataclass(frozen=True)
class _Sheet:
    """A sheet with data; `rows` are (number in the sheet, cells), `place` begins every message about it."""

    name: str
    rows: list[Row]
    place: str = ""


@dataclass(frozen=True)
class _Table:
    """Header of a sheet and rows behind it."""

    header: Header
    header_place: str
    sheet: _Sheet
    rows: list[Row]


def read_excel(path: Path, expect: Expectation) -> Records:
    """Read the declared sheet, the only one with data, or all of them one after the other where that is declared.

    Raises:
        FileRejectedError: Broken or oversized file, no single sheet with data, no header, sheets of different
            headers, a formula without a stored value.
    """
    import openpyxl  # type: ignore[import-untyped]

    _require_bounds(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            sheets = _sheets(book, expect.reading.sheet)
        finally:
            book.close()
        _require_stored_values(path, sheets)
    except FileRejectedError:
        raise
    # openpyxl raises what its XML and zip parsers do, on damaged files almost anything.
    except Exception as error:
        raise FileRejectedError(f"Excel file is broken: {type(error).__name__}: {error}") from error
    tables = [_table(sheet, expect) for sheet in sheets]
    _require_one_header(tables)
    return _records(tables)


def _require_bounds(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise FileRejectedError(f"Excel file is broken: {error}: save it anew, or deliver CSV") from error
    packed = path.stat().st_size
    if size > UNPACKED_LIMIT_BYTES or (size > RATIO_FREE_BYTES and size > RATIO_LIMIT * packed):
        raise FileRejectedError(f"Excel file of {packed:,} bytes unpacks to {size:,}; deliver it as CSV")


def _sheets(book: Any, declared: str | None) -> list[_Sheet]:
    is_all = declared == ALL_SHEETS
    chosen = [sheet for sheet in book.worksheets if declared is None or is_all or sheet.title == declared]
    filled = [_Sheet(sheet.title, rows) for sheet in chosen if (rows := list(_rows(sheet)))]
    if len(filled) == 1:
        return filled
    if filled and is_all:
        return [replace(sheet, place=f"sheet {sheet.name!r}, ") for sheet in filled]
    names = ", ".join(repr(sheet.title) for sheet in book.worksheets)
    if declared is not None and not is_all:
        raise FileRejectedError(f"the declared sheet {declared!r} is not there or empty; sheets are {names}")
    if not filled:
        raise FileRejectedError("line 1: the file is empty, not even a header")
    with_data = ", ".join(repr(sheet.name) for sheet in filled)
    ways = declare("sheet", repr(filled[0].name), repr(ALL_SHEETS))
    raise FileRejectedError(
        f"sheets {with_data} all hold data; {ways}; '*' reads all of them, one name only that one"
    )


def _rows(sheet: Any) -> Iterator[Row]:
    """Rows with a value, without the empty cells at their end."""
    # The stored dimension is a claim of the writer, often wrong.
    sheet.reset_dimensions()
    cells_read = 0
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        width = max((index for index, cell in enumerate(cells, start=1) if cell not in (None, "")), default=0)
        cells_read += width
        if cells_read > CELL_LIMIT:
            raise FileRejectedError(f"row {number}: more than {CELL_LIMIT:,} cells; deliver the sheet as CSV")
        if width:
            yield number, tuple(cells[:width])


def _require_stored_values(path: Path, sheets: Sequence[_Sheet]) -> None:
    """A formula that was never calculated has no value; its cell must not pass for an empty one."""
    import openpyxl

    with zipfile.ZipFile(path) as archive:
        stored = [one for one in archive.namelist() if one.startswith("xl/worksheets/")]
        if not any(_FORMULA.search(archive.read(one)) for one in stored):
            return
    book = openpyxl.load_workbook(path, read_only=True, data_only=False)
    try:
        for sheet in sheets:
            _require_values(sheet, _rows(book[sheet.name]))
    finally:
        book.close()


def _require_values(sheet: _Sheet, formulas: Iterator[Row]) -> None:
    stored = dict(sheet.rows)
    for number, cells in formulas:
        values = stored.get(number, ())
        for column, cell in enumerate(cells):
            is_formula = isinstance(cell, str) and cell.startswith("=")
            if is_formula and (column >= len(values) or values[column] is None):
                raise FileRejectedError(
                    f"{sheet.place}row {number}, column {column + 1}: the formula {cell[:40]!r} has no stored "
                    "value; open the file in Excel and save it"
                )


def _table(sheet: _Sheet, expect: Expectation) -> _Table:
    reading = expect.reading
    first = [
        tuple(_text(cell) or "" for cell in cells)
        for _, cells in sheet.rows[: PREAMBLE_RECORDS + reading.header_rows]
    ]
    header = find_header(
        first, expect.required, declared_row=reading.header_row, header_rows=reading.header_rows
    )
    if header is None:
        closest = closest_header(first, expect.required, reading.header_rows)
        place = f"row {sheet.rows[closest.first][0]}" if closest else "row 1"
        require_columns_named(closest, expect.required, f"{sheet.place}{place}")
        raise FileRejectedError(f"{sheet.place}the declared header_row or header_rows lie beyond the sheet")
    place = f"{sheet.place}row {sheet.rows[header.first][0]}"
    require_names(header.names, place)
    return _Table(header, place, sheet, sheet.rows[header.first + len(header.rows) :])


def _require_one_header(tables: Sequence[_Table]) -> None:
    first = tables[0]
    for table in tables[1:]:
        if table.header.names != first.header.names:
            ours, theirs = (", ".join(one.header.names) for one in (table, first))
            raise FileRejectedError(
                f"{table.header_place}: the header is {ours}, that of sheet {first.sheet.name!r} {theirs}; "
                "sheets that are read together need the same one"
            )


def _records(tables: Sequence[_Table]) -> Records:
    """The tables of one header as one, records counted through."""
    header = tables[0].header
    width = len(header.names)
    good: list[tuple[Any, ...]] = []
    numbers: list[int] = []
    broken: list[tuple[int, str, str]] = []
    rows = [(table, *row) for table in tables for row in table.rows if not _is_header(table.header, row[1])]
    for count, (table, number, cells) in enumerate(rows, start=1):
        if len(cells) <= width:
            good.append(cells + (None,) * (width - len(cells)))
            numbers.append(count)
        else:
            raw = json.dumps([_text(cell) for cell in cells], ensure_ascii=False)
            cause = f"{table.sheet.place}row {number}: {len(cells)} cells, the header has {width}"
            broken.append((count, raw, cause))
    columns = list(zip(*good, strict=True)) if good else [()] * width
    series = [_column(name, list(values)) for name, values in zip(header.names, columns, strict=True)]
    for name, values in zip(header.names, series, strict=True):
        if name in header.nameless and len(values.drop_nulls()):
            raise reject_nameless(tables[0].header_place, name, str(values.drop_nulls()[0]))
    frame = pl.DataFrame([pl.Series(ROW, numbers, pl.Int64), *series]).drop(header.nameless)
    return Records(frame, tuple(broken), _found(tables, sum(len(table.rows) for table in tables) - len(rows)))


def _is_header(header: Header, cells: tuple[Any, ...]) -> bool:
    """The header once more, as long sheets repeat it."""
    return tuple(_text(cell) or "" for cell in cells) in header.rows


def _found(tables: Sequence[_Table], repeated: int) -> str:
    names = ", ".join(repr(table.sheet.name) for table in tables)
    parts = ["excel", f"{'sheet' if len(tables) == 1 else 'sheets'} {names}"]
    preamble = sum(table.header.first for table in tables)
    if preamble:
        parts.append(_counted(preamble, "preamble row"))
    if repeated:
        parts.append(_counted(repeated, "repeated header"))
    return "; ".join(parts)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _column(name: str, cells: list[Any]) -> pl.Series:
    """Cells of one type keep it; a column of mixed types is text."""
    values = [None if cell == "" else cell for cell in cells]
    types = {type(value) for value in values if value is not None}
    if types == {bool}:
        return pl.Series(name, values, pl.Boolean)
    if types == {int} and all(value is None or abs(value) <= _EXACT_INTEGER for value in values):
        return pl.Series(name, values, pl.Int64)
    if types and types <= {int, float}:
        return pl.Series(name, values, pl.Float64)
    if types == {datetime}:
        # Excel has no dates of their own: midnights only are dates.
        if all(value is None or value.time() == time() for value in values):
            return pl.Series(name, [value and value.date() for value in values], pl.Date)
        return pl.Series(name, values, pl.Datetime("us"))
    if types == {date}:
        return pl.Series(name, values, pl.Date)
    return pl.Series(name, [_text(value) for value in values], pl.String)


def _text(cell: object) -> str | None:
    """A cell as the text a CSV would hold."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="microseconds") if cell.time() != time() else cell.date().isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell)
