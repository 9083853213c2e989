"""Ways from a warehouse to a market over one to four lanes, and which of them a parcel takes. No parcels here."""

import json
import math
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.lanes import departure_moments, mean_wait_days
from xbec_platform.world.places import crosses_customs, markets, nodes, road_region
from xbec_platform.world.spec import parameters

MOST_LANES, LINE_HAUL_LANES = 4, 2
NONE = -1
HAZARDS = ("battery", "liquid", "hazard")
DIRECT_MODES = ("last_mile", "ground", "express")
# By lorry to a station or warehouse near the address, and from there by its last mile.
LINE_HAUL = "truck"
MAIN_MODES = ("air", "air_charter", "rail", "sea")
# Targets beyond this many days are treated as this.
LONGEST_TARGET = 60
# Kilograms at which journeys are compared by cost: the weight of a usual parcel.
USUAL_KG = 1.5
# 1.2816: 90th percentile of the standard normal.
Z90 = 1.2816


@dataclass(frozen=True, kw_only=True)
class JourneyChoice:
    """Journey indices by warehouse, market, hazard class (bits battery 1, liquid 2, hazard 4) and target days.

    Attributes:
        cheapest: The cheapest that keeps the target at about P80, else the fastest; NONE without any.
        other: The next one by the same order and not by lorry, or the same where there is none.
        by_mode: Journey of a main mode or the line haul by warehouse, market and hazard class; NONE without one.
    """

    cheapest: npt.NDArray[np.int16]
    other: npt.NDArray[np.int16]
    by_mode: dict[str, npt.NDArray[np.int16]]


def build_journeys(lanes: pl.DataFrame) -> pl.DataFrame:
    """Return the best way of each mode from each stocking warehouse to each market.

    Args:
        lanes: As `lanes.lane_frame` returns them, with the index column `lane`.

    Returns:
        Columns journey (index), warehouse_id, market (index), mode, lanes (list of lane indices), lane_ids (JSON
        list), origin_place, hub_place, gateway_place, station_place (names), crosses_customs, distance_km,
        transit_p50_days, transit_p90_days (of independent legs, departures and customs), cost_eur of a usual parcel,
        takes_battery, takes_liquid, takes_hazard; sorted by warehouse, market, mode.
    """
    by_origin: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for lane in lanes.iter_rows(named=True):
        by_origin.setdefault((lane["origin_node"], lane["mode"]), []).append(lane)
    centres = nodes().filter(pl.col("kind") == "warehouse", pl.col("type") != "station")
    rows = []
    for place, country in centres.select("node_id", "country").iter_rows():
        for number, market in enumerate(markets()):
            for mode in (*DIRECT_MODES, LINE_HAUL, *MAIN_MODES):
                best = _best(_ways(by_origin, place, country, market, mode))
                if best:
                    rows.append(_journey(best, place, country, number, market, mode))
    schema = {"lanes": pl.List(pl.Int16)}
    return (
        pl.DataFrame(rows, orient="row", schema_overrides=schema)
        .sort("warehouse_id", "market", "mode")
        .with_row_index("journey")
        .with_columns(pl.col("journey").cast(pl.Int16), pl.col("market").cast(pl.Int8))
    )


def _ways(
    by_origin: dict[tuple[str, str], list[dict[str, Any]]], place: str, country: str, market: str, mode: str
) -> list[list[dict[str, Any]]]:
    if mode in DIRECT_MODES:
        return [[lane] for lane in by_origin.get((place, mode), []) if lane["dest_node"] == market]
    if mode == LINE_HAUL:
        return [
            [haul, door]
            for haul in by_origin.get((place, LINE_HAUL), [])
            for door in by_origin.get((haul["dest_node"], "last_mile"), [])
            if door["dest_node"] == market
        ]
    if not crosses_customs(country, market) or road_region(country) == road_region(market):
        return []
    found = []
    for feeder in by_origin.get((place, "truck"), []):
        for main in by_origin.get((feeder["dest_node"], mode), []):
            for carry in by_origin.get((main["dest_node"], "truck"), []):
                last = by_origin.get((carry["dest_node"], "last_mile"), [])
                found += [[feeder, main, carry, door] for door in last if door["dest_node"] == market]
    return found


