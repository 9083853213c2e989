"""Parquet, Excel and JSON lines: own types kept, nested values as JSON, faults named."""

import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from xbec_platform.ingest.formats.reading import read_blocks, read_records
from xbec_platform.ingest.formats.records import Expectation, FileRejectedError, Reading, as_text

EXPECT = Expectation(required=("id", "price"))


def test_parquet_keeps_types_and_writes_nested_values_as_json(tmp_path: Path) -> None:
    """Lists of structs with nulls and text of any language come out as JSON that parses back."""
    items = [[{"name": 'Größe "M"\n', "qty": None}], None, []]
    moment = datetime(2026, 1, 31, 10, tzinfo=UTC)
    frame = pl.DataFrame(
        {
            "id": [1, 2, 3],
            "price": [Decimal("1.50")] * 3,
            "items": items,
            "at": [moment] * 3,
            "b": [b"\xc3\xa9"] * 3,
        }
    )
    frame.write_parquet(tmp_path / "a.parquet", row_group_size=2)
    read = read_records(tmp_path / "a.parquet").frame
    assert [None if cell is None else json.loads(cell) for cell in read["items"]] == items
    assert read.schema["price"] == pl.Decimal(38, 2)
    assert read.schema["at"] == pl.Datetime("us", "UTC")
    assert as_text(read).row(0)[1:3] == ("1", "1.50")
    assert as_text(read)["at"][0] == "2026-01-31T10:00:00.000000Z"
    assert read["b"].to_list() == ["é"] * 3
    blocks = list(read_blocks(tmp_path / "a.parquet", EXPECT, block_rows=2))
    assert pl.concat(block.frame for block in blocks).equals(read)


