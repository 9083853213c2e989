"""Usual gaps by hand."""

import numpy as np
import pytest

from xbec_platform.recommendations.intervals import IntervalParams, usual_gap_days
from xbec_platform_tests.unit.recommendations.small_shops import history_of

PARAMS = IntervalParams(product_pseudo_gaps=1, pair_pseudo_gaps=1)


def test_by_hand():
    """Customer a bought x every 4 days three times, b bought y twice 16 days apart, c bought x once.

    Log gaps in powers of 2: x 2, 2; y 4; overall median 2. Product x: 2, product y: (4 + 2) / 2 = 3.
    Pairs: a-x (2 + 2 + 2) / 3 = 2, b-y (4 + 3) / 2 = 3.5, c-x: the product's 2.
    """
    history = history_of(
        ("a", "x", 0), ("a", "x", 4), ("a", "x", 8), ("b", "y", 1), ("b", "y", 17), ("c", "x", 5)
    )
    np.testing.assert_allclose(usual_gap_days(history, PARAMS), [2**2, 2**3.5, 2**2])


def test_neighbouring_pairs_do_not_make_a_gap():
    """The rows of two pairs lie side by side; their ages must never be subtracted."""
    history = history_of(("a", "x", 1), ("a", "y", 9), ("b", "x", 30))
    assert np.isnan(usual_gap_days(history, PARAMS)).all()


def test_no_history():
    """No pair, no gap."""
    assert usual_gap_days(history_of(), PARAMS).tolist() == []


def test_impossible_settings_are_refused():
    """Without pseudo gaps a pair bought once divides by zero."""
    with pytest.raises(ValueError, match="above 0"):
        IntervalParams(pair_pseudo_gaps=0)
