"""Orders, stock and network of a day from the warehouse, as the assignment asks for them: asset and commands."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from xbec_platform.as_of_sql import RATES, latest
from xbec_platform.warehouse.database import Warehouse, read_queries

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.logistics.assignment_inputs import AssignmentInputs
    from xbec_platform.logistics.restricted_items import AllowedDay

# Stock older than this says nothing about today.
_STOCK_DAYS = 31

QUERIES = {
    "lines": """
        SELECT order_id, line_no, product_id, qty::BIGINT AS qty, ship_country, order_ts,
            promised_days::DOUBLE AS promised_days
        FROM marts.fct_order_line JOIN marts.fct_order USING (order_id, order_date, order_ts, ship_country)
        WHERE order_date = $day AND is_product
    """,
    "products": f"""
        WITH {RATES}
        SELECT product_id, weight_kg, length_cm, width_cm, height_cm, has_battery, is_liquid, is_hazard,
            (unit_cost * rate_to_base)::DECIMAL(18, 4) AS unit_cost,
            (list_price * rate_to_base)::DECIMAL(18, 4) AS list_price
        FROM marts.dim_product LEFT JOIN rates USING (currency)
    """,
    "warehouses": f"""
        WITH {RATES}, valid AS (
            FROM raw.warehouses WHERE valid_from < $day + 1 {latest("warehouse_id", "valid_from")}
        )
        SELECT warehouse_id, country, lat, lon, capacity_orders_day, capacity_kg, currency,
            (cost_pick * rate_to_base)::DECIMAL(18, 4) AS cost_pick,
            (cost_pack * rate_to_base)::DECIMAL(18, 4) AS cost_pack,
            can_battery, can_liquid, can_hazard
        FROM valid LEFT JOIN rates USING (currency)
    """,
    "lanes": f"""
        WITH {RATES}, valid AS (
            FROM raw.lanes WHERE length(dest_node) = 2 AND valid_from < $day + 1 {latest("lane_id", "valid_from")}
        )
        SELECT lane_id, origin_node, dest_node, mode, carrier, distance_km, currency,
            (rate_per_kg * rate_to_base)::DECIMAL(18, 4) AS rate_per_kg,
            list_transform(
                from_json(rate_brackets, '[{{"min_kg": "DOUBLE", "rate_per_kg": "DOUBLE"}}]'),
                lambda step: {{'min_kg': step.min_kg, 'rate_per_kg': step.rate_per_kg * rate_to_base::DOUBLE}}
            ) AS rate_brackets,
            (min_charge * rate_to_base)::DECIMAL(18, 4) AS min_charge,
            (container_rate * rate_to_base)::DECIMAL(18, 4) AS container_rate, container_max_kg, container_max_m3,
            surcharge_pct, vol_divisor, transit_p50_days, transit_p90_days,
            allows_battery, allows_liquid, allows_hazard
        FROM valid LEFT JOIN rates USING (currency)
    """,
    "restricted": f"""
        WITH items AS (
            FROM raw.restricted_items WHERE valid_from <= $day {latest("restriction_id", "valid_from")}
        ), catalogue AS (
            FROM raw.products WHERE valid_from < $day + 1 {latest("product_id", "valid_from")}
        )
        SELECT product_id, restriction_id, market, mode, carrier, action = 'forbid_from' AS from_outside_eu, reason
        FROM catalogue AS p JOIN items AS r ON CASE match_on
            WHEN 'un_number' THEN un_number = match_value WHEN 'hs_prefix' THEN starts_with(hs_code, match_value)
            WHEN 'flag' THEN CASE match_value WHEN 'has_battery' THEN has_battery WHEN 'is_liquid' THEN is_liquid
                WHEN 'is_hazard' THEN is_hazard WHEN 'is_food' THEN is_food END
            WHEN 'all' THEN true END
        WHERE (r.valid_to IS NULL OR r.valid_to >= $day) AND (
            action = 'forbid' OR action = 'forbid_from' AND limit_unit = 'outside EU'
            OR action = 'limit' AND limit_unit = 'kg net per package' AND weight_kg > limit_value)
        ORDER BY ALL
    """,
    "stock": f"""
        SELECT warehouse_id, product_id, available::BIGINT AS available FROM marts.fct_inventory
        WHERE snapshot_date = (
            SELECT max(snapshot_date) FROM marts.fct_inventory
            WHERE snapshot_date <= $day AND snapshot_date > $day - {_STOCK_DAYS}
        )
    """,
}


class MissingRateError(ValueError):
    """Money that cannot be brought to base currency."""


def read_day(warehouse: Warehouse, day: date) -> "AllowedDay":
    """The frames of a day, without the ways that restricted items forbid.

    Raises:
        MissingRateError: A centre or lane counts in a currency without a rate for the day.
    """
    from xbec_platform.logistics.restricted_items import allow

    with warehouse.connect(f"warehouse plan {day}: read") as connection:
        frames = read_queries(connection, QUERIES, day)
    for name, money in (("warehouses", "cost_pick"), ("lanes", "rate_per_kg")):
        lost = frames[name].filter(frames[name][money].is_null())
        if lost.height:
            currencies = ", ".join(sorted(set(lost["currency"])))
            raise MissingRateError(
                f"{lost.height} {name} count in {currencies}, which has no exchange rate within 7 days of {day}: "
                "deliver fx_rates for it and run the day again"
            )
    return allow(assignment_inputs(frames, frames["stock"]), frames["restricted"])


def assignment_inputs(
    frames: "Mapping[str, pl.DataFrame]", stock: "pl.DataFrame | None"
) -> "AssignmentInputs":
    """The model's input from the frames of `lines`, `products`, `warehouses` and `lanes`."""
    from xbec_platform.demo.geography import country_points
    from xbec_platform.logistics.assignment_inputs import AssignmentInputs

    return AssignmentInputs(
        **{name: frames[name] for name in ("lines", "products", "warehouses", "lanes")},
        destinations=country_points().rename({"iso2": "country"}),
        stock=stock,
    )
