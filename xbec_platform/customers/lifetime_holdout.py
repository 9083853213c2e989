"""Did the predictions come true: fit on what was known some weeks ago, compare with what customers did since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from xbec_platform.customers.bgnbd import BgNbd, expected_purchases
from xbec_platform.customers.features import customers_in_order
from xbec_platform.customers.lifetime_value import LifetimeParams, fit_purchases
from xbec_platform.customers.repeat_purchases import DAYS_PER_WEEK, histories

LONGEST_DAYS, SHORTEST_DAYS = 91, 28
SHARE_OF_HISTORY = (
    3  # a third of the history is held out: with less before it, recency hardly differs from age
)

HOLDOUT_SCHEMA = pl.Schema(
    {
        "calibration_date": pl.Date,
        "holdout_days": pl.Int64,
        "n_customers": pl.Int64,
        "expected_order_days": pl.Float64,
        "actual_order_days": pl.Int64,
        "bias": pl.Float64,
        "correlation": pl.Float64,
        "mean_absolute_error": pl.Float64,
        "naive_mean_absolute_error": pl.Float64,
        "status": pl.String,
        "reason": pl.String,
    }
)


@dataclass(frozen=True, kw_only=True)
class Holdout:
    """How predictions of customers' order days compare with what came.

    Attributes:
        expected, actual: order days of all customers within the holdout.
        correlation: over customers; None where either does not vary.
        error, naive_error: mean absolute error per customer, and that of going on at one's own rate so far.
    """

    expected: float
    actual: int
    correlation: float | None
    error: float
    naive_error: float

    @property
    def bias(self) -> float | None:
        """Share by which predictions are too high; None without purchases."""
        return self.expected / self.actual - 1 if self.actual else None


def calibration_day(day: date, *, start: date) -> date | None:
    """Return the day whose customers a check on `day` fits: a third of the history before, 4 to 13 whole weeks.

    None while the home is too young for four weeks.
    """
    weeks = (day - start).days // SHARE_OF_HISTORY // 7
    held_out = min(7 * weeks, LONGEST_DAYS)
    return day - timedelta(days=held_out) if held_out >= SHORTEST_DAYS else None


def compare(expected: np.ndarray, actual: np.ndarray, naive: np.ndarray) -> Holdout:
    """Compare predictions with what came, customer by customer."""
    varies = len(actual) > 1 and expected.std() > 0 and actual.std() > 0
    return Holdout(
        expected=float(expected.sum()),
        actual=int(actual.sum()),
        correlation=float(np.corrcoef(expected, actual)[0, 1]) if varies else None,
        error=float(np.abs(expected - actual).mean()),
        naive_error=float(np.abs(naive - actual).mean()),
    )


def check_holdout(
    then: pl.DataFrame, now: pl.DataFrame, *, calibration: date, day: date, params: LifetimeParams
) -> pl.DataFrame:
    """Fit on the customers of the calibration day and compare with their order days since.

    Args:
        then: user database of the calibration day, with `repeat_purchases.COLUMNS`.
        now: user database of the end of the holdout: `customer_id`, `n_order_days`.
        calibration: day of `then`.
        day: day of `now`.
        params: settings.

    Returns:
        `HOLDOUT_SCHEMA`, one row; status `checked`, or `fallback` with the reason where no model could be fitted.
    """
    people = customers_in_order(then)
    every = histories(people)
    fit, reason = fit_purchases(every, params)
    if fit is None or reason:
        return not_checked(reason, "fallback", calibration=calibration, day=day, n_customers=people.height)
    weeks = (day - calibration).days / DAYS_PER_WEEK
    later = people.select("customer_id").join(
        now.select("customer_id", "n_order_days"), on="customer_id", how="left", maintain_order="left"
    )["n_order_days"]
    if later.null_count():
        raise ValueError(
            f"{later.null_count()} customers of {calibration} are missing later: build the days anew"
        )
    result = compare(
        expected_purchases(BgNbd.of_logs(fit.log_parameters), every, np.array([weeks]))[:, 0],
        (later - people["n_order_days"]).to_numpy(),
        every.x / np.maximum(every.T, 1.0) * weeks,
    )
    return _row(
        calibration,
        day,
        people.height,
        (result.expected, result.actual, result.bias, result.correlation, result.error, result.naive_error),
        "checked",
        None,
    )


def not_checked(
    reason: str, status: str, *, calibration: date | None, day: date, n_customers: int
) -> pl.DataFrame:
    """Return the row that says why nothing was compared."""
    return _row(calibration, day, n_customers, (None,) * 6, status, reason)


def _row(
    calibration: date | None,
    day: date,
    n_customers: int,
    figures: tuple[float | None, ...],
    status: str,
    reason: str | None,
) -> pl.DataFrame:
    days = (day - calibration).days if calibration else None
    row = (calibration, days, n_customers, *figures, status, reason)
    return pl.DataFrame([row], schema=HOLDOUT_SCHEMA, orient="row")
