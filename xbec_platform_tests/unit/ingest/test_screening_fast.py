"""Short ways of the screening give what the long ones give: duplicates by key, numbers by way of a double."""

from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from xbec_platform.ingest.contracts import Column
from xbec_platform.ingest.formats.records import ROW, Records
from xbec_platform.ingest.parsing import parse
from xbec_platform.ingest.screening import DUPLICATES, FILE, bundle, drop_exact_duplicates

cells = st.sampled_from(["1", "2", "1.0", "", None])
frames = st.lists(st.lists(st.tuples(cells, cells, cells), max_size=6), min_size=1, max_size=3)


@settings(deadline=None)
@given(files=frames)
def test_duplicates_are_those_of_a_plain_count(files: list[list[tuple[str | None, ...]]]) -> None:
    """Whatever is given as key: equal records of one file are one record that knows of the others."""
    records = []
    for rows in files:
        frame = pl.DataFrame(rows, schema=dict.fromkeys("abc", pl.String), orient="row")
        records.append(Records(frame.with_row_index(ROW, 1).cast({ROW: pl.Int64}), (), "test"))
    whole = bundle([(one, date(2026, 1, 1)) for one in records])
    expected = [
        (number, rows.index(row) + 1, rows.count(row) - 1)
        for number, rows in enumerate(files)
        for row in dict.fromkeys(rows)
    ]
    for key in ((), ("a",), ("a", "b"), ("missing",), ("missing", "c")):
        got = drop_exact_duplicates(whole, key).select(FILE, ROW, DUPLICATES).rows()
        assert got == sorted(expected), key


digits = st.text("0123456789", max_size=18)
decimals = st.builds(
    "{}{}{}{}".format, st.sampled_from(["", "-", "+"]), digits, st.sampled_from(["", "."]), digits
)


@given(text=decimals)
@example("0.94")
@example("2.8")
@example("2.5500000000000001")
@example("123456789012.50000")
@example("99999999999999.9999")
@example("100000000000000")
@example("1.00004")
@example("999999999.99999")
@example("-0")
def test_decimals_are_exact_or_unreadable(text: str) -> None:
    """Against Python's decimals: equal when the column holds all digits, null otherwise, whatever the way taken."""
    frame = pl.DataFrame({"x": [text]}, schema={"x": pl.String})
    got = frame.select(parse(Column(name="x", type="decimal(18,4)")))["x"][0]
    try:
        value = Decimal(text)
    except InvalidOperation:
        assert got is None
        return
    fits = (Fraction(value) * 10**4).denominator == 1 and abs(value) < 10**14
    assert got == (value if fits else None)


@settings(deadline=None)
@given(cents=st.lists(st.integers(-(10**11) + 1, 10**11 - 1), min_size=1, max_size=50))
def test_prices_written_by_floats_are_read_exactly(cents: list[int]) -> None:
    """What a program prints for k / 100 is that price and no other."""
    frame = pl.DataFrame({"x": [repr(number / 100) for number in cents]})
    got = frame.select(parse(Column(name="x", type="decimal(18,4)")))["x"].to_list()
    assert got == [Decimal(number) / 100 for number in cents]


@given(text=st.text("0123456789.+-eEinfa ", max_size=8))
def test_integers_and_doubles_take_one_spelling_family(text: str) -> None:
    """Signs, digits, a point, an exponent: no blanks, no words, nothing infinite."""
    frame = pl.DataFrame({"x": [text]}, schema={"x": pl.String})
    whole = frame.select(parse(Column(name="x", type="integer")))["x"][0]
    real = frame.select(parse(Column(name="x", type="double")))["x"][0]
    as_number = pl.Series([text]).str.contains(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")[0]
    as_whole = pl.Series([text]).str.contains(r"^[+-]?\d+(\.0+)?$")[0]
    assert whole == (int(Decimal(text)) if as_whole else None)
    is_finite = as_number and abs(float(text)) != float("inf")
    assert real == (float(text) if is_finite else None)
