"""The late-data sensor: asks for exactly the event days whose rows changed after their facts were built.

A run rebuilds late days near its own window along. What is older waits in the ledger `ops.pending_event_days`,
and this sensor works it off, newest first. Days beyond the horizon wait for a person: the check
`no_day_waits_unseen` and the sensor's own message name them.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import dagster as dg

from xbec_platform.automation.asking import Want, ask, is_running
from xbec_platform.automation.jobs import INTAKE_AND_FACTS
from xbec_platform.automation.ticks import Look, Tick, build_sensor
from xbec_platform.partitions import daily, range_tags, windows
from xbec_platform.settings import Settings

NAME = "late_data"
INTERVAL_S = 300
# One tick asks for a month at most: rebuilding an old day rebuilds every as-of day after it.
MAX_DAYS_PER_TICK = 30
# Older days wait for a person to decide: a backfill of the asset over them rebuilds them.
HORIZON_DAYS = 365


def build_late_data_sensor(settings: Settings) -> dg.SensorDefinition:
    """Watch the ledger of changed event days."""
    return build_sensor(
        settings,
        NAME,
        look,
        description=(
            f"Rebuilds event days that late or corrected rows changed, newest first, at most {MAX_DAYS_PER_TICK} "
            f"a tick; days older than {HORIZON_DAYS} days wait for a backfill by hand."
        ),
        interval_s=INTERVAL_S,
        jobs=(INTAKE_AND_FACTS,),
    )


def look(tick: Tick) -> Look:
    """Ask for the waiting days. The ledger tells when a day is done: the same one may be late again."""
    partitions = daily(tick.settings)
    due = due_days([day for day in _waiting(tick) if partitions.has_partition_key(day.isoformat())])
    if not due:
        return Look("no event day is waiting to be rebuilt")
    if is_running(tick.instance, NAME):
        return Look("the days asked for last are being rebuilt")
    wants = [
        Want(f"{start}..{end - timedelta(days=1)}", tags=range_tags(start, end))
        for start, end in windows(due)
    ]
    asked = ask(tick.instance, NAME, wants, limit=MAX_DAYS_PER_TICK, is_done_final=False)
    return Look(asked.why_none("no event day is waiting to be rebuilt"), requests=asked.requests)


def due_days(pending: Sequence[date]) -> list[date]:
    """The newest waiting days within the horizon, newest first.

    Args:
        pending: Waiting days in order.
    """
    if not pending:
        return []
    horizon = pending[-1] - timedelta(days=HORIZON_DAYS)
    return sorted((day for day in pending if day >= horizon), reverse=True)[:MAX_DAYS_PER_TICK]


def _waiting(tick: Tick) -> list[date]:
    """Days of the ledger in order."""
    from xbec_platform.ingest.ledger import pending_days
    from xbec_platform.ingest.store import create_tables

    with tick.warehouse.transaction("late data sensor") as connection:
        create_tables(connection)
        return pending_days(connection)
