"""The blend: neighbours and attributes by hand, new products, and that what is learned is no worse than any alone."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from xbec_platform.recommendations.blend import BlendParams, Generators
from xbec_platform.recommendations.discover import DiscoverParams, discover
from xbec_platform.recommendations.ease import EaseParams, ItemModel, fit_ease
from xbec_platform.recommendations.evaluation import Trial, targets_of
from xbec_platform.recommendations.learning import ALONE, PLAIN, Judged, learn
from xbec_platform_tests.unit.recommendations.small_shops import TODAY, lines, shelf, shoppers

NEW = np.array([2])


def described(*rows: tuple[str, str], since: date = date(2000, 1, 1)) -> pl.DataFrame:
    """Attribute values of items, one attribute."""
    table = pl.DataFrame(rows, schema=["item_id", "attribute_value"], orient="row")
    return table.with_columns(attribute=pl.lit("kind"), valid_from=since, valid_to=date(9999, 12, 31))


def test_neighbours_by_hand():
    """Four bought x, nine y, three both: 3 / (2 * 3) as a cosine; undiscounted x gives y 3 / 2 and y gives x 1."""
    gram = np.array([[4, 3], [3, 9]], dtype=np.float32)
    both = np.arange(2)
    made = Generators(ItemModel(both, both, np.zeros((2, 2), np.float32), gram), None, NEW[:0])
    np.testing.assert_allclose(made.neighbours(0.5), [[0, 0.5], [0.5, 0]], rtol=1e-6)
    np.testing.assert_allclose(made.neighbours(0.0), [[0, 1.5], [1, 0]], rtol=1e-6)
    with pytest.raises(ValueError, match="gram_up_to"):
        Generators(ItemModel(both, both, gram), None, NEW[:0]).neighbours(0.5)


def test_attributes_of_a_new_product_give_what_they_let_expect():
    """Products x, y are alike by .6 and weigh 3 and 1 on each other: slope 4 / 1.2; the new one is alike to y by .5."""
    weights = np.array([[0, 3], [1, 0]], dtype=np.float32)
    vectors = sp.csr_matrix(np.array([[1, 0, 0], [0.6, 0.8, 0], [0, 0.625, 0.781]], dtype=np.float32))
    made = Generators(ItemModel(np.arange(2), np.arange(2), weights), vectors, NEW)
    model = made.blended(BlendParams())
    assert model.shown.tolist() == [0, 1, 2]
    slope = 4 * 0.6 / (2 * 0.6**2)
    np.testing.assert_allclose(model.weights * np.sqrt(10), [[0, 3, 0], [1, 0, slope * 0.5]], rtol=1e-5)
    assert Generators(made.model, vectors, NEW[:0]).blended(BlendParams()) is made.model


def test_a_product_nobody_knows_is_shown_for_its_attributes():
    """Coffee and the new product of its kind are shown because of the filter; what is of another kind is not."""
    rows = [(f"a{i}", product, 5) for i in range(8) for product in ("coffee", "filter")]
    rows += [(f"b{i}", product, 5) for i in range(8) for product in ("tea", "pot")]
    table = lines(*rows, ("me", "filter", 1))
    kinds = described(
        ("coffee", "x"), ("filter", "x"), ("tea", "y"), ("pot", "y"), ("new x", "x"), ("new y", "y")
    )
    later = described(("later x", "x"), since=TODAY + timedelta(days=1))
    params = DiscoverParams(n_items=3, ease=EaseParams(ridge=1.0))
    items = shelf("coffee", "filter", "tea", "pot", "new x", "new y", "later x")
    tables = (table, shoppers("me"), items)
    lists = discover(*tables, as_of=TODAY, params=params, attributes=pl.concat([kinds, later])).lists
    assert sorted(lists.select("product_id", "generator", "reason_product_id").rows()[:2]) == [
        ("coffee", "ease", "filter"),
        ("new x", "attributes", "filter"),
    ]
    assert lists["generator"][2] in ("market_popularity", "catalogue")
    gone = items.with_columns(is_eligible=pl.col("product_id") != "new x")
    shown = discover(*tables[:2], gone, as_of=TODAY, params=params, attributes=kinds).lists
    assert "new x" not in shown["product_id"]


def _shop_of_kinds(n: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Everybody buys one kind, thinly: what others bought tells little, the kind everything."""
    rng = np.random.default_rng(5)
    rows = [
        (f"c{customer:03}", f"p{customer % 6}{rng.integers(100):02}", age)
        for customer in range(n)
        for age in (40, 33, 26, 9, 4)
    ]
    kinds = described(
        *[(f"p{kind}{number:02}", f"kind {kind}") for kind in range(6) for number in range(100)]
    )
    return lines(*rows), kinds


