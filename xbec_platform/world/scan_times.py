"""When each stage of a parcel's way is scanned, and by whose clock. What carriers write about it: `tracking`."""

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.spec import SECONDS_PER_DAY, parameters

HOUR, MINUTE = 3600, 60
STAGES = (
    "picked",
    "packed",
    "outbound_domestic",
    "export_declared",
    "export_cleared",
    "departed",
    "arrived_port",
    "import_declared",
    "import_cleared",
    "received_overseas_wh",
    "last_mile_out",
    "delivered",
    "failed",
    "returned",
    "lost",
)
STAGE = {name: number for number, name in enumerate(STAGES)}
# A stage that is not scanned.
NEVER = np.iinfo(np.int64).max
# Stages of a way across a border, out of a bonded warehouse, within a region, and within a country.
_WAYS = {
    "border": STAGES[:12],
    "bonded": (*STAGES[:2], "import_declared", "import_cleared", *STAGES[9:12]),
    "region": (*STAGES[:3], "departed", "last_mile_out", "delivered"),
    "country": (*STAGES[:3], "last_mile_out", "delivered"),
}
WAYS = tuple(_WAYS)
_HAS_STAGE = np.array([[stage in way for stage in STAGES] for way in _WAYS.values()])


def hashed_uniform(
    key: int, number: npt.NDArray[np.int64], stage: int | npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return a uniform number in [0, 1) for each parcel and stage, the same on whatever day it is asked for.

    SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators") of key, parcel and stage.

    Args:
        key: Drawn once from the stream of what the numbers decide.
        number: Parcel index.
        stage: Stage index.
    """
    state = (number.astype(np.uint64) << np.uint64(5)) + np.asarray(stage).astype(np.uint64)
    state = state * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53


def stage_times(key: int, parcels: pl.DataFrame, way: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return when each stage is passed, parcels x stages, seconds since 1970 (UTC), NEVER where it is not.

    Args:
        key: Decides what is drawn.
        parcels: number (index), shipped_ts, departed_ts, landed_ts, received_ts, arrival_ts, fate, ended_at.
        way: Index into WAYS by parcel.
    """
    number = parcels["number"].to_numpy().astype(np.int64)
    times = _on_time(key, parcels, number, way)
    times[~_HAS_STAGE[way]] = NEVER
    _apply_fate(key, parcels, number, times)
    return times


def _on_time(
    key: int, parcels: pl.DataFrame, number: npt.NDArray[np.int64], way: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    shipped, departed, landed, received, arrival = (
        parcels[f"{name}_ts"].to_numpy().astype(np.float64)
        for name in ("shipped", "departed", "landed", "received", "arrival")
    )

    def draw(stage: str, low: float, high: float) -> npt.NDArray[np.float64]:
        return low + (high - low) * hashed_uniform(key, number, STAGE[stage])

    rule = parameters("carrier_codes")["scans"]
    # Out of a bonded warehouse customs come first, before the parcel leaves the zone.
    bonded = way == WAYS.index("bonded")
    customs, released = np.where(bonded, shipped, landed), np.where(bonded, departed, received)
    times = np.zeros((len(number), len(STAGES)))
    times[:, STAGE["picked"]] = shipped - draw("picked", *rule["picked_minutes"]) * MINUTE
    times[:, STAGE["packed"]] = shipped - draw("packed", *rule["packed_minutes"]) * MINUTE
    times[:, STAGE["outbound_domestic"]] = shipped + draw("outbound_domestic", 0.0, 0.4) * HOUR
    out = departed - shipped
    times[:, STAGE["export_declared"]] = shipped + out * draw("export_declared", 0.25, 0.45)
    times[:, STAGE["export_cleared"]] = shipped + out * draw("export_cleared", 0.6, 0.9)
    times[:, STAGE["departed"]] = departed
    times[:, STAGE["arrived_port"]] = landed
    times[:, STAGE["import_declared"]] = customs + (released - customs) * draw("import_declared", 0.05, 0.25)
    times[:, STAGE["import_cleared"]] = customs + (released - customs) * draw("import_cleared", 0.4, 0.8)
    times[:, STAGE["received_overseas_wh"]] = received
    morning = arrival - draw("last_mile_out", 1.5, 6.5) * HOUR
    times[:, STAGE["last_mile_out"]] = np.maximum(morning, received + 0.3 * (arrival - received))
    times[:, STAGE["delivered"]] = arrival
    return np.round(times).astype(np.int64)


def _apply_fate(
    key: int, parcels: pl.DataFrame, number: npt.NDArray[np.int64], times: npt.NDArray[np.int64]
) -> None:
    """Cut the scans of parcels that do not arrive, and add what carriers write about them."""
    rule = parameters("carrier_codes")["scans"]
    fate = parcels["fate"].cast(pl.String).to_numpy()
    shipped, received, arrival = (
        parcels[f"{name}_ts"].to_numpy() for name in ("shipped", "received", "arrival")
    )
    delivered, failed, returned, lost = (STAGE[name] for name in ("delivered", "failed", "returned", "lost"))
    times[:, failed:] = NEVER
    uniform = hashed_uniform(key, number, failed)
    attempt = arrival - np.round((22 + 2 * uniform) * HOUR).astype(np.int64)
    twice = (fate == "delivered") & (uniform < rule["failed_share"]) & (attempt > received + 2 * HOUR)
    times[twice, failed] = attempt[twice]
    back = fate == "returned"
    times[back, failed], times[back, delivered] = arrival[back], NEVER
    low, high = rule["returned_days"]
    days = low + (high - low) * hashed_uniform(key, number, returned)
    times[back, returned] = (arrival + np.round(days * SECONDS_PER_DAY).astype(np.int64))[back]
    ceased = shipped + np.round((arrival - shipped) * parcels["ended_at"].to_numpy().astype(np.float64))
    silent = np.isin(fate, ("stuck", "lost"))
    after = silent[:, None] & (times > ceased.astype(np.int64)[:, None])
    after[:, : STAGE["outbound_domestic"] + 1] = False
    times[after] = NEVER
    uniform = hashed_uniform(key, number, lost)
    share = rule["lost_declared_share"]
    low, high = rule["lost_declared_days"]
    given_up = ceased + np.round((low + (high - low) * uniform / share) * SECONDS_PER_DAY)
    declared = (fate == "lost") & (uniform < share)
    times[declared, lost] = given_up.astype(np.int64)[declared]
