"""What a carrier charges per kilogram by the weight of the parcel: the steps of its tariff. No lane is chosen here.

A step holds from its min_kg until the next one's; the last one is open, and a parcel below the first pays the first.
The whole parcel is billed at the rate of its step, so one just above an edge can cost less than one just below.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

_EDGE, _RATE = "step_from_kg_", "step_rate_"


def with_steps(lanes: pl.DataFrame) -> pl.DataFrame:
    """Spread the steps of lanes over columns, two for each step after the first.

    Args:
        lanes: rate_per_kg and rate_brackets (STEPS).

    Returns:
        The lanes with rate_per_kg replaced by the first step's rate where there are steps, lowest_rate_per_kg of all
        steps, last_step_kg (0 without steps), and step_from_kg_1, step_rate_1, ... as far as any lane goes; null where
        a lane has fewer.
    """
    steps = pl.col("rate_brackets").list.eval(pl.element().sort_by(pl.element().struct.field("min_kg")))
    rows = lanes.with_columns(rate_brackets=steps.fill_null([]))
    rates, edges = _fields("rate_per_kg"), _fields("min_kg")
    most = int(rows["rate_brackets"].list.len().max() or 0)  # type: ignore[arg-type]
    return rows.with_columns(
        rate_per_kg=pl.coalesce(rates.list.get(0, null_on_oob=True), "rate_per_kg"),
        lowest_rate_per_kg=pl.coalesce(rates.list.min(), "rate_per_kg"),
        last_step_kg=edges.list.last().fill_null(0.0),
        **{f"{_EDGE}{n}": edges.list.get(n, null_on_oob=True) for n in range(1, most)},
        **{f"{_RATE}{n}": rates.list.get(n, null_on_oob=True) for n in range(1, most)},
    ).drop("rate_brackets")


def step_columns(columns: Sequence[str]) -> list[str]:
    """Those of some columns that `with_steps` has spread."""
    return [name for name in columns if name.startswith((_EDGE, _RATE))]


def rate_at(parcel_kg: pl.Expr, columns: Sequence[str]) -> pl.Expr:
    """The rate per kilogram a parcel pays.

    Args:
        parcel_kg: Chargeable weight of the whole parcel.
        columns: Of the frame the expression is for; its steps are among them.
    """
    rate = pl.col("rate_per_kg")
    for number in range(1, len(step_columns(columns)) // 2 + 1):
        reached = parcel_kg >= pl.col(f"{_EDGE}{number}")
        rate = pl.when(reached).then(f"{_RATE}{number}").otherwise(rate)
    return rate


def _fields(name: str) -> pl.Expr:
    return pl.col("rate_brackets").list.eval(pl.element().struct.field(name))
