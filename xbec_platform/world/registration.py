"""Events of the registration form, of people who finish it and of those who give up. Accounts are in `people`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.files import timestamp
from xbec_platform.world.people import People
from xbec_platform.world.spec import SECONDS_PER_DAY, WorldSpec, parameters
from xbec_platform.world.streams import categorical, log_normal, stream

if TYPE_CHECKING:
    from xbec_platform.world.plan import Plan

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

TIME = pl.Datetime("us", "UTC")
REGISTRATION_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "event_id": pl.String,
    "session_id": pl.String,
    "customer_id": pl.String,
    "stage": pl.String,
    "ts": TIME,
    "channel": pl.String,
    "device": pl.String,
    "country": pl.String,
    "result": pl.String,
    "reason": pl.String,
}
NOBODY = -1
PASSED, FAILED, STOPPED = "ok", "failed", "stopped"


@dataclass(frozen=True, kw_only=True)
class _Attempts:
    """Attempts that end on one day; arrays have one entry each.

    Attributes:
        customer: Index of the new customer, NOBODY for who gave up.
        channel, device, market: Indices.
        reached: Index of the last stage reached.
        end: Seconds since 1970 of the last stage.
    """

    customer: IntArray
    channel: IntArray
    device: IntArray
    market: IntArray
    reached: IntArray
    end: IntArray


def registration_events_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return the registration events of a day, by event_id.

    Returns:
        event_id, session_id (one per attempt), customer_id (on `completed` only: nobody has one before), stage,
        ts, channel, device, country, result (ok, failed: tried again, stopped: gave up) and reason. Stages that
        take long may lie days before the end of the attempt.
    """
    longest = parameters("behaviour")["registration"]["longest_days"]
    ends = range(day, min(day + longest, plan.spec.days - 1) + 1)
    parts = [
        pl.DataFrame(schema=REGISTRATION_SCHEMA),
        *(_events(plan.spec, plan.people, end) for end in ends),
    ]
    begin, until = (pl.lit(plan.spec.midnight(number)) for number in (day, day + 1))
    within = (pl.col("ts") >= timestamp(begin)) & (pl.col("ts") < timestamp(until))
    return pl.concat(parts).filter(within).sort("event_id")


def pass_chances(rule: Mapping[str, Any], channel: IntArray, device: IntArray) -> FloatArray:
    """Return the chance to pass each stage but the last, [attempts x stages - 1]."""
    passes = np.array([stage["pass"] for stage in rule["stages"].values() if "pass" in stage])
    factor = (
        np.array(list(rule["channels"].values()))[channel] * np.array(list(rule["devices"].values()))[device]
    )
    chance = np.tile(passes, (len(channel), 1))
    chance[:, 0] = np.minimum(chance[:, 0] * factor, 0.98)
    return chance


def _attempts(spec: WorldSpec, people: People, day: int) -> _Attempts:
    """Return who finishes on a day and, in proportion to everyone who ever does, who gives up."""
    rule = parameters("behaviour")["registration"]
    rng = stream(spec.seed, "registration", day)
    frame = people.frame
    joined = np.flatnonzero(frame["joined_day"].to_numpy() == day)
    channels = np.array(list(parameters("people")["acquisition_channels"].values()))
    devices = np.array(list(rule["device_shares"].values()))
    of_all = _completion(rule, channels, devices)
    expected = spec.people * parameters("people")["joins_in_period"] / spec.days
    stops = rng.poisson(expected * (1 / of_all - 1))
    # Those who finish come from channels as their accounts say; those who do not, from all visits of the form.
    device_passes = np.array(list(rule["devices"].values())) * devices
    channel = np.concatenate(
        [frame["acquisition_channel"].to_physical().to_numpy()[joined], _draw(rng, stops, channels)]
    )
    device = np.concatenate([_draw(rng, len(joined), device_passes), _draw(rng, stops, devices)])
    shares = np.array([market["share"] for market in parameters("trade")["markets"].values()])
    market = np.concatenate([frame["market"].to_numpy()[joined], _draw(rng, stops, shares)]).astype(np.int64)
    reached = _last_stages(pass_chances(rule, channel, device), rng.random(len(channel)))
    reached[: len(joined)] = len(rule["stages"]) - 1
    end = np.concatenate(
        [frame["created_ts"].to_numpy()[joined], spec.midnight(day) + rng.integers(0, SECONDS_PER_DAY, stops)]
    )
    customer = np.concatenate([joined, np.full(stops, NOBODY)])
    return _Attempts(
        customer=customer,
        channel=channel.astype(np.int64),
        device=device,
        market=market,
        reached=reached,
        end=end,
    )


def _draw(rng: np.random.Generator, size: int, weights: FloatArray) -> IntArray:
    return categorical(rng.random(size), weights)


def _completion(rule: Mapping[str, Any], channels: FloatArray, devices: FloatArray) -> float:
    """Return the share of attempts that are finished."""
    channel, device = (grid.ravel() for grid in np.indices((len(channels), len(devices))))
    weight = channels[channel] * devices[device] / channels.sum() / devices.sum()
    return float((weight * pass_chances(rule, channel, device).prod(axis=1)).sum())


