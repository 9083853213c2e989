"""Lanes as a network for one kind of parcel: what each charges, when it leaves, whether it takes the goods."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from xbec_platform.logistics.pareto import EVERY_DAY, Arcs

TICKS = 10_000
"""Ticks per unit of base currency: Decimal(18,4) without a fraction."""
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
GOODS = {
    "plain": (),
    "battery": ("allows_battery",),
    "liquid": ("allows_liquid",),
    "hazard": ("allows_hazard",),
}
"""Kinds of goods and what a lane must allow to take them."""
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """A parcel to find routes for.

    Attributes:
        kg: Weight.
        m3: Volume.
        goods: Key of `GOODS`.
        group: Name of goods of this kind with restrictions of their own; None: the kind.
    """

    kg: float
    m3: float
    goods: str = "plain"
    group: str | None = None

    def __post_init__(self) -> None:
        """Refuse what has no freight."""
        if not self.kg > 0 or not self.m3 >= 0:
            raise ValueError("a parcel must weigh something and have no negative volume")
        if self.goods not in GOODS:
            raise ValueError(f"goods {self.goods} are unknown; known are {', '.join(GOODS)}")


@dataclass(frozen=True, kw_only=True)
class RouteNetwork:
    """Lanes that can be used, nodes by name, and lanes that cannot with the reason (lane_id, reason).

    What lanes charge for a weight and volume is found once, see `freight_ticks`.
    """

    lanes: pl.DataFrame
    nodes: tuple[str, ...]
    faulty: pl.DataFrame
    charges: dict[tuple[float, float], np.ndarray] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def told(self) -> dict[str, list[Any]]:
        """What routes say of their lanes, by column: a row of a wide frame costs .8 ms, and routes are many."""
        return self.lanes.select("lane_id", "mode", "distance_km").to_dict(as_series=False)


def route_network(lanes: pl.DataFrame) -> RouteNetwork:
    """Check lanes and number their nodes.

    Args:
        lanes: lane_id, origin_node, dest_node, mode, carrier and origin_country (both may be missing), distance_km,
            rate_per_kg, rate_per_cbm, min_charge (base currency, Decimal), rate_brackets (JSON, in the lane's
            currency), rate_to_base, surcharge_pct, vol_divisor, transit_p50_days, transit_p90_days, allows_battery,
            allows_liquid, allows_hazard, cut_off_local, departures.

    Returns:
        The network; a lane that would make a route wrong stands in `faulty` and is not used.
    """
    rows = lanes.sort("lane_id")
    if "carrier" not in rows.columns:
        rows = rows.with_columns(carrier=pl.lit(None, dtype=pl.String))
    if "origin_country" not in rows.columns:
        rows = rows.with_columns(origin_country=pl.lit(None, dtype=pl.String))
    reasons = [_fault(row) for row in rows.iter_rows(named=True)]
    torn = pl.col("origin_country").drop_nulls().n_unique().over("origin_node") > 1
    told = pl.format("origin_country: lanes from {} name several", "origin_node")
    judged = rows.with_columns(reason=pl.Series(reasons, dtype=pl.String)).with_columns(
        reason=pl.coalesce("reason", pl.when(torn & pl.col("origin_country").is_not_null()).then(told))
    )
    usable = judged.filter(pl.col("reason").is_null()).drop("reason")
    nodes = sorted({*usable["origin_node"], *usable["dest_node"]})
    return RouteNetwork(
        lanes=usable,
        nodes=tuple(nodes),
        faulty=judged.filter(pl.col("reason").is_not_null()).select("lane_id", "reason"),
    )


def _fault(row: dict[str, object]) -> str | None:
    """Why a lane cannot be part of a route."""
    lost = [name for name in ("origin_node", "dest_node", "mode") if not row[name]]
    if lost:
        return f"{lost[0]} is missing"
    money = {name: row[name] for name in ("rate_per_kg", "min_charge")}
    missing = [name for name, value in money.items() if value is None]
    if missing:
        return f"{missing[0]} is missing, or its currency has no exchange rate"
    negative = [name for name in (*money, "rate_per_cbm", "surcharge_pct") if (row[name] or 0) < 0]  # type: ignore[operator]
    if negative:
        return f"{negative[0]} is negative"
    if row["transit_p50_days"] is None or not row["transit_p50_days"] > 0:  # type: ignore[operator]
        return "transit_p50_days is not above 0"
    if row["cut_off_local"] is not None and not _CLOCK.fullmatch(str(row["cut_off_local"])):
        return f"cut_off_local {row['cut_off_local']} is no time of day"
    if row["departures"] is not None and not _mask(str(row["departures"])):
        return f"departures '{row['departures']}' name no weekday"
    return _bracket_fault(row["rate_brackets"])


def _bracket_fault(text: object) -> str | None:
    if text is None:
        return None
    try:
        steps = sorted(
            (
                float(one["min_kg"]),
                float("inf") if one["max_kg"] is None else float(one["max_kg"]),
                float(one["rate_per_kg"]),
            )
            for one in json.loads(str(text))
        )
    except (ValueError, TypeError, KeyError):
        return "rate_brackets are no list of {min_kg, max_kg, rate_per_kg}"
    for (_, end, _), (begin, _, _) in pairwise(steps):
        if end > begin:
            return f"rate_brackets overlap at {begin:g} kg"
    return "rate_brackets have a negative rate" if any(rate < 0 for _, _, rate in steps) else None


def _mask(departures: str) -> int:
    """Weekdays as a mask; 0 when a word is none of them."""
    words = departures.split()
    if not words or any(word not in WEEKDAYS for word in words):
        return 0
    return sum(1 << WEEKDAYS.index(word) for word in set(words))


def takes(network: RouteNetwork, parcel: Parcel) -> np.ndarray:
    """Whether each lane of the network takes the goods."""
    allowed = np.ones(network.lanes.height, dtype=np.bool_)
    for flag in GOODS[parcel.goods]:
        allowed &= network.lanes[flag].fill_null(False).to_numpy()
    return allowed


def freight_ticks(network: RouteNetwork, parcel: Parcel) -> np.ndarray:
    """Freight of a parcel on each lane, in ticks: the most of weight, volume and minimum charge, with the surcharge.

    Chargeable weight is the greater of weight and volume / divisor (5,000 cm3 per kg express, 6,000 air).
    """
    size = parcel.kg, parcel.m3
    if size not in network.charges:
        network.charges[size] = _charged(network, parcel)
    return network.charges[size]


def _charged(network: RouteNetwork, parcel: Parcel) -> np.ndarray:
    found = []
    for row in network.lanes.iter_rows(named=True):
        divisor = row["vol_divisor"]
        kg = max(parcel.kg, parcel.m3 * 1e6 / divisor if divisor else 0.0)
        by_weight = _rate(row, kg) * Decimal(repr(kg))
        by_volume = (row["rate_per_cbm"] or Decimal(0)) * Decimal(repr(parcel.m3))
        charge = max(by_weight, by_volume, row["min_charge"])
        with_surcharge = charge * (100 + Decimal(str(row["surcharge_pct"] or 0))) / 100
        found.append(int((with_surcharge * TICKS).to_integral_value("ROUND_HALF_UP")))
    return np.array(found, dtype=np.int64)


def _rate(row: dict[str, object], kg: float) -> Decimal:
    """Rate per kg in base currency: of the bracket the weight lies in, else the lane's own."""
    rate_to_base = Decimal(str(row["rate_to_base"] or 1))
    for bracket in json.loads(str(row["rate_brackets"])) if row["rate_brackets"] else []:
        if bracket["min_kg"] <= kg and (bracket["max_kg"] is None or kg < bracket["max_kg"]):
            return Decimal(str(bracket["rate_per_kg"])) * rate_to_base
    return row["rate_per_kg"]  # type: ignore[return-value]


