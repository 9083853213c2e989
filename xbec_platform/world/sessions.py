"""Who visits the shop on a day, when and for how long; what they do there belongs to `visits`."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.arrivals import (
    BOT,
    MEMBER,
    NOBODY,
    ORDER,
    RETURNING_VISITOR,
    Arrivals,
    draw_arrivals,
    numbers_of_part,
)
from xbec_platform.world.behaviour import Behaviour
from xbec_platform.world.identity import user_agent_class
from xbec_platform.world.people import segment_tastes
from xbec_platform.world.spec import SECONDS_PER_DAY, parameters
from xbec_platform.world.streams import categorical, stream
from xbec_platform.world.visitors import visitors
from xbec_platform.world.vocabulary import TABLE_SIZE, quantile_table

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

TRACKER, HEARTBEAT, UNKNOWN_DWELL = range(3)


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """Sessions of one part of a day by their number; arrays have one entry each.

    Attributes:
        day: Day number.
        part: Number of the part of the day.
        first_number: Number of the first one within its day.
        kind: ORDER, CONTACT, MEMBER, NEW_VISITOR, RETURNING_VISITOR or BOT (truth).
        customer: Index, NOBODY for a stranger.
        segment: Latent segment (truth).
        first_focus, second_focus: Categories the visitor is interested in.
        pages: Blocks before an order, or of the whole session.
        second: Second of the day on which the session starts; of an order: of the order.
        order: Row of `Behaviour.orders`, NOBODY without one.
        campaign: Index of the campaign whose contact was clicked, NOBODY without one.
        dwell: TRACKER, HEARTBEAT or UNKNOWN_DWELL.
        late_s, slow_s: Seconds by which events arrive late, and by which the clock runs behind.
        columns: anonymous_id, customer_id (null: not logged in), referrer, country, device, app, user_agent_class.
    """

    day: int
    part: int
    first_number: int
    kind: IntArray
    customer: IntArray
    segment: IntArray
    first_focus: IntArray
    second_focus: IntArray
    pages: IntArray
    second: IntArray
    order: IntArray
    campaign: IntArray
    dwell: IntArray
    late_s: IntArray
    slow_s: IntArray
    columns: pl.DataFrame

    @property
    def is_bot(self) -> BoolArray:
        """Which sessions are of programs."""
        return np.asarray(self.kind == BOT)


@dataclass(frozen=True, kw_only=True)
class _Strangers:
    """Start in UTC and latent segment of the visitors behind sessions, known or not, and their columns."""

    second: IntArray
    segment: IntArray
    columns: pl.DataFrame


def draw_sessions(behaviour: Behaviour, day: int, part: int) -> Sessions:
    """Return the sessions of a part of a day; their numbers follow local time and tell nothing of their kind."""
    rng = session_stream(behaviour, day, part)
    first_number = numbers_of_part(behaviour, day, part)[0]
    visits = draw_arrivals(behaviour, day, part, rng)
    who = _strangers(behaviour, day, first_number, visits, rng)
    size = len(visits.kind)
    first_focus, second_focus = _focus(behaviour, visits, who.segment, rng)
    rule = parameters("behaviour")
    arrival = rule["arrival"]
    least_slow, most_slow = arrival["slow_clock_s"]
    late = rng.random(size) < arrival["late_share"]
    # The second of an order is the time of the purchase; its clock is right.
    slow = (rng.random(size) < arrival["slow_clock_share"]) & (visits.kind != ORDER)
    return Sessions(
        day=day,
        part=part,
        first_number=first_number,
        kind=visits.kind,
        customer=visits.customer,
        segment=who.segment,
        first_focus=first_focus,
        second_focus=second_focus,
        pages=_pages(visits.kind, rng),
        second=who.second,
        order=visits.order,
        campaign=visits.campaign,
        dwell=categorical(rng.random(size), list(rule["dwell"].values())),
        late_s=np.where(late, rng.integers(0, arrival["late_s"], size), 0),
        slow_s=np.where(slow, rng.integers(least_slow, most_slow, size), 0),
        columns=who.columns,
    )


def session_stream(behaviour: Behaviour, day: int, part: int) -> np.random.Generator:
    """Return the stream of the sessions of a part of a day; arrivals are drawn from it first."""
    return stream(behaviour.spec.seed, "sessions", day, part)


def _strangers(
    behaviour: Behaviour, day: int, first_number: int, visits: Arrivals, rng: np.random.Generator
) -> _Strangers:
    """Return market, segment and device of all visitors, of customers from their account."""
    people, rule = behaviour.people, parameters("behaviour")
    size = len(visits.kind)
    shares = np.array([market["share"] for market in parameters("trade")["markets"].values()])
    number = first_number + np.arange(size)
    back = rng.integers(1, rule["returning_within_days"], size, endpoint=True)
    usual = max(round(rule["sessions_per_customer_day"] * behaviour.spec.people), 1)
    returning = visits.kind == RETURNING_VISITOR
    came = np.where(returning, day - back, day)
    unknown = visitors(
        behaviour.spec.seed, came, np.where(returning, rng.integers(0, usual, size), number), shares
    )
    known = visits.customer != NOBODY
    customer = np.where(known, visits.customer, 0)
    home = people.frame["market"].to_numpy()[customer]
    market = np.where(known, home, unknown.market)
    of_order = visits.order != NOBODY
    guest = of_order & ~known
    market[guest] = behaviour.orders.market[visits.order[guest]]
    link = np.where(known, _links(behaviour, customer, rng.random(size)), NOBODY)
    columns = _device_columns(
        behaviour, link, unknown.device, unknown.anonymous_id(), visits.kind == BOT, rng
    )
    logged_in = known & ((visits.kind != MEMBER) | (rng.random(size) < rule["member_logged_in"]))
    ids = pl.Series(np.where(logged_in, customer, people.frame.height))
    columns = columns.with_columns(
        _with_null(people.frame["customer_id"]).gather(ids).alias("customer_id"),
        pl.Series("country", market.astype(np.uint8)).cat.to(pl.Enum(people.markets)),
        _referrers(visits, behaviour, rng),
    )
    segment = np.where(known, people.frame["segment"].to_numpy()[customer], unknown.segment)
    # Local time becomes UTC, within the same day of UTC.
    utc = (visits.second - people.utc_offset_h[market] * 3600).astype(np.int64) % SECONDS_PER_DAY
    second = np.where(visits.kind >= MEMBER, utc, visits.second)
    return _Strangers(second=second, segment=segment, columns=columns)


def _with_null(series: pl.Series) -> pl.Series:
    return series.extend_constant(None, 1)


def _links(behaviour: Behaviour, customer: IntArray, uniform: npt.NDArray[np.float64]) -> IntArray:
    """Return a row of `People.devices` of each customer."""
    of_customer = behaviour.people.devices["customer"].to_numpy()
    first, last = (np.searchsorted(of_customer, customer, side=side) for side in ("left", "right"))  # type: ignore[call-overload]
    return np.asarray(first + (uniform * (last - first)).astype(np.int64))


def _device_columns(
    behaviour: Behaviour,
    link: IntArray,
    device: IntArray,
    anonymous_id: pl.Series,
    is_bot: BoolArray,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Return anonymous_id, device, app and user_agent_class of accounts (by link) and of strangers."""
    devices = behaviour.people.devices
    row = pl.Series(np.where(link == NOBODY, 0, link))
    known = pl.Series(link != NOBODY)
    kinds = pl.Enum(list(parameters("behaviour")["visitor_devices"]))
    of_stranger = pl.Series(device.astype(np.uint8)).cat.to(kinds)
    declared = pl.Series(is_bot & (rng.random(len(link)) < parameters("behaviour")["bots"]["declared"]))
    web = pl.lit("web").cast(devices.schema["app"])
    mixed = pl.select(
        pl.when(known)
        .then(devices["anonymous_id"].gather(row))
        .otherwise(anonymous_id)
        .alias("anonymous_id"),
        pl.when(known).then(devices["device"].gather(row).cast(kinds)).otherwise(of_stranger).alias("device"),
        pl.when(known).then(devices["app"].gather(row)).otherwise(web).alias("app"),
    )
    agent = user_agent_class(pl.col("device"), pl.col("app"))
    classes = pl.Enum(parameters("behaviour")["user_agent_classes"])
    bot = pl.lit("bot").cast(classes)
    return mixed.with_columns(user_agent_class=pl.when(declared).then(bot).otherwise(agent))


