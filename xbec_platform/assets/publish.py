"""Publishing as assets: exports, the snapshot, the overview page. Numbers come from tables, none is made here."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.logistics_page import logistics_input
from xbec_platform.assets.model_tables import as_of_days, model_spec, read_as_of
from xbec_platform.assets.overview_queries import overview_input
from xbec_platform.assets.published_record import forget, made_from, note, standing
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import markdown_table, report_links
from xbec_platform.automation.conditions import after_good_inputs
from xbec_platform.automation.jobs import ALWAYS, REBUILD_TAG
from xbec_platform.partitions import daily
from xbec_platform.publish.page_names import CONTRACTS, CUSTOMER_PAGES, LOGISTICS, OVERVIEW
from xbec_platform.settings import Settings
from xbec_platform.whole_files import replace_text


def _day_of(**tables: str) -> dict[str, str]:
    """Queries of the day's slice of model tables, by the name of the export."""
    return {
        name: f"SELECT * EXCLUDE (as_of_date) FROM ml.{table} WHERE as_of_date = $day"
        for name, table in tables.items()
    }


EXPORT_QUERIES = {
    "segments": """
        SELECT customer_id, segment, recency_days, frequency_orders, monetary_base, r_score, f_score, m_score,
            cluster_key
        FROM marts.mart_rfm LEFT JOIN ml.customer_clusters USING (as_of_date, customer_id)
        WHERE as_of_date = $day
    """,
    **_day_of(
        interests="customer_interests",
        lifetime_value="clv",
        preferences="user_attribute_preference",
        product_target_groups="product_target_groups",
        attribute_target_groups="attribute_target_groups",
        recs_discover="recs_discover",
        recs_replenish="recs_replenish",
        assignment="warehouse_assignment",
        unserved="assignment_unserved",
        presale_conversion="presale_conversion",
        preposition_plan="preposition_plan",
        network_sites="network_sites",
        portraits="portrait_tags",
    ),
    "registration_funnel": "SELECT * FROM marts.mart_registration_funnel WHERE reg_date <= $day",
    **_day_of(
        inventory_policy="inventory_policy",
        inventory_actions="inventory_actions",
        operation_mode_comparison="operation_mode_comparison",
    ),
    "daily_kpi": "SELECT * FROM marts.mart_daily_kpi WHERE kpi_date <= $day",
}

_MODEL_TABLES = [
    asset_keys.CUSTOMER_CLUSTERS,
    asset_keys.CLUSTER_PROFILE,
    asset_keys.CUSTOMER_INTERESTS,
    asset_keys.INTEREST_PROFILE,
    asset_keys.CLV,
    asset_keys.ATTRIBUTE_PREFERENCE,
    asset_keys.PRODUCT_TARGETS,
    asset_keys.ATTRIBUTE_TARGETS,
    asset_keys.PORTRAIT_TAGS,
    asset_keys.RECS_DISCOVER,
    asset_keys.RECS_REPLENISH,
    asset_keys.ASSIGNMENT,
    asset_keys.ASSIGNMENT_UNSERVED,
    asset_keys.ASSIGNMENT_BOTTLENECKS,
    asset_keys.ASSIGNMENT_CONTAINERS,
    asset_keys.ASSIGNMENT_SUMMARY,
    asset_keys.PRESALE_CONVERSION,
    asset_keys.PREPOSITION_PLAN,
    asset_keys.NETWORK_SITES,
    asset_keys.NETWORK_FLOWS,
    asset_keys.NETWORK_SUMMARY,
    asset_keys.LANE_LEADTIME,
    asset_keys.ONTIME,
    asset_keys.ROUTES,
    asset_keys.INVENTORY_POLICY,
    asset_keys.INVENTORY_AGEING,
    asset_keys.INVENTORY_ACTIONS,
    asset_keys.OPERATION_MODES,
    asset_keys.mart("mart_rfm"),
    asset_keys.mart("mart_segment_moves"),
    asset_keys.mart("mart_registration_funnel"),
    asset_keys.mart("mart_daily_kpi"),
    asset_keys.mart("mart_user_database"),
]


