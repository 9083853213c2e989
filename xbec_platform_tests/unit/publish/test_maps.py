"""Maps: places where they are on the earth, windows that hold what they should, codes that cover nothing."""

import math

import polars as pl
import pytest

from xbec_platform.publish import map_chart, map_marks, projection
from xbec_platform.publish.land import land_features
from xbec_platform.publish.operations_sections import numbered_warehouses
from xbec_platform_tests.unit.publish import sample_tables as tables

WAREHOUSES = numbered_warehouses(tables.WAREHOUSES)


def test_projections_agree_with_their_papers() -> None:
    """Equal Earth: half width 2.7066 at the equator, 1.3173 high at the pole; Mercator of 45 degrees is 0.8814."""
    assert projection.equal_earth(180, 0)[0] == pytest.approx(2.70663, abs=1e-5)
    assert projection.equal_earth(0, 90)[1] == pytest.approx(1.31737, abs=1e-5)
    assert projection.mercator(0, 45)[1] == pytest.approx(math.asinh(1), abs=1e-12)


def test_circles_are_drawn_where_the_frame_says() -> None:
    """Codes are placed with our own projection and drawn with Vega's: both must mean the same pixel."""
    one = WAREHOUSES.head(1)
    frame = projection.MapFrame.fit(projection.WORLD, width=960)
    x, y = frame.point(one["lon"][0], one["lat"][0])
    far = pl.DataFrame(
        {"warehouse_id": one["warehouse_id"], "dest_country": "AU", "dest_lat": -25.7, "dest_lon": 134.5}
    )
    maps = map_chart.network_maps(one, far.with_columns(units=pl.lit(3)))
    assert maps.world is not None
    places = [part.partition(")")[0].split(",") for part in maps.world.wide.split('transform="translate(')]
    drawn = [
        (float(place[0]), float(place[1])) for place in places if len(place) == 2 and "<" not in place[1]
    ]
    assert min(math.hypot(x - a, y - b) for a, b in drawn) < 0.6


def test_points_of_one_region_need_no_world_map() -> None:
    """A national shop on a world map would be one dot."""
    uk = tables.flows().filter(
        pl.col("dest_country").is_in(["GB", "IE"]) & (pl.col("warehouse_id") == "DC-GBR-1")
    )
    maps = map_chart.network_maps(WAREHOUSES.head(1), uk)
    assert maps.world is None
    assert maps.region is not None


def test_the_densest_window_holds_most_points() -> None:
    """Nineteen places in Europe and one in Australia: Europe, with all nineteen inside and the other not."""
    europe = [(float(lon), 45.0 + lon % 5) for lon in range(-5, 14)]
    window, holds_all = projection.densest_window([*europe, (134.0, -25.0)])
    assert not holds_all
    assert all(window.holds(*point) for point in europe)
    assert not window.holds(134.0, -25.0)


def test_one_point_gets_a_window_around_it() -> None:
    """A single warehouse must not make a map of zero width."""
    window, holds_all = projection.densest_window([(10.0, 50.0)])
    assert holds_all
    assert window.east - window.west == pytest.approx(projection.REGION_LON / 4)
    assert window.holds(10.0, 50.0)


@pytest.mark.parametrize(
    ("used", "capacity", "words"),
    [(0, 100, "under 50 %"), (49, 100, "under 50 %"), (50, 100, "50 to 80 %"), (94, 100, "80 to 95 %"),
     (95, 100, "95 % and more"), (120, 100, "95 % and more"), (5, 0, "capacity not stated"),
     (5, None, "capacity not stated"), (None, 5, "capacity not stated")],
)  # fmt: skip
def test_utilisation_steps(used: int | None, capacity: int | None, words: str) -> None:
    """Borders belong to the fuller step; without a capacity nothing is claimed."""
    assert map_marks.utilisation_step(used, capacity)[0] == words


def test_texts_on_circles_have_contrast() -> None:
    """WCAG asks 4.5:1 for small text: the number on each colour must be readable."""
    steps = [(fill, ink) for _, _, fill, ink in map_marks.UTILISATION_STEPS] + [map_marks.UNKNOWN_STEP[1:]]
    for fill, ink in steps:
        light, dark = sorted((_luminance(fill), _luminance(ink)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def _luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_codes_cover_neither_each_other_nor_circles() -> None:
    """Two places on one spot: the bigger keeps its code above, the other gets its own below, a third none."""
    frame = projection.MapFrame.fit(projection.WORLD, width=960)
    spots = pl.DataFrame(
        {
            "dest_country": ["AA", "BB", "CC"],
            "dest_lon": [100.0] * 3,
            "dest_lat": [0.0] * 3,
            "units": [1, 3, 2],
        }
    )
    dots = map_marks.destination_dots(frame, spots, None, [], font=11)
    assert [(dot.code, dot.side) for dot in dots] == [("BB", "above"), ("CC", "below"), ("AA", "")]
    circle = map_marks.Circle(lon=100.0, lat=0.0, diameter=40, label="1", fill="#fff", ink="#000")
    assert {dot.side for dot in map_marks.destination_dots(frame, spots, None, [circle], font=11)} == {""}


def test_flow_width_is_proportional_but_visible() -> None:
    """Twice the units is twice the width; one unit among thousands is still a line."""
    assert map_chart.flow_width(100, 100) == map_chart.MAX_FLOW_WIDTH
    assert map_chart.flow_width(50, 100) == map_chart.MAX_FLOW_WIDTH / 2
    assert map_chart.flow_width(1, 10_000) == map_chart.MIN_FLOW_WIDTH
    assert map_chart.flow_width(0, 0) == map_chart.MIN_FLOW_WIDTH


def test_the_legend_shows_widths_that_are_drawn() -> None:
    """A legend with other widths than the lines would lie."""
    legend = map_chart.legend(pl.DataFrame({"units": [1000, 10]}))
    assert legend.lines == (("100 units", 1.0), ("400 units", 2.8), ("1,000 units", 7.0))
    assert map_chart.legend(pl.DataFrame()).lines == ()


def test_maps_do_not_depend_on_the_order_of_rows() -> None:
    """Polars keeps no order: the same network must give the same bytes."""
    some = tables.flows().filter(pl.col("warehouse_id") == "DC-ESP-1")
    first = map_chart.network_maps(WAREHOUSES.head(4), some)
    second = map_chart.network_maps(WAREHOUSES.head(4).reverse(), some.reverse())
    assert first == second


def test_unknown_places_are_left_out_and_no_place_is_refused() -> None:
    """A flow without coordinates cannot be drawn; a map without a warehouse would be decoration."""
    nowhere = tables.flows().head(3).with_columns(dest_lat=pl.lit(None, pl.Float64))
    assert map_chart.network_maps(WAREHOUSES.head(1), nowhere).region is not None
    with pytest.raises(ValueError, match="lat and lon"):
        map_chart.network_maps(WAREHOUSES.with_columns(lat=pl.lit(None, pl.Float64)), nowhere)


def test_land_outlines_are_closed_rings_on_the_earth() -> None:
    """A ring that is open or runs off the earth fills the whole sea."""
    rings = [ring for feature in land_features() for ring in feature["geometry"]["coordinates"]]
    assert len(rings) > 200
    for ring in rings:
        assert ring[0] == ring[-1]
        assert all(-180 <= lon <= 180 and -90 <= lat <= 90 for lon, lat in ring)
