"""Preferences by attribute of goods as assets: read decayed sums as of a day, score, store."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.model_tables import as_of_days, model_spec, read_as_of, write_as_of
from xbec_platform.assets.preference_queries import QUERIES
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import markdown_table
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.customers.preferences import Preferences

_DEPS = [
    asset_keys.CUSTOMER_INTERESTS,
    *(
        asset_keys.intermediate(name)
        for name in ("int_item_weights", "int_item_attributes", "int_preference_settings")
    ),
]


def build_preference_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The user model of commodity attributes, with the rates it is measured against."""
    spec = partial(
        model_spec,
        group="customers",
        owner="team:customer-data",
        kinds={"scipy"},
        deps=_DEPS,
    )

    @decided_step(
        settings,
        name="user_attribute_preference",
        specs=[
            spec(
                asset_keys.ATTRIBUTE_PREFERENCE,
                "What a customer prefers, by attribute of goods: scores of browsing habits, purchase frequency, "
                "preference settings and click-through rate, and the preference they make together, against the "
                "market and with events halved every 30 days. Only of customers who consent to profiling; the best 8 "
                "values of each attribute. Grain: customer x attribute x value. "
                "Key: as_of_date, customer_id, attribute, attribute_value.",
            ),
            spec(
                asset_keys.ATTRIBUTE_BASE_RATES,
                "How often each value of an attribute is met by chance in a market: its share among exposures. "
                "Grain: market x attribute x value. Key: as_of_date, market, attribute, attribute_value.",
            ),
            spec(
                asset_keys.CTR_PRIORS,
                "Beta prior of click rates in a market, and of all ('') together. Grain: market. "
                "Key: as_of_date, market.",
            ),
        ],
    )
    def user_attribute_preference(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        chosen = as_of_days(context)
        for day in chosen:
            frames = read_as_of(warehouse.file, QUERIES, day, purpose=f"preferences {day}: read")
            found = _scored(frames)
            tables = {
                asset_keys.ATTRIBUTE_PREFERENCE: found.scores,
                asset_keys.ATTRIBUTE_BASE_RATES: found.base_rates,
                asset_keys.CTR_PRIORS: found.ctr_table(),
            }
            write_as_of(warehouse.file, tables, day, purpose=f"preferences {day}")
            context.log.info(f"preferences {day}: {found.scores['customer_id'].n_unique()} customers")
        yield from _report(tables, chosen[-1].isoformat())

    return [user_attribute_preference]


def _scored(frames: "dict[str, pl.DataFrame]") -> "Preferences":
    from xbec_platform.customers.preferences import PreferenceParams, preferences

    return preferences(
        _named(frames["signals"], frames["signal_customers"]["customer_id"], frames["signal_values"]),
        frames["exposures"],
        frames["customers"],
        frames["settings"],
        PreferenceParams(setting_weight=frames["setting_weight"].item()),
        frames["groups"],
    )


def _named(signals: "pl.DataFrame", customers: "pl.Series", values: "pl.DataFrame") -> "pl.DataFrame":
    """Signals with the names of what they number, as numbers with names (Enum) still."""
    import polars as pl

    attributes = values.with_columns(
        pl.col(name).cast(pl.Enum(values[name].unique().sort())) for name in values.columns
    )
    return signals.select(
        pl.col("customer_no").cat.to(pl.Enum(customers)).alias("customer_id"),
        *attributes[signals["value_no"]],
        pl.exclude("customer_no", "value_no"),
    )


def _report(tables: "dict[dg.AssetKey, pl.DataFrame]", day: str) -> Iterator[dg.MaterializeResult[Any]]:
    scores = tables[asset_keys.ATTRIBUTE_PREFERENCE]
    yield dg.MaterializeResult(
        asset_key=asset_keys.ATTRIBUTE_PREFERENCE,
        metadata={
            "dagster/row_count": scores.height,
            "customers": scores["customer_id"].n_unique(),
            "mean confidence": float(scores["confidence"].mean() or 0.0),  # type: ignore[arg-type]
            "as of": day,
        },
    )
    yield dg.MaterializeResult(
        asset_key=asset_keys.ATTRIBUTE_BASE_RATES,
        metadata={"dagster/row_count": tables[asset_keys.ATTRIBUTE_BASE_RATES].height, "as of": day},
    )
    yield dg.MaterializeResult(
        asset_key=asset_keys.CTR_PRIORS,
        metadata={"click rates": markdown_table(tables[asset_keys.CTR_PRIORS]), "as of": day},
    )
