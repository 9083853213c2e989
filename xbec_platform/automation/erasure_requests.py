"""The erasure sensor: unanswered requests to be forgotten and files that landed since the last erasure ask for the job.

What the job leaves behind waits for a person (an e-mail of several accounts): the same state is not asked for
again, and the sensor's own message says so.
"""

import hashlib
import json
from collections.abc import Sequence

import dagster as dg

from xbec_platform.automation.asking import OPEN, Want, ask
from xbec_platform.automation.jobs import ERASE
from xbec_platform.automation.ticks import Look, Tick, build_sensor
from xbec_platform.settings import Settings

NAME = "erasure_requests"
# People wait 30 days at most, a run costs about 9 s of CPU to start.
INTERVAL_S = 3600


def build_erasure_sensor(settings: Settings) -> dg.SensorDefinition:
    """Watch landed requests and, where somebody was erased, landed files."""
    return build_sensor(
        settings,
        NAME,
        look,
        description=(
            "Erases people whose landed request nobody has answered, and takes erased people out of files that "
            "landed after the last erasure."
        ),
        interval_s=INTERVAL_S,
        jobs=(ERASE,),
    )


def look(tick: Tick) -> Look:
    """Ask for the job for a state of things; not when it ended well and changed nothing, or failed too often."""
    requests, files = _open(tick), _files(tick)
    if not requests and not files:
        return Look("no request is open and no file waits to be swept")
    waiting = f"{len(requests)} requests and {len(files)} files"
    if _is_running(tick.instance):
        return Look(f"an erasure is running; {waiting} wait")
    state = hashlib.sha256(json.dumps([requests, files]).encode()).hexdigest()[:16]
    asked = ask(tick.instance, NAME, [Want(waiting, state)], limit=1)
    if asked.failed:
        return Look(f"{asked.why_none('')}: run xbec erase by hand")
    note = f"{waiting} wait for a person's decision: see the asset's last run, or xbec erase"
    return Look(note, requests=asked.requests)


def _open(tick: Tick) -> list[str]:
    """Requests that nobody has answered, oldest first."""
    from xbec_platform.erasure.log import open_requests
    from xbec_platform.ingest.store import create_tables

    with tick.warehouse.transaction("erasure sensor") as connection:
        create_tables(connection)
        return [one.request_id for one in open_requests(connection)]


def _files(tick: Tick) -> list[Sequence[object]]:
    """Landed files that the list was not compared with yet, with their states."""
    from xbec_platform.erasure.sweep import unswept
    from xbec_platform.ingest.suppression_file import load_suppression

    found = unswept(tick.settings, load_suppression(tick.settings.home), tick.now)
    return [(where, *state) for where, state in found.items()]


def _is_running(instance: dg.DagsterInstance) -> bool:
    """Whether any run of the job has not ended, whoever asked for it."""
    return bool(instance.get_runs(filters=dg.RunsFilter(job_name=ERASE, statuses=list(OPEN)), limit=1))
