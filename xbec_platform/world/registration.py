"""Events of registration, of who finishes it and of who gives up. Accounts are in `people`, orders in `buying`."""

from collections.abc import Iterator, Mapping
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
BoolArray = npt.NDArray[np.bool_]

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
# Places of the stages whose time others decide: the account's, the identity's and the first order's.
SUBMIT, IDENTITY, ORDER = 1, 3, 6
# An identity that is verified on a later day is so before the customer's version of that evening.
VERIFIED_SECOND = 17 * 3600
# A first order leaves this part of the time since the account to the steps before it.
BEFORE_ORDER = 0.9


@dataclass(frozen=True, kw_only=True)
class _Attempts:
    """Attempts whose form is sent, or given up, on one day; arrays have one entry each.

    Attributes:
        day: That day.
        customer: Index of the new customer, NOBODY for who gave up.
        channel, device, market: Indices.
        at: Seconds since 1970 of every stage before the first order, 0 where it was not reached, [attempts x 6].
        failed_at: The same of a try that failed before it, 0 for none.
        stops: Stage that was given up; -1 for none: people with an account just do not come back.
    """

    day: int
    customer: IntArray
    channel: IntArray
    device: IntArray
    market: IntArray
    at: IntArray
    failed_at: IntArray
    stops: IntArray


def registration_events_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return the registration events of a day, by event_id.

    Returns:
        event_id, session_id (one per attempt), customer_id (from `submit` on: nobody has one before), stage (those of
        `process_stages`), ts, channel, device (null for what happens outside the form), country, result (ok,
        failed: tried again, stopped: gave up) and reason. Stages of an attempt may lie days apart; `first_order` is
        the order of `buying`, whenever it comes.
    """
    longest = parameters("behaviour")["registration"]["longest_days"]
    days = range(max(day - longest, 0), min(day + 1, plan.spec.days - 1) + 1)
    begin = plan.spec.midnight(day)
    parts = [pl.DataFrame(schema=REGISTRATION_SCHEMA)]
    orders = _first_orders(plan)
    for of_day in days:
        attempts = _attempts(plan.spec, plan.people, orders, of_day)
        parts += _form_events(plan, attempts, begin)
    parts += [
        _own_stage(plan, orders, begin, ORDER),
        _own_stage(plan, _late_identities(plan), begin, IDENTITY),
    ]
    return pl.concat(parts).sort("event_id")


def pass_chances(rule: Mapping[str, Any], channel: IntArray, device: IntArray) -> FloatArray:
    """Return the chance to go on from the form and to send it, [attempts x 2]."""
    passes = [rule["stages"][name]["pass"] for name in ("visit_form", "submit")]
    factor = (
        np.array(list(rule["channels"].values()))[channel] * np.array(list(rule["devices"].values()))[device]
    )
    chance = np.tile(passes, (len(channel), 1))
    chance[:, 0] = np.minimum(chance[:, 0] * factor, 0.98)
    return chance


def _first_orders(plan: "Plan") -> IntArray:
    """Return the time (s) of the first order of every customer, 0 for none."""
    first = plan.buying.orders.filter(pl.col("nth") == 0)
    found = np.zeros(plan.people.frame.height, dtype=np.int64)
    found[first["customer"].to_numpy()] = first["order_ts"].to_numpy()
    return found


def _late_identities(plan: "Plan") -> IntArray:
    """Return when an identity is verified on a later day than the registration's, 0 for none."""
    frame = plan.people.frame
    day = frame["verified_day"].fill_null(-1).to_numpy().astype(np.int64)
    gone = frame["erased_day"].fill_null(plan.spec.days).to_numpy()
    late = (day > frame["joined_day"].to_numpy()) & (day < gone)
    at = plan.spec.epoch + day * SECONDS_PER_DAY + VERIFIED_SECOND + np.arange(len(day)) % 3600
    return np.where(late, at, 0)


