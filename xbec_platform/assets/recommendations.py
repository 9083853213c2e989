"""Recommendations as assets: read history and eligibility as of a day, recommend, evaluate, store."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.model_tables import AS_OF, as_of_days, model_spec, read_as_of, write_as_of
from xbec_platform.assets.recommendation_queries import EARLIER_LISTS, LIMITS, QUERIES
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import bars, markdown_table
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import polars as pl

_DEPS = [
    asset_keys.mart("fct_order_line"),
    asset_keys.mart("dim_product"),
    asset_keys.mart("fct_inventory"),
    asset_keys.intermediate("int_item_attributes"),
    asset_keys.intermediate("int_item_signals"),
]


def build_recommendation_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Two products, discover and replenish, and their offline evaluation on a split in time."""
    spec = partial(
        model_spec,
        group="recommendations",
        owner="team:recommendations",
        kinds={"numpy", "scipy"},
        deps=_DEPS,
    )

    @decided_step(
        settings,
        name="recommendations",
        specs=[
            spec(
                asset_keys.RECS_DISCOVER,
                "Products a customer never bought, N eligible ones each, with the product, bought or looked at, that "
                "speaks for them, by a blend of generators learned on earlier weeks; an earlier day's where the gate "
                "failed (ml.recs_gate). "
                "Grain: customer x rank. Key: as_of_date, customer_id, rank.",
            ),
            spec(
                asset_keys.RECS_REPLENISH,
                "Products a customer is likely to buy again, filled up to N. "
                "Grain: customer x rank. Key: as_of_date, customer_id, rank.",
            ),
            spec(
                asset_keys.RECS_EVALUATION,
                "nDCG, recall, coverage, novelty and diversity on the 28 days before the as-of day, seen only by the "
                "evaluation; and of the lists of a week ago by what was bought since. "
                "Grain: product x model x part x k. Key: as_of_date, product, model, part, k.",
            ),
            spec(
                asset_keys.RECS_GATE,
                "Whether today's discover lists are published: they must be 1.1 times as good as the best popularity "
                "on the last 28 days, else an earlier day's stay. Grain: as-of day. Key: as_of_date.",
            ),
            spec(
                asset_keys.RECS_ABLATION,
                "What each of the four signals (access interface, click times, search path, residence time) is worth: "
                "nDCG without it. Grain: signal left out. Key: as_of_date, left_out.",
            ),
        ],
    )
    def recommendations(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        chosen = as_of_days(context)
        for day in chosen:
            frames = read_as_of(warehouse.file, QUERIES, day, purpose=f"recommendations {day}: read")
            frames |= _earlier(warehouse, day)
            tables = recommend(frames, day, limit_to_stock=not settings.is_sample_network)
            write_as_of(warehouse.file, tables, day, purpose=f"recommendations {day}")
            gate = tables[asset_keys.RECS_GATE].row(0, named=True)
            say = context.log.warning if gate["status"] == "failed" else context.log.info
            say(f"recommendations {day}: gate {gate['status']}: {gate['reason']}")
        yield from _report(tables, chosen[-1])

    return [recommendations]


def _earlier(warehouse: WarehouseResource, day: date) -> "dict[str, pl.DataFrame]":
    """Lists of earlier days; none on the first one."""
    import polars as pl

    from xbec_platform.recommendations.discover import DISCOVER_SCHEMA
    from xbec_platform.warehouse.database import missing_tables, read_queries

    with warehouse.file.connect(f"recommendations {day}: earlier lists") as connection:
        if missing_tables(connection, [asset_keys.table(asset_keys.RECS_DISCOVER)]):
            return dict.fromkeys(EARLIER_LISTS, pl.DataFrame(schema={AS_OF: pl.Date, **DISCOVER_SCHEMA}))
        return read_queries(connection, EARLIER_LISTS, day)


def recommend(
    frames: "dict[str, pl.DataFrame]", day: date, *, limit_to_stock: bool
) -> "dict[dg.AssetKey, pl.DataFrame]":
    """All tables of a day; a made-up network's stock limits nothing that is shown."""
    from xbec_platform.recommendations.daily_lists import daily_lists
    from xbec_platform.recommendations.eligibility import decide_eligibility

    customers, interactions = frames["customers"], frames["interactions"]
    markets = sorted({*customers["market"].drop_nulls(), *interactions["market"].drop_nulls()})
    limits = {name: frames[name] for name in LIMITS if limit_to_stock}
    eligibility = decide_eligibility(frames["products"], markets, **limits)
    # What nobody agreed to is not used, neither for the customer's own lists nor for those of others: a null is no yes.
    agreed = {
        name: frames[name].join(frames["consenting"], on="customer_id", how="semi")
        for name in ("interactions", "signals")
    }
    made = daily_lists(
        agreed["interactions"],
        agreed["signals"],
        customers,
        eligibility,
        as_of=day,
        previous=frames["previous"],
        week_ago=frames["week_ago"],
        attributes=frames["attributes"],
    )
    return {
        asset_keys.RECS_DISCOVER: made.discover,
        asset_keys.RECS_REPLENISH: made.replenish,
        asset_keys.RECS_EVALUATION: made.evaluation,
        asset_keys.RECS_GATE: made.gate,
        asset_keys.RECS_ABLATION: made.ablation,
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
    for key in (asset_keys.RECS_GATE, asset_keys.RECS_ABLATION):
        yield dg.MaterializeResult(
            asset_key=key, metadata={"table": markdown_table(tables[key]), "as of": day.isoformat()}
        )
