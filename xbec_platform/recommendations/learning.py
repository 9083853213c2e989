"""How much signals and each generator count, by what would have been best in two weeks; no list is published here."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xbec_platform.recommendations.blend import BlendParams, can_blend
from xbec_platform.recommendations.discover import DiscoverParams, Ready
from xbec_platform.recommendations.ease import ItemModel
from xbec_platform.recommendations.evaluation import Trial, targets_of
from xbec_platform.recommendations.top_columns import top_columns

SCALES = (0.0, 0.5, 1.0)
DISCOUNTS = (0.2, 0.5)
LEARNING_DAYS = 14
MIN_CUSTOMERS = 50
MOST_CUSTOMERS = 1_000  # tell two blends apart by a percent or two; 3,000 products of each cost .4 CPU s
MOST_CELLS = 20_000_000  # customers x products scored at a time: 80 MB each
K = 10
CAUTION = 1.0
"""Standard errors that a step must gain beyond 0: without them a window of 500 customers taught Online Retail steps
that lost 1 to 2 % in two of five later windows; with one, none lost."""

PLAIN = BlendParams()
ALONE = (
    *(BlendParams(ease=0, neighbours=1, discount=discount) for discount in DISCOUNTS),
    BlendParams(ease=0, attributes=1),
    BlendParams(popularity=10),
)
STEPS: tuple[tuple[dict[str, float], ...], ...] = (
    tuple({"neighbours": weight, "discount": discount} for discount in DISCOUNTS for weight in (0.5, 1.5)),
    ({"attributes": 0.2}, {"attributes": 0.5}, {"attributes": 1.0}),
    ({"popularity": 0.1}, {"popularity": 0.3}),
)


def learn(
    interactions: pl.DataFrame,
    signals: pl.DataFrame | None,
    attributes: pl.DataFrame | None,
    *,
    as_of: date,
    params: DiscoverParams | None = None,
    scales: tuple[float, ...] = SCALES,
) -> DiscoverParams:
    """Choose how much signals count beside purchases and each generator beside EASE, on the last two weeks.

    Neighbours, attributes and popularity are added to EASE one after the other, each with the weight that is best
    beside what is already there, if the gain is no chance. A generator that is better alone stands
    alone: what is chosen is no worse than any of them.

    Args:
        interactions: as for `discover.discover`.
        signals: as for `discover.discover`.
        attributes: as for `discover.discover`.
        as_of: last known day; lists are made as of 14 days before and judged by what was bought since.
        params: other settings.
        scales: candidates of the scale of signals.

    Returns:
        `params` with the scale and the blend of highest nDCG@10, the smaller scale of equals; unchanged where fewer
        than 50 customers bought something new in the window.
    """
    params = params or DiscoverParams()
    trial = Trial(
        interactions, test_end=as_of, test_days=LEARNING_DAYS, signals=signals, attributes=attributes
    )
    targets = targets_of(trial.split, "explore")
    if targets["customer_id"].n_unique() < MIN_CUSTOMERS:
        return params
    found = []
    for scale in scales if signals is not None else (params.signals.scale,):
        tried = replace(params, signals=replace(params.signals, scale=scale))
        judged = Judged(trial.ready(tried, with_signals=signals is not None), targets)
        blend, ndcg = judged.best()
        found.append((-ndcg, scale, replace(tried, blend=blend)))
    return min(found, key=lambda one: one[:2])[2]


class Judged:
    """nDCG@10 of any blend of one fit on customers who bought something new."""

    def __init__(self, made: Ready, targets: pl.DataFrame) -> None:
        """Score customers by each generator.

        Args:
            made: fitted before the window.
            targets: customer_id, product_id; at most `MOST_CUSTOMERS` of the customers are looked at, evenly by id;
                fewer of large catalogues.
        """
        audience, model = made.audience, made.generators.model
        ids = targets["customer_id"].unique().sort()
        ids = ids.filter(ids.is_in(audience.customer_ids.implode()))
        most = max(1, min(MOST_CUSTOMERS, MOST_CELLS // max(1, len(model.columns))))
        ids = ids.gather_every(max(1, -(-len(ids) // most)))
        self._made, self._model = made, model
        self._rows = audience.customer_ids.search_sorted(ids).to_numpy().astype(np.int64)
        wanted = targets.filter(pl.col("customer_id").is_in(ids.implode())).sort("customer_id")
        n_targets = wanted.group_by("customer_id", maintain_order=True).len()["len"].to_numpy()
        self._ideal = np.cumsum(1 / np.log2(np.arange(2, K + 2)))[
            np.minimum(n_targets, K).astype(np.int64) - 1
        ]
        known = wanted.filter(pl.col("product_id").is_in(audience.history.product_ids.implode()))
        product = known["product_id"].cast(pl.Enum(audience.history.product_ids)).to_physical().to_numpy()
        place = ids.search_sorted(known["customer_id"]).to_numpy().astype(np.int64)
        self._wanted = place * audience.history.n_products + product
        self._parts: dict[tuple[str, float], NDArray[np.float32]] = {}

    def _part(self, name: str, blend: BlendParams) -> NDArray[np.float32]:
        """Scores of one generator, made once."""
        key = (name, blend.discount if name == "neighbours" else 0.0)
        if key not in self._parts:
            only = replace(
                blend, **{other: float(other == name) for other in ("ease", "neighbours", "attributes")}
            )
            model = self._model
            parts = self._made.generators.parts(replace(only, popularity=0.0))
            for _, part in parts if can_blend(model) else ():
                model = ItemModel(self._model.columns, self._model.columns, part)
            self._parts[key] = self._made.scores(self._rows, model)
        return self._parts[key]

    def ndcg(self, blend: BlendParams) -> NDArray[np.float64]:
        """Of each customer, by id; the fill of short lists is left out."""
        scores = np.zeros((len(self._rows), len(self._model.columns)), dtype=np.float32)
        for name in ("ease", "neighbours", "attributes"):
            if weight := getattr(blend, name):
                scores += np.float32(weight) * self._part(name, blend)
        if blend.popularity:
            self._made.add_popularity(scores, self._rows, self._model, blend.popularity)
        row, column, _ = top_columns(scores, K)
        keys = row * self._made.audience.history.n_products + self._model.columns[column]
        rank = np.arange(len(row)) - np.searchsorted(row, row)
        gain = np.isin(keys, self._wanted) / np.log2(rank + 2)
        of_customers: NDArray[np.float64] = np.bincount(row, gain, minlength=len(self._rows)) / self._ideal
        return of_customers

    def best(self) -> tuple[BlendParams, float]:
        """The best blend found, and its mean nDCG@10 to nine digits."""
        has_attributes = self._made.generators.vectors is not None
        chosen, found = PLAIN, self.ndcg(PLAIN)
        may_blend = can_blend(self._model)
        for step in STEPS if may_blend else ():
            tried = [
                replace(chosen, **change) for change in step if has_attributes or "attributes" not in change
            ]
            scored = [(one, self.ndcg(one)) for one in tried]
            better = max(scored, key=lambda pair: _mean(pair[1]), default=(chosen, found))
            if _gain(better[1] - found) > 0:
                chosen, found = better
        best, value = chosen, _mean(found)
        for one in ALONE if may_blend else ():
            if has_attributes or not one.attributes:
                alone = _mean(self.ndcg(one))
                best, value = (one, alone) if alone > value else (best, value)
        return best, value


def _mean(of_customers: NDArray[np.float64]) -> float:
    return round(float(of_customers.mean()), 9) if len(of_customers) else 0.0


def _gain(differences: NDArray[np.float64]) -> float:
    """Mean difference less `CAUTION` of its standard errors."""
    return float(differences.mean() - CAUTION * differences.std() / np.sqrt(len(differences)))
