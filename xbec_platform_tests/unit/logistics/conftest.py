"""Days the assignment tests share."""

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest

from xbec_platform.logistics.assignment_inputs import AssignmentInputs
from xbec_platform_tests.unit.logistics import small_days


@pytest.fixture(scope="session")
def make_day() -> Callable[..., AssignmentInputs]:
    """A builder of days from the few values a test is about."""
    return small_days.make_day


COUNTRIES = ("DE", "FR", "US", "JP", "XX")
PRODUCTS = tuple(f"p{number}" for number in range(6))
CENTRES = "ABCD"


@pytest.fixture(scope="session")
def crowded_day() -> AssignmentInputs:
    """Sixty lines over four warehouses where stock, capacity, promise and hazard all bind (seed 3).

    Country XX has no lane, product p5 is in no catalogue, p0 has no weight.
    """
    rng = np.random.default_rng(3)
    return small_days.make_day(
        lines=_lines(rng),
        lanes=_lanes(rng),
        warehouses=_warehouses(rng),
        products=_products(rng),
        destinations=[
            {"country": "DE", "lat": 51.0, "lon": 10.0},
            {"country": "US", "lat": 39.0, "lon": -98.0},
        ],
        stock=[
            {"warehouse_id": name, "product_id": product, "available": int(rng.integers(0, 9))}
            for name in CENTRES
            for product in PRODUCTS
            if rng.random() > 0.3
        ],
    )


def _lines(rng: np.random.Generator) -> list[small_days.Row]:
    return [
        {
            "order_id": f"o{number // 2:03d}",
            "line_no": number % 2 + 1,
            "product_id": str(rng.choice(PRODUCTS)),
            "qty": int(rng.integers(1, 5)),
            "ship_country": str(rng.choice(COUNTRIES)) if rng.random() > 0.05 else None,
            "promised_days": int(rng.integers(2, 12)) if rng.random() > 0.2 else None,
            "priority": int(rng.integers(1, 3)),
        }
        for number in range(60)
    ]


def _lanes(rng: np.random.Generator) -> list[small_days.Row]:
    return [
        {
            "lane_id": f"{origin}-{country}-{mode}",
            "origin_node": origin,
            "dest_node": country,
            "mode": mode,
            "rate_per_kg": Decimal(int(rng.integers(10, 900))) / 100,
            "min_charge": Decimal(int(rng.integers(0, 600))) / 100,
            "surcharge_pct": float(rng.integers(0, 20)),
            "vol_divisor": 5000.0,
            "rate_brackets": STEPS if mode == "sea" else None,
            "transit_p50_days": float(days),
            "transit_p90_days": days * 1.5 if rng.random() > 0.2 else None,
            "allows_battery": mode != "air",
        }
        for origin in CENTRES
        for country in COUNTRIES[:4]
        for mode, days in (("express", 2), ("air", 3), ("sea", 7))
        if rng.random() > 0.25
    ]


STEPS = [
    {"min_kg": 0.0, "rate_per_kg": 1.5},
    {"min_kg": 2.0, "rate_per_kg": 1.1},
    {"min_kg": 6.0, "rate_per_kg": 0.9},
]


def _warehouses(rng: np.random.Generator) -> list[small_days.Row]:
    return [
        {
            "warehouse_id": name,
            "capacity_orders_day": int(rng.integers(15, 40)),
            "cost_pick": Decimal("0.35"),
            "cost_pack": Decimal("0.2"),
            "lat": float(rng.uniform(-30, 55)),
            "lon": float(rng.uniform(-120, 140)),
        }
        for name in CENTRES
    ]


def _products(rng: np.random.Generator) -> list[small_days.Row]:
    return [
        {
            "product_id": name,
            "weight_kg": float(np.round(rng.lognormal(), 3)) if number else None,
            "length_cm": 30.0,
            "width_cm": 20.0,
            "height_cm": 10.0,
            "has_battery": number % 3 == 0,
            "unit_cost": Decimal(10),
            "list_price": Decimal(10 + 5 * number),
        }
        for number, name in enumerate(PRODUCTS[:-1])
    ]
