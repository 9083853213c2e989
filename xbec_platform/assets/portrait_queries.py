"""What portraits are made from, as of a day. Tags are not made here."""

from xbec_platform.assets.target_queries import LIFE_STAGES

# Habits of the last year.
WINDOW_DAYS = 365

_ORDERS = f"""
    orders AS (
        SELECT customer_id, order_id, order_ts, channel, ship_country, promised_days, discount FROM marts.fct_order
        WHERE is_paid AND customer_id IS NOT NULL AND order_date <= $day AND order_date > $day - {WINDOW_DAYS}
    )
"""


def _leading(value: str, name: str, count: str) -> str:
    """The value that most orders of a customer have, the smallest one on a tie."""
    return f"""(
        SELECT customer_id, {value} AS {name}, count(*) AS {count} FROM orders
        WHERE {value} IS NOT NULL GROUP BY 1, 2
        QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY count(*) DESC, {value}) = 1
    )"""


QUERIES = {
    "accounts": """
        SELECT source_id AS customer_id, person_id FROM ml.identity_map
        WHERE as_of_date = $day AND kind = 'customer' ORDER BY 1
    """,
    "people": """
        SELECT customer_id, country AS market, consent_profiling IS TRUE AS may_be_profiled
        FROM staging.stg_customer_versions WHERE updated_ts < $day + 1 AND customer_id NOT LIKE 'erased:%'
        QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY updated_ts DESC) = 1 ORDER BY 1
    """,
    "database": """
        SELECT u.* EXCLUDE (as_of_date), r.segment, c.cluster_name,
            i.cluster_name AS interest_name, v.p_alive, v.activity, v.method AS clv_method,
            v.expected_order_days_90d, v.clv_12m_base, v.clv_12m_base_lo, v.clv_12m_base_hi
        FROM marts.mart_user_database AS u LEFT JOIN marts.mart_rfm AS r USING (as_of_date, customer_id)
        LEFT JOIN ml.customer_clusters AS c USING (as_of_date, customer_id)
        LEFT JOIN (FROM ml.customer_interests WHERE cluster_key <> 'all') AS i USING (as_of_date, customer_id)
        LEFT JOIN ml.clv AS v USING (as_of_date, customer_id)
        WHERE u.as_of_date = $day ORDER BY customer_id
    """,
    # Soon: sooner than half of the orders to the same country are promised.
    "habits": f"""
        WITH {_ORDERS}, lines AS (
            SELECT customer_id, count(*) AS n_lines, count(*) FILTER (discount > 0) AS n_reduced_lines
            FROM marts.fct_order_line
            WHERE is_product AND is_paid AND customer_id IS NOT NULL AND order_date <= $day
                AND order_date > $day - {WINDOW_DAYS}
            GROUP BY ALL
        ), usual AS (
            SELECT ship_country, quantile_disc(promised_days, 0.5) AS usual_days FROM orders GROUP BY ALL
        ), counted AS (
            SELECT customer_id, count(*) AS n_orders_seen, count(*) FILTER (discount > 0) AS n_coupon_orders,
                count(promised_days) AS n_promised_orders,
                count(*) FILTER (promised_days < usual_days) AS n_soon_orders
            FROM orders LEFT JOIN usual USING (ship_country) GROUP BY ALL
        )
        SELECT c.*, coalesce(n_lines, 0) AS n_lines, coalesce(n_reduced_lines, 0) AS n_reduced_lines,
            preferred_hour, n_hour_orders, preferred_channel, n_channel_orders
        FROM counted AS c LEFT JOIN lines USING (customer_id)
        LEFT JOIN {_leading("hour(order_ts)", "preferred_hour", "n_hour_orders")} USING (customer_id)
        LEFT JOIN {_leading("channel", "preferred_channel", "n_channel_orders")} USING (customer_id)
        ORDER BY customer_id
    """,
    "likes": """
        SELECT customer_id, attribute, attribute_value, preference, interest_share, n_events, confidence
        FROM ml.user_attribute_preference WHERE as_of_date = $day AND preference > 0 ORDER BY ALL
    """,
    "stages": f"""
        WITH {LIFE_STAGES}
        SELECT s.customer_id, s.life_stage, count(*) AS n_purchases
        FROM stages AS s JOIN purchases AS p USING (life_stage, customer_id)
        WHERE p.event_date > $day - p.lasts_days GROUP BY ALL ORDER BY ALL
    """,
    "settings": """
        SELECT customer_id, preference_value AS delivery FROM staging.stg_preferences
        WHERE preference_key = 'delivery' AND updated_ts < $day + 1 AND customer_id IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY updated_ts DESC) = 1 ORDER BY 1
    """,
    "recommended": """
        SELECT d.customer_id, d.rank, d.product_id, coalesce(p.title, d.product_id) AS title,
            u.n_products AS n_reasons
        FROM ml.recs_discover AS d JOIN marts.mart_user_database AS u USING (as_of_date, customer_id)
        LEFT JOIN marts.dim_product AS p ON p.product_id = d.product_id
        WHERE d.as_of_date = $day AND d.rank <= 3 AND d.reason_kind = 'bought' ORDER BY 1, 2
    """,
    "group_likes": """
        SELECT group_type, group_key, attribute, attribute_value, "index", n_buyers, p_value
        FROM ml.attribute_target_groups WHERE as_of_date = $day AND is_significant ORDER BY ALL
    """,
}
