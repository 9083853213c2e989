"""Which limits hold a plan back, and what one more piece of each would save. Reads a solved day, decides nothing."""

from __future__ import annotations

import numpy as np
import polars as pl

from xbec_platform.logistics.assignment_inputs import UNLIMITED
from xbec_platform.logistics.assignment_schema import BOTTLENECK_SCHEMA, Reason, base_money, conform
from xbec_platform.logistics.assignment_tables import Network
from xbec_platform.logistics.flow import FlowSolution, stock_use, warehouse_use
from xbec_platform.logistics.prices import ShadowPrices


def bottleneck_table(
    network: Network, solution: FlowSolution, prices: ShadowPrices, reasons: pl.DataFrame
) -> pl.DataFrame:
    """BOTTLENECK_SCHEMA, sorted by kind, warehouse_id, product_id.

    Args:
        network: The day.
        solution: Its optimum.
        prices: Its shadow prices.
        reasons: As `unserved.flow_reasons` returns them.
    """
    left_over = pl.DataFrame({"qty": solution.class_unserved}).with_row_index("class_id")
    blocked = (
        reasons.with_columns(pl.col("class_id").cast(pl.UInt32))
        .join(left_over, on="class_id", how="left")
        .with_columns(product_id=network.demand.classes["product_id"][reasons["class_id"]])
        .explode("warehouses")
        .rename({"warehouses": "warehouse"})
    )
    parts = [
        _warehouse_rows(network, solution, prices, blocked),
        _kg_rows(network, solution),
        _stock_rows(network, solution, prices, blocked),
    ]
    return pl.concat(conform(part, BOTTLENECK_SCHEMA) for part in parts).sort(
        "kind", "warehouse_id", "product_id"
    )


def _warehouse_rows(
    network: Network, solution: FlowSolution, prices: ShadowPrices, blocked: pl.DataFrame
) -> pl.DataFrame:
    here = blocked.filter(pl.col("reason") == Reason.WAREHOUSE_CAPACITY_FULL).group_by("warehouse")
    used = warehouse_use(network.problem, solution)
    limit = network.problem.capacity
    return (
        pl.DataFrame(
            {
                "warehouse": np.arange(len(limit)),
                "warehouse_id": network.inputs.warehouses["warehouse_id"],
                "used": used,
                "limit": pl.Series(limit).replace(UNLIMITED, None),
                "is_binding": used >= limit,
                "price": prices.warehouse,
            }
        )
        .join(here.agg(units_blocked=pl.col("qty").sum()), on="warehouse", how="left")
        .with_columns(
            kind=pl.lit("warehouse_pieces"),
            product_id=pl.lit(None, dtype=pl.String),
            shadow_price_base=base_money("price"),
            units_blocked=pl.col("units_blocked").fill_null(0),
        )
    )


def _kg_rows(network: Network, solution: FlowSolution) -> pl.DataFrame:
    """Actual weight sent from each warehouse against its limit: a warning, the model counts pieces."""
    kg = network.demand.classes["weight_kg"].to_numpy()[network.problem.arc_class] * solution.arc_flow
    used = np.zeros(len(network.problem.capacity))
    np.add.at(used, network.problem.arc_warehouse, kg)
    return network.inputs.warehouses.select(
        "warehouse_id",
        kind=pl.lit("warehouse_kg"),
        product_id=pl.lit(None, dtype=pl.String),
        limit="capacity_kg",
        used=pl.Series(used),
        is_binding=(pl.Series(used) >= pl.col("capacity_kg")).fill_null(False),
        shadow_price_base=pl.lit(None, dtype=pl.Decimal(18, 4)),
        units_blocked=pl.lit(0),
    )


def _stock_rows(
    network: Network, solution: FlowSolution, prices: ShadowPrices, blocked: pl.DataFrame
) -> pl.DataFrame:
    """Used-up stock that would save money if there were more; free surplus would fill thousands of rows."""
    if network.stock is None:
        return pl.DataFrame(schema=BOTTLENECK_SCHEMA)
    here = blocked.filter(pl.col("reason") == Reason.SKU_STOCK_EXHAUSTED_IN_REACH)
    here = here.group_by("product_id", "warehouse").agg(units_blocked=pl.col("qty").sum())
    names = network.inputs.warehouses["warehouse_id"]
    return (
        network.stock.with_columns(
            warehouse_id=names.gather(network.stock["warehouse"]),
            used=pl.Series(stock_use(network.problem, solution)),
            price=pl.Series(prices.stock),
        )
        .filter(pl.col("price") > 0)
        .join(here, on=["product_id", "warehouse"], how="left", maintain_order="left")
        .with_columns(
            kind=pl.lit("sku_stock"),
            limit="available",
            is_binding=pl.lit(True),
            shadow_price_base=base_money("price"),
            units_blocked=pl.col("units_blocked").fill_null(0),
        )
    )
