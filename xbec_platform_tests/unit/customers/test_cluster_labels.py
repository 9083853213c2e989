"""Lasting keys: archetypes, an earlier model, and words."""

from dataclasses import replace

import numpy as np
import pytest

from xbec_platform.customers.cluster_archetypes import ARCHETYPES
from xbec_platform.customers.cluster_labels import archetype_keys, cluster_name, keys_of_previous
from xbec_platform.customers.cluster_model import ClusterModel
from xbec_platform.customers.features import CLUSTER_FEATURES

RFM = ["recency_days", "n_orders", "net_base"]
SPECS = {spec.column: spec for spec in CLUSTER_FEATURES}


def places(*keys: str) -> np.ndarray:
    """Where archetypes lie."""
    by_key = {a.key: [a.place[column] for column in RFM] for a in ARCHETYPES}
    return np.array([by_key[key] for key in keys])


def test_clusters_on_archetypes_get_their_keys() -> None:
    """Whatever the order of rows and of features."""
    assert archetype_keys(places("c05", "c01", "c03"), RFM) == ["c05", "c01", "c03"]
    assert archetype_keys(places("c05", "c01")[:, ::-1], RFM[::-1]) == ["c05", "c01"]


def test_typical_archetypes_come_first() -> None:
    """c06 lies between c02 and c04; while those are free a cluster a little nearer to c06 does not take it."""
    halfway = (places("c06") + 0.3 * (places("c04") - places("c06"))).round(3)
    assert archetype_keys(halfway, RFM) == ["c04"]
    assert archetype_keys(np.vstack([places("c02", "c04"), halfway]), RFM) == ["c02", "c04", "c06"]


def test_features_no_archetype_speaks_of_do_not_count() -> None:
    """A return rate far off must not change who the best customers are."""
    wide = np.column_stack([places("c01", "c05"), [9.0, -9.0]])
    assert archetype_keys(wide, [*RFM, "return_rate"]) == ["c01", "c05"]


def test_more_clusters_than_archetypes() -> None:
    """Twelve keys exist."""
    with pytest.raises(ValueError, match="13 clusters and 12 free archetypes"):
        archetype_keys(np.zeros((13, 3)), RFM)


def test_more_clusters_than_before_take_unused_keys(model: ClusterModel) -> None:
    """A cluster that is new must not inherit the meaning of an old key."""
    new = np.vstack([model.centroids() + 0.05, [[0.7, -0.5, 0.9]]])
    keys = keys_of_previous(new, model.features, model)
    assert keys[:-1] == [group.key for group in model.groups]
    assert keys[-1] == "c06"  # c01 to c05 are taken


def test_fewer_clusters_than_before_keep_the_nearest_keys(model: ClusterModel) -> None:
    """A merged cluster frees a key and changes no other."""
    keys = [group.key for group in model.groups]
    assert keys_of_previous(model.centroids()[1:], model.features, model) == keys[1:]


def test_previous_centroids_are_carried_into_the_new_scale(model: ClusterModel) -> None:
    """Twice the spread halves the z-scores: matched by raw values, not by z-scores of another day."""
    wider = tuple(replace(f, scale=2 * f.scale) for f in model.features)
    assert keys_of_previous(model.centroids() / 2, wider, model) == [group.key for group in model.groups]


def test_no_shared_feature_still_gives_distinct_keys(model: ClusterModel) -> None:
    """Nothing to match by: keys are distinct, and that is all that can be said."""
    other = (replace(model.features[0], column="visits"),)
    keys = keys_of_previous(np.array([[0.0], [1.0]]), other, model)
    assert len(set(keys)) == 2


@pytest.mark.parametrize(
    ("centroid", "name"),
    [
        ((-1.0, 2.5, 2.0), "Recent, very frequent, very high value"),
        ((0.0, 0.0, 0.0), "Not long ago, occasional, medium value"),
        ((1.5, -0.8, -0.9), "Lapsed, few orders, low value"),
        ((-1.3, -0.35, 0.35), "Very recent, occasional, high value"),  # a limit belongs to the upper word
    ],
)
def test_names_in_words(centroid: tuple[float, ...], name: str) -> None:
    """Names say where a cluster lies in the order of features."""
    assert cluster_name(centroid, RFM, SPECS) == name


def test_name_without_words() -> None:
    """Clusters of habits without words still have a name."""
    assert cluster_name((1.0,), ["visits"], SPECS) == "Customers"
