"""Personal frequency by hand."""

import numpy as np
import pytest

from xbec_platform.recommendations.frequency import FrequencyParams, personal_frequency
from xbec_platform_tests.unit.recommendations.small_shops import history_of


def test_orders_first_then_what_sells_now():
    """Products x and y are both bought once by a, but y today by b as well; z twice, long ago, stays first."""
    history = history_of(("a", "x", 5), ("a", "y", 5), ("a", "z", 90), ("a", "z", 80), ("b", "y", 0))
    x, y, z, _ = personal_frequency(history, FrequencyParams())
    assert z > 2 > y > x > 1


def test_fading_frequency_by_hand():
    """Orders at ages 0 and 10 with half-life 10 are 1.5 orders; popularity adds less than 1."""
    history = history_of(("a", "x", 0), ("a", "x", 10))
    params = FrequencyParams(half_life_days=10, popularity_half_life_days=10)
    np.testing.assert_allclose(personal_frequency(history, params), [1.5 + 1.5 / 2.5])


def test_no_history():
    """No pair, no score."""
    assert personal_frequency(history_of(), FrequencyParams()).tolist() == []


@pytest.mark.parametrize("wrong", [{"half_life_days": 0}, {"popularity_half_life_days": 0}])
def test_impossible_settings_are_refused(wrong):
    """A half-life of 0 divides by zero."""
    with pytest.raises(ValueError, match="above 0"):
        FrequencyParams(**wrong)
