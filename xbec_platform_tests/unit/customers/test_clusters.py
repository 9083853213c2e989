"""Fit and assignment of a day, on shops with planted groups."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from xbec_platform.customers.cluster_model import ClusterModel, ClusterParams
from xbec_platform.customers.clusters import ASSIGNMENT_SCHEMA, assign, fit
from xbec_platform.customers.features import FeatureSpec
from xbec_platform.customers.stability import StabilityParams, adjusted_rand_index
from xbec_platform_tests.unit.customers.shops import QUICK, planted_shop, same_key_share


def codes(assigned: pl.DataFrame) -> np.ndarray:
    """Numbers of the keys, in the order of customers."""
    return np.unique(assigned["cluster_key"].to_numpy(), return_inverse=True)[1]


def test_planted_groups_are_found() -> None:
    """F11's bar for generated worlds: ARI at least .95 against the truth, with k found and not given."""
    shop, truth = planted_shop(times=2, seed=4, noise=0.2)
    stability = StabilityParams(n_resamples=10, n_starts=10, n_resample_starts=2, k_max=7)
    model = fit(shop, ClusterParams(stability=stability))
    assert (model.status, len(model.groups)) == ("stable", 5)
    assert adjusted_rand_index(codes(assign(model, shop)), truth) >= 0.95


def test_keys_are_those_of_the_archetypes(model: ClusterModel, shop: pl.DataFrame) -> None:
    """The planted best customers are c01, the small ones long gone c05: keys carry meaning, not fit order."""
    keys = dict(assign(model, shop).select("customer_id", "cluster_key").iter_rows())
    assert keys["p0000"] == "c01"
    assert keys["p0299"] == "c05"
    names = {group.key: group.name for group in model.groups}
    assert names["c01"].endswith("very frequent, very high value")


def test_row_order_does_not_matter(model: ClusterModel, shop: pl.DataFrame) -> None:
    """Marts come in any row order; the model must be equal to the bit."""
    shuffled = shop.sample(fraction=1.0, shuffle=True, seed=9)
    assert fit(shuffled, QUICK) == model
    assert assign(model, shuffled).equals(assign(model, shop))


def test_currency_does_not_matter(model: ClusterModel, shop: pl.DataFrame) -> None:
    """A shop that keeps its books in yen has the same groups."""
    yen = shop.with_columns(net_base=pl.col("net_base").cast(pl.Float64) * 157.3)
    assert same_key_share(assign(fit(yen, QUICK), yen), assign(model, shop)) == 1.0


@pytest.mark.parametrize("n", [0, 1, 49])
def test_few_customers_make_one_group(shop: pl.DataFrame, n: int) -> None:
    """A new shop gets a model that works and says why it is one group."""
    few = shop.head(n)
    model = fit(few, QUICK)
    assert (model.status, [group.key for group in model.groups]) == ("single", ["all"])
    assert model.reason == f"{n} customers, at least 50 needed to tell groups apart"
    assigned = assign(model, few)
    assert assigned.schema == ASSIGNMENT_SCHEMA
    assert assigned["cluster_key"].to_list() == ["all"] * n
    assert assign(model, shop)["cluster_name"].unique().to_list() == ["All customers"]


def test_customers_on_two_places_make_one_group(shop: pl.DataFrame) -> None:
    """Fewer distinct customers than groups: an answer, not a crash of k-means."""
    two = shop.with_columns(
        recency_days=pl.lit(3), n_orders=pl.int_range(pl.len()) % 2 + 1, net_base=pl.lit(10.0)
    )
    model = fit(two, QUICK)
    assert (model.status, model.reason) == ("single", "customers take fewer than 3 distinct places")
    assert [d.column for d in model.dropped] == ["recency_days", "net_base"]
    assert assign(model, two)["cluster_key"].n_unique() == 1


