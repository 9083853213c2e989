"""What groups by interest are found from, as of a day: events on goods of each category, and what their people buy.

A day with n events weighs sqrt(n): pages of one visit follow from each other. Whole millionths, so that sums do not
depend on the order of rows. Nothing decays: a habit of half a year is a habit. The price of an item is low, middle or
high among what lies on the same shelf (the whole path of its category), equal prices in one third.
"""

from xbec_platform.as_of_sql import RATES

WINDOW_DAYS = 240

QUERIES = {
    "evidence": f"""
        WITH {RATES}, people AS (
            SELECT customer_id FROM staging.stg_customer_versions WHERE updated_ts < $day + 1
            QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY updated_ts DESC) = 1
                AND consent_profiling IS TRUE
        ), products AS (
            SELECT * FROM staging.stg_product_versions WHERE valid_from < $day + 1
            QUALIFY row_number() OVER (PARTITION BY product_id ORDER BY valid_from DESC) = 1
        ), prices AS (
            SELECT product_id AS item_id, category_path, list_price * rate_to_base AS price
            FROM products JOIN rates USING (currency) WHERE list_price IS NOT NULL
        ), placed AS (
            SELECT item_id, rank() OVER by_price - 1 + count(*) OVER by_price AS place,
                count(*) OVER (PARTITION BY category_path) AS n_items
            FROM prices WINDOW by_price AS (PARTITION BY category_path ORDER BY price)
        ), thirds AS (
            SELECT item_id, CASE WHEN 3 * place < 2 * n_items THEN 'low'
                WHEN 3 * place < 4 * n_items THEN 'middle' ELSE 'high' END AS price_third
            FROM placed
        ), days AS (
            SELECT customer_id, event_date, attribute_value AS category, price_third, sum(n_events) AS n
            FROM intermediate.int_item_weights LEFT JOIN thirds USING (item_id)
            JOIN (
                SELECT item_id, attribute_value FROM intermediate.int_item_attributes
                WHERE attribute = 'category' AND valid_from <= $day AND valid_to > $day
            ) AS items USING (item_id)
            WHERE event_date <= $day AND event_date > $day - {WINDOW_DAYS} AND n_events > 0
                AND customer_id IN (SELECT customer_id FROM people)
            GROUP BY ALL
        ), weighed AS (
            SELECT *, sum(n) OVER (PARTITION BY customer_id, event_date) AS n_of_day FROM days
        )
        SELECT customer_id, category, price_third, sum(n)::BIGINT AS n_events,
            sum(round(1000000 * n / sqrt(n_of_day)))::BIGINT AS weight_ppm
        FROM weighed GROUP BY ALL ORDER BY ALL
    """,
    "buyers": """
        SELECT customer_id, recency_days, n_orders, net_base, aov_base FROM marts.mart_user_database
        WHERE as_of_date = $day ORDER BY customer_id
    """,
}
