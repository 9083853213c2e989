"""What the readers know of a home, plain values without any judgement. No reading is here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from xbec_platform.warehouse.queue import Ticket

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.settings import Settings


@dataclass(frozen=True)
class Package:
    """A dependency: what is wanted (`>=1,<2`) and what is installed (None: nothing)."""

    name: str
    wanted: str
    installed: str | None


@dataclass(frozen=True)
class Environment:
    """What the platform runs on."""

    python: str
    python_wanted: str
    packages: tuple[Package, ...]


@dataclass(frozen=True)
class Disk:
    """The home's folder.

    Attributes:
        exists: There is such a folder.
        is_writable: New files can be made in it.
        free_bytes: On its disk.
        database_bytes: Of the warehouse with its log.
        dagster_bytes: Of Dagster's own storage.
        log_bytes: Of the log a killed writer left beside the warehouse.
    """

    exists: bool
    is_writable: bool
    free_bytes: int
    database_bytes: int = 0
    dagster_bytes: int = 0
    log_bytes: int = 0


@dataclass(frozen=True)
class LandingFacts:
    """The landing folder; paths are below it.

    Attributes:
        days: Drop day -> complete files.
        misplaced: (path, cause) of what is never read.
        unfinished: (path, seconds since it grew) of files still being written, or left by a broken delivery.
        unknown_feeds: Folders no contract or mapping is named like.
        problem: Why the feeds of the home cannot be told; empty when they can.
    """

    days: Mapping[date, int] = field(default_factory=dict)
    misplaced: tuple[tuple[str, str], ...] = ()
    unfinished: tuple[tuple[str, float], ...] = ()
    unknown_feeds: tuple[str, ...] = ()
    problem: str = ""


# Why the warehouse could not be looked into.
BUSY, OPEN_OUTSIDE, NEWER, DAMAGED, OLDER = "busy", "open outside the queue", "newer", "damaged", "older"


@dataclass(frozen=True)
class WarehouseFacts:
    """The tables of the intake and what was built.

    Attributes:
        exists: There is a database file.
        obstacle: One of this module's words when it could not be looked into; empty when it could.
        detail: What DuckDB or the queue said of it.
        rejected: (drop day, path, cause) of files rejected whole.
        quarantine_shares: Feed -> share of its records in quarantine, erased people not counted.
        waiting: Event days whose raw rows changed since their facts were built, in order.
        open_requests: Landed deletion requests nobody answered; `oldest_request` is when the first was made.
    """

    exists: bool = False
    obstacle: str = ""
    detail: str = ""
    rejected: tuple[tuple[date, str, str], ...] = ()
    quarantine_shares: Mapping[str, float] = field(default_factory=dict)
    waiting: tuple[date, ...] = ()
    open_requests: int = 0
    oldest_request: datetime | None = None


@dataclass(frozen=True)
class OpenRun:
    """A run that has not ended; `is_alive` tells whether its process runs on this machine."""

    run_id: str
    job: str
    is_alive: bool


@dataclass(frozen=True)
class DagsterFacts:
    """Dagster's own records.

    Attributes:
        has_run: There is a storage.
        problem: Why definitions or storage could not be read; empty when they could.
        unfinished: Frame of `inventory`; None when it could not be made.
        decisions: Assets of the job `decisions`, `a/b`.
        switched_on: Schedules and sensors that are on.
        heartbeat_age_s: Seconds since the daemon's last sign of life; None when it never gave one.
        daemon_errors: What the daemon reported of its last loops.
        open_runs: Runs that have not ended.
        tables_built_ts: When a mart or model table was built last, UTC.
    """

    has_run: bool = False
    problem: str = ""
    unfinished: pl.DataFrame | None = None
    decisions: frozenset[str] = frozenset()
    switched_on: tuple[str, ...] = ()
    heartbeat_age_s: float | None = None
    daemon_errors: tuple[str, ...] = ()
    open_runs: tuple[OpenRun, ...] = ()
    tables_built_ts: datetime | None = None


@dataclass(frozen=True)
class DbtFacts:
    """dbt's manifest of the platform's own project."""

    is_stale: bool = False
    is_writable: bool = True


@dataclass(frozen=True)
class HomeFacts:
    """Everything the checks judge.

    Attributes:
        now: UTC.
        home: Folder of the home.
        settings: Its choices; None when they cannot be read, which `settings_problem` explains.
        published_ts: When the snapshot was written, UTC; None when there is none.
        erasure_orders: Erasures that were begun and are not finished.
        not_looked_at: What could not be looked at and why, in sentences.
    """

    now: datetime
    environment: Environment
    home: Path | None = None
    settings: Settings | None = None
    settings_problem: str = ""
    disk: Disk = Disk(exists=False, is_writable=False, free_bytes=0)
    landing: LandingFacts = LandingFacts()
    queue: tuple[Ticket, ...] = ()
    warehouse: WarehouseFacts = WarehouseFacts()
    dagster: DagsterFacts = DagsterFacts()
    dbt: DbtFacts = DbtFacts()
    published_ts: datetime | None = None
    erasure_orders: int = 0
    not_looked_at: tuple[str, ...] = ()
