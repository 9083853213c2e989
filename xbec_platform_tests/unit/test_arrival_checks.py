"""Checks of what arrived lately: volume by weekday, calendar events, times from the future, unknown columns."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from xbec_platform.checks.arrivals import ARRIVAL_CHECKS
from xbec_platform.checks.published import export_changes
from xbec_platform.ingest.store import create_tables
from xbec_platform.partitions import run_days
from xbec_platform.warehouse.database import Warehouse

MONDAY = date(2026, 3, 2)
CHECKS = {check.name: check for check in ARRIVAL_CHECKS}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Eight Mondays with 100, 104 ... 128 orders (median 114), and a Sunday that must not count."""
    with Warehouse(tmp_path / "w.duckdb").connect("test") as found:
        create_tables(found)
        for week in range(1, 9):
            land(found, MONDAY - timedelta(days=7 * week), 96 + 4 * week)
        land(found, MONDAY - timedelta(days=1), 5000)
        yield found


def land(connection: duckdb.DuckDBPyConnection, day: date, rows: int, feed: str = "orders") -> None:
    connection.execute(
        "INSERT INTO ops.file_manifest (file_id, feed, drop_date, path, status, rows_loaded) "
        "SELECT count(*), ?, ?, ?, 'loaded', ? FROM ops.file_manifest",
        [feed, day, f"{feed}{day}", rows],
    )


def volume(connection: duckdb.DuckDBPyConnection) -> tuple[bool, str, str]:
    """Passed, severity, samples."""
    found = CHECKS["volume_as_usual"].result(connection, (MONDAY, MONDAY))
    samples = found.metadata.get("samples")
    return found.passed, found.severity.value, str(samples.value) if samples else ""


@pytest.mark.parametrize(
    ("rows", "passed", "severity"),
    [
        (114, True, "WARN"),
        (60, True, "WARN"),
        (56, False, "WARN"),
        (172, False, "WARN"),
        (11, False, "ERROR"),
    ],
)
def test_volume_against_the_same_weekday(
    connection: duckdb.DuckDBPyConnection, rows: int, passed: bool, severity: str
) -> None:
    """Half of 114 is 57: 60 pass, 56 warn; a tenth is an error; the Sunday before plays no part."""
    land(connection, MONDAY, rows)
    found = volume(connection)
    assert found[:2] == (passed, severity)
    assert passed or f"{rows} rows · usual 114" in found[2]


def test_missing_feed_is_an_error(connection: duckdb.DuckDBPyConnection) -> None:
    """Another feed came; that there is no row of orders at all is what must be seen."""
    land(connection, MONDAY, 3, "events")
    assert volume(connection)[:2] == (False, "ERROR")


def test_calendar_events_explain_more_and_less_but_not_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    """A promotion triples a day; the promotion of a week before is no part of what is usual."""
    connection.execute(
        f"INSERT INTO raw.calendar (calendar_date, market, kind, name) VALUES (DATE '{MONDAY}', 'DE', 'promotion', 'x')"
    )
    land(connection, MONDAY, 342)
    assert volume(connection)[0]
    connection.execute("UPDATE ops.file_manifest SET rows_loaded = 2 WHERE drop_date = ?", [MONDAY])
    assert volume(connection)[:2] == (False, "ERROR")


def test_small_counts_differ_by_chance(connection: duckdb.DuckDBPyConnection) -> None:
    """Twelve a week and now three: within four standard deviations."""
    for week in range(1, 9):
        land(connection, MONDAY - timedelta(days=7 * week), 12, "returns")
    land(connection, MONDAY, 114)
    land(connection, MONDAY, 3, "returns")
    assert volume(connection)[0]


def test_future_and_unknown_columns_of_the_runs_days_only(connection: duckdb.DuckDBPyConnection) -> None:
    """What an earlier run was told of is not told again every day."""
    for drop, order in ((MONDAY, "A"), (MONDAY - timedelta(days=9), "B")):
        connection.execute(
            "INSERT INTO raw.orders (order_id, order_ts, _drop_date, _extra) VALUES (?, ?, ?, ?)",
            [order, drop + timedelta(days=2), drop, '{"colour": "red"}'],
        )
    days = (MONDAY, MONDAY)
    future = CHECKS["no_future_data"].result(connection, days)
    extra = CHECKS["no_unknown_columns"].result(connection, days)
    assert future.metadata["samples"].value == "- orders · 2026-03-02 · 1 · 2026-03-04 00:00:00"
    assert extra.metadata["samples"].value == "- orders · colour · 1"
    assert (future.severity, extra.severity) == (dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.WARN)


def test_days_of_a_run() -> None:
    """One day, a range, and a run without partitions, which looks at everything."""
    assert run_days({"dagster/partition": "2026-03-02"}) == (MONDAY, MONDAY)
    tags = {
        "dagster/asset_partition_range_start": "2026-03-02",
        "dagster/asset_partition_range_end": "2026-03-04",
    }
    assert run_days(tags) == (MONDAY, MONDAY + timedelta(days=2))
    assert run_days({}) == (date.min, date.max)


def test_exports_that_shrink_or_vanish(tmp_path: Path) -> None:
    """40 of 100 rows left is a finding, 60 is none; a table that is gone is one; a first export has no past."""
    import json

    def export(day: str, **rows: int) -> None:
        folder = tmp_path / f"as_of={day}"
        folder.mkdir()
        tables = {name: {"rows": n} for name, n in rows.items()}
        (folder / "manifest.json").write_text(json.dumps({"tables": tables}))

    export("2026-03-01", segments=100, recs=100, plan=100)
    assert export_changes(tmp_path) == []
    export("2026-03-02", segments=40, recs=60)
    assert export_changes(tmp_path) == [
        ("plan", "100 rows, then", "none"),
        ("segments", "100 rows, then", 40),
    ]
