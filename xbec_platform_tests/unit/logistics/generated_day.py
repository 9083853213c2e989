"""A seeded day of any size, and the linear program any plan of it is bounded by. Shared by tests and benchmark."""

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from xbec_platform.logistics.assignment_inputs import TICKS_PER_BASE, AssignmentInputs
from xbec_platform.logistics.flow import FlowProblem

MODES = ("express", "air", "truck", "sea")
SEED = 7


def generate_day(
    n_lines: int,
    *,
    n_warehouses: int = 20,
    n_products: int = 2000,
    n_zones: int = 1000,
    seed: int = SEED,
    with_stock: bool = True,
) -> AssignmentInputs:
    """A day of orders: Zipf products, four promises, four modes, 12 % battery goods, tight stock and capacity."""
    rng = np.random.default_rng(seed)
    warehouses = _warehouses(rng, n_warehouses)
    zones = pl.DataFrame(
        {
            "country": [f"Z{i:04d}" for i in range(n_zones)],
            "lat": rng.uniform(-40, 60, n_zones),
            "lon": rng.uniform(-170, 170, n_zones),
        }
    )
    products = _products(rng, n_products)
    lines = _lines(rng, n_lines, n_products, n_zones)
    pieces = int(lines["qty"].sum())
    share = rng.dirichlet(np.full(n_warehouses, 4.0))
    warehouses = warehouses.with_columns(
        capacity_orders_day=pl.Series((share * pieces * 0.85).astype(np.int64)),
    )
    return AssignmentInputs(
        lines=lines,
        products=products,
        warehouses=warehouses,
        lanes=_lanes(rng, warehouses, zones),
        destinations=zones,
        stock=_stock(rng, lines, n_products, n_warehouses) if with_stock else None,
    )


def _money(values: np.ndarray) -> pl.Series:
    return pl.Series(np.round(values, 4)).cast(pl.Decimal(18, 4))


def _ids(prefix: str, numbers: np.ndarray, width: int) -> pl.Series:
    return prefix + pl.Series(numbers).cast(pl.String).str.zfill(width)


def _warehouses(rng: np.random.Generator, n: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "warehouse_id": [f"W{i:02d}" for i in range(n)],
            "lat": rng.uniform(-35, 55, n),
            "lon": rng.uniform(-120, 140, n),
            "capacity_kg": pl.Series([None] * n, dtype=pl.Float64),
            "cost_pick": _money(rng.uniform(0.3, 0.9, n)),
            "cost_pack": _money(rng.uniform(0.2, 0.5, n)),
            "can_battery": rng.random(n) < 0.8,
            "can_liquid": [True] * n,
            "can_hazard": rng.random(n) < 0.4,
        }
    )


def _products(rng: np.random.Generator, n: int) -> pl.DataFrame:
    cost = rng.lognormal(2.5, 0.7, n)
    weight = np.where(rng.random(n) < 0.03, np.nan, np.round(rng.lognormal(-0.5, 0.8, n), 3) + 0.01)
    return pl.DataFrame(
        {
            "product_id": [f"P{i:05d}" for i in range(n)],
            "weight_kg": pl.Series(weight).fill_nan(None),
            "length_cm": np.round(rng.uniform(5, 60, n), 1),
            "width_cm": np.round(rng.uniform(5, 40, n), 1),
            "height_cm": np.round(rng.uniform(2, 30, n), 1),
            "has_battery": rng.random(n) < 0.12,
            "is_liquid": rng.random(n) < 0.05,
            "is_hazard": rng.random(n) < 0.02,
            "unit_cost": _money(cost),
            "list_price": _money(cost * rng.uniform(1.2, 2.5, n)),
        }
    )


def _lines(rng: np.random.Generator, n: int, n_products: int, n_zones: int) -> pl.DataFrame:
    weights = 1 / np.arange(1, n_products + 1) ** 0.8
    zone_weights = 1 / np.arange(1, n_zones + 1) ** 0.5
    starts = rng.random(n) < 0.7
    starts[0] = True
    order = np.cumsum(starts) - 1
    n_orders = int(order[-1]) + 1
    zone = rng.choice(n_zones, n_orders, p=zone_weights / zone_weights.sum())
    promise = rng.choice([5.0, 8.0, 15.0, 35.0], n_orders, p=[0.15, 0.35, 0.3, 0.2])
    first = np.flatnonzero(starts)
    return pl.DataFrame(
        {
            "order_id": pl.Series(order).cast(pl.String).str.zfill(8),
            "line_no": np.arange(n) - first[order] + 1,
            "product_id": _ids("P", rng.choice(n_products, n, p=weights / weights.sum()), 5),
            "qty": 1 + rng.poisson(0.25, n),
            "ship_country": _ids("Z", zone[order], 4),
            "promised_days": promise[order],
        }
    )


