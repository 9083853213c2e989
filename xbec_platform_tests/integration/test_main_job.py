"""The main job on a generated shop: planted faults meet their fate, results lie where they are promised."""

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb

from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.automation.jobs import INTAKE_AND_FACTS
from xbec_platform.definitions import build_definitions
from xbec_platform.instance import open_instance
from xbec_platform.partitions import range_tags
from xbec_platform_tests.integration.homes import Shop


def rows(shop: Shop, sql: str) -> list[tuple[object, ...]]:
    with WarehouseResource.of(shop.settings).file.connect("test") as connection:
        return connection.execute(sql).fetchall()


def test_every_planted_fault_is_accounted_for(finished_shop: Shop) -> None:
    """The generator knows which records it broke; the intake must have found each of them, and no other."""
    manifest = {
        path: (status, quarantined, duplicates)
        for path, status, quarantined, duplicates in rows(
            finished_shop, "SELECT path, status, rows_quarantined, rows_duplicate FROM ops.file_manifest"
        )
    }
    expected: dict[str, list[int]] = {}
    for fault in finished_shop.summary.faults:
        if fault.expect == "file_rejected":
            assert manifest[fault.file][0] == "rejected", fault
        elif fault.expect in {"quarantined", "duplicate"}:
            counts = expected.setdefault(fault.file, [0, 0])
            counts[0 if fault.expect == "quarantined" else 1] += fault.rows
    found = {
        path: [quarantined, duplicates]
        for path, (status, quarantined, duplicates) in manifest.items()
        if status == "loaded" and (quarantined or duplicates)
    }
    assert found == expected


def test_rows_are_conserved_from_files_to_facts(finished_shop: Shop) -> None:
    """Loaded order lines are in the facts or listed as orphans."""
    ((loaded, facts, orphans),) = rows(
        finished_shop,
        """SELECT (SELECT count(*) FROM staging.stg_order_lines), (SELECT count(*) FROM marts.fct_order_line),
        (SELECT count(*) FROM intermediate.int_orphan_order_lines)""",
    )
    assert loaded == facts + orphans
    assert orphans == sum(fault.rows for fault in finished_shop.summary.faults if fault.expect == "orphan")


def test_snapshot_is_readable_while_the_live_file_is_written(finished_shop: Shop) -> None:
    """Readers use the snapshot and never wait: the live file is held open for writing meanwhile."""
    with WarehouseResource.of(finished_shop.settings).file.connect("test writer"):
        snapshot = duckdb.connect(str(finished_shop.settings.published), read_only=True)
        count = snapshot.execute("SELECT count(*) FROM marts.fct_order").fetchall()[0][0]
        snapshot.close()
    assert count > 0


def test_exports_and_page_are_there(finished_shop: Shop) -> None:
    """The manifest lists what lies beside it; the page names the shop."""
    folder = finished_shop.settings.exports / "as_of=2026-01-24"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert set(manifest["tables"]) == {
        "assignment",
        "attribute_target_groups",
        "daily_kpi",
        "interests",
        "inventory_actions",
        "inventory_policy",
        "lifetime_value",
        "network_sites",
        "operation_mode_comparison",
        "portraits",
        "preferences",
        "preposition_plan",
        "presale_conversion",
        "product_target_groups",
        "recs_discover",
        "recs_replenish",
        "registration_funnel",
        "segments",
        "unserved",
    }
    page = (finished_shop.settings.reports / "overview.html").read_text()
    assert finished_shop.settings.shop in page


def test_every_customer_has_full_lists_and_a_group(finished_shop: Shop) -> None:
    """Twenty discover and twenty replenish rows each; one group each."""
    ((customers, discover, replenish),) = rows(
        finished_shop,
        """SELECT (SELECT count(DISTINCT customer_id) FROM raw.customers),
        (SELECT count(*) FROM ml.recs_discover), (SELECT count(*) FROM ml.recs_replenish)""",
    )
    assert (discover, replenish) == (20 * customers, 20 * customers)
    ((groups, people),) = rows(
        finished_shop,
        """SELECT (SELECT count(*) FROM ml.customer_clusters),
        (SELECT count(*) FROM marts.mart_user_database WHERE as_of_date = DATE '2026-01-24')""",
    )
    assert groups == people > 0


def test_part_of_the_models_leaves_the_ledger_of_changed_days(finished_shop: Shop, tmp_path: Path) -> None:
    """One mart rebuilt by hand has not brought the others up to date: a late row must not be forgotten."""
    home = replace(finished_shop.settings, home=tmp_path)
    shutil.copy(finished_shop.settings.warehouse, home.warehouse)
    with WarehouseResource.of(home).file.transaction("test") as connection:
        connection.execute(
            "INSERT INTO ops.pending_event_days (source, event_date) VALUES ('orders', DATE '2026-01-20')"
        )
    instance = open_instance(home)
    job = build_definitions(home).resolve_job_def(INTAKE_AND_FACTS)
    result = job.get_subset(asset_selection={dg.AssetKey(["marts", "mart_daily_kpi"])}).execute_in_process(
        instance=instance, tags=range_tags(date(2026, 1, 23), date(2026, 1, 24))
    )
    instance.dispose()
    assert result.success
    with WarehouseResource.of(home).file.connect("test") as connection:
        kept = connection.execute(
            "SELECT count(*) FROM ops.pending_event_days WHERE event_date = DATE '2026-01-20'"
        ).fetchall()
        assert kept == [(1,)]
