"""A small shop for tests of people and behaviour: catalogue and orders as their authors promise them."""

from types import SimpleNamespace

import numpy as np
import polars as pl

from xbec_platform.world.behaviour import build_behaviour
from xbec_platform.world.buying import build_buying
from xbec_platform.world.campaigns import build_campaigns
from xbec_platform.world.people import build_people
from xbec_platform.world.spec import WorldSpec, parameters
from xbec_platform.world.streams import stream

CATEGORIES = ("baby", "electronics", "beauty", "kitchen", "home", "toys", "fashion", "food")
PER_CATEGORY = 6


def small_spec(**changes: int) -> WorldSpec:
    return WorldSpec(**{"seed": 7, "days": 30, "customers": 600, **changes})


def people_plan(spec: WorldSpec) -> SimpleNamespace:
    people = build_people(spec, CATEGORIES, parameters("trade")["markets"])
    return SimpleNamespace(spec=spec, people=people)


def small_plan(spec: WorldSpec) -> SimpleNamespace:
    plan = people_plan(spec)
    plan.catalogue = catalogue(spec)
    plan.buying = build_buying(spec, plan.people)
    plan.orders = orders(spec, plan)
    plan.campaigns = build_campaigns(spec, plan.people)
    plan.behaviour = build_behaviour(spec, plan.people, plan.catalogue, plan.orders, plan.campaigns)
    return plan


def catalogue(spec: WorldSpec) -> SimpleNamespace:
    size = len(CATEGORIES) * PER_CATEGORY
    category = np.arange(size) // PER_CATEGORY
    frame = pl.DataFrame(
        {
            "product_id": [f"P{number:04d}" for number in range(1, size + 1)],
            "title": [f"Alder {CATEGORIES[kind]} thing{number % 4}" for number, kind in enumerate(category)],
            "brand": ["Alder"] * size,
            "category": pl.Series(category, dtype=pl.Int16),
            "category_path": [f"all/{CATEGORIES[kind]}" for kind in category],
            "list_price_cents": [1000 + number for number in range(size)],
            # The last product is launched in the middle of the period, the first one retired.
            "launch_day": [-100] * (size - 1) + [15],
            "retire_day": pl.Series([10] + [None] * (size - 1), dtype=pl.Int32),
            "popularity": [1.0 / (1 + number % PER_CATEGORY) for number in range(size)],
        }
    )
    prices = np.tile(frame["list_price_cents"].to_numpy(), (spec.days, 1))
    return SimpleNamespace(
        frame=frame, segment_weight=np.ones((6, size), dtype=np.float32), price_cents=prices
    )


def orders(spec: WorldSpec, plan: SimpleNamespace) -> SimpleNamespace:
    """Orders of the customers and a guest order a day, one to three lines each."""
    own = plan.buying.orders.select("customer", "order_ts", "order_day")
    guests = pl.DataFrame(
        {
            "customer": pl.Series([-1] * spec.days, dtype=pl.Int32),
            "order_ts": [spec.midnight(day) + 40_000 for day in range(spec.days)],
            "order_day": pl.Series(range(spec.days), dtype=pl.Int32),
        }
    )
    frame = pl.concat([own, guests]).sort("order_ts", "customer").with_row_index("order")
    market = plan.people.frame["market"].to_numpy()[np.maximum(frame["customer"].to_numpy(), 0)]
    frame = frame.with_columns(market=pl.Series(market), channel=pl.lit("own_site"))
    rng = stream(spec.seed, "fake lines")
    count = rng.integers(1, 4, frame.height)
    lines = pl.DataFrame(
        {
            "order": np.repeat(np.arange(frame.height), count),
            "line_no": np.concatenate([np.arange(1, size + 1) for size in count]),
            "product": rng.integers(1, len(CATEGORIES) * PER_CATEGORY - 1, count.sum()),
        }
    )
    return SimpleNamespace(frame=frame, lines=lines)
