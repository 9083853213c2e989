"""Stock of the sample network, simulated from past sales only; files and centres do not belong here."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

SUNDAY = 7
SNAPSHOT_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "warehouse_id": pl.String,
    "product_id": pl.String,
    "snapshot_date": pl.Date,
    "on_hand": pl.Int64,
    "reserved": pl.Int64,
    "inbound": pl.Int64,
    "inbound_eta_date": pl.Date,
    "is_sample": pl.Boolean,
}


@dataclass(frozen=True, kw_only=True)
class StockPolicy:
    """Order-up-to policy, reviewed at every snapshot.

    Attributes:
        window_days: Demand is the mean of this many days before the review.
        main_cover_days: The main centre holds this many days of the demand of the whole network.
        regional_cover_days: Another centre holds this many days of the demand nearest to it ...
        regional_min_pieces_per_week: ... of products that sell at least this much there.
        lead_days: What a review orders arrives with the next review; this many days are announced.
        judgement: Range of the fixed factor by which the target of a product in a centre is off.
    """

    window_days: int
    main_cover_days: float
    regional_cover_days: float
    regional_min_pieces_per_week: float
    lead_days: int
    judgement: tuple[float, float]

    def __post_init__(self) -> None:
        """Reject a policy that cannot be simulated."""
        if self.window_days < 1 or self.lead_days < 1:
            raise ValueError("window_days and lead_days count whole days: give 1 or more")
        if min(self.main_cover_days, self.regional_cover_days, self.regional_min_pieces_per_week) < 0:
            raise ValueError("cover days and the regional minimum cannot be negative")
        low, high = self.judgement
        if not 0 < low <= high:
            raise ValueError(f"judgement is a range of positive factors, low first: got {self.judgement}")


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Sales as arrays, one entry per sale, sorted by day: day number, centre, product and pieces."""

    warehouse_ids: tuple[str, ...]
    product_ids: tuple[str, ...]
    day: npt.NDArray[np.int64]
    centre: npt.NDArray[np.int64]
    product: npt.NDArray[np.int64]
    pieces: npt.NDArray[np.float64]

    def between(self, start: int, end: int) -> npt.NDArray[np.int64]:
        """Return pieces by centre and product sold on days `start <= day < end`."""
        low, high = np.searchsorted(self.day, [start, end])
        width = len(self.product_ids)
        cell = self.centre[low:high] * width + self.product[low:high]
        sums = np.bincount(cell, weights=self.pieces[low:high], minlength=len(self.warehouse_ids) * width)
        return sums.astype(np.int64).reshape(-1, width)


def review_dates(first_day: date, last_day: date) -> list[date]:
    """Return the days of the snapshots: the first day, every Sunday, the last day."""
    days = (first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1))
    return [day for day in days if day in (first_day, last_day) or day.isoweekday() == SUNDAY]


def simulate_snapshots(
    *, demand: Demand, main: int, first_day: date, last_day: date, policy: StockPolicy, seed: int
) -> Iterator[tuple[date, pl.DataFrame]]:
    """Yield the stock at the start of each review day, before that day's orders are picked.

    A snapshot knows sales strictly before its day. The opening one has no past: it knows the opening day.
    A sale is served by its own centre while stock lasts, then by the main one; the rest is lost.

    Args:
        demand: Sales; days are counted from `first_day`.
        main: Index of the main centre.
        first_day: Day of the opening snapshot.
        last_day: Day of the last snapshot.
        policy: When and how much is ordered.
        seed: Decides the judgement factors.

    Yields:
        Day and frame in the columns of the contract, sorted by warehouse and product; a product appears in
        a centre from its first target there on, also with nothing on hand.
    """
    factor = _judgement(demand, policy, seed)
    on_hand = np.zeros(factor.shape, dtype=np.int64)
    inbound = np.zeros_like(on_hand)
    listed = np.zeros(factor.shape, dtype=bool)
    previous = 0
    for review in review_dates(first_day, last_day):
        now = (review - first_day).days
        cutoff = max(now, 1)
        target = _targets(demand, cutoff, main, policy, factor)
        # The opening stock is bought at once; later only what was ordered a review ago arrives.
        sold = demand.between(previous, now)
        on_hand = _serve(on_hand, sold, main) + inbound if now else target.copy()
        inbound = np.maximum(target - on_hand, 0)
        listed |= target > 0
        previous = now
        eta = review + timedelta(days=policy.lead_days)
        yield review, _snapshot(demand, review, on_hand, inbound, listed, eta)


def _targets(
    demand: Demand, cutoff: int, main: int, policy: StockPolicy, factor: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    start = max(cutoff - policy.window_days, 0)
    daily = demand.between(start, cutoff) / (cutoff - start)
    cover = np.where(
        daily * 7 >= policy.regional_min_pieces_per_week, daily * policy.regional_cover_days, 0.0
    )
    cover[main] = daily.sum(axis=0) * policy.main_cover_days
    return np.ceil(cover * factor).astype(np.int64)


def _serve(on_hand: npt.NDArray[np.int64], sold: npt.NDArray[np.int64], main: int) -> npt.NDArray[np.int64]:
    own = np.minimum(on_hand, sold)
    left = on_hand - own
    overflow = (sold - own).sum(axis=0)
    left[main] = np.maximum(left[main] - overflow, 0)
    return left


def _judgement(demand: Demand, policy: StockPolicy, seed: int) -> npt.NDArray[np.float64]:
    """Return a factor per centre and product that does not depend on which other products exist.

    SplitMix64 (Steele, Lea & Flood 2014) of seed and names: a generator drawn in order would give an old
    product another factor as soon as a new one is sold.
    """
    names = [zlib.crc32(name.encode()) for name in demand.product_ids]
    places = [zlib.crc32(name.encode()) for name in demand.warehouse_ids]
    state = np.array(names, dtype=np.uint64)[None, :] | (np.array(places, dtype=np.uint64)[:, None] << 32)
    # As a Python integer: numpy warns when a single product overflows, and overflow is meant.
    state = state + np.uint64(seed * 0x9E3779B97F4A7C15 % 2**64)
    state = (state ^ (state >> 30)) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> 27)) * np.uint64(0x94D049BB133111EB)
    uniform = ((state ^ (state >> 31)) >> 11).astype(np.float64) / 2**53
    low, high = policy.judgement
    return low + (high - low) * uniform


def _snapshot(
    demand: Demand,
    day: date,
    on_hand: npt.NDArray[np.int64],
    inbound: npt.NDArray[np.int64],
    listed: npt.NDArray[np.bool_],
    eta: date,
) -> pl.DataFrame:
    centre, product = np.nonzero(listed)
    coming = inbound[centre, product]
    return pl.DataFrame(
        {
            "warehouse_id": np.array(demand.warehouse_ids, dtype=object)[centre],
            "product_id": np.array(demand.product_ids, dtype=object)[product],
            "snapshot_date": [day] * len(centre),
            "on_hand": on_hand[centre, product],
            "reserved": np.zeros(len(centre), dtype=np.int64),
            "inbound": coming,
            "inbound_eta_date": [eta if pieces else None for pieces in coming],
            "is_sample": [True] * len(centre),
        },
        schema=SNAPSHOT_SCHEMA,
    ).sort("warehouse_id", "product_id")
