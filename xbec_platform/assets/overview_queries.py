"""What the overview page shows, read from the tables as of a day. The page itself is in `publish.pages`."""

import json
from datetime import date
from typing import TYPE_CHECKING, Any

from xbec_platform.assets.model_tables import read_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    from xbec_platform.publish.overview_input import OverviewInput

_KPI_DAYS = 400
# The example customer: the one with the most orders among those who have both lists; ties by id.
_EXAMPLE = """(
    SELECT customer_id FROM marts.mart_user_database JOIN (
        SELECT DISTINCT customer_id FROM ml.recs_discover WHERE as_of_date = $day AND generator <> 'market_popularity'
    ) USING (customer_id)
    WHERE as_of_date = $day ORDER BY n_orders DESC, customer_id LIMIT 1
)"""

QUERIES = {
    "kpi": f"SELECT * FROM marts.mart_daily_kpi WHERE kpi_date <= $day AND kpi_date > $day - {_KPI_DAYS}",
    "rfm_segments": """
        SELECT segment, count(*) AS n_customers, sum(monetary_base) AS net_base
        FROM marts.mart_rfm WHERE as_of_date = $day GROUP BY segment ORDER BY net_base DESC, segment
    """,
    "clusters": "FROM ml.cluster_profile WHERE as_of_date = $day ORDER BY n_customers DESC, cluster_key",
    "customer": f"""
        SELECT u.*, r.segment, p.name AS cluster_name FROM marts.mart_user_database AS u
        LEFT JOIN marts.mart_rfm AS r USING (as_of_date, customer_id)
        LEFT JOIN ml.customer_clusters AS c USING (as_of_date, customer_id)
        LEFT JOIN ml.cluster_profile AS p USING (as_of_date, cluster_key)
        WHERE u.as_of_date = $day AND u.customer_id = {_EXAMPLE}
    """,
    "discover": f"""
        SELECT d.rank, d.product_id, coalesce(p.title, d.product_id) AS title, d.generator, d.reason_product_id,
            coalesce(r.title, d.reason_product_id) AS reason_title
        FROM ml.recs_discover AS d
        LEFT JOIN marts.dim_product AS p ON p.product_id = d.product_id
        LEFT JOIN marts.dim_product AS r ON r.product_id = d.reason_product_id
        WHERE d.as_of_date = $day AND d.customer_id = {_EXAMPLE} AND d.rank <= 10 ORDER BY d.rank
    """,
    "replenish": f"""
        SELECT d.rank, d.product_id, coalesce(p.title, d.product_id) AS title, d.n_orders, d.last_order_date,
            d.generator
        FROM ml.recs_replenish AS d LEFT JOIN marts.dim_product AS p ON p.product_id = d.product_id
        WHERE d.as_of_date = $day AND d.customer_id = {_EXAMPLE} AND d.rank <= 10 ORDER BY d.rank
    """,
    "warehouses": """
        SELECT w.warehouse_id, w.name, w.country, w.lat, w.lon, b.limit::BIGINT AS capacity_orders_day,
            coalesce(b.used, 0)::BIGINT AS used_units, w.is_sample
        FROM marts.dim_warehouse AS w LEFT JOIN ml.assignment_bottlenecks AS b
            ON b.warehouse_id = w.warehouse_id AND b.kind = 'warehouse_pieces' AND b.as_of_date = $day
        ORDER BY w.warehouse_id
    """,
    "flows": """
        SELECT warehouse_id, ship_country AS dest_country, sum(qty)::BIGINT AS units
        FROM ml.warehouse_assignment WHERE as_of_date = $day GROUP BY ALL ORDER BY ALL
    """,
    "unserved": """
        SELECT reason, sum(qty)::BIGINT AS units, count(*) AS lines FROM ml.assignment_unserved
        WHERE as_of_date = $day GROUP BY reason ORDER BY units DESC, reason
    """,
    "bottlenecks": """
        SELECT kind, warehouse_id, product_id, "limit", used, shadow_price_base FROM ml.assignment_bottlenecks
        WHERE as_of_date = $day AND shadow_price_base > 0
        ORDER BY kind DESC, shadow_price_base DESC, warehouse_id, product_id LIMIT 20
    """,
    "summary": "FROM ml.assignment_summary WHERE as_of_date = $day",
    "rejects": "SELECT feed, path, error AS reason FROM ops.file_manifest WHERE status = 'rejected' ORDER BY path",
    "quarantine_reasons": """
        SELECT feed, reason, count(*) AS rows FROM (SELECT feed, unnest(reasons) AS reason FROM quarantine.records)
        GROUP BY ALL ORDER BY rows DESC, feed, reason LIMIT 30
    """,
}

