"""Rows of impressions: campaigns outside the shop and recommendation slots within it. Clicks are events."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.arrivals import BOT, draw_arrivals, numbers_of_part, parts_of_day
from xbec_platform.world.behaviour import Behaviour
from xbec_platform.world.bot_traffic import bot_contacts, bot_displays
from xbec_platform.world.contacts import STRANGER, contacts_of_day
from xbec_platform.world.events import session_ids
from xbec_platform.world.sessions import session_stream
from xbec_platform.world.spec import parameters
from xbec_platform.world.streams import stream
from xbec_platform.world.visits import Visits, draw_visits
from xbec_platform.world.vocabulary import vocabulary

if TYPE_CHECKING:
    from xbec_platform.world.plan import Plan

IntArray = npt.NDArray[np.int64]

TIME = pl.Datetime("us", "UTC")
MONEY = pl.Decimal(18, 4)
MICROSECONDS = 1_000_000
IMPRESSION_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "impression_id": pl.String,
    "ts": TIME,
    "campaign_id": pl.String,
    "slot_id": pl.String,
    "creative_id": pl.String,
    "customer_id": pl.String,
    "session_id": pl.String,
    "product_id": pl.String,
    "position": pl.Int32,
    "viewable": pl.Boolean,
    "cost": MONEY,
}


def impressions_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return the impressions of a day, by impression_id.

    Returns:
        impression_id, ts, campaign_id or slot_id (the other is null), creative_id, customer_id (null: unknown),
        session_id and product_id (of slots), position from 1, viewable, cost (EUR; null for slots). A click on a
        slot is an event `click` of the same session, slot (placement), product and position; a click on a
        campaign starts a session with a `click` whose placement is the campaign.
    """
    behaviour = plan.behaviour
    parts = [_outside(behaviour, day)]
    parts += [
        slot_impressions(behaviour, draw_visits(behaviour, day, part))
        for part in range(parts_of_day(behaviour, day))
    ]
    return pl.concat(parts)


def _outside(behaviour: Behaviour, day: int) -> pl.DataFrame:
    """Return the impressions of campaigns."""
    contacts = _advertised(behaviour, day)
    ids = behaviour.people.frame["customer_id"].extend_constant(None, 1)
    customer = contacts["customer"].to_numpy()
    campaign = behaviour.campaigns.frame["campaign_id"].gather(contacts["campaign"])
    return contacts.select(
        "impression_id",
        ((behaviour.spec.midnight(day) + pl.col("second")) * MICROSECONDS).cast(TIME).alias("ts"),
        campaign.alias("campaign_id"),
        pl.lit(None, dtype=pl.String).alias("slot_id"),
        (campaign + "-" + (pl.col("creative") + 1).cast(pl.String)).alias("creative_id"),
        ids.gather(pl.Series(np.where(customer == STRANGER, len(ids) - 1, customer))).alias("customer_id"),
        pl.lit(None, dtype=pl.String).alias("session_id"),
        pl.lit(None, dtype=pl.String).alias("product_id"),
        pl.col("position").cast(pl.Int32),
        pl.col("is_viewable").alias("viewable"),
        _cost(pl.col("cost_hundredths_of_cent")).alias("cost"),
    )


def _advertised(behaviour: Behaviour, day: int) -> pl.DataFrame:
    """Return the contacts of people and programs in the order of time, with impression_id and is_bot (truth)."""
    people, programs = contacts_of_day(behaviour, day), bot_contacts(behaviour, day)
    both = pl.concat([people.with_columns(is_bot=False), programs.with_columns(is_bot=True)])
    return both.sort("second", "campaign", "customer", maintain_order=True).with_columns(
        _numbered(f"I{day:04d}-C", 0, both.height).alias("impression_id")
    )


def _cost(hundredths_of_cent: pl.Expr) -> pl.Expr:
    """Return ten-thousandths of the currency as exact decimals."""
    whole, part = hundredths_of_cent // 10_000, hundredths_of_cent % 10_000
    return (whole.cast(pl.String) + "." + part.cast(pl.String).str.zfill(4)).cast(MONEY)


