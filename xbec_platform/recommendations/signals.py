"""What people did with products short of buying: the paper's four signals as one matrix; purchases live elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from xbec_platform.recommendations.interactions import History, decay

CATEGORY_PAGE = "category:"
"""Items that begin so are pages of a category: they speak for products and are never recommended."""
INTENTS = ("n_wishes", "n_carts")
PAPER_SIGNALS: Mapping[str, tuple[str, ...]] = {
    "access_interface": ("n_pages",),
    "click_times": ("n_views", "n_clicks"),
    "search_path": ("n_search_matches",),
    "residence_time": ("n_long_dwells",),
}
"""The paper's four signals in the columns of a day's signals. The access interface is how a product was come upon: the
pages of categories walked through, items of their own here (`n_pages` are their views)."""
SIGNAL_COLUMNS = ("n_views", "n_clicks", "n_search_matches", "n_long_dwells", *INTENTS)
WEIGHTS: Mapping[str, float] = {
    "n_pages": 0.25,
    "n_views": 0.25,
    "n_clicks": 0.25,
    "n_search_matches": 0.5,
    "n_long_dwells": 0.5,
    "n_wishes": 1.0,
    "n_carts": 1.0,
}


@dataclass(frozen=True, kw_only=True)
class SignalParams:
    """Settings of signals.

    Attributes:
        scale: what endless looking is worth beside a purchase of today (1); 0 switches signals off.
        half_life_days: age at which a signal counts half; interest fades sooner than a purchase is forgotten.
        weights: of one signal; after w of them half of the scale is reached when they add up to 1.
        left_out: names of `PAPER_SIGNALS` that count nothing, for the ablation.
    """

    scale: float = 1.0
    half_life_days: float = 14.0
    weights: Mapping[str, float] = field(default_factory=lambda: dict(WEIGHTS))
    left_out: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if not 0 <= self.scale <= 1:
            raise ValueError(f"scale is {self.scale}: give 0 to 1, a purchase is worth 1")
        if not self.half_life_days > 0:
            raise ValueError(f"half_life_days is {self.half_life_days}: give days above 0")
        if unknown := self.left_out - PAPER_SIGNALS.keys():
            raise ValueError(f"signals {sorted(unknown)} are unknown; known are {', '.join(PAPER_SIGNALS)}")

    def weight(self, column: str) -> float:
        """Weight of a column; 0 when its signal is left out."""
        gone = {name for signal in self.left_out for name in PAPER_SIGNALS[signal]}
        return 0.0 if column in gone else self.weights[column]


def check_signals(signals: pl.DataFrame) -> None:
    """Refuse signals that break their contract.

    Raises:
        ValueError: columns are missing, or a key is empty.
    """
    needed = ("customer_id", "item_id", "signal_date", *SIGNAL_COLUMNS)
    if missing := [name for name in needed if name not in signals.columns]:
        raise ValueError(f"signals lack {missing}: give one row per customer, item and day with {needed}")
    if signals.select(
        pl.any_horizontal(pl.col("customer_id", "item_id", "signal_date").is_null().any())
    ).item():
        raise ValueError("signals have empty keys: leave out visitors nobody knows")


def signal_matrix(signals: pl.DataFrame, history: History, params: SignalParams) -> Any:
    """Build the customer x item matrix of signals known on the history's day.

    A pair weighs scale x s / (1 + s), s the decayed and weighted sum of its signals: the tenth look adds little, and no
    look is worth a purchase.

    Args:
        signals: customer_id, item_id, signal_date, `SIGNAL_COLUMNS`; those without a position are ignored.
        history: gives positions and the day; later signals are ignored.
        params: settings.

    Returns:
        A scipy CSR matrix of float32, n_customers x n_products.
    """
    is_page = pl.col("item_id").str.starts_with(CATEGORY_PAGE)
    views = pl.when(is_page).then(params.weight("n_pages")).otherwise(params.weight("n_views")) * pl.col(
        "n_views"
    )
    others = [pl.col(name) * params.weight(name) for name in SIGNAL_COLUMNS if name != "n_views"]
    age = (pl.lit(history.as_of) - pl.col("signal_date").cast(pl.Date)).dt.total_days()
    rows = (
        signals.filter(
            (pl.col("signal_date").cast(pl.Date) <= history.as_of)
            & pl.col("customer_id").is_in(history.customer_ids.implode())
            & pl.col("item_id").is_in(history.product_ids.implode())
        )
        .select(
            row=pl.col("customer_id").cast(pl.Enum(history.customer_ids)).to_physical().cast(pl.Int64),
            column=pl.col("item_id").cast(pl.Enum(history.product_ids)).to_physical().cast(pl.Int64),
            age=age.cast(pl.Int64),
            strength=pl.sum_horizontal(views, *others).cast(pl.Float64),
        )
        .filter(pl.col("strength") > 0)
        # Sums of floats depend on the order of their rows.
        .sort("row", "column", "age", "strength")
    )
    weight = rows["strength"].to_numpy() * decay(rows["age"].to_numpy(), params.half_life_days)
    shape = (history.n_customers, history.n_products)
    sums = sp.csr_matrix((weight, (rows["row"].to_numpy(), rows["column"].to_numpy())), shape=shape)
    sums.sum_duplicates()
    sums.data = params.scale * sums.data / (1 + sums.data)
    sums.eliminate_zeros()
    return sums.astype(np.float32)


def strongest(matrix: Any, most: int) -> Any:
    """Keep the `most` largest weights of each row, ties by column: a heavy user costs the square of a history."""
    counts = np.diff(matrix.indptr)
    if counts.max(initial=0) <= most:
        return matrix
    row = np.repeat(np.arange(matrix.shape[0]), counts)
    order = np.lexsort((matrix.indices, -matrix.data, row))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order)) - matrix.indptr[row[order]]
    kept: NDArray[np.bool_] = place < most
    return sp.csr_matrix((matrix.data[kept], (row[kept], matrix.indices[kept])), shape=matrix.shape)
