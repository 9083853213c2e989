"""What visitors do in their sessions, step by step with its time; the rows of the source belong to `events`."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from xbec_platform.world.arrivals import ORDER
from xbec_platform.world.behaviour import Behaviour, tastes_of_day
from xbec_platform.world.sessions import HEARTBEAT, Sessions, draw_sessions
from xbec_platform.world.spec import SECONDS_PER_DAY, parameters
from xbec_platform.world.streams import stream
from xbec_platform.world.visit_blocks import (
    RANKS_PER_BLOCK,
    Displays,
    VisitBlocks,
    browsing_blocks,
    draw_displays,
    merged,
    order_blocks,
    slot_click_blocks,
)
from xbec_platform.world.vocabulary import TABLE_SIZE, quantile_table, vocabulary

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Seconds to what happens on a page: 1 to 4.
SHORT_GAPS = 4


@dataclass(frozen=True, kw_only=True)
class Visits:
    """All steps of the sessions of a part of a day, in order; arrays have one entry per step unless said.

    Attributes:
        sessions: Who.
        displays: Recommendations shown.
        session: Row of the session.
        step: Kind of event, see `vocabulary.Steps`.
        product: Product of the block.
        position: Position of a click in a list from 1, 0 without one.
        placement: Index into `placements` of the block or NO_PLACEMENT.
        number: Number that chooses among wordings of a query.
        gap: Seconds until the next step.
        active: Seconds of them in which the visitor is active.
        second: Second of the day.
        pings: Heartbeats on this page.
        is_last: Whether it is the last step of its session.
    """

    sessions: Sessions
    displays: Displays
    session: IntArray
    step: IntArray
    product: IntArray
    position: IntArray
    placement: IntArray
    number: IntArray
    gap: IntArray
    active: FloatArray
    second: IntArray
    pings: IntArray
    is_last: BoolArray


def draw_visits(behaviour: Behaviour, day: int, part: int) -> Visits:
    """Return what happens in a part of a day; the same arguments give the same steps."""
    sessions = draw_sessions(behaviour, day, part)
    rng = stream(behaviour.spec.seed, "visits", day, part)
    tastes = tastes_of_day(behaviour, day)
    browsing = browsing_blocks(behaviour, sessions, tastes, rng)
    displays = draw_displays(behaviour, sessions, tastes, browsing, rng)
    blocks = merged([browsing, slot_click_blocks(displays), order_blocks(behaviour, sessions)])
    return _steps(sessions, displays, blocks, rng)


def _steps(sessions: Sessions, displays: Displays, blocks: VisitBlocks, rng: np.random.Generator) -> Visits:
    """Return the steps of all blocks with their times."""
    words = vocabulary()
    length = words.blocks.length[blocks.kind]
    start = np.cumsum(length) - length
    block = np.repeat(np.arange(len(length)), length)
    step = words.blocks.steps[words.blocks.first[blocks.kind][block] + np.arange(len(block)) - start[block]]
    session = blocks.session[block]
    gap = _gaps(sessions, session, step, rng)
    first = np.searchsorted(session, np.arange(len(sessions.pages) + 1))
    second = _seconds(sessions, session, first, gap)
    # What was cut at midnight took no time.
    gap[:-1] = np.where(session[1:] == session[:-1], np.diff(second), gap[:-1])
    gap = np.minimum(gap, SECONDS_PER_DAY - 1 - second)
    heartbeat = (sessions.dwell == HEARTBEAT)[session] & words.steps.is_page[step] & ~sessions.is_bot[session]
    is_last = np.zeros(len(session), dtype=bool)
    is_last[first[1:] - 1] = True
    active = _active(gap, is_last)
    rule = parameters("behaviour")
    beats = (active // rule["heartbeat_s"]).astype(np.int64)
    pings = np.where(heartbeat, np.minimum(beats, rule["most_heartbeats"]), 0)
    clicked = words.steps.in_list[step] | (step == _click_step())
    return Visits(
        sessions=sessions,
        displays=_timed(displays, blocks, second[start]),
        session=session,
        step=step,
        product=blocks.product[block],
        position=np.where(clicked, blocks.position[block], 0),
        placement=blocks.placement[block],
        number=blocks.rank[block] // RANKS_PER_BLOCK + session,
        gap=gap,
        active=active,
        second=second,
        pings=pings,
        is_last=is_last,
    )


@cache
def _click_step() -> int:
    return list(parameters("behaviour")["steps"]).index("recs_click")


@cache
def _page_seconds() -> IntArray:
    return np.round(quantile_table(parameters("behaviour")["page_seconds"])).astype(np.int64)


def _gaps(sessions: Sessions, session: IntArray, step: IntArray, rng: np.random.Generator) -> IntArray:
    """Return seconds from each step to the next one: long on pages, short on what is done there."""
    steps = vocabulary().steps
    drawn = rng.integers(0, TABLE_SIZE, len(step), dtype=np.uint16)
    gap = np.where(steps.is_page[step], _page_seconds()[drawn], 1 + drawn % SHORT_GAPS)
    gap[steps.is_instant[step]] = 0
    low, high = parameters("behaviour")["bots"]["gap_s"]
    return np.where(sessions.is_bot[session], low + drawn % (high - low + 1), gap)


def _active(gap: IntArray, is_last: BoolArray) -> FloatArray:
    """Return seconds in which the visitor is active: all at first, fewer and fewer the longer the page is open."""
    rule = parameters("behaviour")["active"]
    # Square roots are equal on every machine, other powers are not.
    active = np.where(gap <= rule["fully_s"], gap, np.sqrt(rule["fully_s"] * gap))
    active[is_last] *= rule["last_page"]
    return np.asarray(active)


def _seconds(sessions: Sessions, session: IntArray, first: IntArray, gap: IntArray) -> IntArray:
    """Return the second of the day of each step; sessions end within their day, an order at its time."""
    elapsed = np.cumsum(gap) - gap
    elapsed -= elapsed[first[:-1]][session]
    until_last = elapsed[first[1:] - 1]
    latest = SECONDS_PER_DAY - 1 - until_last
    start = np.where(
        sessions.kind == ORDER, sessions.second - until_last, np.minimum(sessions.second, latest)
    )
    # A purchase soon after midnight follows a quick visit: nothing of it lies in the day before.
    return np.asarray(np.clip(start[session] + elapsed, 0, SECONDS_PER_DAY - 1))


def _timed(displays: Displays, blocks: VisitBlocks, opened: IntArray) -> Displays:
    """Return the displays with the time at which their page was opened."""
    key = (blocks.session << 32) + blocks.rank
    place = np.searchsorted(key, (displays.session << 32) + displays.rank)
    return Displays(
        session=displays.session,
        slot=displays.slot,
        rank=displays.rank,
        products=displays.products,
        clicked=displays.clicked,
        second=opened[place],
    )
