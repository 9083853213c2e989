"""What a call of dbt reports, and what is reported in its place when nothing has changed. dbt is called elsewhere."""

import re
from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg

from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.automation.jobs import ALWAYS, REBUILD_TAG
from xbec_platform.warehouse.dbt_builds import Build, Check, begin, known

# What dbt says of a table that lacks a column of its model, or has one more (`on_schema_change: fail`).
_OLD_TABLE = re.compile(r"Error in model (\w+) \([^)]*\)\s+The source and target schemas .* out of sync")
MAKE_ANEW = "xbec dbt build --full-refresh --exclude-resource-type unit_test"


def advice(said: str) -> str:
    """What to do about what dbt said of failed models; empty where that depends."""
    old = sorted(set(_OLD_TABLE.findall(said)))
    if not old:
        return ""
    return (
        f"; {', '.join(old)} was made by another version of the platform and has other columns; it stays as it was. "
        f"{MAKE_ANEW} makes all tables of dbt anew, for all days; then run this again"
    )


def row_counts(connection: Any) -> dict[str, int]:
    """Rows of every table dbt stores."""
    tables = connection.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
        "WHERE schema_name IN ('seeds', 'intermediate', 'marts') ORDER BY ALL"
    ).fetchall()
    return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for (name,) in tables}


def with_rows(
    context: dg.AssetExecutionContext, events: Iterable[Any], counts: Mapping[str, int]
) -> Iterator[Any]:
    """Dbt's events; that of a table has its rows."""
    for event in events:
        key = context.asset_key_for_output(event.output_name) if isinstance(event, dg.Output) else None
        rows = counts.get(".".join(key.path)) if key else None
        yield (
            event.with_metadata({**event.metadata, "dagster/row_count": rows}) if rows is not None else event
        )


def checks_of(events: Iterable[Any]) -> tuple[Check, ...]:
    """How the tests among dbt's events ended."""
    return tuple(
        Check(
            "/".join(event.asset_key.path),
            event.check_name,
            event.passed,
            event.severity == dg.AssetCheckSeverity.WARN,
        )
        for event in events
        if isinstance(event, dg.AssetCheckResult) and event.asset_key and event.check_name
    )


def built_before(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, wanted: Build
) -> tuple[Build, dict[str, int]] | None:
    """The build that made what this run would make, and the rows of all tables; None when dbt must be called.

    Its notes are torn up then: tables are about to change.
    """
    may_stay = not context.is_subset and context.run.tags.get(REBUILD_TAG) != ALWAYS
    with warehouse.file.transaction("dbt: changed since it was built?") as connection:
        counts = row_counts(connection)
        found = known(connection, wanted, counts) if may_stay else None
        if found is None:
            begin(connection, wanted)
    return (found, counts) if found else None


def unchanged(context: dg.AssetExecutionContext, build: Build, counts: Mapping[str, int]) -> Iterator[Any]:
    """What a build reported, told again."""
    since = {"unchanged since run": build.run_id}
    context.log.info(
        f"{build.selection}: neither raw rows nor models have changed since run {build.run_id}, so dbt is not called; "
        f"the tag {REBUILD_TAG}={ALWAYS} builds anyway"
    )
    # What is made from another asset must be told after it.
    order = TopologicalSorter(
        {key: context.assets_def.asset_deps[key] for key in context.selected_asset_keys}
    )
    for key in (key for key in order.static_order() if key in context.selected_asset_keys):
        rows = counts.get(".".join(key.path))
        more = {"dagster/row_count": rows} if rows is not None else {}
        yield dg.MaterializeResult(asset_key=key, metadata={**since, **more})
    selected = {("/".join(key.asset_key.path), key.name) for key in context.selected_asset_check_keys}
    for check in build.checks:
        if (check.asset, check.name) in selected:
            yield dg.AssetCheckResult(
                passed=check.passed,
                asset_key=dg.AssetKey(check.asset.split("/")),
                check_name=check.name,
                severity=dg.AssetCheckSeverity.WARN if check.is_warning else dg.AssetCheckSeverity.ERROR,
                metadata=since,
            )
