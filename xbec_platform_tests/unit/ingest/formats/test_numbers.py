"""Spellings of numbers: taken when a value proves them, refused when every value has two readings."""

import polars as pl
import pytest

from xbec_platform.ingest.formats.numbers import UNFIT, detect_styles, plain_number
from xbec_platform.ingest.formats.records import FileRejectedError, NumberStyle, Reading


def plain(*values: str | None, reading: Reading | None = None) -> list[str | None]:
    frame = pl.DataFrame({"n": pl.Series(values, dtype=pl.String)})
    styles = detect_styles(frame, ["n"], reading or Reading())
    return frame.select(n=plain_number(pl.col("n"), styles.get("n", NumberStyle())))["n"].to_list()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("2,55", "1,234", "7", None), ["2.55", "1.234", "7", None]),
        (("1.234,56", "1.000", "-0,5"), ["1234.56", "1000", "-0.5"]),
        (("1,234.50", "1,000", "3"), ["1234.50", "1000", "3"]),
        (("1,234,567", "12"), ["1234567", "12"]),
        (("1 234,5", "12 345"), ["1234.5", "12345"]),
        (("1'234.50", "5"), ["1234.50", "5"]),
        (("€ 2.55", "-€1.00"), ["2.55", "-1.00"]),
        (("2,55 EUR", "3 EUR"), ["2.55", "3"]),
        (("(1.50)", "2.00"), ["-1.50", "2.00"]),
        (("1.5", "1e-5", ".5", "+3"), ["1.5", "1e-5", ".5", "+3"]),
    ],
)
def test_proven_spelling_becomes_plain(values: tuple[str | None, ...], expected: list[str | None]) -> None:
    """Every sign is earned by a value that can be read in one way only."""
    assert plain(*values) == expected


def test_value_beside_its_column_becomes_no_number() -> None:
    """One `2,55` in a column with points is a fault of the row; one `1.5` among commas as well."""
    assert plain("1.5", "2,55") == ["1.5", "2,55" + UNFIT]
    assert plain("1,50", "2,25", "x") == ["1.50", "2.25", "x" + UNFIT]
    # 2555 or 2.555? The column has points and no value proves thousands.
    assert plain("1.50", "2,555") == ["1.50", "2,555" + UNFIT]


def test_amounts_in_two_currencies_are_no_numbers_of_one() -> None:
    """Taking the signs off would add dollars to euros."""
    assert plain("€1.50", "$2.50") == ["€1.50" + UNFIT, "$2.50" + UNFIT]


def test_two_readings_of_every_value_reject_the_file_unless_declared() -> None:
    """1,234 is a thousand or little more than one."""
    with pytest.raises(FileRejectedError, match="'1,234' can be read in two ways, 1.234 .* or 1234 with"):
        plain("1,234", "5")
    assert plain("1,234", "5", reading=Reading(decimal=",")) == ["1.234", "5"]
    assert plain("1,234", "5", reading=Reading(decimal=".", thousands=",")) == ["1234", "5"]


def test_points_beside_a_comma_column_need_a_proof() -> None:
    """In a file with decimal commas `1.234` is no longer the plain spelling it would be alone."""
    frame = pl.DataFrame({"price": ["2,55"], "weight": ["1.234"]})
    with pytest.raises(FileRejectedError, match="column weight: '1.234' can be read in two ways"):
        detect_styles(frame, ["price", "weight"], Reading())
    assert detect_styles(frame.with_columns(weight=pl.lit("1.5")), ["price", "weight"], Reading()) == {
        "price": NumberStyle(decimal=",")
    }
