"""Checks of the catalogue: it lists every column, every column is classified, what was declared is there."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from xbec_platform.asset_keys import CATALOGUE
from xbec_platform.assets.catalogue import LIVE_SQL, known_tables
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.checks.verdict import verdict

_UNLISTED_SQL = f"""
SELECT table_name, column_name, l.data_type, c.data_type FROM ({LIVE_SQL}) AS l
FULL JOIN ops.catalogue AS c USING (table_name, column_name)
WHERE l.data_type IS DISTINCT FROM c.data_type ORDER BY ALL
"""
_UNCLASSIFIED_SQL = """
SELECT table_name, column_name, data_type FROM ops.catalogue WHERE pii_class IS NULL ORDER BY ALL
"""
_MOVED_SQL = """
SELECT table_name, column_name, coalesce(type_before, 'new'), coalesce(type_after, 'gone') FROM ops.schema_changes
WHERE seen_ts > ?
ORDER BY ALL
"""
_NAMELESS_SQL = """
SELECT DISTINCT table_name, concat_ws(', ', CASE WHEN grain IS NULL THEN 'no grain' END,
    CASE WHEN owner IS NULL THEN 'no owner' END, CASE WHEN domain IS NULL THEN 'no domain' END) AS fault
FROM ops.catalogue WHERE grain IS NULL OR owner IS NULL OR domain IS NULL ORDER BY ALL
"""


def build_catalogue_checks() -> list[dg.AssetChecksDefinition]:
    """One operation that judges the catalogue against the warehouse."""

    @dg.multi_asset_check(
        name="catalogue_checks",
        specs=[
            dg.AssetCheckSpec(
                "every_column_listed",
                asset=CATALOGUE,
                blocking=True,
                description="The catalogue has exactly the columns of the warehouse, with their types.",
            ),
            dg.AssetCheckSpec(
                "every_column_classified",
                asset=CATALOGUE,
                description="Somebody said of every text column of person tables what it is: `pii` in the contract, "
                "in the column's dbt meta, or in catalogue/tables.yml.",
            ),
            dg.AssetCheckSpec(
                "every_table_described",
                asset=CATALOGUE,
                description="Every table has a grain, an owner and a domain.",
            ),
            dg.AssetCheckSpec(
                "columns_stay",
                asset=CATALOGUE,
                description="No column of a known table came, went or changed type within a day (ops.schema_changes).",
            ),
            dg.AssetCheckSpec(
                "declarations_hold",
                asset=CATALOGUE,
                description="Columns that dbt and tables.yml describe are there with the type they state.",
            ),
        ],
    )
    def catalogue_checks(warehouse: WarehouseResource) -> Iterator[dg.AssetCheckResult]:
        from xbec_platform.catalogue.columns import misdeclared
        from xbec_platform.warehouse.database import read_frame

        warn = dg.AssetCheckSeverity.WARN
        yesterday = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=1)
        with warehouse.file.connect("catalogue: checks") as connection:
            unlisted = connection.execute(_UNLISTED_SQL).fetchall()
            unclassified = connection.execute(_UNCLASSIFIED_SQL).fetchall()
            nameless = connection.execute(_NAMELESS_SQL).fetchall()
            moved = connection.execute(_MOVED_SQL, [yesterday]).fetchall()
            live = read_frame(connection, LIVE_SQL)
        yield verdict(CATALOGUE, "every_column_listed", unlisted)
        yield verdict(CATALOGUE, "every_column_classified", unclassified, warn)
        yield verdict(CATALOGUE, "every_table_described", nameless, warn)
        yield verdict(CATALOGUE, "columns_stay", moved, warn)
        yield verdict(CATALOGUE, "declarations_hold", misdeclared(live, known_tables()), warn)

    return [catalogue_checks]
