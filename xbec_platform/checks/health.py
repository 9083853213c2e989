"""Checks of the platform itself: no day failed, the newest one is on time, decided days stay as they were."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.asset_keys import PLATFORM_HEALTH
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.checks.verdict import verdict
from xbec_platform.partitions import days
from xbec_platform.settings import Settings

# Tables whose days change through their own runs only; facts may be rebuilt along with a later day.
DECIDED = (asset_keys.CUSTOMER_CLUSTERS, asset_keys.RECS_DISCOVER, asset_keys.ASSIGNMENT)
# Each day is looked at in the week after it.
DAYS_KEPT = 7
STATES = "states"

States = Mapping[str, list[Any]]


def build_health_checks(
    settings: Settings, assets: Iterable[dg.AssetsDefinition]
) -> list[dg.AssetChecksDefinition]:
    """One operation for all of them.

    Args:
        settings: The home.
        assets: All assets: the partitioned ones are looked at.
    """
    partitioned = sorted(
        spec.key for definition in assets for spec in definition.specs if spec.partitions_def is not None
    )

    @dg.multi_asset_check(
        name="health_checks",
        specs=[
            dg.AssetCheckSpec(
                "no_day_failed",
                asset=PLATFORM_HEALTH,
                description="No partition's last attempt failed, was cancelled or lost its process; see xbec doctor.",
            ),
            dg.AssetCheckSpec(
                "newest_day_on_time",
                asset=PLATFORM_HEALTH,
                description="What people wait for has the newest day by the morning's deadline, by partition.",
            ),
            dg.AssetCheckSpec(
                "decided_days_stay",
                asset=PLATFORM_HEALTH,
                description=f"Decisions of the last {DAYS_KEPT} days are those of their last run; nothing else wrote.",
            ),
        ],
    )
    def health_checks(
        context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.AssetCheckResult]:
        from xbec_platform.operations.platform_health import (
            DEADLINE_HOUR,
            PROMISED,
            built,
            expected_day,
            stale,
        )

        instance, warn = context.instance, dg.AssetCheckSeverity.WARN
        now = datetime.now(UTC).replace(tzinfo=None)
        end = min(settings.end_date or now.date(), now.date())
        yield verdict(
            PLATFORM_HEALTH, "no_day_failed", failed_days(instance, partitioned, settings.start_date, end)
        )
        due = expected_day(now, deadline_hour=DEADLINE_HOUR, end=settings.end_date)
        late = stale(built(instance, PROMISED, set(PROMISED)), due)
        yield verdict(PLATFORM_HEALTH, "newest_day_on_time", [(*one, f"{due} is due") for one in late], warn)
        before = _last_states(instance)
        after = _states(instance, warehouse, end)
        result = verdict(PLATFORM_HEALTH, "decided_days_stay", moved(before, after))
        yield result._replace(metadata={**result.metadata, STATES: dg.MetadataValue.json(dict(after))})

    return [health_checks]


def failed_days(
    instance: dg.DagsterInstance, keys: Iterable[dg.AssetKey], start: date, end: date
) -> list[tuple[object, ...]]:
    """Assets with days that failed: (asset, status, days, the newest)."""
    import polars as pl

    from xbec_platform.operations.inventory import CANCELED, FAILED, LOST, inventory

    found = inventory(instance, keys, list(days(start, end)))
    by_asset = (
        found.filter(pl.col("status").is_in([FAILED, CANCELED, LOST]))
        .group_by("asset_key", "status")
        .agg(pl.len(), pl.col("partition").max())
        .sort("asset_key", "status")
    )
    return list(by_asset.rows())


def moved(before: States, after: States) -> list[tuple[object, ...]]:
    """Days whose rows changed although no run built them, unless somebody was erased meanwhile.

    Args:
        before: `table day` -> [number of its last build, hash of its rows, erasures so far], at the last look.
        after: The same now.
    """
    return [
        (key, "changed without a run")
        for key in sorted(before.keys() & after.keys())
        if before[key][0] == after[key][0]
        and before[key][2] == after[key][2]
        and before[key][1] != after[key][1]
    ]


def _states(instance: dg.DagsterInstance, warehouse: WarehouseResource, end: date) -> dict[str, list[Any]]:
    """State of each decided day of the last week."""
    from xbec_platform.warehouse.database import missing_tables

    wanted = [day.isoformat() for day in days(end - timedelta(days=DAYS_KEPT), end)]
    states: dict[str, list[Any]] = {}
    with warehouse.file.connect("health: decided days") as connection:
        missing = missing_tables(connection, [*map(asset_keys.table, DECIDED), "ops.erasure_log"])
        erased = (
            connection.execute("SELECT count(*) FROM ops.erasure_log").fetchall()[0][0]
            if "ops.erasure_log" not in missing
            else 0
        )
        for key in DECIDED:
            table = asset_keys.table(key)
            if table in missing:
                continue
            builds = instance.get_latest_storage_id_by_partition(
                key, dg.DagsterEventType.ASSET_MATERIALIZATION, set(wanted)
            )
            rows = connection.execute(
                f"""SELECT as_of_date::VARCHAR, count(*), sum(hash(t)::HUGEINT)::VARCHAR FROM {table} AS t
                WHERE as_of_date >= ? GROUP BY ALL ORDER BY ALL""",
                [end - timedelta(days=DAYS_KEPT)],
            ).fetchall()
            for day, n, digest in rows:
                if day in builds:
                    shown = hashlib.sha256(f"{n} {digest}".encode()).hexdigest()[:12]
                    states[f"{table} {day}"] = [builds[day], shown, erased]
    return states


def _last_states(instance: dg.DagsterInstance) -> States:
    """What the last look kept; nothing before the first one."""
    key = dg.AssetCheckKey(PLATFORM_HEALTH, "decided_days_stay")
    records = instance.event_log_storage.get_asset_check_execution_history(key, limit=5)
    for record in records:
        event = record.event.dagster_event if record.event is not None else None
        if event is None or event.event_type != dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            continue
        kept = event.asset_check_evaluation_data.metadata.get(STATES)
        if kept is not None:
            return dict(json.loads(json.dumps(kept.value)))
    return {}
