"""Checks of erasure: nobody on the suppression list is found in any text column, and requests are answered in time."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from xbec_platform.asset_keys import ERASURE_LOG
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.checks.verdict import verdict
from xbec_platform.settings import Settings

LIMIT_DAYS = 30


def build_erasure_checks(settings: Settings) -> list[dg.AssetChecksDefinition]:
    """Both checks in one operation."""

    @dg.multi_asset_check(
        name="erasure_checks",
        specs=[
            dg.AssetCheckSpec(
                "no_erased_person_anywhere",
                asset=ERASURE_LOG,
                description="No text column of the warehouse or of the published snapshot, no word in one and no row "
                "of an export has the salted hash of an erased identifier; no order is left half done.",
            ),
            dg.AssetCheckSpec(
                "requests_answered_in_time",
                asset=ERASURE_LOG,
                description=f"No landed request has been open for more than {LIMIT_DAYS} days.",
            ),
        ],
    )
    def erasure_checks(warehouse: WarehouseResource) -> Iterator[dg.AssetCheckResult]:
        from xbec_platform.erasure.log import open_requests
        from xbec_platform.erasure.orders import read_orders
        from xbec_platform.erasure.proof import search
        from xbec_platform.ingest.store import create_tables
        from xbec_platform.ingest.suppression_file import load_suppression

        found = search(settings, load_suppression(settings.home), ())
        faults: list[tuple[object, ...]] = [(one.table, one.column, one.rows) for one in found.columns]
        faults += [
            (path.relative_to(settings.home).as_posix(), "", rows) for path, rows in found.files.items()
        ]
        faults += (
            [("erasure begun and not finished", len(orders))]
            if (orders := read_orders(settings.home))
            else []
        )
        yield verdict(ERASURE_LOG, "no_erased_person_anywhere", faults)
        now = datetime.now(UTC).replace(tzinfo=None)
        with warehouse.file.transaction("erasure: open requests") as connection:
            create_tables(connection)
            waiting = [(one.request_id, (now - one.requested_ts).days) for one in open_requests(connection)]
        late = [(request, f"open for {days} days") for request, days in waiting if days > LIMIT_DAYS]
        result = verdict(ERASURE_LOG, "requests_answered_in_time", late, severity=dg.AssetCheckSeverity.WARN)
        oldest = max((days for _, days in waiting), default=0)
        counts = {"open requests": len(waiting), "oldest in days": oldest}
        shown = {name: dg.MetadataValue.int(count) for name, count in counts.items()}
        yield result._replace(metadata={**result.metadata, **shown})

    return [erasure_checks]
