"""Recent popularity of products in each market; personal scores and the filling of lists live elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbec_platform.recommendations.interactions import History, decay


@dataclass(frozen=True, kw_only=True)
class PopularityParams:
    """Settings of popularity.

    Attributes:
        half_life_days: age at which a buyer counts half.
        prior_buyers: buyers of the all-market mix added to each market (Dirichlet prior); a market without
            orders is ranked as all markets together.
    """

    half_life_days: float = 14.0
    prior_buyers: float = 20.0

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if not self.half_life_days > 0 or not self.prior_buyers > 0:
            raise ValueError("half_life_days and prior_buyers of popularity must be above 0")


def market_popularity(history: History, markets: list[str], params: PopularityParams) -> NDArray[np.float64]:
    """Return shares of decayed buyers, markets x products; each row sums to 1, or to 0 without any purchase.

    A customer counts once per market and product, by the latest order, so that one wholesaler is one buyer.

    Args:
        history: purchases by code.
        markets: rows wanted; markets without orders are allowed.
        params: settings.

    Returns:
        float64, len(markets) x n_products.
    """
    orders = history.orders
    n_pairs = history.n_customers * history.n_products
    key = orders["market_ix"].to_numpy() * n_pairs + orders["pair_ix"].to_numpy()
    order = np.argsort(key, kind="stable")  # orders are sorted by age within a pair: the first is the latest
    latest = order[np.flatnonzero(np.diff(key[order], prepend=key.min(initial=0) - 1))]
    product = orders["product_ix"].to_numpy()[latest]
    weight = decay(orders["age_days"].to_numpy()[latest], params.half_life_days)
    overall = np.bincount(product, weights=weight, minlength=history.n_products)
    overall = overall / overall.sum() if len(product) else overall
    wanted = np.array([markets.index(name) if name in markets else -1 for name in [*history.markets, None]])
    row = wanted[orders["market_ix"].to_numpy()[latest]]  # NO_MARKET reads the last entry, which is -1
    cell = row[row >= 0] * history.n_products + product[row >= 0]
    sums = np.bincount(cell, weights=weight[row >= 0], minlength=len(markets) * history.n_products)
    buyers = sums.reshape(len(markets), history.n_products)
    totals = buyers.sum(axis=1, keepdims=True)
    shares: NDArray[np.float64] = (buyers + params.prior_buyers * overall) / (totals + params.prior_buyers)
    return shares
