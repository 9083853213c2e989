"""Everything the checks need, gathered in one go; a part that cannot be had is left out with a sentence saying so."""

from __future__ import annotations

from datetime import UTC, datetime

import yaml

from xbec_platform.erasure.orders import FOLDER as ERASURE_FOLDER
from xbec_platform.operations.doctor import files_reader
from xbec_platform.operations.doctor.facts import BUSY, DagsterFacts, HomeFacts
from xbec_platform.operations.doctor.warehouse_reader import warehouse
from xbec_platform.operations.read_only import WAIT_S
from xbec_platform.settings import Settings, SettingsError
from xbec_platform.warehouse.queue import tickets

NOT_PARSED = (
    "Partitions, runs and the daemon were not looked at: dbt's project has to be parsed first, which "
    "xbec backfill --dry-run does."
)


def gather(now: datetime, *, settings: Settings | None = None, wait_s: float = WAIT_S) -> HomeFacts:
    """Facts of a home. Costs some seconds: Dagster and dbt are loaded for the graph of assets.

    Args:
        now: UTC, without zone.
        settings: The home; None for the one the environment names.
        wait_s: Longest wait for the database file.
    """
    environment = files_reader.environment()
    try:
        settings = settings or Settings.from_env()
    except (SettingsError, yaml.YAMLError, TypeError, ValueError, OSError) as error:
        problem = " ".join(str(error).split())
        return HomeFacts(now=now, environment=environment, settings_problem=problem)
    disk = files_reader.disk(settings)
    if not disk.exists:
        return HomeFacts(now=now, environment=environment, home=settings.home, settings=settings, disk=disk)
    # The queue first: the look into the warehouse draws a ticket too.
    queue = tickets(settings.warehouse)
    tables = warehouse(settings, wait_s=wait_s)
    dbt = files_reader.dbt()
    records, left_out = _dagster(settings, now, is_parsed=not dbt.is_stale)
    if tables.obstacle == BUSY:
        left_out = (*left_out, f"The tables were not looked into: {tables.detail}")
    return HomeFacts(
        now=now,
        environment=environment,
        home=settings.home,
        settings=settings,
        disk=disk,
        landing=files_reader.landing(settings, now.replace(tzinfo=UTC).timestamp()),
        queue=queue,
        warehouse=tables,
        dagster=records,
        dbt=dbt,
        published_ts=_changed(settings),
        erasure_orders=len(list((settings.home / ERASURE_FOLDER).glob("*.json"))),
        not_looked_at=left_out,
    )


def _dagster(settings: Settings, now: datetime, *, is_parsed: bool) -> tuple[DagsterFacts, tuple[str, ...]]:
    """Dagster's records and what was left out; parsing dbt's project would write."""
    if not is_parsed:
        return DagsterFacts(), (NOT_PARSED,)
    from xbec_platform.operations.doctor.dagster_reader import dagster

    return dagster(settings, now), ()


def _changed(settings: Settings) -> datetime | None:
    """When the snapshot was written, UTC."""
    if not settings.published.is_file():
        return None
    return datetime.fromtimestamp(settings.published.stat().st_mtime, UTC).replace(tzinfo=None)
