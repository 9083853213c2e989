"""The gate: when lists are published, what stays instead, how much signals count, what each is worth."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from xbec_platform.recommendations.daily_lists import daily_lists
from xbec_platform.recommendations.discover import DISCOVER_SCHEMA, DiscoverParams
from xbec_platform.recommendations.evaluation import METRIC_SCHEMA, Trial
from xbec_platform.recommendations.gate import ablation, judge, kept_lists
from xbec_platform.recommendations.learning import learn
from xbec_platform_tests.unit.recommendations.small_shops import TODAY, lines, shelf, shoppers
from xbec_platform_tests.unit.recommendations.test_signals import looks


def _metrics(**ndcg: float) -> pl.DataFrame:
    rows = [
        {"product": "discover", "part": "explore", "model": name, "ndcg": value}
        for name, value in ndcg.items()
    ]
    return pl.DataFrame(rows, schema=METRIC_SCHEMA)


def test_the_best_popularity_is_the_bar():
    """.115 beats .104 by 1.1 and not .105; with signals their model is judged; without customers nothing is."""
    assert (
        judge(_metrics(ease_trend=0.115, market_popularity=0.1, overall_popularity=0.104)).status == "passed"
    )
    failed = judge(_metrics(ease_trend=0.115, market_popularity=0.105, overall_popularity=0.1))
    assert (failed.status, failed.best_popularity, failed.may_publish) == (
        "failed",
        "market_popularity",
        False,
    )
    assert judge(_metrics(ease_trend=0.3, ease_signals=0.1, overall_popularity=0.1)).status == "failed"
    nothing = judge(_metrics())
    assert (nothing.status, nothing.may_publish) == ("not_judged", True)


def _rows(*rows: tuple[str, int, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["customer_id", "rank", "product_id"], orient="row")


def test_earlier_lists_stay_without_what_was_bought_or_may_not_be_shown():
    """Of x, y, z the customer bought x and z is out of stock: y, then today's popularity; a new customer gets that."""
    previous = _rows(("a", 1, "x"), ("a", 2, "y"), ("a", 3, "z"), ("gone", 1, "x"))
    popular = _rows(("a", 1, "y"), ("a", 2, "p"), ("a", 3, "q"), ("new", 1, "p"), ("new", 2, "q"))
    bought = pl.DataFrame({"customer_id": ["a"], "product_id": ["x"]})
    allowed = pl.DataFrame({"customer_id": ["a"] * 3, "product_id": ["x", "y", "p"]})
    kept = kept_lists(previous, popular, bought, allowed, n_items=2)
    assert kept.rows() == [("a", 1, "y"), ("a", 2, "p"), ("new", 1, "p"), ("new", 2, "q")]


def _random_shop(n: int, *, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Customers look at two products of their taste a day before they may buy another of it."""
    rng = np.random.default_rng(seed)
    buys, views = [(f"z{i:02}", f"p{i:02}", 55) for i in range(30)], []
    for customer in range(n):
        name, taste = f"c{customer:03}", 10 * (customer % 3)
        buys.append((name, "starter", 60))
        for age in (50, 45, 38, 20, 10):
            # Half of the customers buy late: only what they looked at tells their taste.
            if age in (20, 10) or (age == 38 and customer % 2):
                buys.append((name, f"p{taste + rng.integers(10):02}", age))
            for _ in range(2):
                seen = taste + rng.integers(10)
                views.append((name, f"p{seen:02}", age + 1, {"n_views": 4}))
    return lines(*buys), looks(*views)


def test_signals_count_where_they_tell_something():
    """Looks that follow taste get weight, those after the lists are made none; a young shop keeps the given scale."""
    day = TODAY - timedelta(days=28)
    buys, views = _random_shop(180, seed=1)
    assert learn(buys, views, None, as_of=day).signals.scale > 0
    late = views.filter(pl.col("signal_date") > TODAY - timedelta(days=42))
    assert learn(buys, late, None, as_of=day).signals.scale == 0
    assert learn(buys, views, None, as_of=day - timedelta(days=40)) == DiscoverParams()


def test_ablation_names_the_signal_that_matters():
    """Only views tell anything: without click times all is lost, without the others nothing."""
    buys, views = _random_shop(120, seed=2)
    trial = Trial(buys, test_end=TODAY, signals=views)
    table = {row["left_out"]: row for row in ablation(trial, k=5).iter_rows(named=True)}
    assert list(table) == ["none", "access_interface", "click_times", "search_path", "residence_time", "all"]
    assert table["click_times"]["ndcg_loss"] == table["all"]["ndcg_loss"]
    assert table["click_times"]["ndcg_loss_low"] > 0
    assert table["search_path"]["ndcg_loss"] == table["residence_time"]["ndcg_loss"] == 0


def _nothing() -> pl.DataFrame:
    return pl.DataFrame(schema={"as_of_date": pl.Date, **DISCOVER_SCHEMA})


@pytest.mark.parametrize("has_earlier", [True, False])
def test_a_model_that_loses_to_popularity_is_not_published(has_earlier: bool):
    """Everybody buys the same new product next: popularity wins, yesterday's lists stay, and the gate says so."""
    old = [(f"c{i:02}", f"p{(i * j) % 11:02}", 40 + j) for i in range(60) for j in range(1, 4)]
    hits = [(f"z{i:02}", "hit", 29) for i in range(40)]
    bought_next = [(f"c{i:02}", "hit", 3) for i in range(60)]
    table = lines(*old, *hits, *bought_next)
    previous = _nothing()
    if has_earlier:
        row = ("c00", 1, "p10", 0.5, "ease", "p00", "bought")
        yesterday = pl.DataFrame([row], schema=DISCOVER_SCHEMA, orient="row")
        previous = yesterday.select(pl.lit(TODAY - timedelta(days=1)).alias("as_of_date"), pl.all())
    made = daily_lists(
        table,
        looks(("c00", "p01", 1, {"n_views": 1})).clear(),
        shoppers("c00", "new"),
        shelf(*[f"p{i:02}" for i in range(11)], *[f"x{i:02}" for i in range(20)]),
        as_of=TODAY,
        previous=previous,
        week_ago=previous,
        params=DiscoverParams(n_items=5),
    )
    gate = made.gate.row(0, named=True)
    assert gate["status"] == "failed"
    assert gate["kept_from"] == (TODAY - timedelta(days=1) if has_earlier else None)
    first = made.discover.filter(pl.col("rank") == 1)
    assert ("c00", "ease") in first.select("customer_id", "generator").rows() or not has_earlier
    assert made.discover.group_by("customer_id").len().sort("customer_id")["len"].to_list() == [5, 5]
    assert made.ablation.is_empty()


def test_lists_of_a_week_ago_are_judged_by_what_was_bought_since():
    """The list said x in the first place and the customer bought it: recall and nDCG 1 under its own model name."""
    week_ago = pl.DataFrame({"customer_id": ["a"], "rank": [1], "product_id": ["x"]}).cast({"rank": pl.Int64})
    table = lines(("a", "w", 30), ("b", "x", 30), ("a", "x", 3))
    signals = looks(("a", "w", 1, {"n_views": 1})).clear()
    tables = (shoppers("a"), shelf("x", "w", "y"))
    made = daily_lists(table, signals, *tables, as_of=TODAY, previous=_nothing(), week_ago=week_ago)
    (row,) = made.evaluation.filter(pl.col("model") == "published_7_days_ago").iter_rows(named=True)
    assert (row["ndcg"], row["recall"]) == (1.0, 1.0)