def _numbered(prefix: str, first: int, size: int) -> pl.Series:
    number = pl.int_range(first, first + size, dtype=pl.Int64).cast(pl.String).str.zfill(8)
    return pl.select(pl.lit(prefix) + number).to_series()


def slot_impressions(behaviour: Behaviour, visits: Visits) -> pl.DataFrame:
    """Return the impressions of recommendation slots of drawn visits, one row per product shown."""
    sessions, people, programs = visits.sessions, visits.displays, bot_displays(behaviour, visits)
    in_order = np.argsort(np.concatenate([people.session, programs.session]), kind="stable")

    def shown(of_people: npt.NDArray[Any], of_programs: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """One entry per product shown, in the order of sessions."""
        lists = np.concatenate([of_people, of_programs])[in_order]
        return lists.ravel() if lists.ndim > 1 else np.repeat(lists, positions)

    positions = people.products.shape[1]
    session = shown(people.session, programs.session)
    viewable = shown(_viewable(behaviour, visits), programs.clicked)
    second = behaviour.spec.midnight(sessions.day) + shown(people.second, programs.second)
    ts = second - sessions.slow_s[session]
    ids = session_ids(sessions.day, sessions.first_number, len(sessions.kind))
    slot = pl.Series(vocabulary().placements).gather(pl.Series(shown(people.slot, programs.slot)))
    chosen = pl.Series(session)
    return pl.DataFrame(
        {
            "impression_id": _numbered(f"I{sessions.day:04d}-R{sessions.part:04d}-", 0, len(session)),
            "ts": (pl.Series(ts) * MICROSECONDS).cast(TIME),
            "campaign_id": pl.Series([None], dtype=pl.String).new_from_index(0, len(session)),
            "slot_id": slot,
            "creative_id": slot + "-list",
            "customer_id": sessions.columns["customer_id"].gather(chosen),
            "session_id": ids.gather(chosen),
            "product_id": behaviour.product_ids.gather(pl.Series(shown(people.products, programs.products))),
            "position": pl.Series(np.tile(np.arange(positions) + 1, len(in_order)), dtype=pl.Int32),
            "viewable": viewable,
            "cost": pl.Series([None], dtype=MONEY).new_from_index(0, len(session)),
        },
        schema=IMPRESSION_SCHEMA,
    )


def _viewable(behaviour: Behaviour, visits: Visits) -> npt.NDArray[np.bool_]:
    """Return what of the lists was on people's screens, [displays x positions]; a click proves it."""
    rule, shape = parameters("behaviour")["slot_viewable"], visits.displays.products.shape
    rng = stream(behaviour.spec.seed, "viewable", visits.sessions.day, visits.sessions.part)
    chance = rule["first"] + rule["step"] * np.arange(shape[1])
    return np.asarray((rng.random(shape) < chance) | visits.displays.clicked)


def truth_bots(plan: "Plan") -> pl.DataFrame:
    """Return what programs did: day, and session_id or (of an advertisement they opened) impression_id.

    Every event and every impression of such a session is a program's.
    """
    behaviour = plan.behaviour
    parts = []
    for day in range(plan.spec.days):
        for part in range(parts_of_day(behaviour, day)):
            kind = draw_arrivals(behaviour, day, part, session_stream(behaviour, day, part)).kind
            ids = session_ids(day, numbers_of_part(behaviour, day, part)[0], len(kind))
            parts.append(pl.DataFrame({"day": day, "session_id": ids.filter(pl.Series(kind == BOT))}))
        opened = _advertised(behaviour, day).filter("is_bot").select("impression_id")
        parts.append(opened.with_columns(day=pl.lit(day)))
    schema = {"day": pl.Int32, "session_id": pl.String, "impression_id": pl.String}
    return pl.concat([pl.DataFrame(schema=schema), *parts], how="diagonal_relaxed")


def truth_examination(plan: "Plan") -> pl.DataFrame:
    """Return the chance that a visitor looks at a position: slot_id, position, examination."""
    chance, slots = plan.behaviour.examination, vocabulary().slots
    return pl.DataFrame(
        {
            "slot_id": [slot for slot in slots for _ in chance],
            "position": list(range(1, len(chance) + 1)) * len(slots),
            "examination": np.tile(chance, len(slots)),
        }
    )
