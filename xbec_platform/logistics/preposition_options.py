"""What sending a pre-sold product to a centre would cost and save, per piece. Quantities are decided elsewhere.

    saving = cost of shipping after the balance from where the goods lie - cost from the centre
             + value of a day x days saved

both over the cheapest lane that keeps the promise (where none does, the cheapest). A day in transit is worth a part
of the price: 0.6 to 2.1 % (Hummels & Schaur 2013, American Economic Review 103(7)). Pieces nobody pays for are
released to the centre's own stock, as is usual in China (the deposit is kept): that costs handling, and a month's
carrying of their value.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from xbec_platform.logistics.arcs import build_arcs, usable_lanes
from xbec_platform.logistics.assignment_inputs import (
    TICKS_PER_BASE,
    AssignmentInputs,
    AssignmentParams,
    canonical,
)
from xbec_platform.logistics.assignment_schema import conform
from xbec_platform.logistics.demand_classes import classify
from xbec_platform.logistics.distance import warehouse_ranking
from xbec_platform.logistics.preposition_schema import OPTION_SCHEMA

TRANSFER_SCHEMA = pl.Schema(
    {
        "goods": pl.String(),
        "origin_node": pl.String(),
        "warehouse_id": pl.String(),
        "route": pl.String(),
        "cost_per_kg": pl.Float64(),
        "p90_days": pl.Float64(),
        "p90_days_tomorrow": pl.Float64(),
    }
)
"""Grain: goods x origin x centre x route, ready the morning after the as-of day and one day later."""


@dataclass(frozen=True, kw_only=True)
class OptionParams:
    """Choices.

    Attributes:
        day_value_share: What a day in transit is worth, as a part of the price.
        carrying_share: What releasing a piece that nobody pays for costs beside handling, as a part of its unit cost:
            25 % a year over a month.
        lead_share: Part of the deposit window that a transfer may take: a slower one would leave before most deposits
            are known.
        volume_divisor: cm3 per kg of consignments between centres.
    """

    day_value_share: float = 0.008
    carrying_share: float = 0.02
    lead_share: float = 0.5
    volume_divisor: float = 5000.0

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if min(self.day_value_share, self.carrying_share) < 0 or self.volume_divisor <= 0:
            raise ValueError("shares must not be negative, the divisor must be above 0")
        if not 0 < self.lead_share <= 1:
            raise ValueError("lead_share must lie above 0 and not above 1")


def goods_of_product() -> pl.Expr:
    """The kind of goods a product travels as; the strictest of what it declares."""
    return (
        pl.when("is_hazard")
        .then(pl.lit("hazard"))
        .when("has_battery")
        .then(pl.lit("battery"))
        .when("is_liquid")
        .then(pl.lit("liquid"))
        .otherwise(pl.lit("plain"))
    )


def origins(stock: pl.DataFrame) -> pl.DataFrame:
    """Where each product is sent from: the centre that holds most of it, ties by id.

    Args:
        stock: warehouse_id, product_id, available.

    Returns:
        product_id, origin_node, units; sorted by product_id.
    """
    return (
        stock.filter(pl.col("available") > 0)
        .sort("product_id", -pl.col("available"), "warehouse_id")
        .unique("product_id", keep="first", maintain_order=True)
        .select("product_id", origin_node="warehouse_id", units="available")
    )


def preposition_options(
    inputs: AssignmentInputs,
    presales: pl.DataFrame,
    transfers: pl.DataFrame,
    *,
    ready: datetime,
    params: OptionParams | None = None,
) -> pl.DataFrame:
    """Every centre that the goods of a pre-sale could reach before its balances can be paid.

    Args:
        inputs: Deposits as lines (ship_country = zone), network, stock.
        presales: presale_id, product_id, deposit_open_ts, balance_open_ts, final_price_base.
        transfers: TRANSFER_SCHEMA.
        ready: When goods can leave, UTC without zone.
        params: Choices.

    Returns:
        OPTION_SCHEMA, sorted by presale_id, zone and warehouse_id.
    """
    params = params or OptionParams()
    if inputs.lines.is_empty() or inputs.stock is None or inputs.stock.is_empty() or inputs.lanes.is_empty():
        return pl.DataFrame(schema=OPTION_SCHEMA)
    inputs = canonical(inputs)
    services = _services(inputs)
    source = origins(inputs.stock) if inputs.stock is not None else pl.DataFrame()
    direct = _direct(services, inputs, presales, params)
    sends = _sends(inputs, presales, transfers, source, ready, params)
    ranks = warehouse_ranking(inputs.lanes, inputs.warehouses, inputs.destinations).select(
        "warehouse_id", "distance_rank", zone="country"
    )
    day = pl.col("final_price_base").cast(pl.Float64) * params.day_value_share
    return (
        sends.join(services, on=["product_id", "warehouse_id"], how="inner")
        .join(direct, on=["presale_id", "zone"], how="inner")
        .join(ranks, on=["zone", "warehouse_id"], how="left")
        .with_columns(days_saved=pl.col("direct_days") - pl.col("days"))
        .with_columns(
            saving=pl.col("direct_cost") - pl.col("cost") + day.fill_null(0.0) * pl.col("days_saved"),
            hours_saved=pl.col("days_saved") * 24,
        )
        .pipe(conform, OPTION_SCHEMA)
        .sort("presale_id", "zone", "warehouse_id")
    )


def _services(inputs: AssignmentInputs) -> pl.DataFrame:
    """Cost and days of a piece from every centre to every zone that ordered it: means over the orders' promises."""
    params = AssignmentParams()
    lanes = usable_lanes(inputs, params)
    classes = classify(inputs, lanes, params).classes
    arcs = [
        build_arcs(one, lanes, None).with_columns(choice=pl.lit(number))
        for number, one in enumerate((classes, classes.with_columns(limit_days=pl.lit(float("inf")))))
    ]
    best = pl.concat(arcs).sort("choice").unique(["class_id", "warehouse"], keep="first", maintain_order=True)
    lane_days = lanes.select("lane", days=pl.col("transit_p50_days"), warehouse_id="origin_node")
    weighted = (
        best.join(classes.select("class_id", "product_id", "qty", zone="ship_country"), on="class_id")
        .join(lane_days, on="lane")
        .sort("class_id", "warehouse")
    )
    mean = {
        "cost": (pl.col("cost_ticks") * pl.col("qty")).sum() / pl.col("qty").sum() / TICKS_PER_BASE,
        "days": (pl.col("days") * pl.col("qty")).sum() / pl.col("qty").sum(),
    }
    return weighted.group_by("product_id", "zone", "warehouse_id", maintain_order=True).agg(**mean)


