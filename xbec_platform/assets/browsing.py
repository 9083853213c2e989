"""Browsing and search as assets: offers and facets by market, search terms, similar items. Nothing is computed here."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.browsing_queries import QUERIES
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.model_tables import as_of_days, model_spec, read_as_of, results, write_as_of
from xbec_platform.assets.recommendation_queries import LIMITS
from xbec_platform.assets.recommendation_queries import QUERIES as RECOMMENDATION_QUERIES
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import markdown_table
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import polars as pl

_SHARED = ("customers", "products", *LIMITS)
_DEPS = [
    asset_keys.intermediate("int_events"),
    asset_keys.intermediate("int_item_attributes"),
    asset_keys.mart("dim_product"),
    asset_keys.mart("fct_inventory"),
    asset_keys.raw("tariff_rules"),
    asset_keys.raw("products"),
]


def build_browsing_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """What shoppers browse and search by, and what they find."""
    spec = partial(
        model_spec,
        group="recommendations",
        owner="team:recommendations",
        kinds={"numpy", "scipy"},
        deps=_DEPS,
    )

    @decided_step(
        settings,
        name="browsing",
        specs=[
            spec(
                asset_keys.PRODUCT_OFFERS,
                "Whether a product may be sold in a market, its stock, and what one piece costs there with duty and "
                "taxes. Grain: product x market. Key: as_of_date, product_id, market.",
            ),
            spec(
                asset_keys.CATALOG_FACETS,
                "Values of attributes, price bands among them, with eligible products, stock and landed prices. "
                "Grain: market x attribute x value. Key: as_of_date, market, attribute, attribute_value.",
            ),
            spec(
                asset_keys.SEARCH_DOCUMENTS,
                "What the shop's search knows of each product: title, brand, category, attribute values. "
                "Grain: product. Key: as_of_date, product_id.",
            ),
            spec(
                asset_keys.SEARCH_TERMS,
                "What people searched for in 28 days: found nothing, clicked, put in the cart, searched again; "
                "addresses and numbers masked, terms of fewer than five visits together. "
                "Grain: market x term. Key: as_of_date, market, term.",
            ),
            spec(
                asset_keys.RECS_SIMILAR,
                "Up to 20 products similar to each: looked at together within visits, or of the same attributes, which "
                "new ones have too. Grain: product x rank. Key: as_of_date, product_id, rank.",
            ),
            spec(
                asset_keys.RECS_SESSIONS,
                "How well the next product of a visit is told on the last 7 days, by a model of the days before. "
                "Grain: model. Key: as_of_date, model.",
            ),
        ],
    )
    def browsing(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        chosen = as_of_days(context)
        queries = QUERIES | {name: RECOMMENDATION_QUERIES[name] for name in _SHARED}
        for day in chosen:
            frames = read_as_of(warehouse.file, queries, day, purpose=f"browsing {day}: read")
            tables = browse(frames, day, limit_to_stock=not settings.is_sample_network)
            write_as_of(warehouse.file, tables, day, purpose=f"browsing {day}")
            context.log.info(f"browsing {day}: {tables[asset_keys.PRODUCT_OFFERS].height} offers")
        yield from _report(tables, chosen[-1])

    return [browsing]


def browse(
    frames: "dict[str, pl.DataFrame]", day: date, *, limit_to_stock: bool
) -> "dict[dg.AssetKey, pl.DataFrame]":
    """All tables of a day; a made-up network's stock limits nothing that is offered."""
    from xbec_platform.logistics.landed_prices import landed_prices
    from xbec_platform.recommendations.eligibility import decide_eligibility
    from xbec_platform.recommendations.facets import facets
    from xbec_platform.recommendations.search_documents import search_documents
    from xbec_platform.recommendations.search_terms import search_terms
    from xbec_platform.recommendations.sessions import evaluate_sessions, fit_sessions, similar_items

    markets = sorted({*frames["customers"]["market"].drop_nulls()})
    limits = {name: frames[name] for name in LIMITS if limit_to_stock}
    eligibility = decide_eligibility(frames["products"], markets, **limits)
    rates = dict(frames["rates"].rows())
    prices = landed_prices(frames["catalogue"], markets, frames["rules"], rates, day)
    stock = frames["stock"] if limit_to_stock else frames["stock"].clear()
    offers = (
        eligibility.join(stock, on="product_id", how="left")
        .join(prices, on=["product_id", "market"], how="left")
        .sort("product_id", "market")
    )
    sessions, attributes = frames["sessions"], frames["attributes"]
    return {
        asset_keys.PRODUCT_OFFERS: offers,
        asset_keys.CATALOG_FACETS: facets(offers, attributes),
        asset_keys.SEARCH_DOCUMENTS: search_documents(frames["catalogue"], attributes),
        asset_keys.SEARCH_TERMS: search_terms(frames["searches"], frames["clicks"]),
        asset_keys.RECS_SIMILAR: similar_items(fit_sessions(sessions, as_of=day), attributes),
        asset_keys.RECS_SESSIONS: evaluate_sessions(
            sessions, test_start=day - timedelta(days=6), test_end=day
        ),
    }


def _report(tables: "dict[dg.AssetKey, pl.DataFrame]", day: date) -> Iterator[dg.MaterializeResult[Any]]:
    terms = tables[asset_keys.SEARCH_TERMS]
    unmet = terms.sort("n_zero_results", "term", descending=[True, False]).head(20)
    shown: dict[dg.AssetKey, dict[str, Any]] = {
        asset_keys.SEARCH_TERMS: {
            "searched and not found": markdown_table(
                unmet.select("market", "term", "n_searches", "n_zero_results", "zero_result_rate")
            )
        },
        asset_keys.RECS_SESSIONS: {"next item of a visit": markdown_table(tables[asset_keys.RECS_SESSIONS])},
    }
    yield from results(tables, day, shown)
