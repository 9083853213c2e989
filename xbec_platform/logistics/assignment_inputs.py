"""What an assignment run is given: parameters, frames, and their one canonical form. No costs, no solver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

import polars as pl

TICKS_PER_BASE = 10_000
"""Money inside the model is counted in ticks of 0.0001 base currency: exactly the scale of Decimal(18,4)."""

UNLIMITED = 2**40
"""Capacity of a warehouse without a limit; above any day's pieces and far below integer overflow."""

HAZARDS = ("battery", "liquid", "hazard")
"""Suffixes shared by products (has_/is_), lanes (allows_) and warehouses (can_)."""

DETOUR_FACTORS: Mapping[str, float] = MappingProxyType(
    {
        "express": 1.05,
        "air": 1.05,
        "air_charter": 1.05,
        "sea": 1.5,
        "rail": 1.35,
        "truck": 1.3,
        "ground": 1.3,
        "last_mile": 1.3,
    }
)
"""Route length over great circle. Road 1.3 is the middle of Ballou et al. 2002 (1.1-2.1); sea is a rough middle
of 1.02 (Shanghai-Los Angeles) and 2.18 (Shanghai-Rotterdam), hence the flag route_km_estimated."""

_MONEY = pl.Decimal(18, 4)

STEPS = pl.List(pl.Struct({"min_kg": pl.Float64, "rate_per_kg": pl.Float64}))
"""Type of lanes.rate_brackets: steps in base currency; null or empty: one rate for every weight."""

_COLUMNS: Mapping[str, Mapping[str, pl.DataType | type[pl.DataType]]] = MappingProxyType(
    {
        "lines": {
            "order_id": pl.String,
            "line_no": pl.Int64,
            "product_id": pl.String,
            "qty": pl.Int64,
            "ship_country": pl.String,
            "promised_days": pl.Float64,
        },
        "products": {
            "product_id": pl.String,
            "weight_kg": pl.Float64,
            "length_cm": pl.Float64,
            "width_cm": pl.Float64,
            "height_cm": pl.Float64,
            "has_battery": pl.Boolean,
            "is_liquid": pl.Boolean,
            "is_hazard": pl.Boolean,
            "unit_cost": _MONEY,
            "list_price": _MONEY,
        },
        "warehouses": {
            "warehouse_id": pl.String,
            "lat": pl.Float64,
            "lon": pl.Float64,
            "capacity_orders_day": pl.Int64,
            "capacity_kg": pl.Float64,
            "cost_pick": _MONEY,
            "cost_pack": _MONEY,
            "can_battery": pl.Boolean,
            "can_liquid": pl.Boolean,
            "can_hazard": pl.Boolean,
        },
        "lanes": {
            "lane_id": pl.String,
            "origin_node": pl.String,
            "dest_node": pl.String,
            "mode": pl.String,
            "distance_km": pl.Float64,
            "rate_per_kg": _MONEY,
            "rate_brackets": STEPS,
            "min_charge": _MONEY,
            "container_rate": _MONEY,
            "container_max_kg": pl.Float64,
            "container_max_m3": pl.Float64,
            "surcharge_pct": pl.Float64,
            "vol_divisor": pl.Float64,
            "transit_p50_days": pl.Float64,
            "transit_p90_days": pl.Float64,
            "allows_battery": pl.Boolean,
            "allows_liquid": pl.Boolean,
            "allows_hazard": pl.Boolean,
        },
        "destinations": {"country": pl.String, "lat": pl.Float64, "lon": pl.Float64},
        "stock": {"warehouse_id": pl.String, "product_id": pl.String, "available": pl.Int64},
    }
)

_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "lines": ("order_id", "line_no"),
        "products": ("product_id",),
        "warehouses": ("warehouse_id",),
        "lanes": ("lane_id",),
        "destinations": ("country",),
        "stock": ("warehouse_id", "product_id"),
    }
)

_NOT_NULL: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "lines": ("product_id", "qty"),
        "warehouses": ("cost_pick", "cost_pack"),
        "lanes": ("mode", "rate_per_kg", "min_charge", "transit_p50_days"),
        "stock": ("available",),
    }
)

