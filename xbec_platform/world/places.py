"""Nodes of the logistics network: warehouses, airports, ports, rail terminals, markets. No lanes, no rates."""

from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.geography import country_points, great_circle_km
from xbec_platform.world.spec import parameters


def _table(name: str, overrides: dict[str, pl.DataType | type[pl.DataType]]) -> pl.DataFrame:
    source = resources.files("xbec_platform.world") / "data" / name
    return pl.read_csv(
        source.read_bytes(), comment_prefix="#", try_parse_dates=True, schema_overrides=overrides
    )


@cache
def nodes() -> pl.DataFrame:
    """Return every warehouse and hub, sorted by node_id, in the columns of `data/nodes.csv`."""
    return _table("nodes.csv", {"works": pl.String, "listed_share": pl.Float64}).sort("node_id")


@cache
def sea_km() -> dict[tuple[str, str], float]:
    """Return sea distances around land by pair of port nodes, both directions (see `data/sea_distances.csv`)."""
    table = _table("sea_distances.csv", {"distance_km": pl.Float64})
    found = {}
    for port, to_port, km in table.iter_rows():
        found[f"PORT-{port}", f"PORT-{to_port}"] = found[f"PORT-{to_port}", f"PORT-{port}"] = km
    return found


@cache
def markets() -> tuple[str, ...]:
    """Return the countries sold to; the order is the market index everywhere."""
    return tuple(parameters("trade")["markets"])


@cache
def positions() -> dict[str, tuple[float, float]]:
    """Return latitude and longitude in degrees by node_id, and by country code for the markets.

    A market is measured at the demand-weighted mean of its cities, not at the middle of its land.
    """
    points = {name: (lat, lon) for name, lat, lon in nodes().select("node_id", "lat", "lon").iter_rows()}
    centroids = {iso: (lat, lon) for iso, lat, lon in country_points().iter_rows()}
    for country, rule in parameters("trade")["markets"].items():
        cities = rule.get("cities")
        if not cities:
            points[country] = centroids[country]
            continue
        weight = np.array([city["weight"] for city in cities], dtype=np.float64)
        place = np.array([[city["lat"], city["lon"]] for city in cities])
        lat, lon = (weight @ place) / weight.sum()
        points[country] = (round(float(lat), 4), round(float(lon), 4))
    return points


def great_circle(origin: str, dest: str) -> float:
    """Return the great circle between two nodes in km."""
    (lat, lon), (to_lat, to_lon) = positions()[origin], positions()[dest]
    return float(great_circle_km(lat, lon, to_lat, to_lon))


def customs_territory(country: str) -> str:
    """Return the customs union of a country, or the country itself."""
    for union, members in parameters("logistics")["customs_unions"].items():
        if country in members:
            return str(union)
    return country


def crosses_customs(origin: str, dest: str) -> bool:
    """Return whether goods between two countries are declared."""
    return customs_territory(origin) != customs_territory(dest)


def road_region(country: str) -> str | None:
    """Return the region within which lorries run, or None."""
    regions = parameters("logistics")["road_regions"]
    return next((str(name) for name, members in regions.items() if country in members), None)


def utc_offset_seconds(timezone: str, utc_seconds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the local time's offset from UTC in seconds at each moment, summer time included."""
    moments = pl.from_epoch(pl.Series(utc_seconds), time_unit="s")
    local = moments.dt.replace_time_zone("UTC").dt.convert_time_zone(timezone)
    offset = local.dt.base_utc_offset() + local.dt.dst_offset()
    return offset.dt.total_seconds().to_numpy()
