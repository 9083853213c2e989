"""Checks of pre-sales: keys, nobody forgotten, chances in range and calibrated, never worse than a shop rule."""

from xbec_platform import asset_keys
from xbec_platform.checks.table_checks import TableCheck, unique_key

CALIBRATION_ERROR = 0.03

PRESALE_CHECKS = (
    unique_key(asset_keys.PRESALE_CONVERSION, "as_of_date", "order_id"),
    unique_key(asset_keys.PRESALE_MODEL, "as_of_date"),
    unique_key(asset_keys.PRESALE_CALIBRATION, "as_of_date", "balance_open_date", "bin"),
    unique_key(asset_keys.PREPOSITION_PLAN, "as_of_date", "presale_id", "warehouse_id"),
    unique_key(asset_keys.PREPOSITION_ORDERS, "as_of_date", "order_id"),
    unique_key(asset_keys.PREPOSITION_SUMMARY, "as_of_date"),
    unique_key(asset_keys.PRESALE_OUTCOME, "as_of_date", "presale_id", "warehouse_id"),
    TableCheck(
        asset_keys.PRESALE_CONVERSION,
        "chances_and_states_agree",
        "Chances lie between 0 and 1; paid ones are 1, unpaid and cancelled ones 0.",
        """SELECT as_of_date, order_id, state, p_balance FROM ml.presale_conversion
        WHERE NOT coalesce(p_balance BETWEEN 0 AND 1 AND p_at_deposit BETWEEN 0 AND 1, false)
            OR (state = 'paid') <> (p_balance = 1 AND state = 'paid')
            OR (state IN ('unpaid', 'cancelled') AND p_balance <> 0) ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.PRESALE_CALIBRATION,
        "calibrated_out_of_time",
        f"The error of a model's chances over the bins of a window is at most {CALIBRATION_ERROR} beyond what "
        "chance alone makes of that many deposits.",
        f"""SELECT as_of_date, balance_open_date, error, allowed FROM (
            SELECT as_of_date, balance_open_date, sum(n_deposits) AS n,
                sum(n_deposits * abs(predicted - observed)) / sum(n_deposits) AS error,
                {CALIBRATION_ERROR} + 1.5 * sum(sqrt(n_deposits * predicted * (1 - predicted))) / sum(n_deposits)
                    AS allowed
            FROM ml.presale_calibration WHERE method = 'logistic_beta' GROUP BY ALL
        ) WHERE error > allowed ORDER BY ALL""",
        blocking=False,
    ),
    TableCheck(
        asset_keys.PREPOSITION_ORDERS,
        "every_waiting_deposit_has_a_row",
        "Exactly the deposits whose balance cannot be paid yet are planned; each has a centre or one reason.",
        """SELECT coalesce(s.as_of_date, o.as_of_date), coalesce(s.order_id, o.order_id), o.warehouse_id, o.reason
        FROM (SELECT * FROM ml.presale_conversion WHERE state = 'waiting') AS s
        FULL JOIN ml.preposition_orders AS o ON o.as_of_date = s.as_of_date AND o.order_id = s.order_id
        WHERE s.order_id IS NULL OR o.order_id IS NULL OR (o.warehouse_id IS NULL) = (o.reason IS NULL)
        ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.PREPOSITION_PLAN,
        "pieces_conserved",
        "Pieces and orders of every row are those of the deposits planned for it; no more is sent than that.",
        """WITH planned AS (
            SELECT as_of_date, presale_id, warehouse_id, count(*) AS n, sum(qty) AS units FROM ml.preposition_orders
            WHERE warehouse_id IS NOT NULL GROUP BY ALL
        )
        SELECT as_of_date, presale_id, warehouse_id, p.n_orders, o.n, p.deposit_units, o.units, p.send_units
        FROM ml.preposition_plan AS p FULL JOIN planned AS o USING (as_of_date, presale_id, warehouse_id)
        WHERE p.n_orders IS DISTINCT FROM o.n OR p.deposit_units IS DISTINCT FROM o.units
            OR NOT coalesce(p.send_units BETWEEN 0 AND o.units, false) ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.PREPOSITION_SUMMARY,
        "never_worse_than_shop_rules",
        "The plan costs no more than sending nothing and no more than sending all to the nearest centres.",
        """SELECT as_of_date, expected_cost_base, nearest_cost_base FROM ml.preposition_summary
        WHERE expected_cost_base > 0 OR expected_cost_base > nearest_cost_base + 0.01 ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.PRESALE_OUTCOME,
        "paid_pieces_add_up",
        "Sent = used + misplaced, paid = used + shipped after the balance, in every row.",
        """SELECT as_of_date, presale_id, warehouse_id FROM ml.presale_outcome
        WHERE sent_units <> used_units + misplaced_units OR paid_units <> used_units + late_shipped_units
            OR least(sent_units, paid_units) <> used_units ORDER BY ALL""",
    ),
)
