"""Survival curves of small groups that lean on larger ones: lane on mode on everything. No names here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbec_platform.logistics.survival import Floats

# Rows of the matrix of curves that are read in one go: 4 million numbers are 32 MB.
_CELLS = 4_000_000


@dataclass(frozen=True, kw_only=True)
class ShrunkCurves:
    """Curves of the finest groups on one grid of times.

    Attributes:
        grid: Times, ascending; those at which anything happened in any group.
        survival: P(T > t), groups x grid.
        weight: What a group's own observations count for, against the level above.
    """

    grid: Floats
    survival: Floats
    weight: Floats

    def quantiles(self, level: float) -> Floats:
        """Smallest time by which a share `level` has had the event, by group; NaN without any event.

        A curve that ends higher gives the last time of the grid: longer ones have not been seen.
        """
        return self.remaining(np.arange(len(self.survival)), np.full(len(self.survival), -1.0), level)

    def at(self, group: NDArray[np.int64], time: Floats) -> Floats:
        """P(T > t) of a group at a time, element by element; 1 before anything has happened."""
        if not len(self.grid):
            return np.ones(len(group))
        step = np.searchsorted(self.grid, time, side="right") - 1
        return np.where(step >= 0, self.survival[group, np.maximum(step, 0)], 1.0)

    def remaining(self, group: NDArray[np.int64], elapsed: Floats, level: float) -> Floats:
        """The same of those that have waited for `elapsed` already: smallest t with S(t) <= (1 - level) S(elapsed).

        Args:
            group: Group of each case.
            elapsed: Time waited; below 0: nothing is known yet.
            level: Share that has had the event by then.

        Returns:
            Times since the beginning, one by case, never below `elapsed`.
        """
        if not len(self.grid):
            return np.full(len(group), np.nan)
        result = np.empty(len(group))
        step = max(1, _CELLS // len(self.grid))
        for start in range(0, len(group), step):
            part = slice(start, start + step)
            rows = self.survival[group[part]]
            so_far = self.at(group[part], elapsed[part])
            reached = rows <= ((1.0 - level) * so_far + 1e-12)[:, None]
            first = np.where(reached.any(axis=1), reached.argmax(axis=1), len(self.grid) - 1)
            result[part] = np.maximum(self.grid[first], elapsed[part])
        return result


def shrunk_curves(
    duration: Floats,
    observed: NDArray[np.bool_],
    levels: Sequence[NDArray[np.int64]],
    parents: Sequence[NDArray[np.int64]],
    priors: Sequence[float],
) -> ShrunkCurves:
    """Let each group's curve lean on that of the level above, from the top down.

    The level above counts like n0 further cases that end as it says: the hazard at t is (d + n0 dF0) / (Y + n0 S0)
    with d events among Y at risk. It is the posterior mean of a Dirichlet process under right-censoring (Susarla &
    Van Ryzin 1976) in the form of Hjort (1990). Without censoring that is the mean of both curves with weights n and
    n0; with it, cases that still wait count as well: a lane whose parcels are all under way is not taken for a quick
    one.

    Args:
        duration: Time to the event, or to the last moment it was known not to have happened; finite, >= 0.
        observed: False where it has not happened.
        levels: Group of each observation by level, finest first; everything together is above the last one.
        parents: Group of the next level that each group of a level belongs to, finest first, one array less than
            `levels`; its length is the number of groups.
        priors: n0 by level, finest first.

    Raises:
        ValueError: A duration is negative or not a number.
    """
    if not (np.isfinite(duration).all() and (duration >= 0).all()):
        raise ValueError("durations must be finite and not negative")
    grid = np.unique(duration[observed])
    at = np.searchsorted(grid, duration[observed])
    leaves = np.searchsorted(grid, duration, side="right")
    curve, _ = _lean(at, leaves, np.zeros_like(levels[-1]), observed, np.ones((1, len(grid))), 0.0)
    weight = np.ones(1)
    for number in reversed(range(len(levels))):
        above = parents[number] if number < len(parents) else _everything(levels[-1], parents)
        curve, n = _lean(at, leaves, levels[number], observed, curve[above], priors[number])
        weight = n / np.maximum(n + priors[number], 1e-300)
    return ShrunkCurves(grid=grid, survival=curve, weight=weight)


def _everything(level: NDArray[np.int64], parents: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The parent of each group of the highest level: group 0."""
    groups = max(int(level.max(initial=-1)), int(parents[-1].max(initial=-1)) if parents else -1) + 1
    return np.zeros(groups, dtype=np.int64)


def _lean(
    at: NDArray[np.int64],
    leaves: NDArray[np.int64],
    group: NDArray[np.int64],
    observed: NDArray[np.bool_],
    prior_curve: Floats,
    prior: float,
) -> tuple[Floats, Floats]:
    """Curves of groups on the grid, groups x grid, and the observations of each.

    Args:
        at: Step of each observed event on the grid.
        leaves: First step at which each case is no longer at risk.
        group: Group of each case.
        observed: Whether the case has an event.
        prior_curve: Curve each group leans on.
        prior: n0.
    """
    n_groups, width = prior_curve.shape
    events = np.bincount(group[observed] * width + at, minlength=n_groups * width).reshape(n_groups, width)
    gone = np.bincount(group * (width + 1) + leaves, minlength=n_groups * (width + 1))
    gone = gone.reshape(n_groups, width + 1)
    n = gone.sum(axis=1).astype(np.float64)
    at_risk = n[:, None] - np.cumsum(gone[:, :width], axis=1)
    before = np.concatenate((np.ones((n_groups, 1)), prior_curve[:, :-1]), axis=1)[:, :width]
    total = at_risk + prior * before
    hazard = np.divide(
        events + prior * (before - prior_curve), total, out=np.zeros((n_groups, width)), where=total > 0
    )
    return np.cumprod(1.0 - np.clip(hazard, 0.0, 1.0), axis=1), n
