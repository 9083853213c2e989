"""Signals: weights by hand, bounds, days, and what each does to lists."""

from datetime import timedelta

import polars as pl
import pytest

from xbec_platform.recommendations.discover import DiscoverParams, discover, evidence
from xbec_platform.recommendations.ease import EaseParams
from xbec_platform.recommendations.interactions import build_history
from xbec_platform.recommendations.signals import (
    SIGNAL_COLUMNS,
    SignalParams,
    signal_matrix,
    strongest,
)
from xbec_platform_tests.unit.recommendations.small_shops import NO_IDS, TODAY, lines, shelf, shoppers


def looks(*rows: tuple[str, str, int, dict[str, int]]) -> pl.DataFrame:
    """Signals from (customer, item, age in days, counts by column)."""
    records = [
        {"customer_id": who, "item_id": item, "signal_date": TODAY - timedelta(days=age)}
        | dict.fromkeys(SIGNAL_COLUMNS, 0)
        | counts
        for who, item, age, counts in rows
    ]
    return pl.DataFrame(records, schema_overrides=dict.fromkeys(SIGNAL_COLUMNS, pl.Int64))


def _matrix(signals: pl.DataFrame, params: SignalParams | None = None):
    ids = pl.Series(["category:a", "x", "y"])
    history = build_history(lines(), as_of=TODAY, customer_ids=pl.Series(["a", "b"]), product_ids=ids)
    return signal_matrix(signals, history, params or SignalParams()).toarray().tolist()


def test_weights_by_hand():
    """Four views of .25 make 1, of which scale 1 leaves 1 / 2, a half-life ago 1 / 3; category pages count apart."""
    half_life = 14
    signals = looks(
        ("a", "x", 0, {"n_views": 4}),
        ("a", "y", half_life, {"n_carts": 1}),
        ("b", "category:a", 0, {"n_views": 4}),
        ("b", "x", -1, {"n_carts": 1}),
        ("stranger", "x", 0, {"n_carts": 1}),
        ("a", "unknown", 0, {"n_carts": 1}),
    )
    assert _matrix(signals) == [pytest.approx([0, 0.5, 1 / 3]), pytest.approx([0.5, 0, 0])]
    without = SignalParams(left_out=frozenset({"click_times"}))
    assert _matrix(signals, without)[0] == pytest.approx([0, 0, 1 / 3])
    assert _matrix(signals, SignalParams(left_out=frozenset({"access_interface"})))[1] == [0, 0, 0]


def test_no_look_is_worth_a_purchase_and_heavy_users_are_cut():
    """A thousand views stay below 1; a customer keeps the strongest products, ties by id."""
    (row, _) = _matrix(looks(("a", "x", 0, {"n_views": 1000})))
    assert 0.99 < row[1] < 1
    many = looks(*[("a", f"p{i:03}", 0, {"n_views": 1 + i % 2}) for i in range(300)])
    history = build_history(
        lines(("a", "p000", 0)), as_of=TODAY, customer_ids=NO_IDS, product_ids=many["item_id"].unique()
    )
    both = evidence(history, many, DiscoverParams(ease=EaseParams(max_history=3)))
    assert both.indices.tolist() == [0, 1, 3]
    assert both.data[0] == 1  # bought today and looked at: the larger counts, not the sum
    assert strongest(both, 3) is both


def _shop_of_lookers() -> tuple[pl.DataFrame, pl.DataFrame]:
    bought = lines(*[(f"a{i}", p, 5) for i in range(5) for p in ("coffee", "filter")])
    bought = bought.vstack(lines(*[(f"b{i}", p, 5) for i in range(5) for p in ("tea", "pot")]))
    pages = [(f"b{i}", "category:tea", 6, {"n_views": 4}) for i in range(5)]
    return bought, looks(
        *pages, ("new", "coffee", 0, {"n_views": 3}), ("walker", "category:tea", 0, {"n_views": 4})
    )


def test_who_only_looked_gets_what_goes_with_it_and_the_reason():
    """A look at coffee speaks for filters, a walk through teas for tea; neither has bought anything."""
    bought, signals = _shop_of_lookers()
    params = DiscoverParams(n_items=1, ease=EaseParams(ridge=1, min_customers=1), trend=None)
    eligibility = shelf("filter", "tea", "pot")
    customers = shoppers("new", "walker")
    lists = discover(bought, customers, eligibility, as_of=TODAY, params=params, signals=signals).lists
    assert lists.select("customer_id", "product_id", "reason_product_id", "reason_kind").rows() == [
        ("new", "filter", "coffee", "looked_at"),
        ("walker", "pot", "category:tea", "browsed_category"),
    ]
    shuffled = signals.sample(fraction=1, shuffle=True, seed=3)
    assert discover(
        bought, customers, eligibility, as_of=TODAY, params=params, signals=shuffled
    ).lists.equals(lists)


def test_looking_at_a_product_does_not_recommend_that_product():
    """What nothing else speaks for is not in the model's list because it was looked at."""
    bought, signals = _shop_of_lookers()
    params = DiscoverParams(n_items=1, ease=EaseParams(ridge=1, min_customers=1), trend=None)
    lonely = signals.vstack(looks(("solo", "lamp", 0, {"n_carts": 3})))
    lists = discover(
        bought, shoppers("solo"), shelf("lamp", "tea"), as_of=TODAY, params=params, signals=lonely
    ).lists
    assert lists["generator"].to_list() == ["market_popularity"]


@pytest.mark.parametrize(
    "wrong",
    [{"scale": 2}, {"half_life_days": 0}, {"left_out": frozenset({"smell"})}],
    ids=["scale", "half", "name"],
)
def test_settings_that_cannot_work_are_refused(wrong):
    """A look cannot be worth two purchases, memory ends, and signals have names."""
    with pytest.raises(ValueError, match="scale|half_life_days|unknown"):
        SignalParams(**wrong)


def test_broken_signals_are_refused():
    """Visitors nobody knows belong to sessions, not to customers."""
    bought, signals = _shop_of_lookers()
    for broken in (signals.drop("n_carts"), signals.with_columns(customer_id=pl.lit(None, dtype=pl.String))):
        with pytest.raises(ValueError, match="signals"):
            discover(bought, shoppers("new"), shelf("tea"), as_of=TODAY, signals=broken)
