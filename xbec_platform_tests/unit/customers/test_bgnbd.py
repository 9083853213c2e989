"""BG/NBD: published numbers of CDNOW, the likelihood and expectations against plain formulas, far corners."""

from math import gamma, log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.special import beta, hyp2f1

from xbec_platform.customers.bgnbd import BgNbd, expected_purchases, fit_bgnbd, log_likelihood, p_alive
from xbec_platform.customers.multistart import MultistartParams
from xbec_platform.customers.repeat_purchases import Histories, compressed, histories
from xbec_platform_tests.unit.customers.cdnow import CALIBRATION, read_days, user_database

NOBODY_LEAVES = BgNbd(r=0.6, alpha=50.0, a=8e-7, b=1.2e6)
CDNOW = BgNbd(r=0.2426, alpha=4.4135, a=0.7929, b=2.4258)


def one(x: float, t_x: float, T: float) -> Histories:
    """A single history."""
    return Histories(x=np.array([x]), t_x=np.array([t_x]), T=np.array([T]), weight=np.ones(1))


def test_cdnow_as_published(shared_data: Path) -> None:
    """Fader, Hardie and Lee 2005: r .243, alpha 4.414, a .793, b 2.426, LL -9582.4; the first two starts agree."""
    data = histories(user_database(read_days(shared_data), CALIBRATION))
    fit = fit_bgnbd(data, MultistartParams())
    model = BgNbd.of_logs(fit.log_parameters)
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx(
        (0.2426, 4.4135, 0.7929, 2.4258), rel=5e-4
    )
    assert fit.log_likelihood == pytest.approx(-9582.43, abs=0.01)
    assert fit.is_converged
    assert fit.n_agreeing == 2
    assert expected_purchases(model, one(2, 30.43, 38.86), np.array([39.0]))[0, 0] == pytest.approx(
        1.2259, abs=1e-3
    )


def test_likelihood_of_single_customers_by_the_printed_formula() -> None:
    """Equation 6 of the paper with plain gamma and beta functions, for a customer without and one with repeats."""
    m = CDNOW
    theta = np.log([m.r, m.alpha, m.a, m.b])
    never = (m.alpha / (m.alpha + 30)) ** m.r
    assert log_likelihood(theta, one(0, 0, 30))[0] == pytest.approx(log(never))
    scale = gamma(m.r + 2) * m.alpha**m.r / gamma(m.r)
    stays = beta(m.a, m.b + 2) / beta(m.a, m.b) * scale / (m.alpha + 38.86) ** (m.r + 2)
    left = beta(m.a + 1, m.b + 1) / beta(m.a, m.b) * scale / (m.alpha + 30.43) ** (m.r + 2)
    assert log_likelihood(theta, one(2, 30.43, 38.86))[0] == pytest.approx(log(stays + left))
    assert p_alive(m, one(2, 30.43, 38.86))[0] == pytest.approx(stays / (stays + left))


def test_p_alive_without_repeats_is_one_and_falls_with_silence() -> None:
    """Customers leave only after a repeat purchase; the longer a frequent one is silent, the less likely alive."""
    assert p_alive(CDNOW, one(0, 0, 500))[0] == 1.0
    chances = [p_alive(CDNOW, one(10, 10, T))[0] for T in (10, 12, 20, 60)]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > 0.7
    assert chances[-1] < 0.01


@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 300), st.integers(0, 300)), min_size=1, max_size=20
    ),
    st.lists(st.floats(-2, 2), min_size=4, max_size=4),
)
def test_derivatives_and_compression(rows: list[tuple[int, int, int]], theta: list[float]) -> None:
    """Slopes and curvature are those of the likelihood, and equal histories counted together give the same sums."""
    x = np.array([float(row[0]) for row in rows])
    T = np.array([max(row[1:]) / 7 for row in rows])
    t_x = np.where(x > 0, [min(row[1:]) / 7 for row in rows], 0.0)
    data = Histories(x=x, t_x=t_x, T=T, weight=np.ones(len(x)))
    at = np.array(theta)
    value, slope, curve = log_likelihood(at, data)
    numeric = approx_fprime(at, lambda point: log_likelihood(point, data)[0], 1e-6)
    assert slope == pytest.approx(numeric, rel=1e-3, abs=1e-3)
    bent = approx_fprime(at, lambda point: log_likelihood(point, data)[1], 1e-6)
    assert curve == pytest.approx(bent, rel=1e-3, abs=1e-3)
    twice = Histories(x=np.tile(x, 2), t_x=np.tile(t_x, 2), T=np.tile(T, 2), weight=np.ones(2 * len(x)))
    few = compressed(twice)
    assert few.n_customers == 2 * len(x)
    assert log_likelihood(at, few)[0] == pytest.approx(2 * value)


