"""The sensor of failed runs: each goes into `ops.incidents` once, with the asset where it began.

Not Dagster's own run-failure sensor: that one moves on when the warehouse is busy, and the failure is lost.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from xbec_platform.automation.ticks import Look, Tick, build_sensor
from xbec_platform.operations.incidents import FailedRun, open_incidents, record, resolve
from xbec_platform.settings import Settings

NAME = "run_failures"
INTERVAL_S = 60
MAX_RUNS_PER_TICK = 50
# Runs end while a tick looks: a little is looked at twice, which changes nothing.
OVERLAP = timedelta(minutes=5)
# Without a cursor, this much is looked at again.
HORIZON = timedelta(days=7)
NO_STEP = "before the first step"
_TABLES = {dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, dg.DagsterEventType.ASSET_MATERIALIZATION}
# A year of days in one run reports tens of thousands of events; the tables' own come first.
_EVENT_LIMIT = 5000
_ERROR_LENGTH = 300


def build_failure_sensor(settings: Settings) -> dg.SensorDefinition:
    """Watch the home's runs."""
    return build_sensor(
        settings,
        NAME,
        look,
        description="Writes failed runs into ops.incidents: one per asset where it began, until it is built again.",
        interval_s=INTERVAL_S,
    )


def look(tick: Tick) -> Look:
    """Record the runs that failed since the last look, oldest first, and close what was built since."""
    since = datetime.fromisoformat(tick.memory["until"]) if "until" in tick.memory else tick.now - HORIZON
    records = tick.instance.get_run_records(
        dg.RunsFilter(
            statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since.replace(tzinfo=UTC) - OVERLAP
        ),
        limit=MAX_RUNS_PER_TICK,
        order_by="update_timestamp",
        ascending=True,
    )
    built_before = tick.memory.get("open", 0) == 0
    if not records and built_before:
        return Look("no run has failed", memory={"until": tick.now.isoformat(), "open": 0})
    failed = [failed_run(tick.instance, one) for one in records]
    with tick.warehouse.transaction(f"sensor {NAME}") as connection:
        opened, added = record(connection, failed)
        still = open_incidents(connection)["root_asset"].to_list()
        closed = resolve(connection, _built(tick.instance, still))
    is_more = len(records) == MAX_RUNS_PER_TICK
    until = records[-1].update_timestamp.replace(tzinfo=None) + OVERLAP if is_more else tick.now
    memory = {"until": until.isoformat(), "open": len(still) - closed}
    return Look(f"{opened} incidents opened, {added} runs added, {closed} resolved", memory=memory)


def failed_run(instance: dg.DagsterInstance, found: dg.RunRecord) -> FailedRun:
    """What there is to know of a failed run."""
    run = found.dagster_run
    failures = _events(instance, run.run_id, {dg.DagsterEventType.STEP_FAILURE}, limit=1)
    ended = found.end_time or found.update_timestamp.replace(tzinfo=UTC).timestamp()
    tags = run.tags
    first, last = (
        tags.get("dagster/asset_partition_range_start"),
        tags.get("dagster/asset_partition_range_end"),
    )
    span = tags.get("dagster/partition") or (first if first == last else f"{first}..{last}") or ""
    root, step, error = NO_STEP, "", _end_message(instance, run.run_id)
    if failures:
        step = failures[0].step_key or ""
        cause = failures[0].step_failure_data.error
        error = _first_line(str((cause.cause or cause).message if cause else failures[0].message))
        root = _root(_events(instance, run.run_id, _TABLES, limit=_EVENT_LIMIT), failures[0], step)
    return FailedRun(
        run.run_id,
        run.job_name,
        root,
        step,
        span,
        error,
        datetime.fromtimestamp(ended, UTC).replace(tzinfo=None),
    )


def _events(
    instance: dg.DagsterInstance, run_id: str, kinds: set[dg.DagsterEventType], *, limit: int
) -> list[dg.DagsterEvent]:
    """Events of a run, oldest first."""
    records = instance.get_records_for_run(run_id, of_type=kinds, limit=limit).records
    return [one.event_log_entry.get_dagster_event() for one in records]


def _root(events: Sequence[dg.DagsterEvent], failure: dg.DagsterEvent, step: str) -> str:
    """The first asset the failed step did not build, one that the failure names before others."""
    planned, built = [], set()
    for event in events:
        if event.asset_key is None or event.step_key not in {step, None}:
            continue
        name = "/".join(event.asset_key.path)
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
            built.add(name)
        elif name not in planned:
            planned.append(name)
    open_ones = [name for name in planned if name not in built]
    said = str(failure.step_failure_data.user_failure_data)
    # dbt's own words for a model: `model.xbec.fct_order`.
    named = [name for name in open_ones if f"xbec.{name.split('/')[-1]}`" in said]
    return next(iter([*named, *open_ones]), step)


def _end_message(instance: dg.DagsterInstance, run_id: str) -> str:
    ends = _events(instance, run_id, {dg.DagsterEventType.RUN_FAILURE}, limit=1)
    return _first_line(ends[0].message or "" if ends else "") or "the run's process died or never started"


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0][:_ERROR_LENGTH] if lines else ""


def _built(instance: dg.DagsterInstance, assets: Sequence[str]) -> list[tuple[str, datetime]]:
    """When assets were built last."""
    keys = {dg.AssetKey(name.split("/")): name for name in assets}
    found = []
    for one in instance.get_asset_records(list(keys)):
        last = one.asset_entry.last_materialization_record
        if last is not None:
            found.append(
                (
                    keys[one.asset_entry.asset_key],
                    datetime.fromtimestamp(last.timestamp, UTC).replace(tzinfo=None),
                )
            )
    return found
