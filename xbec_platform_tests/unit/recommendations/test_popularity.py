"""Popularity by market by hand."""

import numpy as np
import polars as pl
import pytest

from xbec_platform.recommendations.interactions import build_history
from xbec_platform.recommendations.popularity import (
    PRIORS,
    YOUNG_SHOP_PRIOR,
    PopularityParams,
    learned_prior,
    market_popularity,
)
from xbec_platform_tests.unit.recommendations.small_shops import NO_IDS, TODAY, history_of, lines

PARAMS = PopularityParams(half_life_days=10, prior_buyers=2)


def _history(*tables):
    return build_history(pl.concat(tables), as_of=TODAY, customer_ids=NO_IDS, product_ids=NO_IDS)


def test_shares_by_hand_with_back_off():
    """GB: x by a and b today; FR: y by c 10 days ago (1/2). All markets: x 2, y 1/2 of 2.5 = .8 and .2.

    With 2 prior buyers GB has x (2 + 1.6) / 4 = .9, FR y (.5 + .4) / 2.5 = .36, and a market without orders
    the mix of all.
    """
    history = _history(lines(("a", "x", 0), ("b", "x", 0)), lines(("c", "y", 10), market="FR"))
    shares = market_popularity(history, ["FR", "GB", "US"], PARAMS)
    np.testing.assert_allclose(shares, [[0.64, 0.36], [0.9, 0.1], [0.8, 0.2]])


def test_a_customer_is_one_buyer_by_the_latest_order():
    """A wholesaler's 50 orders of x weigh as one buyer of today."""
    many = [("a", "x", age) for age in range(50)]
    shares = market_popularity(history_of(*many, ("b", "y", 0)), ["GB"], PARAMS)
    np.testing.assert_allclose(shares, [[0.5, 0.5]])


def test_orders_without_market_count_for_all_markets_only():
    """They say nothing about GB: x has 1 of 2 buyers overall and 1 of 1 in GB: (1 + 2 * 1/2) / 3 = 2/3."""
    history = _history(
        lines(("a", "x", 0)), lines(("b", "y", 0)).with_columns(market=pl.lit(None, pl.String))
    )
    np.testing.assert_allclose(market_popularity(history, ["GB"], PARAMS), [[2 / 3, 1 / 3]])


def test_no_orders():
    """Nothing is popular, and nothing is NaN."""
    history = build_history(lines(), as_of=TODAY, customer_ids=NO_IDS, product_ids=pl.Series(["x", "y"]))
    assert market_popularity(history, ["GB"], PARAMS).tolist() == [[0.0, 0.0]]


def _two_markets(*, alike: bool):
    """A hundred customers of each market buy one of five products, before and in the last two weeks."""
    tables = []
    for market, first in (("FR", 0), ("GB", 0 if alike else 5)):
        rows = [
            (f"{market}{n:03}", f"p{first + (n + age + n * n // 7) % 5}", age)
            for n in range(100)
            for age in (25, 20, 5)
        ]
        tables.append(lines(*rows, market=market))
    return _history(*tables)


def test_the_prior_is_learned_from_what_was_bought_since():
    """Markets of their own tastes need no common mix, equal ones lose nothing by it, and few buyers tell nothing."""
    assert learned_prior(_two_markets(alike=False), PopularityParams()) < PRIORS[-1]
    apart = market_popularity(_two_markets(alike=False), ["FR", "GB"], PopularityParams())
    assert apart[0, :5].min() > apart[0, 5:].max()
    assert learned_prior(_two_markets(alike=True), PopularityParams()) == PRIORS[-1]
    assert learned_prior(history_of(("a", "x", 20), ("a", "x", 1)), PopularityParams()) == YOUNG_SHOP_PRIOR


@pytest.mark.parametrize("wrong", [{"half_life_days": 0}, {"prior_buyers": 0}])
def test_impossible_settings_are_refused(wrong):
    """A zero prior divides by zero in a market without orders."""
    with pytest.raises(ValueError, match="above 0"):
        PopularityParams(**wrong)
