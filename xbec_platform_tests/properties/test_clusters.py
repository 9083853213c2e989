"""Customer clusters of any small shop: what holds whatever the customers are like."""

from dataclasses import replace

import numpy as np
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xbec_platform.customers.cluster_model import ClusterParams
from xbec_platform.customers.cluster_refit import refit
from xbec_platform.customers.cluster_storage import model_from_frames, model_to_frames
from xbec_platform.customers.clusters import assign, fit
from xbec_platform.customers.stability import StabilityParams, adjusted_rand_index

PARAMS = ClusterParams(
    stability=StabilityParams(k_min=2, k_max=4, n_resamples=2, n_starts=2, n_resample_starts=1),
    compare_methods=False,
    min_customers=8,
)
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def shops(draw: st.DrawFn) -> pl.DataFrame:
    """Up to forty customers, many alike, some without a value, some who cost money."""
    n = draw(st.integers(0, 40))
    recency = st.lists(st.one_of(st.none(), st.integers(0, 400)), min_size=n, max_size=n)
    orders = st.lists(st.integers(1, 6), min_size=n, max_size=n)
    net = st.lists(st.floats(-50, 5000, width=32), min_size=n, max_size=n)
    return pl.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "recency_days": draw(recency),
            "n_orders": draw(orders),
            "net_base": draw(net),
        },
        schema={
            "customer_id": pl.String,
            "recency_days": pl.Int64,
            "n_orders": pl.Int64,
            "net_base": pl.Float64,
        },
    )


@FEW
@given(shop=shops(), seed=st.integers(0, 99))
def test_row_order_is_irrelevant(shop: pl.DataFrame, seed: int) -> None:
    """Tables come in any order: model and labels are equal to the bit."""
    shuffled = shop.sample(fraction=1.0, shuffle=True, seed=seed)
    model = fit(shop, PARAMS)
    assert fit(shuffled, PARAMS) == model
    assert assign(model, shuffled).equals(assign(model, shop))


@FEW
@given(shop=shops())
def test_everyone_has_exactly_one_known_key(shop: pl.DataFrame) -> None:
    """No customer is lost, doubled or put into a group the model does not have; group sizes add up."""
    model = fit(shop, PARAMS)
    assigned = assign(model, shop)
    assert sorted(assigned["customer_id"]) == sorted(shop["customer_id"])
    keys = [group.key for group in model.groups]
    assert len(set(keys)) == len(keys)
    assert set(assigned["cluster_key"]) <= set(keys)
    assert sum(group.n_customers for group in model.groups) == shop.height
    assert np.isfinite(assigned["distance"].to_numpy()).all()


@FEW
@given(shop=shops(), power=st.integers(-6, 12))
def test_currency_is_irrelevant(shop: pl.DataFrame, power: int) -> None:
    """Money is compared by a unit taken from the customers: another currency gives the same groups.

    Powers of two keep the numbers exact; other factors may move a customer who lies on a border.
    """
    converted = shop.with_columns(net_base=pl.col("net_base") * 2.0**power)
    one, other = fit(shop, PARAMS), fit(converted, PARAMS)
    assert one.groups == other.groups
    assert assign(one, shop).equals(assign(other, converted))


@FEW
@given(shop=shops(), later=shops(), weight=st.sampled_from([0.0, 1.0, 5.0]))
def test_refit_keeps_keys_and_survives_storage(
    shop: pl.DataFrame, later: pl.DataFrame, weight: float
) -> None:
    """Whatever the next day brings, keys of a clustering stay, and the tables hold all of it."""
    model = fit(shop, PARAMS)
    moved = refit(later, model, replace(PARAMS, previous_weight=weight))
    if model.status != "single":
        assert [group.key for group in moved.groups] == [group.key for group in model.groups]
    assert model_from_frames(model_to_frames(moved)) == moved


@FEW
@given(
    labels=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30),
    names=st.permutations(range(4)),
)
def test_ari_knows_no_names_and_no_sides(labels: list[tuple[int, int]], names: list[int]) -> None:
    """Renaming groups or swapping the labelings changes nothing; equal ones agree fully."""
    a, b = (np.array(side, dtype=np.int64) for side in zip(*labels, strict=True))
    score = adjusted_rand_index(a, b)
    assert score <= 1
    assert np.isclose(adjusted_rand_index(b, a), score)
    assert np.isclose(adjusted_rand_index(np.array(names)[a], b), score)
    assert adjusted_rand_index(a, a) == 1