def test_what_is_learned_is_no_worse_than_any_generator_alone():
    """Attributes tell the taste and are found; the learned blend is at or above each one on the window."""
    table, kinds = _shop_of_kinds(100)
    params = DiscoverParams(ease=EaseParams(min_customers=1))
    learned = learn(table, None, kinds, as_of=TODAY, params=params)
    assert learned.blend.attributes > 0
    trial = Trial(table, test_end=TODAY, test_days=14, attributes=kinds)
    judged = Judged(trial.ready(learned, with_signals=False), targets_of(trial.split, "explore"))
    best = judged.ndcg(learned.blend).mean()
    assert best > judged.ndcg(PLAIN).mean()
    assert all(best >= judged.ndcg(one).mean() - 1e-9 for one in (PLAIN, *ALONE))
    assert learn(table, None, None, as_of=TODAY, params=params).blend.attributes == 0


def test_the_judge_counts_as_the_evaluation_does():
    """The nDCG of plain EASE on the window equals that of its lists, the fill left out."""
    rows = [(f"c{i:02}", f"p{(i * j) % 17:02}", 20 + j) for i in range(60) for j in range(1, 5)]
    after = [(f"c{i:02}", f"p{(i * 7) % 17:02}", 3) for i in range(60)]
    trial = Trial(lines(*rows, *after), test_end=TODAY, test_days=14)
    params = DiscoverParams(n_items=10, ease=EaseParams(ridge=1.0))
    targets = targets_of(trial.split, "explore")
    made = trial.ready(params, with_signals=False)
    got = Judged(made, targets).ndcg(PLAIN).mean()
    lists = trial.discover(params, with_signals=False).filter(pl.col("generator") == "ease")
    from xbec_platform.recommendations.metrics import customer_metrics

    assert got == pytest.approx(customer_metrics(lists, targets, k=10)["ndcg"].mean(), rel=1e-9)


def test_popularity_lifts_but_never_shows_what_may_not_be():
    """Ten times the best score decides the order; bought and forbidden products stay at 0."""
    rows = [(f"a{i}", product, 5) for i in range(8) for product in ("coffee", "filter")]
    table = lines(*rows, *[(f"z{i}", "hit", 1) for i in range(20)], ("z0", "coffee", 1), ("me", "coffee", 1))
    plain = DiscoverParams(n_items=2, ease=EaseParams(ridge=1.0, min_customers=1))
    lifted = DiscoverParams(n_items=2, ease=plain.ease, blend=BlendParams(popularity=10))
    for params, first in ((plain, "filter"), (lifted, "hit")):
        lists = discover(
            table, shoppers("me"), shelf("coffee", "filter", "hit"), as_of=TODAY, params=params
        ).lists
        assert sorted(lists["product_id"]) == ["filter", "hit"]
        assert lists["product_id"][0] == first


@pytest.mark.parametrize("wrong", [{"ease": -1.0}, {"ease": 0.0}])
def test_weights_that_cannot_work_are_refused(wrong):
    """Nothing below 0, and something above it."""
    with pytest.raises(ValueError, match="weights of generators"):
        BlendParams(**wrong)


def test_a_fit_without_the_gram_matrix_is_what_it_was():
    """Keeping it changes no weight."""
    matrix = sp.csr_matrix((np.random.default_rng(1).random((60, 12)) < 0.4).astype(np.float32))
    params = EaseParams(ridge=1.0)
    assert (fit_ease(matrix, params, gram_up_to=50).weights == fit_ease(matrix, params).weights).all()