def test_no_usable_feature(shop: pl.DataFrame) -> None:
    """All equal customers: every feature is listed as dropped."""
    same = shop.with_columns(recency_days=pl.lit(3), n_orders=pl.lit(1), net_base=pl.lit(10.0))
    model = fit(same, QUICK)
    assert model.status == "single"
    assert len(model.dropped) == 3
    assert assign(model, same)["distance"].to_list() == [0.0] * 300


def test_further_habits_can_be_compared(shop: pl.DataFrame) -> None:
    """Features are settings: a habit that splits customers joins in, an empty one is dropped and listed."""
    more = shop.with_columns(
        return_rate=pl.int_range(pl.len()) % 2 * 0.5, visits=pl.lit(None, dtype=pl.Float64)
    )
    specs = (
        *QUICK.features,
        FeatureSpec(column="return_rate", log=False),
        FeatureSpec(column="visits"),
    )
    model = fit(more, replace(QUICK, features=specs))
    assert [f.column for f in model.features] == ["recency_days", "n_orders", "net_base", "return_rate"]
    assert [d.column for d in model.dropped] == ["visits"]
    assert all(len(group.centroid) == 4 for group in model.groups)


def test_unstable_shop_is_flagged() -> None:
    """Customers spread evenly have no groups: the model works and does not claim more."""
    rng = np.random.default_rng(3)
    even = pl.DataFrame(
        {
            "customer_id": [str(i) for i in range(300)],
            "recency_days": rng.integers(0, 300, 300),
            "n_orders": rng.integers(1, 50, 300),
            "net_base": rng.uniform(1, 1000, 300),
        }
    )
    strict = replace(QUICK, stability=replace(QUICK.stability, min_ari=0.999))
    model = fit(even, strict)
    assert model.status == "unstable"
    assert model.reason.startswith("no k has mean ARI >= 0.999")


def test_keys_follow_a_previous_model(model: ClusterModel, shop: pl.DataFrame) -> None:
    """With a previous model its keys are carried over, whatever they are."""
    renamed = replace(
        model, groups=tuple(replace(g, key=f"x{i}") for i, g in enumerate(reversed(model.groups)))
    )
    again = fit(shop, QUICK, previous=renamed)
    assert same_key_share(assign(again, shop), assign(renamed, shop)) == 1.0
    assert {group.key for group in again.groups} == {"x0", "x1", "x2", "x3", "x4"}


def test_fit_on_a_sample_by_id(shop: pl.DataFrame, model: ClusterModel) -> None:
    """Beyond the cap the fit uses a sample by id: the groups are the same, all customers are counted."""
    capped = replace(QUICK, max_search_customers=150)
    sampled = fit(shop, capped)
    assert sampled != model
    assert same_key_share(assign(sampled, shop), assign(model, shop)) > 0.98
    assert sum(group.n_customers for group in sampled.groups) == 300
    assert fit(shop.reverse(), capped) == sampled


def test_assigned_rows_are_sorted_and_near(model: ClusterModel, shop: pl.DataFrame) -> None:
    """One row per customer by id, with a distance that is small for planted groups."""
    assigned = assign(model, shop.reverse())
    assert assigned["customer_id"].to_list() == shop["customer_id"].to_list()
    assert assigned["distance"].max() < 1.5


@pytest.mark.parametrize(
    "bad",
    [
        {"features": ()},
        {"features": (FeatureSpec(column="a"), FeatureSpec(column="a"))},
        {"stability": StabilityParams(k_max=13)},  # there are twelve keys
        {"max_missing": 1.0},
        {"min_customers": 9},  # below k_max
        {"max_search_customers": 49},  # below min_customers
        {"previous_weight": -1},
        {"min_refit_ari": 1.5},
    ],
)
def test_bad_settings(bad: dict[str, Any]) -> None:
    """Refused where they are made."""
    with pytest.raises(ValueError, match=r"give|keys exist"):
        ClusterParams(**bad)
