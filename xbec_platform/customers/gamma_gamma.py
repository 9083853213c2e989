"""Gamma-Gamma: what a customer's purchase is worth, pulled to the shop's mean where few purchases are known.

Values of a customer's purchases are gamma(p, nu), and nu is gamma(q, gamma) among customers. Source: Fader, Hardie
and Lee, RFM and CLV, JMR 42 (2005); Fader and Hardie, The Gamma-Gamma model of monetary value (2013). Values are
independent of how often a customer buys: `correlation` measures how far that holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, zeta

from xbec_platform.customers.multistart import LOG_BOUND, MultistartParams, Optimum, by_logarithms, maximise

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class GammaGamma:
    """Fitted parameters; `gamma` in base currency."""

    p: float
    q: float
    gamma: float

    @classmethod
    def of_logs(cls, theta: Floats) -> GammaGamma:
        """Parameters from their logarithms."""
        p, q, gamma = np.exp(np.clip(theta, -LOG_BOUND, LOG_BOUND)).tolist()
        return cls(p=p, q=q, gamma=gamma)


def log_likelihood(theta: Floats, x: Floats, value: Floats) -> tuple[float, Floats, Floats]:
    """Return the log likelihood of mean values, its gradient and second derivatives by log parameters (p, q, gamma).

    Args:
        theta: logarithms of p, q, gamma.
        x: purchases, above 0.
        value: their mean value, above 0.
    """
    p, q, gamma = parameters = np.exp(theta)
    counts, place = np.unique(x, return_inverse=True)
    n = np.bincount(place).astype(np.float64)
    total, log_value = x * value, np.log(value)
    log_sum = np.log(gamma + total)
    size = float(len(x))
    per_count = gammaln(p * counts + q) - gammaln(p * counts) - gammaln(q) + p * counts * np.log(counts)
    likelihood = float(
        n @ per_count + size * q * np.log(gamma) + (p * x - 1) @ log_value - (p * x + q) @ log_sum
    )
    psi_q = digamma(p * counts + q)
    d_p = n @ (counts * (psi_q - digamma(p * counts) + np.log(counts))) + x @ (log_value - log_sum)
    d_q = n @ (psi_q - digamma(q)) + size * np.log(gamma) - log_sum.sum()
    power, per_sum = p * x + q, 1 / (gamma + total)
    d_gamma = size * q / gamma - power @ per_sum
    # zeta(2, x) is the derivative of digamma.
    tri_q = zeta(2, p * counts + q)
    pp = n @ (counts**2 * (tri_q - zeta(2, p * counts)))
    pq = n @ (counts * tri_q)
    qq = n @ tri_q - size * zeta(2, q)
    p_gamma, q_gamma = -(x @ per_sum), size / gamma - per_sum.sum()
    gamma_gamma = power @ per_sum**2 - size * q / gamma**2
    curve = np.array([[pp, pq, p_gamma], [pq, qq, q_gamma], [p_gamma, q_gamma, gamma_gamma]])
    return likelihood, *by_logarithms(parameters, np.array([d_p, d_q, d_gamma]), curve)


def fit_gamma_gamma(x: Floats, value: Floats, params: MultistartParams) -> Optimum:
    """Fit by maximum likelihood to customers with repeat purchases.

    Args:
        x: repeat purchases of each customer, above 0.
        value: mean value of a purchase (base currency), above 0.
        params: of the search.

    Raises:
        ValueError: a customer without purchases or value; leave these out and count them.
    """
    if not ((x > 0) & (value > 0)).all():
        raise ValueError("x and value must be above 0: leave customers without repeat purchases or value out")
    centre = np.log([2.0, 3.0, float(value.mean())])
    return maximise(lambda theta: log_likelihood(theta, x, value), centre.tolist(), float(len(x)), params)


def expected_value(model: GammaGamma, x: Floats, value: Floats) -> Floats:
    """Return the expected value of a purchase: the shop's mean and the customer's own, weighed by certainty.

    Args:
        model: with q above 1; at or below it the shop's mean is infinite.
        x: repeat purchases; 0 gives the shop's mean.
        value: their mean value; not looked at where x is 0.
    """
    total = np.where(x > 0, x * np.where(x > 0, value, 0.0), 0.0)
    return np.asarray(model.p * (model.gamma + total) / (model.p * x + model.q - 1), dtype=np.float64)


def correlation(x: Floats, value: Floats) -> float | None:
    """Return the correlation of number and mean value of purchases; None where one of them does not vary."""
    if len(x) < 2 or x.std() == 0 or value.std() == 0:
        return None
    return float(np.corrcoef(x, value)[0, 1])
