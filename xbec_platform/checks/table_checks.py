"""The form of checks that are one query: what it lists is wrong. Which checks there are: the modules of each area."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.checks.verdict import faults_of, verdict
from xbec_platform.partitions import run_days

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class TableCheck:
    """A query that lists faults.

    Attributes:
        key: Asset it judges.
        name: Name of the check.
        description: What holds when it passes.
        sql: Lists the faults; no row, no fault. `$first` and `$last` are the run's days.
        blocking: An error stops what is downstream in the same run; otherwise it is a warning.
        severity_of: How bad its faults are, where that depends on them.
    """

    key: dg.AssetKey
    name: str
    description: str
    sql: str
    blocking: bool = True
    severity_of: Callable[[Sequence[tuple[object, ...]]], dg.AssetCheckSeverity] | None = None

    def result(self, connection: "duckdb.DuckDBPyConnection", days: tuple[date, date]) -> dg.AssetCheckResult:
        """What the query finds.

        Args:
            connection: Of the warehouse.
            days: The run's first and last day.
        """
        first, last = (f"DATE '{day.isoformat()}'" for day in days)
        faults = faults_of(connection, self.sql.replace("$first", first).replace("$last", last))
        severity = dg.AssetCheckSeverity.ERROR if self.blocking else dg.AssetCheckSeverity.WARN
        return verdict(
            self.key, self.name, faults, self.severity_of(faults) if self.severity_of else severity
        )


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
    """Checks that one operation makes in one opening of the file.

    Tables of a group may come from several operations: a run of one of them makes the checks of its own tables.
    """
    specs = [
        dg.AssetCheckSpec(check.name, asset=check.key, blocking=check.blocking, description=check.description)
        for check in checks
    ]

    @dg.multi_asset_check(name=name, specs=specs, can_subset=True)
    def table_checks(
        context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.AssetCheckResult]:
        days = run_days(context.run.tags)
        with warehouse.file.connect(name) as connection:
            for check, spec in zip(checks, specs, strict=True):
                if spec.key in context.selected_asset_check_keys:
                    yield check.result(connection, days)

    return table_checks
