"""Numbers and days as text: what a reader would misread must not appear."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from xbec_platform.publish import formats


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0.00"),
        (Decimal("8911407.9040"), "8,911,407.90"),
        (Decimal("0.005"), "0.01"),
        (Decimal("-1234.5"), "−1,234.50"),
        (Decimal("-0.001"), "0.00"),
        (0.1 + 0.2, "0.30"),
    ],
)
def test_money_has_two_decimals_and_no_negative_zero(value: Decimal | None, shown: str) -> None:
    """Finance reads cents; "-0.00" would look like a debt."""
    assert formats.money(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (1234567, "1,234,567"), (-3, "−3"), (Decimal(5), "5")]
)
def test_counts_have_separators(value: int | None, shown: str) -> None:
    """Six digits in a row cannot be read at a glance."""
    assert formats.count(value) == shown


def test_percent_of_a_share_and_of_a_change() -> None:
    """Shares are 0-1 inside and percent outside; a change needs its sign."""
    assert formats.percent(0.1234) == "12.3\u00a0%"
    assert formats.percent(Decimal("0.05"), signed=True) == "+5.0\u00a0%"
    assert formats.percent(-0.05, signed=True) == "−5.0\u00a0%"
    assert formats.percent(Decimal("0.0001"), signed=True) == "0.0\u00a0%"
    assert formats.percent(None) == "–"


def test_days_are_iso_and_times_lose_the_time() -> None:
    """12/09 means two days to two readers."""
    assert formats.day(date(2011, 12, 9)) == "2011-12-09"
    assert formats.day(datetime(2011, 12, 9, 23, 59)) == "2011-12-09"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "yes"),
        (3, "3"),
        (2.5, "2.50"),
        (float("nan"), "–"),
        (float("inf"), "–"),
        (Decimal("1.5"), "1.50"),
        (date(2020, 1, 2), "2020-01-02"),
        (["a", 1], "a, 1"),
        ([], "–"),
        ("  ", "–"),
        (None, "–"),
    ],
)
def test_values_of_any_type_become_text(value: object, shown: str) -> None:
    """Habits and plan figures come with whatever type their model uses."""
    assert formats.any_value(value) == shown


def test_clean_shows_controls_and_keeps_letters() -> None:
    """U+202E turns the rest of a line around; NUL is no legal character of SVG. Other scripts must survive."""
    assert formats.clean("a\u202etxt\x00\x1b[") == "a\ufffdtxt\ufffd\ufffd["
    assert formats.clean("Łódź 東京 🎁\tx\n") == "Łódź 東京 🎁 x "
