"""What customers of a segment do on average: the way out where no purchase model can be fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xbec_platform.customers.repeat_purchases import DAYS_PER_WEEK

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SegmentMeans:
    """Means of a day.

    Attributes:
        weekly: repeat purchase days per customer and week, by segment.
        value: value of a purchase day (base currency), by segment.
        shop_weekly, shop_value: of all customers, for segments that were empty on the day.
    """

    weekly: dict[str, float]
    value: dict[str, float]
    shop_weekly: float
    shop_value: float

    def of(self, people: pl.DataFrame) -> tuple[Floats, Floats]:
        """Weekly purchase days and value of a purchase day of each row, by its `segment`."""
        names = people["segment"].to_list()
        return (
            np.array([self.weekly.get(name, self.shop_weekly) for name in names], dtype=np.float64),
            np.array([self.value.get(name, self.shop_value) for name in names], dtype=np.float64),
        )


def segment_means(people: pl.DataFrame) -> SegmentMeans:
    """Return the means of a day; sums over sums, so that one long-known customer counts more than one new one.

    Args:
        people: user database with `segment`, `n_order_days`, `tenure_days`, `gross_base`, by `customer_id`.
    """
    sums = [
        pl.col("n_order_days").sum(),
        (pl.col("n_order_days") - 1).sum().alias("repeats"),
        pl.col("tenure_days").sum(),
        pl.col("gross_base").sum(),
    ]
    by_segment = people.drop_nulls("segment").group_by("segment").agg(sums).sort("segment")
    rows = {row["segment"]: _means(row) for row in by_segment.iter_rows(named=True)}
    shop = people.select(sums).row(0, named=True)
    shop_weekly, shop_value = _means(shop)
    return SegmentMeans(
        weekly={name: weekly for name, (weekly, _) in rows.items()},
        value={name: value for name, (_, value) in rows.items()},
        shop_weekly=shop_weekly,
        shop_value=shop_value,
    )


def _means(sums: dict[str, int]) -> tuple[float, float]:
    weekly = sums["repeats"] * DAYS_PER_WEEK / sums["tenure_days"] if sums["tenure_days"] else 0.0
    return weekly, float(sums["gross_base"]) / sums["n_order_days"] if sums["n_order_days"] else 0.0
