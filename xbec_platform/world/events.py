"""Rows of the clickstream as the tracker sends them. What happens is drawn in `sessions` and `visits`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.arrivals import KIND_NAMES, parts_of_day
from xbec_platform.world.behaviour import Behaviour, tastes_of_day
from xbec_platform.world.sessions import TRACKER, draw_sessions
from xbec_platform.world.spec import parameters
from xbec_platform.world.streams import stream
from xbec_platform.world.visits import Visits, draw_visits
from xbec_platform.world.vocabulary import BLOCK_PLACEMENT, NO_PLACEMENT, vocabulary

if TYPE_CHECKING:
    from xbec_platform.world.plan import Plan

IntArray = npt.NDArray[np.int64]

TIME = pl.Datetime("us", "UTC")
MICROSECONDS = 1_000_000
# Tenths of a page's time that its visitor is active at least.
LEAST_ACTIVE_TENTHS = 6
STEP_DIGITS, SESSION_DIGITS, DAY_DIGITS = 5, 8, 4
COLUMNS = (
    "event_id",
    "ts",
    "received_ts",
    "session_id",
    "anonymous_id",
    "customer_id",
    "event_type",
    "page_type",
    "placement",
    "product_id",
    "category",
    "search_query",
    "search_results_n",
    "position",
    "referrer",
    "dwell_s",
    "country",
    "device",
    "app",
    "user_agent_class",
    "price_shown",
)


def events_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return all events of a day, by event_id.

    Returns:
        The columns of `events` in the data model. event_type, page_type, placement, category, referrer, country,
        device, app and user_agent_class are Enums of their texts; dwell_s is in seconds and null where the tracker
        does not know it; price_shown is the list price in EUR. ts is by the clock of the device, received_ts by the
        server's: late devices and slow clocks differ by up to hours. Purchases carry the exact time of their order.
    """
    return pl.concat(list(event_chunks(plan, day)), rechunk=False)


def event_chunks(plan: "Plan", day: int) -> Iterator[pl.DataFrame]:
    """Yield the events of a day part by part, each about 400,000 rows at most and drawn independently."""
    for part in range(parts_of_day(plan.behaviour, day)):
        yield event_chunk(plan, day, part)


def event_chunk(plan: "Plan", day: int, part: int) -> pl.DataFrame:
    """Return the events of one part of a day, see `sessions.parts_of_day`."""
    return visit_events(plan.behaviour, draw_visits(plan.behaviour, day, part))