def main_leg(lanes: int) -> int:
    """Return which of a journey's lanes names it: after a feeder the second one, else the first."""
    return 1 if lanes == MOST_LANES else 0


def _moments(way: list[dict[str, Any]], market: str, *, border: bool) -> tuple[float, float]:
    """Return mean and variance of the days on a way: legs and customs log-normal, departures at any time."""
    parts = [(lane["transit_p50_days"], lane["transit_p90_days"]) for lane in way]
    found = [departure_moments(lane["departs"]) for lane in way if lane["mode"] in MAIN_MODES]
    if len(way) == LINE_HAUL_LANES:
        # Parcels are handed over on the afternoon before the lorry leaves.
        handed_over = float(np.mean(parameters("logistics")["fulfilment"]["ship_hour"]))
        found.append(((way[0]["cut_off_hour"] - handed_over) / 24, 0.0))
    if border and len(way) > 1:
        parts.append(tuple(parameters("logistics")["customs_dwell_days"][market]))
    for p50, p90 in parts:
        variance = (np.log(p90 / p50) / Z90) ** 2
        mean = p50 * np.exp(variance / 2)
        found.append((mean, mean**2 * np.expm1(variance)))
    return float(sum(mean for mean, _ in found)), float(sum(variance for _, variance in found))


def _quantiles(way: list[dict[str, Any]], market: str, *, border: bool) -> tuple[float, float]:
    """Return P50 and P90 of the days on a way, log-normal with the moments of its parts (Fenton 1960)."""
    mean, variance = _moments(way, market, border=border)
    sigma = np.sqrt(np.log1p(variance / mean**2))
    p50 = mean * np.exp(-(sigma**2) / 2)
    return float(p50), float(p50 * np.exp(Z90 * sigma))


