"""Rows of impressions: campaigns outside the shop and recommendation slots within it. Clicks are events."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.arrivals import parts_of_day
from xbec_platform.world.behaviour import Behaviour
from xbec_platform.world.contacts import STRANGER, contacts_of_day
from xbec_platform.world.events import session_ids
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
    contacts = contacts_of_day(behaviour, day)
    ids = behaviour.people.frame["customer_id"].extend_constant(None, 1)
    customer = contacts["customer"].to_numpy()
    campaign = behaviour.campaigns.frame["campaign_id"].gather(contacts["campaign"])
    return contacts.select(
        _numbered(f"I{day:04d}-C", 0, contacts.height).alias("impression_id"),
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


def _cost(hundredths_of_cent: pl.Expr) -> pl.Expr:
    """Return ten-thousandths of the currency as exact decimals."""
    whole, part = hundredths_of_cent // 10_000, hundredths_of_cent % 10_000
    return (whole.cast(pl.String) + "." + part.cast(pl.String).str.zfill(4)).cast(MONEY)


def _numbered(prefix: str, first: int, size: int) -> pl.Series:
    number = pl.int_range(first, first + size, dtype=pl.Int64).cast(pl.String).str.zfill(8)
    return pl.select(pl.lit(prefix) + number).to_series()


def slot_impressions(behaviour: Behaviour, visits: Visits) -> pl.DataFrame:
    """Return the impressions of recommendation slots of drawn visits, one row per product shown."""
    sessions, displays = visits.sessions, visits.displays
    lists, positions = displays.products.shape
    session = np.repeat(displays.session, positions)
    position = np.tile(np.arange(positions), lists)
    rule = parameters("behaviour")["slot_viewable"]
    rng = stream(behaviour.spec.seed, "viewable", sessions.day, sessions.part)
    viewable = (rng.random(len(session)) < rule["first"] + rule["step"] * position) | displays.clicked.ravel()
    slots = pl.Series(vocabulary().placements)
    second = behaviour.spec.midnight(sessions.day) + np.repeat(displays.second, positions)
    ts = second - sessions.slow_s[session]
    ids = session_ids(sessions.day, sessions.first_number, len(sessions.kind))
    slot = slots.gather(pl.Series(np.repeat(displays.slot, positions)))
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
            "product_id": behaviour.product_ids.gather(pl.Series(displays.products.ravel())),
            "position": pl.Series(position + 1, dtype=pl.Int32),
            "viewable": viewable,
            "cost": pl.Series([None], dtype=MONEY).new_from_index(0, len(session)),
        },
        schema=IMPRESSION_SCHEMA,
    )


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
