"""What stands where on a map: circles for warehouses, dots with codes for destinations. Nothing is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from xbec_platform.publish.charts import BLUE, ORANGE, SKY, VERMILLION
from xbec_platform.publish.formats import text
from xbec_platform.publish.projection import MapFrame, Window

BLACK, WHITE = "#000000", "#FFFFFF"
# Upper bounds of utilisation, their words and colours; text on the circle keeps 4.5:1 contrast.
UTILISATION_STEPS: tuple[tuple[float, str, str, str], ...] = (
    (0.50, "under 50 %", SKY, BLACK),
    (0.80, "50 to 80 %", BLUE, WHITE),
    (0.95, "80 to 95 %", ORANGE, BLACK),
    (math.inf, "95 % and more", VERMILLION, BLACK),
)
UNKNOWN_STEP = ("capacity not stated", WHITE, BLACK)
# Warehouses that the detail map shows with their number are points of this part of the size on the world map.
SHRUNK = 0.4
# Mean width of a character in a bold sans-serif, as a share of the font size.
CHARACTER = 0.7


@dataclass(frozen=True, kw_only=True)
class Circle:
    """A warehouse: its number (empty when shown elsewhere), size in px and colours."""

    lon: float
    lat: float
    diameter: float
    label: str
    fill: str
    ink: str


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A destination: its code and whether that stands above or below the dot (empty: it has no room)."""

    lon: float
    lat: float
    code: str
    side: str


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle in px by its centre and half sizes."""

    x: float
    y: float
    half_width: float
    half_height: float

    def meets(self, other: Box) -> bool:
        """Tell whether two boxes share a point."""
        return (
            abs(self.x - other.x) < self.half_width + other.half_width
            and abs(self.y - other.y) < self.half_height + other.half_height
        )


def utilisation_step(used: float | None, capacity: float | None) -> tuple[str, str, str]:
    """Return words, fill and text colour for a warehouse's utilisation.

    Args:
        used: units sent.
        capacity: units it can handle; None or 0 when not stated.
    """
    if used is None or not capacity:
        return UNKNOWN_STEP
    share = used / capacity
    return next((words, fill, ink) for bound, words, fill, ink in UTILISATION_STEPS if share < bound)


def warehouse_circles(
    frame: MapFrame, places: pl.DataFrame, detail: Window | None, *, diameter: float
) -> list[Circle]:
    """Return the warehouses in the frame, with a number unless the detail map shows it.

    Args:
        frame: the map.
        places: label, lon, lat, used_units, capacity_orders_day.
        detail: the part shown enlarged elsewhere, if any.
        diameter: of a numbered circle, px.
    """
    circles = []
    for label, lon, lat, used, capacity in places.select(
        "label", "lon", "lat", "used_units", "capacity_orders_day"
    ).iter_rows():
        if frame.shows(lon, lat):
            elsewhere = detail is not None and detail.holds(lon, lat)
            _, fill, ink = utilisation_step(used, capacity)
            circles.append(
                Circle(
                    lon=lon,
                    lat=lat,
                    diameter=diameter * (SHRUNK if elsewhere else 1),
                    label="" if elsewhere else str(label),
                    fill=fill,
                    ink=ink,
                )
            )
    return circles


def destination_dots(
    frame: MapFrame, lines: pl.DataFrame, detail: Window | None, circles: Sequence[Circle], *, font: float
) -> list[Dot]:
    """Return the destinations in the frame, biggest first; a code stands only where it covers nothing.

    Args:
        frame: the map.
        lines: dest_country, dest_lon, dest_lat, units.
        detail: the part shown enlarged elsewhere, if any; codes are left to it.
        circles: the warehouses, which codes must not cover.
        font: size of the codes, px.
    """
    taken = [_circle_box(frame, circle) for circle in circles]
    totals = (
        lines.group_by("dest_country", "dest_lon", "dest_lat")
        .agg(pl.col("units").sum())
        .sort("units", "dest_country", descending=[True, False])
    )
    dots = []
    for country, lon, lat, _ in totals.iter_rows():
        if not frame.shows(lon, lat):
            continue
        code, side = text(country), ""
        if not (detail and detail.holds(lon, lat)):
            boxes = _code_boxes(frame, lon, lat, code, font)
            side = next((s for s, box in boxes.items() if not any(map(box.meets, taken))), "")
            taken += [boxes[side]] if side else []
        dots.append(Dot(lon=lon, lat=lat, code=code, side=side))
    return dots


def _circle_box(frame: MapFrame, circle: Circle) -> Box:
    x, y = frame.point(circle.lon, circle.lat)
    return Box(x=x, y=y, half_width=circle.diameter / 2, half_height=circle.diameter / 2)


def _code_boxes(frame: MapFrame, lon: float, lat: float, code: str, font: float) -> dict[str, Box]:
    x, y = frame.point(lon, lat)
    half = max(len(code), 1) * font * CHARACTER / 2
    return {
        side: Box(x=x, y=y + shift * font, half_width=half, half_height=font / 2)
        for side, shift in (("above", -1), ("below", 1))
    }
