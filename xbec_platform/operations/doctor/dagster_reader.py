"""What Dagster's records say: unfinished partitions, open runs, the daemon, what is switched on. Writes nothing.

The asset graph comes from the definitions, so that an asset that never ran is missed too.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg

from xbec_platform.automation.jobs import DECISIONS
from xbec_platform.operations import inventory
from xbec_platform.operations.backfill_state import has_storage
from xbec_platform.operations.doctor.facts import DagsterFacts, OpenRun
from xbec_platform.operations.run_process import is_alive
from xbec_platform.operations.selection import Selected, selected_assets
from xbec_platform.partitions import days
from xbec_platform.publish.snapshot import SCHEMAS
from xbec_platform.settings import Settings

# Waiting for a slot, or running; a waiting one needs no process.
_STARTED = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
_OPEN_RUNS = 200


def dagster(settings: Settings, now: datetime) -> DagsterFacts:
    """All of it; why not, where definitions or storage cannot be read.

    Args:
        settings: The home.
        now: UTC, without zone.
    """
    if not has_storage(settings):
        return DagsterFacts()
    from xbec_platform.definitions import build_definitions
    from xbec_platform.instance import open_instance

    try:
        assets = selected_assets(build_definitions(settings))
        instance = open_instance(settings)
    except (dg.DagsterError, ValueError, RuntimeError, OSError, ImportError) as error:
        return DagsterFacts(has_run=True, problem=f"{type(error).__name__}: {str(error).splitlines()[0]}")
    try:
        return _facts(instance, assets, settings, now)
    finally:
        instance.dispose()


def _facts(
    instance: dg.DagsterInstance, assets: list[Selected], settings: Settings, now: datetime
) -> DagsterFacts:
    partitioned = [asset for asset in assets if asset.is_partitioned]
    end = min(settings.end_date or now.date(), now.date())
    wanted = list(days(settings.start_date, end))
    tables = [asset.asset_key for asset in assets if asset.key.split("/")[0] in SCHEMAS]
    beats = instance.get_daemon_heartbeats()
    switched_on = sorted(state.name for state in instance.all_instigator_state() if state.is_running)
    return DagsterFacts(
        has_run=True,
        unfinished=inventory.inventory(instance, [asset.asset_key for asset in partitioned], wanted),
        decisions=frozenset(asset.key for asset in partitioned if asset.job == DECISIONS),
        switched_on=tuple(switched_on),
        heartbeat_age_s=_age_s(beats, now),
        daemon_errors=tuple(
            sorted({error.message.splitlines()[0] for beat in beats.values() for error in beat.errors or ()})
        ),
        open_runs=_open_runs(instance),
        tables_built_ts=_last_built(instance, tables),
    )


def _age_s(beats: Mapping[str, object], now: datetime) -> float | None:
    """Seconds since any part of the daemon gave a sign of life."""
    times = [float(beat.timestamp) for beat in beats.values()]  # type: ignore[attr-defined]
    return now.replace(tzinfo=UTC).timestamp() - max(times) if times else None


def _open_runs(instance: dg.DagsterInstance) -> tuple[OpenRun, ...]:
    records = instance.get_run_records(dg.RunsFilter(statuses=list(_STARTED)), limit=_OPEN_RUNS)
    runs = [record.dagster_run for record in records]
    states = inventory.run_states(instance, [run.run_id for run in runs], is_alive=is_alive)
    return tuple(
        OpenRun(run.run_id, run.job_name, states[run.run_id].status == inventory.RUNNING)
        for run in sorted(runs, key=lambda one: one.run_id)
        if run.run_id in states
    )


def _last_built(instance: dg.DagsterInstance, keys: list[dg.AssetKey]) -> datetime | None:
    """When a table of the snapshot was built last."""
    last = [
        record.asset_entry.last_materialization
        for record in instance.get_asset_records(keys)
        if record.asset_entry.last_materialization is not None
    ]
    if not last:
        return None
    return datetime(1970, 1, 1) + timedelta(seconds=max(entry.timestamp for entry in last))  # noqa: DTZ001
