"""What keeping stock costs by its age: ladders of storage rates, days to sale, value of keeping. Arrays; no tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

AGES = ("age_0_30", "age_31_60", "age_61_90", "age_91_180", "age_181_360", "age_361_plus")
"""Columns of the contract inventory_snapshots, youngest first."""
AGE_FROM = np.array([0.0, 31.0, 61.0, 91.0, 181.0, 361.0])
AGE_TO = np.array([30.0, 60.0, 90.0, 180.0, 360.0, np.inf])
AGE_TYPICAL = np.array([15.0, 45.0, 75.0, 135.0, 270.0, 361.0])
"""Age a bucket's pieces are taken to have: its middle; the last one's first day."""


@dataclass(frozen=True)
class Ladder:
    """Storage rates by age.

    Attributes:
        start: First day of each tier, ascending from 0.
        rate: Base currency per m3 and day of each tier.
    """

    start: Floats
    rate: Floats

    def __post_init__(self) -> None:
        """Refuse what leaves an age without a rate or with two."""
        if len(self.start) == 0 or len(self.start) != len(self.rate) or self.start[0] != 0:
            raise ValueError("a ladder begins at age 0 and has one rate for each tier")
        if (np.diff(self.start) <= 0).any() or (self.rate < 0).any():
            raise ValueError("tiers of a ladder ascend and rates are not negative")

    def rate_at(self, age: Floats) -> Floats:
        """Rate of goods of an age."""
        found: Floats = self.rate[np.searchsorted(self.start, age, side="right") - 1]
        return found

    def days_to_next(self, age: Floats) -> Floats:
        """Days until the next tier begins; inf in the last one."""
        edges = np.append(self.start, np.inf)
        found: Floats = edges[np.searchsorted(self.start, age, side="right")] - age
        return found

    def cost_until(self, age: Floats) -> Floats:
        """Storage of one m3 from its arrival to an age."""
        width = np.append(np.diff(self.start), np.inf)
        spent = np.clip(np.asarray(age)[..., None] - self.start, 0, width)
        found: Floats = spent @ self.rate
        return found


@dataclass(frozen=True, kw_only=True)
class KeepingCosts:
    """One article of a warehouse by row.

    Attributes:
        price: What a piece brings when it is sold.
        salvage: What it brings when it is sold off.
        capital_day: Capital cost of a piece and day.
        m3: Volume of a piece.
        mean_day: Pieces sold a day.
    """

    price: Floats
    salvage: Floats
    capital_day: Floats
    m3: Floats
    mean_day: Floats


def ages_within(on_hand: Floats, by_age: Floats) -> tuple[Floats, Floats]:
    """Pieces by age that together are not more than on hand, and pieces of unknown age.

    The oldest leave first, so where the ages state more than is there, the youngest are still there.

    Args:
        on_hand: Pieces, shape (n,); below 0 counts as 0.
        by_age: Stated pieces, shape (n, 6); NaN counts as 0.
    """
    there = np.maximum(on_hand, 0)
    stated = np.maximum(np.nan_to_num(by_age), 0)
    within = np.minimum(np.cumsum(stated, axis=1), there[:, None])
    ages = np.diff(within, axis=1, prepend=0)
    return ages, there - within[:, -1]


def keep_value(
    pieces: Floats, costs: KeepingCosts, ladder: Ladder, *, horizon_days: float, sold_off: Floats
) -> Floats:
    """Value of keeping what is left after the oldest pieces were sold off, shape of `sold_off`.

    First in, first out at the mean rate of sale; what the horizon leaves over is sold off then. Storage goes by the age
    that each bucket has reached, at the middle of its time.

    Args:
        pieces: By age bucket, youngest first, shape (n, 6).
        costs: By row.
        ladder: Of the warehouse.
        horizon_days: Days that are looked ahead.
        sold_off: Pieces given away now, shape (n,).
    """
    old_first = pieces[:, ::-1]
    gone = np.minimum(np.cumsum(old_first, axis=1), sold_off[:, None])
    left = old_first - np.diff(gone, axis=1, prepend=0)
    before = np.cumsum(left, axis=1) - left
    mean = costs.mean_day[:, None]
    sold = np.clip(mean * horizon_days - before, 0, left)
    with np.errstate(divide="ignore", invalid="ignore"):
        days = np.where(sold > 0, (before + sold / 2) / mean, 0.0)
    age = AGE_TYPICAL[::-1][None, :]
    storage_sold = ladder.cost_until(age + days) - ladder.cost_until(age)
    storage_left = ladder.cost_until(age + horizon_days) - ladder.cost_until(age)
    capital, m3 = costs.capital_day[:, None], costs.m3[:, None]
    value = sold * (costs.price[:, None] - m3 * storage_sold - capital * days)
    value += (left - sold) * (costs.salvage[:, None] - m3 * storage_left - capital * horizon_days)
    found: Floats = value.sum(axis=1)
    return found


def best_sell_off(
    pieces: Floats, costs: KeepingCosts, ladder: Ladder, *, most: Floats, horizon_days: float, steps: int = 20
) -> tuple[Floats, Floats]:
    """How many of the oldest pieces to sell off now, and what the best choice is worth.

    The best of `steps` + 1 even shares of `most`; of equal ones the smallest: nothing is given away without a gain.

    Args:
        pieces: By age bucket, youngest first, shape (n, 6).
        costs: By row.
        ladder: Of the warehouse.
        most: Pieces that may go at most, whole, shape (n,).
        horizon_days: Days that are looked ahead.
        steps: Shares that are compared.

    Returns:
        Pieces and value (proceeds of the sell-off included), both of shape (n,).
    """
    best = np.zeros(len(most))
    value = keep_value(pieces, costs, ladder, horizon_days=horizon_days, sold_off=best)
    for step in range(1, steps + 1):
        sold_off = np.floor(most * step / steps)
        worth = sold_off * costs.salvage + keep_value(
            pieces, costs, ladder, horizon_days=horizon_days, sold_off=sold_off
        )
        better = worth > value + 1e-9
        best, value = np.where(better, sold_off, best), np.where(better, worth, value)
    return best, value
