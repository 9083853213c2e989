"""Steps that decide: one operation that fills tables by as-of day, left out where nothing it rests on has changed."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.model_tables import as_of_days
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.automation.jobs import ALWAYS, REBUILD_TAG
from xbec_platform.partitions import daily
from xbec_platform.settings import Settings
from xbec_platform.warehouse.decided import Decision, Known, begin, end, facts_version, known

Step = Callable[[dg.AssetExecutionContext, WarehouseResource], Iterator[dg.MaterializeResult[Any]]]

# Settings that say where and how things run, not what is decided.
_OPERATION = (
    "home",
    "shop",
    "end_date",
    "rebuild_days",
    "lock_wait_s",
    "dbt_threads",
    "memory_limit",
    "dagster_storage",
    "automation",
    "webhook_url",
    "log_format",
)


def decided_step(
    settings: Settings, *, name: str, specs: Sequence[dg.AssetSpec]
) -> Callable[[Step], dg.AssetsDefinition]:
    """Make a step of a function that computes, stores and reports the tables of its as-of days.

    Args:
        settings: The home.
        name: Of the step.
        specs: Of its tables, all by `as_of_date`.
    """

    def decorate(step: Step) -> dg.AssetsDefinition:
        @dg.multi_asset(
            name=name,
            specs=specs,
            partitions_def=daily(settings),
            backfill_policy=dg.BackfillPolicy.single_run(),
            pool="warehouse",
        )
        def decided(
            context: dg.AssetExecutionContext, warehouse: WarehouseResource
        ) -> Iterator[dg.MaterializeResult[Any]]:
            wanted = Decision(
                step=name,
                days=tuple(as_of_days(context)),
                made_from=None,
                run_id=context.run.run_id,
                tables=tuple(sorted(asset_keys.table(spec.key) for spec in specs)),
            )
            must = context.is_subset or context.run.tags.get(REBUILD_TAG) == ALWAYS
            with warehouse.file.transaction(f"{name}: changed since it was decided?") as connection:
                wanted = replace(wanted, made_from=_made_from(settings, facts_version(connection)))
                found = None if must else known(connection, wanted)
                if found is None:
                    begin(connection, wanted)
            if found is not None:
                yield from _unchanged(context, specs, found)
                return
            yield from step(context, warehouse)
            with warehouse.file.transaction(f"{name}: decided") as connection:
                is_same = _made_from(settings, facts_version(connection)) == wanted.made_from
                end(connection, wanted if is_same else replace(wanted, made_from=None))

        return decided

    return decorate


def _made_from(settings: Settings, facts: str | None) -> str | None:
    from xbec_platform.code_version import code_hash

    chosen = {key: value for key, value in asdict(settings).items() if key not in _OPERATION}
    return facts and hashlib.sha256(f"{code_hash()}\n{sorted(chosen.items())}\n{facts}".encode()).hexdigest()


def _unchanged(
    context: dg.AssetExecutionContext, specs: Sequence[dg.AssetSpec], found: Known
) -> Iterator[dg.MaterializeResult[Any]]:
    context.log.info(
        f"neither facts nor code have changed since run {found.made_by} decided, so it stands; "
        f"the tag {REBUILD_TAG}={ALWAYS} decides anew"
    )
    for spec in specs:
        rows = found.row_counts[asset_keys.table(spec.key)]
        yield dg.MaterializeResult(
            asset_key=spec.key, metadata={"unchanged since run": found.made_by, "dagster/row_count": rows}
        )
