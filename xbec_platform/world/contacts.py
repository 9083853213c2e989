"""Whom campaigns contact on a day and who clicks; the visit that follows belongs to `visits`."""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.behaviour import Behaviour
from xbec_platform.world.people import People
from xbec_platform.world.spec import SECONDS_PER_DAY, parameters
from xbec_platform.world.streams import categorical, stream
from xbec_platform.world.vocabulary import examination

IntArray = npt.NDArray[np.int64]

CONTACT_SCHEMA = {
    "campaign": pl.Int64,
    "customer": pl.Int64,
    "second": pl.Int64,
    "position": pl.Int64,
    "creative": pl.Int64,
    "is_viewable": pl.Boolean,
    "is_clicked": pl.Boolean,
    "cost_hundredths_of_cent": pl.Int64,
}
# Customer of a contact with a stranger.
STRANGER = -1
# Days whose contacts are kept: events and impressions of a day ask for them several times.
KEPT_DAYS = 4


@lru_cache(maxsize=KEPT_DAYS)
def contacts_of_day(behaviour: Behaviour, day: int) -> pl.DataFrame:
    """Return the campaigns' impressions of a day outside the shop.

    Returns:
        campaign (index), customer (index, STRANGER when unknown), second of the day, position (1, 2, ...),
        creative, is_viewable, is_clicked, cost_hundredths_of_cent, sorted by second, campaign and customer.
    """
    frame = behaviour.campaigns.frame
    active = frame.with_row_index("campaign").filter((pl.col("start_day") <= day) & (day < pl.col("end_day")))
    parts = [_of_campaign(behaviour, rule, day) for rule in active.iter_rows(named=True)]
    empty = pl.DataFrame(schema=CONTACT_SCHEMA)
    return pl.concat([empty, *parts]).sort("second", "campaign", "customer", maintain_order=True)


def _of_campaign(behaviour: Behaviour, campaign: dict[str, Any], day: int) -> pl.DataFrame:
    number = int(campaign["campaign"])
    rule = parameters("behaviour")["campaign_contacts"][campaign["channel"]]
    rng = stream(behaviour.spec.seed, "contacts", number, day)
    customer = _contacted(behaviour, campaign, rule, day, rng)
    strangers = rng.poisson(rule.get("anonymous_per_day", 0.0) * behaviour.spec.people)
    who = np.concatenate([customer, np.full(strangers, STRANGER)])
    size = len(who)
    position = rng.integers(0, rule.get("positions", 1), size)
    viewable = rng.random(size) < rule["viewable"]
    interest = _interest(behaviour.people, campaign["category"], who)
    chance = rule["click"] * interest * examination(rule.get("positions", 1))[position]
    # A click of a stranger is a visit of an unknown visitor and is among those already.
    clicked = viewable & (who != STRANGER) & (rng.random(size) < chance)
    return pl.DataFrame(
        {
            "campaign": np.full(size, number),
            "customer": who,
            "second": _utc_seconds(behaviour.people, who, rng),
            "position": position + 1,
            "creative": rng.integers(0, parameters("behaviour")["creatives_per_campaign"], size),
            "is_viewable": viewable,
            "is_clicked": clicked,
            "cost_hundredths_of_cent": np.full(size, round(rule["cost_eur"] * 10_000)),
        },
        schema=CONTACT_SCHEMA,
    )


def _contacted(
    behaviour: Behaviour, campaign: dict[str, Any], rule: dict[str, Any], day: int, rng: np.random.Generator
) -> IntArray:
    """Return the customers contacted, once for each contact; an e-mail goes out once, on a drawn day."""
    people, number = behaviour.people, int(campaign["campaign"])
    here = behaviour.campaigns.treated[number] & (
        people.frame["erased_day"].fill_null(day + 1).to_numpy() > day
    )
    if rule["once"]:
        days = campaign["end_day"] - campaign["start_day"]
        sent = stream(behaviour.spec.seed, "contact day", number).integers(0, days, people.frame.height)
        return np.flatnonzero(here & (campaign["start_day"] + sent == day))
    return np.repeat(
        np.arange(people.frame.height), np.where(here, rng.poisson(rule["per_day"], people.frame.height), 0)
    )


def _interest(people: People, category: str, who: IntArray) -> npt.NDArray[np.float64]:
    """Return the factor on the chance of a click: 0.5 without any taste for the campaign's category, 1 on average."""
    taste = people.taste[:, people.categories.index(category)].astype(np.float64)
    return np.round(0.5 + 0.5 * taste[who] / max(float(taste.mean()), 1e-9), 6)


def _utc_seconds(people: People, who: IntArray, rng: np.random.Generator) -> IntArray:
    hour = categorical(rng.random(len(who)), parameters("behaviour")["hours"])
    local = hour * 3600 + rng.integers(0, 3600, len(who))
    offset = people.utc_offset_h[people.frame["market"].to_numpy()[who]]
    return np.asarray((local - offset * 3600) % SECONDS_PER_DAY, dtype=np.int64)
