"""Gamma-Gamma: published numbers of CDNOW, and what an expected value is pulled by."""

from math import gamma, log
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from xbec_platform.customers.gamma_gamma import (
    GammaGamma,
    correlation,
    expected_value,
    fit_gamma_gamma,
    log_likelihood,
)
from xbec_platform.customers.multistart import MultistartParams
from xbec_platform.customers.repeat_purchases import histories, mean_values
from xbec_platform_tests.unit.customers.cdnow import CALIBRATION, read_days, user_database

CDNOW = GammaGamma(p=6.25, q=3.744, gamma=15.44)


def test_cdnow_as_published(shared_data: Path) -> None:
    """Fader and Hardie 2013: 946 repeat buyers, p 6.25, q 3.74, gamma 15.44, correlation .11."""
    people = user_database(read_days(shared_data), CALIBRATION)
    x, value = histories(people).x, mean_values(people)
    known = (x > 0) & (value > 0)
    assert known.sum() == 946
    fit = fit_gamma_gamma(x[known], value[known], MultistartParams())
    found = GammaGamma.of_logs(fit.log_parameters)
    assert (found.p, found.q, found.gamma) == pytest.approx((6.25, 3.744, 15.44), rel=2e-3)
    assert fit.is_converged
    assert correlation(x[known], value[known]) == pytest.approx(0.114, abs=0.001)


def test_likelihood_of_one_customer_by_the_printed_formula() -> None:
    """Equation 1a of the note with plain gamma functions, and the derivatives that belong to it."""
    m, x, z = CDNOW, 2.0, 30.0
    density = gamma(m.p * x + m.q) / (gamma(m.p * x) * gamma(m.q)) * m.gamma**m.q * z ** (m.p * x - 1)
    density *= x ** (m.p * x) / (m.gamma + x * z) ** (m.p * x + m.q)
    theta = np.log([m.p, m.q, m.gamma])
    value, slope, curve = log_likelihood(theta, np.array([x]), np.array([z]))
    assert value == pytest.approx(log(density))
    numeric = approx_fprime(theta, lambda point: log_likelihood(point, np.array([x]), np.array([z]))[0], 1e-6)
    assert slope == pytest.approx(numeric, rel=1e-4, abs=1e-4)
    bent = approx_fprime(theta, lambda point: log_likelihood(point, np.array([x]), np.array([z]))[1], 1e-6)
    assert curve == pytest.approx(bent, rel=1e-4, abs=1e-4)


def test_own_value_counts_more_the_more_purchases_there_are() -> None:
    """No purchase: the shop's mean p gamma / (q - 1) = 35.17. The note's example: one repeat of 50 gives about 44.6."""
    x = np.array([0.0, 1.0, 10.0, 1000.0])
    values = expected_value(CDNOW, x, np.array([np.nan, 50.0, 50.0, 50.0]))
    assert values[0] == pytest.approx(6.25 * 15.44 / 2.744)
    assert values[1] == pytest.approx(6.25 * (15.44 + 50) / (6.25 + 2.744))
    assert list(values) == sorted(values)
    assert values[3] == pytest.approx(50, abs=0.05)


def test_customers_without_value_are_refused() -> None:
    """They would be a logarithm of 0."""
    with pytest.raises(ValueError, match="above 0"):
        fit_gamma_gamma(np.array([1.0, 2.0]), np.array([0.0, 5.0]), MultistartParams())


def test_correlation_of_what_does_not_vary_is_unknown() -> None:
    """Not 0 and not NaN."""
    assert correlation(np.ones(5), np.arange(5.0)) is None
