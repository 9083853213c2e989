"""Days on which a place is closed, as arrays that many journeys are led through at once. No places, no lanes.

Times are minutes since a Monday, 00:00. Days beyond the last one known are open: no calendar is announced for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

DAY = 1440


@dataclass(frozen=True, kw_only=True)
class OpenDays:
    """Calendars side by side.

    Attributes:
        closed: Whether a calendar is closed on a day, shape (calendars, days); the last day of each is open.
    """

    closed: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Refuse calendars that never open again."""
        if self.closed.ndim != 2 or not self.closed.shape[1] or self.closed[:, -1].any():
            raise ValueError("closed must be calendars x days, and the last day of each open")

    def shut(self, calendar: Ints, day: Ints) -> NDArray[np.bool_]:
        """Whether a calendar is closed on a day; -1 never is."""
        last = self.closed.shape[1] - 1
        found = self.closed[np.maximum(calendar, 0), np.minimum(day, last)]
        return np.asarray((calendar >= 0) & (day <= last) & found, dtype=np.bool_)

    def after(self, calendar: Ints, begin: Ints, minutes: Ints) -> Ints:
        """When work is done that begins at a minute and goes on, day and night, on open days only.

        Args:
            calendar: Calendar of each case.
            begin: When it could begin.
            minutes: How long it takes.
        """
        before, places = self._open
        n_days = self.closed.shape[1]
        day = np.minimum(begin // DAY, n_days)
        rest = begin - day * DAY
        rest = np.where(self.shut(calendar, day), 0, rest)
        work = before[calendar, day] * DAY + rest + minutes
        known = before[:, -1][calendar]
        number = work // DAY
        there = places[calendar, np.minimum(number, n_days - 1)]
        last: Ints = np.where(number < known, there, n_days + number - known)
        return last * DAY + work % DAY

    @cached_property
    def _open(self) -> tuple[Ints, Ints]:
        """Open days before each day, and the day of the n-th open day; after the last known one every day is."""
        opened, n_days = ~self.closed, self.closed.shape[1]
        before = np.zeros((len(opened), n_days + 1), dtype=np.int64)
        np.cumsum(opened, axis=1, out=before[:, 1:])
        places = np.full((len(opened), n_days), n_days, dtype=np.int64)
        for row, is_open in enumerate(opened):
            days = np.flatnonzero(is_open)
            places[row, : len(days)] = days
        return before, places
