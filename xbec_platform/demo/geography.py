"""Points of countries and distances between points for the sample network; routing does not belong here."""

from importlib import resources

import numpy as np
import numpy.typing as npt
import polars as pl

# Mean radius of the Earth, IUGG.
EARTH_RADIUS_KM = 6371.0088


def country_points() -> pl.DataFrame:
    """Return one point per country to measure distances to.

    Returns:
        Columns iso2, lat and lon (degrees), 249 rows sorted by iso2: the centroid of the largest land mass,
        for five small places their port. See the docstring of `network_data` for source and licence.
    """
    source = resources.files("xbec_platform.demo.network_data") / "countries.csv"
    schema = {"iso2": pl.String, "name": pl.String, "lat": pl.Float64, "lon": pl.Float64}
    return pl.read_csv(source.read_bytes(), schema=schema).select("iso2", "lat", "lon").sort("iso2")


def great_circle_km(
    lat: npt.ArrayLike, lon: npt.ArrayLike, to_lat: npt.ArrayLike, to_lon: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Return great-circle distances in km between points in degrees (haversine; Sinnott 1984)."""
    # asarray: a Polars column would refuse to broadcast.
    phi, theta, phi_to, theta_to = (np.radians(np.asarray(angle)) for angle in (lat, lon, to_lat, to_lon))
    half_dlat = (phi_to - phi) / 2
    half_dlon = (theta_to - theta) / 2
    a = np.sin(half_dlat) ** 2 + np.cos(phi) * np.cos(phi_to) * np.sin(half_dlon) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(a, 0.0, 1.0))))
