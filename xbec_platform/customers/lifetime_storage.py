"""The lifetime model of a day as one row: what was fitted, how well it is known, or why nothing was."""

from __future__ import annotations

import numpy as np
import polars as pl

from xbec_platform.customers.lifetime_value import LifetimeModel
from xbec_platform.customers.multistart import Optimum

PURCHASES, VALUES = ("r", "alpha_weeks", "a", "b"), ("p", "q", "gamma_base")
MODEL_SCHEMA = pl.Schema(
    {
        "method": pl.String,
        "reason": pl.String,
        "fitted_on": pl.Date,
        "n_customers": pl.Int64,
        "n_repeaters": pl.Int64,
        **{
            name: pl.Float64
            for parameter in (*PURCHASES, *VALUES)
            for name in (parameter, f"{parameter}_log_se")
        },
        "purchases_log_likelihood": pl.Float64,
        "purchases_starts_agreeing": pl.Int64,
        "values_log_likelihood": pl.Float64,
        "values_starts_agreeing": pl.Int64,
        "parameters_at_bound": pl.String,
        "frequency_value_correlation": pl.Float64,
        "margin_rate": pl.Float64,
        "is_margin_known": pl.Boolean,
    }
)


def lifetime_row(model: LifetimeModel) -> pl.DataFrame:
    """Return the model as one row of `MODEL_SCHEMA`, without `fitted_on`, which the caller knows."""
    row = {
        "method": model.method,
        "reason": model.reason or None,
        "n_customers": model.n_customers,
        "n_repeaters": model.n_repeaters,
        "frequency_value_correlation": model.correlation,
        "margin_rate": model.margin_rate,
        "is_margin_known": model.is_margin_known,
        "parameters_at_bound": ", ".join(
            [*_at_bound(model.purchases_fit, PURCHASES), *_at_bound(model.values_fit, VALUES)]
        )
        or None,
        **_fit_columns(model.purchases_fit, PURCHASES, "purchases"),
        **_fit_columns(model.values_fit, VALUES, "values"),
    }
    return pl.DataFrame(
        [{name: row.get(name) for name in MODEL_SCHEMA.names()}], schema=MODEL_SCHEMA, orient="row"
    )


def _fit_columns(fit: Optimum | None, names: tuple[str, ...], prefix: str) -> dict[str, float | int]:
    if fit is None:
        return {}
    values, errors = np.exp(fit.log_parameters), np.sqrt(np.diag(fit.covariance))
    return {
        **dict(zip(names, values.tolist(), strict=True)),
        **{f"{name}_log_se": float(error) for name, error in zip(names, errors, strict=True)},
        f"{prefix}_log_likelihood": fit.log_likelihood,
        f"{prefix}_starts_agreeing": fit.n_agreeing,
    }


def _at_bound(fit: Optimum | None, names: tuple[str, ...]) -> list[str]:
    return [names[i] for i in fit.at_bound] if fit is not None else []
