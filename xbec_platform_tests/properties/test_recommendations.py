"""What holds for both recommendation lists in every shop, however small or odd."""

from datetime import timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from xbec_platform.recommendations.discover import DiscoverParams, discover
from xbec_platform.recommendations.ease import EaseParams
from xbec_platform.recommendations.eligibility import decide_eligibility
from xbec_platform.recommendations.evaluation import split_by_time
from xbec_platform.recommendations.metrics import customer_metrics
from xbec_platform.recommendations.replenish import ReplenishParams, replenish
from xbec_platform.recommendations.repurchase import RepurchaseParams
from xbec_platform.recommendations.top_columns import top_columns
from xbec_platform_tests.unit.recommendations.small_shops import SCHEMA, TODAY

N_ITEMS = 4
PRODUCTS = [f"p{i}" for i in range(9)]
CUSTOMERS = [f"c{i}" for i in range(7)]
MARKETS = ["DE", "FR", "GB"]

order_line = st.tuples(
    st.sampled_from(CUSTOMERS[:6]),  # c6 never buys
    st.sampled_from(PRODUCTS[:8]),  # p8 is never sold
    st.integers(0, 3),
    st.integers(-5, 70),
    st.integers(-1, 3),
    st.sampled_from([*MARKETS, None]),
)


def _frame(rows):
    records = [
        (customer, product, f"{customer}-{order}-{age}", TODAY - timedelta(days=age), qty, market)
        for customer, product, order, age, qty, market in rows
    ]
    return pl.DataFrame(records, schema=SCHEMA, orient="row")


@st.composite
def shops(draw):
    """Orders, customers with a market or none, and a shelf with retired, forbidden and sold-out products."""
    interactions = _frame(draw(st.lists(order_line, max_size=60)))
    markets = draw(st.lists(st.sampled_from(["DE", "GB", "US", None]), min_size=7, max_size=7))
    customers = pl.DataFrame(
        {"customer_id": CUSTOMERS, "market": markets}, schema_overrides={"market": pl.String}
    )
    status = draw(st.lists(st.sampled_from(["active", "active", "retired"]), min_size=9, max_size=9))
    stock = draw(st.lists(st.sampled_from([0, 3, None]), min_size=9, max_size=9))
    forbidden = draw(st.lists(st.sampled_from(PRODUCTS), max_size=3))
    shelf = decide_eligibility(
        pl.DataFrame({"product_id": PRODUCTS, "status": status}),
        MARKETS,
        restrictions=pl.DataFrame(
            {
                "product_id": forbidden,
                "market": ["DE"] * len(forbidden),
                "reason": ["battery"] * len(forbidden),
            },
            schema=dict.fromkeys(["product_id", "market", "reason"], pl.String),
        ),
        stock=pl.DataFrame(
            {"product_id": PRODUCTS, "available": stock}, schema_overrides={"available": pl.Int64}
        ),
    )
    return interactions, customers, shelf


def _discover(shop, as_of=TODAY):
    # A short memory and a cap below the histories: bought products then score as if they were new.
    ease = EaseParams(ridge=1.0, min_customers=1, half_life_days=5, max_history=3)
    params = DiscoverParams(n_items=N_ITEMS, ease=ease)
    return discover(*shop, as_of=as_of, params=params)


def _replenish(shop, as_of=TODAY):
    params = ReplenishParams(n_items=N_ITEMS, repurchase=RepurchaseParams(min_repeats=1))
    return replenish(*shop, as_of=as_of, params=params)


def _bought(interactions):
    known = interactions.filter((pl.col("order_date") <= TODAY) & (pl.col("qty") > 0))
    return set(known.select("customer_id", "product_id").iter_rows())


def _assert_lists_hold(result, shop):
    """Ranks 1..n without gap or repetition, eligible rows only, and n + shortfall = N for every customer."""
    _, customers, shelf = shop
    lists = result.lists
    assert lists.equals(lists.sort("customer_id", "rank"))
    eligible = set(shelf.filter("is_eligible").select("product_id", "market").iter_rows())
    market = dict(customers.iter_rows())
    delivered = dict.fromkeys(CUSTOMERS, 0)
    seen = set()
    for customer, rank, product in lists.select("customer_id", "rank", "product_id").iter_rows():
        delivered[customer] += 1
        assert rank == delivered[customer]
        assert (product, market[customer]) in eligible
        assert (customer, product) not in seen
        seen.add((customer, product))
    short = {row["customer_id"]: row for row in result.shortfalls.iter_rows(named=True)}
    assert set(short) == {customer for customer, n in delivered.items() if n < N_ITEMS}
    for customer, row in short.items():
        assert row["n_delivered"] == delivered[customer]
        assert row["reason"]


