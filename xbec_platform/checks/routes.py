"""Checks of routes: keys, nothing beaten is listed, quantiles in order, lanes that cannot be used."""

from xbec_platform import asset_keys
from xbec_platform.checks.table_checks import TableCheck, unique_key

ROUTE_CHECKS = (
    unique_key(asset_keys.ROUTES, "as_of_date", "origin_node", "zone", "parcel_kg", "goods", "route_no"),
    unique_key(asset_keys.FAULTY_LANES, "as_of_date", "lane_id"),
    TableCheck(
        asset_keys.ROUTES,
        "no_route_is_beaten",
        "Of the routes of a parcel, each slower one is cheaper.",
        """SELECT as_of_date, origin_node, zone, parcel_kg, goods, route_no FROM (
            SELECT *, lag(cost_base) OVER w AS cost_before, lag(p50_days) OVER w AS days_before FROM ml.routes
            WHERE status = 'ok'
            WINDOW w AS (PARTITION BY as_of_date, origin_node, zone, parcel_kg, goods ORDER BY route_no)
        ) WHERE cost_base >= cost_before OR p50_days < days_before ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.ROUTES,
        "every_pair_has_a_row",
        "Every parcel from every origin to every zone has its routes, or one row that says why there is none.",
        """SELECT as_of_date, origin_node, zone, parcel_kg, goods FROM ml.routes GROUP BY ALL
        HAVING (min(route_no) = 0) <> (count(*) = 1 AND bool_and(status <> 'ok'))
            OR count(*) FILTER (is_fastest) > 1 OR count(*) FILTER (is_cheapest) > 1 ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.FAULTY_LANES,
        "lanes_can_be_used",
        "Every lane can be part of a route.",
        "SELECT as_of_date, lane_id, reason FROM ml.faulty_lanes ORDER BY ALL",
        blocking=False,
    ),
)
