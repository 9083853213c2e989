"""Inventory of each day as assets: read stock, sales and rules, plan, store. Nothing is decided here."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.inventory_queries import INVENTORY_QUERIES
from xbec_platform.assets.model_tables import as_of_days, model_spec, read_as_of, results, write_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.route_queries import KIND_RULES, LANES, kind_rules
from xbec_platform.assets.ui_metadata import bars, markdown_table
from xbec_platform.assignment_day import QUERIES as PLAN_QUERIES
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.logistics.inventory_inputs import InventoryInputs, InventoryTables

# Pieces of one consignment when stock is imported in bulk.
_BULK_PIECES = 100
QUERIES = {
    **INVENTORY_QUERIES,
    "lanes": LANES,
    "kind_rules": KIND_RULES,
    "restricted": PLAN_QUERIES["restricted"],
}
_DEPS = [
    *(asset_keys.mart(name) for name in ("fct_inventory", "fct_shipment", "fct_order", "fct_order_line")),
    *(asset_keys.mart(name) for name in ("dim_product", "dim_warehouse", "dim_lane")),
    *(
        asset_keys.raw(name)
        for name in ("inventory_snapshots", "payments", "tariff_rules", "restricted_items")
    ),
    asset_keys.seed("storage_tiers"),
]


def build_inventory_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Policy, ageing and actions of each day's stock."""
    spec = partial(
        model_spec,
        group="logistics",
        owner="team:logistics",
        kinds={"ortools", "numpy"},
        deps=_DEPS,
    )

    @decided_step(
        settings,
        name="inventory",
        specs=[
            spec(
                asset_keys.INVENTORY_POLICY,
                "Order-up-to level of every article in every warehouse: what demand until the next arrival stays "
                "within as often as the newsvendor asks, simulated from what left; position, shortage, surplus. "
                "Grain: warehouse x product. Key: as_of_date, warehouse_id, product_id.",
            ),
            spec(
                asset_keys.INVENTORY_AGEING,
                "Stock by age, what it costs a day by the ladder of seeds.storage_tiers, and until it is sold. "
                "Grain: warehouse x product x age bucket. Key: as_of_date, warehouse_id, product_id, age_bucket.",
            ),
            spec(
                asset_keys.INVENTORY_ACTIONS,
                "What to do: restock, re-export to a warehouse that is short (minimum-cost flow), liquidate, or let "
                "run out, with cost and benefit. Grain: warehouse x product x action x target. "
                "Key: as_of_date, warehouse_id, product_id, action, target_warehouse_id.",
            ),
        ],
    )
    def inventory(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        from xbec_platform.logistics.inventory_actions import plan_inventory

        chosen = as_of_days(context)
        for day in chosen:
            frames = read_as_of(warehouse.file, QUERIES, day, purpose=f"inventory {day}: read")
            unpriced = frames["tiers"].filter(frames["tiers"]["rate_base"].is_null())["currency"]
            if unpriced.len() and frames["stock"].height:
                context.log.warning(
                    f"storage_tiers counts in {', '.join(sorted(set(unpriced)))}, which has no exchange rate within 7 "
                    f"days of {day}: storage has no price; deliver fx_rates or state it in {settings.base_currency}"
                )
            result = plan_inventory(inventory_inputs(frames, day, settings.base_currency))
            write_as_of(warehouse.file, _tables(result), day, purpose=f"inventory {day}")
            context.log.info(f"inventory {day}: {result.actions.height} actions")
        yield from _report(result, chosen[-1])

    return [inventory]


def inventory_inputs(frames: "dict[str, pl.DataFrame]", day: date, base_currency: str) -> "InventoryInputs":
    """The model's input of a day from the frames of `QUERIES`; storage rates without an exchange rate are left out."""
    from xbec_platform.logistics.inventory_inputs import InventoryInputs
    from xbec_platform.logistics.inventory_policy import goods_kind
    from xbec_platform.logistics.transfers import restricted_groups

    names = ("stock", "demand", "history", "lead_times", "known", "warehouses")
    held = frames["products"].join(frames["stock"], on="product_id", how="semi")
    groups, rules = restricted_groups(
        held.select("product_id", goods=goods_kind()),
        frames["restricted"],
    )
    return InventoryInputs(
        **{name: frames[name] for name in names},
        products=frames["products"].join(
            groups.drop("goods"), on="product_id", how="left", maintain_order="left"
        ),
        **supply_costs(frames, _bulk_imports(frames), day, base_currency, groups=groups, rules=rules),
    )


def _bulk_imports(frames: "dict[str, pl.DataFrame]") -> "pl.DataFrame":
    """One piece of a bulk consignment into each country with stock from elsewhere."""
    import polars as pl

    kept = frames["stock"].select("warehouse_id", "product_id")
    return (
        kept.join(frames["warehouses"].select("warehouse_id", "country"), on="warehouse_id")
        .join(frames["products"].drop_nulls("unit_cost"), on="product_id")
        .select("product_id", "country", "hs_code", "category", "weight_kg", piece_value="unit_cost")
        .unique(["product_id", "country"])
        .with_columns(pieces=pl.lit(_BULK_PIECES, dtype=pl.Int64), incoterm=pl.lit("DDP"))
        .sort("country", "product_id")
    )


def supply_costs(
    frames: "dict[str, pl.DataFrame]",
    imports: "pl.DataFrame",
    day: date,
    base_currency: str,
    *,
    groups: "pl.DataFrame | None" = None,
    rules: "pl.DataFrame | None" = None,
) -> "dict[str, pl.DataFrame]":
    """Transfers between warehouses, the imports asked for, and storage, as of a day; for operation modes too.

    Args:
        frames: lanes, kind_rules, warehouses, rules, rates, tiers, products.
        imports: What to ask the tariff rules.
        day: The day.
        base_currency: Of all money.
        groups: Articles with restrictions of their own, as `transfers.restricted_groups` returns them.
        rules: The rules of these groups.
    """
    import polars as pl

    from xbec_platform.logistics.import_costs import import_costs
    from xbec_platform.logistics.landed_cost_tables import category_duties
    from xbec_platform.logistics.route_network import route_network
    from xbec_platform.logistics.route_terms import RouteTerms
    from xbec_platform.logistics.tariff_rules import Rulebook
    from xbec_platform.logistics.transfers import transfer_costs

    tariff = Rulebook.of(frames["rules"])
    places = frames["warehouses"]["warehouse_id"].to_list()
    own = [] if rules is None else [rules]
    terms = RouteTerms(
        country=dict(frames["warehouses"].select("warehouse_id", "country").rows()),
        rules=pl.concat([kind_rules(frames), *own]),
    )
    kinds = (
        {}
        if groups is None
        else dict(groups.select("goods_group", "goods").unique().sort("goods_group").rows())
    )
    return {
        "tiers": frames["tiers"].drop_nulls("rate_base"),
        "transfers": transfer_costs(route_network(frames["lanes"]), places, groups=kinds, terms=terms),
        "import_costs": import_costs(
            imports,
            tariff,
            rates=dict(frames["rates"].iter_rows()),
            base_currency=base_currency,
            day=day,
            category_duty_pct=category_duties(frames["products"], tariff),
        ),
    }


def _tables(result: "InventoryTables") -> "dict[dg.AssetKey, pl.DataFrame]":
    return {
        asset_keys.INVENTORY_POLICY: result.policy,
        asset_keys.INVENTORY_AGEING: result.ageing,
        asset_keys.INVENTORY_ACTIONS: result.actions,
    }


def _report(result: "InventoryTables", day: date) -> Iterator[dg.MaterializeResult[Any]]:
    """The last day in numbers that the UI plots over time."""
    import polars as pl

    pieces = result.actions.group_by("action").agg(pl.col("pieces").sum()).sort("action")
    by_age = result.ageing.group_by("age_bucket").agg(pl.col("pieces").sum()).sort("age_bucket")
    shown: dict[dg.AssetKey, dict[str, Any]] = {
        asset_keys.INVENTORY_POLICY: {
            "pieces short": int(result.policy["shortage_pieces"].sum()),
            "pieces beyond the level": int(result.policy["surplus_pieces"].sum()),
            "data missing": int((result.policy["status"] != "ok").sum()),
        },
        asset_keys.INVENTORY_AGEING: {
            "pieces by age": bars(dict(by_age.iter_rows()), unit="pieces"),
            "storage a day, base currency": float(result.ageing["storage_day_base"].sum() or 0),
        },
        asset_keys.INVENTORY_ACTIONS: {
            "pieces by action": bars(dict(pieces.iter_rows()), unit="pieces"),
            "most worth": markdown_table(
                result.actions.sort("benefit_base", "warehouse_id", "product_id", descending=True).head(20)
            ),
        },
    }
    yield from results(_tables(result), day, shown)
