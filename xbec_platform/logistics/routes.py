"""Fastest, cheapest, balanced and all efficient routes of a parcel, and what a day costs. None is chosen here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import numpy as np
import polars as pl

from xbec_platform.logistics.assignment_schema import MONEY
from xbec_platform.logistics.pareto import DAY, Arcs, pareto_labels
from xbec_platform.logistics.route_network import TICKS, Parcel, RouteNetwork, arcs_of

ROUTE_SCHEMA = pl.Schema(
    {
        "origin_node": pl.String(),
        "zone": pl.String(),
        "parcel_kg": pl.Float64(),
        "goods": pl.String(),
        "route_no": pl.Int64(),
        "status": pl.String(),
        "lane_ids": pl.String(),
        "modes": pl.String(),
        "n_legs": pl.Int64(),
        "distance_km": pl.Float64(),
        "cost_base": MONEY,
        "p50_days": pl.Float64(),
        "p90_days": pl.Float64(),
        "is_fastest": pl.Boolean(),
        "is_cheapest": pl.Boolean(),
        "is_balanced": pl.Boolean(),
        "cost_per_day_saved_base": pl.Float64(),
        "breakeven_day_value_base": pl.Float64(),
    }
)
"""Grain: origin x zone x parcel x route. Key: origin_node, zone, parcel_kg, goods, route_no; 1 is the fastest.
cost_per_day_saved_base: against the cheapest route. breakeven_day_value_base: against the next cheaper one, the value
of a day from which this route is worth it. status: ok, or why there is no route (then route_no is 0)."""

NO_ROUTE, NO_MODE_HAZARD = "NO_ROUTE", "NO_MODE_HAZARD"
_Z90 = 1.2815515655446004


@dataclass(frozen=True, kw_only=True)
class RouteParams:
    """Settings.

    Attributes:
        max_legs: Most lanes of a route.
        n_samples: Simulated journeys by route.
        seed: Of the simulation; every route is driven through the same luck.
        p90_over_p50: Spread of a lane that states no P90.
    """

    max_legs: int = 5
    n_samples: int = 1000
    seed: int = 1
    p90_over_p50: float = 1.5

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if min(self.max_legs, self.n_samples) < 1:
            raise ValueError("legs and samples must be at least 1")
        if self.p90_over_p50 < 1:
            raise ValueError("p90_over_p50 must be at least 1")


def routes(
    network: RouteNetwork,
    origins: Sequence[str],
    zones: Sequence[str],
    parcel: Parcel,
    *,
    ready: datetime,
    params: RouteParams | None = None,
) -> pl.DataFrame:
    """Find every efficient route of a parcel from every origin to every zone.

    Times are from `ready` to the door, waits for departures included; clocks of lanes are read as UTC.

    Args:
        network: As `route_network` makes it.
        origins: Nodes where the parcel may be.
        zones: Nodes where it may have to go.
        parcel: What is sent.
        ready: When it is ready.
        params: Settings.

    Returns:
        Columns of `ROUTE_SCHEMA`, sorted by their key; a pair without a route has one row that says why.
    """
    params = params or RouteParams()
    arcs, lane_rows = arcs_of(network, parcel)
    luck = np.random.default_rng(params.seed).standard_normal((params.max_legs, params.n_samples))
    sigma = _sigma(network.lanes[lane_rows], params)
    start = ready.weekday() * DAY + ready.hour * 60 + ready.minute
    code = {node: number for number, node in enumerate(network.nodes)}
    found = []
    for origin in sorted(set(origins)):
        labels, reached = None, None
        if origin in code:
            labels = pareto_labels(
                arcs, source=code[origin], n_nodes=len(code), start=start, max_legs=params.max_legs
            )
        for zone in sorted(set(zones)):
            common = {"origin_node": origin, "zone": zone, "parcel_kg": parcel.kg, "goods": parcel.goods}
            numbers = (
                []
                if labels is None or zone not in code
                else np.flatnonzero(labels.node == code[zone]).tolist()
            )
            if not numbers or labels is None:
                reachable = origin in code and zone in code and parcel.goods != "plain"
                if reachable and reached is None:
                    reached = _reached(network, parcel, code[origin], params.max_legs)
                is_refused = reachable and reached is not None and code[zone] in reached
                found.append({**common, "route_no": 0, "status": NO_MODE_HAZARD if is_refused else NO_ROUTE})
                continue
            ways = [np.array(labels.way(number), dtype=np.int64) for number in numbers]
            days = (labels.time[numbers] - start) / DAY
            for place, row in enumerate(_trade_off(labels.cost[numbers], days)):
                way = ways[place]
                journey = _journey(network.lanes[lane_rows[way]])
                p90 = _simulated_p90(arcs, way, sigma[way], start, luck)
                found.append(
                    {**common, "route_no": place + 1, "status": "ok", **journey, **row, "p90_days": p90}
                )
    return pl.DataFrame(found, schema=ROUTE_SCHEMA).sort("origin_node", "zone", "route_no")


def _reached(network: RouteNetwork, parcel: Parcel, origin: int, max_legs: int) -> frozenset[int]:
    """Nodes that plain goods would get to: where the parcel does not, it is its kind of goods that no way takes."""
    arcs, _ = arcs_of(network, replace(parcel, goods="plain"))
    labels = pareto_labels(arcs, source=origin, n_nodes=len(network.nodes), start=0, max_legs=max_legs)
    return frozenset(labels.node.tolist())


def _journey(lanes: pl.DataFrame) -> dict[str, object]:
    known = lanes["distance_km"].null_count() == 0
    return {
        "lane_ids": " > ".join(lanes["lane_id"]),
        "modes": " > ".join(lanes["mode"]),
        "n_legs": lanes.height,
        "distance_km": float(lanes["distance_km"].sum()) if known else None,
    }


def _trade_off(ticks: np.ndarray, days: np.ndarray) -> list[dict[str, object]]:
    """Marks and prices of a day of efficient routes, fastest and dearest first.

    The balanced one is the knee: farthest below the straight line from the fastest to the cheapest.
    """
    cost = ticks / TICKS
    last = len(cost) - 1
    below = np.zeros(len(cost))
    if last > 0:
        along = (days - days[0]) / (days[-1] - days[0])
        below = 1 - along - (cost - cost[-1]) / (cost[0] - cost[-1])
    knee = int(np.argmax(np.round(below, 12)))
    rows = []
    for number in range(len(cost)):
        saved, next_saved = days[last] - days[number], days[min(number + 1, last)] - days[number]
        rows.append(
            {
                "cost_base": Decimal(int(ticks[number])).scaleb(-4),
                "p50_days": round(float(days[number]), 6),
                "is_fastest": number == 0,
                "is_cheapest": number == last,
                "is_balanced": number == knee,
                "cost_per_day_saved_base": _per_day(cost[number] - cost[last], saved),
                "breakeven_day_value_base": _per_day(cost[number] - cost[min(number + 1, last)], next_saved),
            }
        )
    return rows


def _per_day(cost: float, days: float) -> float | None:
    return round(float(cost / days), 6) if days > 0 else None


def _sigma(lanes: pl.DataFrame, params: RouteParams) -> np.ndarray:
    """Deviation of the logarithm of a lane's time, from its P50 and P90."""
    ratio = lanes.select(
        (pl.col("transit_p90_days") / pl.col("transit_p50_days"))
        .fill_null(params.p90_over_p50)
        .clip(lower_bound=1)
    ).to_series()
    return np.asarray(np.log(ratio.to_numpy()) / _Z90, dtype=np.float64)


def _simulated_p90(arcs: Arcs, way: np.ndarray, sigma: np.ndarray, start: int, luck: np.ndarray) -> float:
    """P90 of the days to the door: journeys are driven leg by leg, log-normal times and missed departures included.

    P90s do not add up: two legs are seldom slow together, and a late first leg may cost a week for a ship.
    """
    time = np.full(luck.shape[1], start, dtype=np.int64)
    for leg, arc in enumerate(way):
        taken = arcs.transit[arc] * np.exp(sigma[leg] * luck[leg])
        leaves = arcs.departure(np.full(len(time), arc), time)
        time = leaves + np.maximum(np.round(taken), 1).astype(np.int64)
    return round(float(np.quantile(time - start, 0.9, method="inverted_cdf")) / DAY, 6)
