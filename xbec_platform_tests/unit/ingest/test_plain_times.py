"""Timestamps read digit by digit are those that Python reads, or none."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbec_platform.ingest.plain_times import plain_timestamps

moments = st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31, 23, 59, 59, 999_999))


def spelt(moment: datetime, digits: int) -> str:
    """With so many digits behind the point, cut."""
    whole = moment.isoformat(timespec="seconds")
    return f"{whole}.{moment.microsecond:06d}"[: 20 + digits if digits else 19] + "Z"


@given(st.lists(st.one_of(st.none(), st.tuples(moments, st.integers(0, 6))), max_size=8))
def test_reads_what_python_reads(values: list[tuple[datetime, int] | None]) -> None:
    """Gaps and fractions of any length in one column, from year 1 to 9999: leap years are a table of its own."""
    texts = [None if value is None else spelt(*value) for value in values]
    read = plain_timestamps(pl.Series("t", texts, pl.String))
    assert read is not None
    expected = [text and datetime.fromisoformat(text).astimezone(UTC) for text in texts]
    assert read.dt.replace_time_zone("UTC").to_list() == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-00-10T00:00:00Z",
        "2026-13-10T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "0000-01-01T00:00:00Z",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00 ",
        "2026-01-01T00:00:0 Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.1234567Z",
        "2026-01-01T00:00:00,123Z",
        "2026-01-01T00:00:00+",
        "٢026-01-01T00:00:00Z"[1:],
        "2026-01-01T00:00:é0Z",
        "",
    ],
)
def test_everything_else_is_left_to_the_parser_that_knows_it(text: str) -> None:
    """One odd value in a column of good ones: nothing of the column is read, and nothing is guessed."""
    assert plain_timestamps(pl.Series("t", ["2026-01-01T00:00:00Z", text])) is None


def test_known_moments() -> None:
    """By hand: the first second of 1970 is 0, the last leap day of the century before 2100 is there."""
    read = plain_timestamps(
        pl.Series("t", ["1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "2096-02-29T12:00:00.5Z"])
    )
    assert read is not None
    assert read.to_physical().to_list() == [0, -1, 3_981_355_200_500_000]
