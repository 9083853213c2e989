"""Checks of target groups: keys, privacy, intervals."""

from xbec_platform import asset_keys
from xbec_platform.assets.target_queries import WINDOW_DAYS
from xbec_platform.checks.table_checks import TableCheck, unique_key


def _private_and_sound(key: str) -> tuple[TableCheck, TableCheck]:
    asset = {"attribute": asset_keys.ATTRIBUTE_TARGETS, "product": asset_keys.PRODUCT_TARGETS}[key]
    table = asset_keys.table(asset)
    return (
        TableCheck(
            asset,
            "no_small_group",
            "No group of fewer than 30 people is shown.",
            f"SELECT as_of_date, group_type, group_key, n_group FROM {table} WHERE n_group < 30 ORDER BY ALL",
        ),
        TableCheck(
            asset,
            "index_within_interval",
            "Every index is above 0 and lies in its interval; nobody buys more often than there are people.",
            f"""SELECT as_of_date, group_type, group_key, index_lo, "index", index_hi FROM {table}
            WHERE NOT (0 <= index_lo AND index_lo <= "index" AND "index" <= index_hi AND n_buyers <= n_group)
            ORDER BY ALL""",
        ),
    )


TARGET_CHECKS = (
    unique_key(
        asset_keys.ATTRIBUTE_TARGETS, "as_of_date", "group_type", "group_key", "attribute", "attribute_value"
    ),
    unique_key(asset_keys.PRODUCT_TARGETS, "as_of_date", "item_id", "rank"),
    *_private_and_sound("attribute"),
    *_private_and_sound("product"),
    TableCheck(
        asset_keys.ATTRIBUTE_TARGETS,
        "groups_at_the_start_are_known",
        f"Who belonged to segments and clusters {WINDOW_DAYS} days before is known, if there were customers then. "
        "If not, they are missing: run intake_and_facts for the day that is not built, then target groups again.",
        f"""WITH built AS (
            SELECT DISTINCT as_of_date FROM marts.mart_user_database SEMI JOIN marts.mart_rfm USING (as_of_date)
        )
        SELECT day::DATE AS as_of_date, day::DATE - {WINDOW_DAYS} AS day_not_built
        FROM generate_series($first::TIMESTAMP, $last::TIMESTAMP, INTERVAL 1 DAY) AS days(day)
        WHERE day_not_built NOT IN (FROM built) AND day_not_built >= (
            SELECT min(event_date) FROM intermediate.int_customer_days WHERE n_orders > 0
        ) ORDER BY ALL""",
        blocking=False,
    ),
)
