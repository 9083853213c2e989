"""What pre-sale decisions read, as of a day. The decisions are in `logistics`."""

from xbec_platform.as_of_sql import RATES, latest
from xbec_platform.assets.route_queries import LANES, TERMS
from xbec_platform.assignment_day import QUERIES as PLAN_QUERIES

# Deposits that are older say nothing about today.
_DEPOSIT_DAYS = 1100
# Days after the balance closes within which paid orders leave, where the offer names no day.
_ROOM_DAYS = 5
_USUAL_DAYS = 28

_OFFERS = f"""
{RATES}, offers AS (
    SELECT presale_id, product_id, deposit_open_ts, deposit_close_ts, balance_open_ts, balance_close_ts, ship_by_date,
        (deposit_amount * rate_to_base)::DECIMAL(18, 4) AS deposit_base,
        (final_price * rate_to_base)::DECIMAL(18, 4) AS final_price_base
    FROM (
        FROM raw.presales WHERE deposit_open_ts < $day + 1 AND deposit_open_ts >= $day - {_DEPOSIT_DAYS}
        {latest("presale_id", "deposit_open_ts")}
    ) LEFT JOIN rates USING (currency)
)"""

_ORDERS = f"""
orders AS (
    SELECT order_id, presale_id, customer_id, order_ts, ship_country, discount, promised_days, status, updated_ts
    FROM raw.orders WHERE presale_id IS NOT NULL AND order_ts < $day + 1 AND updated_ts < $day + 1
    {latest("order_id", "updated_ts")}
), paid AS (
    SELECT order_id, min(paid_ts) FILTER (kind = 'deposit') AS deposit_ts,
        min(paid_ts) FILTER (kind IN ('balance', 'full')) AS balance_ts
    FROM raw.payments WHERE status = 'succeeded' AND paid_ts < $day + 1 GROUP BY order_id
)"""

QUERIES = {
    "deposits": f"""
        WITH {_OFFERS}, {_ORDERS}, catalogue AS (
            SELECT product_id, nullif(split_part(category_path, '/', 1), '') AS category,
                (list_price * rate_to_base)::DECIMAL(18, 4) AS list_price_base
            FROM (
                FROM raw.products WHERE valid_from < $day + 1 {latest("product_id", "valid_from")}
            ) LEFT JOIN rates USING (currency)
        ), pieces AS (
            SELECT order_id, product_id, sum(qty)::BIGINT AS qty FROM marts.fct_order_line
            WHERE order_date <= $day AND order_date >= $day - {_DEPOSIT_DAYS} AND is_product GROUP BY ALL
        ), placed AS (
            SELECT o.*, p.deposit_ts, p.balance_ts FROM orders AS o JOIN paid AS p USING (order_id)
            WHERE p.deposit_ts IS NOT NULL
        ), earlier AS (
            SELECT a.order_id, count(*) AS prior_orders FROM placed AS a JOIN marts.fct_order AS b
                ON b.customer_id = a.customer_id AND b.order_ts < a.deposit_ts
                AND b.order_ts >= a.deposit_ts - INTERVAL 365 DAY AND b.order_id <> a.order_id
            GROUP BY a.order_id
        )
        SELECT a.order_id, a.presale_id, f.product_id, a.customer_id, a.ship_country AS zone,
            coalesce(q.qty, 0) AS qty, c.category, a.deposit_ts, f.balance_open_ts, f.balance_close_ts, a.balance_ts,
            CASE WHEN a.status = 'cancelled' AND a.balance_ts IS NULL THEN a.updated_ts END AS cancelled_ts,
            f.deposit_base, f.final_price_base, c.list_price_base, coalesce(a.discount, 0) > 0 AS has_coupon,
            coalesce(e.prior_orders, 0)::BIGINT AS prior_orders, a.promised_days::DOUBLE AS promised_days
        FROM placed AS a JOIN offers AS f USING (presale_id)
        LEFT JOIN pieces AS q ON q.order_id = a.order_id AND q.product_id = f.product_id
        LEFT JOIN catalogue AS c ON c.product_id = f.product_id LEFT JOIN earlier AS e ON e.order_id = a.order_id
        ORDER BY a.order_id
    """,
    "presales": f"""
        WITH {_OFFERS}
        SELECT presale_id, product_id, deposit_open_ts, balance_open_ts, final_price_base FROM offers
        WHERE balance_open_ts >= $day ORDER BY presale_id
    """,
    "products": PLAN_QUERIES["products"],
    "warehouses": f"""
        WITH plain AS ({PLAN_QUERIES["warehouses"]}), kinds AS (
            SELECT warehouse_id, type FROM raw.warehouses WHERE valid_from < $day + 1
            {latest("warehouse_id", "valid_from")}
        ), shipped AS (
            SELECT DISTINCT warehouse_id, order_id FROM marts.fct_shipment
            WHERE shipped_date <= $day AND shipped_date > $day - {_USUAL_DAYS}
        ), usual AS (
            SELECT warehouse_id, sum(qty)::DOUBLE / {_USUAL_DAYS} AS usual_pieces_day
            FROM shipped JOIN marts.fct_order_line USING (order_id) WHERE is_product GROUP BY warehouse_id
        )
        SELECT plain.*, type, usual_pieces_day, {_ROOM_DAYS}::BIGINT AS room_days
        FROM plain JOIN kinds USING (warehouse_id) LEFT JOIN usual USING (warehouse_id) ORDER BY warehouse_id
    """,
    "lanes": PLAN_QUERIES["lanes"],
    # What usual trade needs within four weeks is not there for pre-sales.
    "stock": f"""
        WITH held AS ({PLAN_QUERIES["stock"]}), shipped AS (
            SELECT DISTINCT warehouse_id, order_id FROM marts.fct_shipment
            WHERE shipped_date <= $day AND shipped_date > $day - {_USUAL_DAYS}
        ), usual AS (
            SELECT warehouse_id, product_id, sum(qty)::BIGINT AS qty
            FROM shipped JOIN marts.fct_order_line USING (order_id) WHERE is_product GROUP BY ALL
        )
        SELECT warehouse_id, product_id, greatest(available - coalesce(qty, 0), 0)::BIGINT AS available
        FROM held LEFT JOIN usual USING (warehouse_id, product_id) ORDER BY ALL
    """,
    "route_lanes": LANES,
    **TERMS,
}

