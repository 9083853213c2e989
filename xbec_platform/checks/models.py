"""Checks of model tables: keys, conservation, limits and gates, counted in SQL without any code of the models.

What is decided as of a day stays when a row of that day comes late, until somebody decides it again: decisions are held
against facts for the days of the run only. A late order would stop all later days otherwise.
"""

from collections.abc import Iterator, Mapping

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.checks.arrivals import ARRIVAL_CHECKS
from xbec_platform.checks.clusters import CUSTOMER_CHECKS, INTEREST_CHECKS
from xbec_platform.checks.inventory import INVENTORY_CHECKS
from xbec_platform.checks.landed_cost import LANDED_COST_CHECKS
from xbec_platform.checks.network_plan import NETWORK_CHECKS
from xbec_platform.checks.portrait import PORTRAIT_CHECKS
from xbec_platform.checks.preferences import PREFERENCE_CHECKS
from xbec_platform.checks.presales import PRESALE_CHECKS
from xbec_platform.checks.recommendations import RECOMMENDATION_CHECKS
from xbec_platform.checks.routes import ROUTE_CHECKS
from xbec_platform.checks.shipments import SHIPMENT_CHECKS
from xbec_platform.checks.table_checks import TableCheck
from xbec_platform.checks.table_checks import check_group as _check_group
from xbec_platform.checks.table_checks import unique_key as _unique
from xbec_platform.checks.target_groups import TARGET_CHECKS
from xbec_platform.checks.verdict import verdict
from xbec_platform.publish.page_names import CONTRACTS, CUSTOMER_PAGES, LOGISTICS, OVERVIEW, PRESALES
from xbec_platform.settings import Settings

LIFETIME_CHECKS = (
    _unique(asset_keys.CLV, "as_of_date", "customer_id"),
    _unique(asset_keys.CLV_MODEL, "as_of_date"),
    _unique(asset_keys.CLV_HOLDOUT, "as_of_date"),
    TableCheck(
        asset_keys.CLV,
        "every_customer_is_scored",
        "The customers of the day are exactly those of the user database, and each has a value.",
        """SELECT as_of_date, customer_id FROM (
            SELECT as_of_date, customer_id FROM marts.mart_user_database
            WHERE as_of_date IN (SELECT as_of_date FROM ml.clv) AND as_of_date BETWEEN $first AND $last
        ) AS u FULL JOIN (
            FROM ml.clv WHERE as_of_date BETWEEN $first AND $last
        ) AS c USING (as_of_date, customer_id)
        WHERE u.customer_id IS NULL OR c.customer_id IS NULL OR c.clv_12m_base IS NULL ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.CLV,
        "expectations_are_sound",
        "p_alive is from 0 to 1, nothing expected is below 0, intervals hold their value, fallbacks say why.",
        """SELECT as_of_date, customer_id FROM ml.clv
        WHERE p_alive NOT BETWEEN 0 AND 1 OR expected_order_days_90d < 0 OR expected_value_base < 0
            OR expected_order_days_90d NOT BETWEEN expected_order_days_90d_lo AND expected_order_days_90d_hi
            OR clv_12m_base NOT BETWEEN clv_12m_base_lo AND clv_12m_base_hi
            OR (method = 'fallback') <> (reason IS NOT NULL) ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.CLV_HOLDOUT,
        "predictions_came_true",
        "In the holdout the model errs less per customer than going on at the own rate; its sum is within 25 %.",
        """SELECT as_of_date, bias, correlation, mean_absolute_error, naive_mean_absolute_error FROM ml.clv_holdout
        WHERE mean_absolute_error > naive_mean_absolute_error OR abs(bias) > 0.25 ORDER BY ALL""",
        blocking=False,
    ),
    TableCheck(
        asset_keys.CLV_MODEL,
        "models_are_fitted",
        "The models serve, not segment means, and number and value of purchases are unrelated (correlation below .3).",
        """SELECT as_of_date, reason, frequency_value_correlation FROM ml.clv_model
        WHERE method = 'fallback' OR abs(frequency_value_correlation) >= 0.3 ORDER BY ALL""",
        blocking=False,
    ),
)

