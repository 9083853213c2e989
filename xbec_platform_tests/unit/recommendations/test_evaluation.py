"""Evaluation: the split in time, its parts, and that nothing of the test window is seen before scoring."""

from datetime import timedelta

import polars as pl
import pytest

from xbec_platform.recommendations.beyond_accuracy import diversity, novelty
from xbec_platform.recommendations.evaluation import (
    METRIC_SCHEMA,
    TimeSplit,
    Trial,
    evaluate,
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
    assert lists.select("customer_id", "rank", "product_id").rows() == [("a", 1, "y")]


def _shop():
    rows = [(f"c{i}", f"p{(i + j) % 7}", 30 + (i * j) % 50) for i in range(20) for j in range(4)]
    return rows, [(f"c{i}", f"p{(i + 5) % 7}", i) for i in range(20)]


def test_evaluation_has_both_lists_with_baselines_and_parts():
    """Repeat and explore are reported apart; discover has the explore part only."""
    before, after = _shop()
    metrics = evaluate(Trial(lines(*before, *after), test_end=TODAY), k=3)
    assert metrics.schema == pl.Schema(METRIC_SCHEMA)
    assert set(metrics.filter(pl.col("product") == "discover")["part"]) == {"explore"}
    assert set(metrics["model"]) == {
        "ease_trend",
        "market_popularity",
        "overall_popularity",
        "repurchase",
        "frequency",
    }
    assert metrics["ndcg"].is_between(0, 1).all()


def test_a_random_split_is_refused():
    """The same EASE scores 2.7 times as high on one: days of the two parts must not mix."""
    table = lines(*[("a", f"p{age}", age) for age in range(60)])
    end = TODAY - timedelta(days=28)
    with pytest.raises(ValueError, match="train has days on the wrong side"):
        TimeSplit(table.sample(fraction=0.8, seed=1), table.clear(), end)
    with pytest.raises(ValueError, match="test has days on the wrong side"):
        TimeSplit(table.clear(), table.sample(fraction=0.2, seed=1), end)


def test_novelty_and_diversity_by_hand():
    """X has both of two buyers (0 bits), y one of them (1 bit); their cosine is 1 / sqrt 2."""
    train = lines(("a", "x", 1), ("b", "x", 1), ("a", "y", 1))
    lists = pl.DataFrame({"customer_id": ["c", "c", "d"], "rank": [1, 2, 1], "product_id": ["x", "y", "y"]})
    assert novelty(lists, train, k=10) == pytest.approx((0 + 1 + 1) / 3)
    assert novelty(lists, train, k=1) == pytest.approx(0.5)
    assert diversity(lists, train, k=10) == pytest.approx(1 - 0.5**0.5)
    assert diversity(lists, train, k=1) == 0  # no list has two products
