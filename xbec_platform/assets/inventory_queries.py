"""What the inventory policy and the comparison of operation modes read, as of a day. Nothing is decided here."""

from xbec_platform.as_of_sql import RATES, TARIFF_RULES, latest

# Days of sales that a level rests on, and how old a count of the shelves may be.
HISTORY_DAYS, STOCK_DAYS = 180, 31


# Pieces by warehouse, product and day. An order that came from several warehouses: each line from one that keeps the
# product, the first to ship. A shop without shipments: what was ordered, shared by what lies where. Pre-sales are known
# before they are shipped and stay out. A day on which nothing lay there and nothing left says nothing of the demand.
_SALES = f"""
bounds AS (
    SELECT greatest($day - {HISTORY_DAYS - 1}, min(order_date)) AS first_day FROM marts.fct_order
    WHERE order_date <= $day
), shelves AS (
    SELECT warehouse_id, product_id, snapshot_date, available, is_sample FROM marts.fct_inventory
    WHERE snapshot_date <= $day AND snapshot_date > $day - {HISTORY_DAYS}
), keeps AS (
    SELECT warehouse_id, product_id, min(snapshot_date) AS first_seen, bool_or(is_sample) AS is_sample,
        sum(available)::DOUBLE AS lay
    FROM shelves GROUP BY ALL
), lines AS (
    SELECT order_id, line_no, product_id, qty, order_date
    FROM marts.fct_order_line JOIN marts.fct_order USING (order_id, order_date)
    WHERE is_product AND NOT coalesce(is_presale, false)
        AND order_date <= $day AND order_date > $day - {HISTORY_DAYS + 60}
), sent AS (
    SELECT order_id, warehouse_id, min(shipped_date) AS shipped_date FROM marts.fct_shipment
    WHERE shipped_date <= $day GROUP BY ALL
), placed AS (
    SELECT l.product_id, s.warehouse_id, s.shipped_date AS sale_date, l.qty, 1.0::DOUBLE AS share,
        'shipped' AS demand_basis
    FROM lines AS l JOIN sent AS s USING (order_id)
    LEFT JOIN keeps AS k ON k.warehouse_id = s.warehouse_id AND k.product_id = l.product_id
    QUALIFY row_number() OVER (
        PARTITION BY l.order_id, l.line_no ORDER BY k.product_id IS NULL, s.shipped_date, s.warehouse_id) = 1
    UNION ALL
    SELECT l.product_id, k.warehouse_id, l.order_date, l.qty, k.share, 'shared' FROM lines AS l JOIN (
        SELECT *, lay / nullif(sum(lay) OVER (PARTITION BY product_id), 0) AS share FROM keeps
    ) AS k USING (product_id)
    WHERE k.share > 0 AND NOT EXISTS (SELECT 1 FROM sent)
), sales AS (
    SELECT warehouse_id, product_id, sale_date, sum(qty) * min(share) AS pieces, min(demand_basis) AS demand_basis
    FROM placed, bounds WHERE sale_date >= first_day GROUP BY ALL
), gaps AS (
    SELECT warehouse_id, product_id, snapshot_date AS sale_date FROM shelves WHERE available = 0
    EXCEPT SELECT warehouse_id, product_id, sale_date FROM sales
), spans AS (
    SELECT warehouse_id, product_id, s.demand_basis,
        CASE WHEN is_sample OR first_seen IS NULL THEN first_day ELSE greatest(first_day, first_seen) END AS first_day
    FROM keeps FULL JOIN (
        SELECT warehouse_id, product_id, min(demand_basis) AS demand_basis FROM sales GROUP BY ALL
    ) AS s USING (warehouse_id, product_id), bounds
)"""

