"""Checks of the running platform: the database file and its queue, runs, partitions, daemon, snapshot. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from xbec_platform.operations import inventory
from xbec_platform.operations.doctor.check_environment import megabytes
from xbec_platform.operations.doctor.check_intake import spans
from xbec_platform.operations.doctor.facts import DAMAGED, NEWER, OLDER, OPEN_OUTSIDE
from xbec_platform.operations.doctor.findings import Finding, Severity

if TYPE_CHECKING:
    from xbec_platform.operations.doctor.facts import HomeFacts

# A year of 365 days in one run takes minutes; whoever holds the file this long should be looked at.
LONG_HELD_S = 3600.0
# The daemon gives a sign of life every 30 s.
SILENT_S = 300.0
STORAGE_LIMIT = 2_000_000_000
_SHOWN = 3


def database(facts: HomeFacts) -> Iterator[Finding]:
    """The warehouse can be opened by this DuckDB and by everybody in turn."""
    found, live = facts.warehouse, f"{facts.home}/warehouse.duckdb"
    texts = {
        NEWER: (
            "The database was written by a newer DuckDB.",
            "This one cannot read it, and guessing would damage it.",
            "install the version named above, or the platform's version that wrote it",
        ),
        DAMAGED: (
            "The database file cannot be read.",
            "Every run stops here. All tables can be built anew from the landed files but ops.erasure_log.",
            f"put a backup in its place, or mv {live} {live}.broken and xbec backfill --decisions last-day",
        ),
        OPEN_OUTSIDE: (
            "Another program has the database file open without waiting its turn.",
            "Runs fail on its lock until it lets go; readers should open published.duckdb.",
            "end the process named above",
        ),
        OLDER: (
            "The tables are of an older version of the platform.",
            "Some columns are missing until a run adds them.",
            "xbec backfill --decisions last-day",
        ),
    }
    if found.obstacle in texts:
        what, why, then = texts[found.obstacle]
        severity = Severity.WARNING if found.obstacle in {OLDER, OPEN_OUTSIDE} else Severity.ERROR
        yield Finding(severity, "database", f"{what} {found.detail}".strip(), why, then)
    if facts.disk.log_bytes and not any(one.is_alive for one in facts.queue):
        yield Finding(
            Severity.INFO,
            "database",
            f"A writer was killed; {megabytes(facts.disk.log_bytes)} of finished work lie in warehouse.duckdb.wal.",
            "The next run takes them over. Never delete that file.",
            "nothing",
        )


def queue(facts: HomeFacts) -> Iterator[Finding]:
    """Who has the database file, and who waits."""
    living = [one for one in facts.queue if one.is_alive]
    if living:
        holder, waiting = living[0], living[1:]
        held_s = holder.since_s if holder.held_s is None else holder.held_s
        is_long = held_s > LONG_HELD_S
        some = ", ".join(f"{one.purpose} since {one.since_s:,.0f} s" for one in waiting[:_SHOWN])
        wait = f"; {len(waiting)} wait: {some}" if waiting else ""
        yield Finding(
            Severity.WARNING if is_long else Severity.INFO,
            "queue",
            f"Process {holder.process} has the database file for {held_s:,.0f} s ({holder.purpose}){wait}.",
            "Everybody else waits for it, longest as XBEC_LOCK_WAIT_S says; readers of published.duckdb do not.",
            f"ps -fp {holder.process}; kill {holder.process} if it hangs: its transaction is rolled back"
            if is_long
            else "nothing: it lets go by itself",
        )
    dead = [one for one in facts.queue if not one.is_alive]
    if dead:
        yield Finding(
            Severity.INFO,
            "queue",
            f"{len(dead)} processes died while they had or wanted the file: "
            + ", ".join(f"{one.process} ({one.purpose})" for one in dead[:_SHOWN])
            + ".",
            "They block nobody: the next one in the queue removes their tickets.",
            "nothing",
        )


def runs(facts: HomeFacts) -> Iterator[Finding]:
    """Every run that says it runs has a process."""
    lost = [one for one in facts.dagster.open_runs if not one.is_alive]
    if lost:
        yield Finding(
            Severity.WARNING,
            "runs",
            f"{len(lost)} runs say they run, but their processes are gone: "
            + ", ".join(f"{one.job} {one.run_id[:8]}" for one in lost[:_SHOWN])
            + ".",
            "They were killed. Each keeps a place in the run queue, so that others may wait for ever.",
            "xbec ui, Runs, the run, Terminate; then xbec backfill --only-due --decisions last-day",
        )


def partitions(facts: HomeFacts) -> Iterator[Finding]:
    """Every day of every table is built; decisions of past days are a choice."""
    if not facts.dagster.has_run or facts.dagster.unfinished is None:
        return
    unfinished = facts.dagster.unfinished
    is_decision = pl.col("asset_key").is_in(sorted(facts.dagster.decisions))
    failed = unfinished.filter(pl.col("status").is_in([inventory.FAILED, inventory.CANCELED, inventory.LOST]))
    if failed.height:
        yield Finding(
            Severity.ERROR,
            "partitions",
            f"The last run failed, was cancelled or died for {_extent(failed)}.",
            "These days hold what was there before, or nothing.",
            f"look at the run in xbec ui, mend the cause, then {_only_due(failed)}",
        )
    missing = unfinished.filter(pl.col("status") == inventory.MISSING)
    facts_missing = missing.filter(~is_decision)
    if facts_missing.height:
        yield Finding(
            Severity.WARNING,
            "partitions",
            f"Never built: {_extent(facts_missing)}.",
            "Key figures of these days are missing or too low.",
            f"{_only_due(facts_missing)} --decisions last-day",
        )
    never_decided = missing.filter(is_decision)
    if never_decided.height:
        yield Finding(
            Severity.INFO,
            "partitions",
            f"Decisions were not taken as of every day: {_extent(never_decided)}.",
            "That is usual: they are taken as of the newest day. Only their history needs them.",
            f"{_only_due(never_decided)} --select 'group:customers or group:recommendations or group:logistics'",
        )


def definitions(facts: HomeFacts) -> Iterator[Finding]:
    """Dagster can load the platform and its own records."""
    if facts.dagster.problem:
        yield Finding(
            Severity.ERROR,
            "definitions",
            f"Dagster cannot load the platform or its records: {facts.dagster.problem}.",
            "No run, no UI and no sensor starts.",
            ".venv/bin/dagster definitions validate -w workspace.yaml",
        )


def _extent(frame: pl.DataFrame) -> str:
    """How many assets and which days."""
    names = frame["asset_key"].unique().sort().to_list()
    days = frame["partition"].unique().sort().to_list()
    shown = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
    return f"{len(names)} assets ({shown}) on {len(days)} days ({spans(days)})"


def _only_due(frame: pl.DataFrame) -> str:
    days = frame["partition"].sort().to_list()
    return f"xbec backfill --only-due --from {days[0]} --to {days[-1]}"


def daemon(facts: HomeFacts) -> Iterator[Finding]:
    """What is switched on is run by somebody."""
    found = facts.dagster
    silent_s = found.heartbeat_age_s
    if found.switched_on and (silent_s is None or silent_s > SILENT_S):
        since = (
            "has never run here"
            if silent_s is None
            else f"gave its last sign of life {silent_s / 60:,.0f} min ago"
        )
        yield Finding(
            Severity.ERROR,
            "daemon",
            f"{', '.join(found.switched_on)} are switched on, but Dagster's daemon {since}.",
            "Nothing starts by itself: files land and nobody loads them.",
            "make ui, or in production dagster-daemon run as a service",
        )
    elif found.switched_on and found.daemon_errors:
        yield Finding(
            Severity.WARNING,
            "daemon",
            f"The daemon reports: {'; '.join(found.daemon_errors[:_SHOWN])}.",
            "A sensor or schedule may not fire.",
            "xbec ui, Deployment, Daemons",
        )
    elif facts.warehouse.exists and found.has_run and not found.switched_on:
        yield Finding(
            Severity.INFO,
            "daemon",
            "No schedule and no sensor is switched on.",
            "Files are loaded only when somebody asks.",
            "xbec automation on",
        )


def storage(facts: HomeFacts) -> Iterator[Finding]:
    """Dagster's own history has a bearable size."""
    size = facts.disk.dagster_bytes
    if size > STORAGE_LIMIT:
        yield Finding(
            Severity.WARNING,
            "storage",
            f"Dagster's own storage has {megabytes(size)}.",
            "The UI and sensors get slow, and backups long.",
            "xbec retention --dry-run, then xbec retention",
        )


