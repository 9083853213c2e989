"""Neighbours against a full sort, and products beyond EASE's limit: shown, explained, the head unchanged."""

import numpy as np
import pytest
import scipy.sparse as sp

from xbec_platform.recommendations.discover import DiscoverParams, discover
from xbec_platform.recommendations.ease import EaseParams, fit_ease
from xbec_platform.recommendations.long_tail import with_tail
from xbec_platform.recommendations.neighbours import strongest_neighbours
from xbec_platform.recommendations.top_columns import top_columns
from xbec_platform_tests.unit.recommendations.small_shops import lines, shelf, shoppers


@pytest.mark.parametrize("n", [1, 5, 30, 70])
@pytest.mark.parametrize("weighted", [False, True])
def test_neighbours_equal_a_full_sort(n: int, weighted: bool) -> None:
    """Purchases that weigh the same make ties everywhere: the smaller id wins. Nobody bought the last product."""
    rng = np.random.default_rng(3)
    dense = (rng.random((150, 60)) < rng.random(60) * 0.3).astype(np.float32)
    if weighted:
        dense *= rng.random(dense.shape).astype(np.float32)
    dense[:, 59] = 0
    found = strongest_neighbours(sp.csr_matrix(dense), n)
    gram = dense.T.astype(np.float64) @ dense
    cosines = gram / np.maximum(np.sqrt(np.outer(np.diag(gram), np.diag(gram))), 1e-300)
    np.fill_diagonal(cosines, 0)
    rows, columns, values = top_columns(cosines.astype(np.float32), n)
    assert np.diff(found.indptr).tolist() == np.bincount(rows, minlength=60).tolist()
    assert found.indices.tolist() == columns.tolist()
    np.testing.assert_allclose(found.data, values, rtol=5e-6)


def test_weights_that_vanish_when_multiplied_are_no_loss() -> None:
    """Float32 holds 1e-30, but not its square: purchases of long ago make neighbours all the same."""
    matrix = sp.csr_matrix(np.array([[1, 1e-30, 0], [1, 0, 1], [0, 1, 1e-30]], dtype=np.float32))
    found = strongest_neighbours(matrix, 2)
    assert found.indices.tolist() == [2, 1, 2, 0, 0, 1]
    assert (found.data > 0).all()


def test_the_tail_counts_what_the_head_lets_expect() -> None:
    """The head's scores are EASE's; the slope is that of a least-squares line through the head's neighbours."""
    rng = np.random.default_rng(5)
    matrix = sp.csr_matrix((rng.random((200, 12)) < np.linspace(0.1, 0.5, 12)).astype(np.float32))
    params = EaseParams(ridge=5.0, max_products=8)
    ease = fit_ease(matrix, params)
    model = with_tail(ease, matrix, params)
    gram = (matrix.T @ matrix).toarray().astype(np.float64)
    cosines = gram / np.sqrt(np.outer(np.diag(gram), np.diag(gram)))
    np.fill_diagonal(cosines, 0)
    head = ease.columns
    among = cosines[np.ix_(head, head)]
    slope = (among * ease.weights).sum() / np.square(among).sum()
    tail = np.setdiff1d(np.arange(12), head)
    expected = np.zeros((200, 12))
    expected[:, head] = matrix[:, head] @ ease.weights
    expected[:, tail] = slope * (matrix @ cosines[:, tail])
    np.testing.assert_allclose(model.scores(matrix), expected, rtol=1e-4, atol=1e-6)
    everything = np.arange(12)
    parts = model.contributions(np.ones(12, np.float32), everything, everything)
    np.testing.assert_allclose(matrix @ parts.T, expected, rtol=1e-4, atol=1e-6)
    assert with_tail(ease, matrix[:, head], params) is ease


def test_a_product_beyond_the_limit_is_shown_for_its_neighbours() -> None:
    """EASE has room for coffee and filter; the cup, bought with the pot, is shown for the pot, and says so."""
    rows = [(f"a{i}", product, 5) for i in range(8) for product in ("coffee", "filter")]
    rows += [(f"b{i}", product, 5) for i in range(4) for product in ("pot", "cup")]
    params = DiscoverParams(n_items=1, ease=EaseParams(ridge=1.0, max_products=2))
    tables = (lines(*rows, ("me", "pot", 1)), shoppers("me"), shelf("coffee", "filter", "pot", "cup"))
    (row,) = discover(*tables, as_of=tables[0]["order_date"].max(), params=params).lists.to_dicts()
    assert (row["product_id"], row["generator"], row["reason_product_id"]) == ("cup", "neighbours", "pot")