def arcs_of(network: RouteNetwork, parcel: Parcel) -> tuple[Arcs, np.ndarray]:
    """The lanes that take a parcel as arcs, and the row of `network.lanes` of each."""
    rows = np.flatnonzero(takes(network, parcel))
    lanes = network.lanes[rows]
    code = {node: number for number, node in enumerate(network.nodes)}
    cut_off = [
        -1 if text is None else int(text[:2]) * 60 + int(text[3:])
        for text in lanes["cut_off_local"].to_list()
    ]
    weekdays = [EVERY_DAY if text is None else _mask(text) for text in lanes["departures"].to_list()]
    # A lane with weekdays and no cut-off leaves at the end of the day.
    late = [
        1439 if cut < 0 and text is not None else cut
        for cut, text in zip(cut_off, lanes["departures"], strict=True)
    ]
    arcs = Arcs(
        tail=np.array([code[node] for node in lanes["origin_node"]], dtype=np.int64),
        head=np.array([code[node] for node in lanes["dest_node"]], dtype=np.int64),
        cost=freight_ticks(network, parcel)[rows],
        transit=np.maximum(np.round(lanes["transit_p50_days"].to_numpy() * 1440), 1).astype(np.int64),
        weekdays=np.array(weekdays, dtype=np.int64),
        cut_off=np.array(late, dtype=np.int64),
    )
    return arcs, rows
