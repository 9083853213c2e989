"""What late deliveries do to repurchase and rating, compared between orders that are alike. Not here: who is late.

Observational: orders are alike in what is compared here, and whatever else made them late may also have moved the
outcome. The table says so in words beside every number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EFFECT_SCHEMA = pl.Schema(
    {
        "outcome": pl.String(),
        "method": pl.String(),
        "n_late": pl.Int64(),
        "n_on_time": pl.Int64(),
        "n_cells": pl.Int64(),
        "n_not_comparable": pl.Int64(),
        "mean_late": pl.Float64(),
        "mean_on_time": pl.Float64(),
        "effect": pl.Float64(),
        "effect_low": pl.Float64(),
        "effect_high": pl.Float64(),
        "status": pl.String(),
        "caveat": pl.String(),
    }
)
"""Grain: outcome x method. Key: outcome, method. status: ok, or too_few (no numbers)."""

CONFOUNDERS = ("value_band", "market", "category")
CAVEAT = (
    "Late minus on time among orders alike in value band, market and category; not causal beyond these: what else made "
    "an order late may have moved the outcome too."
)
_Z95 = 1.959963984540054


@dataclass(frozen=True, kw_only=True)
class DelayEffectParams:
    """Settings.

    Attributes:
        horizons_days: Days after the promise within which a repurchase counts; only orders whose horizon is over.
        n_bands: Bands of order value with equally many orders.
        min_per_arm: Fewer late or punctual orders give no numbers.
        clip: Chances of being late are kept within [clip, 1 - clip]: no single order decides.
    """

    horizons_days: tuple[int, ...] = (30, 90)
    n_bands: int = 5
    min_per_arm: int = 20
    clip: float = 0.02

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if not 0 <= self.clip < 0.5:
            raise ValueError("clip must be at least 0 and below .5")
        if min(self.n_bands, self.min_per_arm, *self.horizons_days) < 1:
            raise ValueError("bands, arms and horizons must be at least 1")


def delay_effects(
    orders: pl.DataFrame,
    purchases: pl.DataFrame,
    ratings: pl.DataFrame,
    *,
    as_of: datetime,
    params: DelayEffectParams | None = None,
) -> pl.DataFrame:
    """Compare late with punctual orders.

    The clock of both starts at the promise: from the delivery on, late orders would have less time left to buy again.

    Args:
        orders: order_id, customer_id (null: a guest, no repurchase can be seen), market, category, value_base,
            promised_ts, delivered_ts (null: still open). Orders whose promise is not due are left out.
        purchases: customer_id, order_ts of all orders.
        ratings: order_id, rating.
        as_of: The moment; nothing from it on is known.
        params: Settings.

    Returns:
        Columns of `EFFECT_SCHEMA`: for every outcome the plain difference, the one within strata (cells of the
        confounders, weighted by their orders), and by inverse probability weighting (Hajek; Rosenbaum & Rubin 1983),
        each with an interval of 95 %.
    """
    params = params or DelayEffectParams()
    due = (
        orders.filter(pl.col("promised_ts") < as_of)
        .with_columns(
            is_late=(pl.col("delivered_ts") > pl.col("promised_ts")).fill_null(True),
            value_band=_bands(pl.col("value_base"), params.n_bands),
        )
        .with_columns(pl.col(CONFOUNDERS[1:]).fill_null("unknown"))
        .sort("order_id")
    )
    found = []
    for days in params.horizons_days:
        found += _compare(f"repurchase_{days}d", _repurchased(due, purchases, as_of, days), params)
    rated = due.join(ratings.group_by("order_id").agg(outcome=pl.col("rating").mean()), on="order_id").sort(
        "order_id"
    )
    found += _compare("rating", rated, params)
    return pl.DataFrame(found, schema=EFFECT_SCHEMA).sort("outcome", "method")


def _bands(value: pl.Expr, n: int) -> pl.Expr:
    """Band of a value by rank, 0 .. n - 1; equal values share a band; null is a band of its own."""
    number = ((value.rank("min") - 1) * n / value.count()).floor().cast(pl.Int64)
    return number.cast(pl.String).fill_null("unknown")


def _repurchased(due: pl.DataFrame, purchases: pl.DataFrame, as_of: datetime, days: int) -> pl.DataFrame:
    """Orders of known buyers whose horizon is over, with outcome 1 where another order followed within it."""
    horizon = timedelta(days=days)
    known = due.filter(pl.col("customer_id").is_not_null(), pl.col("promised_ts") + horizon <= as_of)
    later = (
        known.select("order_id", "customer_id", "promised_ts")
        .join(purchases.select("customer_id", "order_ts").drop_nulls(), on="customer_id")
        .filter(
            pl.col("order_ts") > pl.col("promised_ts"), pl.col("order_ts") <= pl.col("promised_ts") + horizon
        )
        .select("order_id")
        .unique()
        .with_columns(outcome=pl.lit(1.0))
    )
    return (
        known.join(later, on="order_id", how="left")
        .with_columns(pl.col("outcome").fill_null(0.0))
        .sort("order_id")
    )


def _compare(outcome: str, frame: pl.DataFrame, params: DelayEffectParams) -> list[dict[str, object]]:
    late = frame["is_late"].to_numpy()
    counts: dict[str, object] = {
        "outcome": outcome,
        "n_late": int(late.sum()),
        "n_on_time": int((~late).sum()),
        "caveat": CAVEAT,
    }
    if min(int(late.sum()), int((~late).sum())) < params.min_per_arm:
        nothing = {"n_cells": None, "n_not_comparable": None, **dict.fromkeys(_NUMBERS), "status": "too_few"}
        return [{**counts, **nothing, "method": method} for method in ("ipw", "naive", "stratified")]
    value = frame["outcome"].cast(pl.Float64).to_numpy()
    cell = frame.select(pl.struct(CONFOUNDERS).rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()
    everything = np.zeros(len(value), dtype=np.int64)
    results = {
        "naive": _stratified(value, late, everything),
        "stratified": _stratified(value, late, cell),
        "ipw": _weighted(value, late, frame, params.clip),
    }
    return [{**counts, **result, "method": method, "status": "ok"} for method, result in results.items()]


_NUMBERS = ("mean_late", "mean_on_time", "effect", "effect_low", "effect_high")


def _result(late: float, on_time: float, error: float) -> dict[str, object]:
    effect = late - on_time
    values: Sequence[float] = (late, on_time, effect, effect - _Z95 * error, effect + _Z95 * error)
    return dict(zip(_NUMBERS, (round(value, 9) for value in values), strict=True))


def _stratified(value: Floats, late: NDArray[np.bool_], cell: NDArray[np.int64]) -> dict[str, object]:
    """Means within cells that have both arms, weighted by the cells' orders; the others are counted, not guessed."""
    size = int(cell.max()) + 1
    n = [np.bincount(cell[arm], minlength=size).astype(np.float64) for arm in (late, ~late)]
    both = (n[0] > 0) & (n[1] > 0)
    weight = np.where(both, n[0] + n[1], 0.0)
    compared = float(weight.sum())
    if not compared:
        return {**dict.fromkeys(_NUMBERS), "n_cells": 0, "n_not_comparable": len(value)}
    weight /= compared
    means, variance = [], 0.0
    for arm, count in zip((late, ~late), n, strict=True):
        total = np.bincount(cell[arm], value[arm], minlength=size)
        mean = np.divide(total, count, out=np.zeros(size), where=count > 0)
        squares = np.bincount(cell[arm], (value[arm] - mean[cell[arm]]) ** 2, minlength=size)
        # One variance for all cells of an arm: a cell of one order has none of its own.
        freedom = max(float(count[both].sum() - both.sum()), 1.0)
        pooled = float(squares[both].sum()) / freedom
        variance += float((weight[both] ** 2 * pooled / count[both]).sum())
        means.append(float((weight * mean).sum()))
    numbers = _result(means[0], means[1], float(np.sqrt(variance)))
    return {**numbers, "n_cells": int(both.sum()), "n_not_comparable": len(value) - round(compared)}


def _weighted(value: Floats, late: NDArray[np.bool_], frame: pl.DataFrame, clip: float) -> dict[str, object]:
    """Hajek means with weights from a logistic regression of lateness; interval from the influence function."""
    from sklearn.linear_model import LogisticRegression

    dummies = frame.select(CONFOUNDERS).to_dummies()
    design = dummies.select(pl.col(sorted(dummies.columns)).cast(pl.Float64)).to_numpy()
    model = LogisticRegression(C=1.0, max_iter=1000, tol=1e-8).fit(design, late)
    chance = np.clip(model.predict_proba(design)[:, 1], clip, 1 - clip)
    means, influence = [], np.zeros(len(value))
    for sign, arm, weight in ((1.0, late, 1 / chance), (-1.0, ~late, 1 / (1 - chance))):
        weight = weight * arm  # noqa: PLW2901
        mean = float((weight * value).sum() / weight.sum())
        influence += sign * weight * (value - mean) / weight.mean()
        means.append(mean)
    error = float(np.sqrt((influence**2).sum()) / len(value))
    cells = frame.select(CONFOUNDERS).n_unique()
    extra: Mapping[str, object] = {"n_cells": cells, "n_not_comparable": 0}
    return {**_result(means[0], means[1], error), **extra}
