"""Both lists on a real shop: the acceptance numbers, and no violation for any customer."""

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from xbec_platform.recommendations.discover import discover
from xbec_platform.recommendations.eligibility import decide_eligibility
from xbec_platform.recommendations.evaluation import Trial, evaluate, score_lists, split_by_time
from xbec_platform.recommendations.interactions import latest_markets
from xbec_platform.recommendations.learning import learn
from xbec_platform.recommendations.replenish import replenish
from xbec_platform_tests.unit.recommendations.online_retail import load_online_retail, title_words

N_ITEMS = 20


@pytest.fixture(scope="module")
def interactions(shared_data):
    """Sales of real products to known customers."""
    return load_online_retail(shared_data)


@pytest.fixture(scope="module")
def words(shared_data, interactions):
    """Attributes: the words of titles."""
    return title_words(shared_data, interactions)


@pytest.fixture(scope="module")
def trial(interactions, words):
    """The last 28 days."""
    return Trial(interactions, test_end=interactions["order_date"].max(), attributes=words)


@pytest.fixture(scope="module")
def metrics(trial):
    """Both lists scored on them."""
    return evaluate(trial)


def _ndcg(metrics, product, model, part):
    chosen = (pl.col("product") == product) & (pl.col("model") == model) & (pl.col("part") == part)
    return metrics.filter(chosen)["ndcg"].item()


def test_the_cleaning_is_the_published_one(interactions):
    """Numbers can only be compared on the same lines."""
    assert interactions.height == 396_337
    assert interactions["customer_id"].n_unique() == 4_334
    assert interactions["product_id"].n_unique() == 3_659


def test_discover_reaches_its_number_and_beats_popularity(metrics):
    """Published EASE with decay .127; the trend factor brings about .154, popularity .08."""
    ours = _ndcg(metrics, "discover", "ease_trend", "explore")
    assert ours >= 0.15
    assert ours >= 1.6 * _ndcg(metrics, "discover", "market_popularity", "explore")


def test_the_learned_blend_is_better_than_ease_alone(interactions, words, trial, metrics):
    """Learned on two weeks before the window and judged on it: .158 against .154, and 4 to 9 % in earlier windows."""
    learned = learn(interactions, None, words, as_of=trial.split.train_end)
    lists = trial.discover(replace(learned, n_items=10), with_signals=False)
    blend = score_lists(lists, trial.split, product="discover", model="blend", parts=("explore",))[
        "ndcg"
    ].item()
    assert blend >= 1.01 * _ndcg(metrics, "discover", "ease_trend", "explore")


def test_discover_beats_stock_als_in_the_same_run(interactions, metrics):
    """At least 1.25 times implicit's ALS on the same split and the same metric; measured 1.6."""
    pytest.importorskip("implicit", reason="needs the dev extra: pip install .[dev]")
    from xbec_platform_tests.unit.recommendations.als import als_lists

    split = split_by_time(interactions, test_end=interactions["order_date"].max())
    lists = als_lists(
        split.train, as_of=split.train_end, n_items=10, factors=64, counts=False, exclude_bought=True
    )
    peer = score_lists(lists, split, product="discover", model="als", parts=("explore",))["ndcg"].item()
    assert 0.09 <= peer <= 0.105  # the anchor must be the published one, not a broken peer
    assert _ndcg(metrics, "discover", "ease_trend", "explore") >= 1.25 * peer


def test_replenish_reaches_its_number_with_parts_apart(metrics):
    """Published personal frequency .351, reproduced within .005; the learned chance brings about .385."""
    assert _ndcg(metrics, "replenish", "frequency", "all") == pytest.approx(0.351, abs=0.005)
    assert _ndcg(metrics, "replenish", "repurchase", "all") >= 0.375
    assert _ndcg(metrics, "replenish", "repurchase", "repeat") >= 0.48
    assert _ndcg(metrics, "replenish", "repurchase", "explore") < 0.01


@pytest.fixture(scope="module")
def shelves(interactions):
    """A shelf with holes: every 7th product retired, every 5th not for Germany, every 11th out of stock."""
    products = pl.DataFrame({"product_id": interactions["product_id"].unique().sort()}).with_row_index("i")
    products = products.with_columns(
        status=pl.when(pl.col("i") % 7 == 0).then(pl.lit("retired")).otherwise(pl.lit("active"))
    )
    germany = products.filter(pl.col("i") % 5 == 0).select(
        "product_id", market=pl.lit("Germany"), reason=pl.lit("hazard")
    )
    stock = products.select("product_id", available=pl.when(pl.col("i") % 11 == 0).then(0).otherwise(9))
    markets = interactions["market"].unique().to_list()
    return decide_eligibility(products, markets, restrictions=germany, stock=stock)


