"""Checks of the intake: the account of every file balances, contracts and keys hold, no file was rejected."""

from collections.abc import Iterator

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.checks.verdict import verdict
from xbec_platform.ingest.contracts import Contract, contracts
from xbec_platform.ingest.quarantine import SHARE_LIMIT, SHARES_SQL
from xbec_platform.partitions import first_day
from xbec_platform.settings import Settings

_ACCOUNT_SQL = """
SELECT path, rows_in, rows_loaded, rows_quarantined, rows_duplicate FROM ops.file_manifest
WHERE status = 'loaded' AND rows_in <> rows_loaded + rows_quarantined + rows_duplicate ORDER BY path
"""
_STRAY_SQL = """
SELECT m.path, m.rows_quarantined, count(q.file_id) AS kept
FROM ops.file_manifest AS m LEFT JOIN quarantine.records AS q ON q.file_id = m.file_id
WHERE m.status = 'loaded' GROUP BY m.path, m.file_id, m.rows_quarantined
HAVING count(q.file_id) <> m.rows_quarantined ORDER BY m.path
"""
_REPAIRS_SQL = """
SELECT m.path, m.rows_repaired, count(DISTINCT r.row_no) AS kept
FROM ops.file_manifest AS m LEFT JOIN ops.repairs AS r ON r.file_id = m.file_id
WHERE m.status = 'loaded' GROUP BY m.path, m.file_id, m.rows_repaired
HAVING count(DISTINCT r.row_no) <> coalesce(m.rows_repaired, 0) ORDER BY m.path
"""
# A row that two rules warn about is one warned row and counts under both.
_WARNINGS_SQL = """
SELECT m.path, m.rows_warned, coalesce(sum(w.rows), 0)::BIGINT AS counted
FROM ops.file_manifest AS m LEFT JOIN ops.warnings AS w ON w.file_id = m.file_id
WHERE m.status = 'loaded' GROUP BY m.path, m.file_id, m.rows_warned
HAVING coalesce(max(w.rows), 0) > coalesce(m.rows_warned, 0)
    OR coalesce(sum(w.rows), 0) < coalesce(m.rows_warned, 0) ORDER BY m.path
"""
# A run rebuilds the days shortly before its own first one along; older ones are left until somebody asks.
_WAITING_SQL = """
SELECT event_date::VARCHAR, string_agg(DISTINCT source, ', ' ORDER BY source), sum(rows)::BIGINT,
    'since drop ' || min(drop_date)
FROM ops.pending_event_days
WHERE event_date >= ? AND event_date < coalesce(?, (SELECT max(drop_date) FROM ops.file_manifest)) - ?
GROUP BY event_date ORDER BY event_date DESC
"""


def build_intake_checks(settings: Settings) -> list[dg.AssetChecksDefinition]:
    """One operation that judges all raw tables in one opening of the file."""

    @dg.multi_asset_check(
        name="intake_checks",
        specs=[
            *[
                dg.AssetCheckSpec(
                    "contract_holds",
                    asset=asset_keys.raw(source),
                    blocking=True,
                    description="Required columns are filled, keys are unique within a file, rows name a file.",
                )
                for source in contracts()
            ],
            dg.AssetCheckSpec(
                "rows_conserved",
                asset=asset_keys.FILE_MANIFEST,
                blocking=True,
                description="For every file: rows in = loaded + quarantined + exact duplicates.",
            ),
            dg.AssetCheckSpec(
                "no_file_rejected",
                asset=asset_keys.FILE_MANIFEST,
                description="No landed file had to be rejected whole. The rest is loaded; mend the file and run again.",
            ),
            dg.AssetCheckSpec(
                "no_day_waits_unseen",
                asset=asset_keys.FILE_MANIFEST,
                description=(
                    f"No event day further back than {settings.rebuild_days} days has late or corrected rows that "
                    "its facts do not know yet. The sensor late_data or a backfill over the day rebuilds them."
                ),
            ),
            dg.AssetCheckSpec(
                "all_reasons_kept",
                asset=asset_keys.QUARANTINE,
                blocking=True,
                description="Every quarantined record of the manifest is there with its reasons.",
            ),
            dg.AssetCheckSpec(
                "repairs_on_record",
                asset=asset_keys.REPAIRS,
                blocking=True,
                description="As many rows are on record as mended as the account of each file says.",
            ),
            dg.AssetCheckSpec(
                "warnings_counted",
                asset=asset_keys.WARNINGS,
                blocking=True,
                description="Files whose account has warned rows say by which rules, and only they do.",
            ),
            dg.AssetCheckSpec(
                "quarantine_share",
                asset=asset_keys.QUARANTINE,
                description=f"At most {SHARE_LIMIT:.0%} of a feed's records are quarantined.",
            ),
        ],
    )
    def intake_checks(
        context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.AssetCheckResult]:
        with warehouse.file.connect("intake: checks") as connection:
            for contract in contracts().values():
                broken = connection.execute(_contract_sql(contract)).fetchall()
                yield verdict(asset_keys.raw(contract.source), "contract_holds", broken)
            manifest = asset_keys.FILE_MANIFEST
            yield verdict(manifest, "rows_conserved", connection.execute(_ACCOUNT_SQL).fetchall())
            rejected = connection.execute(
                "SELECT path, error FROM ops.file_manifest WHERE status = 'rejected' ORDER BY path"
            ).fetchall()
            yield verdict(manifest, "no_file_rejected", rejected)
            bounds = [settings.start_date, first_day(context.run.tags), settings.rebuild_days]
            waiting = connection.execute(_WAITING_SQL, bounds).fetchall()
            yield verdict(manifest, "no_day_waits_unseen", waiting, severity=dg.AssetCheckSeverity.WARN)
            stray = connection.execute(_STRAY_SQL).fetchall()
            yield verdict(asset_keys.QUARANTINE, "all_reasons_kept", stray)
            repairs = connection.execute(_REPAIRS_SQL).fetchall()
            yield verdict(asset_keys.REPAIRS, "repairs_on_record", repairs)
            warnings = connection.execute(_WARNINGS_SQL).fetchall()
            yield verdict(asset_keys.WARNINGS, "warnings_counted", warnings)
            shares = connection.execute(SHARES_SQL).fetchall()
            above = [(feed, f"{share:.1%}") for feed, share in shares if share > SHARE_LIMIT]
            yield verdict(
                asset_keys.QUARANTINE, "quarantine_share", above, severity=dg.AssetCheckSeverity.WARN
            )

    return [intake_checks]


def _contract_sql(contract: Contract) -> str:
    """Rows that break the contract in the table: what can go wrong after the screening."""
    required = [f"{name} IS NULL" for name, column in contract.columns.items() if not column.nullable]
    key = ", ".join(contract.key)
    return f"""
    SELECT 'required column is empty' AS fault, _file_id, _row_no FROM raw.{contract.source}
    WHERE {" OR ".join(required)}
    UNION ALL
    SELECT 'key repeated within a file', _file_id, min(_row_no) FROM raw.{contract.source}
    GROUP BY _file_id, {key} HAVING count(*) > 1
    UNION ALL
    SELECT 'file is not in the manifest as loaded', r._file_id, min(r._row_no) FROM raw.{contract.source} AS r
    LEFT JOIN ops.file_manifest AS m ON m.file_id = r._file_id AND m.status = 'loaded'
    WHERE m.file_id IS NULL GROUP BY r._file_id
    ORDER BY ALL
    """