@settings(max_examples=60, deadline=None)
@given(shops())
def test_discover_holds_in_any_shop(shop):
    """Never bought, eligible, exactly N or a reported shortfall that the shelf really forces, a reason per row."""
    result = _discover(shop)
    _assert_lists_hold(result, shop)
    bought = _bought(shop[0])
    buyers = {customer for customer, _ in bought}
    for row in result.lists.iter_rows(named=True):
        assert (row["customer_id"], row["product_id"]) not in bought
        if row["customer_id"] in buyers:
            assert (row["customer_id"], row["reason_product_id"]) in bought
        else:
            assert (row["reason_product_id"], row["reason_kind"]) == (None, "market_popularity")
    for row in result.shortfalls.iter_rows(named=True):
        assert row["n_delivered"] == row["n_eligible"] - row["n_eligible_bought"]


@settings(max_examples=60, deadline=None)
@given(shops())
def test_replenish_holds_in_any_shop(shop):
    """Repeats were bought and stand before the fill, which was not; a shortfall means the shelf is that short."""
    result = _replenish(shop)
    _assert_lists_hold(result, shop)
    bought = _bought(shop[0])
    filled = set()
    for row in result.lists.iter_rows(named=True):
        is_repeat = row["reason_kind"] == "bought_before"
        assert is_repeat == ((row["customer_id"], row["product_id"]) in bought)
        assert is_repeat == (row["n_orders"] > 0) == (row["last_order_date"] is not None)
        assert not (is_repeat and row["customer_id"] in filled)
        if not is_repeat:
            filled.add(row["customer_id"])
    for row in result.shortfalls.iter_rows(named=True):
        assert row["n_delivered"] == row["n_eligible"]


@settings(max_examples=40, deadline=None)
@given(shops(), st.randoms(use_true_random=False))
def test_order_of_rows_and_threads_do_not_matter(shop, random):
    """The same facts in another order give equal tables."""
    seed = random.randrange(2**31)
    shuffled = tuple(table.sample(fraction=1, shuffle=True, seed=seed) for table in shop)
    for make in (_discover, _replenish):
        with threadpool_limits(limits=2):
            first = make(shop)
        with threadpool_limits(limits=1):
            second = make(shuffled)
        assert first.lists.equals(second.lists)
        assert first.shortfalls.equals(second.shortfalls)


@settings(max_examples=40, deadline=None)
@given(shops(), st.lists(order_line, max_size=30), st.integers(1, 40))
def test_nothing_after_the_as_of_day_is_seen(shop, later, test_days):
    """Any other test window gives the same lists: popularity, decay, catalogue, trend and learning see train only."""
    interactions, customers, shelf = shop
    split = split_by_time(interactions, test_end=TODAY, test_days=test_days)
    other = _frame(later).filter(pl.col("order_date") > split.train_end)
    for make in (_discover, _replenish):
        train_only = make((split.train, customers, shelf), as_of=split.train_end)
        for test in (split.test, other):
            with_test = make((split.train.vstack(test), customers, shelf), as_of=split.train_end)
            assert with_test.lists.equals(train_only.lists)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.integers(-2, 5), min_size=70, max_size=70), min_size=1, max_size=4),
    st.integers(1, 75),
)
def test_top_columns_equal_a_full_sort(rows, n):
    """Few distinct values make ties everywhere: the first columns win."""
    scores = np.array(rows, dtype=np.float32)
    row, column, _ = top_columns(scores, n)
    expected = []
    for i, values in enumerate(rows):
        order = sorted(range(70), key=lambda j, values=values: (-values[j], j))
        expected += [(i, j) for j in order[:n] if values[j] > 0]
    assert list(zip(row.tolist(), column.tolist(), strict=True)) == expected


@settings(max_examples=60, deadline=None)
@given(
    st.permutations(PRODUCTS),
    st.sets(st.sampled_from([*PRODUCTS, "unknown"]), min_size=1),
    st.integers(1, 12),
)
def test_metrics_are_bounded_and_moving_a_hit_up_never_hurts(ranking, wanted, k):
    """Both nDCG and recall lie in 0..1; the list with all hits first is the best one."""
    targets = pl.DataFrame({"customer_id": ["a"] * len(wanted), "product_id": sorted(wanted)})

    def score(products):
        lists = pl.DataFrame({"customer_id": ["a"] * 9, "rank": list(range(1, 10)), "product_id": products})
        return customer_metrics(lists, targets, k=k).row(0, named=True)

    got = score(list(ranking))
    best = score(sorted(ranking, key=lambda product: product not in wanted))
    assert 0 <= got["recall"] <= best["recall"] <= 1
    assert 0 <= got["ndcg"] <= best["ndcg"] + 1e-12
    assert best["ndcg"] <= 1 + 1e-12
