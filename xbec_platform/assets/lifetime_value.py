"""Customer lifetime value as assets: fitted on the week's Monday, scored every day, held against what came since."""

from collections.abc import Iterator
from datetime import date
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.model_tables import as_of_days, model_spec, write_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import bars, markdown_table
from xbec_platform.assets.user_database import segmented_user_database
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.customers.lifetime_value import LifetimeModel


def build_lifetime_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """What every customer is expected to buy and to be worth."""
    spec = partial(
        model_spec,
        group="customers",
        owner="team:customer-data",
        kinds={"scipy"},
        deps=[asset_keys.mart("mart_user_database"), asset_keys.mart("mart_rfm")],
    )

    @decided_step(
        settings,
        name="customer_lifetime_value",
        specs=[
            spec(
                asset_keys.CLV,
                "What to expect of every customer: chance to be one still, order days within 90 days, value of an "
                "order day, margin within 12 months discounted by 10 % a year; with 90 % intervals of the "
                "expectation. BG/NBD and Gamma-Gamma; method is 'fallback', with the reason, where segment means "
                "serve. p_alive is 1 without a second order day: the model says nothing about these. "
                "Grain: customer. Key: as_of_date, customer_id.",
            ),
            spec(
                asset_keys.CLV_MODEL,
                "The models that scored the day's customers, fitted on the week's Monday: parameters, standard "
                "errors of their logarithms, margin of a unit of value. Grain: day. Key: as_of_date.",
            ),
            spec(
                asset_keys.CLV_HOLDOUT,
                "Order days within 4 to 13 weeks (a third of the history) as predicted from what was known before "
                "them, against what came; measured on the week's Monday. Grain: day. Key: as_of_date.",
            ),
        ],
    )
    def customer_lifetime_value(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        from xbec_platform.customers.cluster_days import model_day
        from xbec_platform.customers.lifetime_value import LifetimeParams, fit_lifetime, score_lifetime

        params, start = LifetimeParams(), settings.start_date
        fitted = cache(lambda day: fit_lifetime(segmented_user_database(warehouse.file, day), params))
        checked = cache(lambda day: _holdout(warehouse.file, day, start))
        chosen = as_of_days(context)
        for day in chosen:
            monday = model_day(day, start=start)
            model = fitted(monday)
            tables = {
                asset_keys.CLV: score_lifetime(model, segmented_user_database(warehouse.file, day), params),
                asset_keys.CLV_MODEL: _model_row(model, monday),
                asset_keys.CLV_HOLDOUT: checked(monday),
            }
            write_as_of(warehouse.file, tables, day, purpose=f"customer lifetime value {day}")
            context.log.info(f"customer lifetime value {day}: {model.reason or 'models of ' + str(monday)}")
        yield from _report(tables, chosen[-1])

    return [customer_lifetime_value]


def _holdout(warehouse: Warehouse, day: date, start: date) -> "pl.DataFrame":
    from xbec_platform.customers.lifetime_holdout import calibration_day, check_holdout, not_checked
    from xbec_platform.customers.lifetime_value import LifetimeParams

    now = segmented_user_database(warehouse, day)
    calibration = calibration_day(day, start=start)
    if calibration is None:
        reason = "less than 12 weeks of history"
        return not_checked(reason, "too_early", calibration=None, day=day, n_customers=now.height)
    then = segmented_user_database(warehouse, calibration)
    return check_holdout(then, now, calibration=calibration, day=day, params=LifetimeParams())


def _model_row(model: "LifetimeModel", fitted_on: date) -> "pl.DataFrame":
    import polars as pl

    from xbec_platform.customers.lifetime_storage import lifetime_row

    return lifetime_row(model).with_columns(fitted_on=pl.lit(fitted_on))


def _report(tables: "dict[dg.AssetKey, pl.DataFrame]", day: date) -> Iterator[dg.MaterializeResult[Any]]:
    common = {"as of": day.isoformat()}
    scores = tables[asset_keys.CLV]
    counts = scores["activity"].value_counts().sort("activity")
    yield dg.MaterializeResult(
        asset_key=asset_keys.CLV,
        metadata={
            "dagster/row_count": scores.height,
            "customers by activity": bars(dict(counts.iter_rows()), unit="customers"),
            "expected margin, 12 months": float(scores["clv_12m_base"].sum() or 0),
            **common,
        },
    )
    for key in (asset_keys.CLV_MODEL, asset_keys.CLV_HOLDOUT):
        yield dg.MaterializeResult(asset_key=key, metadata={"row": markdown_table(tables[key]), **common})
