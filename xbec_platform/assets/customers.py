"""Customer clusters as assets: read the user database of the days the model depends on, fit, assign, store."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.model_tables import as_of_days, model_spec, write_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import bars, markdown_table
from xbec_platform.assets.user_database import user_database
from xbec_platform.partitions import daily
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.customers.cluster_model import ClusterModel


def build_customer_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Groups of customers whose keys last from day to day."""
    spec = partial(
        model_spec,
        group="customers",
        owner="team:customer-data",
        kinds={"scikitlearn"},
        deps=[asset_keys.mart("mart_user_database")],
    )

    @dg.multi_asset(
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
        ],
        partitions_def=daily(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="warehouse",
    )
    def customer_clusters(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        from xbec_platform.customers.cluster_storage import model_to_frames
        from xbec_platform.customers.clusters import assign

        model_of = _models(warehouse.file, settings.start_date)
        chosen = as_of_days(context)
        for day in chosen:
            people = user_database(warehouse.file, day)
            model = model_of(day)
            tables = {
                dg.AssetKey([asset_keys.ML, name]): rows for name, rows in model_to_frames(model).items()
            }
            tables[asset_keys.CUSTOMER_CLUSTERS] = assign(model, people)
            tables |= _described(model, people)
            write_as_of(warehouse.file, tables, day, purpose=f"customer clusters {day}")
            context.log.info(f"customer clusters {day}: {model.reason}")
        yield from _report(tables, model, chosen[-1])

    return [customer_clusters]


def _models(warehouse: Warehouse, start: date) -> "Callable[[date], ClusterModel]":
    """The model of a day: the last quarterly search, moved to the day's Monday; each fitted once per run."""
    from xbec_platform.customers.cluster_days import model_day, search_day
    from xbec_platform.customers.cluster_model import ClusterParams
    from xbec_platform.customers.cluster_refit import refit
    from xbec_platform.customers.clusters import fit

    params = ClusterParams()

    @cache
    def searched(day: date) -> "ClusterModel":
        return fit(user_database(warehouse, day), params)

    @cache
    def moved(monday: date) -> "ClusterModel":
        search = search_day(monday, start=start)
        if search is None or search == monday:
            return searched(monday)
        return refit(user_database(warehouse, monday), searched(search), params)

    return lambda day: moved(model_day(day, start=start))


def _described(model: "ClusterModel", people: "pl.DataFrame") -> "dict[dg.AssetKey, pl.DataFrame]":
    from xbec_platform.customers.cluster_drift import drift
    from xbec_platform.customers.cluster_profile import profile

    described = profile(model, people)
    return {
        asset_keys.CLUSTER_PROFILE: described.groups.rename({"cluster_name": "name"}),
        dg.AssetKey([asset_keys.ML, "cluster_profile_features"]): described.features,
        dg.AssetKey([asset_keys.ML, "cluster_drift"]): drift(model, people),
    }


def _report(
    tables: "dict[dg.AssetKey, pl.DataFrame]", model: "ClusterModel", day: date
) -> Iterator[dg.MaterializeResult[Any]]:
    profile = tables[asset_keys.CLUSTER_PROFILE]
    drifts = tables[dg.AssetKey([asset_keys.ML, "cluster_drift"])]
    common = {"as of": day.isoformat()}
    yield dg.MaterializeResult(
        asset_key=asset_keys.CLUSTER_MODEL,
        metadata={
            "groups": len(model.groups),
            "status": model.status,
            "reason": model.reason,
            "mean ARI": model.mean_ari if model.mean_ari is not None else 0.0,
            "largest PSI": float(drifts["psi"].max() or 0.0),  # type: ignore[arg-type]
            **common,
        },
    )
    sizes = dict(profile.select("name", "n_customers").iter_rows())
    yield dg.MaterializeResult(
        asset_key=asset_keys.CUSTOMER_CLUSTERS,
        metadata={
            "dagster/row_count": tables[asset_keys.CUSTOMER_CLUSTERS].height,
            "customers by group": bars(sizes, unit="customers"),
            **common,
        },
    )
    shown = profile.select("cluster_key", "name", "n_customers", "share", "revenue_share", "evidence")
    yield dg.MaterializeResult(
        asset_key=asset_keys.CLUSTER_PROFILE, metadata={"groups": markdown_table(shown), **common}
    )
    yield dg.MaterializeResult(
        asset_key=asset_keys.CLUSTER_STABILITY,
        metadata={"k tried": markdown_table(tables[asset_keys.CLUSTER_STABILITY]), **common},
    )
