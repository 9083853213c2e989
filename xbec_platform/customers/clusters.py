"""Customer clusters of one day: search for k, fit, and assignment of customers to groups.

Weekly movement of the groups is `cluster_refit`, their description `cluster_profile`.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from xbec_platform.customers.challengers import MOST_POINTS, Challenger, compare
from xbec_platform.customers.cluster_drift import fit_bins
from xbec_platform.customers.cluster_labels import (
    ALL_CUSTOMERS,
    archetype_keys,
    cluster_name,
    keys_of_previous,
)
from xbec_platform.customers.cluster_model import ClusterModel, ClusterParams, Group
from xbec_platform.customers.cluster_places import place
from xbec_platform.customers.features import (
    DroppedFeature,
    FittedFeature,
    customers_in_order,
    fit_features,
    standardise,
)
from xbec_platform.customers.stability import choose_k, nearest

ASSIGNMENT_SCHEMA = pl.Schema(
    {"customer_id": pl.String, "cluster_key": pl.String, "cluster_name": pl.String, "distance": pl.Float64}
)
CENTROID_DECIMALS = 6


def fit(frame: pl.DataFrame, params: ClusterParams, previous: ClusterModel | None = None) -> ClusterModel:
    """Search k by bootstrap stability and fit k-means on standardised habits.

    Args:
        frame: user database of one as-of day: `customer_id` and the columns of `params.features`.
        params: settings.
        previous: model whose keys are carried over where groups correspond; None = keys by archetype.

    Returns:
        The model, equal to the bit for any row order and number of threads; where no groups can be told apart,
        status `single`: one group "all", with the reason.

    Raises:
        ValueError: a customer without id or with two rows, or a feature's column is absent.
    """
    people = customers_in_order(frame)
    features, dropped = fit_features(people, params.features, params.max_missing)
    if people.height < params.min_customers:
        reason = f"{people.height} customers, at least {params.min_customers} needed to tell groups apart"
        return _single(people.height, (), dropped, reason)
    if not features:
        return _single(people.height, (), dropped, "no feature is usable: see the dropped features")
    points = standardise(people, features)
    with threadpool_limits(limits=1):
        choice = choose_k(points[search_rows(people, params)], params.stability)
    if choice is None:
        reason = f"customers take fewer than {params.stability.k_min} distinct places"
        return _single(people.height, features, dropped, reason)
    return ClusterModel(
        status="stable" if choice.is_stable else "unstable",
        origin="search",
        reason=choice.reason,
        n_customers=people.height,
        mean_ari=choice.mean_ari,
        features=features,
        dropped=dropped,
        groups=_keyed_groups(points, choice.centroids, features, params, previous),
        bins=fit_bins(points, features),
        stability=choice.rows,
        challengers=_challengers(people, points, choice.k, params),
    )


def assign(model: ClusterModel, frame: pl.DataFrame) -> pl.DataFrame:
    """Give every customer of a day the group with the nearest centroid, or the likeliest one (`cluster_places`).

    Args:
        model: fitted on the same or an earlier day.
        frame: user database of one as-of day.

    Returns:
        `ASSIGNMENT_SCHEMA`, one row per customer, by `customer_id`. `distance` is to the group's centroid, in
        standard deviations; equal distances go to the lower key.
    """
    people = customers_in_order(frame)
    chosen, distance = place(model, standardise(people, model.features))
    keys = np.array([group.key for group in model.groups], dtype=object)
    names = np.array([group.name for group in model.groups], dtype=object)
    return pl.DataFrame(
        {
            "customer_id": people["customer_id"],
            "cluster_key": pl.Series(keys[chosen].tolist(), dtype=pl.String),
            "cluster_name": pl.Series(names[chosen].tolist(), dtype=pl.String),
            "distance": distance,
        },
        schema=ASSIGNMENT_SCHEMA,
    )


def search_rows(people: pl.DataFrame, params: ClusterParams) -> NDArray[np.int64]:
    """Return the rows that fits use: all, or a sample by hash of the id that lasts from day to day."""
    if people.height <= params.max_search_customers:
        return np.arange(people.height)
    hashes = np.array([zlib.crc32(str(key).encode()) for key in people["customer_id"]])
    return np.sort(np.argsort(hashes, kind="stable")[: params.max_search_customers])


def _challengers(
    people: pl.DataFrame, points: NDArray[np.float64], k: int, params: ClusterParams
) -> tuple[Challenger, ...]:
    if not params.compare_methods:
        return ()
    some = search_rows(people, replace(params, max_search_customers=max(MOST_POINTS, params.min_customers)))
    return compare(points[some], k, min_share=params.stability.min_share, seed=params.stability.seed)


def groups_at(
    points: NDArray[np.float64], centroids: NDArray[np.float64], keys: Sequence[str], names: Sequence[str]
) -> tuple[Group, ...]:
    """Return the groups of given centroids with their number of customers, by key."""
    rounded = np.round(centroids, CENTROID_DECIMALS) + 0.0  # no -0.0: it would not survive a text format
    sizes = np.bincount(nearest(points, rounded)[0], minlength=len(rounded))
    groups = (
        Group(key=key, name=name, n_customers=int(size), centroid=tuple(row.tolist()))
        for key, name, size, row in zip(keys, names, sizes, rounded, strict=True)
    )
    return tuple(sorted(groups, key=lambda group: group.key))


def _keyed_groups(
    points: NDArray[np.float64],
    centroids: NDArray[np.float64],
    features: tuple[FittedFeature, ...],
    params: ClusterParams,
    previous: ClusterModel | None,
) -> tuple[Group, ...]:
    columns = [feature.column for feature in features]
    # One order of rows whatever start k-means used: assignment ties are broken by it.
    ordered = centroids[np.lexsort(np.round(centroids, CENTROID_DECIMALS).T[::-1])]
    if previous is None or previous.status == "single":
        keys = archetype_keys(ordered, columns, archetypes=params.archetypes)
    else:
        keys = keys_of_previous(ordered, features, previous, params.archetypes)
    specs = {spec.column: spec for spec in params.features}
    return groups_at(points, ordered, keys, [cluster_name(row, columns, specs) for row in ordered])


def _single(
    n_customers: int, features: tuple[FittedFeature, ...], dropped: tuple[DroppedFeature, ...], reason: str
) -> ClusterModel:
    group = Group(
        key=ALL_CUSTOMERS, name="All customers", n_customers=n_customers, centroid=(0.0,) * len(features)
    )
    return ClusterModel(
        status="single",
        origin="search",
        reason=reason,
        n_customers=n_customers,
        mean_ari=None,
        features=features,
        dropped=dropped,
        groups=(group,),
        bins=(),
        stability=(),
    )