# Pre-sales whose balance window closed so many days ago, and who paid and got what by now.
CLOSED = f"""
    SELECT presale_id, product_id, deposit_open_ts::DATE AS opened_on, balance_open_ts::DATE AS balance_on
    FROM (
        FROM raw.presales WHERE deposit_open_ts < $day + 1 {latest("presale_id", "deposit_open_ts")}
    ) WHERE balance_close_ts >= $day - {{days}} AND balance_close_ts < $day - {{days}} + 1 ORDER BY presale_id
"""

OUTCOME_ORDERS = f"""
    WITH {_ORDERS}, ends AS (
        SELECT s.order_id, min(s.warehouse_id) AS warehouse_id, min(t.scan_ts) AS delivered_ts
        FROM marts.fct_shipment AS s JOIN marts.fct_shipment_stage AS t USING (parcel_id)
        WHERE t.stage = 'delivered' AND t.scan_date <= $day GROUP BY s.order_id
    ), pieces AS (
        SELECT order_id, product_id, sum(qty)::BIGINT AS qty FROM marts.fct_order_line
        WHERE order_date <= $day AND is_product GROUP BY ALL
    )
    SELECT o.order_id, o.presale_id, q.product_id, o.ship_country AS zone, q.qty, p.balance_ts IS NOT NULL AS is_paid,
        CASE WHEN p.balance_ts IS NOT NULL THEN e.warehouse_id END AS warehouse_id,
        CASE WHEN e.delivered_ts >= p.balance_ts
            THEN date_diff('second', p.balance_ts, e.delivered_ts) / 3600.0 END::DOUBLE AS hours_to_door
    FROM orders AS o JOIN paid AS p USING (order_id)
    JOIN (SELECT DISTINCT presale_id, product_id FROM raw.presales) AS f USING (presale_id)
    JOIN pieces AS q ON q.order_id = o.order_id AND q.product_id = f.product_id
    LEFT JOIN ends AS e ON e.order_id = o.order_id
    WHERE p.deposit_ts IS NOT NULL ORDER BY o.order_id
"""
