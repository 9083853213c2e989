"""The form of checks that are one query: what it lists is wrong. Which checks there are: the modules of each area."""

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.checks.verdict import faults_of, verdict


@dataclass(frozen=True)
class TableCheck:
    """A query that lists faults.

    Attributes:
        key: Asset it judges.
        name: Name of the check.
        description: What holds when it passes.
        sql: Lists the faults; no row, no fault.
        blocking: An error stops what is downstream in the same run; otherwise it is a warning.
    """

    key: dg.AssetKey
    name: str
    description: str
    sql: str
    blocking: bool = True


def unique_key(key: dg.AssetKey, *columns: str) -> TableCheck:
    """No combination of the columns comes twice."""
    names = ", ".join(f'"{column}"' for column in columns)
    return TableCheck(
        key,
        "unique_key",
        f"{', '.join(columns)} is the key.",
        f"SELECT {names}, count(*) FROM {asset_keys.table(key)} GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL",
    )


def check_group(name: str, checks: tuple[TableCheck, ...]) -> dg.AssetChecksDefinition:
    """Checks that one operation makes in one opening of the file."""
    specs = [
        dg.AssetCheckSpec(check.name, asset=check.key, blocking=check.blocking, description=check.description)
        for check in checks
    ]

    @dg.multi_asset_check(name=name, specs=specs)
    def table_checks(warehouse: WarehouseResource) -> Iterator[dg.AssetCheckResult]:
        with warehouse.file.connect(name) as connection:
            for check in checks:
                severity = dg.AssetCheckSeverity.ERROR if check.blocking else dg.AssetCheckSeverity.WARN
                yield verdict(check.key, check.name, faults_of(connection, check.sql), severity)

    return table_checks
