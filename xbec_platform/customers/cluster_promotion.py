"""Groups that an operator has chosen over the automatic ones: which decision holds on a day, and what it makes.

A decision is data with a first day (contract `cluster_promotions`), so that a replay makes the same groups; the next
one of the same groups ends it, `automatic` goes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xbec_platform.customers.challengers import HDBSCAN_, K_MEANS, MIXTURE, MOST_POINTS, Shape, shapes
from xbec_platform.customers.cluster_labels import cluster_name, keys_of_previous
from xbec_platform.customers.cluster_model import ClusterModel, ClusterParams, Group
from xbec_platform.customers.cluster_places import place
from xbec_platform.customers.clusters import CENTROID_DECIMALS, fit, search_rows
from xbec_platform.customers.features import customers_in_order, standardise
from xbec_platform.customers.stability import adjusted_rand_index

AUTOMATIC = "automatic"
METHODS = (AUTOMATIC, K_MEANS, MIXTURE, HDBSCAN_)


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """One decision; see the columns of the contract `cluster_promotions`."""

    valid_from: date
    method: str
    k: int | None = None
    reason: str

    def __post_init__(self) -> None:
        """Refuse what names no groups."""
        if self.method not in METHODS:
            raise ValueError(f"method is {self.method!r}: give one of {', '.join(METHODS)}")
        if self.method == K_MEANS and (self.k is None or self.k < 2):
            raise ValueError("k-means with another number of groups: give k, 2 or more")
        if self.method in (AUTOMATIC, HDBSCAN_) and self.k is not None:
            raise ValueError(f"{self.method} finds its own number of groups: leave k out")


def in_force(decisions: Sequence[Promotion], day: date) -> Promotion | None:
    """Return the decision that holds on a day, None where groups are automatic."""
    known = [one for one in decisions if one.valid_from <= day]
    last = max(known, key=lambda one: one.valid_from, default=None)
    return None if last is None or last.method == AUTOMATIC else last


def promoted(
    frame: pl.DataFrame, automatic: ClusterModel, params: ClusterParams, promotion: Promotion
) -> ClusterModel:
    """Return the groups a decision asks for, of the same customers as an automatic model.

    Keys are those of the automatic groups they correspond to; scale, bins and the table of methods are the automatic
    model's. Groups of a mixture or of HDBSCAN have shapes: a customer belongs to the likeliest one (HDBSCAN's normal by
    their members; what it calls noise belongs somewhere too).

    Args:
        frame: user database of the search day.
        automatic: the model of the search of that day.
        params: its settings.
        promotion: the decision.

    Returns:
        The model; where the method finds no groups on these customers the automatic one, with the reason.
    """
    people = customers_in_order(frame)
    chosen = automatic
    if automatic.status != "single":
        chosen = (
            _another_k(people, automatic, params, promotion)
            if promotion.method == K_MEANS
            else _shaped(people, automatic, params, promotion)
        )
    decision = f"decided by an operator from {promotion.valid_from} ({promotion.reason}): {promotion.method}"
    if chosen is automatic or chosen.status == "single":
        return replace(automatic, reason=f"{decision} finds no groups here, the automatic ones stay")
    points = standardise(people, automatic.features)
    ari = adjusted_rand_index(place(automatic, points)[0], place(chosen, points)[0])
    reason = f"{decision}, k = {len(chosen.groups)}, ARI {ari:.3f} to the automatic groups"
    return replace(chosen, reason=reason, stability=automatic.stability, challengers=automatic.challengers)


def _another_k(
    people: pl.DataFrame, automatic: ClusterModel, params: ClusterParams, promotion: Promotion
) -> ClusterModel:
    k = promotion.k or len(automatic.groups)
    if k > len(params.archetypes):
        return automatic
    only = replace(params.stability, k_min=k, k_max=k)
    return fit(people, replace(params, stability=only, compare_methods=False), previous=automatic)


def _shaped(
    people: pl.DataFrame, automatic: ClusterModel, params: ClusterParams, promotion: Promotion
) -> ClusterModel:
    # On the points on which the methods are compared: what was measured is what is published.
    points = standardise(people, automatic.features)
    some = search_rows(people, replace(params, max_search_customers=max(MOST_POINTS, params.min_customers)))
    found = shapes(
        points[some],
        promotion.method,
        promotion.k or len(automatic.groups),
        min_share=params.stability.min_share,
        seed=params.stability.seed,
    )
    if not 2 <= len(found) <= len(params.archetypes):
        return automatic
    measured = next((c.mean_ari for c in automatic.challengers if c.method == promotion.method), None)
    model = replace(
        automatic,
        status="stable" if measured is None or measured >= params.stability.min_ari else "unstable",
        method=promotion.method,
        mean_ari=measured,
        groups=_groups(found, automatic, params),
    )
    sizes = np.bincount(place(model, points)[0], minlength=len(model.groups)).tolist()
    sized = [replace(group, n_customers=size) for group, size in zip(model.groups, sizes, strict=True)]
    return replace(model, groups=tuple(sized))


def _groups(found: Sequence[Shape], automatic: ClusterModel, params: ClusterParams) -> tuple[Group, ...]:
    means = np.round(np.array([shape.mean for shape in found]), CENTROID_DECIMALS) + 0.0
    columns = [feature.column for feature in automatic.features]
    keys = keys_of_previous(means, automatic.features, automatic, params.archetypes)
    specs = {spec.column: spec for spec in params.features}
    groups = [
        Group(
            key=key,
            name=cluster_name(mean.tolist(), columns, specs),
            n_customers=0,
            centroid=tuple(mean.tolist()),
            covariance=_rounded(shape.covariance),
            weight=round(shape.weight, CENTROID_DECIMALS),
        )
        for key, mean, shape in zip(keys, means, found, strict=True)
    ]
    return tuple(sorted(groups, key=lambda group: group.key))


def _rounded(covariance: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple((np.round(covariance, CENTROID_DECIMALS) + 0.0).ravel().tolist())
