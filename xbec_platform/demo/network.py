"""Centres and lanes built from the sample network's parameters; stock and orders do not belong here."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import polars as pl
import yaml

from xbec_platform.demo.files import MONEY
from xbec_platform.demo.geography import country_points, great_circle_km

LANE_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "lane_id": pl.String,
    "valid_from": pl.Datetime("us", "UTC"),
    "origin_node": pl.String,
    "dest_node": pl.String,
    "mode": pl.String,
    "carrier": pl.String,
    "service": pl.String,
    "distance_km": pl.Float64,
    "rate_per_kg": MONEY,
    "rate_per_cbm": MONEY,
    "min_charge": MONEY,
    "surcharge_pct": pl.Float64,
    "vol_divisor": pl.Float64,
    "currency": pl.String,
    "transit_p50_days": pl.Float64,
    "transit_p90_days": pl.Float64,
    "allows_battery": pl.Boolean,
    "allows_liquid": pl.Boolean,
    "allows_hazard": pl.Boolean,
    "is_sample": pl.Boolean,
}


@cache
def network_parameters() -> Mapping[str, Any]:
    """Return the parameters of the sample network (`network_data/network.yml`)."""
    source = resources.files("xbec_platform.demo.network_data") / "network.yml"
    return dict(yaml.safe_load(source.read_text(encoding="utf-8")))


def sample_centres() -> pl.DataFrame:
    """Return the centres of the sample network, one row per warehouse_id, costs in USD."""
    source = resources.files("xbec_platform.demo.network_data") / "warehouses.csv"
    return pl.read_csv(source.read_bytes(), try_parse_dates=True).sort("warehouse_id")


def units_per_usd(currency: str) -> float:
    """Return how many units of a currency the parameters count as one USD.

    Raises:
        ValueError: The parameters do not name the currency.
    """
    rates = network_parameters()["units_per_usd"]
    if currency not in rates:
        raise ValueError(f"no rate for {currency}: add it to units_per_usd in network_data/network.yml")
    return float(rates[currency])


def start_of_day(day: date) -> datetime:
    """Return midnight UTC at the start of a day."""
    return datetime.combine(day, time(), tzinfo=UTC)


def build_warehouses(
    *, centres: pl.DataFrame, capacity: Mapping[str, int], valid_from: date, currency: str
) -> pl.DataFrame:
    """Return one version of each centre in the columns of the contract.

    Args:
        centres: Rows of `sample_centres`.
        capacity: Pieces per day by warehouse_id.
        valid_from: First day of the version.
        currency: Currency of the costs.
    """
    units = units_per_usd(currency)

    def cost(usd: str) -> pl.Expr:
        return (pl.col(usd) * units).round(4).cast(pl.String).cast(MONEY)

    return centres.select(
        "warehouse_id",
        pl.lit(start_of_day(valid_from)).dt.cast_time_unit("us").alias("valid_from"),
        "name",
        "type",
        "country",
        "lat",
        "lon",
        pl.col("warehouse_id")
        .replace_strict(dict(capacity), return_dtype=pl.Int64)
        .alias("capacity_orders_day"),
        pl.lit(None, dtype=pl.Float64).alias("capacity_kg"),
        pl.lit(None, dtype=pl.Float64).alias("capacity_m3"),
        cost("cost_pick_usd").alias("cost_pick"),
        cost("cost_pack_usd").alias("cost_pack"),
        pl.lit(None, dtype=MONEY).alias("fixed_cost_month"),
        pl.lit(currency).alias("currency"),
        "opening",
        "can_battery",
        "can_liquid",
        "can_hazard",
        pl.lit(value=True).alias("is_sample"),
    ).sort("warehouse_id")


def distances_km(centres: pl.DataFrame, destinations: list[str]) -> np.ndarray:
    """Return great-circle distances, centres by destination countries.

    Raises:
        ValueError: A destination is not an ISO 3166 code of the country table.
    """
    points = country_points()
    unknown = sorted(set(destinations) - set(points["iso2"]))
    if unknown:
        raise ValueError(f"no point for {', '.join(unknown)}: expected ISO 3166 codes of two letters")
    wanted = pl.DataFrame({"iso2": destinations}, schema={"iso2": pl.String})
    to = wanted.join(points, on="iso2", how="left", maintain_order="left")
    return great_circle_km(
        centres["lat"].to_numpy()[:, None], centres["lon"].to_numpy()[:, None], to["lat"], to["lon"]
    )


def build_lanes(
    *, centres: pl.DataFrame, destinations: list[str], valid_from: date, currency: str
) -> pl.DataFrame:
    """Return the lanes from every centre to every destination country that a mode plausibly serves.

    Express serves every pair, so no destination is without a lane. Formulas: `network_data/network.yml`.

    Args:
        centres: Rows of `sample_centres`.
        destinations: ISO codes of countries.
        valid_from: First day of the lanes.
        currency: Currency of rates and charges.

    Returns:
        Columns of the lanes contract, sorted by lane_id.

    Raises:
        ValueError: Unknown country or currency.
    """
    places = sorted(set(destinations))
    distance = distances_km(centres, places)
    rows = [
        _lane(mode, centre, country, distance[i, j], valid_from, currency)
        for i, centre in enumerate(centres.iter_rows(named=True))
        for j, country in enumerate(places)
        for mode in network_parameters()["modes"]
        if _serves(mode, centre, country, distance[i, j])
    ]
    return pl.DataFrame(rows, schema=LANE_SCHEMA, orient="row").sort("lane_id")


def _serves(mode: Mapping[str, Any], centre: Mapping[str, Any], country: str, distance_km: float) -> bool:
    if not mode["min_km"] <= distance_km <= mode["max_km"]:
        return False
    if centre["type"] not in mode.get("origin_types", [centre["type"]]):
        return False
    if not mode["ground_only"] or centre["country"] == country:
        return True
    regions = network_parameters()["ground_regions"].values()
    return any(centre["country"] in region and country in region for region in regions)


def _crosses_customs(origin: str, dest: str, day: date) -> bool:
    if origin == dest:
        return False
    for union in network_parameters()["customs"]["unions"].values():
        left = union.get("left", {})
        if all(place in union["members"] and day <= left.get(place, day) for place in (origin, dest)):
            return False
    return True


def _exact(amount: float) -> Decimal:
    return Decimal(f"{amount:.4f}")


def _lane(
    mode: Mapping[str, Any],
    centre: Mapping[str, Any],
    country: str,
    great_circle: float,
    valid_from: date,
    currency: str,
) -> tuple[Any, ...]:
    parameters = network_parameters()
    route_km = max(great_circle * mode["detour"], parameters["minimum_route_km"])
    factor = next(band["factor"] for band in parameters["bands"] if route_km <= band["up_to_km"])
    units = factor * units_per_usd(currency)
    customs_days = (
        parameters["customs"]["days"] if _crosses_customs(centre["country"], country, valid_from) else 0
    )
    p50_days = mode["handling_days"] + route_km / mode["km_per_day"] + customs_days
    per_cbm = mode.get("rate_per_cbm_usd")
    divisor = mode.get("vol_divisor")
    return (
        f"{centre['warehouse_id']}:{country}:{mode['mode']}",
        start_of_day(valid_from),
        centre["warehouse_id"],
        country,
        mode["mode"],
        mode["carrier"],
        mode["service"],
        round(route_km, 1),
        _exact(mode["usd_per_kg"] * units),
        None if per_cbm is None else _exact(per_cbm * units),
        _exact(mode["min_charge_usd"] * units),
        float(mode["surcharge_pct"]),
        None if divisor is None else float(divisor),
        currency,
        round(p50_days, 1),
        round(p50_days * mode["p90_ratio"], 1),
        *(mode["allows"][kind] for kind in ("battery", "liquid", "hazard")),
        parameters["is_sample"],
    )