def _attempts(spec: WorldSpec, people: People, orders: IntArray, day: int) -> _Attempts:
    """Return whose account is made on a day and, in proportion to everyone who ever has one, who gives up."""
    rule = parameters("behaviour")["registration"]
    rng = stream(spec.seed, "registration", day)
    frame = people.frame
    joined = _joined(people, day)
    channels = np.array(list(parameters("people")["acquisition_channels"].values()))
    devices = np.array(list(rule["device_shares"].values()))
    expected = spec.people * parameters("people")["joins_in_period"] / spec.days
    stops = rng.poisson(expected * (1 / _completion(rule, channels, devices) - 1))
    # Those with an account come from channels as it says; those who give up, from all visits of the form.
    device_passes = np.array(list(rule["devices"].values())) * devices
    channel = np.concatenate(
        [frame["acquisition_channel"].to_physical().to_numpy()[joined], _draw(rng, stops, channels)]
    ).astype(np.int64)
    device = np.concatenate([_draw(rng, len(joined), device_passes), _draw(rng, stops, devices)])
    shares = np.array([market["share"] for market in parameters("trade")["markets"].values()])
    market = np.concatenate([frame["market"].to_numpy()[joined], _draw(rng, stops, shares)]).astype(np.int64)
    customer = np.concatenate([joined, np.full(stops, NOBODY)])
    sent = np.concatenate(
        [frame["created_ts"].to_numpy()[joined], spec.midnight(day) + rng.integers(0, SECONDS_PER_DAY, stops)]
    )
    stopped = _stopped_at(pass_chances(rule, channel, device), rng.random(len(channel)))
    stopped[: len(joined)] = -1
    happens = _happens(rng, rule, people, orders, customer, stopped)
    at, failed_at = _times(rng, rule, happens, sent, np.where(customer == NOBODY, 0, orders[customer]))
    return _Attempts(
        day=day,
        customer=customer,
        channel=channel,
        device=device,
        market=market,
        at=at,
        failed_at=failed_at,
        stops=stopped,
    )


def _joined(people: People, day: int) -> IntArray:
    """Return the customers who register on a day; they are numbered in the order of their registration."""
    days = people.frame["joined_day"].to_numpy()
    return np.arange(*np.searchsorted(days, [day, day + 1]), dtype=np.int64)


def _draw(rng: np.random.Generator, size: int, weights: FloatArray) -> IntArray:
    return categorical(rng.random(size), weights)


def _completion(rule: Mapping[str, Any], channels: FloatArray, devices: FloatArray) -> float:
    """Return the share of attempts that end with an account."""
    channel, device = (grid.ravel() for grid in np.indices((len(channels), len(devices))))
    weight = channels[channel] * devices[device] / channels.sum() / devices.sum()
    return float((weight * pass_chances(rule, channel, device).prod(axis=1)).sum())


def _stopped_at(chance: FloatArray, uniform: FloatArray) -> IntArray:
    """Return the stage at which attempts without an account stop: the form itself or sending it."""
    at_form = 1 - chance[:, 0]
    at_submit = chance[:, 0] * (1 - chance[:, 1])
    return (uniform * (at_form + at_submit) >= at_form).astype(np.int64)


def _happens(
    rng: np.random.Generator,
    rule: Mapping[str, Any],
    people: People,
    orders: IntArray,
    customer: IntArray,
    stopped: IntArray,
) -> BoolArray:
    """Return which stages before the first order an attempt reaches in its form, [attempts x 6].

    Who orders has taken every step; an identity is verified when the account says so; others drop out by chance.
    """
    frame, account = people.frame, customer != NOBODY
    chances = [rule["stages"][name].get("pass", 1.0) for name in list(rule["stages"])[2:ORDER]]
    drawn = rng.random((len(customer), len(chances))) < chances
    buys = account & (orders[customer] > 0)
    identified = account & frame["verified_day"].is_not_null().to_numpy()[customer]
    at_once = account & frame["id_verified"].to_numpy()[customer]
    contact = account & (drawn[:, 0] | buys | identified)
    address = contact & (drawn[:, 2] | buys)
    login = address & (drawn[:, 3] | buys)
    visit = np.ones(len(customer), dtype=bool)
    submit = account | (stopped == SUBMIT)
    return np.column_stack([visit, submit, contact, at_once, address, login])


def _times(
    rng: np.random.Generator, rule: Mapping[str, Any], happens: BoolArray, sent: IntArray, order: IntArray
) -> tuple[IntArray, IntArray]:
    """Return the times of the stages and of tries that failed before them; `sent` is the time of `submit`."""
    stages = list(rule["stages"].values())[:ORDER]
    size = len(sent)
    gap = np.zeros((size, len(stages)), dtype=np.int64)
    failed = np.zeros((size, len(stages)), dtype=bool)
    longest = SECONDS_PER_DAY * rule["longest_days"] // (len(stages) - 2)
    for number, stage in enumerate(stages):
        failed[:, number] = rng.random(size) < stage.get("retry", 0.0)
        if number > 0:
            drawn = np.round(log_normal(rng, stages[number - 1]["seconds"], size)).astype(np.int64)
            gap[:, number] = np.clip(drawn, 2, longest)
    since = np.where(happens, gap, 0)
    since[:, : SUBMIT + 1] = 0
    since = since.cumsum(axis=1)
    room = np.where(order > 0, (order - sent) * BEFORE_ORDER, np.inf)
    factor = np.minimum(1.0, room / np.maximum(since[:, -1], 1))
    at = sent[:, None] + (since * factor[:, None]).astype(np.int64)
    # Who only saw the form gave up at the time that others send it.
    at[:, 0] = np.where(happens[:, SUBMIT], sent - np.minimum(gap[:, SUBMIT], SECONDS_PER_DAY), sent)
    before = np.maximum.accumulate(np.where(happens, at, 0), axis=1)
    tried = at - (at - np.roll(before, 1, axis=1)) // 2
    at = np.where(happens, at, 0)
    return at, np.where(happens & failed, tried, 0)


