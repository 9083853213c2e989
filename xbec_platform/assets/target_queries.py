"""What target groups are found from, as of a day: who belongs to which group, what was bought. No ratings."""

WINDOW_DAYS = 28

_VALID = "valid_from <= $day AND valid_to > $day"
_ITEMS = f"(SELECT item_id, attribute, attribute_value FROM intermediate.int_item_attributes WHERE {_VALID})"

# Who is in which life stage: purchases, and stages (life_stage, customer_id).
LIFE_STAGES = f"""
    purchases AS (
        SELECT DISTINCT life_stage, customer_id, event_date, item_id, least_purchases, within_days, lasts_days
        FROM intermediate.int_item_signals JOIN {_ITEMS} AS items USING (item_id)
        JOIN seeds.life_stages USING (attribute, attribute_value)
        WHERE n_purchases > 0 AND customer_id IS NOT NULL AND event_date <= $day
    ), numbered AS (
        SELECT *, row_number() OVER (PARTITION BY life_stage, customer_id ORDER BY event_date, item_id) AS n
        FROM purchases
    ), stages AS (
        SELECT DISTINCT a.life_stage, a.customer_id FROM numbered AS a
        JOIN numbered AS b ON a.life_stage = b.life_stage AND a.customer_id = b.customer_id
            AND b.n = a.n + a.least_purchases - 1 AND b.event_date <= a.event_date + a.within_days
        WHERE b.event_date > $day - a.lasts_days
    )
"""

# Run for the first and for the last day of the window.
MEMBERS = f"""
    WITH people AS (
        SELECT customer_id, country, year($day) - birth_year AS age FROM staging.stg_customer_versions
        WHERE updated_ts < $day + 1
        QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY updated_ts DESC) = 1
    ), {LIFE_STAGES}, groups AS (
        SELECT 'segment' AS group_type, segment AS group_key, customer_id FROM marts.mart_rfm WHERE as_of_date = $day
        UNION ALL SELECT 'country', country, customer_id FROM people WHERE country IS NOT NULL
        UNION ALL SELECT 'age_band', CASE WHEN age < 25 THEN 'under 25' WHEN age < 35 THEN '25 to 34'
            WHEN age < 45 THEN '35 to 44' WHEN age < 55 THEN '45 to 54' ELSE '55 and over' END, customer_id
        FROM people WHERE age IS NOT NULL
        UNION ALL SELECT 'life_stage', coalesce(s.life_stage, 'none known'), customer_id
        FROM (SELECT DISTINCT customer_id FROM intermediate.int_item_signals
            WHERE n_purchases > 0 AND customer_id IS NOT NULL AND event_date <= $day) AS buyers
        LEFT JOIN stages AS s USING (customer_id)
    )
    SELECT DISTINCT * FROM groups WHERE customer_id IS NOT NULL ORDER BY ALL
"""

QUERIES = {
    "now": MEMBERS,
    "bought": f"""
        SELECT DISTINCT customer_id, item_id FROM intermediate.int_item_signals
        WHERE n_purchases > 0 AND customer_id IS NOT NULL AND event_date <= $day AND event_date > $day - {WINDOW_DAYS}
        ORDER BY ALL
    """,
    # What is sold, with the purchases of things the catalogue does not know.
    "items": f"""
        SELECT item_id, attribute, attribute_value FROM {_ITEMS} AS items
        WHERE NOT starts_with(item_id, 'category:') ORDER BY ALL
    """,
    "active": """
        SELECT DISTINCT customer_id FROM intermediate.int_item_signals
        WHERE customer_id IS NOT NULL AND event_date <= $day AND event_date > $day - 90
            AND n_views + n_clicks + n_carts + n_purchases + n_search_matches > 0 ORDER BY ALL
    """,
    "margins": """
        SELECT product_id AS item_id, ((list_price - unit_cost) * rate_to_base)::DECIMAL(18, 4) AS margin_base
        FROM (
            SELECT * FROM staging.stg_product_versions WHERE valid_from < $day + 1
            QUALIFY row_number() OVER (PARTITION BY product_id ORDER BY valid_from DESC) = 1
        ) AS products LEFT JOIN intermediate.int_fx_daily AS fx
            ON fx.currency = products.currency AND fx.fx_date = $day
        ORDER BY ALL
    """,
}
