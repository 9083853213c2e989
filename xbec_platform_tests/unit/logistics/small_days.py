"""Days small enough to solve by hand: name what matters, the rest has plain defaults."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import polars as pl

from xbec_platform.logistics.assignment_inputs import STEPS, AssignmentInputs

Row = Mapping[str, object]

MONEY = pl.Decimal(18, 4)

LINE = {
    "order_id": pl.String,
    "line_no": pl.Int64,
    "product_id": pl.String,
    "qty": pl.Int64,
    "ship_country": pl.String,
    "promised_days": pl.Int64,
    "priority": pl.Int64,
}
PRODUCT = {
    "product_id": pl.String,
    "weight_kg": pl.Float64,
    "length_cm": pl.Float64,
    "width_cm": pl.Float64,
    "height_cm": pl.Float64,
    "has_battery": pl.Boolean,
    "is_liquid": pl.Boolean,
    "is_hazard": pl.Boolean,
    "unit_cost": MONEY,
    "list_price": MONEY,
}
WAREHOUSE = {
    "warehouse_id": pl.String,
    "lat": pl.Float64,
    "lon": pl.Float64,
    "capacity_orders_day": pl.Int64,
    "capacity_kg": pl.Float64,
    "cost_pick": MONEY,
    "cost_pack": MONEY,
    "can_battery": pl.Boolean,
    "can_liquid": pl.Boolean,
    "can_hazard": pl.Boolean,
}
LANE = {
    "lane_id": pl.String,
    "origin_node": pl.String,
    "dest_node": pl.String,
    "mode": pl.String,
    "distance_km": pl.Float64,
    "rate_per_kg": MONEY,
    "min_charge": MONEY,
    "rate_brackets": STEPS,
    "container_rate": MONEY,
    "container_max_kg": pl.Float64,
    "container_max_m3": pl.Float64,
    "surcharge_pct": pl.Float64,
    "vol_divisor": pl.Float64,
    "transit_p50_days": pl.Float64,
    "transit_p90_days": pl.Float64,
    "allows_battery": pl.Boolean,
    "allows_liquid": pl.Boolean,
    "allows_hazard": pl.Boolean,
}
PLACE = {"country": pl.String, "lat": pl.Float64, "lon": pl.Float64}
SHELF = {"warehouse_id": pl.String, "product_id": pl.String, "available": pl.Int64}

DEFAULTS: dict[str, dict[str, object]] = {
    "line": {"line_no": 1, "product_id": "p", "qty": 1, "ship_country": "DE", "priority": 1},
    "product": {"weight_kg": 1.0},
    "warehouse": {
        "capacity_orders_day": 100,
        "cost_pick": Decimal(0),
        "cost_pack": Decimal(0),
        "can_battery": True,
        "can_liquid": True,
        "can_hazard": True,
    },
    "lane": {
        "dest_node": "DE",
        "mode": "truck",
        "rate_per_kg": Decimal(1),
        "min_charge": Decimal(0),
        "transit_p50_days": 2.0,
        "transit_p90_days": 3.0,
        "allows_battery": True,
        "allows_liquid": True,
        "allows_hazard": True,
    },
}


def frame(kind: str, schema: Mapping[str, object], rows: Sequence[Row]) -> pl.DataFrame:
    """Rows over defaults, null where neither says anything."""
    return pl.DataFrame([{**DEFAULTS.get(kind, {}), **row} for row in rows], schema=dict(schema))


def make_day(
    *,
    lines: Sequence[Row] = (),
    lanes: Sequence[Row] = (),
    warehouses: Sequence[Row] = ({"warehouse_id": "A"}, {"warehouse_id": "B"}),
    products: Sequence[Row] = ({"product_id": "p"},),
    destinations: Sequence[Row] = (),
    stock: Sequence[Row] | None = None,
) -> AssignmentInputs:
    """A day from the few values a test is about; lanes are called L0, L1, ... unless named."""
    named = [{"lane_id": f"L{number}", **lane} for number, lane in enumerate(lanes)]
    return AssignmentInputs(
        lines=frame("line", LINE, lines),
        products=frame("product", PRODUCT, products),
        warehouses=frame("warehouse", WAREHOUSE, warehouses),
        lanes=frame("lane", LANE, named),
        destinations=frame("place", PLACE, destinations),
        stock=None if stock is None else frame("shelf", SHELF, stock),
    )
