"""BG/NBD: how many purchases a customer makes who may leave unseen after any of them.

While alive a customer buys at a rate drawn from gamma(r, alpha), and leaves after a purchase with a chance drawn from
beta(a, b). Source: Fader, Hardie and Lee, "Counting your customers" the easy way, Marketing Science 24 (2005). Times
are in weeks. Money is `gamma_gamma`, customers' tables are `lifetime_value`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from xbec_platform.customers.multistart import LOG_BOUND, MultistartParams, Optimum, maximise, one_thread
from xbec_platform.customers.repeat_purchases import Histories, compressed, distinct_rows

Floats = NDArray[np.float64]
N_NODES = (
    40  # expectations are good to 1e-9 from some weeks of history on, to 1e-5 for a first order of today
)
SMALLEST_CHANCE = 1e-300


@dataclass(frozen=True, kw_only=True)
class BgNbd:
    """Fitted parameters; `alpha` in weeks."""

    r: float
    alpha: float
    a: float
    b: float

    @classmethod
    def of_logs(cls, theta: Floats) -> BgNbd:
        """Parameters from their logarithms."""
        r, alpha, a, b = np.exp(np.clip(theta, -LOG_BOUND, LOG_BOUND)).tolist()
        return cls(r=r, alpha=alpha, a=a, b=b)


def log_likelihood(theta: Floats, data: Histories) -> tuple[float, Floats]:
    """Return the log likelihood and its gradient by log parameters (r, alpha, a, b).

    Sums of powers as logaddexp and gamma functions as logarithms: a customer with 500 purchases overflows otherwise
    (the authors' note on #NUM!, 2013).
    """
    r, alpha, a, b = np.exp(theta)
    x, place, w_x = data.by_x  # special functions are dear, and x takes few values
    w, power = data.weight, r + data.x
    psi = digamma(np.concatenate([r + x, a + b + x, b + x, [r, a + b, b]]))
    psi_rx, psi_abx, psi_bx, (psi_r, psi_ab, psi_b) = np.split(psi, [len(x), 2 * len(x), 3 * len(x)])
    per_x = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    per_x += gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    could_leave = np.where(x > 0, b + x - 1, np.inf)
    log_T = np.log(alpha + data.T)
    silence = log_T - np.log(alpha + data.t_x)
    log_odds = (np.log(a) - np.log(could_leave))[place] + power * silence  # of having left
    softplus = np.logaddexp(0.0, log_odds)
    w_gone = w * np.exp(log_odds - softplus)
    value = float((w_x * per_x).sum() + (w * (softplus - power * log_T)).sum())
    d_r = (w_x * (psi_rx - psi_r + np.log(alpha))).sum() - (w * log_T - w_gone * silence).sum()
    weights = (w - w_gone) / (alpha + data.T) + w_gone / (alpha + data.t_x)
    d_alpha = w_x.sum() * r / alpha - (power * weights).sum()
    shared = psi_ab - psi_abx
    gone_x = np.bincount(place, weights=w_gone, minlength=len(x))
    d_a = (w_x * shared).sum() + gone_x.sum() / a
    d_b = (w_x * (shared + psi_bx - psi_b)).sum() - (gone_x / could_leave).sum()
    return value, np.array([d_r * r, d_alpha * alpha, d_a * a, d_b * b])


def fit_bgnbd(data: Histories, params: MultistartParams) -> Optimum:
    """Fit by maximum likelihood; see `multistart.maximise` for what is returned and when it has converged.

    Args:
        data: histories; equal ones are counted together first.
        params: of the search.
    """
    few = compressed(data)
    weeks = float(few.weight @ few.T) or 1.0
    rate = float(few.weight @ few.x) / weeks
    centre = np.log([0.5, 0.5 / max(rate, 1e-3), 1.0, 3.0])
    return maximise(lambda theta: log_likelihood(theta, few), centre.tolist(), few.n_customers, params)


def p_alive(model: BgNbd, data: Histories) -> Floats:
    """Return the chance that each customer is still one at T.

    Without a repeat purchase it is 1: in this model customers leave only after a repeat purchase. It says nothing
    about them.
    """
    odds = _odds_gone(model, data)
    return np.asarray(1 / (1 + odds), dtype=np.float64)


def expected_purchases(model: BgNbd, data: Histories, weeks: Floats) -> Floats:
    """Return the expected purchase days within `weeks` after T: histories x weeks.

    The expectation of equation 10 of the paper before it is written with a hypergeometric function: that form
    overflows from some 100 purchases on, divides by a - 1, and fails where nobody leaves (b without bound). Given
    the chance p to leave, a customer alive at T buys (1 - (1 + p t / (alpha + T))^-(r + x)) / p times, and p is
    beta(a, b + x): a Gauss rule for that very weight. Only distinct (x, T) cost anything.
    """
    first, place = distinct_rows(data.x, data.T)
    x, which = np.unique(data.x[first], return_inverse=True)
    nodes, shares = _beta_rule(model.a, model.b + x)
    p, share, k, T = nodes[which], shares[which], model.r + x[which, None], data.T[first, None]
    if_alive = np.empty((len(first), len(weeks)))
    for j, t in enumerate(weeks):
        # One span at a time: the block stays at pairs x nodes.
        bought = -np.expm1(-k * np.log1p(p * t / (model.alpha + T))) / p
        if_alive[:, j] = (share * bought).sum(axis=1)
    return np.asarray(if_alive[place] * p_alive(model, data)[:, None], dtype=np.float64)


def _beta_rule(a: float, c: Floats) -> tuple[Floats, Floats]:
    """Nodes and weights (len(c) x N_NODES) of the Gauss rules for beta(a, c); Golub and Welsch 1969.

    scipy's `roots_jacobi` takes its weights from gamma functions and overflows for c in the thousands.
    """
    A, B = np.asarray(c - 1, dtype=np.float64)[:, None], a - 1
    n = np.arange(1, N_NODES, dtype=np.float64)
    total = 2 * n + A + B
    diagonal = np.hstack([(B - A) / (A + B + 2), (B * B - A * A) / (total * (total + 2))])
    first = 4 * (A + 1) * (B + 1) / ((A + B + 2) ** 2 * (A + B + 3))
    m, total = n[1:], total[:, 1:]
    others = 4 * m * (m + A) * (m + B) * (m + A + B) / (total**2 * (total + 1) * (total - 1))
    beside = np.sqrt(np.hstack([first, others])) / 2
    matrix = np.zeros((len(c), N_NODES, N_NODES))
    at = np.arange(N_NODES)
    matrix[:, at, at] = (1 + diagonal) / 2
    matrix[:, at[1:], at[:-1]] = matrix[:, at[:-1], at[1:]] = beside
    with one_thread():
        nodes, vectors = np.linalg.eigh(matrix)
    return np.maximum(nodes, SMALLEST_CHANCE), np.square(vectors[:, 0, :])


def _odds_gone(model: BgNbd, data: Histories) -> Floats:
    buys = data.x > 0
    logs = (
        np.log(model.a)
        - np.log(np.where(buys, model.b + data.x - 1, 1.0))
        + (model.r + data.x) * (np.log(model.alpha + data.T) - np.log(model.alpha + data.t_x))
    )
    return np.where(buys, np.exp(np.minimum(logs, 700.0)), 0.0)
