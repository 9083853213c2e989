"""The weekly refit: groups follow their customers and keep their keys."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from xbec_platform.customers.cluster_model import ClusterModel
from xbec_platform.customers.cluster_refit import refit
from xbec_platform.customers.clusters import assign, fit
from xbec_platform_tests.unit.customers.shops import QUICK, planted_shop, same_key_share


@pytest.fixture
def later() -> pl.DataFrame:
    """The shop after everybody spent a fifth more."""
    return planted_shop()[0].with_columns(net_base=pl.col("net_base").cast(pl.Float64) * 1.2)


def test_keys_names_scale_and_k_stay(model: ClusterModel, later: pl.DataFrame) -> None:
    """A refit moves centroids and nothing that campaigns hang on."""
    moved = refit(later, model, QUICK)
    assert moved.origin == "refit"
    assert [(g.key, g.name) for g in moved.groups] == [(g.key, g.name) for g in model.groups]
    assert (moved.features, moved.bins, moved.stability) == (model.features, model.bins, model.stability)
    assert moved.ari_to_previous == 1.0
    assert same_key_share(assign(moved, later), assign(model, later)) == 1.0


def test_earlier_groups_weigh_as_much_as_their_customers(model: ClusterModel, later: pl.DataFrame) -> None:
    """As many customers then as now: the centroid lies halfway between the old one and today's mean."""
    members = assign(model, later)["cluster_key"] == "c01"
    feature = model.features[2]
    z_today = feature.standardise(later["net_base"].to_numpy())[members.to_numpy()].mean()
    z_before = {g.key: g.centroid[2] for g in model.groups}["c01"]
    for weight, expected in [
        (1.0, (z_before + z_today) / 2),
        (0.0, z_today),
        (3.0, (3 * z_before + z_today) / 4),
    ]:
        moved = refit(later, model, replace(QUICK, previous_weight=weight))
        assert {g.key: g.centroid[2] for g in moved.groups}["c01"] == pytest.approx(expected, abs=2e-6)


def test_sample_keeps_the_weight_of_the_past(model: ClusterModel, later: pl.DataFrame) -> None:
    """With half of today's customers in the sample, the past counts half as many points."""
    full = refit(later, model, QUICK).centroids()
    sampled = refit(later, model, replace(QUICK, max_search_customers=150)).centroids()
    assert np.abs(full - sampled).max() < 0.05


def test_order_of_rows_does_not_matter(model: ClusterModel, later: pl.DataFrame) -> None:
    """Equal to the bit."""
    assert refit(later.reverse(), model, QUICK) == refit(later, model, QUICK)


def test_a_refit_that_disagrees_is_refused(model: ClusterModel) -> None:
    """Customers unlike those of the search: earlier groups stay in force until an operator promotes."""
    rng = np.random.default_rng(2)
    strange = pl.DataFrame(
        {
            "customer_id": [str(i) for i in range(400)],
            "recency_days": rng.integers(0, 400, 400),
            "n_orders": rng.integers(1, 12, 400),
            "net_base": rng.uniform(50, 3000, 400),
        }
    )
    params = replace(QUICK, previous_weight=0.0)
    kept = refit(strange, model, params)
    assert kept.origin == "kept"
    assert kept.groups == model.groups
    assert kept.ari_to_previous is not None
    assert kept.ari_to_previous < 0.8
    assert "kept" in kept.reason
    promoted = refit(strange, model, params, promote=True)
    assert promoted.origin == "refit"
    assert promoted.ari_to_previous == kept.ari_to_previous
    assert promoted.groups != model.groups


def test_too_few_customers_move_nothing(model: ClusterModel, shop: pl.DataFrame) -> None:
    """A day with hardly any customers, or none, must not destroy the model."""
    for n in (0, 49):
        kept = refit(shop.head(n), model, QUICK)
        assert (kept.origin, kept.groups) == ("kept", model.groups)
        assert kept.reason == f"{n} customers, at least 50 needed: earlier groups kept"


def test_one_group_is_searched_anew(shop: pl.DataFrame, model: ClusterModel) -> None:
    """A shop that has grown out of one group gets its clusters at the next refit."""
    assert refit(shop, fit(shop.head(20), QUICK), QUICK) == model