def _best(ways: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the quickest of ways between the same ends: customs are alike and do not count."""

    def order(way: list[dict[str, Any]]) -> tuple[float, list[str]]:
        wait = sum(mean_wait_days(lane["departs"]) for lane in way if lane["mode"] in MAIN_MODES)
        return sum(lane["transit_p50_days"] for lane in way) + wait, [lane["lane_id"] for lane in way]

    return min(ways, key=order, default=[])


def _journey(
    way: list[dict[str, Any]], place: str, country: str, number: int, market: str, mode: str
) -> dict[str, Any]:
    border = crosses_customs(country, market)
    p50, p90 = _quantiles(way, market, border=border)
    cost = sum(
        max(lane["rate_per_kg_eur"] * USUAL_KG, lane["min_charge_eur"]) * (1 + lane["surcharge_pct"] / 100)
        for lane in way
    )
    return {
        "warehouse_id": place,
        "market": number,
        "mode": mode,
        "lanes": [lane["lane"] for lane in way],
        "lane_ids": json.dumps([lane["lane_id"] for lane in way]),
        **_places(way, place, market),
        "crosses_customs": border,
        "distance_km": round(sum(lane["distance_km"] for lane in way), 1),
        "transit_p50_days": round(p50, 2),
        "transit_p90_days": round(p90, 2),
        "cost_eur": round(cost, 4),
        **{f"takes_{kind}": all(lane[f"allows_{kind}"] for lane in way) for kind in HAZARDS},
    }


def _places(way: list[dict[str, Any]], place: str, market: str) -> dict[str, str]:
    """Return where scans are made on the way: names of nodes, the market where one carrier does not say."""
    names = dict(nodes().select("node_id", "name").iter_rows())
    stops = [names.get(lane["dest_node"], market) for lane in way]
    if len(way) == MOST_LANES:
        hub, gateway, station = stops[:3]
    else:
        # The first stop of a line haul is the station; one carrier from door to door does not say where it stops.
        hub, gateway, station = names[place], stops[0], stops[0]
    return {
        "origin_place": names[place],
        "hub_place": hub,
        "gateway_place": gateway,
        "station_place": station,
    }


def composite_lanes(journeys: pl.DataFrame, lanes: pl.DataFrame) -> pl.DataFrame:
    """Return the journeys of several lanes as offers from door to door, in the columns of `lanes`.

    Length, rates and charges are the sums of the legs; carrier, schedule, divisor and surcharge those of the main leg.
    """
    legs = list(lanes.iter_rows(named=True))
    rows = []
    for way in journeys.filter(pl.col("lanes").list.len() > 1).iter_rows(named=True):
        parts = [legs[number] for number in way["lanes"]]
        main = parts[main_leg(len(parts))]
        market = markets()[way["market"]]
        rows.append(
            {
                **{name: main[name] for name in lanes.columns if name != "lane"},
                "lane_id": f"{way['warehouse_id']}:{market}:{way['mode']}",
                "origin_node": way["warehouse_id"],
                "dest_node": market,
                "service": f"{main['service']}, door to door",
                "distance_km": way["distance_km"],
                "rate_per_kg_eur": round(sum(part["rate_per_kg_eur"] for part in parts), 4),
                "min_charge_eur": round(sum(part["min_charge_eur"] for part in parts), 4),
                "transit_p50_days": way["transit_p50_days"],
                "transit_p90_days": way["transit_p90_days"],
                **{f"allows_{kind}": way[f"takes_{kind}"] for kind in HAZARDS},
            }
        )
    schema = {name: lanes.schema[name] for name in lanes.columns if name != "lane"}
    return pl.DataFrame(rows, schema=schema, orient="row")


def build_choice(journeys: pl.DataFrame, warehouses: pl.DataFrame) -> JourneyChoice:
    """Return which journey a parcel takes, as tables.

    Args:
        journeys: As `build_journeys` returns them.
        warehouses: Columns warehouse_id (in index order), can_battery, can_liquid, can_hazard.
    """
    classes = 2 ** len(HAZARDS)
    shape = (warehouses.height, len(markets()), classes)
    choice = JourneyChoice(
        cheapest=np.full((*shape, LONGEST_TARGET + 1), NONE, dtype=np.int16),
        other=np.full((*shape, LONGEST_TARGET + 1), NONE, dtype=np.int16),
        by_mode={mode: np.full(shape, NONE, dtype=np.int16) for mode in (LINE_HAUL, *MAIN_MODES)},
    )
    in_time = days_at(journeys, parameters("logistics")["fulfilment"]["eligible_z"])
    offered: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for way in journeys.with_columns(days=pl.Series(in_time)).iter_rows(named=True):
        offered.setdefault((way["warehouse_id"], way["market"]), []).append(way)
    for (number, centre), market, hazard in product(
        enumerate(warehouses.iter_rows(named=True)), range(shape[1]), range(classes)
    ):
        wanted = [kind for bit, kind in enumerate(HAZARDS) if hazard >> bit & 1]
        ways = [
            way
            for way in offered.get((centre["warehouse_id"], market), [])
            if all(way[f"takes_{kind}"] and centre[f"can_{kind}"] for kind in wanted)
        ]
        for way in ways:
            if way["mode"] in choice.by_mode:
                choice.by_mode[way["mode"]][number, market, hazard] = way["journey"]
        quick = [way for way in ways if way["mode"] in (*DIRECT_MODES, LINE_HAUL, "air")]
        for first, cheapest, other in _by_target(quick):
            choice.cheapest[number, market, hazard, first:] = cheapest
            choice.other[number, market, hazard, first:] = other
    return choice


def _by_target(quick: list[dict[str, Any]]) -> list[tuple[int, int, int]]:
    """Return (first target, cheapest journey, other journey): the order changes where one more comes in time."""
    found = []
    for first in sorted({0, *(math.ceil(way["days"]) for way in quick)} if quick else ()):
        order = sorted(quick, key=lambda way: _rank(way, first))
        rest = [way for way in order[1:] if way["mode"] != LINE_HAUL] or order
        found.append((first, order[0]["journey"], rest[0]["journey"]))
    return found


def days_at(journeys: pl.DataFrame, quantile_z: float) -> npt.NDArray[np.float64]:
    """Return a quantile of the days on each way: log-normal about P50 and P90, `quantile_z` standard normal."""
    p50, p90 = (journeys[f"transit_{level}_days"].to_numpy() for level in ("p50", "p90"))
    return np.asarray(p50 * (p90 / p50) ** (quantile_z / Z90))


def _rank(way: dict[str, Any], target: int) -> tuple[bool, float, int]:
    late = way["days"] > target
    return late, way["transit_p50_days"] if late else way["cost_eur"], way["journey"]
