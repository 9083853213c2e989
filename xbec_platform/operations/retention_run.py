"""Looking at a home for what may go, and letting it go. What may go is decided in `retention`."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from xbec_platform.ingest import archive
from xbec_platform.ingest.landing import discover
from xbec_platform.ingest.manifest import DUPLICATE, LOADED
from xbec_platform.operations.retention import (
    Ages,
    EndedRun,
    export_days_to_go,
    files_to_archive,
    logs_to_go,
    runs_to_go,
)
from xbec_platform.warehouse.compaction import free_share, rewrite_file
from xbec_platform.warehouse.database import Warehouse, missing_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from xbec_platform.ingest.accounting import LandedFile
    from xbec_platform.settings import Settings

# A file of which so much is free is written anew: below it, new rows fill the holes.
FREE_SHARE = 0.25
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_WORDS = (dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED)
_PAGE = 500


@dataclass(frozen=True)
class Plan:
    """What may go now.

    Attributes:
        files: Raw files to be packed.
        exports: Folders of exports.
        logs: Runs whose standard output goes, with the folder.
        runs: Runs that go with all their events.
        kept_runs: Old runs that stay: they are the last word on something.
        free_share: Share of the database file that holds nothing; above a quarter it is written anew.
    """

    files: tuple[LandedFile, ...] = ()
    exports: tuple[Path, ...] = ()
    logs: tuple[tuple[str, Path], ...] = ()
    runs: tuple[str, ...] = ()
    kept_runs: int = 0
    free_share: float = 0.0


@dataclass(frozen=True)
class Done:
    """What went, in numbers; `left` says in sentences what could not be done now and why."""

    archives: tuple[Path, ...] = ()
    bytes_freed: int = 0
    left: tuple[str, ...] = field(default=())


def look(settings: Settings, instance: dg.DagsterInstance, ages: Ages, now: datetime) -> Plan:
    """What may go; nothing is changed.

    Args:
        settings: The home.
        instance: Dagster's storage of the home.
        ages: How long things are kept.
        now: UTC, without zone.
    """
    ended = _ended_runs(instance)
    old = runs_to_go(ended, (), now, ages)
    going = runs_to_go(ended, _last_words(instance, old), now, ages) if old else []
    folders = {run: settings.dagster_home / "storage" / run for run in logs_to_go(ended, now, ages)}
    days = {_day(path): path for path in settings.exports.glob("as_of=*") if path.is_dir()}
    exports = export_days_to_go(days, now.date(), ages.exports)
    return Plan(
        files=tuple(_old_files(settings, now, ages.archive_files)),
        exports=tuple(days[day] for day in exports),
        logs=tuple((run, folder) for run, folder in folders.items() if folder.is_dir()),
        runs=tuple(going),
        kept_runs=len(old) - len(going),
        free_share=free_share(Warehouse.of(settings)) if settings.warehouse.is_file() else 0.0,
    )


def let_go(settings: Settings, instance: dg.DagsterInstance, plan: Plan, tell: Callable[[str], None]) -> Done:
    """Pack, remove and compact; safe to kill and to run again."""
    before, left = size_of(settings.home), []
    made: list[Path] = []
    try:
        made = archive.pack(settings.home, settings.landing, plan.files)
    except archive.ArchiveError as error:
        left.append(str(error))
    tell(f"{len(plan.files)} raw files packed into {len(made)} archives")
    for folder in (*plan.exports, *(folder for _, folder in plan.logs)):
        shutil.rmtree(folder)
    tell(f"{len(plan.exports)} exports and the output of {len(plan.logs)} runs removed")
    for number, run in enumerate(plan.runs):
        instance.delete_run(run)
        if number % _PAGE == 0:
            tell(f"{number} of {len(plan.runs)} runs removed")
    if plan.runs:
        left += [
            problem for path in sorted(settings.dagster_home.rglob("*.db")) if (problem := _shrink(path))
        ]
    if plan.free_share >= FREE_SHARE:
        was, now = rewrite_file(Warehouse.of(settings))
        tell(f"database file written anew: {was:,} to {now:,} bytes")
    return Done(tuple(made), before - size_of(settings.home), tuple(left))


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder; those that go meanwhile count nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total


def _day(folder: Path) -> date:
    return date.fromisoformat(folder.name.removeprefix("as_of="))


def _old_files(settings: Settings, now: datetime, keep_days: int) -> list[LandedFile]:
    """Files of old drop days whose rows are in and which mention nobody who was erased.

    What is not loaded yet, rejected, taken back or not swept stays where it is.
    """
    from xbec_platform.erasure.sweep import unswept
    from xbec_platform.ingest.store import MANIFEST, read_manifest
    from xbec_platform.ingest.suppression_file import load_suppression

    days = {
        date.fromisoformat(path.name.removeprefix("dt="))
        for path in settings.landing.glob("*/dt=????-??-??")
        if path.is_dir()
    }
    old = files_to_archive(days, now.date(), keep_days)
    if not old or not settings.warehouse.is_file():
        return []
    with Warehouse.of(settings).connect("retention: loaded files") as connection:
        entries = [] if missing_tables(connection, [MANIFEST]) else read_manifest(connection)
    waiting = unswept(settings, load_suppression(settings.home), now)
    known = {(one.file.path, one.file.sha256) for one in entries if one.status in {LOADED, DUPLICATE}}
    found = discover(settings.landing, start=old[0], end=old[-1] + timedelta(days=1))
    wanted = set(old)
    return [
        file
        for file in found.files
        if file.drop_date in wanted and (file.path, file.sha256) in known and file.path not in waiting
    ]


def _ended_runs(instance: dg.DagsterInstance) -> list[EndedRun]:
    """All of them, page by page."""
    runs: list[EndedRun] = []
    cursor = None
    while True:
        page = instance.get_run_records(dg.RunsFilter(statuses=_ENDED), limit=_PAGE, cursor=cursor)
        for record in page:
            ended = record.end_time or record.update_timestamp.timestamp()
            moment = datetime.fromtimestamp(ended, UTC).replace(tzinfo=None)
            runs.append(EndedRun(record.dagster_run.run_id, moment))
        if len(page) < _PAGE:
            return runs
        cursor = page[-1].dagster_run.run_id


def _last_words(instance: dg.DagsterInstance, old: Iterable[str]) -> set[str]:
    """Runs without which Dagster would not know what is built, what failed, or how a check of an old run ended.

    Every event is read: 24,000 of 400 days and 60 assets take some seconds, once a month.
    """
    runs: set[str] = set()
    for key in instance.get_asset_keys():
        for kind in _WORDS:
            numbers = sorted(instance.get_latest_storage_id_by_partition(key, kind).values())
            for first in range(0, len(numbers), _PAGE):
                wanted = dg.EventRecordsFilter(
                    kind, asset_key=key, storage_ids=numbers[first : first + _PAGE]
                )
                records = instance.event_log_storage.get_event_records(wanted)
                runs |= {record.run_id for record in records}
    for record in instance.get_asset_records(list(instance.get_asset_keys())):
        entry = record.asset_entry
        runs |= {entry.last_run_id} if entry.last_run_id else set()
        runs |= {entry.last_materialization.run_id} if entry.last_materialization else set()
    checks = {key for run in set(old) - runs for key in _checks_of(instance, run)}
    found = instance.event_log_storage.get_latest_asset_check_execution_by_key(sorted(checks))
    return runs | {record.run_id for record in found.values()}


def _checks_of(instance: dg.DagsterInstance, run: str) -> set[dg.AssetCheckKey]:
    """Checks a run evaluated."""
    kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    entries = [entry.dagster_event for entry in instance.all_logs(run, of_type=kind)]
    return {entry.asset_check_evaluation_data.asset_check_key for entry in entries if entry}


def _shrink(path: Path) -> str:
    """Give the space of removed rows back; why not, when somebody uses the file."""
    connection = sqlite3.connect(path, timeout=5, isolation_level=None)
    try:
        connection.execute("VACUUM")
    except sqlite3.OperationalError as error:
        return f"{path.name} was not compacted ({error}); run again when no run is under way"
    finally:
        connection.close()
    return ""


def described(plan: Plan, sizes: Callable[[Iterable[Path]], int]) -> list[tuple[str, int, str]]:
    """(what, how many, how) of a plan, for people."""
    outputs = sizes(folder for _, folder in plan.logs)
    return [
        ("raw files", len(plan.files), f"packed, {sum(file.size_bytes for file in plan.files):,} bytes"),
        ("exports", len(plan.exports), f"removed, {sizes(plan.exports):,} bytes"),
        ("outputs of runs", len(plan.logs), f"removed, {outputs:,} bytes"),
        ("runs with their events", len(plan.runs), f"removed; {plan.kept_runs} old ones are still needed"),
        (
            "database file",
            int(plan.free_share >= FREE_SHARE),
            f"written anew from {FREE_SHARE:.0%} free; {plan.free_share:.0%} is",
        ),
    ]
