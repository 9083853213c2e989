"""Ranking metrics by hand-worked fractions."""

import numpy as np
import polars as pl
import pytest

from xbec_platform.recommendations.metrics import coverage, customer_metrics, mean_interval

LOG3 = np.log2(3)


def _lists(**products):
    rows = [(who, rank, item) for who, items in products.items() for rank, item in enumerate(items, start=1)]
    schema = {"customer_id": pl.String, "rank": pl.Int64, "product_id": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _targets(**products):
    rows = [(who, item) for who, items in products.items() for item in items]
    return pl.DataFrame(rows, schema={"customer_id": pl.String, "product_id": pl.String}, orient="row")


def test_by_hand():
    """a: hits at 1 and 3 of 2 targets, b: hit at 2 of 1 target, c: targets but no list, d: a list but no target.

    a: (1 + 1/2) / (1 + 1/log2 3), recall 2/2; b: 1/log2 3, recall 1/1; c: 0.
    """
    lists = _lists(a="xyz", b="yx", d="x")
    got = customer_metrics(lists, _targets(a="xz", b="x", c="x"), k=3)
    assert got["customer_id"].to_list() == ["a", "b", "c"]
    np.testing.assert_allclose(got["ndcg"], [1.5 / (1 + 1 / LOG3), 1 / LOG3, 0])
    np.testing.assert_allclose(got["recall"], [1, 1, 0])


def test_more_targets_than_places_are_bounded_by_places():
    """Two of five targets in two places is a perfect list: recall uses min(k, T)."""
    got = customer_metrics(_lists(a="xyz"), _targets(a="xyvwz"), k=2)
    assert got.select("n_targets", "n_hits", "recall").rows() == [(5, 2, 1.0)]
    assert got["ndcg"][0] == pytest.approx(1.0)


def test_targets_bought_twice_count_once():
    """A second order of the product does not add a target."""
    assert customer_metrics(_lists(a="x"), _targets(a="xx"), k=1)["n_targets"].to_list() == [1]


def test_no_targets():
    """A window without a purchase gives no row."""
    assert customer_metrics(_lists(a="x"), _targets(), k=1).is_empty()
    with pytest.raises(ValueError, match="k is 0"):
        customer_metrics(_lists(a="x"), _targets(a="x"), k=0)


def test_coverage_counts_distinct_products_within_k():
    """Products x and y of four products within the first two places; z is third."""
    assert coverage(_lists(a="xyz", b="yx"), k=2, n_products=4) == 0.5
    assert coverage(_lists(), k=2, n_products=0) == 0.0


def test_interval_is_repeatable_and_near_the_normal_one():
    """400 coin flips: mean .5, half-width about 1.96 * .5 / 20 = .049."""
    values = np.tile([0.0, 1.0], 200)
    got = mean_interval(values, seed=1)
    assert got == mean_interval(values, seed=1)
    assert got.mean == 0.5
    np.testing.assert_allclose([got.mean - got.low, got.high - got.mean], 0.049, atol=0.006)
    with pytest.raises(ValueError, match="no customer"):
        mean_interval(np.zeros(0), seed=1)
