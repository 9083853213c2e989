"""Transport offers of the network with length, rate, transit and schedule. Journeys of several lanes: `journeys`."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from xbec_platform.world.places import (
    crosses_customs,
    great_circle,
    markets,
    nodes,
    road_region,
    sea_km,
)
from xbec_platform.world.spec import parameters

WEEK = 7


@dataclass(frozen=True, kw_only=True)
class LaneOffer:
    """One lane before its rate is known.

    Attributes:
        origin: Node where it starts.
        dest: Node or market where it ends.
        mode: Key of `modes` in `data/logistics.yml`.
        km: Length of the route.
        extra_days: Customs on the way, where the carrier clears (express, ground).
    """

    origin: str
    dest: str
    mode: str
    km: float
    extra_days: float = 0.0


def offers() -> list[LaneOffer]:
    """Return every lane that is sold by itself, sorted by origin, destination and mode."""
    found = [*_road(), *_linked(), *_to_the_door()]
    return sorted(found, key=lambda lane: (lane.origin, lane.dest, lane.mode))


def route_km(origin: str, dest: str, mode: str) -> float:
    """Return the length of a route: sea around land from the table, else great circle times the detour."""
    rule = parameters("logistics")
    known = sea_km().get((origin, dest)) if mode == "sea" else None
    km = known if known is not None else great_circle(origin, dest) * rule["modes"][mode]["detour"]
    return round(max(km, float(rule["minimum_route_km"])), 1)


def _warehouses() -> list[tuple[str, str, str]]:
    frame = nodes().filter(pl.col("kind") == "warehouse")
    return list(frame.select("node_id", "type", "country").iter_rows())


def _road() -> Iterable[LaneOffer]:
    """Line haul between warehouses and the hubs of their region, both ways, and between warehouses."""
    longest = parameters("logistics")["truck_max_km"]
    for place, _, country in _warehouses():
        for other, kind, other_country in nodes().select("node_id", "kind", "country").iter_rows():
            if other == place or road_region(country) != road_region(other_country):
                continue
            km = route_km(place, other, "truck")
            if km > longest:
                continue
            yield LaneOffer(origin=place, dest=other, mode="truck", km=km)
            if kind != "warehouse":
                yield LaneOffer(origin=other, dest=place, mode="truck", km=km)


def _linked() -> Iterable[LaneOffer]:
    for mode, groups in parameters("logistics")["links"].items():
        for group in groups:
            for origin in group["from"]:
                for dest in group["to"]:
                    yield LaneOffer(origin=origin, dest=dest, mode=mode, km=route_km(origin, dest, mode))


def _to_the_door() -> Iterable[LaneOffer]:
    """One carrier from a warehouse to the addresses of a country."""
    modes = parameters("logistics")["modes"]
    for place, kind, country in _warehouses():
        for market in markets():
            border = crosses_customs(country, market)
            wanted = []
            if country == market:
                wanted.append("last_mile")
            elif kind != "station" and road_region(country) == road_region(market):
                wanted.append("ground")
            if kind != "station":
                wanted.append("express")
            for mode in wanted:
                yield LaneOffer(
                    origin=place,
                    dest=market,
                    mode=mode,
                    km=route_km(place, market, mode),
                    extra_days=modes[mode]["customs_days"] if border else 0.0,
                )


def lane_frame(lanes: list[LaneOffer]) -> pl.DataFrame:
    """Return lanes with rates (EUR), transit quantiles (days) and schedule.

    The rate grows with a power of the length and is scaled so that the median lane of a mode costs the
    mode's `usd_per_kg`, which is calibrated to SCMS (see `data/logistics.yml`). The P90 over P50 is the mode's.

    Returns:
        Columns lane_id, origin_node, dest_node, mode, carrier, service, distance_km, rate_per_kg_eur,
        rate_per_cbm_eur, min_charge_eur, surcharge_pct, surcharge_pct_later, vol_divisor, transit_p50_days,
        transit_p90_days, allows_battery, allows_liquid, allows_hazard, cut_off_hour, departs.
    """
    factor = _length_factor(lanes)
    rows = [_row(lane, scale) for lane, scale in zip(lanes, factor, strict=True)]
    return pl.DataFrame(rows, orient="row", infer_schema_length=None)


def _length_factor(lanes: list[LaneOffer]) -> list[float]:
    modes = parameters("logistics")["modes"]
    raw = np.array([lane.km ** modes[lane.mode]["band_power"] for lane in lanes])
    names = np.array([lane.mode for lane in lanes])
    for mode in sorted(set(names.tolist())):
        raw[names == mode] /= np.median(raw[names == mode])
    return [float(value) for value in raw]


def carrier_of(origin: str, mode: str) -> str:
    """Return who runs a mode from a node."""
    carriers = parameters("logistics")["modes"][mode]["carriers"]
    country = dict(nodes().select("node_id", "country").iter_rows())[origin]
    return str(carriers.get(country, carriers["default"]))


def _row(lane: LaneOffer, factor: float) -> dict[str, Any]:
    rule = parameters("logistics")
    mode: Mapping[str, Any] = rule["modes"][lane.mode]
    eur = rule["eur_per_usd"]
    p50 = mode["handling_days"] + lane.km / mode["km_per_day"] + lane.extra_days
    per_cbm = mode.get("rate_per_cbm_usd")
    divisor = mode["vol_divisor"]
    return {
        "lane_id": f"{lane.origin}:{lane.dest}:{lane.mode}",
        "origin_node": lane.origin,
        "dest_node": lane.dest,
        "mode": lane.mode,
        "carrier": carrier_of(lane.origin, lane.mode),
        "service": mode["service"],
        "distance_km": lane.km,
        "rate_per_kg_eur": round(mode["usd_per_kg"] * factor * eur, 4),
        "rate_per_cbm_eur": None if per_cbm is None else round(per_cbm * factor * eur, 4),
        "min_charge_eur": round(mode["min_charge_usd"] * eur, 4),
        "surcharge_pct": float(mode["surcharge_pct"]),
        "surcharge_pct_later": float(mode["surcharge_pct_later"]),
        "vol_divisor": None if divisor is None else float(divisor),
        "transit_p50_days": round(p50, 2),
        "transit_p90_days": round(p50 * mode["p90_ratio"], 2),
        **{f"allows_{kind}": bool(mode["allows"][kind]) for kind in ("battery", "liquid", "hazard")},
        "cut_off_hour": int(mode["cut_off_hour"]),
        "departs": str(mode["departs"]),
    }


def rate_brackets(rate_per_kg: float) -> str:
    """Return the tariff steps of a lane as JSON: min_kg, max_kg (the last one open) and rate_per_kg in EUR."""
    rule = parameters("logistics")
    edges = [*(edge for edge, _ in rule["brackets"][1:]), rule["open_bracket_kg"]]
    steps = [
        {"min_kg": low, "max_kg": high, "rate_per_kg": round(rate_per_kg * factor, 4)}
        for (low, factor), high in zip(rule["brackets"], edges, strict=True)
    ]
    return json.dumps(steps)


def restrictions(mode: str) -> str:
    """Return what a mode refuses and why, as JSON; un_forbidden follows the air rules named in facts.md."""
    allows = parameters("logistics")["modes"][mode]["allows"]
    refused = [kind for kind in ("battery", "liquid", "hazard") if not allows[kind]]
    rules: dict[str, Any] = {"refused": refused}
    if mode in ("air", "air_charter", "express"):
        rules["un_forbidden"] = ["UN3480"]
        rules["battery_net_kg_max"] = 35 if mode == "air_charter" else 5
    return json.dumps(rules)


def departure_wait(departs: str) -> list[int]:
    """Return days until the next departure for each weekday, Monday first.

    Raises:
        ValueError: No day of the week has a departure.
    """
    if "1" not in departs:
        raise ValueError(f"departs {departs!r} names no day: write a 1 for each day with a departure")
    return [next(n for n in range(WEEK) if departs[(day + n) % WEEK] == "1") for day in range(WEEK)]


def mean_wait_days(departs: str) -> float:
    """Return the mean wait for a departure of goods that arrive at any time, in days."""
    return departure_moments(departs)[0]


def departure_moments(departs: str) -> tuple[float, float]:
    """Return mean (days) and variance of that wait: whole days and a part of a day, uniform in [0, 1)."""
    waits = departure_wait(departs)
    mean = sum(waits) / WEEK + 0.5
    return mean, sum(days**2 + days + 1 / 3 for days in waits) / WEEK - mean**2
