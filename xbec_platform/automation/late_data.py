"""The late-data sensor: asks for exactly the event days whose rows changed after their facts were built.

A run rebuilds late days near its own window along. What is older waits in the ledger `ops.pending_event_days`,
and this sensor works it off, newest first. Days beyond the horizon wait for a person: the check
`no_day_waits_unseen` and the sensor's own message name them.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import takewhile

import dagster as dg

from xbec_platform.automation.jobs import INTAKE_AND_FACTS
from xbec_platform.partitions import daily, range_tags, windows
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.lock import WarehouseBusyError

INTERVAL_S = 300
# One tick asks for a month at most: rebuilding an old day rebuilds every as-of day after it.
MAX_DAYS_PER_TICK = 30
# Older days wait for a person to decide: a backfill of the asset over them rebuilds them.
HORIZON_DAYS = 365
# A tick has 60 s; a file that is held longer is looked at in the next one.
WAIT_S = 5
# A rebuild that failed so often in a row is left to a person.
ATTEMPTS = 3
TAG = "xbec/late_days"


def build_late_data_sensor(settings: Settings) -> dg.SensorDefinition:
    """Watch the ledger of changed event days."""
    partitions = daily(settings)

    @dg.sensor(
        name="late_data",
        job_name=INTAKE_AND_FACTS,
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=(
            f"Rebuilds event days that late or corrected rows changed, newest first, at most {MAX_DAYS_PER_TICK} "
            f"a tick; days older than {HORIZON_DAYS} days wait for a backfill by hand."
        ),
    )
    def late_data(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if not settings.warehouse.is_file():
            return dg.SkipReason("nothing has been loaded yet")
        try:
            waiting = _waiting(settings)
        except WarehouseBusyError as error:
            return dg.SkipReason(f"looked away, the next tick looks again: {error}")
        days = [day for day in waiting if partitions.has_partition_key(day.isoformat())]
        due = due_days(days)
        if not due:
            return dg.SkipReason("no event day is waiting to be rebuilt")
        if _is_running(context.instance):
            return dg.SkipReason("the days asked for last are being rebuilt")
        requests = {window[0]: _request(context.instance, *window) for window in windows(due)}
        asked = [request for request in requests.values() if request]
        if not asked:
            return dg.SkipReason(
                f"failed {ATTEMPTS} times, now waiting for a backfill by hand: {', '.join(map(str, requests))}"
            )
        return dg.SensorResult(run_requests=asked)

    return late_data


def due_days(pending: Sequence[date]) -> list[date]:
    """The newest waiting days within the horizon, newest first.

    Args:
        pending: Waiting days in order.
    """
    if not pending:
        return []
    horizon = pending[-1] - timedelta(days=HORIZON_DAYS)
    return sorted((day for day in pending if day >= horizon), reverse=True)[:MAX_DAYS_PER_TICK]


def _waiting(settings: Settings) -> list[date]:
    """Days of the ledger in order."""
    from xbec_platform.ingest.store import create_tables, pending_days

    impatient = Warehouse.of(settings, wait_s=WAIT_S)
    with impatient.transaction("late data sensor") as connection:
        create_tables(connection)
        return pending_days(connection)


def _request(instance: dg.DagsterInstance, start: date, end: date) -> dg.RunRequest | None:
    """The run for a window; None when it has failed too often.

    The same days may be late more than once and Dagster never forgets a run key: the key counts the runs that
    were asked for, and whether one is still open is known before.
    """
    label = f"{start}..{end - timedelta(days=1)}"
    filters = dg.RunsFilter(tags={TAG: label})
    latest = instance.get_runs(filters=filters, limit=ATTEMPTS)
    failed = list(takewhile(lambda run: run.status == dg.DagsterRunStatus.FAILURE, latest))
    if len(failed) == ATTEMPTS:
        return None
    number = instance.get_runs_count(filters=filters)
    return dg.RunRequest(run_key=f"late:{label}:{number}", tags={**range_tags(start, end), TAG: label})


def _is_running(instance: dg.DagsterInstance) -> bool:
    """Whether a run this sensor asked for has not ended."""
    open_states = [status for status in dg.DagsterRunStatus if status not in _ENDED]
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=open_states), limit=100)
    return any(TAG in run.tags for run in runs)


_ENDED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