def _referrers(visits: Arrivals, behaviour: Behaviour, rng: np.random.Generator) -> pl.Series:
    """Return where visitors come from, null when they type the address; of a campaign: its channel."""
    shares = parameters("behaviour")["referrers"]
    channels = behaviour.campaigns.frame["channel"]
    names = [*shares, *channels.unique(maintain_order=True)]
    chosen = categorical(rng.random(len(visits.kind)), list(shares.values()))
    of_campaign = np.array([names.index(name) for name in channels])
    index = np.where(visits.campaign != NOBODY, of_campaign[visits.campaign], chosen)
    texts = pl.Series(
        [None if name == "direct" else name for name in names],
        dtype=pl.Enum([n for n in names if n != "direct"]),
    )
    return texts.gather(pl.Series(index)).alias("referrer")


def _focus(
    behaviour: Behaviour, visits: Arrivals, segment: IntArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Return two categories of interest: of customers by their taste, of strangers by their segment's."""
    shares = _segment_shares(behaviour.people.categories)
    taste = np.where(
        (visits.customer != NOBODY)[:, None], behaviour.people.taste[visits.customer], shares[segment]
    )
    edges = np.cumsum(taste, axis=1, dtype=np.float64)
    drawn = rng.random((2, len(segment))) * edges[:, -1]
    first, second = (
        (edges <= uniform[:, None]).sum(axis=1).clip(max=edges.shape[1] - 1) for uniform in drawn
    )
    contacted = visits.campaign != NOBODY
    names = list(behaviour.people.categories)
    of_campaign = np.array([names.index(name) for name in behaviour.campaigns.frame["category"]])
    return np.where(contacted, of_campaign[visits.campaign], first), second


def _segment_shares(categories: tuple[str, ...]) -> npt.NDArray[np.float64]:
    tastes = segment_tastes(categories)
    return np.asarray(tastes / tastes.sum(axis=1, keepdims=True))


def _pages(kind: IntArray, rng: np.random.Generator) -> IntArray:
    rule = parameters("behaviour")
    drawn = rng.integers(0, TABLE_SIZE, len(kind))
    usual, of_order = _page_table("session_length"), _page_table("order_session_length")
    pages = np.where(kind == ORDER, of_order[drawn], usual[drawn])
    fewest, most = rule["bots"]["pages"]
    return np.where(kind == BOT, rng.integers(fewest, most, len(kind)), pages)


@cache
def _page_table(length: str) -> IntArray:
    """Return the blocks of a session by lookup, from the events that sessions have in GA4."""
    rule = parameters("behaviour")
    beyond = np.maximum(quantile_table(rule[length]) - rule["first_events"], 0)
    return np.asarray(1 + np.round(beyond / rule["events_per_block"]), dtype=np.int64)
