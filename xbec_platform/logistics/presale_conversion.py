"""Probability that the balance of a pre-sale is paid (F22): fitted on what has closed, calibrated, judged later.

Logistic regression on what was known at the deposit; its probabilities are calibrated on blocks of time that the fit
had not seen (beta calibration: Kull, Silva Filho & Flach 2017). Where that is no better than the mean share, or there
is too little to fit, the share itself serves, and `method` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from xbec_platform.logistics.presale_features import Floats, frequent_values, matrix, with_features

PRIOR, BASE_RATE, LOGISTIC = "prior", "base_rate", "logistic_beta"
_CLIP = 1e-4


@dataclass(frozen=True, kw_only=True)
class ConversionParams:
    """Settings.

    Attributes:
        min_deposits: Closed deposits below which only the prior and their share are used.
        prior_share: Assumed share of balances paid; no public log of deposits exists to take it from.
        prior_weight: Deposits the assumption counts for.
        blocks: Blocks of time that are predicted by a fit on the others.
        penalty: Inverse strength of the ridge on standardised features.
    """

    min_deposits: int = 100
    prior_share: float = 0.75
    prior_weight: float = 10.0
    blocks: int = 5
    penalty: float = 1.0

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if self.min_deposits < 10 or self.blocks < 2:
            raise ValueError("min_deposits must be at least 10 and blocks at least 2")
        if not 0 < self.prior_share < 1 or self.prior_weight <= 0 or self.penalty <= 0:
            raise ValueError("prior_share must lie between 0 and 1, prior_weight and penalty above 0")


@dataclass(frozen=True, kw_only=True)
class ConversionModel:
    """A fitted model.

    Attributes:
        method: `PRIOR`, `BASE_RATE` or `LOGISTIC`.
        predict: Rows with features -> probabilities, as of the deposit.
        n_train: Closed deposits it was fitted on.
        share_paid: Of them.
        log_loss: Of unseen blocks; None where nothing was fitted.
        base_log_loss: Of the share alone on the same blocks.
        waits: Sorted parts of the balance window after which balances were paid.
    """

    method: str
    predict: Callable[[pl.DataFrame], Floats]
    n_train: int
    share_paid: float
    log_loss: float | None
    base_log_loss: float | None
    waits: Floats


def fit_conversion(
    facts: pl.DataFrame, *, now: datetime, params: ConversionParams | None = None
) -> ConversionModel:
    """Fit on the deposits whose balance window closed before `now`; those still open would only show who paid early.

    Args:
        facts: DEPOSIT_FACTS, as `deposit_facts` returns them.
        now: UTC, without zone; nothing later is looked at.
        params: Settings.
    """
    params = params or ConversionParams()
    closed = facts.filter(pl.col("balance_close_ts") < now).sort("deposit_ts", "order_id")
    paid = (closed["balance_ts"].is_not_null() & (closed["balance_ts"] < now).fill_null(False)).to_numpy()
    outcome = paid.astype(np.float64)
    n = len(outcome)
    share = float((outcome.sum() + params.prior_share * params.prior_weight) / (n + params.prior_weight))
    waits = _waits(closed.filter(pl.Series(paid)))
    if n < params.min_deposits or min(outcome.sum(), n - outcome.sum()) < params.min_deposits / 10:
        method = PRIOR if n < params.min_deposits else BASE_RATE
        return ConversionModel(
            method=method,
            predict=lambda rows: np.full(rows.height, share),
            n_train=n,
            share_paid=float(outcome.mean()) if n else 0.0,
            log_loss=None,
            base_log_loss=None,
            waits=waits,
        )
    rows = with_features(closed)
    known = frequent_values(rows)
    x = matrix(rows, known)
    unseen, base = np.empty(n), np.empty(n)
    for block in np.array_split(np.arange(n), params.blocks):
        rest = np.setdiff1d(np.arange(n), block)
        unseen[block] = _logistic(x[rest], outcome[rest], params.penalty)(x[block])
        base[block] = outcome[rest].mean()
    calibrate = _beta_calibration(unseen, outcome)
    ours, theirs = _log_loss(calibrate(unseen), outcome), _log_loss(np.clip(base, _CLIP, 1 - _CLIP), outcome)
    whole = _logistic(x, outcome, params.penalty)

    def predict(new: pl.DataFrame) -> Floats:
        return calibrate(whole(matrix(with_features_of(new), known))) if new.height else np.zeros(0)

    # The three numbers of the calibration saw these outcomes: so much of the gain is theirs alone (Akaike 1974).
    is_better = ours + 3 / n < theirs
    return ConversionModel(
        method=LOGISTIC if is_better else BASE_RATE,
        predict=predict if is_better else (lambda new: np.full(new.height, share)),
        n_train=n,
        share_paid=float(outcome.mean()),
        log_loss=ours,
        base_log_loss=theirs,
        waits=waits,
    )


def with_features_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows that have their features already, or get them."""
    return rows if "log_price" in rows.columns else with_features(rows)


