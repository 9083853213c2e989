"""Tables of conversion: every deposit of the pre-sales that run, the model of the day, and how it was right before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from xbec_platform.logistics.assignment_schema import conform
from xbec_platform.logistics.presale_conversion import (
    ConversionModel,
    ConversionParams,
    calibration_error,
    fit_conversion,
    remaining_probability,
)
from xbec_platform.logistics.presale_features import deposit_facts, with_features

BINS = 10
JUDGED_WINDOWS = 3

SCORE_SCHEMA = pl.Schema(
    {
        "order_id": pl.String(),
        "presale_id": pl.String(),
        "product_id": pl.String(),
        "zone": pl.String(),
        "qty": pl.Int64(),
        "deposit_ts": pl.Datetime("us"),
        "balance_open_ts": pl.Datetime("us"),
        "balance_close_ts": pl.Datetime("us"),
        "state": pl.String(),
        "p_at_deposit": pl.Float64(),
        "p_balance": pl.Float64(),
        "method": pl.String(),
    }
)
"""Grain: order. state: waiting (balance window not open), open, paid, unpaid, cancelled. p_at_deposit: from what was
known at the deposit; p_balance: with what is known now, 1 for paid and 0 for unpaid and cancelled ones."""

MODEL_SCHEMA = pl.Schema(
    {
        "method": pl.String(),
        "n_train": pl.Int64(),
        "share_paid": pl.Float64(),
        "log_loss": pl.Float64(),
        "base_log_loss": pl.Float64(),
        "n_running": pl.Int64(),
        "expected_paid": pl.Float64(),
    }
)
"""One row per day: the model that scored it; log losses on blocks of time it had not seen."""

CALIBRATION_SCHEMA = pl.Schema(
    {
        "balance_open_date": pl.Date(),
        "bin": pl.Int64(),
        "n_deposits": pl.Int64(),
        "predicted": pl.Float64(),
        "observed": pl.Float64(),
        "method": pl.String(),
        "n_train": pl.Int64(),
        "calibration_error": pl.Float64(),
    }
)
"""Grain: balance window x bin of predicted probability, of the last windows that closed. Predicted by a model of what
had closed before the window's first deposit. calibration_error is that of the whole window."""


@dataclass(frozen=True, kw_only=True)
class PresaleScores:
    """Tables of a day: SCORE_SCHEMA, MODEL_SCHEMA, CALIBRATION_SCHEMA."""

    scores: pl.DataFrame
    model: pl.DataFrame
    calibration: pl.DataFrame


def score_presales(
    deposits: pl.DataFrame, *, now: datetime, params: ConversionParams | None = None
) -> PresaleScores:
    """Score the deposits of all pre-sales whose balance window had not closed a day before `now`.

    Args:
        deposits: DEPOSIT_FACTS known at `now`, any order.
        now: End of the as-of day, UTC without zone.
        params: Settings of the model.
    """
    facts = deposit_facts(deposits).filter(pl.col("deposit_ts") < now)
    model = fit_conversion(facts, now=now, params=params)
    running = with_features(facts).filter(pl.col("balance_close_ts") >= now - timedelta(days=1))
    scores = _scores(running, model, now)
    row = {
        "method": model.method,
        "n_train": model.n_train,
        "share_paid": model.share_paid,
        "log_loss": model.log_loss,
        "base_log_loss": model.base_log_loss,
        "n_running": scores.height,
        "expected_paid": float(scores["p_balance"].sum()),
    }
    return PresaleScores(
        scores=scores,
        model=pl.DataFrame([row], schema=MODEL_SCHEMA),
        calibration=_calibration(facts, now, params),
    )


def _scores(running: pl.DataFrame, model: ConversionModel, now: datetime) -> pl.DataFrame:
    at_deposit = np.round(model.predict(running), 9)
    window = (pl.col("balance_close_ts") - pl.col("balance_open_ts")).dt.total_seconds().clip(1)
    elapsed = running.select(
        ((pl.lit(now) - pl.col("balance_open_ts")).dt.total_seconds() / window).clip(0, 1)
    ).to_series()
    later = np.round(remaining_probability(at_deposit, elapsed.to_numpy(), model.waits), 9)
    state = (
        pl.when(pl.col("balance_ts") < now)
        .then(pl.lit("paid"))
        .when(pl.col("cancelled_ts") < now)
        .then(pl.lit("cancelled"))
        .when(pl.col("balance_close_ts") < now)
        .then(pl.lit("unpaid"))
        .when(pl.col("balance_open_ts") <= now)
        .then(pl.lit("open"))
        .otherwise(pl.lit("waiting"))
    )
    return (
        running.with_columns(state=state, p_at_deposit=pl.Series(at_deposit), later=pl.Series(later))
        .with_columns(
            p_balance=pl.when(pl.col("state") == "paid")
            .then(1.0)
            .when(pl.col("state").is_in(["unpaid", "cancelled"]))
            .then(0.0)
            .otherwise("later"),
            method=pl.lit(model.method),
        )
        .pipe(conform, SCORE_SCHEMA)
        .sort("order_id")
    )


def _calibration(facts: pl.DataFrame, now: datetime, params: ConversionParams | None) -> pl.DataFrame:
    """The last windows, each predicted by what had closed before it."""
    closed = facts.filter(pl.col("balance_close_ts") < now)
    windows = sorted(closed["balance_open_ts"].unique())[-JUDGED_WINDOWS:]
    rows: list[dict[str, object]] = []
    for opened in windows:
        judged = closed.filter(pl.col("balance_open_ts") == opened)
        before = judged["deposit_ts"].min()
        if not isinstance(before, datetime):
            continue
        known = facts.filter(pl.col("deposit_ts") < before)
        model = fit_conversion(known, now=before, params=params)
        features = with_features(facts).filter(pl.col("order_id").is_in(judged["order_id"].implode()))
        predicted = model.predict(features)
        outcome = features["balance_ts"].is_not_null().to_numpy().astype(np.float64)
        error = calibration_error(predicted, outcome, BINS)
        order = np.argsort(predicted, kind="stable")
        for number, part in enumerate(np.array_split(order, BINS), start=1):
            if len(part):
                rows.append(
                    {
                        "balance_open_date": opened.date(),
                        "bin": number,
                        "n_deposits": len(part),
                        "predicted": round(float(predicted[part].mean()), 9),
                        "observed": round(float(outcome[part].mean()), 9),
                        "method": model.method,
                        "n_train": model.n_train,
                        "calibration_error": round(error, 9),
                    }
                )
    return pl.DataFrame(rows, schema=CALIBRATION_SCHEMA)