def test_parquet_with_bytes_that_are_no_text_is_rejected(tmp_path: Path) -> None:
    """Binary values have no place in a table of records."""
    pl.DataFrame({"id": [b"\xff"]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(FileRejectedError, match="Parquet"):
        read_records(tmp_path / "a.parquet")


def test_no_injury_of_a_parquet_file_ends_the_process(tmp_path: Path) -> None:
    """Every byte of a small file changed once: an error with a cause, or a table."""
    buffer = io.BytesIO()
    pl.DataFrame({"id": ["a", "b"], "price": [1.5, None]}).write_parquet(buffer)
    content = buffer.getvalue()
    path = tmp_path / "a.parquet"
    causes = []
    for place in range(0, len(content), 5):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            read_records(path)
        except FileRejectedError as error:
            causes.append(str(error))
    assert causes
    assert all("Parquet" in cause or "ending" in cause for cause in causes)


def excel(path: Path, *rows: list[object], more: dict[str, list[list[object]]] | None = None) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title, others in (more or {}).items():
        sheet = book.create_sheet(title)
        for row in others:
            sheet.append(row)
    book.save(path)
    return path


def test_excel_sheet_keeps_its_types(tmp_path: Path) -> None:
    """Preamble and blank rows are found, midnights are dates, mixed columns are text, long rows broken."""
    path = excel(
        tmp_path / "a.xlsx",
        ["Report"],
        [],
        ["id", "price", "day", "mixed"],
        [1, 2.5, datetime(2026, 1, 31), "x"],
        [2, 3, None, 7],
        [3, 4, None, None, "beyond"],
        more={"Notes": []},
    )
    records = read_records(path, EXPECT)
    assert records.frame.rows() == [(1, 1, 2.5, date(2026, 1, 31), "x"), (2, 2, 3.0, None, "7")]
    assert [(row, cause) for row, _, cause in records.broken] == [(3, "row 6: 5 cells, the header has 4")]
    assert records.format == "excel; sheet 'Sheet'; 1 preamble row"


def test_excel_with_two_filled_sheets_needs_a_declaration(tmp_path: Path) -> None:
    """No sheet is picked for its place."""
    path = excel(tmp_path / "a.xlsx", ["id", "price"], [1, 2], more={"B": [["id", "price"], [3, 4]]})
    with pytest.raises(FileRejectedError, match="sheets 'Sheet', 'B' all hold data; declare read.sheet"):
        read_records(path, EXPECT)
    declared = Expectation(required=("id", "price"), reading=Reading(sheet="B"))
    assert read_records(path, declared).frame.rows() == [(1, 3, 4)]


ALL_SHEETS = Expectation(required=("id", "price"), reading=Reading(sheet="*"))


def test_all_sheets_of_one_header_are_read_where_declared(tmp_path: Path) -> None:
    """A year a sheet, as archives are kept: records count on, types are those of all, faults name the sheet."""
    years: dict[str, list[list[object]]] = {
        "2025": [["Report"], ["id", "price"], [3, 4.5], ["id", "price"], [4, 5, 6]],
        "Empty": [],
    }
    path = excel(tmp_path / "a.xlsx", ["id", "price"], [1, 2], more=years)
    records = read_records(path, ALL_SHEETS)
    assert records.frame.rows() == [(1, 1, 2.0), (2, 3, 4.5)]
    assert [(row, cause) for row, _, cause in records.broken] == [
        (3, "sheet '2025', row 5: 3 cells, the header has 2")
    ]
    assert records.format == "excel; sheets 'Sheet', '2025'; 1 preamble row; 1 repeated header"


@pytest.mark.parametrize(
    ("second", "cause"),
    [
        (
            [["price", "id"], [3, 4]],
            "sheet 'B', row 1: the header is price, id, that of sheet 'Sheet' id, price",
        ),
        ([["Legend"]], "sheet 'B', row 1: required columns are missing: id, price"),
        (
            [["id", "price"], [1, "=1+1"]],
            "sheet 'B', row 2, column 2: the formula '=1\\+1' has no stored value",
        ),
    ],
)
def test_sheets_that_do_not_go_together_are_refused(
    tmp_path: Path, second: list[list[object]], cause: str
) -> None:
    """Nothing of a book is left out that was asked for."""
    path = excel(tmp_path / "a.xlsx", ["id", "price"], [1, 2], more={"B": second})
    with pytest.raises(FileRejectedError, match=cause):
        read_records(path, ALL_SHEETS)


def test_excel_formula_without_value_is_not_an_empty_cell(tmp_path: Path) -> None:
    """A file written by a program holds formulas nobody has calculated."""
    path = excel(tmp_path / "a.xlsx", ["id", "price"], [1, "=1+1"])
    with pytest.raises(FileRejectedError, match="row 2, column 2: the formula '=1\\+1' has no stored value"):
        read_records(path, EXPECT)


def test_broken_excel_says_so(tmp_path: Path) -> None:
    """A cut download is named as such."""
    path = excel(tmp_path / "a.xlsx", ["id", "price"], [1, 2])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(FileRejectedError, match="Excel file is broken"):
        read_records(path, EXPECT)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ('{"id": 1, "id": 2}', "'id' is given twice"),
        ('{"id": "\\ud800"}', "half of a character"),
        ('{"id": NaN}', "NaN is no number"),
        ("[" * 100_000, "nested too deeply"),
        ('{"id": 1} {"id": 2}', "not JSON: Extra data"),
    ],
)
def test_jsonl_line_with_a_fault_is_quarantined_alone(tmp_path: Path, line: str, cause: str) -> None:
    """Python's parser takes the last of two values and NaN without a word."""
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"id": 0}}\n{line}\n')
    records = read_records(path)
    assert records.frame["id"].to_list() == ["0"]
    (broken,) = records.broken
    assert broken[0] == 2
    assert broken[2].startswith("line 2: ")
    assert cause in broken[2]


def test_jsonl_nested_values_keep_types_and_digits(tmp_path: Path) -> None:
    """A number inside a list stays a number with its digits."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"v": {"b": [1.50, null, true, "é"], "a": 10000000000000000000001}}\n')
    assert read_records(path).frame["v"].to_list() == [
        '{"a": 10000000000000000000001, "b": [1.50, null, true, "é"]}'
    ]
