"""The platform's one kind of partition: the UTC day. Which day it is depends on the asset.

Raw tables count by drop day (the folder `dt=`), facts by event day, snapshots and model tables by as-of
day: three readings of one calendar, so that a run over a range of days covers the whole graph. UTC and not
the shop's zone: markets lie in many zones, and a day must have 24 hours for windows to tile.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

import dagster as dg

from xbec_platform.settings import Settings


def daily(settings: Settings) -> dg.DailyPartitionsDefinition:
    """Days from the home's first one to its last one, or to yesterday where it has no end."""
    return dg.DailyPartitionsDefinition(
        start_date=settings.start_date.isoformat(),
        end_date=settings.end_date.isoformat() if settings.end_date else None,
        timezone="UTC",
    )


def window(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> tuple[date, date]:
    """The half-open window `[start, end)` of days of a run, be it one partition or a range."""
    bounds = context.partition_time_window
    return bounds.start.date(), bounds.end.date()


def days(start: date, end: date) -> Iterator[date]:
    """All days of `[start, end)`."""
    day = start
    while day < end:
        yield day
        day += timedelta(days=1)


def windows(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Half-open windows of neighbouring days, newest first.

    Args:
        days: Newest first.
    """
    end = start = None
    for day in days:
        if start is not None and end is not None and day != start - timedelta(days=1):
            yield start, end
            end = None
        start, end = day, end or day + timedelta(days=1)
    if start is not None and end is not None:
        yield start, end


def range_tags(start: date, end: date) -> dict[str, str]:
    """Run tags that make one run cover the days of `[start, end)`."""
    last = end - timedelta(days=1)
    return {
        "dagster/asset_partition_range_start": start.isoformat(),
        "dagster/asset_partition_range_end": last.isoformat(),
    }


def first_day(tags: Mapping[str, str]) -> date | None:
    """The first day a run was asked for, from its tags; None for a run without partitions."""
    text = tags.get("dagster/asset_partition_range_start") or tags.get("dagster/partition")
    return date.fromisoformat(text) if text else None


def run_days(tags: Mapping[str, str]) -> tuple[date, date]:
    """The first and last day a run was asked for, from its tags; all days for a run without partitions."""
    first = first_day(tags)
    last = tags.get("dagster/asset_partition_range_end")
    return first or date.min, date.fromisoformat(last) if last else first or date.max


def day_of(moment: datetime) -> date:
    """The last complete UTC day at a moment: yesterday."""
    return moment.date() - timedelta(days=1)
