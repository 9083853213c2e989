"""Which partitions are not built: missing, failed, cancelled, being built, or lost with their process.

Read from Dagster's own records without writing: `get_status_by_partition` of the same instance would store a cache.
What follows from it is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from xbec_platform.operations.run_process import RunProcess, is_alive, process_of

if TYPE_CHECKING:
    from dagster import DagsterInstance

MISSING, FAILED, CANCELED, RUNNING, LOST = "missing", "failed", "canceled", "running", "lost"
SCHEMA = {
    "asset_key": pl.String(),
    "partition": pl.Date(),
    "status": pl.String(),
    "run_id": pl.String(),
    "failed_at_ts": pl.Datetime("us"),
}
_ENDED = {
    dg.DagsterRunStatus.FAILURE: FAILED,
    dg.DagsterRunStatus.CANCELED: CANCELED,
    # Ended well and yet built nothing: an output nobody yielded.
    dg.DagsterRunStatus.SUCCESS: MISSING,
}
# Waiting for a slot, so that no process can be missing.
_WAITING = {
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.MANAGED,
}
# SQLite takes 32,766 parameters, older ones 999.
_RUNS_A_QUERY = 500


@dataclass(frozen=True)
class RunState:
    """What became of a run.

    Attributes:
        status: One of this module's words.
        ended_ts: UTC; None while it runs, or when nobody saw it end.
    """

    status: str
    ended_ts: datetime | None


_NEVER = RunState(MISSING, None)


def inventory(
    instance: DagsterInstance,
    keys: Iterable[dg.AssetKey],
    days: Sequence[date],
    *,
    alive: Callable[[RunProcess | None], bool] = is_alive,
) -> pl.DataFrame:
    """Partitions whose last attempt built nothing, and those nobody attempted; what is built has no row.

    One query an asset, a few more once a run has failed: 4 and 10 CPU s for 10,000 days of 60 assets. A run counts
    as lost when its process is not among those of this machine, so call it where the runs are started.

    Args:
        instance: Dagster's storage of the home.
        keys: Partitioned assets.
        days: Partitions to look at.
        alive: Whether the process of a run lives; for tests.

    Returns:
        asset_key (`a/b`), partition, status, run_id, failed_at_ts (UTC, when the run ended; empty for what is
        missing, runs, or was lost), sorted by asset and partition. A partition that was built and whose rebuild
        failed is listed: the last attempt counts, as in the UI.
    """
    others = [status for status in dg.DagsterRunStatus if status != dg.DagsterRunStatus.SUCCESS]
    look = _unfinished if instance.get_runs_count(dg.RunsFilter(statuses=others)) else _missing
    by_key = {"/".join(key.path): look(instance, key, days) for key in sorted(set(keys))}
    runs = sorted({one.run_id for found in by_key.values() for one in found.values() if one.run_id})
    states = run_states(instance, runs, is_alive=alive)
    rows = []
    for name, found in by_key.items():
        for day in sorted(found):
            one = found[day]
            state = states.get(one.run_id or "", _NEVER)
            if state.status == MISSING and one.was_built:
                continue
            run = one.run_id if state.status != MISSING else None
            rows.append((name, day, state.status, run, state.ended_ts if run else None))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@dataclass(frozen=True)
class _Vain:
    """A partition whose last attempt, if any, built nothing."""

    run_id: str | None
    was_built: bool


def _missing(instance: DagsterInstance, key: dg.AssetKey, days: Sequence[date]) -> dict[date, _Vain]:
    """Where every run succeeded, what was planned says nothing: half the cost."""
    built = instance.get_materialized_partitions(key)
    return {day: _Vain(None, was_built=False) for day in days if day.isoformat() not in built}


def _unfinished(instance: DagsterInstance, key: dg.AssetKey, days: Sequence[date]) -> dict[date, _Vain]:
    built = instance.get_latest_storage_id_by_partition(key, dg.DagsterEventType.ASSET_MATERIALIZATION)
    planned = instance.get_latest_storage_id_by_partition(
        key, dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
    )
    texts = {day.isoformat(): day for day in days}
    missing = {day: _Vain(None, was_built=False) for text, day in texts.items() if text not in built}
    tried = {
        number: text for text, number in planned.items() if text in texts and number > built.get(text, -1)
    }
    runs = _runs_of(instance, key, sorted(tried))
    return missing | {
        texts[text]: _Vain(runs[number], was_built=text in built) for number, text in tried.items()
    }


def _runs_of(instance: DagsterInstance, key: dg.AssetKey, numbers: Sequence[int]) -> dict[int, str]:
    """The run behind each planned event of an asset, by storage number, in order.

    A run plans all its partitions of an asset in one go, so that equal ends of a stretch are one run: two probes
    and not ten thousand. Runs made in the same moment may be taken for each other.
    """

    @cache
    def run_of(number: int) -> str:
        wanted = dg.EventRecordsFilter(
            dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, asset_key=key, storage_ids=[number]
        )
        return instance.event_log_storage.get_event_records(wanted)[0].run_id

    def stretch(first: int, last: int) -> dict[int, str]:
        if first > last:
            return {}
        if run_of(numbers[first]) == run_of(numbers[last]):
            return dict.fromkeys(numbers[first : last + 1], run_of(numbers[first]))
        middle = (first + last) // 2
        return stretch(first, middle) | stretch(middle + 1, last)

    return stretch(0, len(numbers) - 1)


def run_states(
    instance: DagsterInstance, run_ids: Sequence[str], *, is_alive: Callable[[RunProcess | None], bool]
) -> Mapping[str, RunState]:
    """What became of runs; a run that is gone from the storage is in no answer."""
    states: dict[str, RunState] = {}
    for first in range(0, len(run_ids), _RUNS_A_QUERY):
        some = list(run_ids[first : first + _RUNS_A_QUERY])
        for record in instance.get_run_records(dg.RunsFilter(run_ids=some)):
            run = record.dagster_run
            if run.status in _ENDED:
                end = record.end_time
                ended = datetime.fromtimestamp(end, UTC).replace(tzinfo=None) if end else None
                states[run.run_id] = RunState(_ENDED[run.status], ended)
            elif run.status in _WAITING or is_alive(process_of(instance, run.run_id)):
                states[run.run_id] = RunState(RUNNING, None)
            else:
                states[run.run_id] = RunState(LOST, None)
    return states
