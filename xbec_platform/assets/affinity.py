"""What is bought together as assets: count baskets as of a day, judge, price the bundles, store."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.as_of_sql import DAY_RATES, TARIFF_RULES, latest
from xbec_platform.assets.affinity_queries import count_baskets
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.model_tables import as_of_days, model_spec, read_as_of, results, write_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.route_queries import LANES
from xbec_platform.assets.ui_metadata import markdown_table
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import polars as pl

# Weights the carriers' tariffs are asked for: finely where parcels are light.
_STEPS_KG = (*[n / 10 for n in range(1, 31)], *[n / 2 for n in range(7, 61)])
_KG_PER_M3 = 200.0

QUERIES = {
    "lanes": LANES,
    "rates": DAY_RATES,
    # What the catalogue says of price and weight; else the usual price paid.
    "products": f"""
        WITH listed AS (
            SELECT product_id, weight_kg, (list_price * rate_to_base)::DECIMAL(18, 4) AS price_base
            FROM (
                SELECT * FROM raw.products WHERE valid_from < $day + 1 {latest("product_id", "valid_from")}
            ) AS versions LEFT JOIN intermediate.int_fx_daily AS fx
                ON fx.currency = versions.currency AND fx.fx_date = $day
        ), paid AS (
            SELECT product_id, quantile_disc((line_total_base / qty)::DECIMAL(18, 4), 0.5) AS price_base
            FROM marts.fct_order_line
            WHERE is_product AND qty > 0 AND line_total_base > 0 AND order_date <= $day AND order_date > $day - 365
            GROUP BY product_id
        )
        SELECT coalesce(listed.product_id, paid.product_id) AS product_id, weight_kg,
            coalesce(listed.price_base, paid.price_base) AS price_base
        FROM listed FULL JOIN paid ON listed.product_id = paid.product_id ORDER BY product_id
    """,
    "rules": TARIFF_RULES,
}


def build_affinity_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Pairs and triples of products that sell together, by market."""
    spec = partial(
        model_spec,
        group="recommendations",
        owner="team:recommendations",
        kinds={"sql", "scipy"},
        deps=[
            asset_keys.mart("fct_order_line"),
            asset_keys.mart("dim_lane"),
            asset_keys.raw("tariff_rules"),
            asset_keys.raw("customers"),
        ],
    )

    @decided_step(
        settings,
        name="affinity",
        specs=[
            spec(
                asset_keys.PRODUCT_AFFINITY,
                "Pairs bought together more often than by chance (Fisher, Benjamini-Hochberg 5 %), in orders and in "
                "what a person who agreed to profiling buys in 28 days, of all markets and of each large one. "
                "Grain: basket kind x market x pair. Key: as_of_date, basket_kind, market, product_a, product_b.",
            ),
            spec(
                asset_keys.PRODUCT_BUNDLES,
                "The strongest pairs as one parcel to each market: what it saves, which import limit it passes. "
                "Grain: market x pair. Key: as_of_date, market, product_a, product_b.",
            ),
            spec(
                asset_keys.PRODUCT_TRIPLES,
                "Products that a pair brings along in one order more often than by chance. "
                "Grain: market x pair x third product. "
                "Key: as_of_date, basket_kind, market, product_a, product_b, product_c.",
            ),
        ],
    )
    def affinity(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        chosen = as_of_days(context)
        for day in chosen:
            tables, tested = find_affinity(warehouse, day)
            write_as_of(warehouse.file, tables, day, purpose=f"affinity {day}")
            context.log.info(
                f"affinity {day}: {tables[asset_keys.PRODUCT_AFFINITY].height} pairs of {tested} with enough baskets"
            )
        shown = {key: {"strongest": _strongest(table)} for key, table in tables.items()}
        yield from results(tables, chosen[-1], shown)

    return [affinity]


def _strongest(table: "pl.DataFrame") -> dg.MetadataValue:
    by_lift = table.sort("lift_low", descending=True).head(20)
    names = [name for name in by_lift.columns if name.startswith(("market", "product_", "lift", "n_"))]
    return markdown_table(by_lift.select(names))


def find_affinity(warehouse: WarehouseResource, day: date) -> "tuple[dict[dg.AssetKey, pl.DataFrame], int]":
    """Both tables of a day, and how many pairs had enough baskets to be judged."""
    from xbec_platform.recommendations.affinity import AffinityParams, rate_pairs, rate_triples
    from xbec_platform.recommendations.bundles import price_bundles

    params = AffinityParams()
    with warehouse.file.connect(f"affinity {day}: count") as connection:
        counts = count_baskets(connection, day, params)
    frames = read_as_of(warehouse.file, QUERIES, day, purpose=f"affinity {day}: read")
    pairs = rate_pairs(counts["pairs"], counts["tests"], params)
    freight, limits = _freight(frames["lanes"]), _limits(frames, day)
    triples = rate_triples(counts["triples"], counts["tests"], counts["n_pairs"], params)
    return {
        asset_keys.PRODUCT_AFFINITY: pairs,
        asset_keys.PRODUCT_BUNDLES: price_bundles(pairs, frames["products"], freight, limits),
        asset_keys.PRODUCT_TRIPLES: triples,
    }, counts["pairs"].height


def _freight(lanes: "pl.DataFrame") -> "pl.DataFrame":
    """The cheapest parcel to an address by country and weight, in steps."""
    import numpy as np
    import polars as pl

    from xbec_platform.logistics.route_network import TICKS, Parcel, freight_ticks, route_network

    # Lanes to addresses end in a country.
    network = route_network(lanes.filter(pl.col("dest_node").str.len_chars() == 2))
    zone = network.lanes["dest_node"]
    parts = [
        pl.DataFrame({"market": zone, "ticks": freight_ticks(network, Parcel(kg=kg, m3=kg / _KG_PER_M3))})
        .group_by("market")
        .agg(pl.col("ticks").min())
        .with_columns(kg=pl.lit(np.float64(kg)))
        for kg in _STEPS_KG
    ]
    money = (pl.col("ticks").cast(pl.Decimal(18, 4)) / pl.lit(TICKS)).cast(pl.Decimal(18, 4))
    return pl.concat(parts).select("market", "kg", freight_base=money).sort("market", "kg")


def _limits(frames: "dict[str, pl.DataFrame]", day: date) -> "pl.DataFrame":
    """Values up to which a regime takes a consignment of any goods, in base currency; single pieces have their own."""
    import polars as pl

    from xbec_platform.logistics.tariff_rules import CHOSEN_REGIMES, MAIN_KINDS, SINGLE_ITEM, Rulebook

    rates = dict(frames["rates"].rows())
    rows = [
        (rule.market, rule.regime, rule.threshold_high * rates[rule.currency])
        for rule in Rulebook.of(frames["rules"]).rules
        if rule.holds_on(day)
        and rule.kind in MAIN_KINDS
        and rule.regime not in CHOSEN_REGIMES
        and not rule.regime.endswith(SINGLE_ITEM)
        and rule.hs_prefix == ""
        and rule.threshold_high is not None
        and rule.currency in rates
    ]
    exact = [(market, regime, limit.quantize(Decimal("0.0001"))) for market, regime, limit in rows]
    return (
        pl.DataFrame(
            exact,
            schema={"market": pl.String, "regime": pl.String, "limit_base": pl.Decimal(38, 4)},
            orient="row",
        )
        .unique()
        .sort("market", "limit_base", "regime")
    )
