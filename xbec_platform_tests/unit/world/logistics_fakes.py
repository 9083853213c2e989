"""Stand-in catalogue, orders and plan for the tests of logistics: the columns it reads and nothing else."""

from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace

import numpy as np
import polars as pl

from xbec_platform.world.fulfilment import Fulfilment, build_fulfilment
from xbec_platform.world.network import Network, build_network
from xbec_platform.world.orders import Orders
from xbec_platform.world.places import markets
from xbec_platform.world.promises import add_promises
from xbec_platform.world.spec import SECONDS_PER_DAY, WorldSpec, parameters
from xbec_platform.world.streams import categorical, stream

PRODUCTS = 200
PEAKS = {"11-11": 3.0, "11-28": 2.5}


@dataclass(frozen=True, kw_only=True)
class FakePlan:
    """The attributes of a plan that logistics reads."""

    spec: WorldSpec
    catalogue: SimpleNamespace
    orders: Orders
    network: Network
    fulfilment: Fulfilment


def fake_catalogue(seed: int = 1) -> SimpleNamespace:
    """Return products with sizes, flags and a long-tailed popularity."""
    rng = stream(seed, "fake.catalogue")
    frame = pl.DataFrame(
        {
            "product_id": [f"P{number:04d}" for number in range(1, PRODUCTS + 1)],
            "weight_kg": np.round(np.exp(rng.normal(-0.6, 0.9, PRODUCTS)), 3),
            "length_cm": np.round(rng.uniform(8, 40, PRODUCTS), 1),
            "width_cm": np.round(rng.uniform(5, 25, PRODUCTS), 1),
            "height_cm": np.round(rng.uniform(2, 15, PRODUCTS), 1),
            "has_battery": rng.random(PRODUCTS) < 0.15,
            "is_liquid": rng.random(PRODUCTS) < 0.15,
            "is_hazard": rng.random(PRODUCTS) < 0.05,
            "launch_day": np.where(rng.random(PRODUCTS) < 0.05, 20, -100),
            "popularity": (1 / np.arange(1, PRODUCTS + 1) ** 0.8).astype(np.float32),
        }
    )
    return SimpleNamespace(frame=frame)


def fake_orders(spec: WorldSpec, catalogue: SimpleNamespace, size: int) -> Orders:
    """Return orders of all markets and operation modes with two peaks, some cancelled, unpaid or pre-sold."""
    rng = stream(spec.seed, "fake.orders")
    weight = [PEAKS.get(spec.day(day).strftime("%m-%d"), 1.0) for day in range(spec.days)]
    day = np.sort(categorical(rng.random(size), weight))
    ts = np.sort(spec.epoch + day * SECONDS_PER_DAY + rng.integers(0, SECONDS_PER_DAY, size))
    trade = parameters("trade")
    market = categorical(rng.random(size), [trade["markets"][name]["share"] for name in markets()])
    draw = rng.random(size)
    terms = [trade["operation_modes"][name] for name in markets()]
    edges = [np.cumsum([mode["share"] for mode in modes]) for modes in terms]
    chosen = [
        terms[m][min(int(np.searchsorted(edges[m], u)), len(terms[m]) - 1)]
        for m, u in zip(market, draw, strict=True)
    ]
    presale, unpaid = rng.random(size) < 0.03, rng.random(size) < 0.02
    paid = ts + rng.integers(30, 9000, size) + presale * 15 * SECONDS_PER_DAY
    frame = pl.DataFrame(
        {
            "order_id": [f"O{number:07d}" for number in range(1, size + 1)],
            "market": market.astype(np.int8),
            "city": [trade["markets"][markets()[m]]["cities"][0]["city"] for m in market],
            "order_ts": ts,
            "currency": [trade["markets"][markets()[m]]["currency"] for m in market],
            "operation_mode": [mode["mode"] for mode in chosen],
            "promised_days": pl.Series([mode["promised_days"] for mode in chosen], dtype=pl.Int16),
            "is_presale": presale,
        }
    ).with_columns(
        paid_ts=pl.when(~pl.Series(unpaid)).then(pl.Series(paid)),
        cancelled_ts=pl.when(pl.Series(rng.random(size) < 0.025)).then(pl.col("order_ts") + 9000),
    )
    order = np.repeat(np.arange(size), 1 + rng.poisson(1.0, size))
    popularity = catalogue.frame["popularity"].to_numpy().astype(np.float64)
    lines = pl.DataFrame(
        {
            "order": order.astype(np.int32),
            "product": categorical(rng.random(len(order)), popularity).astype(np.int16),
            "qty": (1 + rng.poisson(0.3, len(order))).astype(np.int16),
            "unit_price_cents": rng.integers(500, 9000, len(order)),
            "discount_cents": rng.integers(0, 200, len(order)),
        }
    ).with_columns(line_no=(pl.int_range(pl.len()).over("order") + 1).cast(pl.Int16))
    return Orders(frame=frame, lines=lines, offers=pl.DataFrame(), deposits=pl.DataFrame())


@cache
def fake_plan(size: int = 12_000, seed: int = 7) -> FakePlan:
    """Return a plan whose network is sized for its orders."""
    spec = WorldSpec(seed=seed)
    catalogue = fake_catalogue()
    orders = fake_orders(spec, catalogue, size)
    market = pl.Series(markets()).gather(orders.frame["market"].gather(orders.lines["order"]))
    pieces = orders.lines.group_by(market.alias("name")).agg(pl.col("qty").sum() / spec.days)
    network = build_network(spec, dict(pieces.iter_rows()))
    orders = add_promises(spec, orders, catalogue, network)  # type: ignore[arg-type]
    fulfilment = build_fulfilment(spec, orders, catalogue, network)  # type: ignore[arg-type]
    return FakePlan(spec=spec, catalogue=catalogue, orders=orders, network=network, fulfilment=fulfilment)
