"""Checks of inventory and operation modes: keys, sums that add up, no action takes what is not there."""

from xbec_platform import asset_keys
from xbec_platform.checks.table_checks import TableCheck, unique_key

INVENTORY_CHECKS = (
    unique_key(asset_keys.INVENTORY_POLICY, "as_of_date", "warehouse_id", "product_id"),
    unique_key(asset_keys.INVENTORY_AGEING, "as_of_date", "warehouse_id", "product_id", "age_bucket"),
    unique_key(
        asset_keys.INVENTORY_ACTIONS,
        *("as_of_date", "warehouse_id", "product_id", "action", "target_warehouse_id"),
    ),
    TableCheck(
        asset_keys.INVENTORY_POLICY,
        "position_adds_up",
        "Position is on hand - reserved + inbound - known demand; what it lacks to the level is the shortage.",
        """SELECT as_of_date, warehouse_id, product_id, position_pieces, shortage_pieces FROM ml.inventory_policy
        WHERE position_pieces <> on_hand - reserved + inbound - known_demand_pieces
            OR shortage_pieces <> CASE WHEN status = 'ok'
                THEN greatest(order_up_to_pieces - position_pieces, 0) ELSE 0 END
            OR surplus_pieces > greatest(position_pieces - order_up_to_pieces, 0)
            OR surplus_pieces > greatest(on_hand - reserved - known_demand_pieces, 0) ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.INVENTORY_POLICY,
        "facts_are_known",
        "Every article in stock has a known warehouse, a known product and prices.",
        """SELECT as_of_date, warehouse_id, product_id, reason FROM ml.inventory_policy
        WHERE status <> 'ok' AND on_hand > 0 ORDER BY ALL""",
        blocking=False,
    ),
    TableCheck(
        asset_keys.INVENTORY_AGEING,
        "pieces_conserved",
        "The pieces by age are the pieces on hand.",
        """WITH ages AS (
            SELECT as_of_date, warehouse_id, product_id, sum(pieces) AS pieces FROM ml.inventory_ageing GROUP BY ALL
        )
        SELECT as_of_date, warehouse_id, product_id, on_hand, pieces FROM ml.inventory_policy
        FULL JOIN ages USING (as_of_date, warehouse_id, product_id)
        WHERE coalesce(on_hand, -1) <> coalesce(pieces, 0) ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.INVENTORY_ACTIONS,
        "within_surplus",
        "Nothing is sent away or sold off beyond the surplus.",
        """SELECT as_of_date, warehouse_id, product_id, sum(pieces), any_value(surplus_pieces)
        FROM ml.inventory_actions LEFT JOIN ml.inventory_policy USING (as_of_date, warehouse_id, product_id)
        WHERE action IN ('re_export', 'liquidate') GROUP BY ALL
        HAVING sum(pieces) > coalesce(any_value(surplus_pieces), 0) ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.INVENTORY_ACTIONS,
        "shortage_answered",
        "Every piece short is restocked, comes from another warehouse, or is said not to pay.",
        """WITH answers AS (
            SELECT as_of_date, coalesce(target_warehouse_id, warehouse_id) AS warehouse_id, product_id,
                sum(pieces) AS pieces
            FROM ml.inventory_actions WHERE action <> 'liquidate' GROUP BY ALL
        )
        SELECT as_of_date, warehouse_id, product_id, shortage_pieces, pieces FROM ml.inventory_policy
        FULL JOIN answers USING (as_of_date, warehouse_id, product_id)
        WHERE coalesce(shortage_pieces, 0) <> coalesce(pieces, 0) ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.INVENTORY_ACTIONS,
        "actions_pay",
        "No action costs more than it brings.",
        """SELECT as_of_date, warehouse_id, product_id, action, benefit_base FROM ml.inventory_actions
        WHERE benefit_base < 0 OR pieces <= 0 ORDER BY ALL""",
    ),
    unique_key(asset_keys.OPERATION_MODES, "as_of_date", "product_id", "market", "mode_id"),
    TableCheck(
        asset_keys.OPERATION_MODES,
        "parts_add_up",
        "The total of a mode is the sum of its parts, to the hundredth; no total where something is missing.",
        """SELECT as_of_date, product_id, market, mode_id, total_base FROM ml.operation_mode_comparison
        WHERE (status = 'ok') <> (total_base IS NOT NULL) OR abs(total_base - goods_base - inbound_freight_base
            - freight_base - import_cost_base - holding_base) > 0.01 ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.OPERATION_MODES,
        "recommended_is_cheapest",
        "Each article and market has one recommended mode, the cheapest of those that are possible.",
        """SELECT as_of_date, product_id, market FROM ml.operation_mode_comparison GROUP BY ALL
        HAVING count(*) FILTER (is_recommended) <> least(count(total_base) FILTER (reaches_buyer), 1)
            OR min(total_base) FILTER (reaches_buyer) IS DISTINCT FROM min(total_base) FILTER (is_recommended)
        ORDER BY ALL""",
    ),
)
