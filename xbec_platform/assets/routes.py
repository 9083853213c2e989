"""Routes of each day as assets: read lanes and warehouses, search, store. The search is elsewhere."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.model_tables import as_of_days, model_spec, read_as_of, results, write_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.route_queries import LANES, TERMS, terms_of
from xbec_platform.assets.ui_metadata import bars, markdown_table
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import polars as pl

# Parcels that routes are listed for: kg, at a density of usual parcels, and kinds of goods.
_KG = (0.5, 2.0, 10.0)
_KG_PER_M3 = 200.0
_GOODS = ("plain", "battery", "hazard")

QUERIES = {"lanes": LANES, **TERMS}
_DEPS = [
    *(
        asset_keys.mart(name)
        for name in ("dim_lane", "dim_warehouse", "fct_shipment", "fct_shipment_stage", "fct_order")
    ),
    *(asset_keys.raw(name) for name in ("calendar", "restricted_items")),
]


def build_route_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """All efficient routes from every warehouse to every country, as of each day."""
    spec = partial(
        model_spec,
        group="logistics",
        owner="team:logistics",
        kinds={"numpy"},
        deps=_DEPS,
    )

    @decided_step(
        settings,
        name="routes",
        specs=[
            spec(
                asset_keys.ROUTES,
                "Every route that no other beats in both cost and time, from every warehouse to every country, with "
                "departures, holidays, customs, restricted goods, P50, simulated P90, and what a saved day costs; a "
                "pair without one has a row with the reason. Grain: origin x zone x parcel x route. "
                "Key: as_of_date, origin_node, zone, parcel_kg, goods, route_no.",
            ),
            spec(
                asset_keys.FAULTY_LANES,
                "Lanes that no route may use, with the reason. Grain: lane. Key: as_of_date, lane_id.",
            ),
        ],
    )
    def efficient_routes(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        chosen = as_of_days(context)
        for day in chosen:
            frames = read_as_of(warehouse.file, QUERIES, day, purpose=f"routes {day}: read")
            tables = find_routes(frames, day)
            write_as_of(warehouse.file, tables, day, purpose=f"routes {day}")
            context.log.info(f"routes {day}: {tables[asset_keys.ROUTES].height} rows")
        yield from _report(tables, chosen[-1])

    return [efficient_routes]


def find_routes(frames: "dict[str, pl.DataFrame]", day: date) -> "dict[dg.AssetKey, pl.DataFrame]":
    """Both tables of a day: parcels are ready the next morning at 9:00 UTC."""
    import polars as pl

    from xbec_platform.logistics.route_network import Parcel, route_network
    from xbec_platform.logistics.routes import ROUTE_SCHEMA, routes

    network = route_network(frames["lanes"])
    # Lanes to addresses end in a country.
    zones = sorted(set(frames["lanes"].filter(pl.col("dest_node").str.len_chars() == 2)["dest_node"]))
    ready = datetime.combine(day + timedelta(days=1), time(9))
    origins = frames["places"]["warehouse_id"].to_list()
    terms = terms_of(frames, day)
    parcels = [Parcel(kg=kg, m3=kg / _KG_PER_M3, goods=goods) for kg in _KG for goods in _GOODS]
    found = [routes(network, origins, zones, parcel, ready=ready, terms=terms) for parcel in parcels]
    return {
        asset_keys.ROUTES: pl.concat([pl.DataFrame(schema=ROUTE_SCHEMA), *found]),
        asset_keys.FAULTY_LANES: network.faulty,
    }


def _report(tables: "dict[dg.AssetKey, pl.DataFrame]", day: date) -> Iterator[dg.MaterializeResult[Any]]:
    """The last day in numbers that the UI plots over time."""
    found, faulty = tables.values()
    states = found["status"].value_counts(name="rows").sort("rows", "status", descending=True)
    shown: dict[dg.AssetKey, dict[str, Any]] = {
        asset_keys.ROUTES: {"status": bars(dict(states.iter_rows()), unit="rows")},
        asset_keys.FAULTY_LANES: {"faulty": markdown_table(faulty)},
    }
    yield from results(tables, day, shown)