def _form_events(plan: "Plan", attempts: _Attempts, begin: int) -> Iterator[pl.DataFrame]:
    """Return the tries of a day of the stages before the first order."""
    rule = parameters("behaviour")["registration"]
    rng = stream(plan.spec.seed, "registration events", attempts.day)
    given_up = np.array(rule["stop_reasons"])[rng.integers(0, len(rule["stop_reasons"]), len(attempts.stops))]
    uniform = rng.random(attempts.at.shape)
    for at, is_retry in ((attempts.failed_at, True), (attempts.at, False)):
        attempt, stage = np.nonzero((at >= begin) & (at < begin + SECONDS_PER_DAY))
        stops = attempts.stops[attempt] == stage
        reasons = (
            _reasons(rule, stage, uniform[attempt, stage])
            if is_retry
            else pl.Series(given_up[attempt]).set(pl.Series(~stops), None)
        )
        results = [FAILED] * len(stage) if is_retry else np.where(stops, STOPPED, PASSED).tolist()
        yield _rows(
            plan,
            session=(np.full(len(attempt), attempts.day), attempt),
            customer=np.where(stage >= SUBMIT, attempts.customer[attempt], NOBODY),
            stage=stage,
            retry=int(is_retry),
            ts=at[attempt, stage],
            channel=pl.Series(list(rule["channels"])).gather(pl.Series(attempts.channel[attempt])),
            device=pl.Series(list(rule["devices"])).gather(pl.Series(attempts.device[attempt])),
            market=attempts.market[attempt],
            result=pl.Series(results, dtype=pl.String),
            reason=reasons,
        )


def _own_stage(plan: "Plan", at: IntArray, begin: int, stage: int) -> pl.DataFrame:
    """Return a stage that happens outside the form, of the customers who registered within the period."""
    frame = plan.people.frame
    joined = frame["joined_day"].to_numpy().astype(np.int64)
    customer = np.flatnonzero((joined >= 0) & (at >= begin) & (at < begin + SECONDS_PER_DAY))
    number = customer - np.searchsorted(joined, joined[customer])
    nothing = pl.Series([None] * len(customer), dtype=pl.String)
    return _rows(
        plan,
        session=(joined[customer], number),
        customer=customer,
        stage=np.full(len(customer), stage),
        retry=0,
        ts=at[customer],
        channel=frame["acquisition_channel"].cast(pl.String).gather(pl.Series(customer)),
        device=nothing,
        market=frame["market"].to_numpy()[customer].astype(np.int64),
        result=pl.Series([PASSED] * len(customer), dtype=pl.String),
        reason=nothing,
    )


def _reasons(rule: Mapping[str, Any], stage: IntArray, uniform: FloatArray) -> pl.Series:
    """Return a drawn reason of the failure of each stage."""
    of_stage = [stage.get("reasons", []) for stage in rule["stages"].values()]
    known = [reason for reasons in of_stage for reason in reasons]
    count = np.array([len(reasons) for reasons in of_stage])
    first = np.cumsum(count) - count
    return pl.Series(known, dtype=pl.String).gather(
        pl.Series(first[stage] + (uniform * count[stage]).astype(np.int64))
    )


def _rows(
    plan: "Plan",
    *,
    session: tuple[IntArray, IntArray],
    customer: IntArray,
    stage: IntArray,
    retry: int,
    ts: IntArray,
    channel: pl.Series,
    device: pl.Series,
    market: IntArray,
    result: pl.Series,
    reason: pl.Series,
) -> pl.DataFrame:
    people = plan.people
    ids = people.frame["customer_id"].extend_constant(None, 1)
    day, number = (pl.Series(part).cast(pl.String) for part in session)
    attempt = day.str.zfill(4) + "-" + number.str.zfill(7)
    stages = list(parameters("behaviour")["registration"]["stages"])
    # The number of the try comes last: 0 failed, 1 passed or stopped.
    try_no = pl.Series(stage + 1).cast(pl.String) + str(1 - retry)
    return pl.DataFrame(
        {
            "event_id": "E" + attempt + "-" + try_no,
            "session_id": "R" + attempt,
            "customer_id": ids.gather(pl.Series(np.where(customer == NOBODY, len(ids) - 1, customer))),
            "stage": pl.Series(stages).gather(pl.Series(stage)),
            "ts": pl.select(timestamp(pl.lit(pl.Series(ts, dtype=pl.Int64)))).to_series(),
            "channel": channel,
            "device": device,
            "country": pl.Series(people.markets).gather(pl.Series(market)),
            "result": result,
            "reason": reason,
        },
        schema=REGISTRATION_SCHEMA,
    )
