"""Evaluation: the split in time, its parts, and that nothing of the test window is seen before scoring."""

from datetime import timedelta

import polars as pl
import pytest

from xbec_platform.recommendations.evaluation import (
    METRIC_SCHEMA,
    evaluate,
    may_publish,
    popular_lists,
    score_lists,
    split_by_time,
    targets_of,
)
from xbec_platform_tests.unit.recommendations.small_shops import TODAY, lines, shelf, shoppers


def test_split_takes_exactly_the_last_days():
    """28 days of test: ages 0 to 27; age 28 is train; later than test_end is nothing."""
    table = lines(("a", "x", -1), ("a", "x", 0), ("a", "x", 27), ("a", "x", 28))
    split = split_by_time(table, test_end=TODAY, test_days=28)
    assert split.train_end == TODAY - timedelta(days=28)
    assert split.train["order_date"].to_list() == [split.train_end]
    assert split.test["order_date"].to_list() == [TODAY, TODAY - timedelta(days=27)]
    with pytest.raises(ValueError, match="test_days"):
        split_by_time(table, test_end=TODAY, test_days=0)


def test_parts_of_the_targets():
    """Customer a repeats x and explores y; b is unknown in train and no target of anybody."""
    split = split_by_time(lines(("a", "x", 40), ("a", "x", 3), ("a", "y", 3), ("b", "x", 3)), test_end=TODAY)
    parts = {part: sorted(targets_of(split, part)["product_id"]) for part in ("all", "repeat", "explore")}
    assert parts == {"all": ["x", "y"], "repeat": ["x"], "explore": ["y"]}
    with pytest.raises(ValueError, match="part"):
        targets_of(split, "other")


def test_scores_and_ceiling_by_hand():
    """The list of a holds y first: nDCG 1 / (1 + 1/log2 3) of two new targets, of which 'new' is not in train."""
    split = split_by_time(
        lines(("a", "x", 40), ("b", "y", 40), ("a", "y", 3), ("a", "new", 3)), test_end=TODAY
    )
    lists = pl.DataFrame({"customer_id": ["a"], "rank": [1], "product_id": ["y"]})
    row = score_lists(lists, split, product="p", model="m", parts=("explore", "repeat"), k=10).row(
        0, named=True
    )
    assert row["ndcg"] == pytest.approx(0.6131471927654584)
    assert (row["recall"], row["coverage"], row["reachable"], row["n_customers"]) == (0.5, 0.5, 0.5, 1)


def test_popularity_baseline_never_shows_bought_products():
    """Product x is the most popular and bought by a: a's baseline is y."""
    table = lines(("a", "x", 1), ("b", "x", 1), ("b", "y", 2))
    lists = popular_lists(table, shoppers("a"), shelf("x", "y"), as_of=TODAY, n_items=1)
    assert lists.rows() == [("a", 1, "y")]


def _shop():
    rows = [(f"c{i}", f"p{(i + j) % 7}", 30 + (i * j) % 50) for i in range(20) for j in range(4)]
    return rows, [(f"c{i}", f"p{(i + 5) % 7}", i) for i in range(20)]


def test_evaluation_has_both_lists_with_baselines_and_parts():
    """Repeat and explore are reported apart; discover has the explore part only."""
    before, after = _shop()
    metrics = evaluate(lines(*before, *after), test_end=TODAY, k=3)
    assert metrics.schema == pl.Schema(METRIC_SCHEMA)
    assert set(metrics.filter(pl.col("product") == "discover")["part"]) == {"explore"}
    assert set(metrics["model"]) == {"ease_trend", "market_popularity", "repurchase", "frequency"}
    assert metrics["ndcg"].is_between(0, 1).all()


def test_gate_compares_with_popularity():
    """1.1 times popularity is the bar; no evaluated list is no permission but an error."""
    schema = {"product": pl.String, "model": pl.String, "part": pl.String, "ndcg": pl.Float64}
    rows = [("discover", "ease_trend", "explore", 0.115), ("discover", "market_popularity", "explore", 0.1)]
    metrics = pl.DataFrame(rows, schema=schema, orient="row")
    assert may_publish(metrics, min_ratio=1.1)
    assert not may_publish(metrics, min_ratio=1.2)
    with pytest.raises(ValueError, match="no discover rows"):
        may_publish(metrics.clear())
