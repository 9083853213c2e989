"""Customer lifetime value of a day: fit of the purchase and value models, scores of every customer, the way out.

Models themselves are `bgnbd` and `gamma_gamma`; whether the predictions came true is `lifetime_holdout`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xbec_platform.customers.bgnbd import BgNbd, expected_purchases, fit_bgnbd, p_alive
from xbec_platform.customers.features import customers_in_order
from xbec_platform.customers.gamma_gamma import GammaGamma, correlation, expected_value, fit_gamma_gamma
from xbec_platform.customers.multistart import MultistartParams, Optimum
from xbec_platform.customers.repeat_purchases import (
    DAYS_PER_WEEK,
    Histories,
    compressed,
    distinct_rows,
    histories,
    mean_values,
)
from xbec_platform.customers.segment_means import SegmentMeans, segment_means

Floats = NDArray[np.float64]
MONEY = pl.Decimal(18, 4)
MODEL, FALLBACK = "bgnbd_gamma_gamma", "fallback"
WEEKS_PER_YEAR = 365.25 / DAYS_PER_WEEK
LOG_STEP = 1e-4  # of slopes: they need two digits, not ten
TINY = 1e-300
Z_90 = 1.6448536269514722  # a normal value lies within so many standard deviations in 90 %
SMALLEST_Q = 1.05  # the mean of values goes with 1 / (q - 1): nearer to 1 nobody can know it

SCORE_SCHEMA = pl.Schema(
    [
        ("customer_id", pl.String),
        ("repeat_days", pl.Int64),
        ("p_alive", pl.Float64),
        ("expected_order_days_90d", pl.Float64),
        ("expected_order_days_90d_lo", pl.Float64),
        ("expected_order_days_90d_hi", pl.Float64),
        ("expected_value_base", MONEY),
        ("clv_12m_base", MONEY),
        ("clv_12m_base_lo", MONEY),
        ("clv_12m_base_hi", MONEY),
        ("activity", pl.String),
        ("method", pl.String),
        ("reason", pl.String),
    ]
)


@dataclass(frozen=True, kw_only=True)
class LifetimeParams:
    """Settings of the lifetime value.

    Attributes:
        search: of both fits.
        min_customers: with fewer, four parameters are noise: segment means.
        min_repeaters: with fewer customers with repeat purchases of known value, segment means.
        discount_per_year: at which later margins count less.
        step_weeks: purchases within a step are discounted to its middle.
        n_steps: 4 x 13 weeks: a year; 52 x 1 week give the same to .2 %.
        alive_from, lost_below: `p_alive` from which a customer counts as active, and below which as lost.
    """

    search: MultistartParams = field(default_factory=MultistartParams)
    min_customers: int = 200
    min_repeaters: int = 30
    discount_per_year: float = 0.10
    step_weeks: float = 13.0
    n_steps: int = 4
    alive_from: float = 0.7
    lost_below: float = 0.3

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if self.min_customers < 1 or self.min_repeaters < 2:
            raise ValueError("min_customers must be at least 1 and min_repeaters at least 2")
        if self.discount_per_year < 0 or not self.step_weeks > 0 or self.n_steps < 1:
            raise ValueError("discount_per_year must be at least 0, step_weeks above 0, n_steps at least 1")
        if not 0 <= self.lost_below <= self.alive_from <= 1:
            raise ValueError("0 <= lost_below <= alive_from <= 1 is needed")

    def discounts(self) -> Floats:
        """Factor of each step."""
        middles = (np.arange(self.n_steps) + 0.5) * self.step_weeks
        return np.asarray((1 + self.discount_per_year) ** (-middles / WEEKS_PER_YEAR), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class LifetimeModel:
    """Both fits, or why there are none.

    Attributes:
        n_customers: customers of the day of the fit.
        n_repeaters: those with repeat purchases of known value.
        purchases, purchases_fit: BG/NBD; None in the way out.
        values, values_fit: Gamma-Gamma; None in the way out.
        reason: why segment means serve; empty where the models do.
        margin_rate: what is left of a unit of value bought, after cost and returns; after returns only where no
            cost is known (`is_margin_known`).
        is_margin_known: some products have a unit cost.
        correlation: of number and mean value of repeat purchases; Gamma-Gamma takes it as 0.
        means: of the segments, for the way out.
    """

    n_customers: int
    n_repeaters: int
    purchases: BgNbd | None
    purchases_fit: Optimum | None
    values: GammaGamma | None
    values_fit: Optimum | None
    reason: str
    margin_rate: float
    is_margin_known: bool
    correlation: float | None
    means: SegmentMeans

    @property
    def method(self) -> str:
        """What the scores rest on."""
        return FALLBACK if self.reason else MODEL


def fit_lifetime(frame: pl.DataFrame, params: LifetimeParams) -> LifetimeModel:
    """Fit both models to the customers of a day.

    Args:
        frame: user database of one as-of day with `repeat_purchases.COLUMNS`, `gross_base`, `returns_base`,
            `costed_base`, `margin_base` and `segment` (null = none).
        params: settings.
    """
    people = customers_in_order(frame)
    every, value = histories(people), mean_values(people)
    repeats = (every.x > 0) & (value > 0)
    purchases_fit, reason = fit_purchases(every, params)
    values_fit, value_reason = _values(every.x[repeats], value[repeats], params)
    reason = "; ".join(part for part in (reason, value_reason) if part)
    margin_rate, is_known = _margin(people)
    return LifetimeModel(
        n_customers=people.height,
        n_repeaters=int(repeats.sum()),
        purchases=None if reason or purchases_fit is None else BgNbd.of_logs(purchases_fit.log_parameters),
        purchases_fit=purchases_fit,
        values=None if reason or values_fit is None else GammaGamma.of_logs(values_fit.log_parameters),
        values_fit=values_fit,
        reason=reason,
        margin_rate=margin_rate,
        is_margin_known=is_known,
        correlation=correlation(every.x[repeats], value[repeats]),
        means=segment_means(people),
    )


def score_lifetime(model: LifetimeModel, frame: pl.DataFrame, params: LifetimeParams) -> pl.DataFrame:
    """Return what to expect of each customer of a day.

    Intervals hold 90 % of the doubt about the expectation (delta method); what a single customer does varies more.

    Args:
        model: fitted on the same or an earlier day.
        frame: user database of the day, with the columns of `fit_lifetime`.
        params: settings.

    Returns:
        `SCORE_SCHEMA`, one row per customer, by `customer_id`. `method` is `fallback`, with a `reason`, where
        segment means serve: for everybody, or for customers whose repeat purchases have no value above 0.
    """
    people = customers_in_order(frame)
    every, value = histories(people), mean_values(people)
    has_no_value = (every.x > 0) & ~(value > 0)
    if model.purchases is None or model.values is None:
        scores = _by_segment(model, people, params).with_columns(reason=pl.lit(model.reason))
    else:
        of_segment = _by_segment(model, people, params)
        by_model = _by_model(model, every, value, params)
        reason = "repeat purchases have no value above 0: the segment's mean value"
        scores = by_model.with_columns(
            reason=pl.when(pl.Series(has_no_value)).then(pl.lit(reason)),
        ).with_columns(
            [
                pl.when(pl.col("reason").is_null()).then(pl.col(name)).otherwise(of_segment[name]).alias(name)
                for name in ("expected_value", "clv", "clv_lo", "clv_hi")
            ]
        )
    return (
        scores.with_columns(
            customer_id=people["customer_id"],
            repeat_days=pl.Series(every.x.astype(np.int64)),
            method=pl.when(pl.col("reason").is_null()).then(pl.lit(MODEL)).otherwise(pl.lit(FALLBACK)),
        )
        .with_columns(
            activity=_activity(params),
            expected_value_base=pl.col("expected_value").round(4).cast(MONEY),
            clv_12m_base=pl.col("clv").round(4).cast(MONEY),
            clv_12m_base_lo=pl.col("clv_lo").round(4).cast(MONEY),
            clv_12m_base_hi=pl.col("clv_hi").round(4).cast(MONEY),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in SCORE_SCHEMA.items())
    )


def fit_purchases(every: Histories, params: LifetimeParams) -> tuple[Optimum | None, str]:
    """Fit the purchase model; the second value says why it cannot serve and is empty where it can."""
    n = int(every.n_customers)
    if n < params.min_customers:
        return None, f"{n} customers, at least {params.min_customers} needed"
    if not every.x.any():
        return None, "nobody has bought on a second day"
    found = fit_bgnbd(every, params.search)
    return found, "" if found.is_converged else "the purchase model did not converge from any start"


def _values(x: Floats, value: Floats, params: LifetimeParams) -> tuple[Optimum | None, str]:
    if len(x) < params.min_repeaters:
        return None, (
            f"{len(x)} customers with repeat purchases of known value, at least {params.min_repeaters} needed"
        )
    found = fit_gamma_gamma(x, value, params.search)
    if not found.is_converged:
        return found, "the value model did not converge from any start"
    q = GammaGamma.of_logs(found.log_parameters).q
    if q < SMALLEST_Q:
        return found, f"values are too uneven for a mean: q = {q:.2f} of the value model, {SMALLEST_Q} needed"
    return found, ""


def _margin(people: pl.DataFrame) -> tuple[float, bool]:
    sums = people.select(
        pl.col("gross_base", "returns_base", "costed_base", "margin_base").sum().cast(pl.Float64)
    ).row(0)
    gross, returns, costed, margin = sums
    kept = 1 - returns / gross if gross > 0 else 1.0
    return (kept * margin / costed, True) if costed > 0 else (kept, False)


def _by_model(model: LifetimeModel, every: Histories, value: Floats, params: LifetimeParams) -> pl.DataFrame:
    # One score per distinct history of purchases; only the mean value is each customer's own.
    assert model.purchases is not None and model.purchases_fit is not None  # noqa: S101, PT018 - narrows the type
    assert model.values is not None and model.values_fit is not None  # noqa: S101, PT018
    few, place = compressed(every), distinct_rows(every.x, every.t_x, every.T)[1]
    weeks = np.array([90 / DAYS_PER_WEEK, *(np.arange(1, params.n_steps + 1) * params.step_weeks)])

    def purchases(theta: Floats) -> Floats:
        """Two columns: order days within 90 days, discounted order days within all steps."""
        expected = expected_purchases(BgNbd.of_logs(theta), few, weeks)
        steps = np.diff(expected[:, 1:], axis=1, prepend=0.0)
        return np.column_stack([expected[:, 0], steps @ params.discounts()])

    def worth(theta: Floats) -> Floats:
        return expected_value(GammaGamma.of_logs(theta), every.x, value)[:, None]

    expected, doubt = _with_doubt(purchases, model.purchases_fit)
    amount, amount_doubt = _with_doubt(worth, model.values_fit)
    clv = expected[place, 1] * amount[:, 0] * model.margin_rate
    spread = np.exp(Z_90 * np.sqrt(doubt[place, 1] + amount_doubt[:, 0]))
    near, far = clv / spread, clv * spread
    times = np.exp(Z_90 * np.sqrt(doubt[place, 0]))
    return pl.DataFrame(
        {
            "p_alive": p_alive(model.purchases, few)[place],
            "expected_order_days_90d": expected[place, 0],
            "expected_order_days_90d_lo": expected[place, 0] / times,
            "expected_order_days_90d_hi": expected[place, 0] * times,
            "expected_value": amount[:, 0],
            "clv": clv,
            "clv_lo": np.minimum(near, far),
            "clv_hi": np.maximum(near, far),
        }
    )


def _with_doubt(function: Callable[[Floats], Floats], fit: Optimum) -> tuple[Floats, Floats]:
    """Values of a positive function at the optimum and the variances of their logarithms (delta method)."""
    at = fit.log_parameters
    middle = function(at)
    logs = np.log(np.maximum(middle, TINY))
    slopes = []
    for i in range(len(at)):
        step = np.zeros(len(at))
        step[i] = LOG_STEP
        slopes.append((np.log(np.maximum(function(at + step), TINY)) - logs) / LOG_STEP)
    gradient = np.stack(slopes)
    variance = np.einsum("i...,ij,j...->...", gradient, fit.covariance, gradient)
    return middle, np.minimum(np.maximum(variance, 0.0), 100.0)


def _by_segment(model: LifetimeModel, people: pl.DataFrame, params: LifetimeParams) -> pl.DataFrame:
    rates, values = model.means.of(people)
    discounted = rates * params.step_weeks * params.discounts().sum()
    unknown = pl.lit(None, dtype=pl.Float64)
    return pl.DataFrame(
        {
            "expected_order_days_90d": rates * 90 / DAYS_PER_WEEK,
            "expected_value": values,
            "clv": discounted * values * model.margin_rate,
        }
    ).with_columns(
        p_alive=unknown,
        expected_order_days_90d_lo=unknown,
        expected_order_days_90d_hi=unknown,
        clv_lo=unknown,
        clv_hi=unknown,
    )


def _activity(params: LifetimeParams) -> pl.Expr:
    alive = pl.col("p_alive")
    return (
        pl.when(alive.is_null())
        .then(pl.lit("unknown"))
        .when(pl.col("repeat_days") == 0)
        .then(pl.lit("no_repeat_yet"))
        .when(alive >= params.alive_from)
        .then(pl.lit("active"))
        .when(alive >= params.lost_below)
        .then(pl.lit("at_risk"))
        .otherwise(pl.lit("likely_lost"))
    )
