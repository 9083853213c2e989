"""The logistics network: warehouses, lanes and journeys, and their files. What moves over it: `fulfilment`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from xbec_platform.demo.files import MONEY, timestamp
from xbec_platform.demo.network import LANE_SCHEMA
from xbec_platform.world.journeys import JourneyChoice, build_choice, build_journeys, composite_lanes
from xbec_platform.world.lanes import lane_frame, offers, rate_brackets, restrictions
from xbec_platform.world.places import markets, nodes
from xbec_platform.world.spec import WorldSpec, parameters

if TYPE_CHECKING:
    from xbec_platform.world.plan import Plan

# The second version of rates is announced so many days before it holds.
NOTICE_DAYS = 3
WAREHOUSE_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "warehouse_id": pl.String,
    "valid_from": pl.Datetime("us", "UTC"),
    "name": pl.String,
    "type": pl.String,
    "country": pl.String,
    "lat": pl.Float64,
    "lon": pl.Float64,
    "capacity_orders_day": pl.Int64,
    "capacity_kg": pl.Float64,
    "capacity_m3": pl.Float64,
    "cost_pick": MONEY,
    "cost_pack": MONEY,
    "fixed_cost_month": MONEY,
    "currency": pl.String,
    "opening": pl.Date,
    "can_battery": pl.Boolean,
    "can_liquid": pl.Boolean,
    "can_hazard": pl.Boolean,
    "is_sample": pl.Boolean,
}
SCHEDULE_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "rate_brackets": pl.String,
    "cut_off_local": pl.String,
    "departures": pl.String,
    "restrictions": pl.String,
}


@dataclass(frozen=True, kw_only=True)
class Network:
    """Places and ways; rows of `warehouses`, `lanes` and `journeys` are their indices.

    Attributes:
        warehouses: warehouse (index), the columns of the contract as of day 0, capacity_later, timezone, works
            (one digit a weekday, Monday first: 1 open), listed_share (of the catalogue), storage_tiers (JSON).
        hubs: node_id, kind (air, port, rail), name, country, lat, lon, timezone.
        lanes: lane (index), the columns of the contract as of day 0 with `rate_per_kg_eur` and so on as numbers,
            surcharge_pct_later, cut_off_hour, departs.
        journeys: As `journeys.build_journeys` returns them.
        choice: Which journey a parcel takes.
        later_day: Day from which the second version of capacities and surcharges holds.
    """

    warehouses: pl.DataFrame
    hubs: pl.DataFrame
    lanes: pl.DataFrame
    journeys: pl.DataFrame
    choice: JourneyChoice
    later_day: int


def build_network(spec: WorldSpec, pieces_per_day: Mapping[str, float] | None = None) -> Network:
    """Return the network, its warehouses sized for the demand.

    Args:
        spec: Period and people.
        pieces_per_day: Mean pieces ordered a day by market; without it an estimate from the number of people.
    """
    legs = lane_frame(offers()).with_row_index("lane").with_columns(pl.col("lane").cast(pl.Int16))
    journeys = build_journeys(legs)
    doors = composite_lanes(journeys, legs)
    lanes = pl.concat([legs, doors.select(pl.lit(0, dtype=pl.Int16).alias("lane"), pl.all())])
    lanes = lanes.with_columns(lane=pl.int_range(pl.len(), dtype=pl.Int16))
    demand = pieces_per_day if pieces_per_day is not None else expected_pieces(spec)
    warehouses = _warehouses(demand)
    return Network(
        warehouses=warehouses,
        hubs=nodes()
        .filter(pl.col("kind") != "warehouse")
        .select("node_id", "kind", "name", "country", "lat", "lon", "timezone"),
        lanes=lanes,
        journeys=journeys,
        choice=build_choice(journeys, warehouses),
        later_day=spec.days // 2,
    )


def expected_pieces(spec: WorldSpec) -> dict[str, float]:
    """Return a first estimate of the pieces ordered a day by market."""
    rule = parameters("logistics")["demand"]
    pieces = spec.people * rule["orders_per_person_day"] * rule["pieces_per_order"]
    shares = {market: part["share"] for market, part in parameters("trade")["markets"].items()}
    return {market: pieces * share / sum(shares.values()) for market, share in shares.items()}


def warehouse_shares() -> dict[str, dict[str, float]]:
    """Return the share of each market's pieces by warehouse_id, over its operation modes."""
    found: dict[str, dict[str, float]] = {}
    for market in markets():
        modes = parameters("trade")["operation_modes"][market]
        part = found.setdefault(market, {})
        for mode in modes:
            for name, share in parameters("logistics")["supply"][market][mode["mode"]].items():
                part[name] = part.get(name, 0.0) + share * mode["share"]
    return found


