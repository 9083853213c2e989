"""Purchase history: what counts as known, as one order, and how it weighs."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from xbec_platform.recommendations.interactions import (
    build_history,
    decayed_matrix,
    known_purchases,
    latest_markets,
)
from xbec_platform_tests.unit.recommendations.small_shops import NO_IDS, TODAY, history_of, lines


def test_repeated_product_within_an_order_is_one_order():
    """Invoices list a product twice when it is picked from two shelves: that is not a repeat purchase."""
    twice = pl.concat([lines(("a", "x", 3)), lines(("a", "x", 3)), lines(("a", "x", 9))])
    pairs = build_history(twice, as_of=TODAY, customer_ids=NO_IDS, product_ids=NO_IDS).pairs
    assert pairs.rows() == [(0, 0, 2, 3, 9)]


def test_only_sales_up_to_the_day_are_known():
    """Later orders would leak the test window; corrections with quantity 0 or below are not purchases."""
    table = pl.concat(
        [lines(("a", "x", 1)), lines(("a", "y", 0)), lines(("b", "z", 1)).with_columns(qty=-pl.col("qty"))]
    )
    known = known_purchases(table, as_of=TODAY - timedelta(days=1))
    assert known["product_id"].to_list() == ["x"]


@pytest.mark.parametrize("column", ["customer_id", "product_id", "order_id", "order_date"])
def test_empty_keys_are_refused(column):
    """An anonymous line must be dropped by the caller, knowingly, and not become a customer called null."""
    table = lines(("a", "x", 1)).with_columns(pl.lit(None).cast(pl.String).alias(column))
    with pytest.raises(ValueError, match=column):
        known_purchases(table, as_of=TODAY)


def test_missing_columns_are_named():
    """The message must say what to add."""
    with pytest.raises(ValueError, match="market"):
        known_purchases(lines(("a", "x", 1)).drop("market"), as_of=TODAY)


def test_weight_is_half_after_a_half_life_and_counts_the_latest_order_only():
    """Product x was bought 10 and 50 days ago (half-life 10): 1/2, not 1/2 + 1/32; y 20 days ago: 1/4."""
    history = history_of(("a", "x", 10), ("a", "x", 50), ("a", "y", 20))
    matrix = decayed_matrix(history, half_life_days=10, max_history=200).toarray()
    np.testing.assert_array_equal(matrix, np.array([[0.5, 0.25]], dtype=np.float32))


def test_long_histories_keep_the_most_recent_then_the_most_often_bought():
    """Of w (1 day), x and y (5 days, x twice) and z (9 days) a cap of 2 keeps w and x."""
    history = history_of(("a", "w", 1), ("a", "x", 5), ("a", "x", 7), ("a", "y", 5), ("a", "z", 9))
    matrix = decayed_matrix(history, half_life_days=10, max_history=2)
    assert matrix.nonzero()[1].tolist() == [0, 1]


def test_market_of_a_customer_is_that_of_the_latest_order():
    """A customer who moved is served where they are now; equal days are decided by name."""
    table = pl.concat(
        [
            lines(("a", "x", 9), market="GB"),
            lines(("a", "y", 1), market="FR"),
            lines(("a", "z", 1), market="DE"),
        ]
    )
    assert latest_markets(table, as_of=TODAY).rows() == [("a", "DE")]


def test_no_interactions_at_all():
    """The first day of a shop must not fail; customers and products still get their positions."""
    history = build_history(
        lines(), as_of=TODAY, customer_ids=pl.Series(["b", "a"]), product_ids=pl.Series(["x"])
    )
    assert history.customer_ids.to_list() == ["a", "b"]
    assert history.pairs.is_empty()
    assert decayed_matrix(history, half_life_days=9, max_history=9).nnz == 0