def snapshot(facts: HomeFacts) -> Iterator[Finding]:
    """Readers see what was built last."""
    built, published = facts.dagster.tables_built_ts, facts.published_ts
    if built is None or (published is not None and published >= built):
        return
    since = (
        "There is no published.duckdb."
        if published is None
        else (
            f"published.duckdb is of {published:%Y-%m-%d %H:%M} UTC; tables were built until {built:%Y-%m-%d %H:%M}."
        )
    )
    yield Finding(
        Severity.WARNING,
        "snapshot",
        since,
        "Dashboards and pages show older numbers than the warehouse.",
        "xbec backfill --select group:publish --decisions last-day",
    )


def dbt_manifest(facts: HomeFacts) -> Iterator[Finding]:
    """The manifest of dbt is at least as new as its models."""
    if not facts.dbt.is_stale:
        return
    yield Finding(
        Severity.INFO if facts.dbt.is_writable else Severity.ERROR,
        "dbt manifest",
        "dbt's manifest is missing or older than its models.",
        "The next command parses the project first, some 5 s."
        if facts.dbt.is_writable
        else "It cannot be parsed anew because dbt/target cannot be written: nothing starts.",
        "xbec backfill --dry-run" if facts.dbt.is_writable else "make dbt/target writable for this user",
    )
