"""Platform health: costs by asset and day, freshness by partition, the page, and what a run is told of it."""

from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from xbec_platform.checks.health import failed_days, moved
from xbec_platform.operations.platform_health import (
    SCHEMA,
    Built,
    StepUse,
    built,
    expected_day,
    health_rows,
    stale,
    step_uses,
    table_sizes,
)
from xbec_platform.publish.health_page import HealthInput, _assets, render_health
from xbec_platform.warehouse.database import Warehouse

TODAY, BEFORE = date(2026, 1, 5), date(2026, 1, 4)
DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-06", timezone="UTC")


def test_costs_add_up_by_day_and_the_state_stands_on_today() -> None:
    """Two runs today, a failure yesterday; an asset that did not run has its state all the same."""
    uses = [
        StepUse(TODAY, "ml/plan", False, 2.0, 1.0),
        StepUse(TODAY, "ml/plan", False, 3.5, 4.0),
        StepUse(BEFORE, "ml/plan", True, 1.0, 0.0),
    ]
    moment = datetime(2026, 1, 5, 1)
    states = [Built("ml/plan", 7, moment, TODAY, 1.25), Built("raw/orders", None, moment, None)]
    rows = health_rows(uses, states, {"ml.plan": 262144}, today=TODAY).rows()
    assert rows == [
        (BEFORE, "ml/plan", 1, 1, 1.0, None, 0.0, None, None, None, None),
        (TODAY, "ml/plan", 2, 0, 5.5, 1.25, 4.0, 7, 262144, TODAY, moment),
        (TODAY, "raw/orders", 0, 0, 0.0, None, 0.0, None, None, None, moment),
    ]


@pytest.mark.parametrize(
    ("moment", "end", "due"),
    [
        (datetime(2026, 1, 5, 6, 59), None, date(2026, 1, 3)),
        (datetime(2026, 1, 5, 7, 0), None, date(2026, 1, 4)),
        (datetime(2026, 1, 5, 7, 0), date(2026, 1, 2), date(2026, 1, 1)),
    ],
)
def test_a_day_is_due_from_the_deadline_on(moment: datetime, end: date | None, due: date) -> None:
    """A home that has ended waits for nothing new."""
    assert expected_day(moment, deadline_hour=7, end=end) == due


def test_backfilling_an_old_day_makes_no_table_fresh() -> None:
    """Freshness goes by the newest partition, not by when something was built."""
    with dg.DagsterInstance.ephemeral() as instance:
        key = dg.AssetKey(["ml", "plan"])
        for day in ("2026-01-03", "2026-01-01"):
            event = dg.AssetMaterialization(key, partition=day, metadata={"dagster/row_count": 5})
            instance.report_runless_asset_event(event)
        (state,) = built(instance, [key, dg.AssetKey("never")], {key})
    assert (state.rows, state.newest_partition) == (5, date(2026, 1, 3))
    assert stale([state], TODAY) == [("ml/plan", date(2026, 1, 3))]
    assert stale([state], date(2026, 1, 3)) == []


def test_runs_are_read_with_their_failures() -> None:
    """One run that builds and one that fails; the failed day is in the inventory."""

    @dg.asset(key=["ml", "plan"], partitions_def=DAYS)
    def plan(context: dg.AssetExecutionContext) -> None:
        if context.partition_key == "2026-01-02":
            raise ValueError("no")

    with dg.DagsterInstance.ephemeral() as instance:
        for day in ("2026-01-01", "2026-01-02"):
            dg.materialize([plan], partition_key=day, instance=instance, raise_on_error=False)
        uses = step_uses(instance, since=datetime.now(UTC).date())
        failed = failed_days(instance, [plan.key], date(2026, 1, 1), date(2026, 1, 6))
    assert sorted((one.asset_key, one.failed) for one in uses) == [("ml/plan", False), ("ml/plan", True)]
    assert all(0 <= one.step_s < 60 for one in uses)
    assert failed == [("ml/plan", "failed", 1, date(2026, 1, 2))]


