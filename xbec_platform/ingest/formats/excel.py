"""One sheet of an .xlsx file to records with Excel's own types. Formulas count with their stored values."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Table:
    """Header and rows behind it; `rows` are (number in the sheet, cells)."""

    header: Header
    header_row: int
    rows: list[Row]


def read_excel(path: Path, expect: Expectation) -> Records:
    """Read the declared sheet, or the only one with data.

    Raises:
        FileRejectedError: Broken or oversized file, no single sheet with data, no header, a formula without a
            stored value.
    """
    import openpyxl  # type: ignore[import-untyped]

    _require_bounds(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            name, rows = _only_sheet(book, expect.reading.sheet)
        finally:
            book.close()
        _require_stored_values(path, name, rows)
    except FileRejectedError:
        raise
    # openpyxl raises what its XML and zip parsers do, on damaged files almost anything.
    except Exception as error:
        raise FileRejectedError(f"Excel file is broken: {type(error).__name__}: {error}") from error
    return _records(_table(rows, expect), name)


def _require_bounds(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise FileRejectedError(f"Excel file is broken: {error}: save it anew, or deliver CSV") from error
    packed = path.stat().st_size
    if size > UNPACKED_LIMIT_BYTES or (size > RATIO_FREE_BYTES and size > RATIO_LIMIT * packed):
        raise FileRejectedError(f"Excel file of {packed:,} bytes unpacks to {size:,}; deliver it as CSV")


def _only_sheet(book: Any, declared: str | None) -> tuple[str, list[Row]]:
    sheets = [sheet for sheet in book.worksheets if declared is None or sheet.title == declared]
    filled = [(sheet.title, rows) for sheet in sheets if (rows := list(_rows(sheet)))]
    if len(filled) == 1:
        return filled[0]
    names = ", ".join(repr(sheet.title) for sheet in book.worksheets)
    if declared is not None:
        raise FileRejectedError(f"the declared sheet {declared!r} is not there or empty; sheets are {names}")
    if not filled:
        raise FileRejectedError("line 1: the file is empty, not even a header")
    with_data = ", ".join(repr(title) for title, _ in filled)
    raise FileRejectedError(f"sheets {with_data} all hold data; {declare('sheet', with_data.split(', ')[0])}")


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


def _require_stored_values(path: Path, name: str, rows: list[Row]) -> None:
    """A formula that was never calculated has no value; its cell must not pass for an empty one."""
    import openpyxl

    with zipfile.ZipFile(path) as archive:
        sheets = [one for one in archive.namelist() if one.startswith("xl/worksheets/")]
        if not any(_FORMULA.search(archive.read(one)) for one in sheets):
            return
    stored = dict(rows)
    book = openpyxl.load_workbook(path, read_only=True, data_only=False)
    try:
        for number, cells in _rows(book[name]):
            values = stored.get(number, ())
            for column, cell in enumerate(cells):
                is_formula = isinstance(cell, str) and cell.startswith("=")
                if is_formula and (column >= len(values) or values[column] is None):
                    raise FileRejectedError(
                        f"row {number}, column {column + 1}: the formula {cell[:40]!r} has no stored value; "
                        "open the file in Excel and save it"
                    )
    finally:
        book.close()


def _table(rows: list[Row], expect: Expectation) -> _Table:
    reading = expect.reading
    first = [
        tuple(_text(cell) or "" for cell in cells)
        for _, cells in rows[: PREAMBLE_RECORDS + reading.header_rows]
    ]
    header = find_header(
        first, expect.required, declared_row=reading.header_row, header_rows=reading.header_rows
    )
    if header is None:
        closest = closest_header(first, expect.required, reading.header_rows)
        place = f"row {rows[closest.first][0]}" if closest else "row 1"
        require_columns_named(closest, expect.required, place)
        raise FileRejectedError("the declared header_row or header_rows lie beyond the sheet")
    row_no = rows[header.first][0]
    require_names(header.names, f"row {row_no}")
    return _Table(header, row_no, rows[header.first + len(header.rows) :])


def _records(table: _Table, sheet: str) -> Records:
    width = len(table.header.names)
    good: list[tuple[Any, ...]] = []
    numbers: list[int] = []
    broken: list[tuple[int, str, str]] = []
    repeated = count = 0
    for number, cells in table.rows:
        if tuple(_text(cell) or "" for cell in cells) in table.header.rows:
            repeated += 1
            continue
        count += 1
        if len(cells) <= width:
            good.append(cells + (None,) * (width - len(cells)))
            numbers.append(count)
        else:
            raw = json.dumps([_text(cell) for cell in cells], ensure_ascii=False)
            broken.append((count, raw, f"row {number}: {len(cells)} cells, the header has {width}"))
    columns = list(zip(*good, strict=True)) if good else [()] * width
    series = [_column(name, list(values)) for name, values in zip(table.header.names, columns, strict=True)]
    for name, values in zip(table.header.names, series, strict=True):
        if name in table.header.nameless and len(values.drop_nulls()):
            raise reject_nameless(f"row {table.header_row}", name, str(values.drop_nulls()[0]))
    frame = pl.DataFrame([pl.Series(ROW, numbers, pl.Int64), *series]).drop(table.header.nameless)
    parts = ["excel", f"sheet {sheet!r}"]
    if table.header.first:
        parts.append(f"{table.header.first} preamble row{'' if table.header.first == 1 else 's'}")
    if repeated:
        parts.append(f"{repeated} repeated header{'' if repeated == 1 else 's'}")
    return Records(frame, tuple(broken), "; ".join(parts))


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
