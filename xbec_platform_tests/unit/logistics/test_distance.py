"""Lengths on the sphere and of routes."""

from collections.abc import Callable

import numpy as np
import pytest

from xbec_platform.logistics.assignment_inputs import AssignmentInputs
from xbec_platform.logistics.distance import great_circle_km, lane_distances, warehouse_ranking

QUARTER = 10_007.557
"""A quarter of a great circle: pi / 2 x 6,371.0088 km."""


@pytest.mark.parametrize(
    ("to_lat", "to_lon", "expected"),
    [
        (0.0, 0.0, 0.0),
        (90.0, 0.0, QUARTER),
        (0.0, 90.0, QUARTER),
        (0.0, 180.0, 2 * QUARTER),
        (0.0, 1.0, 111.195),
    ],
)
def test_great_circle_equals_geometry(to_lat: float, to_lon: float, expected: float) -> None:
    """From the point 0/0 the answers are fractions of the circumference; antipodes must not give NaN."""
    zero = np.zeros(1)
    assert great_circle_km(zero, zero, np.array([to_lat]), np.array([to_lon]))[0] == pytest.approx(
        expected, abs=1e-3
    )


def test_given_length_wins_and_missing_length_is_estimated_and_flagged(
    make_day: Callable[..., AssignmentInputs],
) -> None:
    """A sea lane without a length is the great circle times the detour of its mode; a stated one stays."""
    day = make_day(
        warehouses=[{"warehouse_id": "A", "lat": 0.0, "lon": 0.0}],
        lanes=[
            {"origin_node": "A", "mode": "sea"},
            {"origin_node": "A", "mode": "sea", "distance_km": 123.0},
            {"origin_node": "A", "dest_node": "FR", "mode": "sea"},
            {"origin_node": "A", "mode": "balloon"},
        ],
        destinations=[{"country": "DE", "lat": 0.0, "lon": 90.0}],
    )
    rows = lane_distances(day.lanes, day.warehouses, day.destinations, {"sea": 1.5}).rows()
    assert rows == [
        ("L0", pytest.approx(QUARTER, abs=1e-3), pytest.approx(1.5 * QUARTER, abs=1e-3), True),
        ("L1", pytest.approx(QUARTER, abs=1e-3), 123.0, False),
        ("L2", None, None, False),
        ("L3", pytest.approx(QUARTER, abs=1e-3), None, False),
    ]


def test_ranking_breaks_ties_by_id_and_falls_back_on_lane_length(
    make_day: Callable[..., AssignmentInputs],
) -> None:
    """Two warehouses in one place rank by id; without coordinates the shortest lane counts; unknown is last."""
    day = make_day(
        warehouses=[
            {"warehouse_id": "D", "lat": 0.0, "lon": 90.0},
            {"warehouse_id": "C", "lat": 0.0, "lon": 90.0},
            {"warehouse_id": "A"},
            {"warehouse_id": "B"},
        ],
        lanes=[
            {"origin_node": "B", "distance_km": 500.0},
            {"origin_node": "B", "distance_km": 50.0},
            {"origin_node": "A"},
        ],
        destinations=[{"country": "DE", "lat": 0.0, "lon": 91.0}],
    )
    ranking = warehouse_ranking(day.lanes, day.warehouses, day.destinations)
    assert ranking["warehouse_id"].to_list() == ["B", "C", "D", "A"]
    assert ranking["distance_rank"].to_list() == [0, 1, 2, 3]
    assert ranking["distance_km"].to_list()[0] == 50.0