_AT_LEAST: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "lines": {"qty": 1, "priority": 1},
        "products": {"weight_kg": 0, "length_cm": 0, "width_cm": 0, "height_cm": 0},
        "warehouses": {"capacity_orders_day": 0, "capacity_kg": 0, "cost_pick": 0, "cost_pack": 0},
        "lanes": {
            "rate_per_kg": 0,
            "min_charge": 0,
            "container_rate": 0,
            "surcharge_pct": 0,
            "distance_km": 0,
            "vol_divisor": 0,
        },
    }
)


@dataclass(frozen=True, kw_only=True)
class AssignmentParams:
    """Choices of an assignment run.

    Attributes:
        unserved_penalty_base: Fixed cost of leaving one piece unserved, in base currency. The penalty of a
            piece is (this + list_price - unit_cost, where both are known and the difference is positive) x
            priority. A piece whose dearest way out is more than its penalty stays unserved, reason
            COST_ABOVE_PENALTY.
        default_weight_kg: Weight of a product without one; such rows carry weight_assumed.
        transit_p90_factor: P90 over P50 of the transit time for lanes that state only the P50; 1.6 is a
            lognormal with sigma 0.37.
        detour_factors: Route length over great circle by mode, for lanes without a length; a mode not named
            here gets no estimate.
        no_way_base: From this cost of a piece on, a lane only says what is in reach: no plan or baseline goes by it.
            For days whose containers are loaded (`containers`), which set it above every penalty.
    """

    unserved_penalty_base: Decimal = Decimal(500)
    default_weight_kg: float = 0.5
    transit_p90_factor: float = 1.6
    detour_factors: Mapping[str, float] = field(default_factory=lambda: DETOUR_FACTORS)
    no_way_base: float = float("inf")

    def __post_init__(self) -> None:
        if self.unserved_penalty_base <= 0:
            raise ValueError("unserved_penalty_base must be positive: with 0 the cheapest plan ships nothing")
        if self.unserved_penalty_base != round(self.unserved_penalty_base, 4):
            raise ValueError("unserved_penalty_base must have at most 4 decimals, as all money here")
        if self.default_weight_kg <= 0:
            raise ValueError("default_weight_kg must be positive: name the weight of a typical piece")
        if self.transit_p90_factor < 1:
            raise ValueError("transit_p90_factor must be at least 1: a P90 is never below its P50")
        short = sorted(mode for mode, factor in self.detour_factors.items() if factor < 1)
        if short:
            raise ValueError(f"detour_factors below 1 for {short}: no route is shorter than the great circle")


@dataclass(frozen=True, kw_only=True)
class AssignmentInputs:
    """The frames of one day; money in one base currency, row order without meaning.

    Attributes:
        lines: Open order lines: order_id, line_no, product_id, qty, ship_country (null = unknown),
            promised_days (null = no promise); optional priority (1 = normal, multiplies the penalty) and
            order_ts (order of arrival for the baselines; without it, order_id).
        products: product_id, weight_kg, length_cm, width_cm, height_cm, has_battery, is_liquid, is_hazard,
            unit_cost, list_price; all but the id may be null, a null flag counts as not declared.
        warehouses: warehouse_id, lat, lon, capacity_orders_day (pieces per day, null = unlimited),
            capacity_kg (reported, not enforced), cost_pick, cost_pack (per piece), can_battery, can_liquid,
            can_hazard.
        lanes: lane_id, origin_node (a warehouse), dest_node (a country), mode, distance_km, rate_per_kg,
            min_charge (per parcel), optional rate_brackets (steps by weight of the parcel: min_kg, rate_per_kg; they
            take the place of rate_per_kg), optional container_rate, container_max_kg and container_max_m3 (see
            `containers`: the lane ships whole containers instead of kilograms), surcharge_pct,
            vol_divisor (cm3 per kg, null = by weight only), transit_p50_days, transit_p90_days, allows_battery,
            allows_liquid, allows_hazard.
        destinations: country, lat, lon; may be empty, then great circles are null.
        stock: warehouse_id, product_id, available (negative counts as 0); None = unlimited everywhere.
    """

    lines: pl.DataFrame
    products: pl.DataFrame
    warehouses: pl.DataFrame
    lanes: pl.DataFrame
    destinations: pl.DataFrame
    stock: pl.DataFrame | None