@pytest.fixture(scope="module")
def customers(interactions):
    """All customers with the market of their latest order, and one who never bought."""
    known = latest_markets(interactions, as_of=interactions["order_date"].max())
    return known.vstack(pl.DataFrame({"customer_id": ["new"], "market": ["Germany"]}))


def _assert_complete_and_eligible(lists, customers, shelves):
    ranks = lists.group_by("customer_id").agg(pl.col("rank"), n=pl.col("product_id").n_unique())
    assert ranks["customer_id"].sort().to_list() == customers["customer_id"].sort().to_list()
    assert ranks["rank"].to_list() == [list(range(1, N_ITEMS + 1))] * len(customers)
    assert ranks["n"].unique().to_list() == [N_ITEMS]
    shown = lists.join(customers, on="customer_id").join(shelves, on=["product_id", "market"], how="left")
    assert shown["is_eligible"].all()
    assert shown["is_eligible"].null_count() == 0


def test_discover_for_everybody_without_a_violation(interactions, customers, shelves):
    """4,335 customers x 20: eligible, never bought, and because of a product the customer did buy."""
    today = interactions["order_date"].max()
    result = discover(interactions, customers, shelves, as_of=today)
    _assert_complete_and_eligible(result.lists, customers, shelves)
    assert result.shortfalls.is_empty()
    bought = interactions.select("customer_id", "product_id").unique()
    assert result.lists.join(bought, on=["customer_id", "product_id"], how="semi").is_empty()
    assert result.lists.filter(pl.col("reason_product_id").is_null())["customer_id"].unique().to_list() == [
        "new"
    ]
    with_reason = result.lists.filter(pl.col("reason_product_id").is_not_null())
    keys = {"left_on": ["customer_id", "reason_product_id"], "right_on": ["customer_id", "product_id"]}
    assert with_reason.join(bought, how="anti", **keys).is_empty()
    shuffled = interactions.sample(fraction=1, shuffle=True, seed=1)
    again = discover(shuffled, customers.reverse(), shelves.reverse(), as_of=today)
    assert again.lists.equals(result.lists)


def test_replenish_for_everybody_without_a_violation(interactions, customers, shelves):
    """Repeats first, every repeat really bought, fill never bought; shuffled rows give the same table."""
    today = interactions["order_date"].max()
    result = replenish(interactions, customers, shelves, as_of=today)
    _assert_complete_and_eligible(result.lists, customers, shelves)
    is_repeat = pl.col("reason_kind") == "bought_before"
    bought = interactions.select("customer_id", "product_id").unique()
    keys = ["customer_id", "product_id"]
    assert result.lists.filter(is_repeat).join(bought, on=keys, how="anti").is_empty()
    assert result.lists.filter(~is_repeat).join(bought, on=keys, how="semi").is_empty()
    assert result.lists.filter(is_repeat & (pl.col("last_order_date") > today)).is_empty()
    after_fill = is_repeat & (~is_repeat).shift(1, fill_value=False).over("customer_id")
    assert result.lists.filter(after_fill).is_empty()
    again = replenish(interactions.sample(fraction=1, shuffle=True, seed=2), customers, shelves, as_of=today)
    assert again.lists.equals(result.lists)


def test_chances_to_buy_again_are_calibrated(interactions):
    """Learned on one window, read on the next: the sum of chances is within a fifth of what was bought."""
    today = interactions["order_date"].max()
    split = split_by_time(interactions, test_end=today - timedelta(days=28))
    markets = latest_markets(split.train, as_of=split.train_end)
    products = pl.DataFrame({"product_id": split.train["product_id"].unique()}).with_columns(
        status=pl.lit("active")
    )
    shelf = decide_eligibility(products, markets["market"].unique().to_list())
    lists = replenish(split.train, markets, shelf, as_of=split.train_end).lists
    repeats = lists.filter(pl.col("generator") == "repurchase")
    happened = repeats.join(
        split.test.select("customer_id", "product_id").unique(), on=["customer_id", "product_id"]
    )
    assert repeats["score"].sum() == pytest.approx(happened.height, rel=0.2)