def visit_events(behaviour: Behaviour, visits: Visits) -> pl.DataFrame:
    """Return the events of drawn visits in the columns of the source, heartbeats included."""
    sessions = visits.sessions
    rng = stream(behaviour.spec.seed, "events", sessions.day, sessions.part)
    repeats = visits.pings + 1
    row = np.repeat(np.arange(len(repeats)), repeats)
    beat = np.arange(len(row)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    session = visits.session[row]
    is_ping = beat > 0
    ids = session_ids(sessions.day, sessions.first_number, len(sessions.pages))
    of_session = sessions.columns.with_columns(ids.alias("session_id")).select(
        pl.all().gather(pl.Series(session))
    )
    first = np.searchsorted(session, np.arange(len(sessions.pages)))
    number = np.arange(len(row)) - first[session]
    of_step = _step_columns(behaviour, visits, rng)
    event_type = np.where(is_ping, _ping_type(), vocabulary().steps.event_type[visits.step[row]])
    beside_ping = ("placement", "search_query", "search_results_n", "position", "dwell_s", "price_shown")
    ping = pl.Series(is_ping)
    return (
        of_step.select(pl.all().gather(pl.Series(row)))
        .with_columns(pl.when(~ping).then(pl.col(name)).alias(name) for name in beside_ping)
        .with_columns(
            *of_session.get_columns(),
            *_times(behaviour, visits, row, beat, rng),
            _enum(event_type, vocabulary().event_types).alias("event_type"),
            (
                of_session["session_id"] + _step_numbers(int(number.max(initial=0))).gather(pl.Series(number))
            ).alias("event_id"),
        )
        .with_columns(pl.when(pl.Series(number == 0)).then("referrer").alias("referrer"))
        .select(COLUMNS)
    )


def session_ids(day: int, first_number: int, size: int) -> pl.Series:
    """Return the identifiers of consecutive sessions of a day."""
    number = pl.int_range(first_number, first_number + size, dtype=pl.Int64).cast(pl.String)
    prefix = f"S{day:0{DAY_DIGITS}d}-"
    return pl.select(pl.lit(prefix) + number.str.zfill(SESSION_DIGITS)).to_series()


def _step_numbers(last: int) -> pl.Series:
    number = pl.int_range(0, last + 1, dtype=pl.Int64).cast(pl.String).str.zfill(STEP_DIGITS)
    return pl.select(pl.lit("-") + number).to_series()


def _ping_type() -> int:
    return vocabulary().event_types.index("ping")


def _enum(index: IntArray, names: tuple[str, ...]) -> pl.Series:
    return pl.Series(index.astype(np.uint8)).cat.to(pl.Enum(names))


def _step_columns(behaviour: Behaviour, visits: Visits, rng: np.random.Generator) -> pl.DataFrame:
    """Return page_type, placement, product, category, query, position, time and price of steps."""
    words, steps = vocabulary(), vocabulary().steps
    step, product = visits.step, visits.product
    prices = tastes_of_day(behaviour, visits.sessions.day).prices
    null = len(prices) - 1
    category = np.where(steps.has_category[step], product, null)
    placement = np.where(steps.placement[step] == BLOCK_PLACEMENT, visits.placement, steps.placement[step])
    placements = pl.Series([*words.placements, None], dtype=pl.Enum(words.placements))
    placement = np.where(placement == NO_PLACEMENT, len(words.placements), placement)
    query = pl.Series(behaviour.queries.index(steps.query[step], product, visits.number))
    position = pl.Series(visits.position.astype(np.int16)).cast(pl.Int32)
    return pl.DataFrame(
        {
            "page_type": _enum(steps.page_type[step], words.page_types),
            "placement": placements.gather(pl.Series(placement)),
            "product_id": behaviour.product_ids.gather(
                pl.Series(np.where(steps.has_product[step], product, null))
            ),
            "category": behaviour.category_paths.gather(pl.Series(category)),
            "search_query": behaviour.queries.text.gather(query),
            "search_results_n": behaviour.queries.results.gather(query),
            "position": pl.select(pl.when(position > 0).then(position)).to_series(),
            "dwell_s": _dwell(visits, rng),
            "price_shown": prices.gather(pl.Series(np.where(steps.has_price[step], product, null))),
        }
    )


def _dwell(visits: Visits, rng: np.random.Generator) -> pl.Series:
    """Return the time a tracker reports: null on a session's last page, 0 of programs, hours in an idle tab."""
    sessions, idle = visits.sessions, parameters("behaviour")["idle"]
    size = len(visits.step)
    tenths = rng.integers(LEAST_ACTIVE_TENTHS, 10, size, endpoint=True, dtype=np.uint8)
    seconds = np.round(visits.active * tenths / 10, 1)
    left_open = np.flatnonzero(rng.random(size, dtype=np.float32) < idle["share"])
    shortest, longest = idle["seconds"]
    seconds[left_open] = rng.integers(shortest, longest, len(left_open))
    seconds[sessions.is_bot[visits.session]] = 0.0
    reported = (
        (sessions.dwell == TRACKER)[visits.session]
        & vocabulary().steps.is_page[visits.step]
        & ~visits.is_last
    )
    return pl.select(pl.when(pl.Series(reported)).then(pl.Series(seconds))).to_series()


def _times(
    behaviour: Behaviour, visits: Visits, row: IntArray, beat: IntArray, rng: np.random.Generator
) -> tuple[pl.Series, pl.Series]:
    """Return ts by the device's clock and received_ts by the server's."""
    sessions, rule = visits.sessions, parameters("behaviour")
    session = visits.session[row]
    quickest, slowest = rule["arrival"]["usual_s"]
    usual = rng.integers(quickest, slowest, len(row), endpoint=True, dtype=np.uint8)
    happened = behaviour.spec.midnight(sessions.day) + visits.second[row] + beat * rule["heartbeat_s"]
    ts = happened - sessions.slow_s[session]
    received = happened + usual + sessions.late_s[session]
    return (
        (pl.Series(ts) * MICROSECONDS).cast(TIME).alias("ts"),
        (pl.Series(received) * MICROSECONDS).cast(TIME).alias("received_ts"),
    )


def truth_sessions(plan: "Plan", day: int) -> pl.DataFrame:
    """Return what no model may see of the sessions of a day: session_id, kind, customer_id, segment, is_bot."""
    people = plan.people
    ids = people.frame["customer_id"].extend_constant(None, 1)
    parts = []
    for part in range(parts_of_day(plan.behaviour, day)):
        sessions = draw_sessions(plan.behaviour, day, part)
        customer = np.where(sessions.customer < 0, people.frame.height, sessions.customer)
        parts.append(
            pl.DataFrame(
                {
                    "session_id": session_ids(day, sessions.first_number, len(sessions.kind)),
                    "kind": _enum(sessions.kind, KIND_NAMES),
                    "customer_id": ids.gather(pl.Series(customer)),
                    "segment": _enum(sessions.segment, people.segments),
                    "is_bot": sessions.is_bot,
                }
            )
        )
    return pl.concat(parts)