def test_sizes_are_those_of_blocks(tmp_path: Path) -> None:
    """A table of a million numbers fills more than one of ten."""
    warehouse = Warehouse(tmp_path / "w.duckdb")
    with warehouse.connect("test") as connection:
        connection.execute("CREATE TABLE small AS FROM range(10)")
        connection.execute("CREATE TABLE large AS SELECT hash(range) AS h FROM range(1000000)")
        connection.execute("CHECKPOINT")
        sizes = table_sizes(connection)
    assert sizes["main.large"] >= 8_000_000 > sizes["main.small"] > 0


def test_decided_days_may_change_by_a_run_or_an_erasure_only() -> None:
    """[number of the last build, hash, erasures]: a hash that changed alone is a hand in the table."""
    before = {
        "a 1": [1, "x", 0],
        "a 2": [1, "x", 0],
        "a 3": [1, "x", 0],
        "a 4": [1, "x", 0],
        "gone": [1, "x", 0],
    }
    after = {
        "a 1": [1, "x", 0],
        "a 2": [2, "y", 0],
        "a 3": [1, "y", 1],
        "a 4": [1, "y", 0],
        "new": [1, "x", 0],
    }
    assert moved(before, after) == [("a 4", "changed without a run")]


def test_page_shows_what_is_wrong_and_escapes_it() -> None:
    """Who is behind, what failed and why; a cause may hold markup."""
    moment = datetime(2026, 1, 5, 1)
    states = [Built("ml/plan", 7, moment, BEFORE), Built("ml/lists", 7, moment, TODAY)]
    health = health_rows(
        [StepUse(TODAY, "ml/plan", True, 5.5, 4.0)], states, {"ml.plan": 3_000_000}, today=TODAY
    )
    incidents = pl.DataFrame(
        {
            "root_asset": ["ml/plan"], "failures": [3], "first_failed_ts": [moment], "last_failed_ts": [moment],
            "error": ["<script>alert(1)</script>"],
        }
    )  # fmt: skip
    alerts = pl.DataFrame({"kind": ["drift"], "open": [2], "raised": [5], "newest_ts": [moment]})
    html = render_health(HealthInput("Shop", moment, health, incidents, alerts))
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    for shown in ("ml/plan", "2026-01-04", "1 asset has it", "3.0", "drift", "5.5"):
        assert shown in html, shown


def test_tables_of_one_step_are_one_line() -> None:
    """The intake fills 28 tables at once; each model of dbt knows its own time."""
    moment = datetime(2026, 1, 5, 1)
    names = ("raw/a", "raw/b", "marts/c", "marts/d")
    uses = [StepUse(TODAY, name, False, 9.0, 0.0) for name in names]
    states = [Built(name, 2, moment, TODAY, 1.5 if "marts" in name else None) for name in names]
    health = health_rows(uses, states, {}, today=TODAY)
    table = _assets(health, health)
    shown = [tuple(cell.text for cell in row) for row in table.rows]
    assert shown == [
        ("raw/a and 1 more", "1", "0", "9.0", "4", "0.0"),
        ("marts/c", "1", "0", "1.5", "2", "0.0"),
        ("marts/d", "1", "0", "1.5", "2", "0.0"),
    ]


def test_page_of_a_home_without_runs() -> None:
    """Nothing to show is said, not drawn."""
    empty = pl.DataFrame(schema=SCHEMA)
    incidents = pl.DataFrame(
        schema={"root_asset": pl.String, "failures": pl.Int64, "first_failed_ts": pl.Datetime,
                "last_failed_ts": pl.Datetime, "error": pl.String}
    )  # fmt: skip
    alerts = pl.DataFrame(
        schema={"kind": pl.String, "open": pl.Int64, "raised": pl.Int64, "newest_ts": pl.Datetime}
    )
    html = render_health(HealthInput("Shop", datetime(2026, 1, 5), empty, incidents, alerts))
    assert "No incident is open" in html
    assert "No alert was ever raised" in html
