"""What goes with what within a visit, and what is alike: item to item. Customers and their lists live elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from xbec_platform.recommendations.attribute_match import attribute_vectors
from xbec_platform.recommendations.ease import EaseParams, ItemModel, fit_ease
from xbec_platform.recommendations.interactions import decay
from xbec_platform.recommendations.top_columns import top_columns

MOST_TESTED = 2_000  # visits; 7,000 predictions of 400 items take 4 CPU s
NEVER = 10**9  # rank of an item the model does not know

SIMILAR_SCHEMA = {
    "product_id": pl.String,
    "rank": pl.Int64,
    "similar_id": pl.String,
    "score": pl.Float64,
    "reason_kind": pl.String,
}
SESSION_METRIC_SCHEMA = {
    "model": pl.String,
    "n_sessions": pl.Int64,
    "n_predictions": pl.Int64,
    "hit_rate_10": pl.Float64,
    "mrr_20": pl.Float64,
}


@dataclass(frozen=True, kw_only=True)
class SessionParams:
    """Settings of the item-to-item model.

    Attributes:
        ease: the model; half_life_days is the age at which a visit counts half (14 days hit .1 to 1 point more than 60
            on four days of Google's store), max_history the longest visit.
        step_decay: what each later item takes off the ones before it when a visit goes on.
        n_similar: length of the list of similar items.
    """

    ease: EaseParams = field(default_factory=lambda: EaseParams(half_life_days=14, max_history=50))
    step_decay: float = 0.85
    n_similar: int = 20

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if not 0 < self.step_decay <= 1:
            raise ValueError(f"step_decay is {self.step_decay}: give a number above 0, at most 1")
        if self.n_similar < 1:
            raise ValueError(f"n_similar is {self.n_similar}: give 1 or more")


@dataclass(frozen=True)
class SessionModel:
    """A fitted model over visits.

    Attributes:
        item_ids: sorted ids of all items seen; position = column.
        model: EASE over visits.
        popularity: decayed visits of each item.
        params: settings.
    """

    item_ids: pl.Series
    model: ItemModel
    popularity: NDArray[np.float64]
    params: SessionParams

    def next_items(self, visit: Sequence[str], n: int) -> list[tuple[str, float]]:
        """Return up to n items that go with a visit so far, best first; what was looked at is left out.

        Args:
            visit: items looked at, the latest last; unknown ones say nothing.
            n: how many.
        """
        scores = self.scores(self.positions(visit))
        _, columns, values = top_columns(scores[None].astype(np.float32), n)
        names = self.item_ids.gather(self.model.columns[columns])
        return list(zip(names.to_list(), values.tolist(), strict=True))

    def positions(self, visit: Sequence[str]) -> NDArray[np.int64]:
        """Columns of the model of known items, in their order."""
        place = np.full(len(self.item_ids), -1, dtype=np.int64)
        place[self.model.columns] = np.arange(len(self.model.columns))
        asked = pl.Series(visit, dtype=pl.String)
        found = self.item_ids.search_sorted(asked).to_numpy() if len(asked) else np.zeros(0, dtype=np.int64)
        found = np.minimum(found, max(len(self.item_ids) - 1, 0)).astype(np.int64)
        known = (
            (self.item_ids.gather(found) == asked).to_numpy() if len(asked) else np.zeros(0, dtype=np.bool_)
        )
        columns: NDArray[np.int64] = place[found[known]]
        return columns[columns >= 0]

    def scores(self, visit: NDArray[np.int64]) -> NDArray[np.float64]:
        """Score all modelled items after a visit, by columns of the model; items of the visit get 0."""
        n = len(self.model.columns)
        if len(visit) == 0:
            return np.zeros(n)
        weights = self.params.step_decay ** np.arange(len(visit) - 1, -1, -1)
        scores = np.asarray(weights @ self.model.weights[visit].astype(np.float64), dtype=np.float64)
        scores[visit] = 0
        return scores


def _visits(sessions: pl.DataFrame, as_of: date) -> pl.DataFrame:
    needed = ("session_id", "item_id", "seen_ts")
    if missing := [name for name in needed if name not in sessions.columns]:
        raise ValueError(f"sessions lack {missing}: give one row per visit and item with {needed}")
    return (
        sessions.select(needed)
        .drop_nulls()
        .filter(pl.col("seen_ts").cast(pl.Date) <= as_of)
        .group_by("session_id", "item_id")
        .agg(pl.col("seen_ts").min())
        .sort("session_id", "seen_ts", "item_id")
    )


def fit_sessions(sessions: pl.DataFrame, *, as_of: date, params: SessionParams | None = None) -> SessionModel:
    """Fit EASE over visits: what is looked at together within one.

    Args:
        sessions: session_id, item_id, seen_ts; one row or more per visit and item, without programs.
        as_of: last known day.
        params: settings; of a longer visit the first `ease.max_history` items count.

    Returns:
        The model; equal for any order of rows.

    Raises:
        ValueError: a column is missing.
    """
    params = params or SessionParams()
    visits = _visits(sessions, as_of).filter(
        pl.int_range(pl.len()).over("session_id") < params.ease.max_history
    )
    items = visits["item_id"].unique().sort()
    people = visits["session_id"].unique().sort()
    row = visits["session_id"].cast(pl.Enum(people)).to_physical().to_numpy().astype(np.int64)
    column = visits["item_id"].cast(pl.Enum(items)).to_physical().to_numpy().astype(np.int64)
    age = (pl.lit(as_of) - pl.col("seen_ts").cast(pl.Date)).dt.total_days()
    days = visits.select(age.cast(pl.Int64))["literal"].to_numpy()
    # Co-occurrence takes the product of two weights: the root makes a visit of one half-life count half.
    weight = np.sqrt(decay(days, params.ease.half_life_days)).astype(np.float32)
    matrix: Any = sp.csr_matrix((weight, (row, column)), shape=(len(people), len(items)))
    visited = weight.astype(np.float64) ** 2
    popularity = np.bincount(column, weights=visited, minlength=len(items)).astype(np.float64)
    return SessionModel(items, fit_ease(matrix, params.ease), popularity, params)


def evaluate_sessions(
    sessions: pl.DataFrame, *, test_start: date, test_end: date, params: SessionParams | None = None
) -> pl.DataFrame:
    """Predict every next item of later visits from the visit so far; a global split in time.

    Args:
        sessions: as for `fit_sessions`.
        test_start: first day of the test; the model knows the days before it.
        test_end: last day of the test.
        params: settings.

    Returns:
        `SESSION_METRIC_SCHEMA` for 'ease' and 'popularity': share of next items among the first 10, and mean reciprocal
        rank up to 20; an item the model does not know is missed. Visits of one item predict nothing.
    """
    params = params or SessionParams()
    visits = _visits(sessions, test_end)
    is_test = pl.col("seen_ts").cast(pl.Date).min().over("session_id") >= test_start
    before = visits.filter(pl.col("seen_ts").cast(pl.Date) < test_start)
    last_day = before["seen_ts"].cast(pl.Date).max() if before.height else test_start
    model = fit_sessions(before, as_of=last_day, params=params)  # type: ignore[arg-type]
    popular = model.popularity[model.model.columns]
    ranks: dict[str, list[int]] = {"ease": [], "popularity": []}
    n_sessions = 0
    tested = visits.filter(is_test).group_by("session_id", maintain_order=True).agg("item_id")
    # Evenly over the sorted ids: a fixed number of visits tells the rates within a percent or two.
    for items in tested.gather_every(max(1, -(-tested.height // MOST_TESTED)))["item_id"].to_list():
        n_sessions += len(items) > 1
        for place in range(1, len(items)):
            seen, target = model.positions(items[:place]), model.positions(items[place : place + 1])
            for name, scores in (("ease", model.scores(seen)), ("popularity", popular.copy())):
                scores[seen] = -np.inf
                # Ties go to the smaller id, as in the lists.
                better = (
                    int((scores > scores[target[0]]).sum() + (scores[: target[0]] == scores[target[0]]).sum())
                    if len(target)
                    else NEVER
                )
                ranks[name].append(better + 1)
    rows = []
    for name, found in ranks.items():
        rank = np.array(found, dtype=np.float64)
        if len(rank):
            hit, mrr = float((rank <= 10).mean()), float(np.where(rank <= 20, 1 / rank, 0).mean())
            rows.append((name, n_sessions, len(rank), hit, mrr))
    return pl.DataFrame(rows, schema=SESSION_METRIC_SCHEMA, orient="row")


def similar_items(
    model: SessionModel, attributes: pl.DataFrame, *, params: SessionParams | None = None
) -> pl.DataFrame:
    """List what is similar to each item: looked at together, and for new items what has the same attributes.

    Args:
        model: over visits; similarity is the partial correlation given all other items.
        attributes: item_id, attribute, attribute_value of what may be listed; items that are not in it are left out.
        params: settings.

    Returns:
        `SIMILAR_SCHEMA`: up to n_similar rows per item, reason_kind 'looked_at_together' before 'same_attributes';
        scores are comparable within one item and kind. Sorted by product_id, rank.
    """
    params = params or model.params
    shown = attributes["item_id"].unique().sort()
    together = _together(model, shown, params.n_similar)
    alike = _alike(attributes, shown, params.n_similar)
    both = pl.concat([together.with_columns(part=pl.lit(0)), alike.with_columns(part=pl.lit(1))])
    return (
        both.sort("product_id", "part", "score", "similar_id", descending=[False, False, True, False])
        .unique(["product_id", "similar_id"], keep="first", maintain_order=True)
        .with_columns(rank=pl.int_range(1, pl.len() + 1).over("product_id").cast(pl.Int64))
        .filter(pl.col("rank") <= params.n_similar)
        .select(SIMILAR_SCHEMA.keys())
    )


def _frame(names: pl.Series, row: Any, column: Any, score: Any, kind: str) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "product_id": names.gather(row),
            "similar_id": names.gather(column),
            "score": score,
            "reason_kind": kind,
        },
        schema={
            "product_id": pl.String,
            "similar_id": pl.String,
            "score": pl.Float64,
            "reason_kind": pl.String,
        },
    )


def _together(model: SessionModel, shown: pl.Series, n: int) -> pl.DataFrame:
    columns = model.model.columns
    names = model.item_ids.gather(columns)
    allowed = names.is_in(shown.implode()).to_numpy()
    parts = []
    everything = np.arange(len(columns))
    for start in range(0, len(columns), 1024):
        block = everything[start : start + 1024]
        strength = model.model.similarity(everything, block)
        strength[np.arange(len(block)), block] = 0
        strength[:, ~allowed] = 0
        row, column, score = top_columns(strength, n)
        parts.append(_frame(names, block[row], column, score, "looked_at_together"))
    return pl.concat(parts) if parts else _frame(names, [], [], [], "looked_at_together")


def _alike(attributes: pl.DataFrame, shown: pl.Series, n: int) -> pl.DataFrame:
    """Cosine of attribute values."""
    unit = attribute_vectors(attributes, shown)
    parts = [_frame(shown, [], [], [], "same_attributes")]
    for start in range(0, len(shown), 1024):
        strength = (unit[start : start + 1024] @ unit.T).toarray()
        strength[np.arange(len(strength)), start + np.arange(len(strength))] = 0
        found, other, score = top_columns(strength, n)
        parts.append(_frame(shown, found + start, other, score, "same_attributes"))
    return pl.concat(parts)
