"""Distances between warehouses and destinations. Belongs here: geometry. Not here: tariffs and transit times."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth (IUGG 1980); the sphere is wrong by at most 0.6 %, less than any lane length."""


def great_circle_km(
    lat_a: NDArray[np.float64],
    lon_a: NDArray[np.float64],
    lat_b: NDArray[np.float64],
    lon_b: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Length of the shortest way over the sphere, by the haversine formula (Sinnott 1984).

    Args:
        lat_a: Latitudes of the first points in degrees.
        lon_a: Longitudes of the first points in degrees.
        lat_b: Latitudes of the second points, broadcast against the first.
        lon_b: Longitudes of the second points.

    Returns:
        Kilometres; NaN where a coordinate is NaN.
    """
    phi_a, phi_b = np.radians(lat_a), np.radians(lat_b)
    half_lat, half_lon = (phi_b - phi_a) / 2, np.radians(lon_b - lon_a) / 2
    chord = np.sin(half_lat) ** 2 + np.cos(phi_a) * np.cos(phi_b) * np.sin(half_lon) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0))), dtype=np.float64)


def lane_distances(
    lanes: pl.DataFrame,
    warehouses: pl.DataFrame,
    destinations: pl.DataFrame,
    detour_factors: Mapping[str, float],
) -> pl.DataFrame:
    """Both lengths of every lane: over the sphere, and of the route that is driven, flown or sailed.

    Args:
        lanes: lane_id, origin_node, dest_node, mode, distance_km (null = unknown).
        warehouses: warehouse_id, lat, lon.
        destinations: country, lat, lon.
        detour_factors: Route length over great circle by mode, for lanes without a length; a mode not named
            gets no estimate.

    Returns:
        lane_id, great_circle_km, route_km, route_km_estimated (true where the factor was used), in the order
        of `lanes`; lengths are null where nothing is known.
    """
    placed = lanes.join(
        warehouses.select("warehouse_id", lat_a="lat", lon_a="lon"),
        left_on="origin_node",
        right_on="warehouse_id",
        how="left",
        maintain_order="left",
    ).join(
        destinations.select("country", lat_b="lat", lon_b="lon"),
        left_on="dest_node",
        right_on="country",
        how="left",
        maintain_order="left",
    )
    points = placed.select(pl.col("lat_a", "lon_a", "lat_b", "lon_b").cast(pl.Float64).fill_null(np.nan))
    direct = great_circle_km(*(points[name].to_numpy() for name in points.columns))
    detour = pl.col("mode").replace_strict(detour_factors, default=None, return_dtype=pl.Float64)
    return placed.with_columns(great_circle_km=pl.Series(direct).fill_nan(None)).select(
        "lane_id",
        "great_circle_km",
        route_km=pl.coalesce(
            pl.col("distance_km").cast(pl.Float64),
            pl.col("great_circle_km") * detour,
        ),
        route_km_estimated=pl.col("distance_km").is_null()
        & (pl.col("great_circle_km") * detour).is_not_null(),
    )


def warehouse_ranking(
    lanes: pl.DataFrame, warehouses: pl.DataFrame, destinations: pl.DataFrame
) -> pl.DataFrame:
    """Every warehouse of every destination, nearest first.

    Distance is the great circle; where a place is missing, the shortest known lane; unknown comes last. Equal
    distances are ordered by warehouse_id.

    Args:
        lanes: origin_node, dest_node, distance_km.
        warehouses: warehouse_id, lat, lon.
        destinations: country, lat, lon.

    Returns:
        country, warehouse_id, distance_km (null = unknown), distance_rank (0 = nearest), sorted by country
        and rank; countries are those of `lanes`.
    """
    shortest = lanes.group_by(country="dest_node", warehouse_id="origin_node").agg(
        pl.col("distance_km").min()
    )
    pairs = (
        lanes.select(country="dest_node")
        .unique()
        .join(warehouses.select("warehouse_id", lat_a="lat", lon_a="lon"), how="cross")
        .join(destinations.select("country", lat_b="lat", lon_b="lon"), on="country", how="left")
        .join(shortest, on=["country", "warehouse_id"], how="left")
    )
    points = pairs.select(pl.col("lat_a", "lon_a", "lat_b", "lon_b").cast(pl.Float64).fill_null(np.nan))
    direct = great_circle_km(*(points[name].to_numpy() for name in points.columns))
    distance = pl.coalesce(pl.Series("direct", direct).fill_nan(None), pl.col("distance_km").cast(pl.Float64))
    return (
        pairs.select("country", "warehouse_id", distance_km=distance)
        .sort("country", "distance_km", "warehouse_id", nulls_last=True)
        .with_columns(distance_rank=pl.int_range(pl.len(), dtype=pl.Int64).over("country"))
    )
