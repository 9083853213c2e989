"""Stock by age with what it costs a day and until it is sold (F30). What to do about it: `inventory_actions`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xbec_platform.logistics.assignment_schema import MONEY, conform
from xbec_platform.logistics.inventory_inputs import AGEING_SCHEMA, PAIR, InventoryParams
from xbec_platform.logistics.stock_ageing import AGE_TYPICAL, AGES, Floats, Ladder

ANY, UNKNOWN_AGE = "any", "unknown"
Rows = NDArray[np.int64]


def ladders_of(tiers: pl.DataFrame, types: pl.Series) -> list[tuple[Rows, Ladder]]:
    """Each ladder with the rows it holds for: that of the warehouse's type, else that of any type, else none to pay.

    Args:
        tiers: As in `InventoryInputs`.
        types: Type of the warehouse of each row.

    Raises:
        ValueError: A ladder does not begin at 0, has a rate below 0 or two rates for an age.
    """
    known = {}
    for (kind,), part in tiers.sort("warehouse_type", "from_age_days").group_by(
        "warehouse_type", maintain_order=True
    ):
        start, rate = (part[name].cast(pl.Float64).to_numpy() for name in ("from_age_days", "rate_base"))
        known[str(kind)] = Ladder(start, rate)
    free = known.get(ANY, Ladder(np.zeros(1), np.zeros(1)))
    names = types.fill_null(ANY)
    return [
        (np.flatnonzero((names == name).to_numpy()), known.get(name, free)) for name in sorted(set(names))
    ]


def ageing_table(
    pairs: pl.DataFrame,
    ages: Floats,
    unknown: Floats,
    ladders: Sequence[tuple[Rows, Ladder]],
    params: InventoryParams,
) -> pl.DataFrame:
    """One row per bucket with pieces. The oldest leave first; those of unknown age count as new and leave last.

    Args:
        pairs: PAIR, m3, volume_assumed, sale_rate_day.
        ages: Pieces by age, youngest first, shape (n, 6).
        unknown: Pieces of unknown age, shape (n,).
        ladders: As `ladders_of` returns them.
        params: Horizon and volume of what has no measures.

    Returns:
        AGEING_SCHEMA, sorted by its key.
    """
    # Oldest first, as they leave.
    names = [*reversed(AGES), UNKNOWN_AGE]
    age = np.append(AGE_TYPICAL[::-1], 0.0)
    pieces = np.column_stack([ages[:, ::-1], unknown])
    mean = pairs["sale_rate_day"].to_numpy()[:, None]
    upto = np.cumsum(pieces, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        last_sale = np.where(mean > 0, upto / mean, np.inf)
        middle = np.where(mean > 0, (upto - pieces / 2) / mean, np.inf)
    waits = np.minimum(middle, params.horizon_days)
    storage, rate, to_next = (np.zeros_like(pieces) for _ in range(3))
    for rows, ladder in ladders:
        storage[rows] = ladder.cost_until(age + waits[rows]) - ladder.cost_until(age)
        rate[rows], to_next[rows] = ladder.rate_at(age), ladder.days_to_next(age)
    row, bucket = np.nonzero(pieces > 0)
    sold = last_sale[row, bucket]
    return (
        pairs[row]
        .select(
            *PAIR,
            pl.col("m3").fill_null(params.volume_m3),
            pl.col("volume_assumed").fill_null(True),
            age_bucket=pl.Series([names[b].removeprefix("age_") for b in bucket.tolist()], dtype=pl.String),
            age_days=_known(age[bucket], bucket < len(AGES)),
            pieces=pl.Series(pieces[row, bucket]),
            rate_m3_day_base=pl.Series(rate[row, bucket]),
            days_to_next_tier=_known(to_next[row, bucket], np.isfinite(to_next[row, bucket])),
            days_to_sale=_known(sold, sold <= params.horizon_days),
            storage_m3=pl.Series(storage[row, bucket]),
        )
        .with_columns(volume_m3=pl.col("m3") * pl.col("pieces"))
        .with_columns(
            storage_day_base=(pl.col("volume_m3") * pl.col("rate_m3_day_base")).round(4).cast(MONEY),
            storage_to_sale_base=(pl.col("volume_m3") * pl.col("storage_m3")).round(4).cast(MONEY),
        )
        .pipe(conform, AGEING_SCHEMA)
        .sort(*PAIR, "age_bucket")
    )


def _known(values: Floats, is_known: NDArray[np.bool_]) -> pl.Series:
    return pl.Series(np.where(is_known, values, np.nan), dtype=pl.Float64).fill_nan(None)
