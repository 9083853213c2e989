"""Repeat purchases of customers as the purchase models see them: how often, how recently, for how long, how much.

One row per customer in, few distinct histories with counts out: a shop of a million customers has some ten thousand
of them, and a likelihood costs what they cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DAYS_PER_WEEK = 7.0

# Columns of the user database that the models are made of.
COLUMNS = ("customer_id", "n_order_days", "recency_days", "tenure_days", "repeat_gross_base")


@dataclass(frozen=True, kw_only=True)
class Histories:
    """Purchase histories, one entry each; times in weeks since the first purchase.

    Attributes:
        x: days with a purchase after the first one.
        t_x: time of the last purchase; 0 without repeat purchases.
        T: time observed.
        weight: customers with this history.
    """

    x: Floats
    t_x: Floats
    T: Floats
    weight: Floats

    def __post_init__(self) -> None:
        """Refuse histories that cannot have happened."""
        if len({len(self.x), len(self.t_x), len(self.T), len(self.weight)}) != 1:
            raise ValueError("x, t_x, T and weight differ in length: give one entry per history")
        wrong = ~((self.x >= 0) & (self.t_x >= 0) & (self.t_x <= self.T) & ((self.x > 0) | (self.t_x == 0)))
        if wrong.any():
            i = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"history {i} has x = {self.x[i]:g}, t_x = {self.t_x[i]:g}, T = {self.T[i]:g}: needed are x >= 0, "
                "0 <= t_x <= T, and t_x = 0 where x = 0"
            )

    @cached_property
    def by_x(self) -> tuple[Floats, Floats]:
        """The distinct x, and the customers with each."""
        x, place = np.unique(self.x, return_inverse=True)
        return x, np.bincount(place, weights=self.weight, minlength=len(x)).astype(np.float64)

    @cached_property
    def once(self) -> Histories:
        """Those without a repeat purchase."""
        return self._only(self.x == 0)

    @cached_property
    def repeating(self) -> Histories:
        """Those with one."""
        return self._only(self.x > 0)

    @cached_property
    def times(self) -> Floats:
        """T and t_x, one below the other."""
        return np.stack([self.T, self.t_x])

    def _only(self, rows: NDArray[np.bool_]) -> Histories:
        return Histories(x=self.x[rows], t_x=self.t_x[rows], T=self.T[rows], weight=self.weight[rows])

    @property
    def n_customers(self) -> float:
        """Customers in all histories."""
        return float(self.weight.sum())


def histories(people: pl.DataFrame) -> Histories:
    """Return the history of each customer, in the order of the rows.

    Args:
        people: user database of one as-of day, with `COLUMNS`.
    """
    tenure, recency = (people[name].to_numpy() for name in ("tenure_days", "recency_days"))
    x = people["n_order_days"].to_numpy().astype(np.float64) - 1
    return Histories(
        x=x,
        t_x=(tenure - recency) / DAYS_PER_WEEK,
        T=tenure / DAYS_PER_WEEK,
        weight=np.ones(len(x)),
    )


def compressed(every: Histories) -> Histories:
    """Return the distinct histories with their counts, sorted; a likelihood is a sum, so nothing is lost."""
    first, place = distinct_rows(every.x, every.t_x, every.T)
    weight = np.bincount(place, weights=every.weight, minlength=len(first)).astype(np.float64)
    return Histories(x=every.x[first], t_x=every.t_x[first], T=every.T[first], weight=weight)


def distinct_rows(*columns: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a row of each distinct combination, in order, and for each row which combination it has.

    Like `numpy.unique` with axis=0, which compares rows byte by byte and takes six times as long.
    """
    order = np.lexsort(columns[::-1])
    is_new = np.ones(len(order), dtype=bool)
    if len(order):
        is_new[1:] = np.any([column[order[1:]] != column[order[:-1]] for column in columns], axis=0)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.cumsum(is_new) - 1
    return order[is_new], place


def mean_values(people: pl.DataFrame) -> Floats:
    """Return the mean value of each customer's repeat purchase days (base currency); NaN without repeats."""
    x = people["n_order_days"].to_numpy().astype(np.float64) - 1
    value = people["repeat_gross_base"].cast(pl.Float64).to_numpy()
    return np.where(x > 0, value / np.maximum(x, 1), np.nan)
