"""Other ways to form the groups, measured beside k-means: a Gaussian mixture and HDBSCAN.

They decide nothing unless an operator says so: `cluster_promotion`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from xbec_platform.customers.stability import adjusted_rand_index

Points = NDArray[np.float64]
Labels = NDArray[np.int64]
NOISE = -1
K_MEANS, MIXTURE, HDBSCAN_ = "k-means", "gaussian_mixture", "hdbscan"
# Added to variances: groups of equal customers have none.
LEAST_VARIANCE = 1e-3
# What all are measured on. HDBSCAN's cost grows with the square of it.
MOST_POINTS = 2000
N_SUBSAMPLES = 10
KEPT = 0.8


@dataclass(frozen=True, kw_only=True)
class Challenger:
    """How one method fares on the same points.

    Attributes:
        method: k-means (what is in force), gaussian_mixture or hdbscan.
        n_groups: groups found; HDBSCAN chooses their number itself.
        noise_share: share of points that HDBSCAN puts into no group.
        smallest_share: share of the smallest group.
        silhouette: mean silhouette of the points in groups; None with fewer than two groups.
        mean_ari: mean agreement with fits to four fifths of the points, on these.
        ari_to_k_means: agreement with the groups in force.
    """

    method: str
    n_groups: int
    noise_share: float
    smallest_share: float
    silhouette: float | None
    mean_ari: float
    ari_to_k_means: float


def compare(points: Points, k: int, *, min_share: float, seed: int) -> tuple[Challenger, ...]:
    """Fit each method to the points and to random four fifths of them, ten times.

    Subsamples and not bootstrap resamples: HDBSCAN takes repeated points for dense places, and cannot place points it
    has not seen. Noise counts as a group of its own in agreements.

    Args:
        points: z-scores, at most `MOST_POINTS` rows or a search takes minutes.
        k: number of groups of k-means and of the mixture.
        min_share: HDBSCAN's groups hold at least this share.
        seed: of starts and subsamples.
    """
    methods: dict[str, Callable[[Points], Labels]] = {
        K_MEANS: lambda x: KMeans(k, n_init=5, random_state=seed).fit_predict(x),
        MIXTURE: lambda x: _mixture(k, seed).fit_predict(x),
        HDBSCAN_: lambda x: _hdbscan(min_share, len(x)).fit_predict(x),
    }
    with threadpool_limits(limits=1):
        whole = {name: method(points).astype(np.int64) for name, method in methods.items()}
        return tuple(
            _measured(name, points, whole[name], whole[K_MEANS], methods[name], seed) for name in methods
        )


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A group as a normal distribution: mean and covariance in z-scores, and its share of the customers."""

    mean: Points
    covariance: Points
    weight: float


def shapes(points: Points, method: str, k: int, *, min_share: float, seed: int) -> list[Shape]:
    """Fit a mixture or HDBSCAN, the latter's groups as normal distributions of their members.

    Args:
        points: as in `compare`.
        method: `gaussian_mixture` or `hdbscan`.
        k: number of groups of the mixture.
        min_share: HDBSCAN's groups hold at least this share.
        seed: of the mixture's start.
    """
    with threadpool_limits(limits=1):
        if method == MIXTURE:
            found = _mixture(k, seed).fit(points)
            parts = zip(found.means_, found.covariances_, found.weights_.tolist(), strict=True)
            return [Shape(mean=mean, covariance=spread, weight=weight) for mean, spread, weight in parts]
        labels = _hdbscan(min_share, len(points)).fit_predict(points)
    inside = points[labels != NOISE]
    least = LEAST_VARIANCE * np.eye(points.shape[1])
    members = [points[labels == label] for label in range(int(labels.max()) + 1)]
    return [
        Shape(
            mean=own.mean(axis=0),
            covariance=np.atleast_2d(np.cov(own, rowvar=False, bias=True)) + least,
            weight=len(own) / len(inside),
        )
        for own in members
    ]


def _mixture(k: int, seed: int) -> GaussianMixture:
    return GaussianMixture(k, covariance_type="full", reg_covar=LEAST_VARIANCE, random_state=seed)


def _hdbscan(min_share: float, n: int) -> HDBSCAN:
    return HDBSCAN(min_cluster_size=max(5, round(min_share * n)), copy=True)


def _measured(
    name: str, points: Points, labels: Labels, in_force: Labels, method: Callable[[Points], Labels], seed: int
) -> Challenger:
    scores = []
    for number in range(N_SUBSAMPLES):
        # The same subsamples for every method.
        rows = np.random.default_rng([seed, number]).permutation(len(points))[: round(KEPT * len(points))]
        rows.sort()
        scores.append(adjusted_rand_index(_from_zero(labels[rows]), _from_zero(method(points[rows]))))
    inside = labels != NOISE
    sizes = np.bincount(labels[inside]) if inside.any() else np.zeros(0, dtype=np.int64)
    several = len(sizes) > 1 and inside.sum() > len(sizes)
    return Challenger(
        method=name,
        n_groups=len(sizes),
        noise_share=round(float(1 - inside.mean()), 6),
        smallest_share=round(float(sizes.min() / len(points)), 6) if len(sizes) else 0.0,
        silhouette=round(float(silhouette_score(points[inside], labels[inside])), 6) if several else None,
        mean_ari=round(float(np.mean(scores)), 6),
        ari_to_k_means=round(adjusted_rand_index(in_force, _from_zero(labels)), 6),
    )


def _from_zero(labels: Labels) -> Labels:
    return labels.astype(np.int64) - NOISE
