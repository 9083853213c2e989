"""The outline of the continents, read from the package. Nothing else is on the map by default."""

import csv
from functools import cache
from pathlib import Path

# Natural Earth 1:50m land (public domain; by way of world-atlas 2.0.2, ISC licence), without
# Antarctica and specks, simplified by Visvalingam's method (0.02 square degrees), rounded to 0.1 degree.
LAND_FILE = Path(__file__).parent / "land_outline.csv"


@cache
def land_features() -> tuple[dict[str, object], ...]:
    """Return the land outlines as GeoJSON features, one per land mass."""
    polygons: dict[int, dict[int, list[list[float]]]] = {}
    with LAND_FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rings = polygons.setdefault(int(row["polygon"]), {})
            rings.setdefault(int(row["ring"]), []).append([float(row["lon"]), float(row["lat"])])
    return tuple(
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": list(rings.values())}}
        for rings in polygons.values()
    )
