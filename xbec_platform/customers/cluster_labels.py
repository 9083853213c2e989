"""Names that last: keys of clusters by fixed archetypes or by an earlier model, and their words.

Keys never depend on the order in which days are computed: an archetype is data, and an earlier model is
passed in by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from xbec_platform.customers.cluster_archetypes import ARCHETYPES, Archetype
from xbec_platform.customers.cluster_model import ClusterModel
from xbec_platform.customers.features import FeatureSpec, FittedFeature

ALL_CUSTOMERS = "all"
WORD_LIMITS = (-1.25, -0.35, 0.35, 1.25)
MOST_OUTSTANDING = 3


def archetype_keys(
    centroids: NDArray[np.float64],
    columns: Sequence[str],
    taken: Sequence[str] = (),
    archetypes: Sequence[Archetype] = ARCHETYPES,
) -> list[str]:
    """Give each cluster the key of an archetype, at the smallest total cost (Hungarian assignment).

    The cost is the squared distance and the archetype's own.

    Args:
        centroids: clusters x features in z-scores.
        columns: the feature of each column of `centroids`; those no archetype speaks of do not count.
        taken: keys that must not be given.
        archetypes: what keys stand for.

    Raises:
        ValueError: more clusters than free archetypes.
    """
    free = [a for a in archetypes if a.key not in taken]
    if len(centroids) > len(free):
        raise ValueError(f"{len(centroids)} clusters and {len(free)} free archetypes: lower k_max")
    spoken_of = {column for a in archetypes for column in a.place}
    known = [j for j, column in enumerate(columns) if column in spoken_of]
    places = np.array([[a.place.get(columns[j], 0.0) for j in known] for a in free])
    places = places.reshape(len(free), len(known))
    own = np.array([a.cost for a in free])
    cost = np.square(centroids[:, None, known] - places[None]).sum(axis=2) + own
    rows, chosen = linear_sum_assignment(cost)
    by_row = dict(zip(rows.tolist(), chosen.tolist(), strict=True))
    return [free[by_row[i]].key for i in range(len(centroids))]


def keys_of_previous(
    centroids: NDArray[np.float64],
    features: Sequence[FittedFeature],
    previous: ClusterModel,
    archetypes: Sequence[Archetype] = ARCHETYPES,
) -> list[str]:
    """Give each cluster the key of the nearest cluster of an earlier model (Hungarian assignment).

    Earlier centroids are carried into today's scale through raw values (days, orders, money). Clusters left
    over take archetypes that the earlier model did not use, so that a key never changes its meaning silently.
    """
    shared = [
        (j, i)
        for j, new in enumerate(features)
        for i, old in enumerate(previous.features)
        if new.column == old.column
    ]
    old = previous.centroids()
    places = np.column_stack(
        [
            features[j].standardise(np.array([previous.features[i].raw(z) for z in old[:, i]]))
            for j, i in shared
        ]
        or [np.zeros(len(old))]
    )
    here = centroids[:, [j for j, _ in shared]] if shared else np.zeros((len(centroids), 1))
    rows, chosen = linear_sum_assignment(np.square(here[:, None] - places[None]).sum(axis=2))
    keys = {int(r): previous.groups[int(c)].key for r, c in zip(rows, chosen, strict=True)}
    left = [i for i in range(len(centroids)) if i not in keys]
    fresh = archetype_keys(
        centroids[left],
        [f.column for f in features],
        taken=[group.key for group in previous.groups],
        archetypes=archetypes,
    )
    keys.update(zip(left, fresh, strict=True))
    return [keys[i] for i in range(len(centroids))]


def cluster_name(centroid: Sequence[float], columns: Sequence[str], specs: Mapping[str, FeatureSpec]) -> str:
    """Say in words where a cluster lies, such as "Recent, frequent, high value" or "Baby, toys".

    Features that are named only where they stand out come last, the most outstanding first, three at most.
    """
    parts: list[str] = []
    outstanding: list[tuple[float, str]] = []
    for z, column in zip(centroid, columns, strict=True):
        words = specs[column].words if column in specs else None
        word = words[sum(z >= limit for limit in WORD_LIMITS)] if words is not None else None
        if words is not None and word is not None:
            if None in words:
                outstanding.append((-z, word))
            else:
                parts.append(word)
    parts += [word for _, word in sorted(outstanding)[:MOST_OUTSTANDING]]
    sentence = ", ".join(parts)
    return sentence[:1].upper() + sentence[1:] if sentence else "Customers"
