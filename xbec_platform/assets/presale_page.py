"""The pre-sale board as an asset: read the tables as of a day, render, write. No number is made here."""

from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.model_tables import as_of_days, model_spec, read_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import report_links
from xbec_platform.automation.conditions import after_good_inputs
from xbec_platform.partitions import daily
from xbec_platform.publish.page_names import PRESALES
from xbec_platform.settings import Settings
from xbec_platform.whole_files import replace_text

if TYPE_CHECKING:
    from xbec_platform.publish.presale_page import PresaleBoard

QUERIES = {
    "presales": """
        WITH running AS (
            SELECT presale_id, min(product_id) AS product_id, min(balance_open_ts) AS balance_open_ts,
                count(*) AS n_deposits, sum(p_balance) AS expected_paid, count(*) FILTER (state = 'paid') AS n_paid
            FROM ml.presale_conversion WHERE as_of_date = $day GROUP BY presale_id
        ), sent AS (
            SELECT presale_id, sum(send_units)::BIGINT AS send_units, sum(expected_cost_base) AS expected_cost_base
            FROM ml.preposition_plan WHERE as_of_date = $day GROUP BY presale_id
        )
        SELECT r.presale_id, p.title, r.balance_open_ts, r.n_deposits, r.expected_paid, r.n_paid,
            coalesce(s.send_units, 0) AS send_units, coalesce(s.expected_cost_base, 0) AS expected_cost_base
        FROM running AS r LEFT JOIN sent AS s USING (presale_id)
        LEFT JOIN marts.dim_product AS p ON p.product_id = r.product_id ORDER BY r.presale_id
    """,
    "plan": """
        SELECT a.presale_id, p.title, a.warehouse_id, a.origin_node, a.is_last_call, a.n_orders, a.expected_units,
            a.critical_ratio, a.send_units, a.hours_saved, a.expected_cost_base, a.at_risk_base, a.status
        FROM ml.preposition_plan AS a LEFT JOIN marts.dim_product AS p USING (product_id)
        WHERE a.as_of_date = $day ORDER BY a.presale_id, a.warehouse_id
    """,
    "reasons": """
        SELECT reason, count(*) AS orders FROM ml.preposition_orders
        WHERE as_of_date = $day AND reason IS NOT NULL GROUP BY reason ORDER BY orders DESC, reason
    """,
    "summary": "SELECT * EXCLUDE (as_of_date) FROM ml.preposition_summary WHERE as_of_date = $day",
    "calibration": """
        SELECT * EXCLUDE (as_of_date, n_train) FROM ml.presale_calibration WHERE as_of_date = $day ORDER BY ALL
    """,
    "outcomes": """
        SELECT as_of_date, days_after_close, count(DISTINCT presale_id) AS n_presales,
            sum(sent_units)::BIGINT AS sent_units, sum(used_units)::BIGINT AS used_units,
            sum(misplaced_units)::BIGINT AS misplaced_units, sum(late_shipped_units)::BIGINT AS late_shipped_units,
            sum(hours_saved) AS hours_saved, sum(cost_base) AS cost_base,
            sum(hindsight_cost_base) AS hindsight_cost_base,
            sum(hours_to_door_centre * n_from_centre) / nullif(sum(n_from_centre) FILTER (
                hours_to_door_centre IS NOT NULL), 0) AS hours_to_door_centre,
            sum(hours_to_door_elsewhere * (n_delivered - n_from_centre)) / nullif(sum(n_delivered - n_from_centre)
                FILTER (hours_to_door_elsewhere IS NOT NULL), 0) AS hours_to_door_elsewhere
        FROM ml.presale_outcome WHERE as_of_date <= $day AND as_of_date > $day - 400
        GROUP BY ALL ORDER BY as_of_date DESC, days_after_close
    """,
}


def build_presale_page_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The board of the last as-of day of a run."""

    @dg.multi_asset(
        name="presale_board",
        specs=[
            model_spec(
                asset_keys.PRESALE_PAGE,
                "reports/presales.html: chances of deposits, what leaves for which centre, what it came to; one file, "
                "works offline. Grain: home. Key: as-of day.",
                group="publish",
                owner="team:logistics",
                kinds={"html"},
                deps=[
                    asset_keys.PRESALE_CONVERSION,
                    asset_keys.PRESALE_CALIBRATION,
                    asset_keys.PREPOSITION_PLAN,
                    asset_keys.PREPOSITION_ORDERS,
                    asset_keys.PREPOSITION_SUMMARY,
                    asset_keys.PRESALE_OUTCOME,
                    asset_keys.mart("dim_product"),
                ],
            ).replace_attributes(automation_condition=after_good_inputs())
        ],
        partitions_def=daily(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="warehouse",
    )
    def presale_board(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> dg.MaterializeResult[Any]:
        from xbec_platform.publish.presale_page import render_presales

        day = as_of_days(context)[-1]
        html = render_presales(board(settings, warehouse, day))
        replace_text(settings.reports / PRESALES, html)
        return dg.MaterializeResult(
            asset_key=asset_keys.PRESALE_PAGE,
            metadata={
                **report_links(settings, {"page": PRESALES}),
                "bytes": len(html.encode()),
                "as of": day.isoformat(),
            },
        )

    return [presale_board]


def board(settings: Settings, warehouse: WarehouseResource, day: date) -> "PresaleBoard":
    """What the page shows as of a day."""
    from xbec_platform.publish.presale_page import PresaleBoard

    frames = read_as_of(warehouse.file, QUERIES, day, purpose="pre-sale board: read")
    return PresaleBoard(shop=settings.shop, as_of=day, currency=settings.base_currency, **frames)
