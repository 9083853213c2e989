"""Move an existing clustering with its customers, keeping k, keys, names and scale: the weekly refit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from xbec_platform.customers.cluster_model import ClusterModel, ClusterParams
from xbec_platform.customers.clusters import fit, groups_at, search_rows
from xbec_platform.customers.features import customers_in_order, standardise
from xbec_platform.customers.stability import adjusted_rand_index, nearest


def refit(
    frame: pl.DataFrame, previous: ClusterModel, params: ClusterParams, *, promote: bool = False
) -> ClusterModel:
    """Let the groups of an earlier model follow today's customers.

    k-means from the earlier centroids, in the earlier scale, with the earlier groups taking part as points
    that weigh as much as their customers did (times `previous_weight`): the posterior mode of centroids with
    a conjugate prior. Groups cannot swap, k cannot change, and a week's noise moves few customers.

    Args:
        frame: user database of today.
        previous: the model of the last search. Pass that one and not last week's refit: then today's model
            depends on two days only and can be computed in any order.
        params: settings.
        promote: adopt the refit however much it disagrees; an operator's decision.

    Returns:
        Origin `refit`, or `kept` where the agreement on today's customers is below `min_refit_ari` or there
        are too few customers: the earlier groups with the reason. A `single` model has nothing to move: a new
        search.
    """
    if previous.status == "single":
        return fit(frame, params)
    people = customers_in_order(frame)
    if previous.has_shapes:
        reason = f"{previous.reason}; groups with shapes stay until the next search"
        return replace(previous, origin="kept", reason=reason, ari_to_previous=None)
    if people.height < params.min_customers:
        reason = f"{people.height} customers, at least {params.min_customers} needed: earlier groups kept"
        return replace(previous, origin="kept", reason=reason, ari_to_previous=None)
    points = standardise(people, previous.features)
    centroids = _moved(points[search_rows(people, params)], previous, params.previous_weight, people.height)
    keys, names = [group.key for group in previous.groups], [group.name for group in previous.groups]
    groups = groups_at(points, centroids, keys, names)
    moved = replace(previous, groups=groups, n_customers=people.height)
    ari = round(_agreement(points, previous, moved), 6)
    if ari < params.min_refit_ari and not promote:
        reason = f"refit agrees with the earlier groups at ARI {ari:.3f} < {params.min_refit_ari}: kept"
        return replace(previous, origin="kept", reason=reason, ari_to_previous=ari)
    reason = f"refit; ARI {ari:.3f} to the earlier groups"
    return replace(moved, origin="refit", reason=reason, ari_to_previous=ari)


def _agreement(points: NDArray[np.float64], one: ClusterModel, other: ClusterModel) -> float:
    return adjusted_rand_index(nearest(points, one.centroids())[0], nearest(points, other.centroids())[0])


def _moved(
    sample: NDArray[np.float64], previous: ClusterModel, previous_weight: float, n_customers: int
) -> NDArray[np.float64]:
    start = previous.centroids()
    sizes = np.array([group.n_customers for group in previous.groups], dtype=np.float64)
    weights = np.concatenate([np.ones(len(sample)), sizes * previous_weight * len(sample) / n_customers])
    with threadpool_limits(limits=1):
        engine = KMeans(len(start), init=start, n_init=1, max_iter=1000, tol=0.0)
        engine.fit(np.vstack([sample, start]), sample_weight=weights)
    return np.asarray(engine.cluster_centers_, dtype=np.float64)
