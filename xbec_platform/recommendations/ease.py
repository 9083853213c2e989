"""EASE^R: the closed-form linear item-item model; lists, filters and reasons are made elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import spotrf, spotri
from threadpoolctl import threadpool_limits

COLUMN_BLOCK = 512  # 512 columns of a 20,000-product Gram matrix take 41 MB


@dataclass(frozen=True, kw_only=True)
class EaseParams:
    """Settings of the model.

    Attributes:
        half_life_days: age at which a purchase counts half. 60 to 120 are within 3 % of each other once the
            trend factor corrects for what sells now.
        ridge: L2 penalty on the diagonal; None = 300 at 4,000 customers, with the square root of their number
            (100 is 7 to 11 % better than 300 on a tenth of Online Retail's customers, 2 % worse on all of them).
        max_history: products kept per customer, see `interactions.decayed_matrix`.
        min_customers: products with fewer buyers are left to the popularity fill: they cost cubic time, and
            leaving them out changed no nDCG@10 in five windows.
        max_products: at most this many products are modelled, the ones with the largest decayed popularity.
            The inverse costs n^3 flop and 4 n^2 bytes: .5 s for 3,200, about 90 s and 1.6 GB for 20,000.
            Neighbours speak for products beyond it, see `long_tail`.
    """

    half_life_days: float = 90.0
    ridge: float | None = None
    max_history: int = 200
    min_customers: int = 3
    max_products: int = 20_000

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if not self.half_life_days > 0:
            raise ValueError(f"half_life_days is {self.half_life_days}: give days above 0")
        if self.ridge is not None and not self.ridge > 0:
            raise ValueError(f"ridge is {self.ridge}: give a number above 0, or None to derive it")
        if self.max_history < 1 or self.min_customers < 1:
            raise ValueError("max_history and min_customers count things: give 1 or more")
        if not 1 <= self.max_products <= 40_000:
            raise ValueError(
                f"max_products is {self.max_products}: give 1 to 40,000, memory grows with its square"
            )

    def ridge_for(self, n_customers: int) -> float:
        """Return the penalty for a number of customers with purchases."""
        return (
            self.ridge
            if self.ridge is not None
            else float(np.clip(300 * (n_customers / 4000) ** 0.5, 30, 1000))
        )


@dataclass(frozen=True)
class ItemModel:
    """A fitted linear model from item to item: what a customer knows speaks for what may be shown.

    EASE's own is B[j, i] = -P[j, i] / P[i, i] off the diagonal, P the ridged inverse Gram matrix.

    Attributes:
        columns: product_ix of every modelled product, ascending: the rows of `weights`.
        shown: product_ix of every product that gets a score, ascending: its columns.
        weights: float32, what one unit of a known product gives to a shown one; 0 from a product to itself.
        gram: X^T X of the modelled products where asked for, else None.
    """

    columns: NDArray[np.int64]
    shown: NDArray[np.int64]
    weights: NDArray[np.float32]
    gram: NDArray[np.float32] | None = None

    def scores(self, known: Any) -> NDArray[np.float32]:
        """What customers x modelled products say of shown ones, customers x shown."""
        scores: NDArray[np.float32] = known @ self.weights
        return scores

    def contributions(
        self, weights: NDArray[np.float32], bought: NDArray[np.int64], shown: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Split the scores of shown products over bought ones: x_j B_ji, rows = shown, columns = bought."""
        part: NDArray[np.float32] = self.weights[bought[:, None], shown].T * weights
        return part

    def similarity(self, known: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float32]:
        """Partial correlation of products given all others, rows = others, columns = known; EASE only.

        B_ji B_ij is its square: the diagonal of P falls out.
        """
        there = self.weights[known[:, None], others].T
        back = self.weights[others[:, None], known]
        likeness: NDArray[np.float32] = np.copysign(np.sqrt(np.abs(there * back)), there)
        return likeness


def _modelled(matrix: Any, params: EaseParams) -> NDArray[np.int64]:
    n_products = matrix.shape[1]
    buyers = np.bincount(matrix.indices, minlength=n_products)
    weight = np.bincount(matrix.indices, weights=matrix.data.astype(np.float64), minlength=n_products)
    known = np.flatnonzero(buyers >= params.min_customers)
    strongest = known[np.lexsort((known, -weight[known]))][: params.max_products]
    return np.sort(strongest)


def _upper_gram(matrix: Any) -> NDArray[np.float32]:
    """Return X^T X of a sparse matrix in Fortran order, upper triangle only, without a sparse copy of it all."""
    n = matrix.shape[1]
    gram = np.zeros((n, n), dtype=np.float32, order="F")
    by_product = matrix.T.tocsr()
    for start in range(0, n, COLUMN_BLOCK):
        end = min(start + COLUMN_BLOCK, n)
        gram[:end, start:end] = (by_product[:end] @ matrix[:, start:end]).toarray()
    return gram


def _mirror(upper: NDArray[np.float32]) -> None:
    n = len(upper)
    for start in range(0, n, COLUMN_BLOCK):
        end = min(start + COLUMN_BLOCK, n)
        upper[end:, start:end] = upper[start:end, end:].T
        tile = upper[start:end, start:end]
        tile[:] = np.triu(tile) + np.triu(tile, 1).T


def fit_ease(matrix: Any, params: EaseParams, *, gram_up_to: int = 0) -> ItemModel:
    """Fit EASE^R (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data") by Cholesky in float32.

    BLAS runs on one thread here: the number of threads changes the last bits of sums, and with them ties.

    Args:
        matrix: CSR customers x products, float32, decayed purchases.
        params: settings.
        gram_up_to: return the Gram matrix too, 4 n^2 bytes more, of at most so many products.

    Returns:
        The model of the products with enough buyers; a model of no product when there are none.

    Raises:
        ValueError: the ridged Gram matrix is not positive definite: the ridge is too small for float32.
    """
    columns = _modelled(matrix, params)
    if len(columns) == 0:
        return ItemModel(columns, columns, np.zeros((0, 0), np.float32))
    known = matrix[:, columns].tocsr()
    n_buyers = int(np.count_nonzero(np.diff(known.indptr)))
    with threadpool_limits(limits=1, user_api="blas"):
        gram = _upper_gram(known)
        kept = gram.copy(order="F") if len(columns) <= gram_up_to else None
        gram[np.diag_indices_from(gram)] += np.float32(params.ridge_for(n_buyers))
        factor, failed = spotrf(gram, lower=0, overwrite_a=1, clean=0)
        inverse, failed_inverse = spotri(factor, lower=0, overwrite_c=1) if not failed else (factor, failed)
    if failed or failed_inverse:
        raise ValueError("the Gram matrix is not positive definite in float32: raise EaseParams.ridge")
    _mirror(inverse)
    weights = inverse.T  # symmetric; the transpose of a Fortran array has contiguous rows
    weights /= -np.diag(weights).copy()
    np.fill_diagonal(weights, 0)
    if kept is not None:
        _mirror(kept)
    return ItemModel(columns, columns, weights, None if kept is None else kept.T)
