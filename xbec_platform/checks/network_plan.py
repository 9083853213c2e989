"""Checks of the network plan: keys, capacity, conservation, never worse than today's centres, proven."""

from xbec_platform import asset_keys
from xbec_platform.checks.table_checks import TableCheck, unique_key

NETWORK_CHECKS = (
    unique_key(asset_keys.NETWORK_SITES, "as_of_date", "warehouse_id"),
    unique_key(asset_keys.NETWORK_FLOWS, "as_of_date", "warehouse_id", "ship_country"),
    TableCheck(
        asset_keys.NETWORK_FLOWS,
        "flows_add_up",
        "What a centre sends to all countries is what it serves.",
        """WITH sent AS (SELECT as_of_date, warehouse_id, sum(units) AS units FROM ml.network_flows GROUP BY ALL)
        SELECT as_of_date, warehouse_id, served_units, units FROM ml.network_sites
        FULL JOIN sent USING (as_of_date, warehouse_id)
        WHERE abs(coalesce(served_units, 0) - coalesce(units, 0)) > 0.01
            -- A home of an older version has no flows of its earlier days.
            AND as_of_date >= (SELECT min(as_of_date) FROM ml.network_flows) ORDER BY ALL""",
    ),
    unique_key(asset_keys.NETWORK_UNSERVED, "as_of_date", "ship_country", "zone_no"),
    unique_key(asset_keys.NETWORK_SUMMARY, "as_of_date"),
    TableCheck(
        asset_keys.NETWORK_SITES,
        "within_capacity",
        "No centre serves more than it can, none serves while closed.",
        """SELECT as_of_date, warehouse_id, served_units, capacity_units FROM ml.network_sites
        WHERE served_units > capacity_units + 0.001 OR (served_units > 0.001 AND NOT opened) ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.NETWORK_UNSERVED,
        "pieces_conserved",
        "Served by centres + left over = ordered within the window; every zone left over has a reason.",
        """WITH sites AS (SELECT as_of_date, sum(served_units) AS served FROM ml.network_sites GROUP BY ALL),
        lost AS (
            SELECT as_of_date, sum(unserved_units) AS units, count(*) FILTER (reason IS NULL) AS unexplained
            FROM ml.network_unserved GROUP BY ALL
        )
        SELECT s.as_of_date, s.units, sites.served, lost.units FROM ml.network_summary AS s
        LEFT JOIN sites USING (as_of_date) LEFT JOIN lost USING (as_of_date)
        WHERE abs(s.units - coalesce(sites.served, 0) - coalesce(lost.units, 0)) > 0.01 OR lost.unexplained > 0
        ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.NETWORK_SUMMARY,
        "never_worse_than_today",
        "The plan costs no more than the centres open today, and its bound lies not above it.",
        """SELECT as_of_date, cost_base, today_cost_base, bound_base FROM ml.network_summary
        WHERE cost_base > today_cost_base + 0.01 OR bound_base > cost_base + 0.01 ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.NETWORK_SUMMARY,
        "proven_optimal",
        "The plan is proven optimal.",
        "SELECT as_of_date, gap FROM ml.network_summary WHERE NOT is_proven ORDER BY ALL",
        blocking=False,
    ),
)
