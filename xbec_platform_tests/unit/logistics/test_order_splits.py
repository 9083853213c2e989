"""Orders that stay together: what stays behind says why, alone or with restricted goods. Exactness: the properties."""

from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest

from xbec_platform.assets.logistics import plan_day
from xbec_platform.logistics.assignment_inputs import AssignmentParams
from xbec_platform.logistics.assignment_options import line_options
from xbec_platform.logistics.audit import audit_splits
from xbec_platform.logistics.restricted_items import allow
from xbec_platform.settings import Settings, SettingsError
from xbec_platform_tests.unit.logistics.small_days import make_day
from xbec_platform_tests.unit.logistics.test_restricted_items import rules

# p lies in A, q in B, r in both. Order o asks for p and q, order s for r alone, order n goes where nobody reaches.
DAY = make_day(
    lines=[
        {"order_id": "o", "line_no": 1},
        {"order_id": "o", "line_no": 2, "product_id": "q"},
        {"order_id": "s", "product_id": "r"},
        {"order_id": "n", "line_no": 1, "ship_country": "XX"},
        {"order_id": "n", "line_no": 2, "product_id": "q", "ship_country": "XX"},
    ],
    products=[
        {"product_id": "p"},
        {"product_id": "q", "unit_cost": Decimal(1), "list_price": Decimal(50)},
        {"product_id": "r"},
    ],
    lanes=[{"origin_node": "A", "rate_per_kg": Decimal(1)}, {"origin_node": "B", "rate_per_kg": Decimal(2)}],
    stock=[
        {"warehouse_id": w, "product_id": p, "available": 5}
        for w, p in (("A", "p"), ("B", "q"), ("A", "r"), ("B", "r"))
    ],
)
LINES = {
    "lanes": DAY.lanes.with_columns(carrier=pl.lit("K")),
    "warehouses": DAY.warehouses.with_columns(country=pl.lit("DE")),
}


def test_free_plans_split_and_bound_ones_do_not() -> None:
    """Free: both warehouses serve o. Bound: B, whose q loses 549 instead of 500; p says that the order stays there."""
    allowed = allow(replace(DAY, **LINES), rules())
    free, nothing = plan_day(allowed, "free")
    bound, more = plan_day(allowed, "single")
    key = ["order_id", "line_no", "warehouse_id", "lane_id", "ship_country"]
    assert free.assignments.select(key[:3]).rows() == [("o", 1, "A"), ("o", 2, "B"), ("s", 1, "A")]
    assert bound.assignments.select(key).rows() == [("o", 2, "B", "L1", "DE"), ("s", 1, "A", "L0", "DE")]
    assert nothing is None
    assert more == pytest.approx(499.0)
    left = {(order, line): (reason, detail) for order, line, reason, detail in bound.unserved.select(
        "order_id", "line_no", "reason", "detail").rows()}  # fmt: skip
    assert left["o", 1][0] == "ORDER_NOT_FROM_ONE_WAREHOUSE"
    assert left["o", 1][1].startswith("orders stay together, this one at B: SKU_NOT_STOCKED_IN_REACH")
    assert {left["n", line][0] for line in (1, 2)} == {"NO_ADDRESS_OR_RATE"}
    assert not bound.unserved["ship_country"].str.contains("@", literal=True).any()


def test_the_explanation_names_the_rule() -> None:
    """A would ship p, but the order stays at B, which has none; an order of one piece knows no rule."""
    inputs = replace(DAY, **LINES)
    bound, _ = plan_day(allow(inputs, rules()), "single")
    verdicts = {
        order: line_options(
            inputs, AssignmentParams(), bound.assignments, bound.bottlenecks, order, order_splits="single"
        ).select("line_no", "warehouse_id", "verdict").rows()
        for order in ("o", "s")
    }  # fmt: skip
    assert verdicts["o"] == [
        (1, "A", "the order stays together at B"),
        (1, "B", "does not hold the product"),
        (2, "A", "does not hold the product"),
        (2, "B", "chosen"),
    ]
    assert verdicts["s"] == [(1, "A", "chosen"), (1, "B", "1.0000 a piece dearer")]


def test_the_rule_holds_beside_restrictions() -> None:
    """Q may not leave B by truck: the order goes from A, and q names the restriction, not the rule."""
    allowed = allow(
        replace(DAY, **LINES), rules({"product_id": "q", "restriction_id": "NO-ROAD", "mode": "truck"})
    )
    bound, _ = plan_day(allowed, "single")
    assert bound.assignments.select("order_id", "line_no", "warehouse_id").rows() == [
        ("o", 1, "A"),
        ("s", 1, "A"),
    ]
    assert "RESTRICTED_ITEM" in bound.unserved.filter(order_id="o")["reason"].to_list()


def test_unknown_rules_are_refused() -> None:
    with pytest.raises(SettingsError, match="neither free, single nor an amount"):
        Settings(order_splits="never")


@pytest.mark.parametrize(("fee", "parcels"), [("498.99", 1), ("499.01", 0)])
def test_a_second_parcel_leaves_as_long_as_it_costs_less_than_what_stays(fee: str, parcels: int) -> None:
    """Kept together o loses 499 (see above): at a fee below that it is split, and both totals hold the fee."""
    plan, more = plan_day(allow(replace(DAY, **LINES), rules()), fee)
    summary = plan.summary.row(0, named=True)
    assert (summary["extra_parcels"], summary["split_base"]) == (parcels, parcels * Decimal(fee))
    assert more == pytest.approx(min(float(fee), 499.0))
    assert summary["regret_nearest_total_base"] >= 0
    options = line_options(
        replace(DAY, **LINES), AssignmentParams(), plan.assignments, plan.bottlenecks, "o", order_splits=fee
    )
    assert options.filter(line_no=2, warehouse_id="B")["verdict"].to_list() == ["chosen"]


def test_the_audit_counts_parcels() -> None:
    """A split that may not be, and totals without the fee of one that may."""
    plan, _ = plan_day(allow(replace(DAY, **LINES), rules()), "1")
    assert audit_splits(plan.assignments, plan.summary, Decimal(1)).is_empty()
    broken = audit_splits(plan.assignments, plan.summary, None)
    assert {(row["rule"], row["subject"]) for row in broken.iter_rows(named=True)} == {
        ("one_warehouse", "o"),
        ("splits", "split_base"),
    }
    cheaper = plan.summary.with_columns(split_base=pl.lit(0, pl.Decimal(18, 4)))
    wrong = audit_splits(plan.assignments, cheaper, Decimal(1))["subject"].to_list()
    assert wrong == ["split_base", "cost_base", "objective_base"]
