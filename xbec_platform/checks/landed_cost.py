"""Checks of landed cost: every order has one row, its steps add up, and missing or unusable rules are loud."""

from xbec_platform import asset_keys
from xbec_platform.checks.table_checks import TableCheck, unique_key

LANDED_COST_CHECKS = (
    unique_key(asset_keys.LANDED_COST, "as_of_date", "order_id"),
    unique_key(asset_keys.LANDED_COST_TRACE, "as_of_date", "order_id", "step_no"),
    unique_key(asset_keys.COMPLIANCE_FLAGS, "as_of_date", "order_id", "flag", "detail"),
    unique_key(asset_keys.REFUSED_RULES, "as_of_date", "rule_id"),
    TableCheck(
        asset_keys.LANDED_COST,
        "every_order_has_a_row",
        "Every order of the day that is not cancelled has its row.",
        """SELECT o.order_date, o.order_id FROM marts.fct_order AS o
        LEFT JOIN ml.landed_cost AS c ON c.order_id = o.order_id AND c.as_of_date = o.order_date
        WHERE o.status <> 'cancelled' AND c.order_id IS NULL
            AND o.order_date BETWEEN $first AND $last
            AND o.order_date IN (SELECT as_of_date FROM ml.landed_cost) ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.LANDED_COST,
        "every_order_has_a_rule",
        "No order crosses a border on a day for which no rule says what to pay.",
        """SELECT as_of_date, market, reason, count(*) AS n_orders FROM ml.landed_cost WHERE status = 'no_rule'
        GROUP BY ALL ORDER BY ALL""",
        blocking=False,
    ),
    TableCheck(
        asset_keys.LANDED_COST,
        "no_amounts_without_a_rule",
        "What has no rule is in no total.",
        """SELECT as_of_date, order_id FROM ml.landed_cost
        WHERE (status = 'no_rule') <> (import_cost IS NULL) ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.LANDED_COST_TRACE,
        "steps_add_up",
        "The amounts of an order's steps are its import cost, to the cent.",
        """WITH steps AS (
            SELECT as_of_date, order_id, sum(amount) AS amount FROM ml.landed_cost_trace GROUP BY ALL
        )
        SELECT as_of_date, order_id, c.import_cost, s.amount FROM ml.landed_cost AS c
        LEFT JOIN steps AS s USING (as_of_date, order_id)
        WHERE c.import_cost IS NOT NULL AND c.import_cost <> coalesce(s.amount, 0) ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.REFUSED_RULES,
        "rules_can_be_applied",
        "Every tariff rule can be applied.",
        "SELECT as_of_date, rule_id, reason FROM ml.refused_tariff_rules ORDER BY ALL",
        blocking=False,
    ),
)
