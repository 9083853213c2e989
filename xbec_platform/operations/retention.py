"""What of a home may go, by age: exports, logs of runs, runs, raw files into archives. Pure; nothing is removed here.

Nothing that a replay needs goes: raw files move into archives that hold every byte under its hash, and a run stays as
long as it is the last word on a day of an asset or on a check.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

KEEP_FOR_EVER = 0


@dataclass(frozen=True)
class Ages:
    """After how many days something may go; 0 keeps it for ever.

    Attributes:
        archive_files: Raw files by their drop day; they are packed, not deleted.
        exports: Folders of exports by their as-of day; the newest stays.
        logs: What runs wrote to standard output, by the end of the run.
        runs: Runs with their events, by their end, unless they are the last word on something.
    """

    archive_files: int = 365
    exports: int = 90
    logs: int = 30
    runs: int = 180

    def __post_init__(self) -> None:
        for name in ("archive_files", "exports", "logs", "runs"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0 days (0 keeps everything)")


@dataclass(frozen=True)
class EndedRun:
    """A run that has ended, and when (UTC)."""

    run_id: str
    ended_ts: datetime


def export_days_to_go(days: Iterable[date], today: date, keep_days: int) -> list[date]:
    """As-of days whose exports may go: older than `keep_days`, never the newest there is."""
    known = sorted(days)
    if keep_days == KEEP_FOR_EVER:
        return []
    limit = today - timedelta(days=keep_days)
    return [day for day in known[:-1] if day < limit]


def runs_to_go(runs: Sequence[EndedRun], last_words: Collection[str], now: datetime, ages: Ages) -> list[str]:
    """Runs that may go, oldest first: old enough, and the last word on nothing.

    Args:
        runs: Ended ones.
        last_words: Runs that hold the last materialization of a partition or the last evaluation of a check.
        now: UTC, without zone.
        ages: See `Ages.runs`.
    """
    if ages.runs == KEEP_FOR_EVER:
        return []
    limit = now - timedelta(days=ages.runs)
    old = sorted((one for one in runs if one.ended_ts < limit), key=lambda one: (one.ended_ts, one.run_id))
    return [one.run_id for one in old if one.run_id not in last_words]


def logs_to_go(runs: Sequence[EndedRun], now: datetime, ages: Ages) -> list[str]:
    """Runs whose standard output may go, oldest first; their events stay."""
    if ages.logs == KEEP_FOR_EVER:
        return []
    limit = now - timedelta(days=ages.logs)
    old = sorted((one for one in runs if one.ended_ts < limit), key=lambda one: (one.ended_ts, one.run_id))
    return [one.run_id for one in old]


def files_to_archive(drop_days: Iterable[date], today: date, keep_days: int) -> list[date]:
    """Drop days whose files may be packed."""
    if keep_days == KEEP_FOR_EVER:
        return []
    limit = today - timedelta(days=keep_days)
    return sorted(day for day in drop_days if day < limit)
