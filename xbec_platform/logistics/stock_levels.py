"""Order-up-to levels of many articles at once: arrays in, arrays out. No tables, no costs of storage, no orders.

Periodic review (R, S): every R days each article is ordered up to S, which must cover demand until the next order has
arrived, R + L days later (Silver, Pyke & Thomas 2017, ch. 7). stockpyl computes the same numbers article by article and
is the oracle of the tests' and benchmark's comparison.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CELLS = 4_000_000
"""Sampled periods held at once (32 MB)."""


@dataclass(frozen=True, kw_only=True)
class DailyDemand:
    """Pieces that left by article and day in stock, sparse, sorted by article and day.

    Attributes:
        article: Number of the article, 0 .. n - 1.
        day: Day in stock, 0 .. n_days[article] - 1.
        pieces: Pieces of that day.
        n_days: Days in stock that are known, shape (n,); 0: none.
    """

    article: Ints
    day: Ints
    pieces: Floats
    n_days: Ints

    def __post_init__(self) -> None:
        """Refuse what no sum would be right of."""
        if len(self.article) and (self.day >= self.n_days[self.article]).any():
            raise ValueError("a day of demand lies after the days in stock")
        if len(self.day) and self.day.min() < 0:
            raise ValueError("days count from 0")

    def moments(self) -> tuple[Floats, Floats]:
        """Mean and deviation of a day's pieces by article (n - 1 in the denominator); 0 where no day is known."""
        n = len(self.n_days)
        days = np.maximum(self.n_days, 1)
        mean = np.bincount(self.article, self.pieces, n) / days
        squares = np.bincount(self.article, self.pieces**2, n)
        spread = np.maximum(squares - days * mean**2, 0) / np.maximum(days - 1, 1)
        return mean, np.sqrt(spread)


def critical_ratio(short_cost: Floats, over_cost: Floats) -> Floats:
    """Share of periods that should end without a shortage: newsvendor (Arrow, Harris & Marschak 1951)."""
    return short_cost / (short_cost + over_cost)


def period_deviation(mean: Floats, sd: Floats, period: Floats, period_sd: Floats) -> Floats:
    """Deviation of the pieces of a period whose length varies too: sqrt(P sd^2 + mean^2 sdP^2)."""
    return np.sqrt(period * sd**2 + (mean * period_sd) ** 2)


def normal_level(mean: Floats, sd: Floats, period: Floats, period_sd: Floats, service: Floats) -> Floats:
    """Order-up-to level where demand of the period is normal: mean P + z(service) x deviation."""
    level: Floats = mean * period + ndtri(service) * period_deviation(mean, sd, period, period_sd)
    return level


def period_lengths(
    review: float, lead_mean: float, lead_sd: float, *, n_samples: int, rng: np.random.Generator
) -> Ints:
    """Sampled days from one order to the arrival of the next: review plus a log-normal lead time, at least 1."""
    if lead_sd <= 0 or lead_mean <= 0:
        return np.full(n_samples, max(round(review + lead_mean), 1), dtype=np.int64)
    spread = np.log1p((lead_sd / lead_mean) ** 2)
    lead = np.exp(rng.normal(np.log(lead_mean) - spread / 2, np.sqrt(spread), n_samples))
    return np.maximum(np.round(review + lead), 1).astype(np.int64)


def simulated_level(
    demand: DailyDemand, chosen: Ints, lengths: Ints, service: Floats, *, rng: np.random.Generator
) -> Floats:
    """Order-up-to level as a quantile of what really left within periods of the sampled lengths.

    Periods begin on random days and wrap around the end of the history (circular block bootstrap, Politis & Romano
    1992): runs of good and bad days stay together, and every day counts alike. All articles see the same luck.

    Args:
        demand: The history.
        chosen: Articles to compute, ascending, each with days in stock.
        lengths: Days of the sampled periods, shape (samples,).
        service: Share of periods without a shortage, shape (chosen,).
        rng: Source of the first days.

    Returns:
        Levels, shape (chosen,): the smallest sampled sum that enough of the periods stay within.
    """
    luck = rng.random(len(lengths))
    levels = np.zeros(len(chosen))
    longest = int(demand.n_days[chosen].max()) if len(chosen) else 0
    step = max(1, CELLS // max(len(lengths), longest + 1))
    for first in range(0, len(chosen), step):
        block = chosen[first : first + step]
        sums = _period_sums(demand, block, lengths, luck)
        rank = np.ceil(service[first : first + step] * len(lengths)).astype(np.int64) - 1
        sums.sort(axis=1)
        levels[first : first + step] = sums[np.arange(len(block)), np.clip(rank, 0, len(lengths) - 1)]
    return levels


def _period_sums(demand: DailyDemand, block: Ints, lengths: Ints, luck: Floats) -> Floats:
    """Pieces of every sampled period, shape (block, samples)."""
    days = demand.n_days[block]
    running = np.zeros((len(block), int(days.max()) + 1))
    low, high = np.searchsorted(demand.article, [block[0], block[-1] + 1])
    row = np.searchsorted(block, demand.article[low:high])
    mine = block[np.minimum(row, len(block) - 1)] == demand.article[low:high]
    np.add.at(running, (row[mine], demand.day[low:high][mine] + 1), demand.pieces[low:high][mine])
    np.cumsum(running, axis=1, out=running)
    start = np.floor(luck[None, :] * days[:, None]).astype(np.int64)
    whole, end = np.divmod(start + lengths[None, :], days[:, None])
    rows = np.arange(len(block))[:, None]
    total = running[np.arange(len(block)), days][:, None]
    found: Floats = running[rows, end] + whole * total - running[rows, start]
    return found
