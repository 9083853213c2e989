"""Erasure as an asset: answer landed requests, clean later files. What forgetting means is in `erasure`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.asset_keys import ERASURE_LOG
from xbec_platform.assets.ui_metadata import markdown_table
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    from xbec_platform.erasure.erase import ErasureReport

GROUP = "erasure"


def build_erasure_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The log of erasures; materialising it erases everybody who asked."""

    @dg.asset(
        key=ERASURE_LOG,
        group_name=GROUP,
        owners=["team:customer-data"],
        kinds={"duckdb", "polars"},
        tags={"domain": "customer", "pii": "false"},
        deps=[asset_keys.raw("deletion_requests")],
        pool="warehouse",
        description="What was erased, for whom and when: landed requests are worked off in landing files, tables, "
        "models, exports, pages and logs, everything is rebuilt and searched; files that landed after an erasure "
        "lose the people it forgot. Persons are salted hashes. "
        "Grain: one row per request and table. Key: request_id, table_name.",
        metadata={"dagster/table_name": "ops.erasure_log"},
    )
    def erasure(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        import polars as pl

        from xbec_platform.erasure.erase import work_off
        from xbec_platform.erasure.requests import open_landed_requests
        from xbec_platform.erasure.sweep import sweep
        from xbec_platform.main_job import run_jobs

        opened, waiting = open_landed_requests(settings)
        context.log.info(f"{opened} requests opened, {len(waiting)} wait for a person's decision")
        now = datetime.now(UTC).replace(tzinfo=None)
        report = work_off(settings, rebuild=lambda: run_jobs(settings).succeeded, done_ts=now)
        swept = sweep(settings, now)
        table = pl.DataFrame(waiting, schema=["request", "why it waits"], orient="row")
        return dg.MaterializeResult(
            metadata={
                "requests that wait": markdown_table(table),
                "later files looked at": len(swept.looked_at),
                "later files rewritten": len(swept.changed),
                **(_counts(report) if report else {}),
            }
        )

    return [erasure]


def _counts(report: "ErasureReport") -> dict[str, Any]:
    return {
        "persons": report.persons,
        "rows that mentioned them": sum(report.tables.values()),
        "landing files rewritten": len(report.landing.changed),
        "files nobody can look into": len(report.after.unreadable),
        "database bytes before": report.size_before,
        "database bytes after": report.size_after,
    }