def _direct(
    services: pl.DataFrame, inputs: AssignmentInputs, presales: pl.DataFrame, params: OptionParams
) -> pl.DataFrame:
    """Shipping after the balance from where the goods lie: cost and days by pre-sale and zone.

    They lie in their origin, and in every centre that holds enough for all deposits: a few pieces on the shelf of a
    centre are gone before most buyers have paid.
    """
    if inputs.stock is None:
        raise ValueError("options need stock: without it goods lie everywhere already")
    day = pl.col("final_price_base").cast(pl.Float64).fill_null(0.0) * params.day_value_share
    wanted = inputs.lines.group_by("product_id").agg(pieces=pl.col("qty").sum())
    enough = inputs.stock.join(wanted, on="product_id").filter(pl.col("available") >= pl.col("pieces"))
    held = pl.concat(
        [
            enough.select("product_id", "warehouse_id"),
            origins(inputs.stock).select("product_id", warehouse_id="origin_node"),
        ]
    )
    return (
        services.join(held, on=["product_id", "warehouse_id"], how="semi")
        .join(presales.select("presale_id", "product_id", "final_price_base"), on="product_id", how="inner")
        .sort("presale_id", "zone", pl.col("cost") + day * pl.col("days"), "warehouse_id")
        .unique(["presale_id", "zone"], keep="first", maintain_order=True)
        .select("presale_id", "zone", "final_price_base", direct_cost="cost", direct_days="days")
    )


def _sends(
    inputs: AssignmentInputs,
    presales: pl.DataFrame,
    transfers: pl.DataFrame,
    source: pl.DataFrame,
    ready: datetime,
    params: OptionParams,
) -> pl.DataFrame:
    """The way of each pre-sale's product to each centre: the cheapest one that leaves late enough, if still in time."""
    kg = pl.max_horizontal(
        pl.when(pl.col("weight_kg") > 0).then("weight_kg").otherwise(AssignmentParams().default_weight_kg),
        pl.col("length_cm") * pl.col("width_cm") * pl.col("height_cm") / params.volume_divisor,
    )
    products = inputs.products.select("product_id", goods=goods_of_product(), kg=kg, unit_cost="unit_cost")
    centres = inputs.warehouses.select("warehouse_id", pick=pl.col("cost_pick").cast(pl.Float64))
    left = (pl.col("balance_open_ts") - pl.lit(ready)).dt.total_seconds() / 86_400
    window = (pl.col("balance_open_ts") - pl.col("deposit_open_ts")).dt.total_seconds() / 86_400
    tomorrow = (pl.col("p90_days_tomorrow") <= left - 1).fill_null(False)
    return (
        presales.join(products, on="product_id", how="inner")
        .join(source, on="product_id", how="inner")
        .join(transfers, on=["goods", "origin_node"], how="inner")
        .join(centres, on="warehouse_id", how="inner")
        .filter(pl.col("p90_days") <= window * params.lead_share)
        .sort("presale_id", "warehouse_id", "cost_per_kg", "p90_days", "route")
        .unique(["presale_id", "warehouse_id"], keep="first", maintain_order=True)
        .filter(pl.col("p90_days") <= left)
        .select(
            "presale_id",
            "product_id",
            "warehouse_id",
            "origin_node",
            "route",
            transfer_p90_days="p90_days",
            is_last_call=~tomorrow,
            send_cost=pl.col("cost_per_kg") * pl.col("kg") + pl.col("pick"),
            unused_cost=pl.col("pick")
            + pl.col("unit_cost").cast(pl.Float64).fill_null(0.0) * params.carrying_share,
        )
    )
