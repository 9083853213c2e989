"""Ways from a warehouse to a market over one to four lanes, and which of them a parcel takes. No parcels here."""

import json
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.lanes import mean_wait_days
from xbec_platform.world.places import crosses_customs, markets, nodes, road_region
from xbec_platform.world.spec import parameters

MOST_LANES = 4
NONE = -1
HAZARDS = ("battery", "liquid", "hazard")
DIRECT_MODES = ("last_mile", "ground", "express")
MAIN_MODES = ("air", "air_charter", "rail", "sea")
# Promises beyond this many days are treated as this.
LONGEST_PROMISE = 60
# Kilograms at which journeys are compared by cost: the weight of a usual parcel.
USUAL_KG = 1.5
# 1.2816: 90th percentile of the standard normal.
Z90 = 1.2816


@dataclass(frozen=True, kw_only=True)
class JourneyChoice:
    """Journey indices by warehouse, market, hazard class (bits battery 1, liquid 2, hazard 4) and promised days.

    Attributes:
        cheapest: The cheapest that keeps the promise at about P80, else the fastest; NONE without any.
        other: The next one by the same order, or the same where there is none.
        by_mode: Journey of a main mode by warehouse, market and hazard class; NONE without one.
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
        transit_p50_days, transit_p90_days (spreads added as for independent legs), cost_eur of a usual parcel,
        takes_battery, takes_liquid, takes_hazard; sorted by warehouse, market, mode.
    """
    by_origin: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for lane in lanes.iter_rows(named=True):
        by_origin.setdefault((lane["origin_node"], lane["mode"]), []).append(lane)
    centres = nodes().filter(pl.col("kind") == "warehouse", pl.col("type") != "station")
    rows = []
    for place, country in centres.select("node_id", "country").iter_rows():
        for number, market in enumerate(markets()):
            for mode in (*DIRECT_MODES, *MAIN_MODES):
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
    if not crosses_customs(country, market) or road_region(country) == road_region(market):
        return []
    found = []
    for feeder in by_origin.get((place, "truck"), []):
        for main in by_origin.get((feeder["dest_node"], mode), []):
            for carry in by_origin.get((main["dest_node"], "truck"), []):
                last = by_origin.get((carry["dest_node"], "last_mile"), [])
                found += [[feeder, main, carry, door] for door in last if door["dest_node"] == market]
    return found


def _days(way: list[dict[str, Any]]) -> float:
    wait = sum(mean_wait_days(lane["departs"]) for lane in way if lane["mode"] in MAIN_MODES)
    return float(sum(lane["transit_p50_days"] for lane in way) + wait)


def _best(ways: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return min(ways, key=lambda way: (_days(way), [lane["lane_id"] for lane in way]), default=[])


def _journey(
    way: list[dict[str, Any]], place: str, country: str, number: int, market: str, mode: str
) -> dict[str, Any]:
    border = crosses_customs(country, market)
    spread = [lane["transit_p90_days"] - lane["transit_p50_days"] for lane in way]
    p50 = _days(way)
    if border and mode in MAIN_MODES:
        dwell, dwell_p90 = parameters("logistics")["customs_dwell_days"][market]
        p50 += dwell
        spread.append(dwell_p90 - dwell)
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
        "transit_p90_days": round(p50 + sum(part**2 for part in spread) ** 0.5, 2),
        "cost_eur": round(cost, 4),
        **{f"takes_{kind}": all(lane[f"allows_{kind}"] for lane in way) for kind in HAZARDS},
    }


def _places(way: list[dict[str, Any]], place: str, market: str) -> dict[str, str]:
    """Return where scans are made on the way: names of nodes, the market where one carrier does not say."""
    names = dict(nodes().select("node_id", "name").iter_rows())
    stops = [names.get(lane["dest_node"], market) for lane in way]
    hub, gateway, station = stops[:3] if len(stops) > 1 else (names[place], market, market)
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
        main = parts[1]
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
        cheapest=np.full((*shape, LONGEST_PROMISE + 1), NONE, dtype=np.int16),
        other=np.full((*shape, LONGEST_PROMISE + 1), NONE, dtype=np.int16),
        by_mode={mode: np.full(shape, NONE, dtype=np.int16) for mode in MAIN_MODES},
    )
    quantile_z = parameters("logistics")["fulfilment"]["promise_quantile_z"]
    rows = list(journeys.iter_rows(named=True))
    for (number, centre), market, hazard in product(
        enumerate(warehouses.iter_rows(named=True)), range(shape[1]), range(classes)
    ):
        wanted = [kind for bit, kind in enumerate(HAZARDS) if hazard >> bit & 1]
        ways = [
            way
            for way in rows
            if way["warehouse_id"] == centre["warehouse_id"]
            and way["market"] == market
            and all(way[f"takes_{kind}"] and centre[f"can_{kind}"] for kind in wanted)
        ]
        for way in ways:
            if way["mode"] in MAIN_MODES:
                choice.by_mode[way["mode"]][number, market, hazard] = way["journey"]
        quick = [way for way in ways if way["mode"] in (*DIRECT_MODES, "air")]
        for promise in range(LONGEST_PROMISE + 1) if quick else ():
            order = sorted(quick, key=lambda way: _rank(way, promise, quantile_z))
            choice.cheapest[number, market, hazard, promise] = order[0]["journey"]
            choice.other[number, market, hazard, promise] = order[min(1, len(order) - 1)]["journey"]
    return choice


def _rank(way: dict[str, Any], promise: int, quantile_z: float) -> tuple[bool, float, int]:
    p50, p90 = way["transit_p50_days"], way["transit_p90_days"]
    late = p50 * (p90 / p50) ** (quantile_z / Z90) > promise
    return late, p50 if late else way["cost_eur"], way["journey"]