IDENTITY_CHECKS = (
    _unique(asset_keys.IDENTITY_MAP, "as_of_date", "kind", "source_id", "person_id"),
    _unique(asset_keys.IDENTITY_LINKS, "as_of_date", "customer_id", "other_customer_id"),
    _unique(asset_keys.IDENTITY_CUT_KEYS, "as_of_date", "kind", "key_value"),
    TableCheck(
        asset_keys.IDENTITY_MAP,
        "every_account_is_one_person",
        "Every account is of exactly one person, who is named by the smallest account and by nothing else.",
        """SELECT as_of_date, source_id FROM ml.identity_map WHERE kind = 'customer'
        GROUP BY ALL HAVING count(*) > 1 UNION ALL
        SELECT as_of_date, person_id FROM ml.identity_map
        GROUP BY ALL HAVING person_id <> min(source_id) FILTER (kind = 'customer')
            OR count(*) FILTER (kind = 'customer') = 0 ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.IDENTITY_LINKS,
        "links_join_persons",
        "Accounts with an accepted link are one person.",
        """SELECT l.as_of_date, l.customer_id, l.other_customer_id FROM ml.identity_links AS l
        JOIN ml.identity_map AS a ON a.as_of_date = l.as_of_date AND a.kind = 'customer' AND a.source_id = l.customer_id
        JOIN ml.identity_map AS b ON b.as_of_date = l.as_of_date AND b.kind = 'customer'
            AND b.source_id = l.other_customer_id
        WHERE l.is_accepted AND a.person_id <> b.person_id ORDER BY ALL""",
    ),
)

LOGISTICS_CHECKS = (
    _unique(asset_keys.ASSIGNMENT, "as_of_date", "order_id", "line_no", "warehouse_id", "lane_id"),
    _unique(asset_keys.ASSIGNMENT_UNSERVED, "as_of_date", "order_id", "line_no"),
    _unique(asset_keys.ASSIGNMENT_BOTTLENECKS, "as_of_date", "kind", "warehouse_id", "product_id"),
    _unique(asset_keys.ASSIGNMENT_CONTAINERS, "as_of_date", "lane_id"),
    _unique(asset_keys.ASSIGNMENT_SUMMARY, "as_of_date"),
    TableCheck(
        asset_keys.ASSIGNMENT,
        "pieces_conserved",
        "For every order line of the day: ordered = assigned + unserved.",
        """WITH planned AS (
            SELECT as_of_date, order_id, line_no, sum(qty) AS qty FROM (
                SELECT as_of_date, order_id, line_no, qty FROM ml.warehouse_assignment UNION ALL
                SELECT as_of_date, order_id, line_no, qty FROM ml.assignment_unserved
            ) WHERE as_of_date BETWEEN $first AND $last GROUP BY ALL
        ), ordered AS (
            SELECT order_date AS as_of_date, order_id, line_no, qty FROM marts.fct_order_line
            WHERE is_product AND order_date IN (SELECT as_of_date FROM ml.assignment_summary)
                AND order_date BETWEEN $first AND $last
        )
        SELECT as_of_date, order_id, line_no, o.qty, p.qty FROM ordered AS o
        FULL JOIN planned AS p USING (as_of_date, order_id, line_no)
        WHERE o.qty IS DISTINCT FROM p.qty ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.ASSIGNMENT,
        "within_capacity",
        "No warehouse ships more pieces a day than it can.",
        """SELECT a.as_of_date, a.warehouse_id, sum(a.qty), b."limit" FROM ml.warehouse_assignment AS a
        JOIN ml.assignment_bottlenecks AS b ON b.as_of_date = a.as_of_date AND b.warehouse_id = a.warehouse_id
            AND b.kind = 'warehouse_pieces'
        GROUP BY ALL HAVING sum(a.qty) > b."limit" ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.ASSIGNMENT_UNSERVED,
        "one_reason_each",
        "Every unserved line has a reason.",
        "SELECT as_of_date, order_id, line_no FROM ml.assignment_unserved WHERE reason IS NULL ORDER BY ALL",
    ),
    TableCheck(
        asset_keys.ASSIGNMENT_SUMMARY,
        "never_worse_than_nearest",
        "The plan costs no more, penalties included, than sending each line from the nearest warehouse.",
        """SELECT as_of_date, regret_nearest_total_base FROM ml.assignment_summary
        WHERE regret_nearest_total_base < 0 ORDER BY ALL""",
    ),
)


def build_model_checks(settings: Settings) -> list[dg.AssetChecksDefinition]:
    """One operation per area, so that each area's checks stand between it and what is published."""
    groups: Mapping[str, tuple[TableCheck, ...]] = {
        "arrival_checks": ARRIVAL_CHECKS,
        "customer_checks": CUSTOMER_CHECKS,
        "interest_checks": INTEREST_CHECKS,
        "identity_checks": IDENTITY_CHECKS,
        "lifetime_checks": LIFETIME_CHECKS,
        "preference_checks": PREFERENCE_CHECKS,
        "target_checks": TARGET_CHECKS,
        "portrait_checks": PORTRAIT_CHECKS,
        "recommendation_checks": RECOMMENDATION_CHECKS,
        "logistics_checks": LOGISTICS_CHECKS,
        "shipment_checks": SHIPMENT_CHECKS,
        "landed_cost_checks": LANDED_COST_CHECKS,
        "route_checks": ROUTE_CHECKS,
        "inventory_checks": INVENTORY_CHECKS,
        "presale_checks": PRESALE_CHECKS,
        "network_checks": NETWORK_CHECKS,
    }
    groups_checked = [_check_group(name, checks) for name, checks in groups.items()]
    return [*groups_checked, _publish_checks(settings), _presale_page_check(settings)]


def _presale_page_check(settings: Settings) -> dg.AssetChecksDefinition:
    """By itself: the board is made by an operation of its own, which may run without the others."""

    @dg.asset_check(
        name="page_is_self_contained",
        asset=asset_keys.PRESALE_PAGE,
        description="The page holds no script and no reference to another host.",
    )
    def presale_page_check() -> dg.AssetCheckResult:
        from xbec_platform.checks.published import page_faults

        return verdict(
            asset_keys.PRESALE_PAGE, "page_is_self_contained", page_faults(settings.reports, (PRESALES,))
        )

    return presale_page_check


def _publish_checks(settings: Settings) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name="publish_checks",
        specs=[
            dg.AssetCheckSpec(
                "same_rows_as_live",
                asset=asset_keys.SNAPSHOT,
                description="Every mart and model table is in the snapshot with the rows it has in the live file.",
            ),
            dg.AssetCheckSpec(
                "manifest_matches_files",
                asset=asset_keys.EXPORTS,
                description="Every file of the newest export has the size and SHA-256 its manifest states.",
            ),
            dg.AssetCheckSpec(
                "export_rows_stay",
                asset=asset_keys.EXPORTS,
                description="No exported table has halved or grown by half since the export before.",
            ),
            dg.AssetCheckSpec(
                "page_is_self_contained",
                asset=asset_keys.OVERVIEW_PAGE,
                description="The page holds no script and no reference to another host.",
            ),
            dg.AssetCheckSpec(
                "pages_are_self_contained",
                asset=asset_keys.CUSTOMER_PAGES,
                description="The pages hold no reference to another host and no script but the one their policy names.",
            ),
        ],
    )
    def publish_checks(warehouse: WarehouseResource) -> Iterator[dg.AssetCheckResult]:
        from xbec_platform.checks.published import (
            export_changes,
            export_faults,
            page_faults,
            snapshot_faults,
        )

        yield verdict(
            asset_keys.SNAPSHOT, "same_rows_as_live", snapshot_faults(warehouse.file, settings.published)
        )
        yield verdict(asset_keys.EXPORTS, "manifest_matches_files", export_faults(settings.exports))
        warn = dg.AssetCheckSeverity.WARN
        yield verdict(asset_keys.EXPORTS, "export_rows_stay", export_changes(settings.exports), warn)
        for asset, check, pages in (
            (asset_keys.OVERVIEW_PAGE, "page_is_self_contained", (OVERVIEW, CONTRACTS, LOGISTICS)),
            (asset_keys.CUSTOMER_PAGES, "pages_are_self_contained", tuple(CUSTOMER_PAGES)),
        ):
            yield verdict(asset, check, page_faults(settings.reports, pages))

    return publish_checks
