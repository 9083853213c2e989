"""What may come in, and what is said when it may not."""

from collections.abc import Callable
from dataclasses import fields, replace
from decimal import Decimal

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from xbec_platform.logistics.assignment_inputs import AssignmentInputs, AssignmentParams, canonical

Day = Callable[..., AssignmentInputs]


@pytest.fixture
def day(make_day: Day) -> AssignmentInputs:
    """One line, two warehouses, one lane, one shelf."""
    return make_day(
        lines=[{"order_id": "o"}],
        lanes=[{"origin_node": "A"}],
        stock=[{"warehouse_id": "A", "product_id": "p", "available": 1}],
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unserved_penalty_base": Decimal(0)}, "ships nothing"),
        ({"unserved_penalty_base": Decimal("0.00001")}, "4 decimals"),
        ({"default_weight_kg": 0.0}, "typical piece"),
        ({"transit_p90_factor": 0.9}, "never below its P50"),
        ({"detour_factors": {"sea": 0.9}}, r"\['sea'\]"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(change: dict[str, object], message: str) -> None:
    """Each limit of a parameter, with a message that says what to do."""
    with pytest.raises(ValueError, match=message):
        AssignmentParams(**change)


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("lines", lambda frame: frame.drop("qty"), r"lines: add the columns \['qty'\]"),
        ("lines", lambda frame: pl.concat([frame, frame]), r"lines: key .* repeats, for example \('o', 1\)"),
        ("lines", lambda frame: frame.with_columns(qty=pl.lit(0)), r"lines\.qty: 1 rows are below 1"),
        (
            "lines",
            lambda frame: frame.with_columns(priority=pl.lit(0)),
            r"lines\.priority: 1 rows are below 1",
        ),
        (
            "lines",
            lambda frame: frame.with_columns(order_id=pl.lit(None)),
            r"lines\.order_id: 1 rows are null",
        ),
        (
            "lanes",
            lambda frame: frame.with_columns(rate_per_kg=pl.lit(Decimal(-1))),
            r"lanes\.rate_per_kg: 1 rows are below 0",
        ),
        (
            "lanes",
            lambda frame: frame.with_columns(transit_p50_days=pl.lit(None)),
            r"lanes\.transit_p50_days: 1 rows are null",
        ),
        (
            "warehouses",
            lambda frame: frame.with_columns(cost_pick=pl.lit(None)),
            r"warehouses\.cost_pick: 2 rows are null",
        ),
        ("stock", lambda frame: pl.concat([frame, frame]), "stock: key"),
    ],
)
def test_malformed_frames_are_refused(
    day: AssignmentInputs, table: str, change: Callable[[pl.DataFrame], pl.DataFrame], message: str
) -> None:
    """The message names table, column and what is wrong, because the caller has to find the row."""
    with pytest.raises(ValueError, match=message):
        canonical(replace(day, **{table: change(getattr(day, table))}))


def test_canonical_form_is_a_fixed_point(crowded_day: AssignmentInputs) -> None:
    """The audit canonicalises again what the planner already did; that must change nothing."""
    once = canonical(crowded_day)
    twice = canonical(once)
    for field in fields(AssignmentInputs):
        assert_frame_equal(getattr(once, field.name), getattr(twice, field.name))


def test_defaults_for_what_is_missing(day: AssignmentInputs) -> None:
    """Flags not declared are False, surcharge 0, priority 1, stock below zero is none, NaN is null."""
    loose = canonical(
        replace(
            day,
            lines=day.lines.drop("priority"),
            products=day.products.with_columns(weight_kg=pl.lit(float("nan"))),
            lanes=day.lanes.with_columns(surcharge_pct=pl.lit(None), allows_battery=pl.lit(None)),
            stock=day.stock.with_columns(available=pl.lit(-4)),
        )
    )
    assert loose.lines["priority"].to_list() == [1]
    assert loose.lanes.select("surcharge_pct", "allows_battery").rows() == [(0.0, False)]
    assert loose.products["weight_kg"].to_list() == [None]
    assert loose.stock["available"].to_list() == [0]


def test_further_columns_are_dropped(day: AssignmentInputs) -> None:
    """A mart may carry more than the model reads; it must not reach the output."""
    wide = canonical(replace(day, lanes=day.lanes.with_columns(carrier=pl.lit("x"))))
    assert "carrier" not in wide.lanes.columns
