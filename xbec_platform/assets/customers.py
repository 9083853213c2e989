"""Customer clusters as assets: read the user database of the days the model depends on, fit, assign, store."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.cluster_models import (
    OWN_PREFIX,
    decisions_on,
    described,
    model_tables,
    models,
    remembered_search,
    report,
)
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.model_tables import as_of_days, model_spec, write_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.user_database import user_database
from xbec_platform.settings import Settings


def build_customer_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Groups of customers whose keys last from day to day."""
    spec = partial(
        model_spec,
        group="customers",
        owner="team:customer-data",
        kinds={"scikitlearn"},
        deps=[asset_keys.mart("mart_user_database"), asset_keys.raw("cluster_promotions")],
    )

    @decided_step(
        settings,
        name="customer_clusters",
        specs=[
            spec(
                asset_keys.CLUSTER_MODEL,
                "The model that assigned the day's customers: how it was chosen and how well it holds. Its scale, "
                "centroids and bins are beside it (ml.cluster_features, _groups, _centroids, _bins). "
                "Grain: day. Key: as_of_date.",
            ),
            spec(
                asset_keys.CUSTOMER_CLUSTERS,
                "The group of every customer. Keys last: the model moves weekly; groups are searched anew weekly in "
                "the first month, monthly in the first half-year, then quarterly. "
                "Grain: customer. Key: as_of_date, customer_id.",
            ),
            spec(
                asset_keys.CLUSTER_PROFILE,
                "Each group in words and numbers: size, share of sales, evidence. "
                "Grain: cluster. Key: as_of_date, cluster_key.",
            ),
            spec(
                asset_keys.CLUSTER_STABILITY,
                "Bootstrap agreement (adjusted Rand index) of every number of groups tried. "
                "Grain: k. Key: as_of_date, k.",
            ),
            spec(
                asset_keys.CLUSTER_CHALLENGERS,
                "Gaussian mixture and HDBSCAN beside k-means, on the points of the search: silhouette, and agreement "
                "with fits to four fifths of the points. They decide nothing until an operator promotes one (xbec "
                "promote). Grain: method. Key: as_of_date, method.",
            ),
        ],
    )
    def customer_clusters(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        from xbec_platform.customers.cluster_model import ClusterParams
        from xbec_platform.customers.cluster_profile import PROFILE_FEATURES
        from xbec_platform.customers.clusters import assign

        people_of = partial(user_database, warehouse.file)
        model_of = models(
            lambda day, _: people_of(day),
            lambda _: ClusterParams(),
            settings.start_date,
            decisions_on(warehouse.file, "habits"),
            remembered_search(warehouse.file, OWN_PREFIX),
        )
        chosen = as_of_days(context)
        for day in chosen:
            people, model = people_of(day), model_of(day)
            tables = model_tables(model, OWN_PREFIX)
            tables[asset_keys.CUSTOMER_CLUSTERS] = assign(model, people)
            tables |= described(model, people, PROFILE_FEATURES, OWN_PREFIX)
            write_as_of(warehouse.file, tables, day, purpose=f"customer clusters {day}")
            context.log.info(f"customer clusters {day}: {model.reason}")
        yield from report(tables, model, chosen[-1], prefix=OWN_PREFIX, members=asset_keys.CUSTOMER_CLUSTERS)

    return [customer_clusters]