INVENTORY_QUERIES = {
    "stock": f"""
        SELECT warehouse_id, product_id, on_hand, reserved, inbound, age_0_30, age_31_60, age_61_90, age_91_180,
            age_181_360, age_361_plus
        FROM raw.inventory_snapshots WHERE snapshot_date = (
            SELECT max(snapshot_date) FROM raw.inventory_snapshots
            WHERE snapshot_date <= $day AND snapshot_date > $day - {STOCK_DAYS}
        ) {latest("warehouse_id, product_id, snapshot_date", "snapshot_date")}
        ORDER BY warehouse_id, product_id
    """,
    "history": f"""
        WITH {_SALES}
        SELECT warehouse_id, product_id, coalesce(demand_basis, 'none') AS demand_basis,
            greatest($day - first_day + 1 - count(g.sale_date), 0)::BIGINT AS days_in_stock
        FROM spans LEFT JOIN gaps AS g USING (warehouse_id, product_id)
        WHERE g.sale_date IS NULL OR g.sale_date >= first_day
        GROUP BY warehouse_id, product_id, demand_basis, first_day ORDER BY ALL
    """,
    "demand": f"""
        WITH {_SALES}, marks AS (
            SELECT warehouse_id, product_id, sale_date, pieces, 0 AS gap FROM sales
            UNION ALL SELECT warehouse_id, product_id, sale_date, 0, 1 FROM gaps
        )
        SELECT warehouse_id, product_id, day::BIGINT AS day, pieces FROM (
            SELECT warehouse_id, product_id, pieces, gap, sale_date - first_day - sum(gap) OVER (
                PARTITION BY warehouse_id, product_id ORDER BY sale_date ROWS UNBOUNDED PRECEDING) AS day
            FROM marks JOIN spans USING (warehouse_id, product_id) WHERE sale_date >= first_day
        ) WHERE gap = 0 ORDER BY ALL
    """,
    "lead_times": f"""
        SELECT warehouse_id, sum(days) / count(*) AS lead_mean_days,
            sqrt(count(*) * sum(days * days) - sum(days) * sum(days)) / count(*) AS lead_sd_days, count(*) AS n_orders
        FROM (
            SELECT warehouse_id, (inbound_eta_date - snapshot_date)::BIGINT AS days, inbound,
                lag(inbound, 1, 0) OVER (PARTITION BY warehouse_id, product_id ORDER BY snapshot_date) AS before
            FROM marts.fct_inventory WHERE snapshot_date <= $day AND snapshot_date > $day - {HISTORY_DAYS}
        ) WHERE inbound > before AND days > 0 GROUP BY warehouse_id ORDER BY warehouse_id
    """,
    "known": f"""
        WITH headers AS (
            SELECT order_id, status FROM raw.orders WHERE updated_ts < $day + 1 AND is_presale
            {latest("order_id", "updated_ts")}
        ), kinds AS (
            SELECT order_id, bool_or(kind = 'deposit') AS has_deposit, bool_or(kind <> 'deposit') AS has_balance
            FROM raw.payments
            WHERE paid_ts < $day + 1 AND status = 'succeeded' AND kind IN ('deposit', 'balance', 'full')
            GROUP BY order_id
        )
        SELECT product_id, sum(qty)::BIGINT AS pieces FROM headers JOIN kinds USING (order_id)
        JOIN marts.fct_order_line AS l USING (order_id)
        WHERE headers.status = 'placed' AND has_deposit AND NOT has_balance AND l.order_date <= $day AND l.is_product
        GROUP BY product_id ORDER BY product_id
    """,
    "products": f"""
        WITH {RATES}
        SELECT product_id, (unit_cost * rate_to_base)::DECIMAL(18, 4) AS unit_cost,
            (list_price * rate_to_base)::DECIMAL(18, 4) AS list_price, weight_kg, length_cm, width_cm, height_cm,
            has_battery, is_hazard, origin_country, hs_code, nullif(split_part(category_path, '/', 1), '') AS category
        FROM (
            FROM raw.products WHERE valid_from < $day + 1 {latest("product_id", "valid_from")}
        ) LEFT JOIN rates USING (currency) ORDER BY product_id
    """,
    "warehouses": f"""
        WITH {RATES}
        SELECT warehouse_id, type, country, (cost_pick * rate_to_base)::DECIMAL(18, 4) AS cost_pick,
            (cost_pack * rate_to_base)::DECIMAL(18, 4) AS cost_pack
        FROM (
            FROM raw.warehouses WHERE valid_from < $day + 1 {latest("warehouse_id", "valid_from")}
        ) LEFT JOIN rates USING (currency) ORDER BY warehouse_id
    """,
    "tiers": f"""
        WITH {RATES}
        SELECT warehouse_type, from_age_days, currency, (rate_m3_day * rate_to_base)::DOUBLE AS rate_base
        FROM seeds.storage_tiers LEFT JOIN rates USING (currency) ORDER BY warehouse_type, from_age_days
    """,
    "rules": TARIFF_RULES,
    "rates": f"WITH {RATES} SELECT currency, rate_to_base FROM rates ORDER BY currency",
}
