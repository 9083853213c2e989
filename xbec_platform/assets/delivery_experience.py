"""What deliveries do to customers, as assets: effect of delay, service index of lanes. Read, estimate, store."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.as_of_sql import latest
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.model_tables import as_of_days, model_spec, read_as_of, results, write_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.shipments import QUERIES as SHIPMENT_QUERIES
from xbec_platform.assets.ui_metadata import markdown_table
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import polars as pl

_ORDER_DAYS = 730

QUERIES = SHIPMENT_QUERIES | {
    "orders": f"""
        WITH catalogue AS (
            SELECT product_id, nullif(split_part(category_path, '/', 1), '') AS category FROM raw.products
            WHERE valid_from < $day + 1 {latest("product_id", "valid_from")}
        ), main AS (
            SELECT order_id, category FROM marts.fct_order_line LEFT JOIN catalogue USING (product_id)
            WHERE order_date <= $day AND order_date > $day - {_ORDER_DAYS} AND is_product
            QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY line_total DESC, line_no) = 1
        )
        SELECT order_id, customer_id, ship_country AS market, category, goods_total_base::DOUBLE AS value_base, order_ts
        FROM marts.fct_order LEFT JOIN main USING (order_id)
        WHERE order_date <= $day AND order_date > $day - {_ORDER_DAYS} ORDER BY order_id
    """,
    "ratings": f"""
        SELECT order_id, rating::DOUBLE AS rating FROM raw.reviews WHERE order_id IS NOT NULL AND ts < $day + 1
        {latest("review_id", "ts")}
        ORDER BY order_id, rating
    """,
}

_DEPS = [
    asset_keys.mart("fct_shipment"),
    asset_keys.mart("fct_shipment_stage"),
    asset_keys.mart("fct_order"),
    asset_keys.mart("fct_order_line"),
    asset_keys.raw("reviews"),
]


def build_delivery_experience_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Effect of delay and service index as of each day."""
    spec = partial(
        model_spec,
        group="logistics",
        owner="team:logistics",
        kinds={"scikitlearn"},
        deps=_DEPS,
    )

    @decided_step(
        settings,
        name="delivery_experience",
        specs=[
            spec(
                asset_keys.DELAY_EFFECT,
                "Repurchase and rating of late against punctual orders alike in value band, market and category, with "
                "interval and caveat. Grain: outcome x method. Key: as_of_date, outcome, method.",
            ),
            spec(
                asset_keys.SERVICE_INDEX,
                "How well each lane delivers in one number (factor analysis, mean 100, deviation 15, more is better). "
                "Grain: lane. Key: as_of_date, lane.",
            ),
            spec(
                asset_keys.SERVICE_LOADINGS,
                "What the service index is made of. Grain: indicator. Key: as_of_date, indicator.",
            ),
        ],
    )
    def delivery_experience(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        chosen = as_of_days(context)
        for day in chosen:
            frames = read_as_of(warehouse.file, QUERIES, day, purpose=f"delivery experience {day}: read")
            tables = measure(frames, day)
            write_as_of(warehouse.file, tables, day, purpose=f"delivery experience {day}")
            context.log.info(f"delivery experience {day}: {tables[asset_keys.SERVICE_INDEX].height} lanes")
        shown = {key: {"table": markdown_table(table)} for key, table in tables.items()}
        yield from results(tables, chosen[-1], shown)

    return [delivery_experience]


def measure(frames: "dict[str, pl.DataFrame]", day: date) -> "dict[dg.AssetKey, pl.DataFrame]":
    """All tables of a day from the frames of `QUERIES`."""
    import polars as pl

    from xbec_platform.logistics.delay_effect import delay_effects
    from xbec_platform.logistics.lane_service import lane_indicators
    from xbec_platform.logistics.parcel_lanes import parcel_lanes
    from xbec_platform.logistics.service_index import service_index

    as_of = datetime.combine(day + timedelta(days=1), time())
    parcels = parcel_lanes(frames["parcels"], frames["lanes"])
    # An order has arrived with its last parcel.
    arrived = parcels.group_by("order_id").agg(
        promised_ts=pl.col("promised_ts").max(),
        delivered_ts=pl.when(pl.col("delivered_ts").null_count() == 0).then(pl.col("delivered_ts").max()),
    )
    orders = frames["orders"].join(arrived, on="order_id").filter(pl.col("promised_ts").is_not_null())
    purchases = frames["orders"].select("customer_id", "order_ts")
    indicators = lane_indicators(parcels, frames["stages"], frames["ratings"], as_of=as_of)
    index = service_index(indicators)
    return {
        asset_keys.DELAY_EFFECT: delay_effects(orders, purchases, frames["ratings"], as_of=as_of),
        asset_keys.SERVICE_INDEX: index.lanes,
        asset_keys.SERVICE_LOADINGS: index.loadings,
    }
