"""Impressions that programs cause: lists they load in the shop, advertisements they open in bursts.

Their sessions are drawn in `sessions`, the rows of the source belong to `impressions`.
"""

import numpy as np
import polars as pl

from xbec_platform.world.behaviour import Behaviour, tastes_of_day
from xbec_platform.world.contacts import CONTACT_SCHEMA, STRANGER, contacts_of_day
from xbec_platform.world.spec import SECONDS_PER_DAY, parameters
from xbec_platform.world.streams import stream
from xbec_platform.world.visit_blocks import Displays, listed_products
from xbec_platform.world.visits import Visits
from xbec_platform.world.vocabulary import vocabulary


def bot_displays(behaviour: Behaviour, visits: Visits) -> Displays:
    """Return the lists that programs load in drawn visits, one with every page; nothing of them is clicked.

    Only some programs run the page's scripts, and with them load the list of the product page.
    """
    sessions, words = visits.sessions, vocabulary()
    rng = stream(behaviour.spec.seed, "bot impressions", sessions.day, sessions.part)
    loads = sessions.is_bot & (
        rng.random(len(sessions.kind)) < parameters("behaviour")["bots"]["runs_scripts"]
    )
    page = np.flatnonzero(loads[visits.session] & words.steps.is_page[visits.step])
    session = visits.session[page]
    tastes = tastes_of_day(behaviour, sessions.day)
    products = listed_products(tastes, sessions.segment[session], len(behaviour.examination), rng)
    slot = words.blocks.shows[words.blocks.names["product_slot"]]
    return Displays(
        session=session,
        slot=np.full(len(page), slot),
        rank=page,
        products=products,
        clicked=np.zeros(products.shape, dtype=bool),
        second=visits.second[page],
    )


def bot_contacts(behaviour: Behaviour, day: int) -> pl.DataFrame:
    """Return the advertisements that programs open on a day, in the columns of `contacts_of_day`.

    A channel's `bots` is their share of its impressions. They come in bursts: page after page within seconds, all
    positions of a page at once, none of them viewable or clicked, each of them paid.
    """
    shown = dict(contacts_of_day(behaviour, day)["campaign"].value_counts().iter_rows())
    channels = behaviour.campaigns.frame["channel"]
    parts = [
        _bursts(behaviour, number, str(channels[number]), count, day)
        for number, count in sorted(shown.items())
    ]
    return pl.concat([pl.DataFrame(schema=CONTACT_SCHEMA), *parts])


def _bursts(behaviour: Behaviour, campaign: int, channel: str, shown: int, day: int) -> pl.DataFrame:
    rule, bots = parameters("behaviour"), parameters("behaviour")["bots"]
    contact = rule["campaign_contacts"][channel]
    rng = stream(behaviour.spec.seed, "bot contacts", campaign, day)
    share, positions = contact.get("bots", 0.0), contact.get("positions", 1)
    shortest, longest = bots["burst"]
    expected = shown * share / (1 - share)
    size = rng.integers(shortest, longest, rng.poisson(expected * 2 / (shortest + longest)), endpoint=True)
    start = np.repeat(rng.integers(0, SECONDS_PER_DAY, len(size)), size)
    page, position = np.divmod(np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size), positions)
    return pl.DataFrame(
        {
            "campaign": np.full(len(start), campaign),
            "customer": np.full(len(start), STRANGER),
            "second": np.minimum(start + page // bots["pages_per_second"], SECONDS_PER_DAY - 1),
            "position": position + 1,
            "creative": page % rule["creatives_per_campaign"],
            "is_viewable": np.zeros(len(start), dtype=bool),
            "is_clicked": np.zeros(len(start), dtype=bool),
            "cost_hundredths_of_cent": np.full(len(start), round(contact["cost_eur"] * 10_000)),
        },
        schema=CONTACT_SCHEMA,
    )
