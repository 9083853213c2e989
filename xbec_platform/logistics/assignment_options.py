"""Why an order's lines go where they go: every warehouse with its cost, or why it cannot serve. No decisions."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from xbec_platform.logistics.arcs import PRODUCT_FLAG
from xbec_platform.logistics.assignment import build_network
from xbec_platform.logistics.assignment_inputs import HAZARDS, AssignmentInputs, AssignmentParams, canonical
from xbec_platform.logistics.assignment_schema import MONEY, base_money, conform

OPTION_SCHEMA = pl.Schema(
    {
        "order_id": pl.String(),
        "line_no": pl.Int64(),
        "product_id": pl.String(),
        "ship_country": pl.String(),
        "ordered": pl.Int64(),
        "warehouse_id": pl.String(),
        "qty": pl.Int64(),
        "lane_id": pl.String(),
        "mode": pl.String(),
        "p90_days": pl.Float64(),
        "cost_per_unit_base": MONEY,
        "warehouse_price_base": MONEY,
        "stock_price_base": MONEY,
        "verdict": pl.String(),
    }
)
"""Grain: order line x warehouse. qty: pieces the plan takes from there. Prices: what one more piece of the warehouse's
capacity, or of its stock of the product, would save. verdict: chosen, or why not."""


def line_options(
    inputs: AssignmentInputs,
    params: AssignmentParams,
    assignments: pl.DataFrame,
    bottlenecks: pl.DataFrame,
    order_id: str,
    *,
    order_splits: str = "free",
) -> pl.DataFrame:
    """Every warehouse for every line of an order, beside what the plan of its day took.

    Args:
        inputs: The frames of the day.
        params: As the plan was made with.
        assignments: ASSIGNMENT_SCHEMA of the day.
        bottlenecks: BOTTLENECK_SCHEMA of the day.
        order_id: Whose lines.
        order_splits: Rule of the plan: free, single, or what an extra parcel costs (`order_splits`).

    Returns:
        OPTION_SCHEMA, sorted by line and warehouse; empty for an order without lines on the day.
    """
    day = canonical(inputs)
    lines = day.lines.filter(pl.col("order_id") == order_id)
    if lines.is_empty():
        return pl.DataFrame(schema=OPTION_SCHEMA)
    alone = build_network(replace(day, lines=lines, stock=None), params)
    ids = day.warehouses["warehouse_id"]
    facts = alone.lanes.select("lane", "lane_id", "mode", "p90_days")
    arcs = alone.arcs.join(facts, on="lane", how="left").with_columns(
        warehouse_id=ids.gather(alone.arcs["warehouse"]), cost_per_unit_base=base_money("cost_ticks")
    )
    asked = alone.demand.lines.select(
        "order_id", "line_no", "product_id", "ship_country", "class_id", ordered="qty"
    )
    pairs = asked.join(day.warehouses.select("warehouse_id"), how="cross").join(
        arcs.select("class_id", "warehouse_id", "lane_id", "mode", "p90_days", "cost_per_unit_base"),
        on=["class_id", "warehouse_id"],
        how="left",
    )
    doors = _doors(lines, alone.lanes, day)
    taken = assignments.filter(pl.col("order_id") == order_id).select("line_no", "warehouse_id", "qty")
    return (
        pairs.join(doors, on=["line_no", "warehouse_id"], how="left")
        .join(taken, on=["line_no", "warehouse_id"], how="left")
        .join(_left(day, assignments), on=["product_id", "warehouse_id"], how="left")
        .join(_prices(bottlenecks), on="warehouse_id", how="left")
        .join(_stock_prices(bottlenecks), on=["product_id", "warehouse_id"], how="left")
        .with_columns(pl.col("qty").fill_null(0))
        .with_columns(
            chosen_cost=pl.col("cost_per_unit_base").filter(pl.col("qty") > 0).max().over("line_no"),
            together_at=pl.col("warehouse_id").filter(pl.col("qty") > 0).first()
            if order_splits == "single" and int(lines["qty"].sum()) > 1
            else pl.lit(None, dtype=pl.String),
            is_extra=~(pl.col("qty") > 0).any().over("warehouse_id") & (pl.col("qty") > 0).any(),
        )
        .with_columns(verdict=_verdict(order_splits, stocked=day.stock is not None))
        .pipe(conform, OPTION_SCHEMA)
        .sort("line_no", "warehouse_id")
    )


def _doors(lines: pl.DataFrame, lanes: pl.DataFrame, day: AssignmentInputs) -> pl.DataFrame:
    """What the lanes of a warehouse offer a line: any at all, any that takes the goods, the fastest of these."""
    flags = day.products.select(
        "product_id", *(pl.col(flag).fill_null(False) for flag in PRODUCT_FLAG.values())
    )
    fits = pl.all_horizontal(
        ~pl.col(PRODUCT_FLAG[h]).fill_null(False) | pl.col(f"takes_{h}") for h in HAZARDS
    )
    return (
        lines.join(flags, on="product_id", how="left")
        .join(lanes, left_on="ship_country", right_on="dest_node", how="inner")
        .group_by("line_no", "origin_node")
        .agg(
            is_reached=pl.lit(True),
            fastest=pl.col("p90_days").filter(fits).min(),
            promise=pl.col("promised_days").first(),
        )
        .rename({"origin_node": "warehouse_id"})
    )


def _left(day: AssignmentInputs, assignments: pl.DataFrame) -> pl.DataFrame:
    """Stock of each product in each warehouse before and after the plan."""
    if day.stock is None:
        schema = {"product_id": pl.String, "warehouse_id": pl.String, "held": pl.Int64, "left": pl.Int64}
        return pl.DataFrame(schema=schema)
    used = assignments.group_by("product_id", "warehouse_id").agg(used=pl.col("qty").sum())
    return day.stock.join(used, on=["product_id", "warehouse_id"], how="left").select(
        "product_id", "warehouse_id", held="available", left=pl.col("available") - pl.col("used").fill_null(0)
    )


def _prices(bottlenecks: pl.DataFrame) -> pl.DataFrame:
    return bottlenecks.filter(pl.col("kind") == "warehouse_pieces").select(
        "warehouse_id", "is_binding", warehouse_price_base="shadow_price_base"
    )


def _stock_prices(bottlenecks: pl.DataFrame) -> pl.DataFrame:
    return bottlenecks.filter(pl.col("kind") == "sku_stock").select(
        "product_id", "warehouse_id", stock_price_base="shadow_price_base"
    )


def _verdict(order_splits: str, *, stocked: bool) -> pl.Expr:
    money = pl.col("cost_per_unit_base")
    saves = pl.format(" (one more piece saves {})", pl.coalesce("stock_price_base", pl.lit(0, dtype=MONEY)))
    room = pl.format(
        " (one more piece saves {})", pl.coalesce("warehouse_price_base", pl.lit(0, dtype=MONEY))
    )
    dearer = (money - pl.col("chosen_cost")).cast(MONEY)
    held, left = pl.col("held").fill_null(0), pl.col("left").fill_null(0)
    return (
        pl.when(pl.col("qty") > 0).then(pl.lit("chosen"))
        .when(pl.col("is_reached").is_null()).then(pl.lit("no lane goes there"))
        .when(pl.col("fastest").is_null()).then(pl.lit("no lane and warehouse for these goods"))
        .when(money.is_null())
        .then(pl.format("too slow: {} days (P90), promised {}", "fastest", "promise"))
        .when(pl.lit(stocked) & (held <= 0)).then(pl.lit("does not hold the product"))
        .when(pl.col("together_at").is_not_null()).then(pl.format("the order stays together at {}", "together_at"))
        .when(pl.lit(stocked) & (left <= 0)).then(pl.concat_str(pl.lit("stock is used up"), saves))
        .when(pl.col("is_binding").fill_null(False)).then(pl.concat_str(pl.lit("full"), room))
        .when(pl.col("chosen_cost").is_null()).then(pl.lit("costs more than leaving the line unserved"))
        .when(dearer > 0).then(pl.format("{} a piece dearer", dearer))
        .when(pl.lit(order_splits not in {"free", "single"}) & pl.col("is_extra"))
        .then(pl.lit(f"would be one more parcel, at {order_splits}"))
        .otherwise(pl.lit("no dearer, but needed for lines that save more there"))
    )  # fmt: skip


def explain_options(options: pl.DataFrame, unserved: pl.DataFrame) -> str:
    """The options of an order in words, line by line, cheapest first; what stays unserved with its reason.

    Args:
        options: OPTION_SCHEMA of one order.
        unserved: UNSERVED_SCHEMA of the day.
    """
    texts = []
    mine = unserved.filter(pl.col("order_id") == options["order_id"][0])
    left = {row["line_no"]: row for row in mine.iter_rows(named=True)}
    for (number,), rows in options.group_by("line_no", maintain_order=True):
        head = rows.row(0, named=True)
        texts.append(
            f"line {number}: {head['ordered']} x {head['product_id']} to {head['ship_country'] or 'nowhere'}"
        )
        ordered = rows.sort(pl.col("qty") <= 0, "cost_per_unit_base", "warehouse_id", nulls_last=True)
        for row in ordered.iter_rows(named=True):
            way = (
                f" by {row['lane_id']} ({row['mode']}, P90 {row['p90_days']:g} days)"
                if row["lane_id"]
                else ""
            )
            cost = f": {row['cost_per_unit_base']} a piece" if row["cost_per_unit_base"] is not None else ""
            pieces = f" {row['qty']} pieces" if row["qty"] else ""
            texts.append(f"  {row['warehouse_id']}{pieces}{way}{cost} - {row['verdict']}")
        if number in left:
            row = left[number]
            texts.append(
                f"  unserved: {row['qty']} pieces, {row['reason']}: {row['detail']} (penalty {row['penalty_base']})"
            )
    return "\n".join(texts)
