"""How much more often a group buys something than everybody: index, interval, permutation test. No words, no tables.

The index is share of buyers in the group over share of buyers overall, 1 for "as everybody". Small groups are drawn to
what was expected of them (empirical Bayes, beta-binomial). Shuffling who belongs to the group gives the hypergeometric
distribution of its buyers, so that the permutation test is exact without drawing a permutation.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# Buyers that stand for what was expected before any evidence: the search keeps within these.
LEAST_PRIOR_BUYERS, MOST_PRIOR_BUYERS = 0.5, 500.0
# Probabilities so many standard deviations beyond an end that leads away from the mean, and some for small numbers, are
# nothing beside its own.
FAR, FEW = 10.0, 30
SUMMED_AT_ONCE = 1_000_000
INTERVAL = 0.9
MOST_RATE = 0.999


def overall_rates(buyers: IntArray, people: IntArray) -> FloatArray:
    """Return the share of buyers among all; a half buyer is added, so that nothing has a rate of 0."""
    return np.asarray((buyers + 0.5) / (people + 1.0))


def prior_buyers(buyers: IntArray, people: IntArray, expected_rate: FloatArray) -> float:
    """Return how many buyers what was expected is worth, by maximum likelihood over all groups and things.

    Args:
        buyers: Of each group and thing.
        people: Of each group.
        expected_rate: Share of buyers expected of the group.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import betaln

    if not len(buyers):
        return MOST_PRIOR_BUYERS
    mean = np.minimum(expected_rate, MOST_RATE)

    def surprise(log_size: float) -> float:
        a, b = _prior(float(np.exp(log_size)), mean)
        return -float(np.sum(betaln(buyers + a, people - buyers + b) - betaln(a, b)))

    bounds = (np.log(LEAST_PRIOR_BUYERS), np.log(MOST_PRIOR_BUYERS))
    found = minimize_scalar(surprise, bounds=bounds, method="bounded", options={"xatol": 1e-4})
    # Rounded: the last bits of a search differ between machines.
    return round(float(np.exp(found.x)), 2)


def posterior(
    buyers: IntArray, people: IntArray, expected_rate: FloatArray, size: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the group's share of buyers and the ends of its 90 % interval; `size` is that of `prior_buyers`."""
    from scipy.special import betaincinv

    a, b = _prior(size, np.minimum(expected_rate, MOST_RATE))
    a, b = a + buyers, b + (people - buyers)
    tail = (1 - INTERVAL) / 2
    return a / (a + b), np.asarray(betaincinv(a, b, tail)), np.asarray(betaincinv(a, b, 1 - tail))


def _prior(size: FloatArray | float, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
    return size + np.zeros(len(mean)), size * (1 - mean) / mean


def permutation_p(
    buyers: IntArray, people: IntArray, all_buyers: IntArray, everybody: IntArray
) -> FloatArray:
    """Return the chance that a group of this size, shuffled, has so many buyers or so few; two-sided.

    Exact: the tail of the hypergeometric distribution, the smaller one doubled. Only the tail that leads away from the
    mean is summed, as far as a double can tell; the other one is what is left.
    """
    mean = all_buyers * people / everybody
    others = np.maximum(everybody - 1, 1)
    spread = np.sqrt(mean * (1 - all_buyers / everybody) * (everybody - people) / others)
    is_upper = buyers >= mean
    least = np.maximum(0, all_buyers + people - everybody)
    end = np.where(is_upper, np.minimum(all_buyers, people) - buyers, buyers - least)
    count = np.minimum(end, np.ceil(FAR * spread).astype(np.int64) + FEW) + 1
    step = np.where(is_upper, 1, -1)
    # Some million summands at once take 100 MB; all of a shop with 4,000 products and 50 groups took 4 GB.
    part = np.cumsum(count) // SUMMED_AT_ONCE
    bounds = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), len(count)]
    cases = (buyers, step, count, people, all_buyers, everybody)
    sums = [_tail(*(case[i:j] for case in cases)) for i, j in pairwise(bounds)]
    tail, own = (np.concatenate(found) for found in zip(*sums, strict=True))
    return np.asarray(np.minimum(1.0, 2 * np.minimum(tail, 1 - tail + own)))


def _tail(
    first: IntArray,
    step: IntArray,
    count: IntArray,
    people: IntArray,
    all_buyers: IntArray,
    everybody: IntArray,
) -> tuple[FloatArray, FloatArray]:
    """Sum of so many hypergeometric probabilities from `first` on, up or down, and the first of them."""
    from scipy.special import gammaln

    def factorial(of: IntArray) -> FloatArray:
        return np.asarray(gammaln(of + 1.0))

    neither = everybody - all_buyers - people
    shared = sum(factorial(of) for of in (all_buyers, everybody - all_buyers, people, everybody - people))
    shared -= factorial(everybody)
    cell = np.repeat(np.arange(len(count)), count)
    start = np.cumsum(count) - count
    k = first[cell] + step[cell] * (np.arange(len(cell)) - start[cell])
    logs = (
        factorial(k)
        + factorial(all_buyers[cell] - k)
        + factorial(people[cell] - k)
        + factorial(neither[cell] + k)
    )
    chance = np.exp(shared[cell] - logs)
    return np.asarray(np.bincount(cell, chance, minlength=len(count))), chance[start]


def significant(p: FloatArray, *, false_discovery_rate: float = 0.05) -> BoolArray:
    """Return which of many tests are significant (Benjamini & Hochberg 1995)."""
    if not len(p):
        return np.zeros(0, dtype=bool)
    order = np.argsort(p, kind="stable")
    passes = p[order] <= false_discovery_rate * np.arange(1, len(p) + 1) / len(p)
    kept = np.flatnonzero(passes)
    chosen = np.zeros(len(p), dtype=bool)
    if len(kept):
        chosen[order[: kept[-1] + 1]] = True
    return chosen