def _warehouses(pieces_per_day: Mapping[str, float]) -> pl.DataFrame:
    rule = parameters("logistics")
    mean: dict[str, float] = {}
    for market, shares in warehouse_shares().items():
        for name, share in shares.items():
            mean[name] = mean.get(name, 0.0) + pieces_per_day.get(market, 0.0) * share
    size = rule["capacity"]

    def sized(node: str, factor: float) -> int:
        return max(int(np.ceil(mean.get(node, 0.0) * size["headroom"] * factor)), int(size["least"]))

    centres = nodes().filter(pl.col("kind") == "warehouse").rename({"node_id": "warehouse_id"})
    capacity = [sized(name, 1.0) for name in centres["warehouse_id"]]
    later = [sized(name, size["later_factor"]) for name in centres["warehouse_id"]]
    return centres.with_columns(
        warehouse=pl.int_range(pl.len(), dtype=pl.Int8),
        capacity_orders_day=pl.Series(capacity, dtype=pl.Int64),
        capacity_later=pl.Series(later, dtype=pl.Int64),
        currency=pl.lit(rule["currency"]),
        is_sample=pl.lit(bool(rule["is_sample"])),
        storage_tiers=pl.lit(json.dumps(rule["storage_tiers"])),
    )


def _money(column: str) -> pl.Expr:
    """Write EUR kept as a rounded float as exact money; the text of 4 decimals is the same everywhere."""
    return pl.col(column).round(4).cast(MONEY)


def warehouses_rows(plan: Plan, day: int) -> pl.DataFrame:
    """Return the warehouses source of a day: all on day 0, again when capacities grow half-way.

    Returns:
        Columns of the contract, sorted by warehouse_id.
    """
    network = plan.network
    if day not in (0, network.later_day):
        return pl.DataFrame(schema=WAREHOUSE_SCHEMA)
    size = parameters("logistics")["capacity"]
    column = "capacity_orders_day" if day == 0 else "capacity_later"
    return (
        network.warehouses.with_columns(
            valid_from=timestamp(pl.lit(plan.spec.midnight(day))),
            capacity_orders_day=pl.col(column),
            capacity_kg=(pl.col(column) * size["kg_per_piece"]).round(1),
            capacity_m3=(pl.col(column) * size["m3_per_piece_day"]).round(1),
            cost_pick=_money("cost_pick"),
            cost_pack=_money("cost_pack"),
            fixed_cost_month=(
                size["fixed_eur_month"] + pl.col(column) * size["fixed_eur_month_per_piece_day"]
            ).cast(MONEY),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in WAREHOUSE_SCHEMA.items())
        .sort("warehouse_id")
    )


def lanes_rows(plan: Plan, day: int) -> pl.DataFrame:
    """Return the lanes source of a day: from warehouses to the addresses of a market, and between hubs.

    All on day 0; the second version, with other surcharges, is announced NOTICE_DAYS before it holds.

    Returns:
        Columns of the lanes contract (dest_node also names hubs and warehouses), then rate_brackets (JSON),
        cut_off_local (HH:MM), departures (weekdays Mon..Sun joined by a space), restrictions (JSON); sorted by
        lane_id.
    """
    network, spec = plan.network, plan.spec
    schema = {**LANE_SCHEMA, **SCHEDULE_SCHEMA}
    versions = {0: 0, max(network.later_day - NOTICE_DAYS, 1): network.later_day}
    if day not in versions:
        return pl.DataFrame(schema=schema)
    surcharge = "surcharge_pct" if day == 0 else "surcharge_pct_later"
    rule = parameters("logistics")
    lanes = network.lanes
    return (
        lanes.with_columns(
            valid_from=timestamp(pl.lit(spec.midnight(versions[day]))),
            rate_per_kg=_money("rate_per_kg_eur"),
            rate_per_cbm=_money("rate_per_cbm_eur"),
            min_charge=_money("min_charge_eur"),
            surcharge_pct=pl.col(surcharge),
            currency=pl.lit(rule["currency"]),
            is_sample=pl.lit(bool(rule["is_sample"])),
            rate_brackets=pl.Series([rate_brackets(rate) for rate in lanes["rate_per_kg_eur"]]),
            cut_off_local=pl.format("{}:00", pl.col("cut_off_hour").cast(pl.String).str.zfill(2)),
            departures=pl.Series([departure_days(days) for days in lanes["departs"]]),
            restrictions=pl.Series([restrictions(mode) for mode in lanes["mode"]]),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in schema.items())
        .sort("lane_id")
    )


def departure_days(departs: str) -> str:
    """Return the weekdays with a departure, say 'Mon Wed Fri'."""
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    return " ".join(name for name, flag in zip(names, departs, strict=True) if flag == "1")