def _last_stages(chance: FloatArray, uniform: FloatArray) -> IntArray:
    """Return the stage at which attempts that are not finished stop."""
    reach = np.cumprod(np.column_stack([np.ones(len(chance)), chance[:, :-1]]), axis=1)
    edges = np.cumsum(reach * (1 - chance), axis=1)
    return np.asarray(
        np.minimum((edges <= (uniform * edges[:, -1])[:, None]).sum(axis=1), chance.shape[1] - 1)
    )


def _events(spec: WorldSpec, people: People, day: int) -> pl.DataFrame:
    """Return all events of the attempts that end on a day."""
    rule = parameters("behaviour")["registration"]
    attempts = _attempts(spec, people, day)
    rng = stream(spec.seed, "registration events", day)
    stages = list(rule["stages"].items())
    retried, seconds = _durations(rng, rule, len(attempts.reached))
    stage_number = np.arange(len(stages))
    before = stage_number[None, :] < attempts.reached[:, None]
    # Time of a stage: the end less what lies between.
    left = np.where(before, seconds, 0)[:, ::-1].cumsum(axis=1)[:, ::-1]
    at = attempts.end[:, None] - left
    happened = stage_number[None, :] <= attempts.reached[:, None]
    attempt, stage_of = np.nonzero(happened)
    again_attempt, again_stage = np.nonzero(happened & retried)
    # The failure comes before the try that passed, and still after the stage before.
    gap = np.where(again_stage > 0, seconds[again_attempt, again_stage - 1], 60) // 2
    failed = _rows(people, attempts, again_attempt, again_stage, at[again_attempt, again_stage] - gap, day)
    reasons = _reasons(rng, again_stage, [stage.get("reasons", []) for _, stage in stages])
    tries = _rows(people, attempts, attempt, stage_of, at[attempt, stage_of], day)
    stops = (stage_of == attempts.reached[attempt]) & (attempts.customer[attempt] == NOBODY)
    given_up = pl.Series(rule["stop_reasons"]).gather(
        pl.Series(rng.integers(0, len(rule["stop_reasons"]), len(attempt)))
    )
    rows = pl.concat(
        [
            failed.with_columns(reasons.alias("reason"), result=pl.lit(FAILED)),
            tries.with_columns(
                pl.when(pl.Series(stops)).then(given_up).alias("reason"),
                pl.when(pl.Series(stops)).then(pl.lit(STOPPED)).otherwise(pl.lit(PASSED)).alias("result"),
            ),
        ]
    ).sort("session_id", "ts", "stage_number", maintain_order=True)
    within = pl.int_range(pl.len()).over("session_id").cast(pl.String).str.zfill(2)
    return rows.with_columns(event_id="E" + pl.col("session_id").str.slice(1) + "-" + within).select(
        pl.col(name).cast(dtype) for name, dtype in REGISTRATION_SCHEMA.items()
    )


def _durations(
    rng: np.random.Generator, rule: Mapping[str, Any], size: int
) -> tuple[npt.NDArray[np.bool_], IntArray]:
    """Return whether attempts need a second try of each stage, and seconds until the next stage."""
    stages = list(rule["stages"].values())
    retried = np.zeros((size, len(stages)), dtype=bool)
    seconds = np.ones((size, len(stages)), dtype=np.int64)
    for number, stage in enumerate(stages[:-1]):
        retried[:, number] = rng.random(size) < stage.get("retry", 0.0)
        drawn = np.round(log_normal(rng, stage["seconds"], size)).astype(np.int64)
        seconds[:, number] = np.clip(drawn, 2, SECONDS_PER_DAY * rule["longest_days"] // len(stages))
    return retried, seconds


def _reasons(rng: np.random.Generator, stage: IntArray, reasons: list[list[str]]) -> pl.Series:
    """Return a drawn reason of the failure of each stage."""
    known = [reason for of_stage in reasons for reason in of_stage]
    count = np.array([len(of_stage) for of_stage in reasons])
    first = np.cumsum(count) - count
    return pl.Series(known).gather(
        pl.Series(first[stage] + (rng.random(len(stage)) * count[stage]).astype(np.int64))
    )


def _rows(
    people: People, attempts: _Attempts, attempt: IntArray, stage: IntArray, ts: IntArray, day: int
) -> pl.DataFrame:
    rule = parameters("behaviour")["registration"]
    names = list(rule["stages"])
    last = len(names) - 1
    ids = people.frame["customer_id"].extend_constant(None, 1)
    known = (stage == last) & (attempts.customer[attempt] != NOBODY)
    customer = np.where(known, attempts.customer[attempt], len(ids) - 1)
    number = pl.Series(attempt).cast(pl.String).str.zfill(7)
    return pl.DataFrame(
        {
            "session_id": pl.select(pl.lit(f"R{day:04d}-") + number).to_series(),
            "customer_id": ids.gather(pl.Series(customer)),
            "stage": pl.Series(names).gather(pl.Series(stage)),
            "stage_number": stage,
            "ts": pl.select(timestamp(pl.lit(pl.Series(ts, dtype=pl.Int64)))).to_series(),
            "channel": pl.Series(list(rule["channels"])).gather(pl.Series(attempts.channel[attempt])),
            "device": pl.Series(list(rule["devices"])).gather(pl.Series(attempts.device[attempt])),
            "country": pl.Series(people.markets).gather(pl.Series(attempts.market[attempt])),
        }
    )
