"""What assets of clusters share: the model in force on a day, and its tables by the prefix of their names."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.as_of_sql import latest
from xbec_platform.assets.model_tables import read_as_of
from xbec_platform.assets.ui_metadata import bars, markdown_table
from xbec_platform.warehouse.database import Warehouse

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.customers.cluster_model import ClusterModel, ClusterParams
    from xbec_platform.customers.cluster_promotion import Promotion
    from xbec_platform.customers.features import FeatureSpec

    Search = Callable[[date, pl.DataFrame, ClusterParams], ClusterModel]

# The prefix that the pure code gives its frames.
OWN_PREFIX = "cluster"


def table_key(prefix: str, name: str) -> dg.AssetKey:
    """Key of a table of clusters, such as `table_key("interest", "drift")`."""
    return dg.AssetKey([asset_keys.ML, f"{prefix}_{name}"])


def models(
    people_of: "Callable[[date, ClusterModel | None], pl.DataFrame]",
    params_of: "Callable[[pl.DataFrame], ClusterParams]",
    start: date,
    decisions: "Sequence[Promotion]" = (),
    search: "Search | None" = None,
) -> "Callable[[date], ClusterModel]":
    """The model of a day: the search of the period, moved to the day's Monday; each fitted once per run.

    Where an operator's decision holds on the day, its groups of the same search, moved likewise.

    Args:
        people_of: customers as of a day, with the columns a model compares by.
        params_of: settings of the search among them.
        start: first day of the home.
        decisions: of operators on these groups.
        search: how groups of a day are searched; `clusters.fit` by default, `remembered_search` where it is costly.
    """
    from xbec_platform.customers.cluster_days import model_day, search_day
    from xbec_platform.customers.cluster_promotion import in_force, promoted
    from xbec_platform.customers.cluster_refit import refit
    from xbec_platform.customers.clusters import fit

    @cache
    def searched(day: date, decision: "Promotion | None") -> "ClusterModel":
        people = people_of(day, None)
        if decision is None:
            params = params_of(people)
            return search(day, people, params) if search is not None else fit(people, params)
        return promoted(people, searched(day, None), params_of(people), decision)

    @cache
    def moved(monday: date, decision: "Promotion | None") -> "ClusterModel":
        anchor = search_day(monday, start=start)
        if anchor is None or anchor == monday:
            return searched(monday, decision)
        model = searched(anchor, decision)
        people = people_of(monday, model)
        return refit(people, model, params_of(people))

    return lambda day: moved(model_day(day, start=start), in_force(decisions, day))


def remembered_search(warehouse: Warehouse, prefix: str) -> "Search":
    """A search that is not repeated on the days of its period: it takes 2 to 8 CPU s and finds the same again."""
    import json

    import polars as pl

    from xbec_platform.customers.cluster_storage import MODEL_SCHEMAS, model_from_frames, model_to_frames
    from xbec_platform.customers.clusters import fit
    from xbec_platform.customers.features import customers_in_order
    from xbec_platform.warehouse.remembered import input_hash, remembered

    def search(day: date, people: "pl.DataFrame", params: "ClusterParams") -> "ClusterModel":
        wanted = {"customer_id", *(feature.column for feature in params.features)}
        # What else is known of customers moves with every late row, and no search looks at it.
        compared = customers_in_order(people.select(name for name in people.columns if name in wanted))

        def document() -> str:
            frames = model_to_frames(fit(compared, params))
            return json.dumps({name: frame.to_dict(as_series=False) for name, frame in frames.items()})

        found_from = input_hash(compared, params)
        known = json.loads(remembered(warehouse, f"{prefix} groups of {day}", found_from, document))
        return model_from_frames(
            {name: pl.DataFrame(known[name], schema=schema) for name, schema in MODEL_SCHEMAS.items()}
        )

    return search


def decisions_on(warehouse: Warehouse, groups: str) -> "list[Promotion]":
    """What operators have decided on groups (`habits` or `interests`), as it was delivered last."""
    from xbec_platform.customers.cluster_promotion import Promotion
    from xbec_platform.warehouse.database import missing_tables, read_frame

    with warehouse.connect(f"decisions on {groups}: read") as connection:
        if missing_tables(connection, ["raw.cluster_promotions"]):
            return []
        rows = read_frame(
            connection,
            f"SELECT valid_from, method, k, reason FROM raw.cluster_promotions WHERE groups = ? "
            f"{latest('groups, valid_from', 'decided_ts')} ORDER BY valid_from",
            [groups],
        )
    return [Promotion(**row) for row in rows.iter_rows(named=True)]


def model_tables(model: "ClusterModel", prefix: str) -> "dict[dg.AssetKey, pl.DataFrame]":
    """Every table a model is kept in."""
    from xbec_platform.customers.cluster_storage import model_to_frames

    return {
        table_key(prefix, name.removeprefix(f"{OWN_PREFIX}_")): rows
        for name, rows in model_to_frames(model).items()
    }


def stored_model(warehouse: Warehouse, day: date, prefix: str) -> "ClusterModel | None":
    """The model in force on a day, None where it has not been computed."""
    from xbec_platform.customers.cluster_storage import MODEL_SCHEMAS, model_from_frames

    queries = {
        name: f"SELECT * EXCLUDE (as_of_date) FROM ml.{name.replace(OWN_PREFIX, prefix, 1)} WHERE as_of_date = $day"
        for name in MODEL_SCHEMAS
    }
    frames = read_as_of(warehouse, queries, day, purpose=f"{prefix} groups: read the model")
    return None if frames[f"{OWN_PREFIX}_model"].is_empty() else model_from_frames(frames)


def described(
    model: "ClusterModel", people: "pl.DataFrame", specs: "tuple[FeatureSpec, ...]", prefix: str
) -> "dict[dg.AssetKey, pl.DataFrame]":
    """Profile and drift of a day's customers."""
    from xbec_platform.customers.cluster_drift import drift
    from xbec_platform.customers.cluster_profile import profile

    found = profile(model, people, specs)
    return {
        table_key(prefix, "profile"): found.groups.rename({"cluster_name": "name"}),
        table_key(prefix, "profile_features"): found.features,
        table_key(prefix, "drift"): drift(model, people),
    }


def report(
    tables: "dict[dg.AssetKey, pl.DataFrame]",
    model: "ClusterModel",
    day: date,
    *,
    prefix: str,
    members: dg.AssetKey,
) -> Iterator[dg.MaterializeResult[Any]]:
    """What the UI shows of a day."""
    profile, drifts = tables[table_key(prefix, "profile")], tables[table_key(prefix, "drift")]
    common = {"as of": day.isoformat()}
    yield dg.MaterializeResult(
        asset_key=table_key(prefix, "model"),
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
        asset_key=members,
        metadata={
            "dagster/row_count": tables[members].height,
            "customers by group": bars(sizes, unit="customers"),
            **common,
        },
    )
    shown = profile.select("cluster_key", "name", "n_customers", "share", "revenue_share", "evidence")
    for name, title, table in (
        ("profile", "groups", shown),
        ("stability", "k tried", tables[table_key(prefix, "stability")]),
        ("challengers", "methods", tables[table_key(prefix, "challengers")]),
    ):
        yield dg.MaterializeResult(
            asset_key=table_key(prefix, name), metadata={title: markdown_table(table), **common}
        )
