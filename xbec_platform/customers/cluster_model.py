"""What a fitted customer clustering consists of: settings and frozen records, no computation on customers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xbec_platform.customers.challengers import K_MEANS, Challenger
from xbec_platform.customers.cluster_archetypes import ARCHETYPES, Archetype
from xbec_platform.customers.features import CLUSTER_FEATURES, DroppedFeature, FeatureSpec, FittedFeature
from xbec_platform.customers.stability import StabilityParams, StabilityRow

Status = Literal["stable", "unstable", "single"]
Origin = Literal["search", "refit", "kept"]


@dataclass(frozen=True, kw_only=True)
class ClusterParams:
    """Settings of the customer clusters.

    Attributes:
        features: what customers are compared by. Recency, frequency and money by default: on three days of
            Online Retail they give k = 5, 5, 6; with the number of products as well it is 3, 7, 4, and with
            tenure 7, 7, 8, groups that repeat how long ago somebody first came.
        stability: settings of the search for k.
        max_missing: a feature with a larger share of missing values is dropped.
        min_customers: with fewer customers everyone is in one group.
        max_search_customers: fits use at most this many customers, the ones with the smallest CRC-32 of their
            id, so that the sample hardly changes from week to week; all customers are assigned. A search over
            10,000 takes 16 s of CPU (29 s over 20,000) and knows centroids to 1-3 % of a standard deviation.
        archetypes: what the keys of groups stand for.
        previous_weight: how much a customer of the previous model counts in a refit against one of today.
        compare_methods: measure a Gaussian mixture and HDBSCAN on the same points, for the record.
        min_refit_ari: a refit that agrees less with the previous model on today's customers is not adopted.
    """

    features: tuple[FeatureSpec, ...] = CLUSTER_FEATURES
    stability: StabilityParams = field(default_factory=StabilityParams)
    max_missing: float = 0.4
    min_customers: int = 50
    max_search_customers: int = 10_000
    archetypes: tuple[Archetype, ...] = ARCHETYPES
    previous_weight: float = 1.0
    min_refit_ari: float = 0.8
    compare_methods: bool = True

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        columns = [spec.column for spec in self.features]
        if not columns or len(set(columns)) != len(columns):
            raise ValueError(f"features are {columns}: give at least one column, each once")
        if self.stability.k_max > len(self.archetypes):
            raise ValueError(
                f"k_max is {self.stability.k_max}: keys exist for {len(self.archetypes)} clusters"
            )
        if not 0 <= self.max_missing < 1:
            raise ValueError(f"max_missing is {self.max_missing}: give a share from 0 to below 1")
        if self.min_customers < self.stability.k_max:
            raise ValueError(
                f"min_customers is {self.min_customers}: give at least k_max = {self.stability.k_max}"
            )
        if self.max_search_customers < self.min_customers:
            raise ValueError(
                f"max_search_customers is {self.max_search_customers}: give at least min_customers"
            )
        if self.previous_weight < 0:
            raise ValueError(f"previous_weight is {self.previous_weight}: give 0 or more")
        if not 0 <= self.min_refit_ari <= 1:
            raise ValueError(f"min_refit_ari is {self.min_refit_ari}: give a number from 0 to 1")


@dataclass(frozen=True, kw_only=True)
class Group:
    """One cluster: its lasting key, its name in words, its customers on the day of the fit, its centroid.

    The centroid holds z-scores in the order of `ClusterModel.features`. Groups of a promoted mixture have a shape:
    `covariance` (row by row) and `weight`, their share; those of k-means none.
    """

    key: str
    name: str
    n_customers: int
    centroid: tuple[float, ...]
    covariance: tuple[float, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class FeatureBins:
    """How one feature was distributed on the day its scale was learned, for drift.

    `uppers` are the inner edges in z-scores, ascending; `shares` has one entry more.
    """

    column: str
    uppers: tuple[float, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class ClusterModel:
    """A fitted clustering; see `clusters.fit`, `cluster_refit.refit`, `cluster_promotion.promoted`, `clusters.assign`.

    Attributes:
        status: stable = the rule of k is met; unstable = no k met it, the best one is used; single = everyone
            is in one group, `reason` says why.
        origin: search = k was searched; refit = groups moved with the customers; kept = refit refused.
        reason: why this k, or why there is one group, or what became of the refit.
        n_customers: customers the model was fitted on.
        mean_ari: mean bootstrap ARI of the chosen k on the day of the search; None for a single group.
        ari_to_previous: agreement of a refit with the model before it on the customers of its day.
        features: the scale of each feature used.
        dropped: features left out.
        groups: the clusters by key.
        bins: distribution of each feature on the day of the search.
        stability: table of all k tried.
        challengers: other methods on the points of the search.
        method: k-means, or what an operator has promoted.
    """

    status: Status
    origin: Origin
    reason: str
    n_customers: int
    mean_ari: float | None
    ari_to_previous: float | None = None
    features: tuple[FittedFeature, ...]
    dropped: tuple[DroppedFeature, ...]
    groups: tuple[Group, ...]
    bins: tuple[FeatureBins, ...]
    stability: tuple[StabilityRow, ...]
    challengers: tuple[Challenger, ...] = ()
    method: str = K_MEANS

    @property
    def has_shapes(self) -> bool:
        """Customers belong to the likeliest group, not to the nearest centroid."""
        return any(group.covariance for group in self.groups)

    def centroids(self) -> NDArray[np.float64]:
        """Return the matrix groups x features of z-scores."""
        return np.array([group.centroid for group in self.groups]).reshape(
            len(self.groups), len(self.features)
        )
