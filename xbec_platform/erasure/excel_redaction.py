"""An Excel file without a person: the person's cells change, the other values stay. Charts and macros are lost."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import polars as pl
from openpyxl.utils.exceptions import InvalidFileException  # type: ignore[import-untyped]

from xbec_platform.erasure.containers import UnreadableError
from xbec_platform.erasure.csv_redaction import HEADER_WITHIN, redacted_cell
from xbec_platform.erasure.mentions import replaced
from xbec_platform.ingest.contracts import Contract
from xbec_platform.ingest.suppression import Suppression, erased_rows, naming_columns


def redact_excel(
    data: bytes, contract: Contract | None, suppression: Suppression, found: re.Pattern[str] | None
) -> bytes:
    """The workbook's bytes without erased persons; the same bytes when it mentions none.

    Raises:
        UnreadableError: The workbook is broken or encrypted.
    """
    try:
        book = openpyxl.load_workbook(io.BytesIO(data))
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise UnreadableError(f"Excel file cannot be opened: {error}") from error
    changed = 0
    for sheet in book.worksheets:
        rows = list(sheet.iter_rows())
        changed += _redact_rows(rows, contract, suppression) if contract else 0
        for cell in (cell for row in rows for cell in row if isinstance(cell.value, str)):
            after = replaced(cell.value, found, suppression)
            changed += after != cell.value
            cell.value = after
    if not changed:
        return data
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _redact_rows(rows: list[Any], contract: Contract, suppression: Suppression) -> int:
    """Edit the rows below the header of a sheet in place; returns the number of rows edited."""
    naming = set(naming_columns(contract))
    headers = [[_text(cell.value).strip() for cell in row] for row in rows[:HEADER_WITHIN]]
    number = next((place for place, names in enumerate(headers) if naming & set(names)), None)
    if number is None:
        return 0
    names = headers[number]
    below = rows[number + 1 :]
    shown = {name: names.index(name) for name in naming_columns(contract) if name in names}
    frame = pl.DataFrame(
        {name: [_text(row[place].value) or None for row in below] for name, place in shown.items()},
        schema=dict.fromkeys(shown, pl.String),
    )
    theirs = [row for row, hit in zip(below, erased_rows(frame, contract, suppression), strict=True) if hit]
    edited = 0
    for row in theirs:
        before = [cell.value for cell in row]
        for name, cell in zip(names, row, strict=True):
            text = _text(cell.value)
            after = redacted_cell(name, text, contract, suppression)
            if after != text:
                cell.value = after or None
        edited += before != [cell.value for cell in row]
    return edited


def _text(value: object) -> str:
    return "" if value is None else str(value)
