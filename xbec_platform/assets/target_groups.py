"""Target groups of products and attributes as assets: read groups and purchases as of a day, rate, store."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.cluster_models import stored_model
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.model_tables import as_of_days, model_spec, read_as_of, results, write_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.target_queries import MEMBERS, QUERIES, WINDOW_DAYS
from xbec_platform.assets.ui_metadata import markdown_table, report_links
from xbec_platform.publish.page_names import TARGETS
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.customers.cluster_model import ClusterModel
    from xbec_platform.customers.target_groups import TargetInput


def build_target_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Who buys what more often than everybody."""
    spec = partial(
        model_spec,
        group="customers",
        owner="team:customer-data",
        kinds={"scipy"},
        deps=[
            asset_keys.CLUSTER_MODEL,
            asset_keys.mart("mart_rfm"),
            asset_keys.intermediate("int_item_signals"),
            asset_keys.intermediate("int_item_attributes"),
        ],
    )

    @decided_step(
        settings,
        name="target_groups",
        specs=[
            spec(
                asset_keys.ATTRIBUTE_TARGETS,
                "How much more often than everybody a group buys what has an attribute value: segments, clusters, "
                "countries, age bands and life stages as they were 28 days ago, by their purchases since; empirical "
                "Bayes with 90 % intervals, exact permutation test. Groups of 30 people or more. "
                "Grain: group x attribute x value. Key: as_of_date, group_type, group_key, attribute, attribute_value.",
            ),
            spec(
                asset_keys.PRODUCT_TARGETS,
                "The ten best groups of each product, with reach, buyers and margin to expect, and why: what its "
                "attributes promise and its own buyers. Grain: product x rank. Key: as_of_date, item_id, rank.",
            ),
        ],
    )
    def target_groups(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        from xbec_platform.customers.target_groups import attribute_index, product_groups

        chosen = as_of_days(context)
        for day in chosen:
            data = target_input(warehouse.file, day)
            index = attribute_index(data)
            tables = {
                asset_keys.ATTRIBUTE_TARGETS: index.drop("n_now", "rate"),
                asset_keys.PRODUCT_TARGETS: product_groups(data, index),
            }
            write_as_of(warehouse.file, tables, day, purpose=f"target groups {day}")
            context.log.info(
                f"target groups {day}: {index['is_significant'].sum()} significant of {index.height}"
            )
        best = index.filter("is_significant").sort("index", descending=True).head(20)
        shown = (
            "group_type",
            "group_key",
            "attribute",
            "attribute_value",
            "n_group",
            "index",
            "index_lo",
            "index_hi",
        )
        told: dict[dg.AssetKey, dict[str, Any]] = {
            key: {
                "significant": int(rows["is_significant"].sum()),
                **report_links(settings, {"finder": TARGETS}),
            }
            for key, rows in tables.items()
        }
        told[asset_keys.ATTRIBUTE_TARGETS]["best"] = markdown_table(best.select(shown))
        yield from results(tables, chosen[-1], told)

    return [target_groups]


def target_input(warehouse: Warehouse, day: date) -> "TargetInput":
    """What target groups of a day are found from."""
    import polars as pl

    from xbec_platform.customers.target_groups import TargetInput

    start = day - timedelta(days=WINDOW_DAYS)
    frames = read_as_of(warehouse, QUERIES, day, purpose=f"target groups {day}: read")
    frames |= read_as_of(warehouse, {"before": MEMBERS}, start, purpose=f"target groups {day}: read")
    clusters = stored_model(warehouse, day, "cluster")
    for name, when in (("now", day), ("before", start)):
        frames[name] = pl.concat([frames[name], _clusters(warehouse, clusters, when)])
    return TargetInput(**frames)


def _clusters(warehouse: Warehouse, model: "ClusterModel | None", when: date) -> "pl.DataFrame":
    """The clusters of a day's model with their people at another day: nobody's cluster knows what came after it.

    Groups by interest are left out: that people who look at baby goods buy baby goods tells nobody who they are.
    """
    import polars as pl

    from xbec_platform.customers.clusters import assign

    people = read_as_of(
        warehouse,
        {"people": "SELECT * FROM marts.mart_user_database WHERE as_of_date = $day"},
        when,
        purpose="target groups: clusters",
    )["people"]
    if people.is_empty() or model is None:
        return pl.DataFrame(
            schema={"group_type": pl.String, "group_key": pl.String, "customer_id": pl.String}
        )
    return assign(model, people).select(
        pl.lit("cluster").alias("group_type"), pl.col("cluster_name").alias("group_key"), "customer_id"
    )
