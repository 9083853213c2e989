"""What a carrier charges per kilogram by the weight of the parcel: the steps of its tariff. No lane is chosen here.

A step holds from its min_kg until the next one's; the last one is open, and a parcel below the first pays the first.
The whole parcel is billed at the rate of its step, so one just above an edge can cost less than one just below.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

CM3_PER_M3 = 1_000_000
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


def as_full_containers(lanes: pl.DataFrame) -> pl.DataFrame:
    """Lanes that ship in containers as lanes by weight, at the price of full ones: no plan pays less for a piece.

    A piece pays for its part of the payload or of the room, the greater.

    Args:
        lanes: rate_per_kg, min_charge (both Float64), rate_brackets, vol_divisor, container_rate (null: by weight),
            container_max_kg, container_max_m3.
    """
    rate, kg, m3 = pl.col("container_rate"), pl.col("container_max_kg"), pl.col("container_max_m3")
    boxed = rate.is_not_null()
    return lanes.with_columns(
        rate_per_kg=pl.when(boxed).then(rate.cast(pl.Float64) / kg).otherwise("rate_per_kg"),
        vol_divisor=pl.when(boxed).then(m3 * CM3_PER_M3 / kg).otherwise("vol_divisor"),
        min_charge=pl.when(boxed).then(0.0).otherwise("min_charge"),
        rate_brackets=pl.when(~boxed).then("rate_brackets"),
    )


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
