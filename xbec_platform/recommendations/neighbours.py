"""The strongest neighbours of every product, counted exactly; what they are worth is told elsewhere.

Only catalogues beyond EASE's limit import this: numba takes .2 s to import, and 2 s to compile what is not cached yet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numba import njit
from numpy.typing import NDArray

LEAST = 1e-12  # of the largest weight: products of two smaller ones could vanish, and a sum of 0 means not met yet
END = -1


@njit(cache=True)
def _histories(
    starts: NDArray[np.int32],
    customers: NDArray[np.int32],
    weights: NDArray[np.float32],
    ends: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Lay each customer's products one after the other, `END` behind them, weights as bits beside them.

    One line of the cache then holds all that a visit needs; separate arrays take twice as long.

    Returns:
        The histories, and where each purchase of `customers` stands in them.
    """
    entries = np.empty(2 * (len(customers) + len(ends) - 1), np.int32)
    values = entries.view(np.float32)
    free = np.empty(len(ends) - 1, np.int64)
    for customer in range(len(free)):
        free[customer] = ends[customer] + customer
        entries[2 * (ends[customer + 1] + customer)] = END
    places = np.empty(len(customers), np.int32)
    for product in range(len(starts) - 1):
        for visit in range(starts[product], starts[product + 1]):
            place = free[customers[visit]]
            free[customers[visit]] += 1
            entries[2 * place] = product
            values[2 * place + 1] = weights[visit]
            places[visit] = place
    return entries, places


@njit(cache=True)
def _cut(keys: NDArray[np.int64], n: int) -> int:
    """Bring the n largest to the front (quickselect, Hoare 1961); the least of them."""
    low, high = 0, len(keys) - 1
    while low < high:
        first, middle, last = keys[low], keys[(low + high) >> 1], keys[high]
        pivot = max(min(first, middle), min(max(first, middle), last))
        left, right = low, high
        while left <= right:
            while keys[left] > pivot:
                left += 1
            while keys[right] < pivot:
                right -= 1
            if left <= right:
                keys[left], keys[right] = keys[right], keys[left]
                left += 1
                right -= 1
        if n - 1 <= right:
            high = right
        elif n - 1 >= left:
            low = left
        else:
            break
    return int(keys[n - 1])


@njit(cache=True)
def _strongest(
    starts: NDArray[np.int32],
    places: NDArray[np.int32],
    entries: NDArray[np.int32],
    low_bits: NDArray[np.int64],
    inverse: NDArray[np.float64],
    n: int,
    room: int,
) -> NDArray[np.int64]:
    """Sum up each pair of products once and offer it to both.

    A product's customers are followed from its own place to the end of their histories, where more popular products
    stand: sums gather in a small part of `sums`. Keys hold a score's bits above those of the product, so that integers
    are compared and equal scores go to the smaller id. `room` keys wait until they are cut to n at once: a heap for
    each product takes twice as long.
    """
    n_products = len(starts) - 1
    values = entries.view(np.float32)
    kept = np.zeros((n_products, room), np.int64)
    filled, least = np.zeros(n_products, np.int64), np.zeros(n_products, np.int64)
    sums = np.zeros(n_products, np.float32)
    cosine = np.empty(1, np.float32)
    bits = cosine.view(np.int32)
    met = np.empty(n_products + 1, np.int32)
    for product in range(n_products):
        n_met = 0
        for visit in range(starts[product], starts[product + 1]):
            at = 2 * places[visit]
            weight = values[at + 1]
            at += 2
            other = entries[at]
            while other >= 0:
                so_far = sums[other]
                met[n_met] = other
                n_met += so_far == 0
                sums[other] = so_far + weight * values[at + 1]
                at += 2
                other = entries[at]
        own, own_filled, own_least = kept[product], filled[product], least[product]
        for index in range(n_met):
            other = met[index]
            # To 20 bits, six digits: float32 sums are not better than that, see top_columns.
            cosine[0] = sums[other] * inverse[product] * inverse[other]
            score = np.int64((bits[0] + 4) >> 3) << 35
            sums[other] = 0
            if score | low_bits[other] > own_least:
                own[own_filled] = score | low_bits[other]
                own_filled += 1
                if own_filled == room:
                    own_least, own_filled = _cut(own, n), n
            if score | low_bits[product] > least[other]:
                kept[other, filled[other]] = score | low_bits[product]
                filled[other] += 1
                if filled[other] == room:
                    least[other], filled[other] = _cut(kept[other], n), n
        filled[product], least[product] = own_filled, own_least
    for product in range(n_products):
        kept[product, filled[product] :] = 0
    return kept


def strongest_neighbours(matrix: Any, n: int) -> Any:
    """The n products most alike to each by the cosine of their columns, exact; ties go to the smaller column.

    Args:
        matrix: CSR customers x products, float32 from 0; the cost is half the sum of squared history lengths.
        n: how many, fewer where fewer have a customer in common.

    Returns:
        A CSR matrix products x products of float32, to six digits: in each row the neighbours of
        a product, the strongest first.
    """
    given = sp.csr_matrix(matrix, dtype=np.float32, copy=True)
    given.eliminate_zeros()
    n_products = given.shape[1]
    count = np.bincount(given.indices, minlength=n_products)
    # Weights are divided by lengths after they are summed: sums of equal weights are exact, and so are their ties.
    weight = np.maximum(given.data / given.data.max(initial=LEAST), np.float32(LEAST))
    square = np.bincount(given.indices, weight.astype(np.float64) ** 2, n_products)
    order = np.argsort(count, kind="stable")
    rank = np.empty(n_products, dtype=np.int32)
    rank[order] = np.arange(n_products, dtype=np.int32)
    by_product = sp.csr_matrix((weight, rank[given.indices], given.indptr), shape=given.shape).tocsc()
    entries, places = _histories(by_product.indptr, by_product.indices, by_product.data, given.indptr)
    inverse = 1 / np.sqrt(np.maximum(square[order], LEAST**2))
    low_bits = n_products - order
    keys = _strongest(by_product.indptr, places, entries, low_bits, inverse, n, n + n // 2 + 1)
    keys.sort(axis=1)
    best = keys[rank, : -n - 1 : -1]
    key = best[best > 0]
    score = (key >> 32).astype(np.int32).view(np.float32)
    ends = np.append(0, np.cumsum(np.count_nonzero(best, axis=1)))
    shape = (n_products, n_products)
    return sp.csr_matrix((score, n_products - (key & 0xFFFFFFFF), ends), shape=shape)
