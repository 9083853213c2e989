"""Operation modes compared, as an asset: read sales, modes, routes and rules, compare, store. No decisions here."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.as_of_sql import latest
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.inventory import supply_costs
from xbec_platform.assets.inventory_queries import INVENTORY_QUERIES
from xbec_platform.assets.model_tables import as_of_days, model_spec, read_as_of, results, write_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.route_queries import KIND_RULES, LANES
from xbec_platform.assets.ui_metadata import bars
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import polars as pl

# Articles and markets that sold in the last quarter are compared.
_SOLD_DAYS = 90

QUERIES = {
    **{name: INVENTORY_QUERIES[name] for name in ("products", "warehouses", "tiers", "rules", "rates")},
    "lanes": LANES,
    "kind_rules": KIND_RULES,
    "modes": f"""
        SELECT * EXCLUDE (_file_id, _row_no, _drop_date, _feed, _duplicate_records, _extra) FROM raw.operation_modes
        WHERE valid_from <= $day {latest("mode_id", "valid_from")}
    """,
    "sold": f"""
        SELECT product_id, ship_country AS market, sum(qty)::DOUBLE * 30 / least(
            {_SOLD_DAYS}, $day - (SELECT min(order_date) FROM marts.fct_order) + 1) AS pieces_month
        FROM marts.fct_order_line JOIN marts.fct_order USING (order_id, order_date, ship_country)
        WHERE is_product AND ship_country IS NOT NULL AND order_date <= $day AND order_date > $day - {_SOLD_DAYS}
        GROUP BY ALL HAVING sum(qty) > 0 ORDER BY ALL
    """,
    "routes": """
        SELECT origin_node, zone, parcel_kg, goods, cost_base, p50_days, p90_days FROM ml.routes
        WHERE as_of_date = $day AND status = 'ok' AND is_balanced ORDER BY ALL
    """,
}
_DEPS = [
    asset_keys.ROUTES,
    asset_keys.mart("fct_order"),
    asset_keys.mart("fct_order_line"),
    *(
        asset_keys.raw(name)
        for name in ("operation_modes", "tariff_rules", "products", "warehouses", "lanes", "restricted_items")
    ),
    asset_keys.seed("storage_tiers"),
]


def build_operation_mode_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The comparison of each day."""

    @decided_step(
        settings,
        name="operation_modes",
        specs=[
            model_spec(
                asset_keys.OPERATION_MODES,
                "Every way to sell an article in a market: cost of a piece to the door, duty, days (P50, P90), days "
                "of money bound, and which one is cheapest at its volume, with the runner-up and the volume at which "
                "both cost the same. Articles and markets of the last quarter. A computation by the given rules, not "
                "legal advice. Grain: product x market x mode. Key: as_of_date, product_id, market, mode_id.",
                group="logistics",
                owner="team:logistics",
                kinds={"python"},
                deps=_DEPS,
            )
        ],
    )
    def operation_modes(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        chosen = as_of_days(context)
        for day in chosen:
            frames = read_as_of(warehouse.file, QUERIES, day, purpose=f"operation modes {day}: read")
            table = compare(frames, day, settings.base_currency)
            tables = {asset_keys.OPERATION_MODES: table}
            write_as_of(warehouse.file, tables, day, purpose=f"operation modes {day}")
        best = table.filter(table["is_recommended"])["mode_id"].value_counts(name="n").sort("n", "mode_id")
        shown = {
            asset_keys.OPERATION_MODES: {
                "recommended": bars(dict(best.iter_rows()), unit="articles x markets")
            }
        }
        yield from results(tables, chosen[-1], shown)

    return [operation_modes]


def compare(frames: "dict[str, pl.DataFrame]", day: date, base_currency: str) -> "pl.DataFrame":
    """The table of a day from the frames of `QUERIES`."""
    import polars as pl

    from xbec_platform.logistics.operation_modes import ModeInputs, compare_modes, import_questions

    still = pl.col("valid_to").is_null() | (pl.col("valid_to") >= day)
    modes = frames["modes"].filter(still)
    asked = import_questions(modes, frames["sold"], frames["products"])
    return compare_modes(
        ModeInputs(
            modes=modes,
            **{name: frames[name] for name in ("sold", "products", "warehouses", "routes")},
            **supply_costs(frames, asked, day, base_currency),
        )
    )