@pytest.mark.parametrize("a", [0.4, 0.7929, 1.0, 1.7, 6.0])
def test_expectation_is_the_integral_over_what_is_not_known(a: float) -> None:
    """E[Y(t)] for a customer without repeats: posterior gamma(r, alpha + T), beta(a, b), integrated numerically.

    Given rate and chance p to leave, purchases within t are (1 - exp(-rate p t)) / p.
    """
    m = BgNbd(r=0.8, alpha=5.0, a=a, b=2.4)

    def given_p(p: float) -> float:
        alive = 1 - ((m.alpha + 20) / (m.alpha + 20 + p * 30)) ** m.r
        return alive / p * p ** (m.a - 1) * (1 - p) ** (m.b - 1) / beta(m.a, m.b)

    expected = quad(given_p, 0, 1, limit=200)[0]
    assert expected_purchases(m, one(0, 0, 20), np.array([30.0]))[0, 0] == pytest.approx(expected, rel=1e-5)


def test_expectation_as_printed_where_that_can_be_computed() -> None:
    """Equation 10 with the hypergeometric function as in the paper: the Gauss rule gives the same numbers."""
    m, x, t_x, T, t = CDNOW, 3.0, 20.0, 30.0, 39.0
    rest = ((m.alpha + T) / (m.alpha + T + t)) ** (m.r + x)
    rest *= hyp2f1(m.r + x, m.b + x, m.a + m.b + x - 1, t / (m.alpha + T + t))
    top = (m.a + m.b + x - 1) / (m.a - 1) * (1 - rest)
    below = 1 + m.a / (m.b + x - 1) * ((m.alpha + T) / (m.alpha + t_x)) ** (m.r + x)
    assert expected_purchases(m, one(x, t_x, T), np.array([t]))[0, 0] == pytest.approx(top / below, rel=1e-9)


def test_far_corners_stay_finite_and_sensible() -> None:
    """900 purchases in 90 weeks, first order today, a shop nobody leaves: finite, more weeks mean more purchases."""
    data = Histories(
        x=np.array([900.0, 0.0, 900.0]),
        t_x=np.array([89.9, 0.0, 1.0]),
        T=np.array([90.0, 0.0, 90.0]),
        weight=np.ones(3),
    )
    for model in (
        CDNOW,
        BgNbd(r=0.2, alpha=4.0, a=1e-6, b=1e6),
        NOBODY_LEAVES,
        BgNbd(r=30.0, alpha=0.01, a=1.0, b=0.3),
    ):
        expected = expected_purchases(model, data, np.array([1.0, 10.0, 52.0]))
        assert np.isfinite(expected).all()
        assert (expected >= 0).all()
        assert (np.diff(expected, axis=1) >= 0).all()
        value, slope, curve = log_likelihood(np.log([model.r, model.alpha, model.a, model.b]), data)
        assert np.isfinite([value, *slope, *curve.ravel()]).all()
    assert expected_purchases(CDNOW, data, np.array([10.0]))[0, 0] == pytest.approx(100, rel=0.15)
    # Nobody leaves: t times the posterior mean of the rate.
    forever = expected_purchases(NOBODY_LEAVES, one(3, 20, 30), np.array([26.0]))[0, 0]
    assert forever == pytest.approx(26 * 3.6 / 80)


def test_planted_parameters_are_found() -> None:
    """8,000 simulated customers: each parameter within three of its standard errors."""
    rng = np.random.default_rng(3)
    truth = BgNbd(r=0.9, alpha=6.0, a=1.2, b=4.0)
    rate, leave = rng.gamma(truth.r, 1 / truth.alpha, 8000), rng.beta(truth.a, truth.b, 8000)
    T = rng.integers(20, 80, 8000).astype(float)
    x, t_x, alive, now = np.zeros(8000), np.zeros(8000), np.ones(8000, bool), np.zeros(8000)
    while alive.any():
        now = now + rng.exponential(1 / rate)
        buys = alive & (now <= T)
        x, t_x = x + buys, np.where(buys, now, t_x)
        alive = buys & (rng.random(8000) > leave)
    fit = fit_bgnbd(Histories(x=x, t_x=t_x, T=T, weight=np.ones(8000)), MultistartParams())
    errors = np.sqrt(np.diag(fit.covariance))
    planted = np.log([truth.r, truth.alpha, truth.a, truth.b])
    assert (np.abs(fit.log_parameters - planted) < 3 * errors).all()
    assert (errors < 0.25).all()


@pytest.mark.parametrize(
    ("x", "t_x", "T"),
    [
        (-1, 0, 5),  # fewer than no repeats
        (2, 6, 5),  # bought after the end
        (0, 3, 5),  # a last purchase without one
        (float("nan"), 0, 5),
    ],
)
def test_impossible_histories_are_refused(x: float, t_x: float, T: float) -> None:
    """The message names the history."""
    with pytest.raises(ValueError, match="history 0"):
        one(x, t_x, T)
