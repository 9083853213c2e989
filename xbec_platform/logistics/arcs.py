"""What each warehouse would charge for a piece of each class: one arc, over its cheapest admissible lane. No solver.

Cost of a piece. A lane's minimum charge is per parcel, the model is per piece. The orders of a shop leave
as one parcel, so the minimum is shared by the pieces of the order:

    chargeable kg = max(weight, length x width x height / vol_divisor)
    rate          = the lane's at (chargeable kg x pieces of the order), where its tariff has steps by weight
    freight       = max(rate x chargeable kg, min_charge / pieces of the order) x (1 + surcharge_pct / 100)
    cost          = freight + cost_pick + cost_pack

rounded once, half up, to ticks of 0.0001. For an order of equal pieces that leaves whole this is the tariff
of its parcel exactly; for unequal pieces it is never below it; an order split over warehouses pays each
part's share only. What the parcels of the finished plan cost, each with its own minimum, is stated beside
it (see `parcels`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from xbec_platform.logistics.assignment_inputs import (
    HAZARDS,
    TICKS_PER_BASE,
    AssignmentInputs,
    AssignmentParams,
    ticks,
)
from xbec_platform.logistics.assignment_schema import conform
from xbec_platform.logistics.distance import lane_distances
from xbec_platform.logistics.tariff import as_full_containers, rate_at, step_columns, with_steps

CHUNK_ROWS = 2_000_000
"""Class x lane rows looked at in one go: about 300 MB, whatever the size of the day."""

LANE_BITS = 20
"""Room for the lane in the packed key of `_cheapest`: a million lanes, and costs to 4 x 10^8 base currency."""

_DEMAND = (
    "class_id",
    "ship_country",
    "product_id",
    "limit_days",
    "parcel_units",
    "weight_kg",
    "volume_cm3",
)
_OFFER = (
    "lane",
    "warehouse",
    "dest_node",
    "rate_per_kg",
    "min_charge",
    "surcharge_pct",
    "vol_divisor",
    "p90_days",
    "handling_ticks",
)
"""All that a price needs: millions of rows are built of these."""

PRODUCT_FLAG = {"battery": "has_battery", "liquid": "is_liquid", "hazard": "is_hazard"}

ARC_SCHEMA = pl.Schema(
    {
        "class_id": pl.Int64(),
        "warehouse": pl.Int64(),
        "stock_node": pl.Int64(),
        "lane": pl.Int64(),
        "cost_ticks": pl.Int64(),
    }
)


def usable_lanes(inputs: AssignmentInputs, params: AssignmentParams) -> pl.DataFrame:
    """Lanes that start at a known warehouse, with everything an arc needs.

    Args:
        inputs: Canonical frames.
        params: P90 factor and detour factors.

    Returns:
        `lane` (0..n-1 in order of P90, then lane_id: the order in which equal costs are preferred),
        `warehouse` (row of inputs.warehouses), the lane's own columns, p90_days, transit_p90_estimated,
        takes_<hazard>, handling_ticks, great_circle_km, route_km, route_km_estimated.
    """
    centres = inputs.warehouses.with_row_index("warehouse").select(
        pl.col("warehouse").cast(pl.Int64),
        origin_node="warehouse_id",
        handling_ticks=ticks("cost_pick") + ticks("cost_pack"),
        **{f"can_{hazard}": pl.col(f"can_{hazard}") for hazard in HAZARDS},
    )
    p90 = pl.coalesce("transit_p90_days", pl.col("transit_p50_days") * params.transit_p90_factor)
    lanes = (
        inputs.lanes.filter(pl.col("dest_node").is_not_null())
        .join(centres, on="origin_node", how="inner")
        .with_columns(
            p90_days=p90,
            transit_p90_estimated=pl.col("transit_p90_days").is_null(),
            **{f"takes_{h}": pl.col(f"can_{h}") & pl.col(f"allows_{h}") for h in HAZARDS},
        )
        .with_columns(pl.col("rate_per_kg", "min_charge").cast(pl.Float64))
        .pipe(as_full_containers)
        .pipe(with_steps)
        .sort("p90_days", "lane_id")
        .with_row_index("lane")
        .with_columns(pl.col("lane").cast(pl.Int64))
    )
    if lanes.height >= 2**LANE_BITS:
        raise ValueError(f"{lanes.height} lanes are more than {2**LANE_BITS - 1}: drop those out of use")
    lengths = lane_distances(lanes, inputs.warehouses, inputs.destinations, params.detour_factors)
    return lanes.hstack(lengths.drop("lane_id"))


def stock_nodes(inputs: AssignmentInputs) -> pl.DataFrame | None:
    """Stock above zero of the products ordered, numbered by product, then warehouse; None = unlimited."""
    if inputs.stock is None:
        return None
    rows = inputs.warehouses.with_row_index("warehouse").select(
        pl.col("warehouse").cast(pl.Int64), "warehouse_id"
    )
    return (
        inputs.stock.filter(pl.col("available") > 0)
        .join(inputs.lines.select("product_id").unique(), on="product_id", how="semi")
        .join(rows, on="warehouse_id", how="inner")
        .sort("product_id", "warehouse")
        .with_row_index("stock_node")
        .select(pl.col("stock_node").cast(pl.Int64), "product_id", "warehouse", "available")
    )


def build_arcs(classes: pl.DataFrame, lanes: pl.DataFrame, stock: pl.DataFrame | None) -> pl.DataFrame:
    """The cheapest admissible lane of every class and warehouse.

    Admissible: the lane reaches the country, lane and warehouse take the product's hazards, the P90 keeps the
    promise, and (where stock is counted) the warehouse holds the product. Equal costs: the faster lane,
    then id.

    Args:
        classes: As in `Demand.classes`.
        lanes: As `usable_lanes` returns them.
        stock: As `stock_nodes` returns it.

    Returns:
        ARC_SCHEMA, sorted by class_id and warehouse; stock_node is null where stock is unlimited.
    """
    if classes.is_empty() or lanes.is_empty():
        return pl.DataFrame(schema=ARC_SCHEMA)
    demands = classes.select(*_DEMAND, *PRODUCT_FLAG.values())
    steps = step_columns(lanes.columns)
    offers = lanes.select(*_OFFER, *steps, *(f"takes_{hazard}" for hazard in HAZARDS)).sort(
        "dest_node", "warehouse", "lane"
    )
    return pl.concat(_cheapest(block, offers, stock) for block in lane_blocks(demands, lanes))


def lane_blocks(rows: pl.DataFrame, lanes: pl.DataFrame) -> list[pl.DataFrame]:
    """Cut rows that will meet all lanes of their country into blocks of at most CHUNK_ROWS meetings."""
    most = lanes.group_by("dest_node").len().select(pl.col("len").max()).item() or 1
    size = max(1, CHUNK_ROWS // int(most))
    return [rows.slice(start, size) for start in range(0, rows.height, size)]


def chargeable_kg() -> pl.Expr:
    """Kilograms of one piece the carrier bills: the greater of actual and volumetric weight."""
    return pl.max_horizontal("weight_kg", pl.col("volume_cm3") / pl.col("vol_divisor"))


def freight_ticks(columns: Sequence[str]) -> pl.Expr:
    """Freight of one piece in ticks, as the module states it; the columns are those of the frame it is for."""
    by_weight = rate_at(chargeable_kg() * pl.col("parcel_units"), columns) * chargeable_kg()
    least = pl.col("min_charge") / pl.col("parcel_units")
    freight = pl.max_horizontal(by_weight, least) * (1 + pl.col("surcharge_pct") / 100)
    return (freight * TICKS_PER_BASE + 0.5).floor().cast(pl.Int64)


def hazard_ok() -> pl.Expr:
    """Lane and warehouse take all that the product declares."""
    return pl.all_horizontal(~pl.col(PRODUCT_FLAG[h]) | pl.col(f"takes_{h}") for h in HAZARDS)


def _cheapest(classes: pl.DataFrame, lanes: pl.DataFrame, stock: pl.DataFrame | None) -> pl.DataFrame:
    """One block of `build_arcs`: cost and lane packed into one integer, whose minimum is the choice.

    The joins keep the order of classes and warehouses, so each choice is a run of rows: half the time of a hash
    table over all of them.
    """
    if stock is None:
        offers = classes.join(
            lanes,
            left_on="ship_country",
            right_on="dest_node",
            how="inner",
            maintain_order="left_right",
        ).with_columns(stock_node=pl.lit(None, dtype=pl.Int64))
    else:
        offers = classes.join(stock, on="product_id", how="inner", maintain_order="left_right").join(
            lanes,
            left_on=["ship_country", "warehouse"],
            right_on=["dest_node", "warehouse"],
            how="inner",
            maintain_order="left_right",
        )
    cost = (freight_ticks(offers.columns) + pl.col("handling_ticks")).alias("cost")
    offers = offers.filter(hazard_ok() & (pl.col("p90_days") <= pl.col("limit_days"))).select(
        "class_id", "warehouse", "stock_node", "lane", cost
    )
    if offers.is_empty():
        return pl.DataFrame(schema=ARC_SCHEMA)
    cost_ticks = offers["cost"].to_numpy()
    if cost_ticks.max() >= 2 ** (62 - LANE_BITS):
        raise ValueError("a piece costs more than 4 x 10^8 base currency: correct rate_per_kg or weight_kg")
    place = offers.select("class_id", "warehouse").to_numpy()
    starts = np.flatnonzero((np.diff(place, axis=0, prepend=-1) != 0).any(axis=1))
    best = np.minimum.reduceat((cost_ticks << LANE_BITS) + offers["lane"].to_numpy(), starts)
    chosen = offers.select("class_id", "warehouse", "stock_node")[starts]
    return chosen.with_columns(lane=best & (2**LANE_BITS - 1), cost_ticks=best >> LANE_BITS).pipe(
        conform, ARC_SCHEMA
    )
