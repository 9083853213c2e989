"""Turn the user database into standardised habits: which columns, on which scale, kept or dropped and why.

Nothing here knows about clusters. The scale of a fit is kept (`FittedFeature`), so that the customers of a
later day are placed in the same space.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

WINSOR = (0.01, 0.99)
NO_SPREAD = 1e-9


@dataclass(frozen=True, kw_only=True)
class FeatureSpec:
    """One habit that customers are compared by.

    Attributes:
        column: column of the user database.
        log: compare by `log1p(value / unit)`, values below 0 counting as 0; else by `value / unit`.
        unit: what counts as one, in the column's unit: differences well below it do not matter. None = a tenth
            of the median positive value, which makes the result independent of the currency.
        words: name parts from far below to far above the average customer (5), None = not part of names; a part
            that is None is not said.
        evidence: format of the median in a sentence, such as "orders: {:,.0f}"; None = not in sentences.
    """

    column: str
    log: bool = True
    unit: float | None = 1.0
    words: tuple[str | None, str | None, str | None, str | None, str | None] | None = None
    evidence: str | None = None

    def __post_init__(self) -> None:
        """Refuse a unit that cannot divide."""
        if self.unit is not None and not self.unit > 0:
            raise ValueError(
                f"{self.column}: unit is {self.unit}: give a number above 0, or None to derive it"
            )


# Recency counts in months, not days: with log1p(days) a third of the scale lies within one week, groups split
# between "yesterday" and "last Friday", and 1.4-2.3 % of the customers of Online Retail change group per day
# (k = 4..7). With months it is 1.0-1.4 %, and k = 5 reaches a mean ARI of .87-.96 on each of nine days across
# the year (log1p(days): .67-.92).
CLUSTER_FEATURES = (
    FeatureSpec(
        column="recency_days",
        unit=30.0,
        words=("very recent", "recent", "not long ago", "lapsing", "lapsed"),
        evidence="last order {:,.0f} days ago",
    ),
    FeatureSpec(
        column="n_orders",
        words=("very few orders", "few orders", "occasional", "frequent", "very frequent"),
        evidence="orders: {:,.0f}",
    ),
    FeatureSpec(
        column="net_base",
        unit=None,
        words=("very low value", "low value", "medium value", "high value", "very high value"),
        evidence="net sales: {:,.0f}",
    ),
)


@dataclass(frozen=True, kw_only=True)
class FittedFeature:
    """The scale of one feature as learned on one day: winsor bounds, mean and standard deviation within them."""

    column: str
    log: bool
    unit: float
    lower: float
    upper: float
    center: float
    scale: float

    def comparable(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw values on the feature's log or linear scale, before winsorising; NaN stays NaN."""
        return np.log1p(np.maximum(values, 0.0) / self.unit) if self.log else values / self.unit

    def standardise(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw values as z-scores; a missing value becomes 0, the average customer."""
        z = (np.clip(self.comparable(values), self.lower, self.upper) - self.center) / self.scale
        return np.where(np.isnan(z), 0.0, z)

    def raw(self, z: float) -> float:
        """Return the raw value of a z-score."""
        value = z * self.scale + self.center
        return float(np.expm1(value) * self.unit) if self.log else value * self.unit


@dataclass(frozen=True, kw_only=True)
class DroppedFeature:
    """A feature that is left out, and why."""

    column: str
    reason: str


def fit_features(
    frame: pl.DataFrame, specs: Sequence[FeatureSpec], max_missing: float
) -> tuple[tuple[FittedFeature, ...], tuple[DroppedFeature, ...]]:
    """Learn the scale of each feature: winsorised at 1 % and 99 %, then mean and standard deviation.

    The winsorised deviation, not the interquartile range: order counts are small whole numbers, so that their
    quartiles jump when one customer buys (22 % of labels changed in one weekly refit), and are equal where
    three customers in four have one order.

    Args:
        frame: one row per customer, in a fixed order, with the columns of `specs`.
        specs: the features wanted.
        max_missing: features with a larger share of missing values are dropped.

    Returns:
        The fitted and the dropped features, each in the order of `specs`.
    """
    fitted: list[FittedFeature] = []
    dropped: list[DroppedFeature] = []
    for spec in specs:
        result = _fit_one(column_values(frame, spec.column), spec, max_missing)
        if isinstance(result, FittedFeature):
            fitted.append(result)
        else:
            dropped.append(result)
    return tuple(fitted), tuple(dropped)


def standardise(frame: pl.DataFrame, features: Sequence[FittedFeature]) -> NDArray[np.float64]:
    """Return the matrix customers x features of z-scores, rows in the order of the frame."""
    matrix = np.zeros((frame.height, len(features)))
    for j, feature in enumerate(features):
        matrix[:, j] = feature.standardise(column_values(frame, feature.column))
    return matrix


def column_values(frame: pl.DataFrame, column: str) -> NDArray[np.float64]:
    """Return a column as floats; null, NaN and infinite values become NaN.

    Raises:
        ValueError: the column is absent.
    """
    if column not in frame.columns:
        raise ValueError(f"the user database has no column {column!r}: add it, or leave the feature out")
    values = frame[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return np.where(np.isfinite(values), values, np.nan)


def customers_in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the user database of one day by `customer_id`: sums of floats must not depend on row order.

    Raises:
        ValueError: a customer has no id, or two rows.
    """
    ids = frame["customer_id"]
    if ids.null_count():
        raise ValueError(f"{ids.null_count()} rows have no customer_id: give one row per known customer")
    if ids.n_unique() != frame.height:
        raise ValueError("a customer has several rows: give the user database of one as-of day")
    return frame.sort("customer_id")


def _fit_one(
    values: NDArray[np.float64], spec: FeatureSpec, max_missing: float
) -> FittedFeature | DroppedFeature:
    known = values[~np.isnan(values)]
    missing = 1 - known.size / values.size if values.size else 1.0
    if missing > max_missing or known.size == 0:
        reason = f"{missing:.1%} of values missing, at most {max_missing:.0%} allowed"
        return DroppedFeature(column=spec.column, reason=reason)
    unit = spec.unit
    if unit is None:
        positive = known[known > 0]
        if positive.size == 0:
            return DroppedFeature(column=spec.column, reason="no value above 0")
        unit = float(np.median(positive)) / 10
    draft = FittedFeature(
        column=spec.column, log=spec.log, unit=unit, lower=-np.inf, upper=np.inf, center=0.0, scale=1.0
    )
    comparable = draft.comparable(known)
    lower, upper = np.quantile(comparable, WINSOR)
    within = np.clip(comparable, lower, upper)
    if within.std() < NO_SPREAD:
        return DroppedFeature(column=spec.column, reason="no spread between the 1 % and the 99 % quantile")
    return FittedFeature(
        column=spec.column,
        log=spec.log,
        unit=unit,
        lower=float(lower),
        upper=float(upper),
        center=float(within.mean()),
        scale=float(within.std()),
    )
