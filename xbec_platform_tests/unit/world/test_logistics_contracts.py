"""What logistics delivers satisfies the contracts, column by column and cell by cell."""

from collections.abc import Callable
from importlib import resources
from typing import Any

import polars as pl
import pytest
import yaml

from xbec_platform.world.fulfilment import shipments_rows
from xbec_platform.world.inventory import inventory_snapshots_rows
from xbec_platform.world.logistics_reference import (
    operation_modes_rows,
    process_stages_rows,
    restricted_items_rows,
)
from xbec_platform.world.network import lanes_rows, warehouses_rows
from xbec_platform.world.tracking import tracking_events_rows
from xbec_platform_tests.unit.world.logistics_fakes import fake_plan

SOURCES: list[tuple[str, Callable[..., pl.DataFrame], int]] = [
    ("inventory_snapshots", inventory_snapshots_rows, 20),
    ("lanes", lanes_rows, 0),
    ("operation_modes", operation_modes_rows, 0),
    ("process_stages", process_stages_rows, 0),
    ("restricted_items", restricted_items_rows, 0),
    ("shipments", shipments_rows, 20),
    ("tracking_events", tracking_events_rows, 20),
    ("warehouses", warehouses_rows, 0),
]


LEFT_OUT = {"lanes": {"container_rate", "container_max_kg", "container_max_m3", "origin_country"}}
"""Optional columns that the world does not deliver, as files of before they were known."""


def contract(source: str) -> dict[str, Any]:
    path = resources.files("xbec_platform.ingest") / "contracts" / f"{source}.yml"
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(("source", "rows", "day"), SOURCES, ids=[source for source, _, _ in SOURCES])
def test_rows_satisfy_their_contract(source: str, rows: Callable[..., pl.DataFrame], day: int) -> None:
    """Columns and order, no null where none may be, limits and allowed values, keys unique and sorted."""
    wanted, frame = contract(source), rows(fake_plan(), day)
    assert frame.height > 0
    given = {name: rule for name, rule in wanted["columns"].items() if name not in LEFT_OUT.get(source, ())}
    assert frame.columns == list(given)
    for name, rule in given.items():
        column = frame[name]
        if rule.get("nullable", True) is False:
            assert column.null_count() == 0, name
        known = column.drop_nulls()
        if "min" in rule:
            assert (known >= rule["min"]).all(), name
        if "max" in rule:
            assert (known <= rule["max"]).all(), name
        if "above" in rule:
            assert (known > rule["above"]).all(), name
        if "allowed" in rule:
            assert known.is_in(rule["allowed"]).all(), name
        if rule["type"] == "country":
            assert known.str.contains(r"^[A-Z]{2}$").all(), name
    assert frame.select(wanted["key"]).is_unique().all()
