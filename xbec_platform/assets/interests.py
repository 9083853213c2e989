"""Groups by interest as assets: what customers look at and buy, into groups whose keys last."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.cluster_models import (
    decisions_on,
    described,
    model_tables,
    models,
    remembered_search,
    report,
)
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.interest_queries import QUERIES
from xbec_platform.assets.model_tables import as_of_days, model_spec, read_as_of, write_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.customers.cluster_model import ClusterModel

PREFIX = "interest"


def build_interest_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Groups of customers who care for the same goods."""
    spec = partial(
        model_spec,
        group="customers",
        owner="team:customer-data",
        kinds={"scikitlearn"},
        deps=[
            asset_keys.intermediate("int_item_weights"),
            asset_keys.intermediate("int_item_attributes"),
            asset_keys.mart("mart_user_database"),
            asset_keys.raw("cluster_promotions"),
        ],
    )

    @decided_step(
        settings,
        name="customer_interests",
        specs=[
            spec(
                asset_keys.INTEREST_MODEL,
                "The model behind the groups by interest: k-means on smoothed log-odds of categories, the number of "
                "groups by bootstrap stability. Its scale, centroids and bins are beside it (ml.interest_features, "
                "_groups, _centroids, _bins). Grain: day. Key: as_of_date.",
            ),
            spec(
                asset_keys.CUSTOMER_INTERESTS,
                "The group by interest of every customer who agreed to be profiled, has 20 events or more on goods of "
                "a category, and is nearer to one group than to any other by a tenth. Keys are categories and last. "
                "Grain: customer. Key: as_of_date, customer_id.",
            ),
            spec(
                asset_keys.INTEREST_PROFILE,
                "Each group by interest in words and numbers: size, share of sales, evidence. "
                "Grain: cluster. Key: as_of_date, cluster_key.",
            ),
            spec(
                asset_keys.INTEREST_STABILITY,
                "Bootstrap agreement (adjusted Rand index) of every number of groups by interest tried. "
                "Grain: k. Key: as_of_date, k.",
            ),
            spec(
                asset_keys.INTEREST_CHALLENGERS,
                "Gaussian mixture and HDBSCAN beside k-means on interests: silhouette, and agreement with fits to "
                "four fifths of the points. They decide nothing until an operator promotes one (xbec promote). "
                "Grain: method. Key: as_of_date, method.",
            ),
        ],
    )
    def customer_interests(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        model_of = _models(warehouse.file, settings.start_date)
        chosen = as_of_days(context)
        for day in chosen:
            model = model_of(day)
            tables = interest_tables(warehouse.file, day, model)
            write_as_of(warehouse.file, tables, day, purpose=f"interests {day}")
            context.log.info(f"interests {day}: {model.reason}")
        yield from report(tables, model, chosen[-1], prefix=PREFIX, members=asset_keys.CUSTOMER_INTERESTS)

    return [customer_interests]


def interests_of(warehouse: Warehouse, day: date, model: "ClusterModel | None" = None) -> "pl.DataFrame":
    """The interests of customers as of a day, with the columns that a model compares by."""
    from xbec_platform.customers.interests import interests

    evidence = read_as_of(warehouse, {"evidence": QUERIES["evidence"]}, day, purpose="interests: read")
    columns = [feature.column for feature in model.features] if model is not None else ()
    return interests(evidence["evidence"], columns=columns)


def interest_tables(
    warehouse: Warehouse, day: date, model: "ClusterModel"
) -> "dict[dg.AssetKey, pl.DataFrame]":
    """Every table of a day: the model, who belongs where, and what the groups are like."""
    from xbec_platform.customers.features import CLUSTER_FEATURES
    from xbec_platform.customers.interests import interest_clusters, interest_groups

    people = interests_of(warehouse, day, model)
    members = interest_groups(model, people)
    buyers = read_as_of(warehouse, {"buyers": QUERIES["buyers"]}, day, purpose="interests: read")["buyers"]
    specs = (*interest_clusters(people).features, *CLUSTER_FEATURES)
    known = people.join(members, on="customer_id", how="semi").join(buyers, on="customer_id", how="left")
    return {
        **model_tables(model, PREFIX),
        asset_keys.CUSTOMER_INTERESTS: members,
        **described(model, known, specs, PREFIX),
    }


def _models(warehouse: Warehouse, start: date) -> "Callable[[date], ClusterModel]":
    from xbec_platform.customers.interests import interest_clusters

    decisions = decisions_on(warehouse, "interests")
    search = remembered_search(warehouse, PREFIX)
    return models(partial(interests_of, warehouse), interest_clusters, start, decisions, search)
