"""The erasure sensor: unanswered requests to be forgotten and files that landed since the last erasure ask for the job.

What the job leaves behind waits for a person (an e-mail of several accounts): the same state is not asked for
again, and the sensor's own message says so.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import takewhile

import dagster as dg

from xbec_platform.automation.jobs import ERASE
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.lock import WarehouseBusyError

# People wait 30 days at most, a run costs about 9 s of CPU to start.
INTERVAL_S = 3600
# A tick has 60 s; a file that is held longer is looked at in the next one.
WAIT_S = 5
# A run that failed so often in a row is left to a person.
ATTEMPTS = 3
TAG = "xbec/erasure"


def build_erasure_sensor(settings: Settings) -> dg.SensorDefinition:
    """Watch landed requests and, where somebody was erased, landed files."""

    @dg.sensor(
        name="erasure_requests",
        job_name=ERASE,
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=(
            "Erases people whose landed request nobody has answered, and takes erased people out of files that "
            "landed after the last erasure."
        ),
    )
    def erasure_requests(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if not settings.warehouse.is_file():
            return dg.SkipReason("nothing has been loaded yet")
        try:
            requests = _open(settings)
        except WarehouseBusyError as error:
            return dg.SkipReason(f"looked away, the next tick looks again: {error}")
        files = _files(settings)
        if not requests and not files:
            return dg.SkipReason("no request is open and no file waits to be swept")
        waiting = f"{len(requests)} requests and {len(files)} files"
        if _is_running(context.instance):
            return dg.SkipReason(f"an erasure is running; {waiting} wait")
        label = hashlib.sha256(json.dumps([requests, files]).encode()).hexdigest()[:16]
        return _asked(context.instance, label, waiting)

    return erasure_requests


def _open(settings: Settings) -> list[str]:
    """Requests that nobody has answered, oldest first."""
    from xbec_platform.erasure.log import open_requests
    from xbec_platform.ingest.store import create_tables

    impatient = Warehouse.of(settings, wait_s=WAIT_S)
    with impatient.transaction("erasure sensor") as connection:
        create_tables(connection)
        return [one.request_id for one in open_requests(connection)]


def _files(settings: Settings) -> list[Sequence[object]]:
    """Landed files that the list was not compared with yet, with their states."""
    from xbec_platform.erasure.sweep import unswept
    from xbec_platform.ingest.suppression_file import load_suppression

    now = datetime.now(UTC).replace(tzinfo=None)
    found = unswept(settings, load_suppression(settings.home), now)
    return [(where, *state) for where, state in found.items()]


def _asked(instance: dg.DagsterInstance, label: str, waiting: str) -> dg.SensorResult | dg.SkipReason:
    """The run for a state of things; none when it ended well and changed nothing, or failed too often.

    Dagster never forgets a run key, so the key counts the runs that were asked for with the same state.
    """
    filters = dg.RunsFilter(tags={TAG: label})
    latest = instance.get_runs(filters=filters, limit=ATTEMPTS)
    if latest and latest[0].status == dg.DagsterRunStatus.SUCCESS:
        return dg.SkipReason(
            f"{waiting} wait for a person's decision: see the asset's last run, or xbec erase"
        )
    failed = list(takewhile(lambda run: run.status == dg.DagsterRunStatus.FAILURE, latest))
    if len(failed) == ATTEMPTS:
        return dg.SkipReason(f"failed {ATTEMPTS} times, {waiting} wait for a person: run xbec erase by hand")
    number = instance.get_runs_count(filters=filters)
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=f"erase:{label}:{number}", tags={TAG: label})])


def _is_running(instance: dg.DagsterInstance) -> bool:
    """Whether any run of the job has not ended, whoever asked for it."""
    open_states = [status for status in dg.DagsterRunStatus if status not in _ENDED]
    return bool(instance.get_runs(filters=dg.RunsFilter(job_name=ERASE, statuses=open_states), limit=1))


_ENDED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
