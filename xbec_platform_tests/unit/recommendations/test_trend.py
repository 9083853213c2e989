"""Trend factor by hand."""

import numpy as np
import pytest

from xbec_platform.recommendations.trend import TrendParams, trend_factor
from xbec_platform_tests.unit.recommendations.small_shops import history_of


def test_two_products_by_hand():
    """Product x sold today, y 20 days ago; half-lives 10 and 20, 1 pseudo order.

    Recent 1 and 1/4, memory 1 and 1/2, expected = memory * (5/4) / (3/2) = 5/6 and 5/12:
    factors 2 / (11/6) = 12/11 and (5/4) / (17/12) = 15/17.
    """
    history = history_of(("a", "x", 0), ("b", "y", 20))
    factor = trend_factor(
        history, memory_half_life_days=20, params=TrendParams(half_life_days=10, pseudo_orders=1)
    )
    np.testing.assert_allclose(factor, [12 / 11, 15 / 17])


def test_equal_products_have_no_trend():
    """A shop that sleeps as a whole has no trend between products, however old its orders are."""
    history = history_of(*[("a", product, 400) for product in "xyz"])
    factor = trend_factor(history, memory_half_life_days=90, params=TrendParams())
    np.testing.assert_allclose(factor, 1.0)


def test_empty_history_has_no_trend():
    """No order, no product, no division by zero."""
    assert trend_factor(history_of(), memory_half_life_days=90, params=TrendParams()).tolist() == []


@pytest.mark.parametrize("wrong", [{"half_life_days": 0}, {"pseudo_orders": 0}])
def test_impossible_settings_are_refused(wrong):
    """Without pseudo orders a product without memory divides by zero."""
    with pytest.raises(ValueError, match="above 0"):
        TrendParams(**wrong)
