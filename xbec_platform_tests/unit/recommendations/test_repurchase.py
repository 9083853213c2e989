"""The learned chance to buy again: planted habits, calibration, and when there is too little to learn from."""

import pytest

from xbec_platform.recommendations.repurchase import RepurchaseParams, repurchase_chance
from xbec_platform_tests.unit.recommendations.small_shops import history_of


def _habits(n_customers: int = 60):
    """Everybody buys bread weekly, and one lamp each at some time: bread comes again, lamps do not."""
    rows = []
    for customer in range(n_customers):
        rows += [(f"c{customer}", "bread", age) for age in range(customer % 7, 150, 7)]
        rows += [
            (f"c{customer}", f"lamp{customer % 10}", 30 + customer),
            (f"c{customer}", "late lamp", customer % 20),
        ]
    return history_of(*rows)


def test_habits_are_likely_and_single_purchases_are_not():
    """The planted answer: bread above .9, lamps of a month ago below .1."""
    history = _habits()
    chance = repurchase_chance(history, RepurchaseParams(min_repeats=20))
    product = history.product_ids.gather(history.pairs["product_ix"])
    assert chance[(product == "bread").to_numpy()].min() > 0.9
    assert chance[product.str.starts_with("lamp").to_numpy()].max() < 0.1


@pytest.mark.parametrize("last_days", [0, 20])
def test_too_short_a_history_gives_no_model(last_days):
    """No order before the last horizon: there is nothing to learn from, the caller falls back to frequency."""
    history = history_of(*[("a", "x", age) for age in range(last_days)])
    assert repurchase_chance(history, RepurchaseParams(min_repeats=1)) is None


def test_too_few_repeats_give_no_model():
    """60 repeats of bread are below 100."""
    assert repurchase_chance(_habits(), RepurchaseParams()) is None


@pytest.mark.parametrize(
    "wrong", [{"horizon_days": 0}, {"min_repeats": 0}, {"ridge": 0}, {"recent_half_life_days": 0}]
)
def test_impossible_settings_are_refused(wrong):
    """A bad setting fails at once."""
    with pytest.raises(ValueError, match=r"or more|above 0"):
        RepurchaseParams(**wrong)
