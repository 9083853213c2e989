"""How many groups the data carry: bootstrap stability of k-means per k, and the rule that picks k.

Points in, table of k out. What the points mean and what the groups are called is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

SCREENING = 40


@dataclass(frozen=True, kw_only=True)
class StabilityParams:
    """Settings of the search for k.

    Attributes:
        k_min: smallest number of groups tried.
        k_max: largest number of groups tried.
        min_ari: mean bootstrap ARI from which a k counts as stable.
        min_share: smallest group must hold at least this share of the points.
        min_jaccard: each group must be found again with at least this mean Jaccard index. The ARI alone lets
            a clear small group be cut in two at random: five planted groups have ARI 1.00 at k = 5 and .93 at
            k = 6, .89 at k = 7, the weakest group 1.00, .52 and .68. On Online Retail the weakest group has
            .88-.95 where the ARI accepts a k and at most .79 where it does not.
        n_resamples: bootstrap resamples per k; with 20 the mean moves by .03 between seeds, with 100 by .01.
            A k that lies three standard errors below `min_ari` after `SCREENING` of them gets no more.
        n_starts: k-means++ starts of the fit on all points, best kept.
        n_resample_starts: the same per resample. Few on purpose: whoever refits from scratch meets the same
            local optima, so a k whose optimum is hard to find again is not stable. Warm starts from the
            reference would call every k stable (mean ARI .92-.97 for k = 3..8 on Online Retail).
        seed: of starts and resamples.
    """

    k_min: int = 3
    k_max: int = 10
    min_ari: float = 0.88
    min_share: float = 0.03
    min_jaccard: float = 0.8
    n_resamples: int = 100
    n_starts: int = 20
    n_resample_starts: int = 3
    seed: int = 20110

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if not 2 <= self.k_min <= self.k_max:
            raise ValueError(f"k from {self.k_min} to {self.k_max}: give 2 <= k_min <= k_max")
        if not 0 < self.min_ari <= 1:
            raise ValueError(f"min_ari is {self.min_ari}: give a number above 0 and at most 1")
        if not 0 <= self.min_share < 1 / self.k_min:
            raise ValueError(f"min_share is {self.min_share}: {self.k_min} groups cannot all be that large")
        if not 0 <= self.min_jaccard <= 1:
            raise ValueError(f"min_jaccard is {self.min_jaccard}: give a number from 0 to 1")
        if min(self.n_resamples, self.n_starts, self.n_resample_starts) < 1:
            raise ValueError("n_resamples, n_starts and n_resample_starts count things: give 1 or more")


@dataclass(frozen=True, kw_only=True)
class StabilityRow:
    """What the resamples say about one k; `reason` says why it was chosen or not.

    `weakest_jaccard` is the mean Jaccard index of the group that is found again worst.
    """

    k: int
    n_resamples: int
    mean_ari: float
    min_ari: float
    weakest_jaccard: float
    smallest_share: float
    is_chosen: bool
    reason: str


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The chosen k with its centroids (k x features), and the table of all k tried."""

    k: int
    is_stable: bool
    reason: str
    mean_ari: float
    centroids: NDArray[np.float64]
    rows: tuple[StabilityRow, ...]


@dataclass(frozen=True, kw_only=True)
class _Trial:
    k: int
    n_resamples: int
    mean_ari: float
    min_ari: float
    weakest_jaccard: float
    smallest_share: float
    centroids: NDArray[np.float64]


def choose_k(points: NDArray[np.float64], params: StabilityParams) -> Choice | None:
    """Fit each k, measure how well resamples find the same groups, and apply the rule.

    The rule: the largest k whose mean bootstrap ARI reaches `min_ari`, whose every group is found again with
    `min_jaccard` and whose smallest group holds `min_share`; where none does, the k with the highest mean ARI
    among those with large enough groups (or among all), marked not stable. Method: Hennig, Cluster-wise
    assessment of cluster stability, CSDA 2007 (Jaccard of .75 is stable, .85 highly stable), with the ARI of
    the whole partition. Silhouette says 2 and BIC never stops on shop data.

    Args:
        points: rows in a fixed order; one thread makes the result equal to the bit, see `clusters.fit`.
        params: settings.

    Returns:
        The choice, or None where there are fewer distinct points than `k_min`.
    """
    distinct, place = np.unique(points, axis=0, return_inverse=True)
    largest = min(params.k_max, len(distinct))
    trials = [_trial(points, place, k, params) for k in range(params.k_min, largest + 1)]
    if not trials:
        return None
    large = [t for t in trials if t.smallest_share >= params.min_share]
    stable = [t for t in large if t.mean_ari >= params.min_ari and t.weakest_jaccard >= params.min_jaccard]
    rule = f"mean ARI >= {params.min_ari}, every group's Jaccard >= {params.min_jaccard}"
    rule += f", smallest group >= {params.min_share:.0%}"
    if stable:
        best = max(stable, key=lambda t: t.k)
        reason = f"largest k with {rule}"
    else:
        best = max(large or trials, key=lambda t: (t.mean_ari, t.k))
        reason = f"no k has {rule}: k = {best.k} has the highest mean ARI, {best.mean_ari:.3f}"
    return Choice(
        k=best.k,
        is_stable=bool(stable),
        reason=reason,
        mean_ari=best.mean_ari,
        centroids=best.centroids,
        rows=_table(trials, best, reason, params),
    )


