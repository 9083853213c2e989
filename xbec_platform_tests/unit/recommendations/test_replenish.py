"""Replenish lists on planted shops: repeats first, fill marked, due dates, exactly N."""

from datetime import date, timedelta

import polars as pl
import pytest

from xbec_platform.recommendations.replenish import REPLENISH_SCHEMA, ReplenishParams, replenish
from xbec_platform.recommendations.repurchase import RepurchaseParams
from xbec_platform_tests.unit.recommendations.small_shops import TODAY, lines, shelf, shoppers


def _habits():
    rows = []
    for customer in range(60):
        rows += [(f"c{customer:02}", "bread", age) for age in range(customer % 7, 150, 7)]
        rows += [(f"c{customer:02}", f"lamp{customer % 10}", 30 + customer)]
    return lines(*rows)


def test_habit_comes_first_then_the_single_purchase_then_the_fill():
    """Bread is due weekly; the lamp was bought before; the third place is not a repeat and says so."""
    products = ["bread", *[f"lamp{i}" for i in range(10)]]
    params = ReplenishParams(n_items=3, repurchase=RepurchaseParams(min_repeats=20))
    lists = replenish(_habits(), shoppers("c03"), shelf(*products), as_of=TODAY, params=params).lists
    assert lists["product_id"].to_list()[:2] == ["bread", "lamp3"]
    assert lists["generator"].to_list() == ["repurchase", "repurchase", "market_popularity"]
    assert lists["reason_kind"].to_list() == ["bought_before", "bought_before", "fill"]
    assert lists["reason_product_id"].to_list() == ["bread", "lamp3", None]
    assert lists["n_orders"].to_list() == [21, 1, 0]


def test_due_and_order_by_dates_by_hand():
    """Bread every 7 days, last 3 days ago: due in 4 days, to be ordered 2.5 -> 3 days earlier."""
    lead_times = pl.DataFrame({"market": ["GB"], "lead_time_days": [2.5]})
    lists = replenish(_habits(), shoppers("c03"), shelf("bread"), as_of=TODAY, lead_times=lead_times).lists
    row = lists.row(0, named=True)
    assert row["usual_gap_days"] == 7.0
    assert row["last_order_date"] == TODAY - timedelta(days=3)
    assert row["due_date"] == date(2024, 7, 4)
    assert row["order_by_date"] == date(2024, 7, 1)


def test_unknown_lead_time_leaves_the_order_day_open():
    """A guessed transit time would be worse than none."""
    lead_times = pl.DataFrame({"market": ["FR"], "lead_time_days": [2]})
    lists = replenish(_habits(), shoppers("c03"), shelf("bread"), as_of=TODAY, lead_times=lead_times).lists
    assert lists["order_by_date"].to_list() == [None]
    with pytest.raises(ValueError, match="repeated markets"):
        replenish(
            _habits(), shoppers("c03"), shelf("bread"), as_of=TODAY, lead_times=lead_times.vstack(lead_times)
        )


def test_short_history_falls_back_to_frequency():
    """Two orders of x beat one of y; nobody repeated anything before, so there is nothing to learn from."""
    table = lines(("a", "x", 3), ("a", "x", 9), ("a", "y", 0))
    lists = replenish(
        table, shoppers("a"), shelf("x", "y"), as_of=TODAY, params=ReplenishParams(n_items=2)
    ).lists
    assert lists.select("product_id", "generator", "n_orders").rows() == [
        ("x", "frequency", 2),
        ("y", "frequency", 1),
    ]


def test_retired_products_are_not_replenished_and_the_shortfall_is_reported():
    """Only y may still be sold: one row instead of two, with its reason."""
    table = lines(("a", "x", 3), ("a", "y", 0))
    result = replenish(table, shoppers("a"), shelf("y"), as_of=TODAY, params=ReplenishParams(n_items=2))
    assert result.lists["product_id"].to_list() == ["y"]
    assert result.shortfalls.rows() == [("a", 2, 1, 1, 1, "too_few_eligible_products")]


@pytest.mark.parametrize("customers", [shoppers("a"), shoppers().cast(pl.String)])
def test_no_interactions(customers):
    """The first day of a shop: fill only, with the fixed schema and without dates."""
    result = replenish(lines(), customers, shelf("x"), as_of=TODAY, params=ReplenishParams(n_items=1))
    assert result.lists.schema == pl.Schema(REPLENISH_SCHEMA)
    assert len(result.lists) == len(customers)
    assert result.lists["due_date"].null_count() == len(customers)


def test_a_list_needs_a_place():
    """n_items 0 is a mistake, not an empty list."""
    with pytest.raises(ValueError, match="n_items"):
        ReplenishParams(n_items=0)
