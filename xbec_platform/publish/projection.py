"""From degrees to pixels: windows on the earth and two projections. Nothing is drawn here."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

# Mercator runs away towards the poles; nobody ships there.
MERCATOR_LIMIT = 75.0
# A window this large still tells neighbouring countries apart; points that all fit need no world map.
REGION_LON, REGION_LAT = 56.0, 34.0
# Height of a regional map as a share of its width: flatter wastes paper, taller pushes the tables away.
MIN_ASPECT, MAX_ASPECT = 0.5, 0.72

# Polynomial of the Equal Earth projection: Savric, Patterson & Jenny (2019), Int. J. Geogr. Inf. Sci. 33(3).
_A1, _A2, _A3, _A4 = 1.340264, -0.081106, 0.000893, 0.003796
_M = math.sqrt(3) / 2


@dataclass(frozen=True, kw_only=True)
class Window:
    """A part of the earth in degrees."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, lon: float, lat: float) -> bool:
        """Tell whether a point lies inside, borders included."""
        return self.west <= lon <= self.east and self.south <= lat <= self.north


WORLD = Window(west=-180, south=-56, east=180, north=80)


def equal_earth(lon: float, lat: float) -> tuple[float, float]:
    """Project degrees to the unit plane, areas kept (Equal Earth)."""
    p = math.asin(_M * math.sin(math.radians(lat)))
    p2, p6 = p * p, p**6
    x = math.radians(lon) * math.cos(p) / (_M * (_A1 + 3 * _A2 * p2 + p6 * (7 * _A3 + 9 * _A4 * p2)))
    return x, p * (_A1 + _A2 * p2 + p6 * (_A3 + _A4 * p2))


def mercator(lon: float, lat: float) -> tuple[float, float]:
    """Project degrees to the unit plane, angles kept (Mercator): shapes of a region look familiar."""
    return math.radians(lon), math.log(math.tan(math.pi / 4 + math.radians(lat) / 2))


def densest_window(points: Sequence[tuple[float, float]]) -> tuple[Window, bool]:
    """Return the region with most points, tightened around them, and whether it holds all of them.

    Args:
        points: (lon, lat), at least one.

    Returns:
        The window with a margin, at least a quarter of the largest region wide and high; True when no point
        lies outside.
    """
    best: list[tuple[float, float]] = []
    for west, _ in sorted(points):
        column = sorted((p for p in points if west <= p[0] <= west + REGION_LON), key=lambda p: (p[1], p[0]))
        lats = [lat for _, lat in column]
        for first, south in enumerate(lats):
            end = bisect_right(lats, south + REGION_LAT)
            if end - first > len(best):
                best = column[first:end]
    lons, lats = [lon for lon, _ in best], [lat for _, lat in best]
    half_lon = max((max(lons) - min(lons)) * 0.56, REGION_LON / 8)
    half_lat = max((max(lats) - min(lats)) * 0.58, REGION_LAT / 8)
    lon, lat = (max(lons) + min(lons)) / 2, (max(lats) + min(lats)) / 2
    south, north = max(lat - half_lat, -MERCATOR_LIMIT), min(lat + half_lat, MERCATOR_LIMIT)
    return Window(west=lon - half_lon, south=south, east=lon + half_lon, north=north), len(best) == len(
        points
    )


ProjectionName = Literal["equalEarth", "mercator"]
_PROJECTIONS: dict[ProjectionName, Callable[[float, float], tuple[float, float]]] = {
    "equalEarth": equal_earth,
    "mercator": mercator,
}


@dataclass(frozen=True, kw_only=True)
class MapFrame:
    """A map of `width` x `height` px: its projection (named as in Vega), scale and shift."""

    projection: ProjectionName
    width: int
    height: int
    scale: float
    translate: tuple[float, float]

    @classmethod
    def fit(cls, window: Window, *, width: int) -> MapFrame:
        """Return the frame that shows a window: Equal Earth for the world, Mercator for a region."""
        name: ProjectionName = "equalEarth" if window == WORLD else "mercator"
        project = _PROJECTIONS[name]
        # Equal Earth is widest at the equator, Mercator equally wide everywhere.
        west, east = project(window.west, 0)[0], project(window.east, 0)[0]
        south, north = project(0, window.south)[1], project(0, window.north)[1]
        aspect = (north - south) / (east - west)
        height = round(width * (aspect if window == WORLD else min(max(aspect, MIN_ASPECT), MAX_ASPECT)))
        scale = min(width / (east - west), height / (north - south))
        shift = (width / 2 - scale * (west + east) / 2, height / 2 + scale * (south + north) / 2)
        return cls(projection=name, width=width, height=height, scale=scale, translate=shift)

    def point(self, lon: float, lat: float) -> tuple[float, float]:
        """Return the place of a point in px from the top left corner."""
        x, y = _PROJECTIONS[self.projection](lon, lat)
        return self.translate[0] + self.scale * x, self.translate[1] - self.scale * y

    def shows(self, lon: float, lat: float) -> bool:
        """Tell whether a point lies on the map."""
        x, y = self.point(lon, lat)
        return 0 <= x <= self.width and 0 <= y <= self.height
