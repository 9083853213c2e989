"""Scans as carriers send them: their codes, local clocks, gaps, repeats, delays. When things happen: `scan_times`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.files import timestamp
from xbec_platform.world.places import markets, utc_offset_seconds
from xbec_platform.world.scan_times import NEVER, STAGE, STAGES, WAYS, hashed_uniform, stage_times
from xbec_platform.world.spec import SECONDS_PER_DAY, parameters
from xbec_platform.world.streams import stream

if TYPE_CHECKING:
    from xbec_platform.world.network import Network
    from xbec_platform.world.plan import Plan

HOUR, MINUTE = 3600, 60
WAREHOUSE_SYSTEM = "WMS"
# Most parcels looked at in one go: 15 stages of 8 bytes each make 30 MB.
CHUNK = 250_000
# Days after the hand-over or arrival within which the last scan of a parcel can lie.
LONGEST_SILENCE_DAYS = 35
# Stages written with the clock and place of the origin; the rest with those of the destination.
LAST_ORIGIN_STAGE = STAGE["departed"]
WEIGHED = ("outbound_domestic", "received_overseas_wh")
TRACKING_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "carrier": pl.String,
    "tracking_no": pl.String,
    "order_id": pl.String,
    "parcel_id": pl.String,
    "code": pl.String,
    "description": pl.String,
    "ts": pl.Datetime("us", "UTC"),
    "tz_offset": pl.String,
    "location": pl.String,
    "weight_kg": pl.Float64,
}


class _Keys(NamedTuple):
    """Keys of the hashed numbers, one for each thing that is decided."""

    time: int
    gap: int
    delay: int
    repeat: int
    clock: int
    offset: int
    place: int
    weight: int
    gross: int
    code: int


def carrier_stage_map() -> pl.DataFrame:
    """Return which code of a carrier means which canonical stage: carrier, code, stage, stage_no, description."""
    rows = [
        (carrier, code, stage, STAGE[stage] + 1, description)
        for carrier, codes in parameters("carrier_codes")["carriers"].items()
        for stage, (code, description) in codes.items()
    ]
    schema = ["carrier", "code", "stage", "stage_no", "description"]
    return pl.DataFrame(rows, schema=schema, orient="row").sort("carrier", "stage_no")


def tracking_events_rows(plan: Plan, day: int) -> pl.DataFrame:
    """Return the tracking_events source: scans that reached the shop on a UTC day.

    Some scans are never sent, some twice (a little later), some days after they were made, and some clocks run wrong.

    Returns:
        carrier, tracking_no, order_id (null from carriers that do not know it), parcel_id, code, description, ts (UTC,
        to be written in local time), tz_offset of the place (+HH:MM, null for some), location, weight_kg (as measured);
        sorted by carrier, tracking_no, code, ts.
    """
    parcels = _active(plan, day)
    found = []
    for start in range(0, parcels.height, CHUNK):
        part = parcels.slice(start, CHUNK)
        found.append(_write(plan, part, _scans(plan, part, day)))
    if not found:
        return pl.DataFrame(schema=TRACKING_SCHEMA)
    return pl.concat(found).sort("carrier", "tracking_no", "code", "ts")


def _active(plan: Plan, day: int) -> pl.DataFrame:
    """Return parcels with a scan that can reach the shop on this day."""
    start, end = plan.spec.midnight(day), plan.spec.midnight(day + 1)
    slack = max(parameters("carrier_codes")["scans"]["late_days"]) + 1
    arrived = pl.col("fate") == "delivered"
    last = (
        pl.col("arrival_ts") + pl.when(arrived).then(slack).otherwise(LONGEST_SILENCE_DAYS) * SECONDS_PER_DAY
    )
    return plan.fulfilment.parcels.with_row_index("number").filter(
        pl.col("shipped_ts") - HOUR < end, last >= start
    )


def _keys(seed: int) -> _Keys:
    drawn = stream(seed, "tracking").integers(0, 2**63, len(_Keys._fields), dtype=np.int64)
    return _Keys(*(int(key) for key in drawn))


def _way(network: Network, parcels: pl.DataFrame) -> npt.NDArray[np.int64]:
    """Return the index into WAYS of each parcel."""
    border = network.journeys["crosses_customs"].to_numpy()[parcels["journey"]]
    bonded = (parcels["customs_mode"].cast(pl.String) == "1210").to_numpy()
    region = parcels["mode"].cast(pl.String).is_in(["ground", "truck"]).to_numpy()
    names = np.select([bonded, border, region], ["bonded", "border", "region"], "country")
    return np.select([names == way for way in WAYS], range(len(WAYS))).astype(np.int64)


def _scans(plan: Plan, parcels: pl.DataFrame, day: int) -> pl.DataFrame:
    """Return the scans that arrive on a day: row (of parcels), number, stage, ts (as the carrier's clock has it)."""
    rule = parameters("carrier_codes")["scans"]
    keys = _keys(plan.spec.seed)
    start, end = plan.spec.midnight(day), plan.spec.midnight(day + 1)
    times = stage_times(keys.time, parcels, _way(plan.network, parcels))
    low, high = rule["late_days"]
    row, stage = np.nonzero((times != NEVER) & (times >= start - high * SECONDS_PER_DAY) & (times < end))
    ts = times[row, stage]
    number = parcels["number"].to_numpy().astype(np.int64)[row]
    gap = hashed_uniform(keys.gap, number, stage)
    share = np.where(stage == STAGE["delivered"], rule["delivered_missing_share"], rule["missing_share"])
    uniform = hashed_uniform(keys.delay, number, stage)
    # The same number says whether and by how many days a scan is late.
    late = np.where(
        uniform < rule["late_share"], low + np.floor(uniform / rule["late_share"] * (high - low + 1)), 0
    )
    here = (gap >= share) & ((ts - plan.spec.epoch) // SECONDS_PER_DAY + late.astype(np.int64) == day)
    scans = pl.DataFrame({"row": row[here], "number": number[here], "stage": stage[here], "ts": ts[here]})
    uniform = hashed_uniform(keys.repeat, number[here], stage[here])
    low, high = rule["duplicate_minutes"]
    again = low + (high - low) * uniform / rule["duplicate_share"]
    repeated = scans.with_columns(ts=pl.col("ts") + pl.Series(np.round(again * MINUTE).astype(np.int64)))
    # A repeat after midnight would reach the shop before it is made.
    sent = pl.Series(uniform < rule["duplicate_share"]) & (pl.col("ts") < end)
    return pl.concat([_misclocked(keys.clock, scans), repeated.filter(sent)])


def _misclocked(key: int, scans: pl.DataFrame) -> pl.DataFrame:
    rule = parameters("carrier_codes")["scans"]
    number, stage = scans["number"].to_numpy(), scans["stage"].to_numpy()
    uniform = hashed_uniform(key, number, stage)
    low, high = rule["out_of_order_hours"]
    hours = low + (high - low) * uniform / rule["out_of_order_share"]
    wrong = (uniform < rule["out_of_order_share"]) & (stage > STAGE["outbound_domestic"])
    shift = np.where(wrong, np.round(hours * HOUR), 0).astype(np.int64)
    return scans.with_columns(ts=pl.col("ts") - pl.Series(shift))


def _write(plan: Plan, parcels: pl.DataFrame, scans: pl.DataFrame) -> pl.DataFrame:
    """Return scans in the words and clock of the carrier."""
    keys, rule = _keys(plan.spec.seed), parameters("carrier_codes")
    row, stage, number = (scans[name].to_numpy() for name in ("row", "stage", "number"))
    picked = parcels.select("carrier", "tracking_no", "parcel_id", "order", "journey", "warehouse", "market")[
        row
    ]
    scans = scans.hstack(picked).with_columns(
        carrier=pl.when(pl.col("stage") <= STAGE["packed"])
        .then(pl.lit(WAREHOUSE_SYSTEM))
        .otherwise(pl.col("carrier").cast(pl.String)),
        stage_name=pl.Series(np.array(STAGES)[stage], dtype=pl.String),
        order_id=plan.orders.frame["order_id"].gather(picked["order"]),
        weight_kg=_weighed(keys, parcels["weight_kg"].to_numpy().astype(np.float64)[row], number, stage),
        unknown=pl.Series(hashed_uniform(keys.code, number, stage) < rule["unknown_code"]["share"]),
        no_offset=pl.Series(
            hashed_uniform(keys.offset, number, stage) < rule["scans"]["missing_offset_share"]
        ),
        no_place=pl.Series(
            hashed_uniform(keys.place, number, stage) < rule["scans"]["missing_location_share"]
        ),
        place=_location(plan, picked, stage),
    )
    scans = _with_offset(plan.network, scans)
    codes = carrier_stage_map().select("carrier", "code", "description", stage_name="stage")
    strange = pl.col("unknown") & (pl.col("carrier") != WAREHOUSE_SYSTEM)
    return (
        scans.join(codes, on=["carrier", "stage_name"], how="left", maintain_order="left")
        .with_columns(
            code=pl.when(strange).then(pl.lit(rule["unknown_code"]["code"])).otherwise("code"),
            description=pl.when(strange)
            .then(pl.lit(rule["unknown_code"]["description"]))
            .otherwise("description"),
            order_id=pl.when(pl.col("carrier").is_in(rule["scans"]["knows_order"])).then("order_id"),
            tz_offset=pl.when(~pl.col("no_offset")).then("tz_offset"),
            location=pl.when(~pl.col("no_place")).then("place"),
            ts=timestamp(pl.col("ts")),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in TRACKING_SCHEMA.items())
    )


def _weighed(
    keys: _Keys,
    weight_kg: npt.NDArray[np.float64],
    number: npt.NDArray[np.int64],
    stage: npt.NDArray[np.int64],
) -> pl.Series:
    """Return the weight carriers measure where they have a scale: a little off, now and then grossly wrong."""
    rule = parameters("carrier_codes")["scans"]
    # Sum of three uniform numbers: mean 1.5, standard deviation 0.5; close to normal, without its tails.
    three = sum(
        (hashed_uniform(keys.weight + salt, number, stage) for salt in range(3)), np.zeros(len(number))
    )
    factor = 1 + rule["weight_error_sd"] * (three - 1.5) / 0.5
    uniform = hashed_uniform(keys.gross, number, stage)
    share = rule["weight_gross_share"]
    low, high = rule["weight_gross_factor"]
    factor = np.where(uniform < share, np.where(uniform < share / 2, low, high), factor)
    scale = np.isin(stage, [STAGE[name] for name in WEIGHED])
    measured = np.where(scale, np.maximum(np.round(weight_kg * factor, 3), 0.001), np.nan)
    return pl.Series(measured).fill_nan(None)


def _location(plan: Plan, picked: pl.DataFrame, stage: npt.NDArray[np.int64]) -> pl.Series:
    """Return where a scan was made: warehouse, hubs, station, or the city of the address."""
    places = plan.network.journeys.select(
        origin="origin_place", hub="hub_place", gateway="gateway_place", station="station_place"
    )[picked["journey"]]
    frame = places.with_columns(
        stage=pl.Series(stage), city=plan.orders.frame["city"].gather(picked["order"]).cast(pl.String)
    )
    at = pl.col("stage")
    return frame.select(
        pl.when(at <= STAGE["outbound_domestic"])
        .then("origin")
        .when(at <= STAGE["departed"])
        .then("hub")
        .when(at <= STAGE["import_cleared"])
        .then("gateway")
        .when((at == STAGE["received_overseas_wh"]) | (at > STAGE["failed"]))
        .then("station")
        .otherwise("city")
    ).to_series()


def _with_offset(network: Network, scans: pl.DataFrame) -> pl.DataFrame:
    """Add `tz_offset`, the local time's offset from UTC, by the zone of the warehouse or of the market."""
    zones = parameters("logistics")["market_timezones"]
    by_market = pl.Series([zones[country] for country in markets()], dtype=pl.String)
    origin = network.warehouses["timezone"].gather(scans["warehouse"])
    here = pl.col("stage") <= LAST_ORIGIN_STAGE
    zone = scans.select(pl.when(here).then(origin).otherwise(by_market.gather(scans["market"]))).to_series()
    seconds = np.zeros(scans.height, dtype=np.int64)
    ts = scans["ts"].to_numpy()
    for name in sorted(set(zone)):
        rows = (zone == name).to_numpy()
        seconds[rows] = utc_offset_seconds(name, ts[rows])
    minutes = pl.Series(np.abs(seconds) // MINUTE)
    return scans.with_columns(
        tz_offset=pl.concat_str(
            pl.when(pl.Series(seconds < 0)).then(pl.lit("-")).otherwise(pl.lit("+")),
            (minutes // 60).cast(pl.String).str.zfill(2),
            pl.lit(":"),
            (minutes % 60).cast(pl.String).str.zfill(2),
        )
    )
