"""What the logistics page shows, read from the tables as of a day. The page itself is in `publish.logistics_page`."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from xbec_platform.assets.model_tables import read_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.publish.logistics_page import LogisticsInput

# Routes are shown of the pairs with most parcels, for one usual parcel.
_PAIRS, _KG = 6, 2.0
_ACTIONS, _UNSERVED = 200, 500

_PLAN = {
    "served": "SELECT * EXCLUDE (as_of_date) FROM ml.warehouse_assignment WHERE as_of_date = $day",
    "left": "SELECT * EXCLUDE (as_of_date) FROM ml.assignment_unserved WHERE as_of_date = $day",
    "limits": "SELECT * EXCLUDE (as_of_date) FROM ml.assignment_bottlenecks WHERE as_of_date = $day",
}
QUERIES = {
    **_PLAN,
    "unserved": f"""
        SELECT order_id, line_no, product_id, ship_country, qty, reason, detail FROM ml.assignment_unserved
        WHERE as_of_date = $day ORDER BY penalty_base DESC, order_id, line_no LIMIT {_UNSERVED}
    """,
    "containers": "SELECT * EXCLUDE (as_of_date) FROM ml.assignment_containers WHERE as_of_date = $day",
    "lead_times": """
        SELECT l.lane, l.mode, l.n_parcels, l.n_open, l.p50_days, l.p90_days, o.on_time_rate, o.n_due
        FROM ml.lane_leadtime AS l LEFT JOIN ml.ontime AS o ON o.lane = l.lane AND o.as_of_date = l.as_of_date
        WHERE l.as_of_date = $day AND l.measure = 'ship_to_door' AND l.level = 'lane'
        ORDER BY l.n_parcels DESC, l.lane
    """,
    "routes": f"""
        WITH pairs AS (
            SELECT warehouse_id, ship_country, sum(qty) AS pieces FROM ml.warehouse_assignment
            WHERE as_of_date = $day GROUP BY ALL
        ), shown AS (
            SELECT r.origin_node, r.zone, any_value(pieces) AS pieces FROM ml.routes AS r
            JOIN pairs ON warehouse_id = r.origin_node AND ship_country = r.zone
            WHERE as_of_date = $day AND status = 'ok' AND goods = 'plain' AND parcel_kg = {_KG}
            GROUP BY ALL HAVING count(*) > 1 ORDER BY pieces DESC, r.origin_node, r.zone LIMIT {_PAIRS}
        )
        SELECT r.* EXCLUDE (as_of_date) FROM ml.routes AS r JOIN shown USING (origin_node, zone)
        WHERE as_of_date = $day AND status = 'ok' AND goods = 'plain' AND parcel_kg = {_KG}
        ORDER BY shown.pieces DESC, origin_node, zone, route_no
    """,
    "ageing": """
        SELECT warehouse_id, age_bucket, sum(pieces)::BIGINT AS pieces,
            sum(storage_day_base)::DECIMAL(18, 4) AS storage_day_base
        FROM ml.inventory_ageing WHERE as_of_date = $day GROUP BY ALL ORDER BY ALL
    """,
    "actions": f"""
        SELECT * EXCLUDE (as_of_date) FROM ml.inventory_actions WHERE as_of_date = $day
        ORDER BY benefit_base DESC, warehouse_id, product_id, action, target_warehouse_id LIMIT {_ACTIONS}
    """,
    "modes": """
        SELECT market, mode_id, count(*) AS n, count(*) FILTER (is_recommended) AS n_best,
            avg(total_base)::DECIMAL(18, 4) AS total_base, avg(p50_days) AS p50_days
        FROM ml.operation_mode_comparison WHERE as_of_date = $day AND status = 'ok' GROUP BY ALL ORDER BY ALL
    """,
    "sites": """
        SELECT s.* EXCLUDE (as_of_date), coalesce(w.name, s.warehouse_id) AS name, w.country, w.lat, w.lon
        FROM ml.network_sites AS s LEFT JOIN marts.dim_warehouse AS w USING (warehouse_id)
        WHERE as_of_date = $day ORDER BY s.warehouse_id
    """,
    "flows": """
        SELECT warehouse_id, ship_country AS dest_country, units, cost_base FROM ml.network_flows
        WHERE as_of_date = $day ORDER BY ALL
    """,
    "network": "SELECT * EXCLUDE (as_of_date) FROM ml.network_summary WHERE as_of_date = $day",
    "places": "SELECT bool_or(is_sample) AS is_sample FROM marts.dim_warehouse",
}


def logistics_input(settings: Settings, warehouse: WarehouseResource, day: date) -> "LogisticsInput":
    """Collect the page's input for a day."""
    import polars as pl

    from xbec_platform.demo.geography import country_points
    from xbec_platform.logistics.plan_changes import CHANGE_SCHEMA, plan_changes
    from xbec_platform.publish.logistics_page import LogisticsInput

    frames = read_as_of(warehouse.file, QUERIES, day, purpose="logistics page: read")
    before = read_as_of(
        warehouse.file, _PLAN, day - timedelta(days=1), purpose="logistics page: the day before"
    )
    changes = pl.DataFrame(schema=CHANGE_SCHEMA)
    if before["limits"].height:
        changes = plan_changes(_plan(frames), _plan(before))
    points = country_points().select(dest_country="iso2", dest_lat="lat", dest_lon="lon")
    frames["flows"] = frames["flows"].join(points, on="dest_country", how="left", maintain_order="left")
    shown = (
        "sites",
        "flows",
        "network",
        "unserved",
        "containers",
        "lead_times",
        "routes",
        "ageing",
        "actions",
        "modes",
    )
    return LogisticsInput(
        shop=settings.shop,
        as_of=day,
        base_currency=settings.base_currency,
        is_sample=bool(frames["places"]["is_sample"][0]),
        changes=changes,
        parcel=f"A parcel of {_KG:g} kg without battery or dangerous goods, from the pairs with most pieces today.",
        **{name: frames[name] for name in shown},
    )


def _plan(frames: "dict[str, pl.DataFrame]") -> "tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]":
    return frames["served"], frames["left"], frames["limits"]
