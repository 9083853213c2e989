"""BG/NBD: how many purchases a customer makes who may leave unseen after any of them.

While alive a customer buys at a rate drawn from gamma(r, alpha), and leaves after a purchase with a chance drawn from
beta(a, b). Source: Fader, Hardie and Lee, "Counting your customers" the easy way, Marketing Science 24 (2005). Times
are in weeks. Money is `gamma_gamma`, customers' tables are `lifetime_value`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, zeta

from xbec_platform.customers.multistart import (
    LOG_BOUND,
    MultistartParams,
    Optimum,
    by_logarithms,
    maximise,
    one_thread,
)
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


def log_likelihood(theta: Floats, data: Histories) -> tuple[float, Floats, Floats]:
    """Return the log likelihood, its gradient and its second derivatives by log parameters (r, alpha, a, b).

    Sums of powers as logarithms of exponentials and gamma functions as logarithms: a customer with 500 purchases
    overflows otherwise (the authors' note on #NUM!, 2013).
    """
    parameters = np.exp(theta)
    value, gradient, curve = _by_number(parameters, data)
    r, alpha, a, b = parameters.tolist()
    once, data = data.once, data.repeating
    # -r log(alpha + T) of those who came once; nobody of them can have left.
    late = alpha + once.T
    value -= r * float(once.weight @ np.log(late))
    gradient[:2] -= once.weight @ np.log(late), r * (once.weight @ (1 / late))
    curve[0, 1] -= once.weight @ (1 / late)
    curve[1, 1] += r * (once.weight @ (1 / late**2))
    # Of those who came again: -(r + x) log(alpha + T), and log(1 + odds of having left after the last purchase).
    w, k = data.weight, r + data.x
    log_late, log_soon = logs = np.log(alpha + data.times)
    per_late, per_soon = np.exp(-logs)
    could_leave = b - 1 + data.x
    silence, shorter = log_late - log_soon, per_late - per_soon
    log_odds = np.log(a / could_leave) + k * silence
    small = np.exp(-np.abs(log_odds))
    gone = np.where(log_odds > 0, 1.0, small) / (1 + small)
    w_gone, w_k = w * gone, w * k
    slopes = np.stack([silence, k * shorter, np.full(len(k), 1 / a), -1 / could_leave])
    value += float(w @ (np.maximum(log_odds, 0.0) + np.log1p(small)) - w_k @ log_late)
    gradient += slopes @ w_gone
    gradient[:2] -= w @ log_late, w_k @ per_late
    curve += (slopes * (w_gone * (1 - gone))) @ slopes.T
    curve[0, 1] += w_gone @ shorter - w @ per_late
    curve[1, 1] += w_k @ per_late**2 - (w_gone * k) @ (shorter * (per_late + per_soon))
    curve[2, 2] -= w_gone.sum() / a**2
    curve[3, 3] += w_gone @ slopes[3] ** 2
    curve[1, 0] = curve[0, 1]
    return value, *by_logarithms(parameters, gradient, curve)


def _by_number(parameters: Floats, data: Histories) -> tuple[float, Floats, Floats]:
    """The terms that depend on x alone: special functions are dear, and x takes few values."""
    r, alpha, a, b = parameters.tolist()
    x, w = data.by_x
    n = float(w.sum())
    at = np.add.outer([r, a + b, b], np.append(x, 0.0))
    # Weighted sums of f(s + x) - f(s), for s = r, a + b and b; zeta(2, x) is the derivative of digamma.
    log, psi, tri = (f[:, :-1] @ w - n * f[:, -1] for f in (gammaln(at), digamma(at), zeta(2, at)))
    value = log[0] - log[1] + log[2] + n * r * np.log(alpha)
    gradient = np.array([psi[0] + n * np.log(alpha), n * r / alpha, -psi[1], psi[2] - psi[1]])
    curve = np.zeros((4, 4))
    curve[0, 0], curve[0, 1], curve[1, 1] = tri[0], n / alpha, -n * r / alpha**2
    curve[2:, 2:] = -tri[1]
    curve[3, 3] += tri[2]
    return float(value), gradient, curve


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