def build_publish_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """What people and programs outside read."""

    def spec(key: dg.AssetKey, description: str, kinds: set[str]) -> dg.AssetSpec:
        return model_spec(
            key,
            group="publish",
            owner="team:platform",
            kinds=kinds,
            description=description,
            deps=_MODEL_TABLES,
        ).replace_attributes(automation_condition=after_good_inputs())

    @dg.multi_asset(
        name="publish",
        specs=[
            spec(
                asset_keys.EXPORTS,
                "Tables of the last as-of day as Parquet and CSV with a manifest, in exports/as_of=<day>/. "
                "Grain: file. Key: as-of day, table, format.",
                {"parquet", "csv"},
            ),
            spec(
                asset_keys.SNAPSHOT,
                "published.duckdb: all marts and model tables, read-only, swapped by rename. Grain: table. Key: name.",
                set(),
            ),
            spec(
                asset_keys.OVERVIEW_PAGE,
                "reports/overview.html: key figures, segments, a customer, the warehouse plan, the intake's account; "
                "one file, works offline. Beside it reports/logistics.html, and "
                "reports/contracts.html, the reference of all sources and mappings. "
                "Grain: home. Key: as-of day.",
                {"html"},
            ),
            spec(
                asset_keys.CUSTOMER_PAGES,
                "reports/segments.html: segments, groups, movements and the registration funnel; "
                "reports/portraits.html: portraits of groups and of some persons who agreed to it; "
                "reports/target_groups.html: ranked groups for a product or attributes. One file each, offline. "
                "Grain: page. Key: as-of day, page.",
                {"html"},
            ),
        ],
        partitions_def=daily(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="warehouse",
    )
    def publish(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        day = as_of_days(context)[-1]
        made = _made_from(settings, warehouse, day)
        stands = None if context.run.tags.get(REBUILD_TAG) == ALWAYS else standing(settings, made)
        if stands is not None:
            context.log.info(
                f"neither tables nor files have changed since {day} was published; "
                f"the tag {REBUILD_TAG}={ALWAYS} publishes anew"
            )
            yield from stands
            return
        forget(settings)
        results: list[dg.MaterializeResult[Any]] = []
        for publish_part in (_exports, _snapshot, _page, _customer_pages):
            results.append(publish_part(settings, warehouse, day))
            yield results[-1]
        if made is not None and made == _made_from(settings, warehouse, day):
            note(settings, made, _files(settings, day), results, context.run_id)

    return [publish]


def _made_from(settings: Settings, warehouse: WarehouseResource, day: date) -> str | None:
    with warehouse.file.connect("publish: changed since it was published?") as connection:
        return made_from(connection, settings, day)


def _files(settings: Settings, day: date) -> list[Path]:
    """All files of a publication."""
    exported = (settings.exports / f"as_of={day.isoformat()}").rglob("*")
    pages = (OVERVIEW, LOGISTICS, CONTRACTS, *CUSTOMER_PAGES)
    return [settings.published, *sorted(exported), *(settings.reports / page for page in pages)]


def _exports(settings: Settings, warehouse: WarehouseResource, day: date) -> dg.MaterializeResult[Any]:
    import polars as pl

    from xbec_platform.publish.exports import write_exports

    frames = read_as_of(warehouse.file, EXPORT_QUERIES, day, purpose="exports: read")
    manifest = write_exports(frames=frames, out=settings.exports, as_of=day, notes={"shop": settings.shop})
    table = pl.DataFrame(
        {"table": [t.name for t in manifest.tables], "rows": [t.rows for t in manifest.tables]}
    )
    return dg.MaterializeResult(
        asset_key=asset_keys.EXPORTS,
        metadata={
            "folder": dg.MetadataValue.path(str(settings.exports / manifest.folder)),
            "tables": markdown_table(table),
            "rows": int(table["rows"].sum()),
        },
    )


def _snapshot(settings: Settings, warehouse: WarehouseResource, _day: date) -> dg.MaterializeResult[Any]:
    from xbec_platform.publish.snapshot import publish_snapshot

    snapshot = publish_snapshot(warehouse.file, settings.published)
    return dg.MaterializeResult(
        asset_key=asset_keys.SNAPSHOT,
        metadata={
            "file": dg.MetadataValue.path(str(snapshot.path)),
            "bytes": snapshot.size_bytes,
            "tables": len(snapshot.tables),
            "rows": sum(snapshot.tables.values()),
        },
    )


def _page(settings: Settings, warehouse: WarehouseResource, day: date) -> dg.MaterializeResult[Any]:
    from xbec_platform.ingest.contracts import contracts
    from xbec_platform.ingest.mappings import mappings
    from xbec_platform.ingest.rules import rules
    from xbec_platform.publish.contracts_page import render_contracts
    from xbec_platform.publish.logistics_page import render_logistics
    from xbec_platform.publish.pages import render_overview

    html = render_overview(
        overview_input(settings, warehouse, day),
        contracts_href=CONTRACTS,
        logistics_href=LOGISTICS,
        customer_pages=CUSTOMER_PAGES,
    )
    logistics = render_logistics(logistics_input(settings, warehouse, day), overview_href=OVERVIEW)
    replace_text(settings.reports / LOGISTICS, logistics)
    feeds = mappings(settings.home / "mappings")
    replace_text(
        settings.reports / CONTRACTS, render_contracts(contracts().values(), feeds.values(), rules())
    )
    replace_text(settings.reports / OVERVIEW, html)
    return dg.MaterializeResult(
        asset_key=asset_keys.OVERVIEW_PAGE,
        metadata={
            **report_links(settings, {"page": OVERVIEW, "contracts": CONTRACTS, "logistics": LOGISTICS}),
            "bytes": len(html.encode()),
            "as of": day.isoformat(),
        },
    )


def _customer_pages(settings: Settings, warehouse: WarehouseResource, day: date) -> dg.MaterializeResult[Any]:
    from xbec_platform.assets.customer_pages import write_customer_pages

    sizes = write_customer_pages(settings, warehouse, day)
    return dg.MaterializeResult(
        asset_key=asset_keys.CUSTOMER_PAGES,
        metadata={
            **report_links(settings, {title.lower(): name for name, title in CUSTOMER_PAGES.items()}),
            "bytes": sum(sizes.values()),
            "as of": day.isoformat(),
        },
    )
