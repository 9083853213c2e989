"""Reference tables of logistics as they are delivered: stages, operation modes, restricted items. No network."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from xbec_platform.world.plan import Plan

Schema = dict[str, pl.DataType | type[pl.DataType]]
PROCESS_STAGE_SCHEMA: Schema = {
    "process": pl.String,
    "stage": pl.String,
    "valid_from": pl.Date,
    "valid_to": pl.Date,
    "stage_no": pl.Int64,
    "name": pl.String,
    "is_optional": pl.Boolean,
    "is_terminal": pl.Boolean,
    "expected_hours": pl.Float64,
    "description": pl.String,
}
OPERATION_MODE_SCHEMA: Schema = {
    "mode_id": pl.String,
    "valid_from": pl.Date,
    "valid_to": pl.Date,
    "name": pl.String,
    "direction": pl.String,
    "customs_code": pl.String,
    "origin_types": pl.String,
    "market_countries": pl.String,
    "crosses_border_with_parcel": pl.Boolean,
    "duty_at": pl.String,
    "seller_clears_import": pl.Boolean,
    "tax_rebate_eligible": pl.Boolean,
    "min_batch_pieces": pl.Int64,
    "cash_lock_days": pl.Float64,
    "return_path": pl.String,
    "source": pl.String,
    "verified_on": pl.Date,
}
RESTRICTED_ITEM_SCHEMA: Schema = {
    "restriction_id": pl.String,
    "valid_from": pl.Date,
    "valid_to": pl.Date,
    "market": pl.String,
    "mode": pl.String,
    "carrier": pl.String,
    "match_on": pl.String,
    "match_value": pl.String,
    "action": pl.String,
    "limit_value": pl.Float64,
    "limit_unit": pl.String,
    "reason": pl.String,
    "source": pl.String,
    "verified_on": pl.Date,
}


@cache
def _table(name: str) -> pl.DataFrame:
    source = resources.files("xbec_platform.world") / "data" / f"{name}.csv"
    return pl.read_csv(source.read_bytes(), comment_prefix="#", infer_schema=False)


def _rows(plan: Plan, day: int, name: str, schema: Schema, key: str | list[str]) -> pl.DataFrame:
    """Return a table on day 0, nothing on other days; without dates of its own it is valid from day 0 on."""
    if day != 0:
        return pl.DataFrame(schema=schema)
    table = _table(name)
    if "valid_from" not in table.columns:
        table = table.with_columns(
            valid_from=pl.lit(plan.spec.first_day.isoformat()), valid_to=pl.lit(None, pl.String)
        )
    return table.select(_typed(column, dtype) for column, dtype in schema.items()).sort(key)


def _typed(column: str, dtype: pl.DataType | type[pl.DataType]) -> pl.Expr:
    if dtype == pl.Boolean:
        return pl.col(column) == "true"
    if dtype == pl.Date:
        return pl.col(column).str.to_date("%Y-%m-%d")
    return pl.col(column).cast(dtype)


def process_stages_rows(plan: Plan, day: int) -> pl.DataFrame:
    """Return the process_stages source: stages of `cargo` and `registration`, sorted by process and stage_no."""
    return _rows(plan, day, "process_stages", PROCESS_STAGE_SCHEMA, ["process", "stage_no"])


def operation_modes_rows(plan: Plan, day: int) -> pl.DataFrame:
    """Return the operation_modes source, sorted by mode_id; orders.operation_mode names a mode_id."""
    return _rows(plan, day, "operation_modes", OPERATION_MODE_SCHEMA, "mode_id")


def restricted_items_rows(plan: Plan, day: int) -> pl.DataFrame:
    """Return the restricted_items source, sorted by restriction_id; empty market, mode or carrier means any."""
    return _rows(plan, day, "restricted_items", RESTRICTED_ITEM_SCHEMA, "restriction_id")