# Label on the page -> column of the plan's summary.
_PLAN = {
    "Pieces ordered": "ordered_units",
    "Pieces served": "assigned_units",
    "Pieces unserved": "unserved_units",
    "Plan cost": "cost_base",
    "of it freight": "freight_base",
    "of it handling": "handling_base",
    "Nearest warehouse: cost": "nearest_cost_base",
    "Nearest warehouse: pieces unserved": "nearest_unserved_units",
    "Regret of nearest warehouse (with penalties)": "regret_nearest_total_base",
    "Regret of cheapest first (with penalties)": "regret_cheapest_total_base",
}


def overview_input(settings: Settings, warehouse: WarehouseResource, day: date) -> "OverviewInput":
    """Collect the page's input for a day."""
    from xbec_platform.demo.geography import country_points
    from xbec_platform.ingest.store import intake_summary
    from xbec_platform.publish.overview_input import CUSTOMER_FACTS, OverviewInput

    frames = read_as_of(warehouse.file, QUERIES, day, purpose="overview page: read")
    with warehouse.file.connect("overview page: intake") as connection:
        intake = intake_summary(connection)
    customer = frames["customer"].row(0, named=True) if frames["customer"].height else {}
    summary = frames["summary"].row(0, named=True) if frames["summary"].height else {}
    points = country_points().rename({"iso2": "dest_country", "lat": "dest_lat", "lon": "dest_lon"})
    kpi = frames["kpi"]
    return OverviewInput(
        shop_name=settings.shop,
        as_of=day,
        base_currency=settings.base_currency,
        data_end=kpi["kpi_date"].max() if kpi.height else None,  # type: ignore[arg-type]
        kpi=kpi,
        rfm_segments=frames["rfm_segments"],
        clusters=frames["clusters"],
        customer={name: value for name, value in customer.items() if name in CUSTOMER_FACTS},
        habits=_habits(customer),
        discover=frames["discover"],
        replenish=frames["replenish"],
        warehouses=frames["warehouses"],
        flows=frames["flows"].join(points, on="dest_country", how="left"),
        plan_summary={label: summary[column] for label, column in _PLAN.items() if column in summary},
        unserved=frames["unserved"],
        bottlenecks=frames["bottlenecks"],
        intake=intake,
        rejects=frames["rejects"],
        quarantine_reasons=frames["quarantine_reasons"],
        downloads=_downloads(settings, day),
    )


def _habits(customer: dict[str, Any]) -> dict[str, object]:
    """Habits of the example customer in words."""
    if not customer:
        return {}
    weekdays = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    weekday = customer.get("preferred_weekday")
    found = {
        "Usual gap between orders": f"{customer['mean_gap_days']:.0f} days"
        if customer["mean_gap_days"]
        else None,
        "Items per order": f"{customer['items_per_order']:.1f}" if customer["items_per_order"] else None,
        "Preferred hour (UTC)": customer.get("preferred_hour_utc"),
        "Preferred weekday": weekdays[int(weekday) - 1] if weekday is not None else None,
        "Favourite categories": customer.get("top_categories"),
        "Price band": customer.get("price_band"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _downloads(settings: Settings, day: date) -> Any:
    """Links to the day's exports, from the manifest beside them."""
    from xbec_platform.publish.overview_input import DownloadLink

    folder = f"as_of={day.isoformat()}"
    manifest = settings.exports / folder / "manifest.json"
    if not manifest.is_file():
        return ()
    tables = json.loads(manifest.read_text())["tables"]
    return tuple(
        DownloadLink(
            name=name,
            rows=table["rows"],
            hrefs={file["format"]: f"../exports/{folder}/{file['file']}" for file in table["files"]},
        )
        for name, table in sorted(tables.items())
    )
