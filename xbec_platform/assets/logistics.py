"""The warehouse plan as assets: read the day's orders and network, assign, audit, store. The model is elsewhere."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.model_tables import as_of_days, model_spec, write_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import bars, markdown_table
from xbec_platform.assignment_day import read_day
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.logistics.assignment import AssignmentResult
    from xbec_platform.logistics.restricted_items import AllowedDay

_DEPS = [
    asset_keys.raw("restricted_items"),
    asset_keys.raw("products"),
    asset_keys.mart("fct_order"),
    asset_keys.mart("fct_order_line"),
    asset_keys.mart("fct_inventory"),
    asset_keys.mart("dim_product"),
    asset_keys.mart("dim_warehouse"),
    asset_keys.mart("dim_lane"),
]


def build_logistics_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The plan of each day's orders."""
    spec = partial(
        model_spec,
        group="logistics",
        owner="team:logistics",
        kinds={"ortools"},
        deps=_DEPS,
    )

    @decided_step(
        settings,
        name="warehouse_plan",
        specs=[
            spec(
                asset_keys.ASSIGNMENT,
                "Which warehouse ships which order line of the day, by which lane, at what cost (minimum-cost flow, "
                "audited). Grain: order line x warehouse x lane. "
                "Key: as_of_date, order_id, line_no, warehouse_id, lane_id.",
            ),
            spec(
                asset_keys.ASSIGNMENT_UNSERVED,
                "Order lines with pieces that no warehouse can ship, each with one reason. "
                "Grain: order line. Key: as_of_date, order_id, line_no.",
            ),
            spec(
                asset_keys.ASSIGNMENT_BOTTLENECKS,
                "Limits of the plan with their use and shadow price: what one more piece would save. "
                "Grain: limit. Key: as_of_date, kind, warehouse_id, product_id.",
            ),
            spec(
                asset_keys.ASSIGNMENT_CONTAINERS,
                "Containers of the plan on lanes that ship in them, with what is in them, exact or within the stated "
                "bound. Grain: lane with containers. Key: as_of_date, lane_id.",
            ),
            spec(
                asset_keys.ASSIGNMENT_SUMMARY,
                "The plan in one row: cost, unserved pieces, regret against nearest and cheapest warehouse. "
                "Grain: day. Key: as_of_date.",
            ),
        ],
    )
    def warehouse_plan(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        chosen = as_of_days(context)
        for day in chosen:
            result, by_rule = plan_day(read_day(warehouse.file, day), settings.order_splits)
            write_as_of(warehouse.file, _tables(result), day, purpose=f"warehouse plan {day}")
            if by_rule is not None:
                context.log.info(f"warehouse plan {day}: the rule for splits costs at most {by_rule:.2f}")
            context.log.info(f"warehouse plan {day}: {result.assignments.height} rows")
        yield from _report(result, chosen[-1])

    return [warehouse_plan]


def plan_day(allowed: "AllowedDay", order_splits: str) -> "tuple[AssignmentResult, float | None]":
    """The plan of a day under the rule for splits, and what it costs at most (None: no rule)."""
    from xbec_platform.logistics.assignment import assign
    from xbec_platform.logistics.assignment_inputs import TICKS_PER_BASE, AssignmentInputs
    from xbec_platform.logistics.container_plan import unloaded
    from xbec_platform.logistics.containers import load_containers
    from xbec_platform.logistics.order_splits import bind_orders, unbound
    from xbec_platform.logistics.restricted_items import named

    def planned(inputs: AssignmentInputs) -> "AssignmentResult":
        loaded = load_containers(inputs)
        return unloaded(assign(loaded.inputs, loaded.params), loaded)

    if order_splits == "free":
        return named(planned(allowed.inputs), allowed.groups), None
    fee = None if order_splits == "single" else Decimal(order_splits)
    bound = bind_orders(allowed.inputs, extra_parcel_base=fee)
    result = named(unbound(planned(bound.inputs), bound), allowed.groups)
    return result, float(result.summary["objective_base"].item()) - bound.free_ticks / TICKS_PER_BASE


def _tables(result: "AssignmentResult") -> "dict[dg.AssetKey, pl.DataFrame]":
    return {
        asset_keys.ASSIGNMENT: result.assignments,
        asset_keys.ASSIGNMENT_UNSERVED: result.unserved,
        asset_keys.ASSIGNMENT_BOTTLENECKS: result.bottlenecks,
        asset_keys.ASSIGNMENT_CONTAINERS: result.containers,
        asset_keys.ASSIGNMENT_SUMMARY: result.summary,
    }


def _report(result: "AssignmentResult", day: date) -> Iterator[dg.MaterializeResult[Any]]:
    """The last day's plan in numbers that the UI plots over time."""
    import polars as pl

    summary = result.summary.row(0, named=True)
    served = result.assignments.group_by("warehouse_id").agg(pl.col("qty").sum()).sort("warehouse_id")
    reasons = (
        result.unserved.group_by("reason").agg(pl.col("qty").sum()).sort("qty", "reason", descending=True)
    )
    common = {"as of": day.isoformat()}
    yield dg.MaterializeResult(
        asset_key=asset_keys.ASSIGNMENT,
        metadata={
            "dagster/row_count": result.assignments.height,
            "pieces by warehouse": bars(dict(served.iter_rows()), unit="pieces"),
            **common,
        },
    )
    yield dg.MaterializeResult(
        asset_key=asset_keys.ASSIGNMENT_UNSERVED,
        metadata={
            "dagster/row_count": result.unserved.height,
            "pieces unserved": summary["unserved_units"],
            "reasons": bars(dict(reasons.iter_rows()), unit="pieces"),
            **common,
        },
    )
    yield dg.MaterializeResult(
        asset_key=asset_keys.ASSIGNMENT_BOTTLENECKS,
        metadata={
            "dagster/row_count": result.bottlenecks.height,
            "dearest limits": markdown_table(
                result.bottlenecks.sort("shadow_price_base", "warehouse_id", descending=True, nulls_last=True)
            ),
            **common,
        },
    )
    yield dg.MaterializeResult(
        asset_key=asset_keys.ASSIGNMENT_CONTAINERS,
        metadata={
            "dagster/row_count": result.containers.height,
            "containers": markdown_table(result.containers),
            **common,
        },
    )
    yield dg.MaterializeResult(
        asset_key=asset_keys.ASSIGNMENT_SUMMARY,
        metadata={
            "status": summary["status"],
            "cost": float(summary["cost_base"]),
            "regret of nearest warehouse": float(summary["regret_nearest_total_base"]),
            "pieces ordered": summary["ordered_units"],
            "pieces unserved": summary["unserved_units"],
            "summary": markdown_table(
                pl.DataFrame({k: [str(v)] for k, v in summary.items()}).transpose(
                    include_header=True, column_names=["value"]
                )
            ),
            **common,
        },
    )