def nearest(
    points: NDArray[np.float64], centroids: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return for each point the index of its nearest centroid (ties: the first) and the distance to it."""
    best = np.zeros(len(points), dtype=np.int64)
    distance = np.full(len(points), np.inf)
    for j, centroid in enumerate(centroids):
        # Plain sums, no BLAS: the same bits on every machine, and k arrays instead of an n x k x d block.
        candidate = np.square(points - centroid).sum(axis=1)
        closer = candidate < distance
        best[closer] = j
        distance = np.where(closer, candidate, distance)
    return best, np.sqrt(distance)


def distance_matrix(points: NDArray[np.float64], centroids: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of every point to every centroid, points x centroids."""
    columns = [np.square(points - centroid).sum(axis=1) for centroid in centroids]
    return np.asarray(np.sqrt(np.column_stack(columns)), dtype=np.float64)


def adjusted_rand_index(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """Return the agreement of two labelings: 1 = equal up to names, 0 = as by chance (Hubert & Arabie 1985)."""
    table = _contingency(a, b)
    both, in_a, in_b = (_pairs(counts) for counts in (table, table.sum(axis=1), table.sum(axis=0)))
    expected = in_a * in_b / _pairs(np.array([len(a)])) if len(a) > 1 else 0.0
    largest = (in_a + in_b) / 2
    return 1.0 if largest == expected else (both - expected) / (largest - expected)


def group_jaccard(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return for each group of `a` its overlap with the most similar group of `b`: common over united."""
    table = _contingency(a, b)
    united = table.sum(axis=1, keepdims=True) + table.sum(axis=0, keepdims=True) - table
    overlap = table / np.maximum(united, 1)
    return np.asarray(overlap.max(axis=1), dtype=np.float64)


def _trial(points: NDArray[np.float64], place: NDArray[np.int64], k: int, params: StabilityParams) -> _Trial:
    # `place` numbers the distinct points: many customers share the same few values.
    reference = KMeans(k, n_init=params.n_starts, random_state=_seed(params.seed, k), tol=1e-6).fit(points)
    labels, _ = nearest(points, reference.cluster_centers_)
    scores: list[float] = []
    overlaps = []
    for resample in range(params.n_resamples):
        if resample == SCREENING and _is_hopeless(scores, params.min_ari):
            break
        # The same resamples for every k: the k are compared on equal terms.
        drawn = np.random.default_rng([params.seed, resample]).integers(0, len(points), len(points))
        weights = np.bincount(drawn, minlength=len(points))
        if np.count_nonzero(np.bincount(place[weights > 0])) < k:
            scores.append(0.0)  # the resample has lost one of the k groups altogether
            overlaps.append(np.zeros(k))
            continue
        found, _ = nearest(points, _refound(points, weights, k, _seed(params.seed, k, resample), params))
        scores.append(adjusted_rand_index(labels, found))
        overlaps.append(group_jaccard(labels, found))
    return _Trial(
        k=k,
        n_resamples=len(scores),
        mean_ari=round(float(np.mean(scores)), 6),
        min_ari=round(float(np.min(scores)), 6),
        weakest_jaccard=round(float(np.mean(overlaps, axis=0).min()), 6),
        smallest_share=round(float(np.bincount(labels, minlength=k).min()) / len(points), 6),
        centroids=reference.cluster_centers_,
    )


def _refound(
    points: NDArray[np.float64], weights: NDArray[np.int64], k: int, seed: int, params: StabilityParams
) -> NDArray[np.float64]:
    # Weights instead of repeated rows leave 63 % of the points. Stopping at .1 % costs .01 of mean ARI and
    # saves a quarter of the time.
    engine = KMeans(k, n_init=params.n_resample_starts, max_iter=50, tol=1e-3, random_state=seed)
    inside = weights > 0
    engine.fit(points[inside], sample_weight=weights[inside].astype(np.float64))
    return np.asarray(engine.cluster_centers_, dtype=np.float64)


def _is_hopeless(scores: Sequence[float], min_ari: float) -> bool:
    return bool(np.mean(scores) + 3 * np.std(scores) / len(scores) ** 0.5 < min_ari)


def _table(
    trials: Sequence[_Trial], best: _Trial, reason: str, params: StabilityParams
) -> tuple[StabilityRow, ...]:
    return tuple(
        StabilityRow(
            k=t.k,
            n_resamples=t.n_resamples,
            mean_ari=t.mean_ari,
            min_ari=t.min_ari,
            weakest_jaccard=t.weakest_jaccard,
            smallest_share=t.smallest_share,
            is_chosen=t.k == best.k,
            reason=reason if t.k == best.k else _why_not(t, best, params),
        )
        for t in trials
    )


def _why_not(trial: _Trial, best: _Trial, params: StabilityParams) -> str:
    if trial.smallest_share < params.min_share:
        return f"smallest group {trial.smallest_share:.1%} < {params.min_share:.0%}"
    if trial.mean_ari < params.min_ari:
        return f"mean ARI {trial.mean_ari:.3f} < {params.min_ari}"
    if trial.weakest_jaccard < params.min_jaccard:
        return f"a group is found again with Jaccard {trial.weakest_jaccard:.2f} < {params.min_jaccard} only"
    return f"stable, but k = {best.k} is stable too and tells more apart"


def _seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])


def _contingency(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    width = int(b.max()) + 1
    return np.bincount(a * width + b, minlength=(int(a.max()) + 1) * width).reshape(-1, width)


def _pairs(counts: NDArray[np.int64]) -> float:
    return float((counts * (counts - 1) // 2).sum())
