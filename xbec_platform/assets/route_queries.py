"""What routes read as of a day: lanes, places, holidays, customs, restrictions. Nothing is searched here."""

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from xbec_platform.as_of_sql import RATES, latest
from xbec_platform.assets.shipments import stages

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.logistics.route_terms import RouteTerms

# Customs of so many days ago say nothing about today; no way is as long as the calendar that is read.
_CUSTOMS_DAYS, _CALENDAR_DAYS = 180, 380

LANES = f"""
    WITH {RATES}, valid AS (
        FROM raw.lanes WHERE valid_from < $day + 1 {latest("lane_id", "valid_from")}
    )
    SELECT lane_id, origin_node, dest_node, mode, carrier, distance_km, rate_brackets, rate_to_base, surcharge_pct,
        (rate_per_kg * rate_to_base)::DECIMAL(18, 4) AS rate_per_kg,
        (rate_per_cbm * rate_to_base)::DECIMAL(18, 4) AS rate_per_cbm,
        (min_charge * rate_to_base)::DECIMAL(18, 4) AS min_charge,
        vol_divisor, transit_p50_days, transit_p90_days, allows_battery, allows_liquid, allows_hazard,
        cut_off_local, departures, origin_country
    FROM valid LEFT JOIN rates USING (currency) ORDER BY lane_id
"""

# A UN number or HS code belongs to an article; routes are for kinds of goods.
KIND_RULES = f"""
    WITH items AS (
        FROM raw.restricted_items WHERE valid_from <= $day {latest("restriction_id", "valid_from")}
    )
    SELECT restriction_id, market, mode, carrier, action = 'forbid_from' AS from_outside_eu,
        CASE match_value WHEN 'has_battery' THEN 'battery' WHEN 'is_liquid' THEN 'liquid'
            WHEN 'is_hazard' THEN 'hazard' END AS goods,
        CASE action WHEN 'limit' THEN limit_value END::DOUBLE AS above_kg
    FROM items
    WHERE (valid_to IS NULL OR valid_to >= $day)
        AND (match_on = 'all' OR match_on = 'flag' AND match_value IN ('has_battery', 'is_liquid', 'is_hazard'))
        AND (action = 'forbid' OR action = 'forbid_from' AND limit_unit = 'outside EU'
            OR action = 'limit' AND limit_unit = 'kg net per package')
    ORDER BY ALL
"""

TERMS = {
    "places": f"""
        SELECT warehouse_id, country, type FROM raw.warehouses
        WHERE valid_from < $day + 1 {latest("warehouse_id", "valid_from")} ORDER BY warehouse_id
    """,
    "hubs": f"""
        WITH valid AS (
            FROM raw.lanes WHERE valid_from < $day + 1 {latest("lane_id", "valid_from")}
        )
        SELECT origin_node, min(origin_country) AS country FROM valid WHERE origin_country IS NOT NULL
        GROUP BY ALL HAVING count(DISTINCT origin_country) = 1 ORDER BY ALL
    """,
    "calendar": f"""
        SELECT DISTINCT calendar_date, market, kind FROM raw.calendar
        WHERE kind IN ('holiday', 'customs_closed') AND _drop_date <= $day
            AND calendar_date > $day - 7 AND calendar_date < $day + {_CALENDAR_DAYS} ORDER BY ALL
    """,
    "customs": f"""
        WITH {stages(_CUSTOMS_DAYS)}
        SELECT ship_country AS country,
            min(stage_ts) FILTER (stage IN ('arrived_port', 'import_declared')) AS arrived_ts,
            min(stage_ts) FILTER (stage = 'import_cleared') AS cleared_ts
        FROM stages JOIN marts.fct_shipment USING (parcel_id)
        JOIN marts.fct_order USING (order_id)
        GROUP BY parcel_id, ship_country
        HAVING bool_or(stage = 'import_declared')
            AND (cleared_ts IS NOT NULL OR bool_and(stage_no < 10)) AND arrived_ts IS NOT NULL
        ORDER BY ALL
    """,
    "kind_rules": KIND_RULES,
}
"""What `terms_of` reads."""


def terms_of(frames: "dict[str, pl.DataFrame]", day: date) -> "RouteTerms":
    """Terms of a day from the frames of `TERMS`."""
    import polars as pl

    from xbec_platform.logistics.customs_dwell import customs_dwell
    from xbec_platform.logistics.inventory_policy import NOT_CLEARED
    from xbec_platform.logistics.route_terms import RouteTerms

    customs = customs_dwell(frames["customs"], as_of=datetime.combine(day + timedelta(days=1), time()))
    times = {
        country: (p50, p90) for country, p50, p90 in customs.select("country", "p50_days", "p90_days").rows()
    }
    usual = times.pop(None)
    places = frames["places"]
    return RouteTerms(
        country=dict(places.select("warehouse_id", "country").rows()),
        hub_country=dict(frames["hubs"].select("origin_node", "country").rows()),
        uncleared=frozenset(places.filter(pl.col("type").is_in(NOT_CLEARED))["warehouse_id"]),
        calendar=frames["calendar"],
        customs_days=times,
        usual_customs_days=usual,
        rules=kind_rules(frames),
    )


def kind_rules(frames: "dict[str, pl.DataFrame]") -> "pl.DataFrame":
    """Restrictions of kinds of goods from the frame of `KIND_RULES`."""
    import polars as pl

    from xbec_platform.logistics.route_terms import RULE_SCHEMA

    return frames["kind_rules"].select(pl.col(name).cast(dtype) for name, dtype in RULE_SCHEMA.items())
