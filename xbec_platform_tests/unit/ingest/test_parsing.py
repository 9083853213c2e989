"""Parsing: exact spellings become values, everything else becomes null and never a guess."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from xbec_platform.ingest.contracts import Column
from xbec_platform.ingest.parsing import parse


def parsed(kind: str, text: str | None, time_zone: str = "UTC") -> Any:
    frame = pl.DataFrame({"x": [text]}, schema={"x": pl.String})
    return frame.select(parse(Column(name="x", type=kind), time_zone))["x"][0]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", "17850", 17850),
        ("integer", "17850.0", 17850),
        ("integer", "-3", -3),
        ("integer", "+3", 3),
        ("integer", "1.5", None),
        ("integer", "1,000", None),
        ("decimal(18,4)", "2.55", Decimal("2.5500")),
        ("decimal(18,4)", "-11062.06", Decimal("-11062.0600")),
        ("decimal(18,4)", "1.23456", None),
        ("decimal(18,4)", "2,55", None),
        ("decimal(18,4)", "1e-5", None),
        ("decimal(18,4)", "£5", None),
        ("double", "1e-5", 1e-5),
        ("double", "nan", None),
        ("double", "inf", None),
        ("boolean", "TRUE", True),
        ("boolean", "0", False),
        ("boolean", "maybe", None),
        ("date", "2026-02-28", date(2026, 2, 28)),
        ("date", "2026-02-30", None),
        ("date", "28/02/2026", None),
        ("country", "GB", "GB"),
        ("country", "UK", None),
        ("country", "gb", None),
        ("currency", "EUR", "EUR"),
        ("currency", "XYZ", None),
        ("json", '{"a": 1}', '{"a": 1}'),
        ("json", "{broken", None),
        ("text", " kept as is ", " kept as is "),
    ],
)
def test_values(kind: str, text: str, value: object) -> None:
    """One accepted spelling family per type."""
    assert parsed(kind, text) == value


@pytest.mark.parametrize(
    ("text", "zone", "value"),
    [
        ("2026-01-31", "UTC", datetime(2026, 1, 31)),
        ("2026-01-31 08:26", "UTC", datetime(2026, 1, 31, 8, 26)),
        ("2026-01-31T08:26:05.123456Z", "UTC", datetime(2026, 1, 31, 8, 26, 5, 123456)),
        ("2026-01-31T08:26:05+02:00", "UTC", datetime(2026, 1, 31, 6, 26, 5)),
        ("2026-01-31T08:26:05-0530", "UTC", datetime(2026, 1, 31, 13, 56, 5)),
        # London is an hour ahead of UTC in summer.
        ("2011-07-01 08:26:00", "Europe/London", datetime(2011, 7, 1, 7, 26)),
        ("2011-12-01 08:26:00", "Europe/London", datetime(2011, 12, 1, 8, 26)),
        # 01:30 on the last Sunday of March 2011 did not exist in London; in October it came twice.
        ("2011-03-27 01:30:00", "Europe/London", None),
        ("2011-10-30 01:30:00", "Europe/London", datetime(2011, 10, 30, 0, 30)),
        ("31/01/2026 08:26", "UTC", None),
        ("2026-01-31 25:00", "UTC", None),
    ],
)
def test_timestamps_are_utc(text: str, zone: str, value: datetime | None) -> None:
    """Offsets and local times end in UTC; other spellings are not guessed."""
    assert parsed("timestamp", text, zone) == value
