"""Reference tables arrive once, typed, and agree with what the other parts use."""

from types import SimpleNamespace

import polars as pl
import pytest

from xbec_platform.world.logistics_reference import (
    operation_modes_rows,
    process_stages_rows,
    restricted_items_rows,
)
from xbec_platform.world.scan_times import STAGES
from xbec_platform.world.spec import WorldSpec, parameters

PLAN = SimpleNamespace(spec=WorldSpec(seed=1))


@pytest.mark.parametrize("rows", [operation_modes_rows, process_stages_rows, restricted_items_rows])
def test_delivered_on_day_0_only(rows) -> None:
    """Later days are empty with the same types; keys are unique and dated."""
    frame = rows(PLAN, 0)
    assert frame.height > 5
    assert rows(PLAN, 1).schema == frame.schema
    assert rows(PLAN, 1).is_empty()
    assert frame["valid_from"].null_count() == 0


def test_operation_modes_of_orders_are_described() -> None:
    """orders.operation_mode must name a row."""
    used = {mode["mode"] for modes in parameters("trade")["operation_modes"].values() for mode in modes}
    assert used <= set(operation_modes_rows(PLAN, 0)["mode_id"])


def test_cargo_stages_are_those_that_are_scanned() -> None:
    """order_paid comes from payments; the rest in the order of the scans."""
    cargo = process_stages_rows(PLAN, 0).filter(pl.col("process") == "cargo")
    assert cargo["stage"].to_list() == ["order_paid", *STAGES]
    assert cargo["stage_no"].to_list() == list(range(1, len(STAGES) + 2))
