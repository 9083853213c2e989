"""Where an article would leave for a market and what its freight costs, by operation mode. No duties, no ranking."""

from __future__ import annotations

import polars as pl

from xbec_platform.logistics.customs_territory import territory
from xbec_platform.logistics.inventory_policy import SUPPLY_TYPES

MODE = ("product_id", "market", "mode_id")


def among(joined: str, column: str) -> pl.Expr:
    """Whether a value is one of those joined by |; null: any."""
    listed = pl.col(joined).str.split("|").list.contains(pl.col(column))
    return pl.col(joined).is_null() | listed


def cheapest_ways(
    rows: pl.DataFrame, warehouses: pl.DataFrame, transfers: pl.DataFrame, routes: pl.DataFrame
) -> pl.DataFrame:
    """The cheapest origin and way of each article, market and mode, freight to the origin included.

    Args:
        rows: MODE, origin_types, crosses_border_with_parcel, goods, kg, reaches_buyer.
        warehouses: warehouse_id, type, country.
        transfers: origin_node, zone, goods, cost_per_kg_base: freight between warehouses.
        routes: origin_node, zone, parcel_kg, goods, cost_base, p50_days, p90_days.

    Returns:
        MODE, has_origin (true; rows without an origin are missing), origin_node, freight, inbound_freight (both null
        without a way), p50_days, p90_days.
    """
    origins = warehouses.select(origin_node="warehouse_id", origin_type="type", origin_country="country")
    sources = origins.filter(pl.col("origin_type").is_in(SUPPLY_TYPES)).select("origin_node")
    inbound = (
        transfers.join(sources, on="origin_node", how="semi")
        .group_by(origin_node="zone", goods="goods")
        .agg(inbound_kg=pl.col("cost_per_kg_base").min())
    )
    at_home = territory("origin_country") == territory("market")
    possible = (
        rows.select(*MODE, "origin_types", "crosses_border_with_parcel", "goods", "kg", "reaches_buyer")
        .join(origins, how="cross")
        .filter(
            among("origin_types", "origin_type")
            & (pl.col("crosses_border_with_parcel") != at_home)
        )
        .join(inbound, on=["origin_node", "goods"], how="left")
        .with_columns(
            inbound_freight=pl.when(pl.col("origin_type").is_in(SUPPLY_TYPES))
            .then(0.0)
            .otherwise(pl.col("inbound_kg").fill_null(0.0) * pl.col("kg"))
        )
    )  # fmt: skip
    priced = _freight(possible, routes)
    return (
        priced.with_columns(way_cost=pl.col("freight") + pl.col("inbound_freight"))
        .sort("product_id", "market", "mode_id", "way_cost", "origin_node", nulls_last=True)
        .group_by("product_id", "market", "mode_id", maintain_order=True)
        .agg(
            pl.col("origin_node", "freight", "inbound_freight", "p50_days", "p90_days").first(),
            has_origin=pl.len() > 0,
        )
    )


def _freight(possible: pl.DataFrame, routes: pl.DataFrame) -> pl.DataFrame:
    """Add freight of one piece: of trade by the heaviest parcel's rate per kg, else between the two nearest weights.

    Below the lightest parcel its price counts (the minimum charge), above the heaviest its rate per kg.
    """
    way = ["origin_node", "zone", "goods"]
    steps = (
        routes.select(*way, "parcel_kg", "p50_days", "p90_days", cost=pl.col("cost_base").cast(pl.Float64))
        .sort(*way, "parcel_kg")
        .with_columns(
            next_kg=pl.col("parcel_kg").shift(-1).over(way),
            next_cost=pl.col("cost").shift(-1).over(way),
            is_first=pl.int_range(pl.len()).over(way) == 0,
        )
    )
    most = steps.group_by(way).agg(bulk_kg=(pl.col("cost") / pl.col("parcel_kg")).last())
    kg = pl.when(~pl.col("reaches_buyer")).then(float("inf")).otherwise(pl.col("kg"))
    here = (pl.col("asked_kg") >= pl.col("parcel_kg")) | pl.col("is_first")
    below_next = pl.col("next_kg").is_null() | (pl.col("asked_kg") < pl.col("next_kg"))
    share = (pl.col("asked_kg") - pl.col("parcel_kg")) / (pl.col("next_kg") - pl.col("parcel_kg"))
    between = pl.col("cost") + share.clip(lower_bound=0) * (pl.col("next_cost") - pl.col("cost"))
    return (
        possible.with_columns(asked_kg=kg)
        .join(
            steps, left_on=["origin_node", "market", "goods"], right_on=way, how="left", maintain_order="left"
        )
        .filter(pl.col("parcel_kg").is_null() | (here & below_next))
        .join(
            most, left_on=["origin_node", "market", "goods"], right_on=way, how="left", maintain_order="left"
        )
        .with_columns(
            freight=pl.when(
                ~pl.col("reaches_buyer") | pl.col("next_kg").is_null() & (pl.col("kg") > pl.col("parcel_kg"))
            )
            .then(pl.col("bulk_kg") * pl.col("kg"))
            .when(pl.col("next_kg").is_null())
            .then("cost")
            .otherwise(between)
        )
    )
