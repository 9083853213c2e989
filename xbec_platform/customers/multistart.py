"""Maximum likelihood of positive parameters from several seeded starts. Knows no model, no customers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from threadpoolctl import ThreadpoolController

Floats = NDArray[np.float64]
Likelihood = Callable[[Floats], tuple[float, Floats]]

# exp(+-14): beyond it a parameter says "none" or "infinitely many", and the likelihood is flat.
LOG_BOUND = 14.0
FLAT_GRADIENT = (
    1e-4  # per customer; the likelihood of 10,000 customers then misses its top by far less than .01
)
STEP = 1e-4  # of the central differences of the gradient, in log parameters
SAME_TOP = 1e-4  # starts whose mean log likelihoods differ by less have found the same top
ROUGH, FINE = 1e-7, 1e-14  # relative changes at which a start ends, and the best one


@dataclass(frozen=True, kw_only=True)
class MultistartParams:
    """Settings of the search.

    Attributes:
        n_starts: starts; the first is the given centre, the others lie around it.
        spread: standard deviation of the starts in log parameters.
        max_iterations: per start.
        seed: of the starts.
    """

    n_starts: int = 3
    spread: float = 1.0
    max_iterations: int = 500
    seed: int = 1987

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if self.n_starts < 1 or self.max_iterations < 1:
            raise ValueError("n_starts and max_iterations count things: give 1 or more")
        if not self.spread > 0:
            raise ValueError(f"spread is {self.spread}: give a number above 0")


@dataclass(frozen=True, kw_only=True)
class Optimum:
    """The best point found.

    Attributes:
        log_parameters: logarithms of the parameters.
        log_likelihood: of all customers together.
        covariance: of `log_parameters` (inverse of the observed information); directions that the data do not
            tell anything about have the variance of a factor e.
        is_converged: the gradient is flat there, or a parameter has run against its bound, beyond which nothing
            changes.
        n_agreeing: starts that ended at the same top.
        at_bound: positions of parameters at a bound.
    """

    log_parameters: Floats
    log_likelihood: float
    covariance: Floats
    is_converged: bool
    n_agreeing: int
    at_bound: tuple[int, ...]


def maximise(
    likelihood: Likelihood, centre: Sequence[float], weight: float, params: MultistartParams
) -> Optimum:
    """Climb from several starts and keep the best end.

    Args:
        likelihood: log parameters to the log likelihood and its gradient, both summed over customers.
        centre: logarithms of plausible parameters.
        weight: customers the sums run over.
        params: settings.
    """

    def objective(theta: Floats) -> tuple[float, Floats]:
        value, gradient = likelihood(theta)
        return -value / weight, -gradient / weight

    middle = np.asarray(centre, dtype=np.float64)
    rng = np.random.default_rng(params.seed)
    starts = [middle, *(middle + params.spread * rng.normal(size=(params.n_starts - 1, len(middle))))]
    bounds = [(-LOG_BOUND, LOG_BOUND)] * len(middle)

    def climb(start: Floats, tolerance: float) -> Any:
        options = {"maxiter": params.max_iterations, "ftol": tolerance, "gtol": 1e-8}
        return minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)

    with one_thread():
        ends = [climb(start, ROUGH) for start in starts]
        finite = [end for end in ends if np.isfinite(end.fun)]
        top = climb(min(finite, key=lambda end: float(end.fun)).x, FINE) if finite else None
    if top is None:
        nowhere = np.full((len(middle), len(middle)), np.nan)
        return Optimum(
            log_parameters=middle,
            log_likelihood=float("nan"),
            covariance=nowhere,
            is_converged=False,
            n_agreeing=0,
            at_bound=(),
        )
    inside = np.abs(top.x) < LOG_BOUND - 1e-9
    return Optimum(
        log_parameters=top.x,
        log_likelihood=-float(top.fun) * weight,
        covariance=_covariance(likelihood, top.x),
        is_converged=bool(np.all(np.abs(np.asarray(top.jac)[inside]) < FLAT_GRADIENT)),
        n_agreeing=sum(bool(end.fun - top.fun < SAME_TOP) for end in finite),
        at_bound=tuple(np.flatnonzero(~inside).tolist()),
    )


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


def one_thread() -> AbstractContextManager[object]:
    """Keep linear algebra on one thread: over four parameters its threads cost 20 times what they save."""
    limited: AbstractContextManager[object] = _libraries().limit(limits=1)
    return limited


def _covariance(likelihood: Likelihood, theta: Floats) -> Floats:
    n = len(theta)
    information = np.empty((n, n))
    for i in range(n):
        step = np.zeros(n)
        step[i] = STEP
        information[i] = -(likelihood(theta + step)[1] - likelihood(theta - step)[1]) / (2 * STEP)
    values, vectors = np.linalg.eigh((information + information.T) / 2)
    return np.asarray((vectors / np.maximum(values, 1.0)) @ vectors.T, dtype=np.float64)
