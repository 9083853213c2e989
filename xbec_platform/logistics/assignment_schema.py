"""Columns of the tables an assignment run returns, and money as they state it. No logic beyond that."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import polars as pl

MONEY = pl.Decimal(18, 4)

ASSIGNMENT_SCHEMA = pl.Schema(
    {
        "order_id": pl.String(),
        "line_no": pl.Int64(),
        "warehouse_id": pl.String(),
        "lane_id": pl.String(),
        "mode": pl.String(),
        "product_id": pl.String(),
        "ship_country": pl.String(),
        "qty": pl.Int64(),
        "is_split": pl.Boolean(),
        "great_circle_km": pl.Float64(),
        "route_km": pl.Float64(),
        "route_km_estimated": pl.Boolean(),
        "transit_p90_days": pl.Float64(),
        "transit_p90_estimated": pl.Boolean(),
        "chargeable_kg": pl.Float64(),
        "weight_assumed": pl.Boolean(),
        "freight_per_unit_base": MONEY,
        "handling_per_unit_base": MONEY,
        "cost_per_unit_base": MONEY,
        "cost_base": MONEY,
        "nearest_warehouse_id": pl.String(),
    }
)
"""Grain: order line x warehouse x lane (one lane each, except where containers are among them). chargeable_kg is of the
whole row. A piece in a container has no freight of its own: see CONTAINER_SCHEMA."""

UNSERVED_SCHEMA = pl.Schema(
    {
        "order_id": pl.String(),
        "line_no": pl.Int64(),
        "product_id": pl.String(),
        "ship_country": pl.String(),
        "qty": pl.Int64(),
        "penalty_base": MONEY,
        "reason": pl.String(),
        "detail": pl.String(),
    }
)
"""Grain: order line. penalty_base is of the whole row."""

BOTTLENECK_SCHEMA = pl.Schema(
    {
        "kind": pl.String(),
        "warehouse_id": pl.String(),
        "product_id": pl.String(),
        "limit": pl.Float64(),
        "used": pl.Float64(),
        "is_binding": pl.Boolean(),
        "shadow_price_base": MONEY,
        "units_blocked": pl.Int64(),
    }
)
"""kind: warehouse_pieces (every warehouse), warehouse_kg (reported, not enforced: no price), sku_stock (with a price
above 0). limit is null where there is none. units_blocked: unserved pieces that name the warehouse or stock."""

SUMMARY_SCHEMA = pl.Schema(
    {
        "status": pl.String(),
        "n_lines": pl.Int64(),
        "n_classes": pl.Int64(),
        "n_arcs": pl.Int64(),
        "ordered_units": pl.Int64(),
        "assigned_units": pl.Int64(),
        "unserved_units": pl.Int64(),
        "n_split_lines": pl.Int64(),
        "freight_base": MONEY,
        "handling_base": MONEY,
        "cost_base": MONEY,
        "penalty_base": MONEY,
        "containers": pl.Int64(),
        "container_base": MONEY,
        "extra_parcels": pl.Int64(),
        "split_base": MONEY,
        "objective_base": MONEY,
        "bound_base": MONEY,
        "parcels": pl.Int64(),
        "parcel_freight_base": MONEY,
        "nearest_cost_base": MONEY,
        "nearest_unserved_units": pl.Int64(),
        "nearest_objective_base": MONEY,
        "nearest_parcel_freight_base": MONEY,
        "cheapest_cost_base": MONEY,
        "cheapest_unserved_units": pl.Int64(),
        "cheapest_objective_base": MONEY,
        "cheapest_parcel_freight_base": MONEY,
        "regret_nearest_cost_base": MONEY,
        "regret_nearest_unserved_units": pl.Int64(),
        "regret_nearest_total_base": MONEY,
        "regret_cheapest_cost_base": MONEY,
        "regret_cheapest_unserved_units": pl.Int64(),
        "regret_cheapest_total_base": MONEY,
    }
)
"""One row. cost_base: freight, handling, containers and extra parcels; bound_base: no plan's objective is less (that of
a flow is its objective). extra_parcels: warehouses of orders beyond their first, counted under a rule for splits, null
without one. Baselines load the same containers and pay for the same extra parcels. Regret is baseline minus plan: what
planning saves; the total is never negative, its parts may be."""


CONTAINER_SCHEMA = pl.Schema(
    {
        "lane_id": pl.String(),
        "warehouse_id": pl.String(),
        "ship_country": pl.String(),
        "containers": pl.Int64(),
        "rate_base": MONEY,
        "cost_base": MONEY,
        "pieces": pl.Int64(),
        "kg": pl.Float64(),
        "m3": pl.Float64(),
        "weight_fill": pl.Float64(),
        "volume_fill": pl.Float64(),
        "size_assumed_pieces": pl.Int64(),
    }
)
"""Grain: lane that ships in containers on the day. rate_base: of a container, with the surcharge. Fills: of all its
containers together. size_assumed_pieces: pieces without measures, counted at `containers.ASSUMED_CM3_PER_KG`."""


class Reason(StrEnum):
    """Why a piece stays unserved, in order of precedence: address, goods, promise, stock, capacity, money.

    RESTRICTED_ITEM stands in place of the first three where a restriction has closed the way (`restricted_items`),
    CONTAINER_NOT_WORTH_IT in place of the last where the only way left is a container (`containers`),
    ORDER_NOT_FROM_ONE_WAREHOUSE in place of no way and no stock where an order may not be split (`order_splits`).
    """

    NO_ADDRESS_OR_RATE = "NO_ADDRESS_OR_RATE"
    NO_MODE_HAZARD = "NO_MODE_HAZARD"
    NO_MODE_MEETS_PROMISE = "NO_MODE_MEETS_PROMISE"
    SKU_NOT_STOCKED_IN_REACH = "SKU_NOT_STOCKED_IN_REACH"
    SKU_STOCK_EXHAUSTED_IN_REACH = "SKU_STOCK_EXHAUSTED_IN_REACH"
    WAREHOUSE_CAPACITY_FULL = "WAREHOUSE_CAPACITY_FULL"
    COST_ABOVE_PENALTY = "COST_ABOVE_PENALTY"
    CONTAINER_NOT_WORTH_IT = "CONTAINER_NOT_WORTH_IT"
    RESTRICTED_ITEM = "RESTRICTED_ITEM"
    ORDER_NOT_FROM_ONE_WAREHOUSE = "ORDER_NOT_FROM_ONE_WAREHOUSE"


def base_money(column: str) -> pl.Expr:
    """A column of ticks as Decimal(18,4)."""
    return (pl.col(column).cast(pl.Decimal(18, 0)) * pl.lit(Decimal("0.0001"), dtype=MONEY)).cast(MONEY)


def conform(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """The columns of a schema, in its order and types; others are dropped."""
    return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
