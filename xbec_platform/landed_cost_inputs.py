"""Orders and rules of a period from the warehouse, as the landed cost asks for them: for the asset and for commands."""

from datetime import date
from typing import TYPE_CHECKING

from xbec_platform.as_of_sql import TARIFF_RULES, latest
from xbec_platform.warehouse.database import Warehouse, read_frame

if TYPE_CHECKING:
    from xbec_platform.logistics.landed_cost_tables import LandedCostInputs

# Cancelled orders cross no border. What a buyer had bought in the year counts from 1 January of the first day.
_HEADERS = f"""
headers AS (
    SELECT order_id, status, incoterm, operation_mode FROM raw.orders WHERE updated_ts < $day + 1
    {latest("order_id", "updated_ts")}
), modes AS (
    SELECT mode_id, crosses_border_with_parcel FROM raw.operation_modes WHERE valid_from <= $day
    {latest("mode_id", "valid_from")}
), delivered AS (
    SELECT o.order_id, o.customer_id, o.order_date, o.order_ts, coalesce(o.ship_country, o.market) AS market,
        o.currency, o.shipping_fee, o.discount, headers.incoterm,
        coalesce(crosses_border_with_parcel, true) AS crosses_border,
        (o.goods_total - coalesce(o.discount, 0) + coalesce(o.shipping_fee, 0)) * fx.rate_to_base AS transaction_base
    FROM marts.fct_order AS o LEFT JOIN headers USING (order_id) LEFT JOIN modes ON mode_id = operation_mode
    LEFT JOIN intermediate.int_fx_daily AS fx ON fx.currency = o.currency AND fx.fx_date = o.order_date
    WHERE o.order_date <= $day AND o.order_date >= date_trunc('year', $from)
        AND coalesce(headers.status, o.status) <> 'cancelled'
)"""


_QUERIES = {
    "orders": f"""
        WITH {_HEADERS}
        SELECT order_id, order_date, market, currency, shipping_fee, discount, incoterm, crosses_border,
            bought_before_base::DECIMAL(18, 4) AS bought_before_base
        FROM (
            SELECT *, CASE WHEN customer_id IS NOT NULL AND crosses_border THEN sum(transaction_base) OVER (
                PARTITION BY customer_id, market, crosses_border, date_trunc('year', order_date)
                ORDER BY order_ts, order_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) END AS bought_before_base
            FROM delivered
        )
        WHERE order_date >= $from ORDER BY order_id
    """,
    "lines": f"""
        WITH catalogue AS (
            SELECT product_id, hs_code, weight_kg, nullif(split_part(category_path, '/', 1), '') AS category
            FROM raw.products WHERE valid_from < $day + 1 {latest("product_id", "valid_from")}
        )
        SELECT order_id, line_no, product_id, qty::BIGINT AS qty, line_total, hs_code, category, weight_kg
        FROM marts.fct_order_line LEFT JOIN catalogue USING (product_id)
        WHERE order_date <= $day AND order_date >= $from AND is_product ORDER BY order_id, line_no
    """,
    "rules": TARIFF_RULES,
    "rates": """
        SELECT fx_date, currency, rate_to_base FROM intermediate.int_fx_daily
        WHERE fx_date <= $day AND fx_date >= $from
    """,
}


def read_inputs(warehouse: Warehouse, first: date, last: date) -> "LandedCostInputs":
    """Orders of the days from the first to the last, both included, as known at the end of the last one.

    Args:
        warehouse: The live file.
        first: First order day.
        last: Last order day.
    """
    from xbec_platform.logistics.landed_cost_tables import LandedCostInputs

    dates = {"$from": f"DATE '{first.isoformat()}'", "$day": f"DATE '{last.isoformat()}'"}
    frames = {}
    with warehouse.connect("landed cost: read") as connection:
        for name, sql in _QUERIES.items():
            for mark, value in dates.items():
                sql = sql.replace(mark, value)  # noqa: PLW2901
            frames[name] = read_frame(connection, sql)
    return LandedCostInputs(**frames)
