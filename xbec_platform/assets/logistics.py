"""The warehouse plan as assets: read the day's orders and network, assign, audit, store. The model is elsewhere."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.model_tables import as_of_days, model_spec, read_as_of, write_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import bars, markdown_table
from xbec_platform.partitions import daily
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.logistics.assignment import AssignmentResult

# Stock older than this says nothing about today.
_STOCK_DAYS = 31

# The version of a centre or lane that is valid on the day, with its money in base currency.
_VALID = """QUALIFY row_number() OVER (
    PARTITION BY {id} ORDER BY valid_from DESC, _drop_date DESC, _file_id, _row_no) = 1"""
_RATES = """
rates AS (
    SELECT currency, rate_to_base FROM intermediate.int_fx_daily WHERE fx_date <= $day AND fx_date > $day - 7
    QUALIFY row_number() OVER (PARTITION BY currency ORDER BY fx_date DESC) = 1
)"""

QUERIES = {
    "lines": """
        SELECT order_id, line_no, product_id, qty::BIGINT AS qty, ship_country, order_ts,
            promised_days::DOUBLE AS promised_days
        FROM marts.fct_order_line JOIN marts.fct_order USING (order_id, order_date, order_ts, ship_country)
        WHERE order_date = $day AND is_product
    """,
    "products": f"""
        WITH {_RATES}
        SELECT product_id, weight_kg, length_cm, width_cm, height_cm, has_battery, is_liquid, is_hazard,
            (unit_cost * rate_to_base)::DECIMAL(18, 4) AS unit_cost,
            (list_price * rate_to_base)::DECIMAL(18, 4) AS list_price
        FROM marts.dim_product LEFT JOIN rates USING (currency)
    """,
    "warehouses": f"""
        WITH {_RATES}, valid AS (
            FROM raw.warehouses WHERE valid_from < $day + 1 {_VALID.format(id="warehouse_id")}
        )
        SELECT warehouse_id, country, lat, lon, capacity_orders_day, capacity_kg, currency,
            (cost_pick * rate_to_base)::DECIMAL(18, 4) AS cost_pick,
            (cost_pack * rate_to_base)::DECIMAL(18, 4) AS cost_pack,
            can_battery, can_liquid, can_hazard
        FROM valid LEFT JOIN rates USING (currency)
    """,
    "lanes": f"""
        WITH {_RATES}, valid AS (
            FROM raw.lanes WHERE length(dest_node) = 2 AND valid_from < $day + 1 {_VALID.format(id="lane_id")}
        )
        SELECT lane_id, origin_node, dest_node, mode, distance_km, currency,
            (rate_per_kg * rate_to_base)::DECIMAL(18, 4) AS rate_per_kg,
            list_transform(
                from_json(rate_brackets, '[{{"min_kg": "DOUBLE", "rate_per_kg": "DOUBLE"}}]'),
                lambda step: {{'min_kg': step.min_kg, 'rate_per_kg': step.rate_per_kg * rate_to_base::DOUBLE}}
            ) AS rate_brackets,
            (min_charge * rate_to_base)::DECIMAL(18, 4) AS min_charge,
            surcharge_pct, vol_divisor, transit_p50_days, transit_p90_days,
            allows_battery, allows_liquid, allows_hazard
        FROM valid LEFT JOIN rates USING (currency)
    """,
    "stock": f"""
        SELECT warehouse_id, product_id, available::BIGINT AS available FROM marts.fct_inventory
        WHERE snapshot_date = (
            SELECT max(snapshot_date) FROM marts.fct_inventory
            WHERE snapshot_date <= $day AND snapshot_date > $day - {_STOCK_DAYS}
        )
    """,
}

_DEPS = [
    asset_keys.mart("fct_order"),
    asset_keys.mart("fct_order_line"),
    asset_keys.mart("fct_inventory"),
    asset_keys.mart("dim_product"),
    asset_keys.mart("dim_warehouse"),
    asset_keys.mart("dim_lane"),
]


class MissingRateError(ValueError):
    """Money that cannot be brought to base currency."""


def build_logistics_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The plan of each day's orders."""
    spec = partial(
        model_spec,
        group="logistics",
        owner="team:logistics",
        kinds={"ortools"},
        deps=_DEPS,
    )

    @dg.multi_asset(
        name="warehouse_plan",
        specs=[
            spec(
                asset_keys.ASSIGNMENT,
                "Which warehouse ships which order line of the day, by which lane, at what cost (minimum-cost flow, "
                "audited). Grain: order line x warehouse. Key: as_of_date, order_id, line_no, warehouse_id.",
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
                asset_keys.ASSIGNMENT_SUMMARY,
                "The plan in one row: cost, unserved pieces, regret against nearest and cheapest warehouse. "
                "Grain: day. Key: as_of_date.",
            ),
        ],
        partitions_def=daily(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="warehouse",
    )
    def warehouse_plan(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        from xbec_platform.logistics.assignment import assign

        chosen = as_of_days(context)
        for day in chosen:
            result = assign(_inputs(warehouse, day))
            write_as_of(warehouse.file, _tables(result), day, purpose=f"warehouse plan {day}")
            context.log.info(f"warehouse plan {day}: {result.assignments.height} rows")
        yield from _report(result, chosen[-1])

    return [warehouse_plan]


def _inputs(warehouse: WarehouseResource, day: date) -> Any:
    """The frames of a day.

    Raises:
        MissingRateError: A centre or lane counts in a currency without a rate for the day.
    """
    from xbec_platform.demo.geography import country_points
    from xbec_platform.logistics.assignment_inputs import AssignmentInputs

    frames = read_as_of(warehouse.file, QUERIES, day, purpose=f"warehouse plan {day}: read")
    for name, money in (("warehouses", "cost_pick"), ("lanes", "rate_per_kg")):
        lost = frames[name].filter(frames[name][money].is_null())
        if lost.height:
            currencies = ", ".join(sorted(set(lost["currency"])))
            raise MissingRateError(
                f"{lost.height} {name} count in {currencies}, which has no exchange rate within 7 days of {day}: "
                "deliver fx_rates for it and run the day again"
            )
    return AssignmentInputs(
        lines=frames["lines"],
        products=frames["products"],
        warehouses=frames["warehouses"],
        lanes=frames["lanes"],
        destinations=country_points().rename({"iso2": "country"}),
        stock=frames["stock"],
    )


def _tables(result: "AssignmentResult") -> "dict[dg.AssetKey, pl.DataFrame]":
    return {
        asset_keys.ASSIGNMENT: result.assignments,
        asset_keys.ASSIGNMENT_UNSERVED: result.unserved,
        asset_keys.ASSIGNMENT_BOTTLENECKS: result.bottlenecks,
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
