"""The calendar of searches."""

from datetime import date, timedelta

import pytest

from xbec_platform.customers.cluster_days import model_day, search_day

START = date(2024, 1, 3)  # a Wednesday


@pytest.mark.parametrize(
    ("day", "monday"),
    [
        (date(2024, 1, 3), START),  # the first week has no Monday of its own
        (date(2024, 1, 7), START),
        (date(2024, 1, 8), date(2024, 1, 8)),
        (date(2024, 1, 14), date(2024, 1, 8)),
    ],
)
def test_model_day(day: date, monday: date) -> None:
    """Days of a week share the model of its Monday."""
    assert model_day(day, start=START) == monday


@pytest.mark.parametrize(
    ("day", "search"),
    [
        (date(2024, 1, 29), None),  # start-up: 31 January is day 28
        (date(2024, 2, 5), date(2024, 2, 5)),  # the first Monday after it
        (date(2024, 3, 3), date(2024, 2, 5)),
        (date(2024, 3, 4), date(2024, 3, 4)),  # young: every month
        (date(2024, 6, 24), date(2024, 6, 3)),
        (date(2024, 7, 1), date(2024, 7, 1)),  # 183 days are over on 4 July; July is a quarter anyway
        (date(2024, 8, 5), date(2024, 7, 1)),  # from now on quarters only
        (date(2024, 9, 30), date(2024, 7, 1)),
        (date(2024, 10, 7), date(2024, 10, 7)),
        (date(2025, 1, 5), date(2024, 10, 7)),
        (date(2025, 1, 6), date(2025, 1, 6)),
    ],
)
def test_search_day(day: date, search: date | None) -> None:
    """Monthly in the first half-year, quarterly after it."""
    assert search_day(day, start=START) == search


def test_search_days_are_their_own_and_never_later() -> None:
    """A search day must not be a refit of another one: the chain has one link."""
    for offset in range(900):
        day = START + timedelta(days=offset)
        search = search_day(day, start=START)
        if search is None:
            assert offset < 35
            continue
        assert search <= day
        assert search.weekday() == 0
        assert search_day(search, start=START) == search
