"""CSV for spreadsheets: no cell runs, every value comes back."""

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbec_platform.publish.csv_text import FORMULA_STARTS, to_csv


def lines(frame: pl.DataFrame) -> list[str]:
    """The lines of the CSV after the head."""
    return to_csv(frame)[0].decode().split("\n")[1:-1]


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+49 170", "'+49 170"),
        ("-5", "'-5"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", '"\'\r=1"'),
        ("＝1", "'＝1"),
        ('=HYPERLINK("http://x","y")', '"\'=HYPERLINK(""http://x"",""y"")"'),
        ("1=1", "1=1"),
        ("a-b", "a-b"),
        ("'=1", "'=1"),
        ("", '""'),
        (None, ""),
    ],
)
def test_formula_cells_get_an_apostrophe(cell: str | None, written: str) -> None:
    """A product title must not become a formula in the marketer's spreadsheet."""
    assert lines(pl.DataFrame({"a": [cell], "b": [1]}, schema_overrides={"a": pl.String})) == [f"{written},1"]


def test_numbers_days_and_categories() -> None:
    """Negative numbers stay numbers; categories are text and may hold a formula too."""
    frame = pl.DataFrame(
        {
            "n": [-1],
            "m": [Decimal("-1.5000")],
            "f": [-0.1],
            "d": [date(2020, 1, 2)],
            "t": [datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)],
            "x": [timedelta(hours=1)],
            "b": [True],
            "c": pl.Series(["=c"], dtype=pl.Categorical),
            "e": pl.Series(["-e"], dtype=pl.Enum(["-e"])),
        }
    )
    text, neutralised = to_csv(frame)
    assert text.decode().split("\n")[1] == (
        "-1,-1.5000,-0.1,2020-01-02,2020-01-02T03:04:05.000000+00:00,PT1H,true,'=c,'-e"
    )
    assert neutralised == 2


def test_nested_values_are_json() -> None:
    """Lists such as the favourite categories must not make the export fail."""
    frame = pl.DataFrame({"l": [["=a", "b"], [], None], "s": [{"x": 1}, {"x": None}, None]})
    assert lines(frame) == ['"[""=a"",""b""]","{""x"":1}"', '[],"{""x"":null}"', ","]


def test_nothing_to_write() -> None:
    """A table without rows keeps its head; one without columns is an empty file."""
    assert to_csv(pl.DataFrame(schema={"a": pl.String, "b": pl.Int64})) == (b"a,b\n", 0)
    assert to_csv(pl.DataFrame()) == (b"", 0)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=1, max_size=8))
def test_any_text_comes_back_and_none_starts_a_formula(texts: list[str]) -> None:
    """Quotes, line breaks and controls survive; undoing the documented apostrophe gives the text back."""
    text, neutralised = to_csv(pl.DataFrame({"a": texts, "i": range(len(texts))}))
    _, *rows = csv.reader(StringIO(text.decode(), newline=""))
    assert not any(cell.startswith(FORMULA_STARTS) for cell, _ in rows)
    expected = ["'" + cell if cell.startswith(FORMULA_STARTS) else cell for cell in texts]
    assert [cell for cell, _ in rows] == expected
    assert neutralised == sum(cell.startswith(FORMULA_STARTS) for cell in texts)
