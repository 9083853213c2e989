"""Pre-positioning against brute force and shop rules; who takes no part is told why."""

from dataclasses import replace

import polars as pl
import pytest

from xbec_platform.logistics.preposition import preposition
from xbec_platform.logistics.preposition_audit import preposition_faults
from xbec_platform.logistics.preposition_schema import PrepositionInputs
from xbec_platform_tests.unit.logistics.small_presales import best_cost, small_presale

CASES = 200


def test_small_cases_agree_with_brute_force() -> None:
    """At most six orders and three centres: within 1 % of the best of all homes and quantities; never worse than rules.

    Savings are what is compared, not the whole freight bill: 1 % of it would hide a lot.
    """
    for seed in range(CASES):
        inputs = small_presale(seed)
        result, best = preposition(inputs), best_cost(inputs)
        assert best - 1e-6 <= result.cost <= best + 0.01 * abs(best) + 1e-9, seed
        assert result.cost <= min(result.nearest_cost, 0.0) + 1e-9, seed


def _one(**changes: object) -> PrepositionInputs:
    """Three orders of one piece at 0.9, 0.6 and 0.5; one centre; sending 2, left over 1, saving 6."""
    option = {
        "presale_id": "PS1",
        "zone": "DE",
        "warehouse_id": "DE-1",
        "distance_rank": 0,
        "origin_node": "CN-1",
        "route": "sea",
        "transfer_p90_days": 9.0,
        "is_last_call": True,
        "send_cost": 2.0,
        "unused_cost": 1.0,
        "saving": 6.0,
        "hours_saved": 48.0,
    }
    return PrepositionInputs(
        deposits=pl.DataFrame(
            {
                "order_id": ["a", "b", "c"],
                "presale_id": "PS1",
                "product_id": "P1",
                "zone": "DE",
                "qty": 1,
                "probability": [0.9, 0.6, 0.5],
            }
        ),
        options=pl.DataFrame([option | changes]),
        rooms=pl.DataFrame(schema={"warehouse_id": pl.String, "room_units": pl.Int64}),
        stock=pl.DataFrame({"product_id": ["P1"], "units": [10]}),
    )


def test_one_centre_by_hand() -> None:
    """Demand reaches 1, 2, 3 with .98, .75, .27. A piece pays where 7 x P > 3: the first two; cost 3 x 2 - 7 x 1.73."""
    result = preposition(_one())
    row = result.plan.row(0, named=True)
    assert (row["send_units"], row["newsvendor_units"], row["status"]) == (2, 2, "AS_WISHED")
    assert row["critical_ratio"] == pytest.approx(4 / 7)
    assert result.cost == pytest.approx(6 - 7 * 1.73)
    assert row["expected_used_units"] == pytest.approx(1.73)
    assert row["hours_saved"] == pytest.approx(1.73 * 48)
    assert float(row["at_risk_base"]) == pytest.approx(3 * 0.27)
    assert row["p_some_unused"] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("change", "units", "status"),
    [
        ({"rooms": pl.DataFrame({"warehouse_id": ["DE-1"], "room_units": [1]})}, 1, "ROOM_FULL"),
        ({"rooms": pl.DataFrame({"warehouse_id": ["DE-1"], "room_units": [0]})}, 0, "ROOM_FULL"),
        ({"stock": pl.DataFrame({"product_id": ["P1"], "units": [1]})}, 1, "STOCK_SHORT"),
        ({"options": _one(saving=1.0).options}, 0, "DOES_NOT_PAY"),
    ],
)
def test_limits_are_kept_and_named(change: dict[str, pl.DataFrame], units: int, status: str) -> None:
    """Room, stock, no gain."""
    row = preposition(replace(_one(), **change)).plan.row(0, named=True)
    assert (row["send_units"], row["status"]) == (units, status)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("zone", None, "NO_ADDRESS"),
        ("probability", None, "NO_PROBABILITY"),
        ("probability", 1.5, "NO_PROBABILITY"),
        ("qty", 0, "BAD_QUANTITY"),
        ("product_id", "P9", "NO_STOCK"),
        ("zone", "XX", "NO_CENTRE_IN_TIME"),
    ],
)
def test_orders_that_take_no_part_have_one_reason(column: str, value: object, reason: str) -> None:
    """Order b is at fault; the others are planned, none is dropped."""
    good = _one()
    bad = good.deposits.with_columns(
        pl.when(pl.col("order_id") == "b").then(pl.lit(value)).otherwise(pl.col(column)).alias(column)
    )
    if column == "product_id":
        bad = bad.with_columns(
            pl.when(pl.col("order_id") == "b").then(pl.lit("PS9")).otherwise("presale_id").alias("presale_id")
        )
    homes = preposition(replace(good, deposits=bad)).homes
    assert dict(homes.select("order_id", "reason").rows()) == {"a": None, "b": reason, "c": None}


@pytest.mark.parametrize(
    "change", [{"send_cost": -1.0}, {"unused_cost": float("nan")}, {"saving": float("inf")}]
)
def test_impossible_costs_are_refused(change: dict[str, float]) -> None:
    """Costs below 0 or no number."""
    with pytest.raises(ValueError, match="options"):
        preposition(_one(**change))


def test_order_of_rows_does_not_matter() -> None:
    """Shuffled frames give equal tables, byte for byte."""
    inputs = small_presale(11)
    turned = PrepositionInputs(
        **{
            name: getattr(inputs, name).sample(fraction=1, shuffle=True, seed=3)
            for name in ("deposits", "options", "rooms", "stock")
        }
    )
    first, second = preposition(inputs), preposition(turned)
    assert first.plan.equals(second.plan)
    assert first.homes.equals(second.homes)


def test_nothing_to_plan_is_an_empty_plan() -> None:
    """No deposits, and no deposits that can be planned."""
    good = _one()
    assert preposition(replace(good, deposits=good.deposits.clear())).plan.height == 0
    lost = preposition(replace(good, stock=good.stock.clear()))
    assert (lost.plan.height, lost.homes["reason"].to_list()) == (0, ["NO_STOCK"] * 3)


@pytest.mark.parametrize(
    ("column", "value", "fault"),
    [
        ("send_units", 3, "costs"),
        ("send_units", 11, "pieces do not add up"),
        ("expected_cost_base", 5, "is stated"),
        ("n_orders", 2, "pieces do not add up"),
    ],
)
def test_the_audit_sees_a_changed_plan(column: str, value: int, fault: str) -> None:
    """One cell changed by hand."""
    inputs = _one()
    good = preposition(inputs)
    changed = good.plan.with_columns(pl.lit(value).cast(good.plan.schema[column]).alias(column))
    faults = preposition_faults(inputs, changed, good.homes, good.cost)
    assert any(fault in one for one in faults)
    assert preposition_faults(inputs, good.plan, good.homes, good.cost) == []


def test_the_audit_sees_a_lost_order() -> None:
    """A home is missing."""
    inputs = _one()
    good = preposition(inputs)
    assert preposition_faults(inputs, good.plan, good.homes[1:], good.cost)