def canonical(inputs: AssignmentInputs) -> AssignmentInputs:
    """Check the frames and bring them to fixed types and key order, so that row order cannot matter.

    Null flags become False, a null surcharge 0, a null priority 1, negative stock 0; further columns are
    dropped. Applying it twice changes nothing.

    Args:
        inputs: Frames as the caller has them.

    Returns:
        The same frames, typed and sorted by key.

    Raises:
        ValueError: A column is missing, a key repeats, or a value is out of range; the message names it.
    """
    lines = _with_default(inputs.lines, "priority", pl.lit(1))
    lines = _with_default(lines, "order_ts", pl.lit(None, dtype=pl.Datetime("us", "UTC")))
    extra: dict[str, pl.DataType | type[pl.DataType]] = {
        "priority": pl.Int64,
        "order_ts": lines.schema["order_ts"],
    }
    lanes = _with_default(inputs.lanes, "rate_brackets", pl.lit(None, dtype=STEPS))
    for name in ("container_rate", "container_max_kg", "container_max_m3"):
        lanes = _with_default(lanes, name, pl.lit(None))
    lanes = _frame("lanes", lanes).with_columns(pl.col("surcharge_pct").fill_null(0.0))
    full = (pl.col("container_max_kg") > 0) & (pl.col("container_max_m3") > 0)
    lost = lanes.filter(pl.col("container_rate").is_not_null() & ~full.fill_null(False))
    if lost.height:
        raise ValueError(
            f"lane {lost['lane_id'][0]}: container_rate needs container_max_kg and container_max_m3 above 0"
        )
    stock = None
    if inputs.stock is not None:
        stock = _frame("stock", inputs.stock).with_columns(pl.col("available").clip(lower_bound=0))
    return AssignmentInputs(
        lines=_frame("lines", lines.with_columns(pl.col("priority").fill_null(1)), extra),
        products=_frame("products", inputs.products),
        warehouses=_frame("warehouses", inputs.warehouses),
        lanes=lanes,
        destinations=_frame("destinations", inputs.destinations),
        stock=stock,
    )


def ticks(column: str) -> pl.Expr:
    """A Decimal(18,4) column as whole ticks."""
    return pl.col(column).to_physical().cast(pl.Int64)


def _with_default(frame: pl.DataFrame, name: str, value: pl.Expr) -> pl.DataFrame:
    return frame if name in frame.columns else frame.with_columns(value.alias(name))


def _frame(
    name: str, frame: pl.DataFrame, extra: Mapping[str, pl.DataType | type[pl.DataType]] | None = None
) -> pl.DataFrame:
    columns = {**_COLUMNS[name], **(extra or {})}
    missing = sorted(set(columns) - set(frame.columns))
    if missing:
        raise ValueError(f"{name}: add the columns {missing}")
    typed = frame.select(pl.col(column).cast(dtype) for column, dtype in columns.items())
    typed = typed.with_columns(pl.col(pl.Float64).fill_nan(None))
    key = _KEYS[name]
    for column in (*key, *_NOT_NULL.get(name, ())):
        if typed[column].null_count():
            raise ValueError(
                f"{name}.{column}: {typed[column].null_count()} rows are null, fill or drop them"
            )
    for column, least in _AT_LEAST.get(name, {}).items():
        wrong = typed.filter(pl.col(column) < least).height
        if wrong:
            raise ValueError(f"{name}.{column}: {wrong} rows are below {least}, correct or drop them")
    typed = typed.with_columns(
        pl.col(c).fill_null(False) for c, dtype in columns.items() if dtype == pl.Boolean
    )
    ordered = typed.sort(key)
    if ordered.select(key).is_duplicated().any():
        twice = ordered.filter(ordered.select(key).is_duplicated()).select(key).row(0)
        raise ValueError(f"{name}: key {key} repeats, for example {twice}; keep one row per key")
    return ordered
