"""Discover lists on planted shops: right products, right reasons, exactly N, no violation."""

from datetime import timedelta

import polars as pl
import pytest

from xbec_platform.recommendations.discover import DISCOVER_SCHEMA, DiscoverParams, discover
from xbec_platform.recommendations.ease import EaseParams
from xbec_platform.recommendations.eligibility import decide_eligibility
from xbec_platform_tests.unit.recommendations.small_shops import TODAY, checkerboard, lines, shelf, shoppers


def _params(n_items, **ease):
    return DiscoverParams(n_items=n_items, ease=EaseParams(ridge=1.0, **ease))


def test_checkerboard_finds_the_missing_square():
    """Customer i lacks product i of its own colour only: that one must come first, because of a bought one."""
    board = checkerboard(40, 20)
    customers = board.select("customer_id", "market").unique()
    eligibility = shelf(*board["product_id"].unique())
    lists = discover(board, customers, eligibility, as_of=TODAY, params=_params(1)).lists
    for customer, product, generator, reason, kind in lists.select(
        "customer_id", "product_id", "generator", "reason_product_id", "reason_kind"
    ).rows():
        assert int(product[1:]) == int(customer[1:]) % 20
        assert (generator, kind) == ("ease", "bought")
        assert int(reason[1:]) % 2 == int(customer[1:]) % 2


def _coffee_shop():
    """Coffee comes with filters, tea with pots; one customer has coffee and, long ago, tea."""
    rows = [(f"a{i}", product, 5) for i in range(8) for product in ("coffee", "filter")]
    rows += [(f"b{i}", product, 5) for i in range(8) for product in ("tea", "pot")]
    return lines(*rows, ("new", "coffee", 1), ("new", "tea", 200))


def test_reason_is_the_largest_contribution():
    """Filters are shown because of coffee, pots because of tea, and the recent purchase comes first."""
    eligibility = shelf("coffee", "filter", "tea", "pot")
    lists = discover(_coffee_shop(), shoppers("new"), eligibility, as_of=TODAY, params=_params(2)).lists
    assert lists.select("rank", "product_id", "reason_product_id", "reason_kind").rows() == [
        (1, "filter", "coffee", "bought"),
        (2, "pot", "tea", "bought"),
    ]


def test_products_out_of_stock_are_evidence_but_not_shown():
    """Retired coffee still explains filters: what is out of stock must keep working for similarity."""
    products = pl.DataFrame(
        {
            "product_id": ["coffee", "filter", "tea", "pot"],
            "status": ["retired", "active", "active", "retired"],
        }
    )
    eligibility = decide_eligibility(products, ["GB"])
    result = discover(_coffee_shop(), shoppers("new"), eligibility, as_of=TODAY, params=_params(2))
    assert result.lists.select("product_id", "reason_product_id").rows() == [("filter", "coffee")]
    assert result.shortfalls.rows() == [("new", 2, 1, 2, 1, "too_few_left_after_bought")]


@pytest.mark.parametrize("ease", [{"half_life_days": 5}, {"max_history": 2}])
def test_forgotten_purchases_stay_bought(ease):
    """Faded to nothing, or dropped by the cap on histories: the model would show the filter, the rule forbids it."""
    table = _coffee_shop().vstack(lines(("new", "filter", 300)))
    eligibility = shelf("coffee", "filter", "tea", "pot")
    lists = discover(table, shoppers("new"), eligibility, as_of=TODAY, params=_params(1, **ease)).lists
    assert lists["product_id"].to_list() == ["pot"]


def test_trend_lifts_what_sells_now():
    """Old goes with coffee more often than young does, but old has not sold for 60 days."""
    rows = [(f"a{i}", product, 60) for i in range(14) for product in ("coffee", "old")]
    rows += [(f"b{i}", product, 60) for i in range(9) for product in ("coffee", "young")]
    rows += [*[(f"z{i}", "young", 0) for i in range(5)], ("me", "coffee", 1)]
    eligibility = shelf("coffee", "old", "young")
    with_trend = discover(lines(*rows), shoppers("me"), eligibility, as_of=TODAY, params=_params(2)).lists
    assert with_trend["product_id"].to_list() == ["young", "old"]
    plain = DiscoverParams(n_items=2, ease=EaseParams(ridge=1.0), trend=None)
    without = discover(lines(*rows), shoppers("me"), eligibility, as_of=TODAY, params=plain).lists
    assert without["product_id"].to_list() == ["old", "young"]


def test_customer_without_history_gets_the_market_s_popular_products():
    """The only case without a reason product, and it says so; unsold products follow in order of id."""
    table = pl.concat(
        [
            lines(("a", "x", 0), ("b", "x", 0), ("c", "y", 0)),
            lines(*[(f"f{i}", "z", 0) for i in range(9)], market="FR"),
        ]
    )
    eligibility = shelf("x", "y", "z", "never", "also never", markets=("GB", "FR"))
    params = DiscoverParams(n_items=5)
    lists = discover(table, shoppers("cold", market="FR"), eligibility, as_of=TODAY, params=params).lists
    assert lists["product_id"].to_list() == ["z", "x", "y", "also never", "never"]
    assert lists["generator"].to_list() == ["market_popularity"] * 3 + ["catalogue"] * 2
    assert lists["reason_kind"].unique().to_list() == ["market_popularity"]
    assert lists["reason_product_id"].null_count() == 5


