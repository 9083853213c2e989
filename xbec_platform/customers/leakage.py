"""Features that know the outcome: found by what they can do, not by their names.

A table of features and an outcome in, a verdict on every feature out. What the features are for is not asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

VERDICT_SCHEMA = pl.Schema({"feature": pl.String, "auc_alone": pl.Float64, "is_leak": pl.Boolean})
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class LeakParams:
    """Settings of the search.

    Attributes:
        least_auc: what a feature must reach alone. Where little can be known, one honest habit (recency, .62 on the
            generated world) is often better than the noise of all others (.58).
        margin: by how much it must beat all others together (AUC).
        most_leaks: features that may be leaks at once, each hiding the other from "all others".
        n_folds: folds of the cross-validation.
        seed: of folds and models.
    """

    least_auc: float = 0.75
    margin: float = 0.05
    most_leaks: int = 3
    n_folds: int = 5
    seed: int = 2024

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if not 0.5 <= self.least_auc < 1:
            raise ValueError(f"least_auc is {self.least_auc}: give an AUC from .5 to below 1")
        if not 0 <= self.margin < 0.5:
            raise ValueError(f"margin is {self.margin}: give a difference of AUCs from 0 to below .5")
        if self.most_leaks < 1 or self.n_folds < 2:
            raise ValueError("give at least 1 leak and 2 folds")


@dataclass(frozen=True, kw_only=True)
class LeakReport:
    """What the features know.

    Attributes:
        verdicts: `VERDICT_SCHEMA`, the feature that ranks the outcome best alone first. `auc_alone` is of the feature's
            own values, from .5.
        auc: of all features together, cross-validated.
        auc_without_leaks: of those that are no leaks; equal to `auc` where there is none.
    """

    verdicts: pl.DataFrame
    auc: float
    auc_without_leaks: float

    @property
    def leaks(self) -> list[str]:
        """The features to take out, or to look into: when is their value known?"""
        return self.verdicts.filter("is_leak")["feature"].to_list()


def find_leaks(
    features: pl.DataFrame, outcome: Sequence[bool] | pl.Series, params: LeakParams | None = None
) -> LeakReport:
    """Flag features that rank the outcome better alone than all other features together.

    An honest habit says a part of what all habits say. A value that is written when the outcome happens (the value of
    pages that led to a sale, a counter of orders) says more than everything else: on the public data of online
    shoppers PageValues has an AUC of .86 alone, the sixteen others .78 together. Leaks hide each other, so the best
    one, two and three are compared with the rest. Method: gradient boosting by histograms, stratified folds. When a
    value was known a table does not say (Kaufman et al. 2012, Leakage in data mining): a flag asks a person.

    Args:
        features: one row per case; numbers, booleans or text (categories); nulls are values of their own.
        outcome: whether it happened, one per row.
        params: settings.

    Raises:
        ValueError: the outcome is missing somewhere, or has fewer cases of one kind than there are folds.
    """
    given = params or LeakParams()
    happened = _outcome(outcome, features.height, given)
    numbers = _numbers(features)
    alone = {name: _ranked(column, happened) for name, column in numbers.items()}
    order = sorted(alone, key=lambda name: (-alone[name], name))
    auc = _joint(numbers, order, happened, given)
    n_leaks, clean = 0, auc
    for n in range(1, min(given.most_leaks, len(order) - 1) + 1):
        rest = _joint(numbers, order[n:], happened, given)
        if alone[order[n - 1]] > max(rest + given.margin, given.least_auc):
            n_leaks, clean = n, rest
    return LeakReport(
        verdicts=pl.DataFrame(
            {
                "feature": order,
                "auc_alone": [round(alone[name], 6) for name in order],
                "is_leak": [place < n_leaks for place in range(len(order))],
            },
            schema=VERDICT_SCHEMA,
        ),
        auc=round(auc, 6),
        auc_without_leaks=round(clean, 6),
    )


def _outcome(outcome: Sequence[bool] | pl.Series, height: int, params: LeakParams) -> NDArray[np.bool_]:
    series = pl.Series(outcome).cast(pl.Boolean)
    if series.len() != height:
        raise ValueError(f"{series.len()} outcomes for {height} rows: give one each")
    if series.null_count():
        raise ValueError(f"{series.null_count()} rows have no outcome: leave them out")
    happened = series.to_numpy()
    if min(happened.sum(), (~happened).sum()) < params.n_folds:
        raise ValueError(f"the outcome happened {happened.sum()} times in {height}: too few to learn from")
    return np.asarray(happened)


def _numbers(features: pl.DataFrame) -> dict[str, FloatArray]:
    """Columns as floats; text by the order of its values, nulls as NaN."""
    found = {}
    for name, dtype in features.schema.items():
        column = features[name]
        if not (dtype.is_numeric() or dtype == pl.Boolean):
            column = column.cast(pl.String).rank("dense")
        found[name] = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return found


def _ranked(values: FloatArray, happened: NDArray[np.bool_]) -> float:
    """AUC of one feature, whichever way it points; missing values lie below all others."""
    from sklearn.metrics import roc_auc_score

    known = np.where(np.isnan(values), -np.inf, values)
    auc = float(roc_auc_score(happened, np.unique(known, return_inverse=True)[1]))
    return max(auc, 1 - auc)


def _joint(
    numbers: dict[str, FloatArray], names: Sequence[str], happened: NDArray[np.bool_], params: LeakParams
) -> float:
    """Cross-validated AUC of a model of some features."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    if not names:
        return 0.5
    points = np.column_stack([numbers[name] for name in sorted(names)])
    engine = HistGradientBoostingClassifier(
        max_iter=100, learning_rate=0.05, max_leaf_nodes=15, random_state=params.seed
    )
    folds = StratifiedKFold(params.n_folds, shuffle=True, random_state=params.seed)
    with threadpool_limits(limits=1):
        chances = cross_val_predict(engine, points, happened, cv=folds, method="predict_proba")
    return float(roc_auc_score(happened, chances[:, 1]))
