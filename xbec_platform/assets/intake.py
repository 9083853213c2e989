"""The intake as assets: one operation fills all raw tables, the quarantine and the manifest of a window."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import bars, column_schema, markdown_table
from xbec_platform.ingest.contracts import Contract, contracts
from xbec_platform.partitions import daily, window
from xbec_platform.settings import Settings

_ACCOUNTS_SQL = """
SELECT drop_date, sum(rows_in)::BIGINT AS rows_in, sum(rows_loaded)::BIGINT AS loaded,
    sum(rows_quarantined)::BIGINT AS quarantined, sum(rows_duplicate)::BIGINT AS exact_duplicates
FROM ops.file_manifest WHERE status = 'loaded' AND drop_date >= ? AND drop_date < ?
GROUP BY drop_date ORDER BY drop_date DESC
"""
_REASONS_SQL = """
SELECT reason, count(*) AS records FROM (
    SELECT feed || ': ' || unnest(reasons) AS reason
    FROM quarantine.records WHERE drop_date >= ? AND drop_date < ?
) GROUP BY reason ORDER BY records DESC, reason LIMIT 20
"""
_REJECTED_SQL = """
SELECT path, error FROM ops.file_manifest
WHERE status = 'rejected' AND drop_date >= ? AND drop_date < ? ORDER BY path
"""
_REPAIRS_SQL = """
SELECT rule_id, count(*) AS rows FROM ops.repairs WHERE drop_date >= ? AND drop_date < ?
GROUP BY rule_id ORDER BY rows DESC, rule_id
"""
_WARNINGS_SQL = """
SELECT rule_id, sum(rows)::BIGINT AS rows FROM ops.warnings WHERE drop_date >= ? AND drop_date < ?
GROUP BY rule_id ORDER BY rows DESC, rule_id
"""
_WAITING_SQL = """
SELECT event_date, string_agg(DISTINCT source, ', ' ORDER BY source) AS sources, sum(rows)::BIGINT AS rows,
    min(drop_date) AS since_drop
FROM ops.pending_event_days WHERE event_date >= ? AND event_date < ? GROUP BY event_date ORDER BY event_date DESC
"""


def build_intake_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The raw tables of all contracts, the quarantine and the manifest, by drop day."""

    @dg.multi_asset(
        name="intake",
        specs=[
            *[_raw_spec(contract) for contract in contracts().values()],
            _spec(
                asset_keys.QUARANTINE,
                "Records that broke a promise of their contract, with all reasons and the raw record. "
                "Grain: one row per rejected record. Key: file_id, row_no.",
            ),
            _spec(
                asset_keys.REPAIRS,
                "Values that a rule mended, before and after. Grain: one row per mended cell of a loaded row. "
                "Key: file_id, row_no, rule_id, column_name.",
            ),
            _spec(
                asset_keys.WARNINGS,
                "Loaded rows that a rule warns about, counted. Grain: one row per file and rule. "
                "Key: file_id, rule_id.",
            ),
            _spec(
                asset_keys.FILE_MANIFEST,
                "Every landed file and its account: rows in = loaded + quarantined + exact duplicates. "
                "Grain: one row per content at a path. Key: file_id.",
            ),
        ],
        partitions_def=daily(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="warehouse",
    )
    def intake(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        from xbec_platform.ingest.feeds import Feeds
        from xbec_platform.ingest.intake import run_intake

        start, end = window(context)
        report = run_intake(
            warehouse.file,
            settings.landing,
            start=start,
            end=end,
            feeds=Feeds.of_home(settings.home),
            progress=lambda done, total: context.log.info(f"intake: {done} of {total} files"),
        )
        for path, cause in report.misplaced:
            context.log.warning(f"not read: {path}: {cause}")
        for error in report.rejected:
            context.log.error(f"rejected {error}")
        yield from _results(warehouse, settings, start, end, report)

    return [intake]


def _raw_spec(contract: Contract) -> dg.AssetSpec:
    personal = sorted(name for name, column in contract.columns.items() if column.pii != "none")
    return dg.AssetSpec(
        asset_keys.raw(contract.source),
        group_name="intake",
        owners=[contract.owner],
        kinds={"duckdb", "polars"},
        tags={"domain": contract.domain, "pii": "true" if personal else "false"},
        description=f"{contract.description}\n\nGrain: {contract.grain}. Key: {', '.join(contract.key)}.",
        metadata={
            "dagster/column_schema": column_schema(contract),
            "dagster/table_name": f"raw.{contract.source}",
            "personal columns": ", ".join(personal) or "none",
        },
    )


def _spec(key: dg.AssetKey, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key,
        group_name="intake",
        owners=["team:platform"],
        kinds={"duckdb", "polars"},
        tags={"domain": "platform"},
        description=description,
        metadata={"dagster/table_name": asset_keys.table(key)},
    )


def _results(
    warehouse: WarehouseResource, settings: Settings, start: Any, end: Any, report: Any
) -> Iterator[dg.MaterializeResult[Any]]:
    """Counts of the window per table, and the account as a small table and plot."""
    from xbec_platform.warehouse.database import read_frame

    bounds = [start, end]
    with warehouse.file.connect("intake: report") as connection:
        counts = {
            source: connection.execute(
                f"SELECT count(*), count(*) FILTER (_drop_date >= ? AND _drop_date < ?) FROM raw.{source}",
                bounds,
            ).fetchall()[0]
            for source in contracts()
        }
        accounts = read_frame(connection, _ACCOUNTS_SQL, bounds)
        reasons = read_frame(connection, _REASONS_SQL, bounds)
        rejected = read_frame(connection, _REJECTED_SQL, bounds)
        waiting = read_frame(connection, _WAITING_SQL, [settings.start_date, start])
        repairs = read_frame(connection, _REPAIRS_SQL, bounds)
        warnings = read_frame(connection, _WARNINGS_SQL, bounds)
    common = {"window": f"{start} to {end} (drop days, end excluded)"}
    for source, (total, in_window) in counts.items():
        yield dg.MaterializeResult(
            asset_key=asset_keys.raw(source),
            metadata={"dagster/row_count": total, "dagster/partition_row_count": in_window, **common},
        )
    yield dg.MaterializeResult(
        asset_key=asset_keys.QUARANTINE,
        metadata={
            "dagster/partition_row_count": int(accounts["quarantined"].sum()),
            "reasons": bars(dict(reasons.iter_rows()), unit="records"),
            **common,
        },
    )
    for key, by_rule in ((asset_keys.REPAIRS, repairs), (asset_keys.WARNINGS, warnings)):
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "dagster/partition_row_count": int(by_rule["rows"].sum()),
                "rows by rule": bars(dict(by_rule.iter_rows()), unit="rows"),
                **common,
            },
        )
    yield dg.MaterializeResult(
        asset_key=asset_keys.FILE_MANIFEST,
        metadata={
            "files read now": len(report.accounts),
            "files unchanged": report.unchanged,
            "files with known content": report.duplicates,
            "files rejected": rejected.height,
            "rows in": int(accounts["rows_in"].sum()),
            "rows loaded": int(accounts["loaded"].sum()),
            "rows quarantined": int(accounts["quarantined"].sum()),
            "exact duplicates": int(accounts["exact_duplicates"].sum()),
            "account by drop day": markdown_table(accounts),
            "rejected files": markdown_table(rejected),
            "changed event days before the window": waiting.height,
            "event days that wait to be rebuilt": markdown_table(waiting),
            **common,
        },
    )
