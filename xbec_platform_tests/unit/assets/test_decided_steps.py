"""A step that decides is left out while what it rests on is what it was, and says so."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.model_tables import as_of_days, write_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.automation.jobs import ALWAYS, REBUILD_TAG
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.dbt_builds import Build, forget, note

PLAN = dg.AssetKey(["ml", "plan"])
DAY = date(2026, 1, 3)


class Planner:
    """A step over a home, and the days it decided."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home=home, start_date=date(2026, 1, 1), end_date=date(2026, 1, 9))
        self.decided: list[date] = []

    def built(self, run_id: str) -> None:
        """Dbt has built the facts, and nothing has moved since."""
        with Warehouse.of(self.settings).transaction("test") as connection:
            connection.execute(
                "CREATE SCHEMA IF NOT EXISTS ops; CREATE TABLE IF NOT EXISTS ops.dbt_builds "
                "(selection VARCHAR, code_hash VARCHAR, first_date DATE, end_date DATE, run_id VARCHAR, "
                "number BIGINT, checks VARCHAR, row_counts VARCHAR)"
            )
            note(connection, Build("models", "EUR", run_id=run_id), {})

    def run(self, settings: Settings | None = None, day: date = DAY, **tags: str) -> dict[str, Any]:
        """Materialise a day; what the run says of the table."""

        @decided_step(settings or self.settings, name="plan", specs=[dg.AssetSpec(PLAN)])
        def plan(
            context: dg.AssetExecutionContext, warehouse: WarehouseResource
        ) -> Iterator[dg.MaterializeResult[Any]]:
            for one in as_of_days(context):
                self.decided.append(one)
                write_as_of(warehouse.file, {PLAN: pl.DataFrame({"n": [1, 2]})}, one, purpose="test")
            yield dg.MaterializeResult(asset_key=PLAN)

        result = dg.materialize(
            [plan],
            partition_key=day.isoformat(),
            resources={"warehouse": WarehouseResource.of(self.settings)},
            tags={REBUILD_TAG if name == "rebuild" else name: value for name, value in tags.items()},
        )
        (event,) = result.asset_materializations_for_node("plan")
        return {name: value.value for name, value in event.metadata.items()}


def test_a_step_is_left_out_while_nothing_has_changed(tmp_path: Path) -> None:
    """Another day, setting or build of the facts, a moved raw row and a person who insists are decided."""
    planner = Planner(tmp_path)
    planner.built("run-1")
    assert "unchanged since run" not in planner.run()
    assert planner.run()["dagster/row_count"] == 2
    assert planner.decided == [DAY]
    planner.run(replace(planner.settings, lock_wait_s=5))
    assert planner.decided == [DAY], "how things run is not what is decided"
    planner.run(rebuild=ALWAYS)
    planner.run(replace(planner.settings, base_currency="USD"))
    planner.run(day=date(2026, 1, 2))
    assert planner.decided == [DAY, DAY, DAY, date(2026, 1, 2)]
    planner.run()
    assert planner.decided[4:] == [DAY], "an earlier day was decided, on which this one may rest"
    planner.built("run-2")
    planner.run()
    with Warehouse.of(planner.settings).transaction("test") as connection:
        forget(connection)
    planner.run()
    planner.run()
    assert planner.decided[5:] == [DAY, DAY, DAY]
