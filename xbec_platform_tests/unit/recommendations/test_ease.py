"""EASE against its formula, its limits, and a planted structure."""

import numpy as np
import pytest
import scipy.sparse as sp

from xbec_platform.recommendations.ease import EaseParams, fit_ease


def _random_matrix(n_customers: int, n_products: int, seed: int):
    rng = np.random.default_rng(seed)
    dense = (rng.random((n_customers, n_products)) < 0.3) * rng.random((n_customers, n_products))
    return sp.csr_matrix(dense.astype(np.float32))


def _weights_by_formula(dense: np.ndarray, ridge: float) -> np.ndarray:
    """B = I - P diag(1 / diag P) in float64 by a general inverse: another way to the same numbers."""
    gram = dense.T.astype(np.float64) @ dense
    precision = np.linalg.inv(gram + ridge * np.eye(len(gram)))
    return np.eye(len(gram)) - precision / np.diag(precision)


@pytest.mark.parametrize("n_products", [1, 7, 600])  # 600: more than one block of columns
def test_equals_the_closed_form(n_products):
    """Contributions of weight 1 are the entries of B off the diagonal."""
    matrix = _random_matrix(900, n_products, seed=1)
    model = fit_ease(matrix, EaseParams(ridge=5.0, min_customers=1))
    expected = _weights_by_formula(matrix.toarray(), 5.0)
    everything = np.arange(n_products)
    got = model.contributions(np.ones(n_products, np.float32), everything, everything)
    off = ~np.eye(n_products, dtype=bool)
    np.testing.assert_allclose(got.T[off], expected[off], atol=2e-5)


def test_similarity_is_the_partial_correlation_and_the_gram_matrix_comes_along():
    """-P_ij / sqrt(P_ii P_jj) from P by a general inverse, although only B is kept; X^T X where asked for."""
    matrix = _random_matrix(300, 40, seed=2)
    model = fit_ease(matrix, EaseParams(ridge=5.0, min_customers=1), gram_up_to=40)
    gram = (matrix.T @ matrix).toarray().astype(np.float64)
    np.testing.assert_allclose(model.gram, gram, rtol=1e-5)
    precision = np.linalg.inv(gram + 5.0 * np.eye(40))
    expected = -precision / np.sqrt(np.outer(np.diag(precision), np.diag(precision)))
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(model.similarity(np.arange(40), np.arange(40)), expected, atol=1e-5)
    assert fit_ease(matrix, EaseParams(ridge=5.0), gram_up_to=39).gram is None


def test_two_products_by_hand():
    """Both bought by 4 customers, x alone by 2: Gram [[6, 4], [4, 4]], ridge 1: B_xy = 4/7, B_yx = 4/5."""
    matrix = sp.csr_matrix(np.array([[1, 1]] * 4 + [[1, 0]] * 2, dtype=np.float32))
    model = fit_ease(matrix, EaseParams(ridge=1.0, min_customers=1))
    both = np.array([0, 1])
    got = model.contributions(np.ones(2, np.float32), both, both)
    np.testing.assert_allclose([got[1, 0], got[0, 1]], [4 / 7, 4 / 5], rtol=1e-6)


def test_rare_products_and_the_tail_beyond_the_limit_are_left_out():
    """Column weights 5, 4, 3 and one buyer: min_customers drops the last, the limit keeps the two strongest."""
    dense = np.zeros((12, 4), dtype=np.float32)
    dense[0:5, 2], dense[5:9, 0], dense[9:12, 1], dense[0, 3] = 1, 1, 1, 1
    model = fit_ease(sp.csr_matrix(dense), EaseParams(min_customers=2, max_products=2))
    assert model.columns.tolist() == [0, 2]


def test_no_product_with_enough_buyers_gives_an_empty_model():
    """A new shop has a model of nothing, not an exception from LAPACK."""
    model = fit_ease(_random_matrix(2, 5, seed=3), EaseParams(min_customers=3))
    assert model.columns.tolist() == []
    assert model.weights.shape == (0, 0)


def test_ridge_grows_with_the_root_of_customers_within_bounds():
    """300 at 4,000 customers, 150 at 1,000, and never outside 30 to 1,000."""
    params = EaseParams()
    assert [params.ridge_for(n) for n in (4000, 1000, 1, 10**6)] == [300, 150, 30, 1000]
    assert EaseParams(ridge=7.0).ridge_for(4000) == 7.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"half_life_days": 0},
        {"ridge": 0},
        {"max_history": 0},
        {"min_customers": 0},
        {"max_products": 0},
        {"max_products": 50_000},  # 10 GB
    ],
)
def test_impossible_settings_are_refused(wrong):
    """A bad setting fails at once and not after hours."""
    with pytest.raises(ValueError, match=next(iter(wrong)).split("_")[0]):
        EaseParams(**wrong)