def remaining_probability(probability: Floats, elapsed: Floats, waits: Floats) -> Floats:
    """Probability that a balance is still paid, of orders unpaid after a part of the window.

    By Bayes: p (1 - F) / (1 - p F), with F the share of payers who had paid by then.

    Args:
        probability: As of the deposit.
        elapsed: Part of the balance window that is over, in [0, 1]; 0 before it opens.
        waits: Of the model; without any, payments are taken to spread evenly.
    """
    paid_by_now = np.searchsorted(waits, elapsed, side="right") / len(waits) if len(waits) else elapsed
    paid_by_now = np.where(elapsed >= 1, 1.0, np.where(elapsed <= 0, 0.0, paid_by_now))
    left = 1 - probability * paid_by_now
    return np.asarray(
        np.divide(probability * (1 - paid_by_now), left, out=np.zeros_like(left), where=left > 0)
    )


def calibration_error(probability: Floats, outcome: Floats, bins: int = 10) -> float:
    """Expected calibration error: mean distance of predicted and observed share over bins of equal size."""
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [abs(probability[part].mean() - outcome[part].mean()) * len(part) for part in parts]
    return float(sum(gaps) / len(order)) if len(order) else 0.0


def _waits(paid: pl.DataFrame) -> Floats:
    window = (pl.col("balance_close_ts") - pl.col("balance_open_ts")).dt.total_seconds()
    part = (pl.col("balance_ts") - pl.col("balance_open_ts")).dt.total_seconds() / window
    return np.sort(paid.filter(window > 0).select(part.clip(0, 1)).to_series().to_numpy())


def _logistic(x: Floats, outcome: Floats, penalty: float) -> Callable[[Floats], Floats]:
    from sklearn.linear_model import LogisticRegression

    middle, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    model = LogisticRegression(C=penalty, max_iter=500, tol=1e-8).fit((x - middle) / spread, outcome)
    return lambda new: np.asarray(model.predict_proba((new - middle) / spread)[:, 1])


def _beta_calibration(probability: Floats, outcome: Floats) -> Callable[[Floats], Floats]:
    """Regress the outcome on ln p and -ln(1 - p); where one of them would turn the order round, on their sum."""
    from sklearn.linear_model import LogisticRegression

    def terms(p: Floats) -> Floats:
        p = np.clip(p, _CLIP, 1 - _CLIP)
        return np.column_stack([np.log(p), -np.log1p(-p)])

    model = LogisticRegression(C=1e4, max_iter=500, tol=1e-8).fit(terms(probability), outcome)
    if (model.coef_ >= 0).all():
        return lambda p: np.asarray(model.predict_proba(terms(p))[:, 1])
    platt = LogisticRegression(C=1e4, max_iter=500, tol=1e-8).fit(
        terms(probability).sum(axis=1)[:, None], outcome
    )
    return lambda p: np.asarray(platt.predict_proba(terms(p).sum(axis=1)[:, None])[:, 1])


def _log_loss(probability: Floats, outcome: Floats) -> float:
    p = np.clip(probability, _CLIP, 1 - _CLIP)
    return float(-(outcome * np.log(p) + (1 - outcome) * np.log(1 - p)).mean())
