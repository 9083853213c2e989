"""What recommendations are made from, as of a day: history, signals, eligibility, earlier lists. No model."""

from xbec_platform.as_of_sql import latest

# A second year of history does not help (measured on Online Retail II), a year keeps seasonal goods.
_HISTORY_DAYS = 400

QUERIES = {
    "interactions": f"""
        SELECT customer_id, product_id, order_id, order_date, qty::BIGINT AS qty, ship_country AS market
        FROM marts.fct_order_line
        WHERE is_product AND customer_id IS NOT NULL AND order_date <= $day AND order_date > $day - {_HISTORY_DAYS}
    """,
    "customers": f"""
        SELECT customer_id, country AS market FROM raw.customers WHERE updated_ts < $day + 1
        {latest("customer_id", "updated_ts")}
    """,
    "consenting": f"""
        SELECT customer_id FROM raw.customers WHERE updated_ts < $day + 1
        {latest("customer_id", "updated_ts")} AND consent_profiling IS TRUE
    """,
    "products": f"""
        SELECT product_id, coalesce(p.status, 'active') AS status
        FROM marts.dim_product AS d LEFT JOIN (
            SELECT product_id, status FROM raw.products WHERE valid_from < $day + 1
            {latest("product_id", "valid_from")}
        ) AS p USING (product_id)
        WHERE d.is_product
    """,
    "stock": """
        SELECT product_id, sum(available)::BIGINT AS available FROM marts.fct_inventory
        WHERE snapshot_date = (SELECT max(snapshot_date) FROM marts.fct_inventory
            WHERE snapshot_date <= $day AND snapshot_date > $day - 31)
        GROUP BY product_id
    """,
    "restrictions": f"""
        WITH lanes AS (
            FROM raw.lanes WHERE valid_from < $day + 1
            {latest("lane_id", "valid_from")}
        ), markets AS (
            SELECT dest_node AS market, bool_or(allows_battery) AS battery, bool_or(allows_liquid) AS liquid,
                bool_or(allows_hazard) AS hazard
            FROM lanes GROUP BY dest_node
        )
        SELECT product_id, market, CASE
            WHEN has_battery AND NOT battery THEN 'no lane takes batteries'
            WHEN is_liquid AND NOT liquid THEN 'no lane takes liquids'
            ELSE 'no lane takes hazardous goods' END AS reason
        FROM marts.dim_product CROSS JOIN markets
        WHERE (has_battery AND NOT battery) OR (is_liquid AND NOT liquid) OR (is_hazard AND NOT hazard)
    """,
    # What people who are known did short of buying; 90 days are six half-lives.
    "signals": """
        SELECT customer_id, item_id, event_date AS signal_date, sum(n_views)::BIGINT AS n_views,
            sum(n_clicks)::BIGINT AS n_clicks, sum(n_search_matches)::BIGINT AS n_search_matches,
            sum(n_long_dwells)::BIGINT AS n_long_dwells, sum(n_wishes)::BIGINT AS n_wishes,
            sum(n_carts)::BIGINT AS n_carts
        FROM intermediate.int_item_signals
        WHERE customer_id IS NOT NULL AND event_date <= $day AND event_date > $day - 90
            AND n_views + n_clicks + n_search_matches + n_long_dwells + n_wishes + n_carts > 0
        GROUP BY ALL ORDER BY ALL
    """,
    # A product without attributes has the words of its title, known from its first order on.
    "attributes": f"""
        WITH described AS (
            SELECT item_id, attribute, attribute_value, valid_from, valid_to FROM intermediate.int_item_attributes
            WHERE attribute_value IS NOT NULL AND valid_from <= $day AND NOT starts_with(item_id, 'category:')
        ), titles AS (
            SELECT product_id, title FROM raw.products WHERE valid_from < $day + 1
            {latest("product_id", "valid_from")}
        ), sold AS (
            SELECT product_id, min(order_date) AS first_date FROM marts.fct_order_line WHERE order_date <= $day
            GROUP BY product_id
        )
        FROM described
        UNION ALL
        SELECT DISTINCT product_id, 'title', unnest(regexp_extract_all(lower(title), '[\\p{{L}}]{{3,}}')), first_date,
            DATE '9999-12-31'
        FROM titles JOIN sold USING (product_id) WHERE product_id NOT IN (SELECT item_id FROM described)
        ORDER BY ALL
    """,
}

# Lists of earlier days: the last one within a week, and the one that has had a week to prove itself.
LIMITS = ("restrictions", "stock")
"""What keeps products from being shown where the network is a real one; arguments of `decide_eligibility`."""

EARLIER_LISTS = {
    "previous": """
        SELECT * FROM ml.recs_discover WHERE as_of_date = (
            SELECT max(as_of_date) FROM ml.recs_discover WHERE as_of_date < $day AND as_of_date >= $day - 7)
    """,
    "week_ago": "SELECT customer_id, rank, product_id FROM ml.recs_discover WHERE as_of_date = $day - 7",
}
