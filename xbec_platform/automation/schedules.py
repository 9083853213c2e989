"""Schedules, in UTC, all stopped until somebody switches them on in the UI or with `dagster schedule start`."""

import dagster as dg

from xbec_platform.automation.jobs import DAILY
from xbec_platform.partitions import daily, day_of
from xbec_platform.settings import Settings

# Half an hour after midnight: sources that close their day at 00:00 UTC have delivered by then.
CLOSE_OF_DAY = "30 0 * * *"


def build_schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """The daily close, for the day before the tick."""
    partitions = daily(settings)

    @dg.schedule(
        name="close_of_day",
        job_name=DAILY,
        cron_schedule=CLOSE_OF_DAY,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Run the daily job for the UTC day that has just ended.",
    )
    def close_of_day(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = day_of(context.scheduled_execution_time).isoformat()
        if not partitions.has_partition_key(day):
            return dg.SkipReason(f"{day} is no partition of this home (XBEC_START_DATE, XBEC_END_DATE)")
        return dg.RunRequest(run_key=f"close_of_day:{day}", partition_key=day)

    return [close_of_day]
