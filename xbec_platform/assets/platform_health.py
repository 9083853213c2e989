"""Platform health as an asset: what runs cost by asset and day, and the page that shows it. No number is made here."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import described, markdown_table
from xbec_platform.settings import Settings
from xbec_platform.whole_files import replace_text

PAGE = "platform_health.html"


def build_health_assets(
    settings: Settings, assets: Iterable[dg.AssetsDefinition]
) -> list[dg.AssetsDefinition]:
    """The table and its page.

    Args:
        settings: The home.
        assets: All others: their runs are counted, and the table comes after those that are published.
    """
    specs = {spec.key: spec for definition in assets for spec in definition.specs}
    partitioned = {key for key, spec in specs.items() if spec.partitions_def is not None}

    @dg.multi_asset(name="platform_health", specs=[_spec()], pool="warehouse")
    def platform_health(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> dg.MaterializeResult[Any]:
        from xbec_platform.operations import platform_health as health
        from xbec_platform.publish.health_page import HealthInput, render_health
        from xbec_platform.warehouse.database import create_missing, read_frame, replace_windows

        now = datetime.now(UTC).replace(tzinfo=None)
        start = now.date() - timedelta(days=health.DAYS_BACK - 1)
        uses = [one for one in health.step_uses(context.instance, since=start) if one.day >= start]
        states = health.built(context.instance, sorted(specs), partitioned)
        with warehouse.file.transaction("platform health") as connection:
            sizes = health.table_sizes(connection)
            rows = health.health_rows(uses, states, sizes, today=now.date())
            create_missing(connection, {health.TABLE: health.SCHEMA})
            replace_windows(
                connection,
                {health.TABLE: rows},
                column="health_date",
                start=start,
                end=now.date() + timedelta(days=1),
            )
            known = read_frame(connection, f"SELECT * FROM {health.TABLE} ORDER BY health_date, asset_key")
            incidents, alerts = (read_frame(connection, sql) for sql in _open_rows(connection))
        html = render_health(HealthInput(settings.shop, now, known, incidents, alerts))
        replace_text(settings.reports / PAGE, html)
        slowest = rows.select("asset_key", "health_date", "step_s", "rows", "size_bytes").sort(
            "step_s", descending=True
        )
        return dg.MaterializeResult(
            asset_key=asset_keys.PLATFORM_HEALTH,
            metadata={
                "dagster/row_count": known.height,
                "page": dg.MetadataValue.url((settings.reports / PAGE).as_uri()),
                "step seconds": float(rows["step_s"].sum()),
                "failures": int(rows["failures"].sum()),
                "warehouse bytes": sum(sizes.values()),
                "slowest": markdown_table(slowest),
            },
        )

    return [platform_health]


def _spec() -> dg.AssetSpec:
    return described(
        dg.AssetSpec(
            asset_keys.PLATFORM_HEALTH,
            group_name="platform",
            owners=["team:platform"],
            kinds={"duckdb", "html"},
            tags={"domain": "operations"},
            description="What each asset cost and how it stands: runs, failures, seconds, queue waits, rows, bytes, "
            "newest day; shown on reports/platform_health.html. Grain: one row per day and asset. Key: health_date, "
            "asset_key.",
            metadata={"dagster/table_name": "ops.platform_health"},
            deps=[asset_keys.SNAPSHOT, asset_keys.OVERVIEW_PAGE, asset_keys.EXPORTS, asset_keys.CATALOGUE],
        )
    )


def _open_rows(connection: Any) -> tuple[str, str]:
    """Queries for open incidents and alerts; the sensors may not have made their tables yet."""
    from xbec_platform.operations.alerts import ledger
    from xbec_platform.operations.incidents import INCIDENTS
    from xbec_platform.operations.incidents import SCHEMA as INCIDENT_SCHEMA
    from xbec_platform.warehouse.database import create_missing

    create_missing(connection, {ledger.ALERTS: ledger.SCHEMA, INCIDENTS: INCIDENT_SCHEMA})
    return (
        f"""SELECT root_asset, failures, first_failed_ts, last_failed_ts, error FROM {INCIDENTS}
        WHERE resolved_ts IS NULL ORDER BY last_failed_ts DESC, root_asset""",
        f"""SELECT kind, count(*) FILTER (cleared_ts IS NULL) AS open, count(*) AS raised, max(raised_ts) AS newest_ts
        FROM {ledger.ALERTS} GROUP BY kind ORDER BY kind""",
    )
