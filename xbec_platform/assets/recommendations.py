"""Recommendations as assets: read history and eligibility as of a day, recommend, evaluate, store."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.model_tables import as_of_days, model_spec, read_as_of, write_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import bars, markdown_table
from xbec_platform.partitions import daily
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import polars as pl

# A second year of history does not help (measured on Online Retail II), a year keeps seasonal goods.
_HISTORY_DAYS = 400

QUERIES = {
    "interactions": f"""
        SELECT customer_id, product_id, order_id, order_date, qty::BIGINT AS qty, ship_country AS market
        FROM marts.fct_order_line
        WHERE is_product AND customer_id IS NOT NULL AND order_date <= $day AND order_date > $day - {_HISTORY_DAYS}
    """,
    "customers": """
        SELECT customer_id, country AS market FROM raw.customers WHERE updated_ts < $day + 1
        QUALIFY row_number() OVER (
            PARTITION BY customer_id ORDER BY updated_ts DESC, _drop_date DESC, _file_id, _row_no) = 1
    """,
    "consenting": """
        SELECT customer_id FROM raw.customers WHERE updated_ts < $day + 1
        QUALIFY row_number() OVER (
            PARTITION BY customer_id ORDER BY updated_ts DESC, _drop_date DESC, _file_id, _row_no) = 1
            AND consent_profiling IS TRUE
    """,
    "products": """
        SELECT product_id, coalesce(p.status, 'active') AS status
        FROM marts.dim_product AS d LEFT JOIN (
            SELECT product_id, status FROM raw.products WHERE valid_from < $day + 1
            QUALIFY row_number() OVER (
                PARTITION BY product_id ORDER BY valid_from DESC, _drop_date DESC, _file_id, _row_no) = 1
        ) AS p USING (product_id)
        WHERE d.is_product
    """,
    "stock": """
        SELECT product_id, sum(available)::BIGINT AS available FROM marts.fct_inventory
        WHERE snapshot_date = (SELECT max(snapshot_date) FROM marts.fct_inventory
            WHERE snapshot_date <= $day AND snapshot_date > $day - 31)
        GROUP BY product_id
    """,
    "restrictions": """
        WITH lanes AS (
            FROM raw.lanes WHERE valid_from < $day + 1
            QUALIFY row_number() OVER (
                PARTITION BY lane_id ORDER BY valid_from DESC, _drop_date DESC, _file_id, _row_no) = 1
        ), markets AS (
            SELECT dest_node AS market, bool_or(allows_battery) AS battery, bool_or(allows_liquid) AS liquid,
                bool_or(allows_hazard) AS hazard
            FROM lanes GROUP BY dest_node
        )
        SELECT product_id, market, CASE
            WHEN has_battery AND NOT battery THEN 'no lane takes batteries'
            WHEN is_liquid AND NOT liquid THEN 'no lane takes liquids'
            ELSE 'no lane takes hazardous goods' END AS reason
        FROM marts.dim_product CROSS JOIN markets
        WHERE (has_battery AND NOT battery) OR (is_liquid AND NOT liquid) OR (is_hazard AND NOT hazard)
    """,
}

_DEPS = [asset_keys.mart("fct_order_line"), asset_keys.mart("dim_product"), asset_keys.mart("fct_inventory")]


def build_recommendation_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Two products, discover and replenish, and their offline evaluation on a split in time."""
    spec = partial(
        model_spec,
        group="recommendations",
        owner="team:recommendations",
        kinds={"numpy", "scipy"},
        deps=_DEPS,
    )

    @dg.multi_asset(
        name="recommendations",
        specs=[
            spec(
                asset_keys.RECS_DISCOVER,
                "Products a customer never bought, N eligible ones each, with the bought product that speaks for them. "
                "Grain: customer x rank. Key: as_of_date, customer_id, rank.",
            ),
            spec(
                asset_keys.RECS_REPLENISH,
                "Products a customer is likely to buy again, filled up to N. "
                "Grain: customer x rank. Key: as_of_date, customer_id, rank.",
            ),
            spec(
                asset_keys.RECS_EVALUATION,
                "nDCG, recall and coverage on the 28 days before the as-of day, seen only by the evaluation. "
                "Grain: product x model x part x k. Key: as_of_date, product, model, part, k.",
            ),
        ],
        partitions_def=daily(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="warehouse",
    )
    def recommendations(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        chosen = as_of_days(context)
        for day in chosen:
            frames = read_as_of(warehouse.file, QUERIES, day, purpose=f"recommendations {day}: read")
            tables = recommend(frames, day, limit_to_stock=not settings.is_sample_network)
            write_as_of(warehouse.file, tables, day, purpose=f"recommendations {day}")
            context.log.info(
                f"recommendations {day}: {tables[asset_keys.RECS_DISCOVER].height} discover rows"
            )
        yield from _report(tables, chosen[-1])

    return [recommendations]


def recommend(
    frames: "dict[str, pl.DataFrame]", day: date, *, limit_to_stock: bool
) -> "dict[dg.AssetKey, pl.DataFrame]":
    """Both lists and the evaluation of a day; a made-up network's stock limits nothing that is shown."""
    from xbec_platform.recommendations.discover import discover
    from xbec_platform.recommendations.eligibility import decide_eligibility
    from xbec_platform.recommendations.evaluation import evaluate
    from xbec_platform.recommendations.replenish import replenish

    customers, interactions = frames["customers"], frames["interactions"]
    markets = sorted({*customers["market"].drop_nulls(), *interactions["market"].drop_nulls()})
    eligibility = decide_eligibility(
        frames["products"],
        markets,
        restrictions=frames["restrictions"] if limit_to_stock else None,
        stock=frames["stock"] if limit_to_stock else None,
    )
    # What nobody agreed to is not used, neither for the customer's own lists nor for those of others: a null is no yes.
    profiled = interactions.join(frames["consenting"], on="customer_id", how="semi")
    return {
        asset_keys.RECS_DISCOVER: discover(profiled, customers, eligibility, as_of=day).lists,
        asset_keys.RECS_REPLENISH: replenish(profiled, customers, eligibility, as_of=day).lists,
        asset_keys.RECS_EVALUATION: evaluate(profiled, test_end=day),
    }


def _report(tables: "dict[dg.AssetKey, pl.DataFrame]", day: date) -> Iterator[dg.MaterializeResult[Any]]:
    for key in (asset_keys.RECS_DISCOVER, asset_keys.RECS_REPLENISH):
        lists = tables[key]
        sources = (
            lists["generator"].value_counts(sort=True, name="rows").sort("rows", "generator", descending=True)
        )
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "dagster/row_count": lists.height,
                "customers": lists["customer_id"].n_unique(),
                "rows by generator": bars(dict(sources.iter_rows()), unit="rows"),
                "as of": day.isoformat(),
            },
        )
    metrics = tables[asset_keys.RECS_EVALUATION]
    numbers = {
        f"nDCG@{row['k']} {row['product']} {row['model']} {row['part']}": row["ndcg"]
        for row in metrics.iter_rows(named=True)
        if row["ndcg"] is not None
    }
    yield dg.MaterializeResult(
        asset_key=asset_keys.RECS_EVALUATION,
        metadata={"metrics": markdown_table(metrics), **numbers, "as of": day.isoformat()},
    )