def test_fill_of_a_customer_with_history_names_the_closest_or_latest_bought():
    """Few buyers leave everything to the fill: the reason is then the latest purchase, never empty."""
    table = lines(("a", "x", 9), ("a", "y", 1), ("b", "z", 0))
    lists = discover(table, shoppers("a"), shelf("x", "y", "z"), as_of=TODAY, params=_params(1)).lists
    assert lists.select("product_id", "generator", "reason_product_id", "reason_kind").rows() == [
        ("z", "market_popularity", "y", "latest_bought")
    ]


def test_fill_names_the_closest_bought_product_where_the_model_knows_one():
    """Coffee and tea of 2,000 days ago weigh nothing, so the filter is a fill, but coffee is still its relative."""
    table = _coffee_shop().filter(pl.col("customer_id") != "new")
    table = table.vstack(lines(("new", "coffee", 2000), ("new", "tea", 1999)))
    params = _params(1, half_life_days=5)
    lists = discover(table, shoppers("new"), shelf("filter"), as_of=TODAY, params=params).lists
    assert lists.select("product_id", "generator", "reason_product_id", "reason_kind").rows() == [
        ("filter", "market_popularity", "coffee", "closest_bought")
    ]


def test_customer_who_has_bought_everything_is_reported():
    """Nothing is left to discover: no row, and a row that says why."""
    table = lines(("a", "x", 1), ("a", "y", 1))
    result = discover(table, shoppers("a"), shelf("x", "y"), as_of=TODAY, params=_params(2))
    assert result.lists.is_empty()
    assert result.shortfalls.rows() == [("a", 2, 0, 2, 2, "too_few_left_after_bought")]


def test_each_market_sees_its_own_shelf_and_an_unknown_one_nothing():
    """Two customers with the same history in two markets; the third market is not in the table."""
    eligibility = shelf("coffee", "filter").vstack(shelf("tea", "pot", markets=("FR",)))
    customers = pl.concat([shoppers("new"), shoppers("a0", market="FR"), shoppers("b0", market="US")])
    result = discover(_coffee_shop(), customers, eligibility, as_of=TODAY, params=_params(1))
    assert result.lists.select("customer_id", "product_id").rows() == [("a0", "tea"), ("new", "filter")]
    assert result.shortfalls.select("customer_id", "reason").rows() == [("b0", "market_not_in_eligibility")]


def test_a_list_filled_to_the_brim():
    """Exactly N although the model offers one product only; ranks run from 1 to N."""
    eligibility = shelf("coffee", "filter", "tea", "pot", *[f"extra{i:02}" for i in range(30)])
    result = discover(_coffee_shop(), shoppers("new", "a0", "cold"), eligibility, as_of=TODAY)
    assert result.shortfalls.is_empty()
    assert (
        result.lists.group_by("customer_id").agg("rank").sort("customer_id")["rank"].to_list()
        == [list(range(1, 21))] * 3
    )


def test_first_day_of_a_shop():
    """No interaction at all: everybody gets the catalogue, with the fixed schema."""
    result = discover(lines(), shoppers("a"), shelf("x", "y"), as_of=TODAY, params=_params(1))
    assert result.lists.schema == pl.Schema(DISCOVER_SCHEMA)
    assert result.lists["product_id"].to_list() == ["x"]


def test_nobody_to_serve():
    """No customer: empty tables with their schema."""
    result = discover(_coffee_shop(), shoppers().cast(pl.String), shelf("x"), as_of=TODAY)
    assert result.lists.schema == pl.Schema(DISCOVER_SCHEMA)
    assert result.lists.is_empty()
    assert result.shortfalls.is_empty()


def test_purchases_after_the_day_do_not_count():
    """Bought tomorrow is not bought: the product may still be shown, and nothing else moves."""
    table = _coffee_shop().vstack(lines(("new", "filter", 0)))
    day = TODAY - timedelta(days=1)
    later = discover(table, shoppers("new"), shelf("filter", "pot"), as_of=day, params=_params(2)).lists
    assert later["product_id"].to_list() == ["filter", "pot"]


@pytest.mark.parametrize(
    "customers",
    [
        shoppers("a", "a"),
        shoppers("a").drop("market"),
        pl.DataFrame({"customer_id": [None], "market": ["GB"]}),
    ],
)
def test_broken_customers_are_refused(customers):
    """A repeated customer would get two lists under one key."""
    with pytest.raises(ValueError, match="customers"):
        discover(_coffee_shop(), customers, shelf("x"), as_of=TODAY)


def test_a_list_needs_a_place():
    """n_items 0 is a mistake, not an empty list."""
    with pytest.raises(ValueError, match="n_items"):
        DiscoverParams(n_items=0)
