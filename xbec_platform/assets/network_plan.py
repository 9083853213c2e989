"""Which centres to have open, as assets: read four weeks of orders and the network, decide, store. No model here."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.as_of_sql import RATES, latest
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.model_tables import as_of_days, model_spec, read_as_of, results, write_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import markdown_table
from xbec_platform.assignment_day import QUERIES as PLAN_QUERIES
from xbec_platform.assignment_day import assignment_inputs
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import polars as pl

QUERIES = {
    "lines": """
        SELECT order_id, line_no, product_id, qty::BIGINT AS qty, ship_country, order_ts,
            promised_days::DOUBLE AS promised_days
        FROM marts.fct_order_line JOIN marts.fct_order USING (order_id, order_date, order_ts, ship_country)
        WHERE order_date <= $day AND order_date > $day - 28 AND is_product
    """,
    "products": PLAN_QUERIES["products"],
    "warehouses": PLAN_QUERIES["warehouses"],
    "lanes": PLAN_QUERIES["lanes"],
    "terms": f"""
        WITH {RATES}, valid AS (
            FROM raw.warehouses WHERE valid_from < $day + 1 {latest("warehouse_id", "valid_from")}
        )
        SELECT warehouse_id, opening, (fixed_cost_month * rate_to_base)::DECIMAL(18, 4) AS fixed_cost_month_base
        FROM valid LEFT JOIN rates USING (currency) ORDER BY warehouse_id
    """,
}
_DEPS = [
    asset_keys.mart("fct_order"),
    asset_keys.mart("fct_order_line"),
    asset_keys.mart("dim_product"),
    asset_keys.mart("dim_warehouse"),
    asset_keys.mart("dim_lane"),
]


def build_network_plan_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The centres worth having, decided on the Monday of each week."""
    spec = partial(model_spec, group="logistics", owner="team:logistics", kinds={"ortools"}, deps=_DEPS)

    @decided_step(
        settings,
        name="network_plan",
        specs=[
            spec(
                asset_keys.NETWORK_SITES,
                "Which centres to keep, open or close, by fixed costs, freight and capacity over the four weeks to "
                "Monday (exact facility location, audited). Grain: centre. Key: as_of_date, warehouse_id.",
            ),
            spec(
                asset_keys.NETWORK_FLOWS,
                "Which centre serves which country in the plan, and what it costs. "
                "Grain: centre x country. Key: as_of_date, warehouse_id, ship_country.",
            ),
            spec(
                asset_keys.NETWORK_UNSERVED,
                "Zones with pieces that the planned centres leave over, with one reason. "
                "Grain: zone. Key: as_of_date, ship_country, zone_no.",
            ),
            spec(
                asset_keys.NETWORK_SUMMARY,
                "The network plan in one row: cost against today's centres, proven bound and gap. "
                "Grain: day. Key: as_of_date.",
            ),
        ],
    )
    def network_plan(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        planned = cache(lambda monday: plan_of(warehouse, monday))
        chosen = as_of_days(context)
        for day in chosen:
            tables = planned(max(day - timedelta(days=day.weekday()), settings.start_date))
            write_as_of(warehouse.file, tables, day, purpose=f"network plan {day}")
            context.log.info(f"network plan {day}: {tables[asset_keys.NETWORK_SITES].height} centres")
        shown = {key: {"first rows": markdown_table(table)} for key, table in tables.items()}
        yield from results(tables, chosen[-1], shown)

    return [network_plan]


def plan_of(warehouse: WarehouseResource, monday: date) -> "dict[dg.AssetKey, pl.DataFrame]":
    """The tables of a week."""
    from xbec_platform.logistics.network_plan import plan_network

    frames = read_as_of(warehouse.file, QUERIES, monday, purpose=f"network plan {monday}: read")
    plan = plan_network(assignment_inputs(frames, stock=None), frames["terms"], day=monday)
    return {
        asset_keys.NETWORK_SITES: plan.sites,
        asset_keys.NETWORK_FLOWS: plan.flows,
        asset_keys.NETWORK_UNSERVED: plan.zones,
        asset_keys.NETWORK_SUMMARY: plan.summary,
    }
