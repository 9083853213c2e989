"""Freight and transit of the generated world against USAID SCMS, for `world_statistics`."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from xbec_platform.world.fulfilment import truth_fulfilment
from xbec_platform.world.plan import Plan
from xbec_platform.world.spec import parameters

MODES = {"air": "Air", "air_charter": "Air Charter", "truck": "Truck", "sea": "Ocean"}
# Deliveries from which on days by mode, and by mode between two ends, are counted.
FEWEST, FEWEST_OF_PAIR = 30, 3
# Medians of all years as the customer gives them (acceptance.md, F24); the shared extract ends in 2012.
ALL_YEARS_USD_PER_KG = {"air": 10.0, "air_charter": 4.3, "truck": 2.5, "sea": 1.7}
# From here on carriers are slower (`seasonal_delay`), in the default period.
PEAK = date(2025, 11, 11)


def freight(plan: Plan, shared: Path) -> Iterator[tuple[str, object, object]]:
    """Yield (figure, of the world, of SCMS)."""
    real = _deliveries(shared)
    parcels = truth_fulfilment(plan).with_columns(pl.col("mode").cast(pl.String))
    journeys = plan.network.journeys
    for mode, theirs in MODES.items():
        of_mode = real.filter(pl.col("mode") == theirs)
        shipped = of_mode.filter(pl.col("kg") > 0, pl.col("usd") > 0)
        paid = f"{_quantile(shipped['usd'] / shipped['kg'], 0.5):.3g}; all years {ALL_YEARS_USD_PER_KG[mode]}"
        yield f"{mode}: freight at SCMS's weights, median USD per kg", _usd_per_kg(plan, mode, shipped), paid
        door = journeys.filter(pl.col("mode") == mode)["transit_p50_days"]
        taken = of_mode["days"].drop_nulls()
        known = taken.len() >= FEWEST
        median = _quantile(taken, 0.5) if known else "-"
        if door.len():
            yield f"{mode}: days, median **", _quantile(door, 0.5), median
        lanes = _hub_lanes(plan, mode)
        ours = _quantile(lanes["transit_p90_days"] / lanes["transit_p50_days"], 0.5)
        spread = _quantile(taken, 0.9) / _quantile(taken, 0.5) if known else "-"
        yield f"{mode}: days, 90th percentile / median", ours, spread
        yield f"{mode}: later than promised, share", _late(parcels, pl.col("mode") == mode), _overdue(of_mode)
    yield (
        "sea: days beyond those of air between the same ends, median",
        _beyond_air(journeys, ["warehouse_id", "market"], "transit_p50_days", ("sea", "air"), 1),
        _beyond_air(real, ["vendor", "country"], "days", ("Ocean", "Air"), FEWEST_OF_PAIR),
    )
    by_truck = parcels["mode"] == "truck"
    yield "parcels by truck, share ***", by_truck.sum() / by_truck.len(), _share_by_truck(real)
    for mode in sorted(set(parcels["mode"]) - set(MODES)):
        yield f"{mode}: later than promised, share", _late(parcels, pl.col("mode") == mode), "-"
    peak = pl.col("shipped_ts") >= plan.spec.midnight((PEAK - plan.spec.first_day).days)
    yield "all modes, sent before 11 November: later than promised, share", _late(parcels, ~peak), "-"
    yield "all modes, sent later: later than promised, share", _late(parcels, peak), "-"
    yield "all modes: later than promised, share", _late(parcels, pl.lit(value=True)), _overdue(real)


def _late(parcels: pl.DataFrame, which: pl.Expr) -> float:
    return float((parcels.filter(which)["late_days"] > 0).mean() or 0)


def _overdue(deliveries: pl.DataFrame) -> float:
    return float((deliveries["arrived"] > deliveries["due"]).mean() or 0)


def _share_by_truck(deliveries: pl.DataFrame) -> float:
    return float((deliveries["mode"] == MODES["truck"]).mean() or 0)


def _deliveries(shared: Path) -> pl.DataFrame:
    """Lines of SCMS: mode, country, vendor, kg, usd, days from the order to the vendor, due, arrived."""
    lines = pl.read_csv(
        shared / "scms" / "scms_delivery_history.tsv", separator="\t", encoding="latin-1", infer_schema=False
    ).select(
        mode="Shipment Mode",
        country="Country",
        vendor="Vendor",
        kg=pl.col("Weight (Kilograms)").cast(pl.Float64, strict=False),
        usd=pl.col("Freight Cost (USD)").cast(pl.Float64, strict=False),
        sent=pl.col("PO Sent to Vendor Date").str.to_date("%m/%d/%Y", strict=False),
        due=pl.col("Scheduled Delivery Date").str.to_date("%d-%b-%y"),
        arrived=pl.col("Delivered to Client Date").str.to_date("%d-%b-%y"),
    )
    return lines.with_columns(days=(pl.col("arrived") - pl.col("sent")).dt.total_days())


def _quantile(values: pl.Series, level: float) -> float:
    return float(np.quantile(values.to_numpy(), level))


def _hub_lanes(plan: Plan, mode: str) -> pl.DataFrame:
    """Lanes that do not end at addresses."""
    return plan.network.lanes.filter(pl.col("mode") == mode, pl.col("dest_node").str.len_chars() > 2)


def _usd_per_kg(plan: Plan, mode: str, shipped: pl.DataFrame) -> float:
    """What the median lane would charge for consignments of SCMS's weights, bracket and surcharge included."""
    rule = parameters("logistics")
    lane = _hub_lanes(plan, mode).select(
        pl.col("rate_per_kg_eur", "min_charge_eur", "surcharge_pct").median()
    )
    rate, least, surcharge = (value / rule["eur_per_usd"] for value in lane.row(0))
    kg = shipped["kg"].to_numpy()
    edges, factors = np.array(rule["brackets"]).T
    factor = factors[np.searchsorted(edges, kg, side="right") - 1]
    paid = np.maximum(kg * rate * factor, least) * (1 + surcharge * rule["eur_per_usd"] / 100)
    return float(np.median(paid / kg))


def _beyond_air(
    shipped: pl.DataFrame, ends: list[str], days: str, modes: tuple[str, str], fewest: int
) -> float:
    """Median over pairs of ends of the difference of two modes' median days: production cancels out."""
    slow, quick = (
        shipped.drop_nulls(days)
        .filter(pl.col("mode") == mode)
        .group_by(ends)
        .agg(pl.col(days).median(), pl.len())
        .filter(pl.col("len") >= fewest)
        for mode in modes
    )
    both = slow.join(quick, on=ends)
    return float(np.median((both[days] - both[f"{days}_right"]).to_numpy()))
