"""Which day's customers a clustering is made of: the calendar of searches and refits, and nothing else.

A day's model depends on two days only, both read off the calendar: its search day and its
Monday. So days and weeks can be computed in any order, and again, with equal results.
"""

from __future__ import annotations

from datetime import date, timedelta

START_UP_DAYS = 28  # until then there are too few customers to hold on to their groups
YOUNG_DAYS = 183  # until then recency and tenure are cut off by the age of the shop, and groups age fast


def model_day(day: date, *, start: date) -> date:
    """Return the day whose model assigns the customers of `day`: its Monday, or `start` in the first week."""
    return max(day - timedelta(days=day.weekday()), start)


def search_day(day: date, *, start: date) -> date | None:
    """Return the day whose search the model of `day` is a refit of.

    Searches are on the first Monday after the start-up, then on the first Monday of each month while the shop
    is young and of each calendar quarter after that.

    Args:
        day: a model day.
        start: first day of the home.

    Returns:
        The latest search day up to and including `day`; None during the start-up, when every model day is a
        search of its own.
    """
    first = _monday_from(start + timedelta(days=START_UP_DAYS))
    if day < first:
        return None
    month = day.replace(day=1)
    while not _is_search_day(_monday_from(month), day, start):
        month = (month - timedelta(days=1)).replace(day=1)
    return max(first, _monday_from(month))


def _is_search_day(monday: date, day: date, start: date) -> bool:
    is_quarter = monday.month % 3 == 1
    return monday <= day and (is_quarter or monday < start + timedelta(days=YOUNG_DAYS))


def _monday_from(day: date) -> date:
    return day + timedelta(days=-day.weekday() % 7)
