"""F11 on real customers: k, stability and persistence on Online Retail."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from xbec_platform.customers.cluster_model import ClusterModel, ClusterParams
from xbec_platform.customers.cluster_refit import refit
from xbec_platform.customers.clusters import assign, fit
from xbec_platform.customers.stability import StabilityParams
from xbec_platform_tests.unit.customers.shops import OnlineRetail, same_key_share

LAST_DAY = date(2011, 12, 9)
SEARCH_DAY = date(2011, 10, 3)


@pytest.fixture(scope="module")
def retail(shared_data: Path) -> OnlineRetail:
    """The shop."""
    return OnlineRetail(shared_data / "online_retail")


@pytest.fixture(scope="module")
def last_model(retail: OnlineRetail) -> ClusterModel:
    """The full search with default settings on the last day: about 10 s of CPU."""
    return fit(retail.user_database(LAST_DAY), ClusterParams())


def quick(k: int) -> ClusterParams:
    """One k and one resample: the clusters without the measurement of their stability."""
    return ClusterParams(stability=StabilityParams(k_min=k, k_max=k, n_resamples=1))


def test_stability_decides_k(last_model: ClusterModel) -> None:
    """The acceptance of F11: k in 5..7 with mean ARI of at least .88 over 100 resamples, no tiny group."""
    assert last_model.status == "stable"
    assert 5 <= len(last_model.groups) <= 7
    chosen = next(row for row in last_model.stability if row.is_chosen)
    assert chosen.k == len(last_model.groups)
    assert chosen.n_resamples == 100
    assert chosen.mean_ari >= 0.88
    assert chosen.smallest_share >= 0.03
    assert [row.k for row in last_model.stability] == list(range(3, 11))
    # the collapse above: what silhouette and BIC do not see
    assert all(row.mean_ari < 0.85 for row in last_model.stability if row.k >= 8)


def test_unchanged_data_keep_every_label(retail: OnlineRetail, last_model: ClusterModel) -> None:
    """Shuffled rows and a new fit at the chosen k: the same model to the bit, 100 % the same labels."""
    customers = retail.user_database(LAST_DAY)
    shuffled = customers.sample(fraction=1.0, shuffle=True, seed=11)
    k = len(last_model.groups)
    one, other = fit(customers, quick(k)), fit(shuffled, quick(k))
    assert one == other
    assert one.groups == last_model.groups
    assert assign(last_model, shuffled).equals(assign(last_model, customers))


def test_one_more_day_keeps_98_percent(retail: OnlineRetail) -> None:
    """Eight weeks, day by day, with a refit every Monday on the search of October."""
    search = fit(retail.user_database(SEARCH_DAY), quick(5))
    params = ClusterParams()
    kept, model, before = [], search, assign(search, retail.user_database(SEARCH_DAY))
    for offset in range(1, 57):
        day = SEARCH_DAY + timedelta(days=offset)
        customers = retail.user_database(day)
        if day.weekday() == 0:
            model = refit(customers, search, params)
            assert model.origin == "refit"
        today = assign(model, customers)
        kept.append(same_key_share(before, today))
        before = today
    assert min(kept) >= 0.98
    assert sum(kept) / len(kept) >= 0.985


def test_keys_of_neighbouring_searches_agree(retail: OnlineRetail) -> None:
    """Two searches a week apart, each by archetypes alone: most customers keep their key without any state."""
    monday = date(2011, 9, 5)
    one = fit(retail.user_database(monday), quick(5))
    other = fit(retail.user_database(monday + timedelta(days=7)), quick(5))
    assert [g.key for g in one.groups] == [g.key for g in other.groups] == ["c01", "c02", "c03", "c04", "c05"]
    customers = retail.user_database(monday + timedelta(days=7))
    assert same_key_share(assign(one, customers), assign(other, customers)) >= 0.95


def test_sample_finds_the_same_groups(retail: OnlineRetail) -> None:
    """A sample of half the customers finds the same groups for nine customers in ten."""
    customers = retail.user_database(LAST_DAY)
    full, half = (fit(customers, replace(quick(5), max_search_customers=n)) for n in (20_000, 2_000))
    assert same_key_share(assign(full, customers), assign(half, customers)) >= 0.9
