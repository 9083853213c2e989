"""Schedules, in UTC. Few and large: a run costs 9 CPU s to start, and one graph needs no clock between its steps.

Scores, routes and costs, competitors, reports and the Monday's fits (the first run of a week makes the weekly models)
follow within `close_of_day`, each as soon as its inputs are there and checked. Sensors take what comes later.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date

import dagster as dg

from xbec_platform.asset_keys import ASSIGNMENT_SUMMARY, mart
from xbec_platform.automation.asking import OPEN
from xbec_platform.automation.jobs import DAILY, ERASURE_AUDIT, LOGISTICS, RETENTION
from xbec_platform.automation.ticks import schedule_status
from xbec_platform.partitions import daily, day_of
from xbec_platform.settings import Settings


@dataclass(frozen=True)
class Clock:
    """A job by the clock.

    Attributes:
        name: As it is switched on.
        job: What runs.
        cron: When, UTC.
        description: For the UI.
        why_not: Why a tick for a day starts nothing; empty when it does.
        is_daily: The run is for the last complete day.
    """

    name: str
    job: str
    cron: str
    description: str
    why_not: Callable[[dg.DagsterInstance, date], str] | None = None
    is_daily: bool = True


def nothing_new(instance: dg.DagsterInstance, day: date) -> str:
    """Whether the plan of a day is newer than the facts it is made from, or is being made."""
    busy = instance.get_runs(dg.RunsFilter(statuses=list(OPEN)), limit=20)
    planning = [run.job_name for run in busy if run.job_name in {DAILY, LOGISTICS}]
    if planning:
        return f"{planning[0]} is running"
    facts, plan = _built(instance, mart("fct_order_line"), day), _built(instance, ASSIGNMENT_SUMMARY, day)
    if facts is None:
        return f"{day} has no facts yet"
    return f"nothing has changed since {day} was planned" if plan is not None and plan >= facts else ""


def _built(instance: dg.DagsterInstance, key: dg.AssetKey, day: date) -> float | None:
    """When a day of an asset was built last."""
    wanted = dg.AssetRecordsFilter(asset_key=key, asset_partitions=[day.isoformat()])
    records = instance.fetch_materializations(wanted, limit=1).records
    return records[0].timestamp if records else None


# Half an hour after midnight: sources that close their day at 00:00 UTC have delivered by then.
CLOSE_OF_DAY = Clock(
    "close_of_day", DAILY, "30 0 * * *", "Everything for the UTC day that has just ended, files to pages."
)
# Late rows of yesterday come in the morning and through the day.
REPLAN = Clock(
    "replan",
    LOGISTICS,
    "0 4-22/2 * * *",
    "The warehouse plan of yesterday again, where rows came since it was made.",
    why_not=nothing_new,
)
MONTHLY_AUDIT = Clock(
    "monthly_audit",
    ERASURE_AUDIT,
    "0 3 1 * *",
    "Searches everything for people who were erased.",
    is_daily=False,
)
# After the night's work, before the morning pages are read.
MONTHLY_RETENTION = Clock(
    "retention",
    RETENTION,
    "0 4 1 * *",
    "Lets old things go: raw files into archives, old exports, outputs of runs and runs.",
    is_daily=False,
)
CLOCKS = (CLOSE_OF_DAY, REPLAN, MONTHLY_AUDIT, MONTHLY_RETENTION)


def build_schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """All of them."""
    return [_schedule(settings, clock) for clock in CLOCKS]


def _schedule(settings: Settings, clock: Clock) -> dg.ScheduleDefinition:
    partitions = daily(settings)

    @dg.schedule(
        name=clock.name,
        job_name=clock.job,
        cron_schedule=clock.cron,
        execution_timezone="UTC",
        default_status=schedule_status(settings),
        description=clock.description,
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        moment = context.scheduled_execution_time
        run_key = f"{clock.name}:{moment.astimezone(UTC):%Y-%m-%dT%H:%M}"
        if not clock.is_daily:
            return dg.RunRequest(run_key=run_key)
        day = day_of(moment)
        if not partitions.has_partition_key(day.isoformat()):
            return dg.SkipReason(f"{day} is no partition of this home (XBEC_START_DATE, XBEC_END_DATE)")
        reason = clock.why_not(context.instance, day) if clock.why_not else ""
        if reason:
            return dg.SkipReason(reason)
        return dg.RunRequest(run_key=run_key, partition_key=day.isoformat())

    return schedule
