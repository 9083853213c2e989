"""The lane of a parcel: from which warehouse to which country by which main mode. No durations here."""

from __future__ import annotations

import polars as pl

MAIN_MODES = ("sea", "rail", "air_charter", "air", "express", "ground", "truck", "last_mile")
"""Main mode of a journey: the first of these that one of its lanes has. Line haul is fed by trucks, not the reverse."""
UNKNOWN = "unknown"


def parcel_lanes(shipments: pl.DataFrame, lanes: pl.DataFrame) -> pl.DataFrame:
    """Name the lane of every parcel.

    Args:
        shipments: warehouse_id, lane_ids (JSON list in order), and other columns, which stay.
        lanes: lane_id, dest_node, mode; one row by lane.

    Returns:
        The shipments with country (destination of the last lane), mode (the main one) and lane
        (`warehouse:country:mode`), in their order. A journey that names no known lane has mode `unknown`; its
        country is null and `?` in the lane.
    """
    rank = {mode: number for number, mode in enumerate(MAIN_MODES)}
    journeys = shipments.select("lane_ids").unique().sort("lane_ids")
    legs = (
        journeys.with_columns(lane_id=pl.col("lane_ids").str.json_decode(pl.List(pl.String)))
        .explode("lane_id", keep_nulls=True, empty_as_null=True)
        .with_columns(leg=pl.int_range(pl.len()).over("lane_ids"))
        .join(lanes.select("lane_id", "dest_node", "mode"), on="lane_id", how="left")
    )
    named = (
        legs.filter(pl.col("mode").is_not_null())
        .sort("lane_ids", "leg")
        .group_by("lane_ids", maintain_order=True)
        .agg(
            country=pl.col("dest_node").last(),
            mode=pl.col("mode").sort_by(
                pl.col("mode").replace_strict(rank, default=len(rank), return_dtype=pl.Int64), "mode"
            ).first(),
        )
    )  # fmt: skip
    return shipments.join(named, on="lane_ids", how="left", maintain_order="left").with_columns(
        mode=pl.col("mode").fill_null(UNKNOWN),
        lane=pl.format(
            "{}:{}:{}",
            pl.col("warehouse_id").fill_null("?"),
            pl.col("country").fill_null("?"),
            pl.col("mode").fill_null(UNKNOWN),
        ),
    )
