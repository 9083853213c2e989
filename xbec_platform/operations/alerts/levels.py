"""When an alert is raised, kept and cleared: two limits, so that a value that trembles around one does not ring twice.

Pure; the ledger stores what is decided here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date

Key = tuple[str, str]


@dataclass(frozen=True)
class Reading:
    """One measured value of a subject.

    Attributes:
        subject: What it is about: a parcel, a product in a market, a habit.
        stage: Which of the subject's alerts it belongs to.
        as_of: Day whose data it comes from.
        value: What was measured; the higher, the worse.
        raise_at: An alert is raised from here on.
        clear_at: An open alert stays until the value is below; at most `raise_at`.
        text: For people.
    """

    subject: str
    stage: str
    as_of: date
    value: float
    raise_at: float
    clear_at: float
    text: str

    def __post_init__(self) -> None:
        if self.clear_at > self.raise_at:
            raise ValueError(
                f"{self.subject}: clears at {self.clear_at}, above {self.raise_at} where it is raised"
            )

    @property
    def key(self) -> Key:
        """One alert at a time is open for it."""
        return self.subject, self.stage


@dataclass(frozen=True)
class Decision:
    """What the readings of one look change.

    Attributes:
        raised: Worst first.
        cleared: Keys of open alerts that are over.
        waiting: How many more would have been raised; the next look raises them.
    """

    raised: tuple[Reading, ...]
    cleared: frozenset[Key] = field(default_factory=frozenset)
    waiting: int = 0


def decide(
    readings: Iterable[Reading],
    *,
    is_open: Collection[Key],
    is_over: Collection[Key] = (),
    is_absence_good: bool,
    limit: int,
) -> Decision:
    """Compare readings with the open alerts.

    Args:
        readings: At most one a key.
        is_open: Keys of open alerts.
        is_over: Keys that are never raised again, whatever is read.
        is_absence_good: A subject without a reading is well again; otherwise nothing is known of it, and its alert
            stays open.
        limit: Most alerts of one look.
    """
    known = {reading.key: reading for reading in readings}
    due = [
        one
        for one in known.values()
        if one.value >= one.raise_at and one.key not in is_open and one.key not in is_over
    ]
    due.sort(key=lambda one: (one.raise_at - one.value, one.key))
    cleared = {
        key
        for key in is_open
        if (key not in known and is_absence_good) or (key in known and known[key].value < known[key].clear_at)
    }
    return Decision(tuple(due[:limit]), frozenset(cleared), max(len(due) - limit, 0))
