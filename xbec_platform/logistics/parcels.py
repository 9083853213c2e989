"""What the parcels of a plan cost at the carriers' tariff, each with its own minimum charge. No decisions here."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from xbec_platform.logistics.assignment_inputs import TICKS_PER_BASE
from xbec_platform.logistics.tariff import rate_at, step_columns


@dataclass(frozen=True, kw_only=True)
class ParcelBill:
    """Number of parcels and their freight in ticks."""

    parcels: int
    freight_ticks: int


def bill_parcels(pieces: pl.DataFrame, lanes: pl.DataFrame) -> ParcelBill:
    """Bill one parcel per order and lane: max(rate of its weight x kg, minimum charge) x (1 + surcharge).

    The model shares an order's minimum charge among its pieces; this is the check on that: an order that
    leaves from two warehouses pays two minimums here.

    Args:
        pieces: order_id, lane (row of `lanes`), parcel_kg (chargeable, of all pieces of the row).
        lanes: As `arcs.usable_lanes` returns them.

    Returns:
        The bill; 0 parcels for an empty plan.
    """
    steps = step_columns(lanes.columns)
    rates = lanes.select("lane", "surcharge_pct", "rate_per_kg", "min_charge", *steps)
    by_weight = rate_at(pl.col("parcel_kg"), steps) * pl.col("parcel_kg")
    freight = pl.max_horizontal(by_weight, "min_charge") * (1 + pl.col("surcharge_pct") / 100)
    billed = (
        pieces.sort("order_id", "lane", "parcel_kg")
        .group_by("order_id", "lane", maintain_order=True)
        .agg(pl.col("parcel_kg").sum())
        .join(rates, on="lane", how="left")
        .select(freight=(freight * TICKS_PER_BASE + 0.5).floor().cast(pl.Int64))
    )
    return ParcelBill(parcels=billed.height, freight_ticks=int(billed["freight"].sum()))
