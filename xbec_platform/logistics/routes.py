"""Fastest, cheapest, balanced and all efficient routes of a parcel, and what a day costs. None is chosen here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
import polars as pl

from xbec_platform.logistics.assignment_schema import MONEY
from xbec_platform.logistics.closures import DAY, Ints
from xbec_platform.logistics.pareto import Arcs
from xbec_platform.logistics.route_network import TICKS, Parcel, RouteNetwork
from xbec_platform.logistics.route_search import Z90, ParcelNetwork, RouteSearch
from xbec_platform.logistics.route_terms import RouteTerms

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
        "customs_days": pl.Float64(),
        "is_fastest": pl.Boolean(),
        "is_cheapest": pl.Boolean(),
        "is_balanced": pl.Boolean(),
        "cost_per_day_saved_base": pl.Float64(),
        "breakeven_day_value_base": pl.Float64(),
    }
)
"""Grain: origin x zone x parcel x route. Key: origin_node, zone, parcel_kg, goods, route_no; 1 is the fastest.
cost_per_day_saved_base: against the cheapest route. breakeven_day_value_base: against the next cheaper one, the value
of a day from which this route is worth it. customs_days: part of p50_days that goods lie in customs, closed days
included. status: ok, or why there is no route (then route_no is 0): NO_ROUTE, NO_MODE_HAZARD (no way takes this kind of
goods), RESTRICTED_ITEM (a restriction closes every way that would)."""

# Ways that are driven in one array: one alone costs more to start than to compute, many more no longer fit the cache.
_TOGETHER = 64

NO_ROUTE, NO_MODE_HAZARD, RESTRICTED_ITEM = "NO_ROUTE", "NO_MODE_HAZARD", "RESTRICTED_ITEM"


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
    terms: RouteTerms | None = None,
) -> pl.DataFrame:
    """Find every efficient route of a parcel from every origin to every zone.

    Times are from `ready` to the door, waits for departures, holidays and customs included; clocks of lanes are read as
    UTC.

    Args:
        network: As `route_network` makes it.
        origins: Nodes where the parcel may be.
        zones: Nodes where it may have to go.
        parcel: What is sent.
        ready: When it is ready.
        params: Settings.
        terms: Holidays, customs and restrictions; None: none.

    Returns:
        Columns of `ROUTE_SCHEMA`, sorted by their key; a pair without a route has one row that says why.
    """
    params, terms = params or RouteParams(), terms or RouteTerms()
    luck = np.random.default_rng(params.seed).standard_normal((params.max_legs + 1, params.n_samples))
    sigma = _sigma(network.lanes, params)
    base = ParcelNetwork(network, parcel, terms, ready=ready, max_legs=params.max_legs)
    named = {"parcel_kg": parcel.kg, "goods": parcel.group or parcel.goods}
    found: list[dict[str, object]] = []
    for origin in sorted(set(origins)):
        search = RouteSearch(base, origin)
        ways: list[Ints] = []
        rows_of_ways: list[dict[str, object]] = []
        for zone in sorted(set(zones)):
            common = {"origin_node": origin, "zone": zone, **named}
            to_zone, rows = _ways(search, zone)
            ways += to_zone
            rows_of_ways += [{**common, "status": "ok", **row} for row in rows]
            if not rows:
                found.append({**common, "route_no": 0, "status": _why_not(search, zone)})
        p90s = _simulated_p90s(search, ways, sigma, luck)
        found += [{**row, "p90_days": p90} for row, p90 in zip(rows_of_ways, p90s, strict=True)]
    return pl.DataFrame(found, schema=ROUTE_SCHEMA).sort("origin_node", "zone", "route_no")


def _ways(search: RouteSearch, zone: str) -> tuple[list[Ints], list[dict[str, object]]]:
    """The efficient routes to a zone, fastest first: their arcs, and what is known of them without luck."""
    labels, numbers = search.to(zone)
    if labels is None or not len(numbers):
        return [], []
    start, ways, rows = search.base.start, [], []
    days = (labels.time[numbers] - start) / DAY
    for place, row in enumerate(_trade_off(labels.cost[numbers], days)):
        way = np.array(labels.way(int(numbers[place])), dtype=np.int64)
        lanes = search.base.rows[way]
        customs_days = _customs_days(search.arcs, way, start)
        journey = _journey(search.base.network, lanes)
        rows.append({"route_no": place + 1, **journey, **row, "customs_days": customs_days})
        ways.append(way)
    return ways, rows


def _why_not(search: RouteSearch, zone: str) -> str:
    """Without the restrictions there would be a way, or plain goods would have one, or nothing has."""
    if len(search.to(zone, keep_rules=False)[1]):
        return RESTRICTED_ITEM
    return NO_MODE_HAZARD if len(search.of_plain_goods.to(zone)[1]) else NO_ROUTE


def _journey(network: RouteNetwork, lanes: np.ndarray) -> dict[str, object]:
    ids, modes, distances_km = (
        [network.told[name][lane] for lane in lanes] for name in ("lane_id", "mode", "distance_km")
    )
    known = all(one is not None for one in distances_km)
    return {
        "lane_ids": " > ".join(ids),
        "modes": " > ".join(modes),
        "n_legs": len(ids),
        "distance_km": float(sum(distances_km)) if known else None,
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
    """Deviation of the logarithm of each lane's time, from its P50 and P90."""
    ratio = lanes.select(
        (pl.col("transit_p90_days") / pl.col("transit_p50_days"))
        .fill_null(params.p90_over_p50)
        .clip(lower_bound=1)
    ).to_series()
    return np.asarray(np.log(ratio.to_numpy()) / Z90, dtype=np.float64)


