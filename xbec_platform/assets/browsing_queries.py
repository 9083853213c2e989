"""What browsing, search and similar items are made from, as of a day. Nothing is counted or ranked here."""

from xbec_platform.as_of_sql import DAY_RATES, TARIFF_RULES, latest

# Events of people, with what only the staging view has of a search.
_EVENTS = """
    SELECT e.session_key, e.event_id, e.event_ts, e.event_type, e.page_type, e.product_id, e.country AS market,
        s.search_query AS query, s.search_results_n, s."position"
    FROM intermediate.int_events AS e JOIN staging.stg_events AS s USING (event_id)
    WHERE e.event_date <= $day AND e.event_date > $day - 28 AND s.event_date <= $day AND s.event_date > $day - 28
        AND e.bot_rule IS NULL AND e.session_key IS NOT NULL
"""

QUERIES = {
    # The newest 100,000 visits of eight weeks: more teach little, and memory stays bounded.
    "sessions": """
        WITH seen AS (
            SELECT session_key AS session_id, product_id AS item_id, event_ts AS seen_ts, event_date
            FROM intermediate.int_events
            WHERE product_id IS NOT NULL AND bot_rule IS NULL AND session_key IS NOT NULL
                AND event_type IN ('view', 'item_view', 'click', 'add_to_cart')
                AND event_date <= $day AND event_date > $day - 56
            UNION ALL
            SELECT e.session_key, i.product_id, i.ts + to_microseconds(i.item_no), e.event_date
            FROM raw.event_items AS i JOIN intermediate.int_events AS e USING (event_id)
            WHERE e.bot_rule IS NULL AND e.session_key IS NOT NULL
                AND e.event_date <= $day AND e.event_date > $day - 56
        ), chosen AS (
            SELECT session_id FROM seen GROUP BY session_id ORDER BY max(event_date) DESC, session_id LIMIT 100000
        )
        SELECT session_id, item_id, min(seen_ts) AS seen_ts FROM seen SEMI JOIN chosen USING (session_id)
        GROUP BY ALL ORDER BY ALL
    """,
    "attributes": """
        SELECT item_id, attribute, attribute_value FROM intermediate.int_item_attributes
        WHERE valid_from <= $day AND valid_to > $day AND NOT starts_with(item_id, 'category:') ORDER BY ALL
    """,
    "catalogue": f"""
        SELECT product_id, title, brand, category_path, list_price AS price, currency, hs_code, weight_kg,
            origin_country, nullif(split_part(category_path, '/', 1), '') AS category
        FROM raw.products WHERE valid_from < $day + 1 {latest("product_id", "valid_from")}
        ORDER BY product_id
    """,
    "rules": TARIFF_RULES,
    "rates": DAY_RATES,
    # A search owns what follows it in its visit until the next one.
    "searches": f"""
        WITH events AS ({_EVENTS}), numbered AS (
            SELECT *, lead(event_ts) OVER visit AS next_ts, lead(query) OVER visit AS next_query
            FROM events WHERE event_type = 'search' AND query IS NOT NULL
            WINDOW visit AS (PARTITION BY session_key ORDER BY event_ts, event_id)
        ), followed AS (
            SELECT s.market, s.query, s.session_key, s.search_results_n, s.next_query,
                count(*) FILTER (f.event_type = 'click' AND f.page_type = 'search') AS n_clicks,
                coalesce(sum(f."position") FILTER (f.event_type = 'click' AND f.page_type = 'search'), 0)
                    AS sum_position,
                bool_or(f.event_type = 'add_to_cart') AS has_cart, bool_or(f.event_type = 'purchase') AS has_purchase
            FROM numbered AS s LEFT JOIN events AS f ON f.session_key = s.session_key AND f.event_ts >= s.event_ts
                AND f.event_ts < coalesce(s.next_ts, TIMESTAMP '9999-01-01')
            GROUP BY s.event_id, s.market, s.query, s.session_key, s.search_results_n, s.next_query
        )
        SELECT market, query, count(*)::BIGINT AS n_searches, count(DISTINCT session_key)::BIGINT AS n_sessions,
            count(*) FILTER (search_results_n = 0)::BIGINT AS n_zero_results,
            count(*) FILTER (n_clicks > 0)::BIGINT AS n_clicked, sum(n_clicks)::BIGINT AS n_clicks,
            count(*) FILTER (has_cart)::BIGINT AS n_carts, count(*) FILTER (has_purchase)::BIGINT AS n_purchases,
            count(*) FILTER (n_clicks = 0 AND next_query <> query)::BIGINT AS n_refined,
            sum(sum_position)::BIGINT AS sum_position
        FROM followed GROUP BY ALL ORDER BY ALL
    """,
    "clicks": f"""
        SELECT market, query, product_id, count(*)::BIGINT AS n FROM ({_EVENTS})
        WHERE event_type = 'click' AND page_type = 'search' AND query IS NOT NULL AND product_id IS NOT NULL
        GROUP BY ALL ORDER BY ALL
    """,
}
