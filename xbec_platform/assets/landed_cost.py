"""Landed cost of each day's orders as assets: read orders and rules, compute, store. No rule is known here."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.model_tables import as_of_days, model_spec, results, write_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import bars, markdown_table
from xbec_platform.landed_cost_inputs import read_inputs
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.logistics.landed_cost_tables import LandedCosts

_DEPS = [
    asset_keys.mart("fct_order"),
    asset_keys.mart("fct_order_line"),
    asset_keys.raw("tariff_rules"),
    asset_keys.raw("products"),
    asset_keys.raw("operation_modes"),
]


def build_landed_cost_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Landed cost of each day's orders, its trace and what a person must look at."""
    spec = partial(
        model_spec,
        group="logistics",
        owner="team:finance",
        kinds={"python"},
        deps=_DEPS,
    )

    @decided_step(
        settings,
        name="landed_costs",
        specs=[
            spec(
                asset_keys.LANDED_COST,
                "Duty, consumption tax, VAT and fees of the day's orders by the rules of that day; orders without a "
                "rule have status no_rule and no amounts. A computation by the given rules, not legal advice. "
                "Grain: order. Key: as_of_date, order_id.",
            ),
            spec(
                asset_keys.LANDED_COST_TRACE,
                "How each landed cost came about, step by step with the rule of each. "
                "Grain: order x step. Key: as_of_date, order_id, step_no.",
            ),
            spec(
                asset_keys.COMPLIANCE_FLAGS,
                "Orders a person must look at: limits passed, HS codes and rules missing. "
                "Grain: order x flag. Key: as_of_date, order_id, flag, detail.",
            ),
            spec(
                asset_keys.REFUSED_RULES,
                "Tariff rules that cannot be applied, with the reason. Grain: rule. Key: as_of_date, rule_id.",
            ),
        ],
    )
    def landed_costs(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        from xbec_platform.logistics.landed_cost_tables import landed_costs as compute

        chosen = as_of_days(context)
        for day in chosen:
            result = compute(read_inputs(warehouse.file, day, day))
            write_as_of(warehouse.file, _tables(result), day, purpose=f"landed cost {day}")
            context.log.info(f"landed cost {day}: {result.costs.height} orders")
        yield from _report(result, chosen[-1])

    return [landed_costs]


def _tables(result: "LandedCosts") -> "dict[dg.AssetKey, pl.DataFrame]":
    return {
        asset_keys.LANDED_COST: result.costs,
        asset_keys.LANDED_COST_TRACE: result.trace,
        asset_keys.COMPLIANCE_FLAGS: result.flags,
        asset_keys.REFUSED_RULES: result.refused,
    }


def _report(result: "LandedCosts", day: date) -> Iterator[dg.MaterializeResult[Any]]:
    """The last day in numbers that the UI plots over time."""
    states = result.costs["status"].value_counts(name="orders").sort("orders", "status", descending=True)
    flags = result.flags["flag"].value_counts(name="orders").sort("orders", "flag", descending=True)
    shown: dict[dg.AssetKey, dict[str, Any]] = {
        asset_keys.LANDED_COST: {
            "status": bars(dict(states.iter_rows()), unit="orders"),
            "import cost, base currency": float(result.costs["import_cost_base"].sum() or 0),
        },
        asset_keys.COMPLIANCE_FLAGS: {"flags": bars(dict(flags.iter_rows()), unit="orders")},
        asset_keys.REFUSED_RULES: {"refused": markdown_table(result.refused)},
    }
    yield from results(_tables(result), day, shown)