def _simulated_p90s(
    search: RouteSearch, ways: Sequence[Ints], sigma: np.ndarray, luck: np.ndarray
) -> list[float]:
    """P90 of the days to the door: journeys are driven leg by leg, log-normal times and missed departures included.

    P90s do not add up: two legs are seldom slow together, and a late first leg may cost a week for a ship.
    """
    p90s = np.zeros(len(ways))
    by_legs: dict[int, list[int]] = {}
    for number, way in enumerate(ways):
        by_legs.setdefault(len(way), []).append(number)
    for alike in by_legs.values():
        for first in range(0, len(alike), _TOGETHER):
            numbers = alike[first : first + _TOGETHER]
            minutes = _driven(search, np.stack([ways[number] for number in numbers]), sigma, luck)
            p90s[numbers] = np.quantile(minutes, 0.9, axis=1, method="inverted_cdf") / DAY
    return [round(float(days), 6) for days in p90s]


def _driven(search: RouteSearch, ways: Ints, sigma: np.ndarray, luck: np.ndarray) -> Ints:
    """Minutes of journeys, ways x samples; ways are rows of arcs, each with as many legs."""
    arcs, start = search.arcs, search.base.start
    time = np.full((len(ways), luck.shape[1]), start, dtype=np.int64)
    for leg, arc in enumerate(ways.T):
        taken = arcs.transit[arc, None] * np.exp(sigma[search.base.rows[arc], None] * luck[leg])
        customs = search.customs_minutes(arc, luck[-1])
        leaves = arcs.departure(np.repeat(arc, time.shape[1]), time.ravel(), customs.ravel())
        time = leaves.reshape(time.shape) + np.maximum(np.round(taken), 1).astype(np.int64)
    return time - start


def _customs_days(arcs: Arcs, way: np.ndarray, start: int) -> float:
    """Days in customs of a journey whose legs all take their P50."""
    if arcs.clearing is None or (arcs.clearing[way] < 0).all():
        return 0.0
    time, held = np.array([start]), 0
    for arc in way:
        one = np.array([arc])
        held += int(arcs.cleared(one, time)[0] - time[0])
        time = arcs.departure(one, time) + arcs.transit[one]
    return round(held / DAY, 6)
