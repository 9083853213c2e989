"""What the preference model reads as of a day: decayed sums per customer and attribute value. Scores are not made here.

A sum of a day's weights, each halved for every 30 days of its age, is kept exact: a decay is a whole number of
millionths, so that sums do not depend on the order of rows. Of 240 days: older ones weigh less than 1/256. The
state a day needs is therefore bounded by what 240 days hold, however long the shop has been open.
"""

HALF_LIFE_DAYS = 30
WINDOW_DAYS = 240

_DECAY = f"round(1000000 * pow(0.5, ($day - event_date) / {HALF_LIFE_DAYS}.0))::BIGINT"
_KNOWN = f"event_date <= $day AND event_date > $day - {WINDOW_DAYS}"
_VALID = "valid_from <= $day AND valid_to > $day"
_ATTRIBUTES = (
    f"(SELECT item_id, attribute, attribute_value FROM intermediate.int_item_attributes WHERE {_VALID})"
)

# Whose signals there are, and what of: signals say so by numbers in this order, from 0. Counting by numbers costs half
# of counting by texts, and handing them over less.
_CUSTOMERS = f"""
    SELECT DISTINCT customer_id FROM intermediate.int_item_signals WHERE {_KNOWN} AND customer_id IS NOT NULL
"""
_VALUES = f"SELECT DISTINCT attribute, attribute_value FROM {_ATTRIBUTES} AS attributes"

QUERIES = {
    "signals": f"""
        WITH customers AS (
            SELECT customer_id, row_number() OVER (ORDER BY customer_id) - 1 AS customer_no FROM ({_CUSTOMERS})
        ), items AS (
            SELECT customer_no, item_id,
                sum({_DECAY} * browsing_weight)::BIGINT AS browsing_ppm,
                sum({_DECAY} * frequency_weight)::BIGINT AS frequency_ppm,
                sum({_DECAY} * n_impressions)::BIGINT AS impressions_ppm,
                sum({_DECAY} * n_impression_clicks)::BIGINT AS clicks_ppm,
                sum(n_events)::BIGINT AS n_events
            FROM intermediate.int_item_weights JOIN customers USING (customer_id) WHERE {_KNOWN} GROUP BY ALL
        ), attributes AS (
            SELECT item_id, dense_rank() OVER (ORDER BY attribute, attribute_value) - 1 AS value_no FROM {_ATTRIBUTES}
        )
        SELECT customer_no::UINTEGER AS customer_no, value_no::UINTEGER AS value_no,
            sum(browsing_ppm)::BIGINT AS browsing_ppm, sum(frequency_ppm)::BIGINT AS frequency_ppm,
            sum(impressions_ppm)::BIGINT AS impressions_ppm, sum(clicks_ppm)::BIGINT AS clicks_ppm,
            sum(n_events)::BIGINT AS n_events
        FROM items JOIN attributes USING (item_id) GROUP BY ALL
    """,
    "signal_customers": f"{_CUSTOMERS} ORDER BY 1",
    "signal_values": f"{_VALUES} ORDER BY 1, 2",
    "exposures": f"""
        WITH items AS (
            SELECT country AS market, item_id,
                sum({_DECAY} * n_impressions)::BIGINT AS impressions_ppm, sum({_DECAY} * n_views)::BIGINT AS views_ppm
            FROM intermediate.int_item_weights WHERE {_KNOWN} GROUP BY ALL
        )
        SELECT market, attribute, attribute_value,
            sum(impressions_ppm)::BIGINT AS impressions_ppm, sum(views_ppm)::BIGINT AS views_ppm
        FROM items JOIN {_ATTRIBUTES} AS attributes USING (item_id) GROUP BY ALL ORDER BY 1, 2, 3
    """,
    "customers": """
        SELECT customer_id, country AS market, consent_profiling IS TRUE AS may_be_profiled
        FROM staging.stg_customer_versions WHERE updated_ts < $day + 1
        QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY updated_ts DESC) = 1 ORDER BY 1
    """,
    "settings": f"""
        SELECT customer_id, attribute, attribute_value FROM intermediate.int_preference_settings WHERE {_VALID}
        ORDER BY 1, 2, 3
    """,
    "groups": "SELECT customer_id, cluster_key FROM ml.customer_interests WHERE as_of_date = $day ORDER BY 1",
    "setting_weight": "SELECT weight::DOUBLE AS weight FROM seeds.preference_weights WHERE signal = 'setting'",
}
