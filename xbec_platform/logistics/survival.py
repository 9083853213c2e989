"""Times until something happens, when for some it has not happened yet: Kaplan-Meier curves of many groups at once.

Belongs here: estimation from durations. Not here: what a duration means, lanes, stages, promises.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SurvivalCurves:
    """Step functions S(t) = P(T > t), one by group, stored one after the other.

    Attributes:
        start: Where the steps of each group begin, n_groups + 1 offsets into `time`.
        time: Times of events, ascending within a group.
        survival: S at and after each of them.
        n: Observations by group, censored ones included.
        n_events: Observed events by group.
    """

    start: NDArray[np.int64]
    time: Floats
    survival: Floats
    n: NDArray[np.int64]
    n_events: NDArray[np.int64]

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.n)


def kaplan_meier(
    duration: Floats, observed: NDArray[np.bool_], group: NDArray[np.int64], n_groups: int
) -> SurvivalCurves:
    """Estimate the curve of every group (Kaplan & Meier 1958), without a loop over groups.

    Args:
        duration: Time to the event, or to the last moment it was known not to have happened; finite, >= 0.
        observed: False where the event has not happened yet (right-censored).
        group: 0 .. n_groups - 1.
        n_groups: Groups without observations have a curve without steps.

    Raises:
        ValueError: A duration is negative or not a number: the caller names such rows, nobody guesses them.
    """
    if not (np.isfinite(duration).all() and (duration >= 0).all()):
        raise ValueError("durations must be finite and not negative")
    n = np.bincount(group, minlength=n_groups).astype(np.int64)
    order = np.lexsort((duration, group))
    group_of, time, event = group[order], duration[order], observed[order].astype(np.float64)
    first_of_group = np.concatenate(([0], np.cumsum(n)))
    # Equal times of a group are one step: events at t are at risk together, those censored at t too.
    is_new = np.ones(len(time), dtype=np.bool_)
    is_new[1:] = (time[1:] != time[:-1]) | (group_of[1:] != group_of[:-1])
    step = np.flatnonzero(is_new)
    events = np.add.reduceat(event, step) if len(step) else np.empty(0)
    at_risk = first_of_group[group_of[step] + 1] - step
    has_event = events > 0
    step, at_risk, events = step[has_event], at_risk[has_event], events[has_event]
    steps = np.bincount(group_of[step], minlength=n_groups)
    start = np.concatenate(([0], np.cumsum(steps)))
    return SurvivalCurves(
        start=start,
        time=time[step],
        survival=_running_product(1.0 - events / at_risk, start),
        n=n,
        n_events=np.bincount(group, weights=observed, minlength=n_groups).astype(np.int64),
    )


def _running_product(factor: Floats, start: NDArray[np.int64]) -> Floats:
    """Cumulative product that begins anew at each offset; a factor of 0 ends a group's curve."""
    with np.errstate(divide="ignore"):
        logs = np.log(factor)
    # The last step of a group may be log 0: it must not reach the sums of the next group.
    dead = np.isneginf(logs)
    total = np.cumsum(np.where(dead, 0.0, logs))
    before = np.concatenate(([0.0], total))[start[:-1]]
    product = np.exp(total - np.repeat(before, np.diff(start)))
    return np.where(dead, 0.0, np.minimum(product, 1.0))


def quantiles(curves: SurvivalCurves, level: float) -> Floats:
    """Smallest time by which a share `level` has had the event, by group; NaN where the curve ends above that.

    Raises:
        ValueError: The level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError("the level of a quantile must be between 0 and 1")
    # Sums of logarithms are off by rounding: a share of exactly 1 - level counts as reached.
    reached = curves.survival <= 1.0 - level + 1e-12
    low = np.concatenate(([0], np.cumsum(reached)))[curves.start]
    steps = np.flatnonzero(reached)
    found = np.diff(low) > 0
    result = np.full(curves.n_groups, np.nan)
    result[found] = curves.time[steps[low[:-1][found]]]
    return result
