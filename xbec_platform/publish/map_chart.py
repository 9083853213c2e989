"""Maps of warehouses and flows as static SVG, and their legend. No page, no network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import altair as alt
import polars as pl

from xbec_platform.publish.charts import INK, Figure, house_style, to_svg
from xbec_platform.publish.formats import plural
from xbec_platform.publish.land import land_features
from xbec_platform.publish.map_marks import (
    UNKNOWN_STEP,
    UTILISATION_STEPS,
    destination_dots,
    warehouse_circles,
)
from xbec_platform.publish.projection import WORLD, MapFrame, Window, densest_window

LAND, SEA, FLOW = "#DAD6CA", "#EEF3F7", "#33475B"

MAX_FLOW_WIDTH, MIN_FLOW_WIDTH = 7.0, 1.0

# Fewer points than this in the densest window do not deserve a second map.
MIN_REGION_POINTS = 4


@dataclass(frozen=True, kw_only=True)
class NetworkMaps:
    """The maps that are worth drawing.

    Attributes:
        world: None where one region holds everything.
        region: the region with most places; None where places do not crowd.
    """

    world: Figure | None
    region: Figure | None


def network_maps(warehouses: pl.DataFrame, flows: pl.DataFrame) -> NetworkMaps:
    """Draw warehouses and flows on the world and, where points crowd, on their densest region.

    Args:
        warehouses: label (the number on the circle), warehouse_id, name, lat, lon, capacity_orders_day,
            used_units.
        flows: warehouse_id, dest_country, dest_lat, dest_lon, units. Flows of unknown warehouses or places
            are not drawn.

    Returns:
        One map where everything fits into a region, else the world and perhaps a region.

    Raises:
        ValueError: no warehouse has a place.
    """
    places = warehouses.drop_nulls(["lat", "lon"]).sort("label")
    if places.is_empty():
        raise ValueError(
            "a map needs a warehouse with lat and lon: say on the page that there is none instead"
        )
    lines = (
        flows.drop_nulls(["dest_lat", "dest_lon", "units"])
        .join(places.select("warehouse_id", "lat", "lon"), on="warehouse_id", how="inner")
        .sort("units", "warehouse_id", "dest_country", descending=[True, False, False])
    )
    points = [
        *places.select("lon", "lat").iter_rows(),
        *lines.select("dest_lon", "dest_lat").unique().sort("dest_lon", "dest_lat").iter_rows(),
    ]
    window, holds_all = densest_window(points)
    if holds_all:
        return NetworkMaps(world=None, region=_figure("region", window, places, lines, None))
    detail = window if sum(window.holds(*point) for point in points) >= MIN_REGION_POINTS else None
    return NetworkMaps(
        world=_figure("world", WORLD, places, lines, detail),
        region=_figure("region", detail, places, lines, None) if detail else None,
    )


@dataclass(frozen=True, kw_only=True)
class Legend:
    """What colours and line widths mean: (words, fill) of circles, (units in words, px) of lines."""

    circles: tuple[tuple[str, str], ...]
    lines: tuple[tuple[str, float], ...]


def legend(flows: pl.DataFrame) -> Legend:
    """Return the legend of both maps.

    Args:
        flows: column units; may be empty.
    """
    steps = tuple((words, fill) for _, words, fill, _ in UTILISATION_STEPS)
    largest = (
        max((float(units) for units in flows["units"].drop_nulls()), default=0.0) if flows.height else 0.0
    )
    examples = tuple(
        (plural(int(units), "unit", "units"), round(flow_width(units, largest), 1))
        for units in sorted({max(1.0, float(round(largest * part))) for part in (0.1, 0.4, 1.0)})
        if largest > 0
    )
    return Legend(circles=(*steps, UNKNOWN_STEP[:2]), lines=examples)


def flow_width(units: float, largest: float) -> float:
    """Return the width in px of a flow line: proportional to units, but never too thin to see."""
    return max(MIN_FLOW_WIDTH, MAX_FLOW_WIDTH * units / largest) if largest > 0 else MIN_FLOW_WIDTH


def _figure(
    name: str, window: Window, places: pl.DataFrame, lines: pl.DataFrame, detail: Window | None
) -> Figure:
    part = "the world" if window == WORLD else "the busiest region"
    label = (
        f"Map of {part} with {places.height} warehouses and lines to "
        f"{lines['dest_country'].n_unique()} destination countries, thicker for more units. "
        "The same numbers are in the tables below."
    )
    wide, narrow = (
        _svg(
            MapFrame.fit(window, width=width), places, lines, detail, label=label, prefix=f"map-{name}-{size}"
        )
        for size, width in (("w", 960), ("n", 360))
    )
    return Figure(wide=wide, narrow=narrow, label=label)


def _svg(
    frame: MapFrame,
    places: pl.DataFrame,
    lines: pl.DataFrame,
    detail: Window | None,
    *,
    label: str,
    prefix: str,
) -> str:
    small = frame.width < 600
    font = 9 if small else 11
    circles = warehouse_circles(frame, places, detail, diameter=17 if small else 26)
    dots = destination_dots(frame, lines, detail, circles, font=font)
    datasets: dict[str, Sequence[object]] = {
        "land": land_features(),
        "flows": _flow_features(lines, scale=0.6 if small else 1.0),
        "window": [_outline(detail)] if detail else [],
        "circles": [{**asdict(circle), "area": circle.diameter**2 * math.pi / 4} for circle in circles],
        "dots": [asdict(dot) for dot in dots],
        "above": [asdict(dot) for dot in dots if dot.side == "above"],
        "below": [asdict(dot) for dot in dots if dot.side == "below"],
    }
    chart = _map(frame, filled=[name for name, rows in datasets.items() if rows], font=font)
    return to_svg(house_style(chart), label=label, prefix=prefix, datasets=datasets)


def _map(frame: MapFrame, *, filled: Sequence[str], font: int) -> alt.TopLevelMixin:
    """The layers of a map, bottom to top; those whose data set is not `filled` are left out."""
    land, flows, window, circles, dots, above, below = (
        alt.Chart(alt.NamedData(name))
        for name in ("land", "flows", "window", "circles", "dots", "above", "below")
    )
    layers = {
        "land": [land.mark_geoshape(fill=LAND, stroke=None)],
        "flows": [
            flows.mark_geoshape(filled=False, stroke=FLOW, strokeOpacity=0.6, strokeCap="round").encode(
                strokeWidth=alt.StrokeWidth("width:Q", scale=None)
            )
        ],
        "dots": [_placed(dots).mark_circle(size=18 if font < 11 else 30, color=INK, opacity=1)],
        "above": _code_layers(above, font=font, shift=-font),
        "below": _code_layers(below, font=font, shift=font),
        "window": [window.mark_geoshape(filled=False, stroke=INK, strokeWidth=1.2, strokeDash=[4, 3])],
        "circles": _circle_layers(circles, font=font + 1),
    }
    drawn: alt.TopLevelMixin = (
        alt.layer(
            *(layer for name, of_name in layers.items() if name in filled for layer in of_name),
            view=alt.ViewBackground(fill=SEA, cornerRadius=8),
        )
        .project(
            type=frame.projection,
            scale=frame.scale,
            translate=list(frame.translate),
            clipExtent=[[0, 0], [frame.width, frame.height]],
        )
        .properties(width=frame.width, height=frame.height)
        .resolve_scale(size="independent", strokeWidth="independent")
    )
    return drawn


def _code_layers(base: alt.Chart, *, font: int, shift: int) -> list[alt.Chart]:
    code = _placed(base).encode(text="code:N")
    # A halo first: codes stay readable where lines run under them.
    return [
        code.mark_text(fontSize=font, dy=shift, fontWeight=600, stroke=LAND, strokeWidth=3, opacity=0.9),
        code.mark_text(fontSize=font, dy=shift, fontWeight=600, color=INK),
    ]


def _circle_layers(base: alt.Chart, *, font: int) -> list[alt.Chart]:
    circles = _placed(base)
    disc = circles.mark_circle(stroke=INK, strokeWidth=1.5, opacity=1).encode(
        size=alt.Size("area:Q", scale=None), fill=alt.Fill("fill:N", scale=None)
    )
    number = circles.mark_text(fontSize=font, fontWeight=700, baseline="middle").encode(
        text="label:N", color=alt.Color("ink:N", scale=None)
    )
    return [disc, number]


def _placed(base: alt.Chart) -> alt.Chart:
    return base.encode(latitude="lat:Q", longitude="lon:Q")


def _flow_features(lines: pl.DataFrame, *, scale: float) -> list[dict[str, object]]:
    largest = max((float(units) for units in lines["units"]), default=0.0)
    return [
        {
            "type": "Feature",
            "geometry": {"type": "LineString", "coordinates": [[lon, lat], [dest_lon, dest_lat]]},
            "width": round(flow_width(float(units), largest) * scale, 2),
        }
        for lon, lat, dest_lon, dest_lat, units in lines.select(
            "lon", "lat", "dest_lon", "dest_lat", "units"
        ).iter_rows()
    ]


def _outline(window: Window) -> dict[str, object]:
    """The frame of the detail map, along its parallels as the projection bends them."""
    steps = [window.west + (window.east - window.west) * i / 12 for i in range(13)]
    edge = [[lon, window.north] for lon in steps] + [[lon, window.south] for lon in reversed(steps)]
    return {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [*edge, edge[0]]}}
