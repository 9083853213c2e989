"""An operator's choice of groups: which one holds when, what it makes, how it ends."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from xbec_platform.customers.cluster_model import ClusterModel
from xbec_platform.customers.cluster_places import margin, place
from xbec_platform.customers.cluster_promotion import Promotion, in_force, promoted
from xbec_platform.customers.cluster_refit import refit
from xbec_platform.customers.cluster_storage import model_from_frames, model_to_frames
from xbec_platform.customers.clusters import assign, fit
from xbec_platform.customers.features import standardise
from xbec_platform.customers.stability import adjusted_rand_index
from xbec_platform_tests.unit.customers.shops import QUICK, planted_shop, same_key_share

FIRST = date(2026, 1, 5)


def decision(method: str, k: int | None = None, valid_from: date = FIRST) -> Promotion:
    return Promotion(valid_from=valid_from, method=method, k=k, reason="asked for by marketing")


def test_the_latest_decision_by_its_day_holds() -> None:
    """None before the first; the next one ends it, and automatic goes back. Their order does not matter."""
    two, back = decision("k-means", 3, date(2026, 1, 12)), decision("automatic", None, date(2026, 1, 19))
    decisions = [back, decision("hdbscan"), two]
    found = [in_force(decisions, date(2026, 1, day)) for day in (4, 5, 11, 12, 18, 19, 30)]
    assert [one.method if one else None for one in found] == [
        None, "hdbscan", "hdbscan", "k-means", "k-means", None, None,
    ]  # fmt: skip


def test_another_k_keeps_the_keys_of_groups_it_shares(model: ClusterModel, shop: pl.DataFrame) -> None:
    """Four groups instead of five: one is gone, most customers keep their key; the reason says who wanted it."""
    four = promoted(shop, model, QUICK, decision("k-means", 4))
    assert len(four.groups) == len(model.groups) - 1
    assert {group.key for group in four.groups} < {group.key for group in model.groups}
    assert same_key_share(assign(four, shop), assign(model, shop)) > 0.75
    assert "decided by an operator from 2026-01-05 (asked for by marketing): k-means, k = 4" in four.reason
    assert (four.stability, four.features) == (model.stability, model.features)
    moved = refit(shop, four, QUICK)
    assert (moved.origin, len(moved.groups)) == ("refit", 4)


@pytest.mark.parametrize(("method", "equal"), [("gaussian_mixture", 0.97), ("hdbscan", 0.85)])
def test_groups_with_shapes_are_found_stored_and_kept(
    model: ClusterModel, shop: pl.DataFrame, method: str, equal: float
) -> None:
    """Planted groups by another method: mostly the same keys; exact through storage; kept by a refit."""
    found = promoted(shop, model, QUICK, decision(method))
    assert (found.method, found.has_shapes) == (method, True)
    assert same_key_share(assign(found, shop), assign(model, shop)) > equal
    assert sum(group.n_customers for group in found.groups) == shop.height
    assert sum(group.weight for group in found.groups) == pytest.approx(1, abs=1e-5)
    again = model_from_frames(model_to_frames(found))
    assert again == found
    assert assign(again, shop.reverse()).equals(assign(found, shop))
    assert promoted(shop.reverse(), model, QUICK, decision(method)) == found
    kept = refit(shop, found, QUICK)
    assert (kept.origin, kept.groups) == ("kept", found.groups)


def test_a_mixture_tells_apart_what_no_centroid_can() -> None:
    """A tight group within a wide one: nearest centroids cut both, the mixture does not."""
    rng = np.random.default_rng(3)
    wide, tight = rng.normal(0, 1.0, (600, 2)), rng.normal(0, 0.08, (300, 2)) + np.array([1.6, 0.0])
    points, truth = np.concatenate([wide, tight]), np.repeat([0, 1], [600, 300])
    shop = planted_shop(times=3)[0].with_columns(
        n_orders=pl.Series(np.exp(points[:, 0] + 4)), net_base=pl.Series(np.exp(points[:, 1] + 7))
    )
    stability = replace(QUICK.stability, k_min=2, k_max=2)
    params = replace(QUICK, features=QUICK.features[1:], stability=stability)
    automatic = fit(shop, params)
    mixture = promoted(shop, automatic, params, decision("gaussian_mixture", 2))
    points = standardise(shop.sort("customer_id"), automatic.features)
    scores = [adjusted_rand_index(truth, place(one, points)[0]) for one in (automatic, mixture)]
    assert scores[0] < 0.7 < 0.9 < scores[1]
    clear = margin(mixture, points)
    assert ((clear >= 0) & (clear <= 1)).all()


def test_where_a_method_finds_nothing_the_automatic_groups_stay(shop: pl.DataFrame) -> None:
    """Too few customers for groups, or more groups than there are keys: the model says so and nobody is lost."""
    for people, wish in ((shop.head(20), decision("hdbscan")), (shop, decision("k-means", 13))):
        automatic = fit(people, QUICK)
        stays = promoted(people, automatic, QUICK, wish)
        assert stays.groups == automatic.groups
        assert f"{wish.method} finds no groups here, the automatic ones stay" in stays.reason


@pytest.mark.parametrize(
    ("method", "k", "words"),
    [
        ("kmeans", 3, "method is 'kmeans'"),
        ("k-means", None, "give k"),
        ("hdbscan", 3, "leave k out"),
        ("automatic", 3, "leave k out"),
    ],
)
def test_what_names_no_groups_is_refused(method: str, k: int | None, words: str) -> None:
    """With what to do."""
    with pytest.raises(ValueError, match=words):
        decision(method, k)
