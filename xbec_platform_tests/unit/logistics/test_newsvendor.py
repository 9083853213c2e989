"""Demand of a pre-sale before it is paid, and the quantity worth sending."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from xbec_platform.logistics.newsvendor import (
    critical_ratio,
    demand_distribution,
    expected_used,
    marginal_costs,
    newsvendor_quantity,
)


def test_distribution_of_two_orders_by_hand() -> None:
    """0.5 and 0.8: nobody 0.1, one 0.4 + 0.1, both 0.4."""
    assert demand_distribution([0.5, 0.8]) == pytest.approx([0.1, 0.5, 0.4])


def test_an_order_of_three_pieces_is_paid_whole_or_not() -> None:
    """0.25 for three pieces beside one piece at 0.5."""
    assert demand_distribution([0.25, 0.5], [3, 1]) == pytest.approx([0.375, 0.375, 0, 0.125, 0.125])


def test_equal_probabilities_are_binomial_also_where_fourier_helps() -> None:
    """9,000 orders go through Fourier space; the sum stays 1."""
    pmf = demand_distribution(np.full(9000, 0.7))
    assert pmf.sum() == pytest.approx(1, abs=1e-9)
    assert pmf[6200:6400] == pytest.approx(binom.pmf(np.arange(6200, 6400), 9000, 0.7), abs=1e-11)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 3)), max_size=6))
@settings(max_examples=40, deadline=None)
def test_distribution_counts_every_outcome(orders: list[tuple[float, int]]) -> None:
    """All 2^n outcomes one by one."""
    expected = np.zeros(sum(qty for _, qty in orders) + 1)
    for paid in product([0, 1], repeat=len(orders)):
        chance = np.prod([p if hit else 1 - p for hit, (p, _) in zip(paid, orders, strict=True)])
        expected[sum(qty for hit, (_, qty) in zip(paid, orders, strict=True) if hit)] += chance
    assert demand_distribution([p for p, _ in orders], [n for _, n in orders]) == pytest.approx(
        expected, abs=1e-12
    )


@given(
    st.lists(st.floats(0.05, 0.95), min_size=1, max_size=30),
    st.floats(0.1, 9),
    st.floats(0, 5),
    st.floats(0.2, 20),
)
@settings(max_examples=60, deadline=None)
def test_greedy_pieces_end_at_the_quantile(
    probability: list[float], send: float, unused: float, saving: float
) -> None:
    """Pieces that still pay, counted one by one, are the closed form; costs never fall with the pieces sent."""
    pmf = demand_distribution(probability)
    marginal = marginal_costs(pmf, unused=unused, saving=saving) + send
    assert (np.diff(marginal) >= -1e-9).all()
    ratio = float(critical_ratio(saving - send, unused + send))
    closed = newsvendor_quantity(pmf, ratio)
    total = np.concatenate([[0.0], np.cumsum(marginal)])
    assert total[closed] == pytest.approx(total.min(), abs=1e-6)


def test_expected_use_by_hand() -> None:
    """Demand 0, 1, 2 with 0.1, 0.5, 0.4: one piece is used with 0.9, two give 1.3."""
    pmf = demand_distribution([0.5, 0.8])
    assert [expected_used(pmf, n) for n in range(3)] == pytest.approx([0, 0.9, 1.3])


@pytest.mark.parametrize(
    ("under", "over", "ratio"), [(3, 1, 0.75), (0, 1, 0), (-2, 1, 0), (5, 0, 1), (0, 0, 0)]
)
def test_critical_ratio_by_hand(under: float, over: float, ratio: float) -> None:
    """Underage over the sum; nothing to gain sends nothing."""
    assert critical_ratio(under, over) == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("probability", "qty"), [([1.2], [1]), ([-0.1], [1]), ([float("nan")], [1]), ([0.5], [0])]
)
def test_impossible_orders_are_refused(probability: list[float], qty: list[int]) -> None:
    """A probability outside [0, 1], an order without a piece."""
    with pytest.raises(ValueError, match=r"outside|less than one"):
        demand_distribution(probability, qty)
