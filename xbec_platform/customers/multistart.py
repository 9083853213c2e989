"""Maximum likelihood of positive parameters from several seeded starts. Knows no model, no customers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

Floats = NDArray[np.float64]
# Value, gradient and second derivatives.
Evaluation = tuple[float, Floats, Floats]
Likelihood = Callable[[Floats], Evaluation]

# exp(+-14): beyond it a parameter says "none" or "infinitely many", and the likelihood is flat.
LOG_BOUND = 14.0
FLAT_GRADIENT = (
    1e-4  # per customer; the likelihood of 10,000 customers then misses its top by far less than .01
)
SAME_TOP = 1e-4  # starts whose mean log likelihoods differ by less have found the same top
ENOUGH = 2  # starts at the same top: the others are not needed
ROUGH, FINE = 1e-7, 1e-16  # gain to expect of another step below which a start ends, and the best one
LONGEST_STEP = 2.0  # in any log parameter
LEAST_CURVATURE = 1e-9
LEAST_GAIN, MOST_CUTS = 1e-4, 30  # of what the slope promises (Armijo); how often a step is cut to a quarter


@dataclass(frozen=True, kw_only=True)
class MultistartParams:
    """Settings of the search.

    Attributes:
        n_starts: most starts; the first is the given centre, the others lie around it. Two that agree are enough.
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
    """Climb from several starts by Newton's method and keep the best end.

    Newton takes 6 to 10 evaluations with second derivatives where a quasi-Newton method takes 25 to 40 without.

    Args:
        likelihood: log parameters to the log likelihood with its derivatives, summed over customers.
        centre: logarithms of plausible parameters.
        weight: customers the sums run over.
        params: settings.
    """

    def objective(theta: Floats) -> Evaluation:
        value, gradient, curve = likelihood(theta)
        return -value / weight, -gradient / weight, -curve / weight

    middle = np.asarray(centre, dtype=np.float64)
    rng = np.random.default_rng(params.seed)
    starts = [middle, *(middle + params.spread * rng.normal(size=(params.n_starts - 1, len(middle))))]
    with one_thread(), np.errstate(all="ignore"):
        finite: list[_Place] = []
        for start in starts:
            end = _descend(objective, _place(objective, start), ROUGH, params.max_iterations)
            finite += [end] if np.isfinite(end.value) else []
            top = min(finite, key=lambda end: end.value, default=None)
            n_agreeing = sum(end.value - top.value < SAME_TOP for end in finite) if top is not None else 0
            if n_agreeing == ENOUGH:
                break
        if top is not None:
            top = _descend(objective, top, FINE, params.max_iterations)
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
    inside = np.abs(top.theta) < LOG_BOUND - 1e-9
    return Optimum(
        log_parameters=top.theta,
        log_likelihood=-top.value * weight,
        covariance=_covariance(top.curve * weight),
        is_converged=bool(np.all(np.abs(top.slope[inside]) < FLAT_GRADIENT)),
        n_agreeing=n_agreeing,
        at_bound=tuple(np.flatnonzero(~inside).tolist()),
    )


def by_logarithms(parameters: Floats, gradient: Floats, curve: Floats) -> tuple[Floats, Floats]:
    """Derivatives by the logarithms of parameters from those by the parameters."""
    slope = gradient * parameters
    return slope, curve * np.outer(parameters, parameters) + np.diag(slope)


@dataclass(frozen=True, kw_only=True)
class _Place:
    theta: Floats
    value: float
    slope: Floats
    curve: Floats


def _place(objective: Likelihood, theta: Floats) -> _Place:
    within = np.clip(theta, -LOG_BOUND, LOG_BOUND)
    value, slope, curve = objective(within)
    return _Place(theta=within, value=value, slope=slope, curve=curve)


def _descend(objective: Likelihood, here: _Place, tolerance: float, max_iterations: int) -> _Place:
    """Newton steps within the bounds until the next one is worth less than the tolerance.

    Directions along which the objective bends down count with the size of their curvature, so that a saddle repels.
    """
    for _ in range(max_iterations):
        if not np.isfinite(here.curve).all():
            break
        step = _newton_step(here)
        if -(here.slope @ step) / 2 < tolerance:
            break
        for cut in range(MOST_CUTS):
            there = _place(objective, here.theta + step / 4**cut)
            promised = here.slope @ (there.theta - here.theta)
            if there.value <= here.value + LEAST_GAIN * promised:
                break
        else:
            break  # rounding: no step leads further down
        here = there
    return here


def _newton_step(here: _Place) -> Floats:
    # A parameter at its bound stays there while it would go on.
    free = np.where(here.slope > 0, here.theta > -LOG_BOUND, here.theta < LOG_BOUND)
    values, vectors = np.linalg.eigh(here.curve * np.outer(free, free))
    along = vectors.T @ (here.slope * free) / np.maximum(np.abs(values), LEAST_CURVATURE)
    step = -(vectors @ along) * free
    return np.asarray(
        step * min(1.0, LONGEST_STEP / max(float(np.abs(step).max()), LONGEST_STEP)), dtype=np.float64
    )


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


def one_thread() -> AbstractContextManager[object]:
    """Keep linear algebra on one thread: over four parameters its threads cost 20 times what they save."""
    limited: AbstractContextManager[object] = _libraries().limit(limits=1)
    return limited


def _covariance(information: Floats) -> Floats:
    values, vectors = np.linalg.eigh(information)
    return np.asarray((vectors / np.maximum(values, 1.0)) @ vectors.T, dtype=np.float64)