def _lanes(rng: np.random.Generator, warehouses: pl.DataFrame, zones: pl.DataFrame) -> pl.DataFrame:
    pairs = warehouses.select("warehouse_id", "lat", "lon").join(zones, how="cross", suffix="_to")
    span = np.hypot(pairs["lat"] - pairs["lat_to"], pairs["lon"] - pairs["lon_to"]).to_numpy() / 100
    parts = []
    speed = {"express": (1, 1.5, 9.0), "air": (4, 3, 5.0), "truck": (3, 12, 1.6), "sea": (15, 12, 0.9)}
    for mode in MODES:
        base, slope, rate = speed[mode]
        n = len(span)
        p50 = np.ceil(base + slope * span * rng.uniform(0.8, 1.2, n))
        parts.append(
            pairs.select(
                lane_id=pl.format("{}-{}-{}", "warehouse_id", "country", pl.lit(mode)),
                origin_node="warehouse_id",
                dest_node="country",
                mode=pl.lit(mode),
                distance_km=pl.lit(None, dtype=pl.Float64),
                rate_per_kg=_money(rate * (0.5 + span) * rng.uniform(0.8, 1.2, n)),
                min_charge=_money(rate * rng.uniform(0.3, 0.8, n)),
                surcharge_pct=pl.Series(np.round(rng.uniform(0, 15, n), 1)),
                vol_divisor=pl.lit(5000.0 if mode == "express" else 6000.0),
                transit_p50_days=pl.Series(p50),
                transit_p90_days=pl.Series(np.ceil(p50 * 1.3)),
                allows_battery=pl.lit(mode != "air"),
                allows_liquid=pl.lit(True),
                allows_hazard=pl.lit(mode in ("truck", "sea")),
            ).filter(pl.Series((mode != "truck") | (span < 0.6)))
        )
    return pl.concat(parts)


def _stock(rng: np.random.Generator, lines: pl.DataFrame, n_products: int, n_warehouses: int) -> pl.DataFrame:
    demand = lines.group_by("product_id").agg(pl.col("qty").sum())
    held = pl.DataFrame(
        {
            "product_id": np.repeat([f"P{i:05d}" for i in range(n_products)], 5),
            "w": np.concatenate([rng.choice(n_warehouses, 5, replace=False) for _ in range(n_products)]),
            "share": rng.dirichlet(np.ones(5), n_products).ravel()
            * rng.uniform(0.8, 1.6, n_products).repeat(5),
        }
    )
    return held.join(demand, on="product_id", how="left").select(
        warehouse_id=pl.format("W{}", pl.col("w").cast(pl.String).str.zfill(2)),
        product_id="product_id",
        available=(pl.col("share") * pl.col("qty").fill_null(0)).ceil().cast(pl.Int64),
    )


def linear_program(problem: FlowProblem) -> tuple[np.ndarray, csr_matrix, np.ndarray, np.ndarray]:
    """Costs in base currency, matrix, lower and upper row bounds; columns are arcs, then unserved pieces."""
    n_classes, n_arcs, n_centres = len(problem.class_qty), len(problem.arc_class), len(problem.capacity)
    arcs = np.arange(n_arcs)
    rows = [problem.arc_class, np.arange(n_classes), n_classes + problem.arc_warehouse]
    columns = [arcs, n_arcs + np.arange(n_classes), arcs]
    if problem.arc_stock is not None:
        rows.append(n_classes + n_centres + problem.arc_stock)
        columns.append(arcs)
    where = (np.concatenate(rows), np.concatenate(columns))
    upper = np.concatenate([problem.class_qty, problem.capacity, problem.stock_qty]).astype(np.float64)
    lower = np.where(np.arange(len(upper)) < n_classes, upper, -np.inf)
    matrix = csr_matrix((np.ones(len(where[0])), where), shape=(len(upper), n_arcs + n_classes))
    costs = np.concatenate([problem.arc_cost, problem.class_penalty]) / TICKS_PER_BASE
    return costs, matrix, lower, upper
