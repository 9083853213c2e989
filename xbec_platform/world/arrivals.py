"""Who comes to the shop on a day and when: for an order, from a campaign or just so. Devices are in `sessions`."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xbec_platform.world.behaviour import Behaviour
from xbec_platform.world.contacts import contacts_of_day
from xbec_platform.world.spec import parameters
from xbec_platform.world.streams import categorical

IntArray = npt.NDArray[np.int64]

NOBODY = -1
ORDER, CONTACT, MEMBER, NEW_VISITOR, RETURNING_VISITOR, BOT = range(6)
KIND_NAMES = ("order", "campaign", "member", "new_visitor", "returning_visitor", "bot")


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """Sessions in the order of their numbers; arrays have one entry each.

    Attributes:
        kind: ORDER, CONTACT, MEMBER, NEW_VISITOR, RETURNING_VISITOR or BOT.
        customer: Index, NOBODY for a stranger.
        second: Second of the day, in local time unless of an order or a contact.
        order: Row of `Behaviour.orders`, NOBODY without one.
        campaign: Index of the campaign whose contact was clicked, NOBODY without one.
    """

    kind: IntArray
    customer: IntArray
    second: IntArray
    order: IntArray
    campaign: IntArray


def parts_of_day(behaviour: Behaviour, day: int) -> int:
    """Return in how many independent parts a day is drawn."""
    most = int(parameters("behaviour")["chunk_sessions"])
    return max(-(-_sessions(behaviour, day) // most), 1)


def _sessions(behaviour: Behaviour, day: int) -> int:
    first = behaviour.orders.first_of_day
    contacts = int(contacts_of_day(behaviour, day)["is_clicked"].sum())
    return int(behaviour.sessions_of_day[day] + first[day + 1] - first[day] + contacts)


def _share(total: int, part: int, parts: int) -> tuple[int, int]:
    return total * part // parts, total * (part + 1) // parts


def numbers_of_part(behaviour: Behaviour, day: int, part: int) -> tuple[int, int]:
    """Return the number of the first session of a part and that after its last one."""
    return _share(_sessions(behaviour, day), part, parts_of_day(behaviour, day))


def draw_arrivals(behaviour: Behaviour, day: int, part: int, rng: np.random.Generator) -> Arrivals:
    """Return what brings the visitors: orders, contacts of campaigns, and all others."""
    spec, orders = behaviour.spec, behaviour.orders
    parts = parts_of_day(behaviour, day)
    total = _share(_sessions(behaviour, day), part, parts)
    begin, end = orders.first_of_day[day], orders.first_of_day[day + 1]
    low, high = _share(int(end - begin), part, parts)
    order = np.arange(begin + low, begin + high)
    contacts = contacts_of_day(behaviour, day).filter("is_clicked")
    low, high = _share(contacts.height, part, parts)
    contacts = contacts[low:high]
    others = total[1] - total[0] - len(order) - contacts.height
    shares = list(parameters("behaviour")["session_kinds"].values())
    kind = np.concatenate(
        [
            np.full(len(order), ORDER),
            np.full(contacts.height, CONTACT),
            MEMBER + categorical(rng.random(others), shares),
        ]
    )
    customer = np.full(len(kind), NOBODY)
    customer[: len(order)] = orders.customer[order]
    customer[kind == CONTACT] = contacts["customer"].to_numpy()
    members = kind == MEMBER
    customer[members] = _members(behaviour, day, rng.random(int(members.sum())))
    second = np.zeros(len(kind), dtype=np.int64)
    second[: len(order)] = orders.ts[order] - spec.midnight(day)
    second[kind == CONTACT] = contacts["second"].to_numpy()
    second[kind >= MEMBER] = _seconds(rng, others)
    known = np.full((2, len(kind)), NOBODY)
    known[0, : len(order)] = order
    known[1, kind == CONTACT] = contacts["campaign"].to_numpy()
    in_time = np.argsort(second, kind="stable")
    return Arrivals(
        kind=kind[in_time],
        customer=customer[in_time],
        second=second[in_time],
        order=known[0][in_time],
        campaign=known[1][in_time],
    )


def _members(behaviour: Behaviour, day: int, uniform: npt.NDArray[np.float64]) -> IntArray:
    """Return customers who visit, by their propensity; nobody registered yet gives NOBODY."""
    frame = behaviour.people.frame
    here = (frame["joined_day"].to_numpy() < day) & (frame["erased_day"].fill_null(day + 1).to_numpy() > day)
    edges = np.cumsum(np.where(here, behaviour.visit_weight, 0.0), dtype=np.float64)
    if edges[-1] == 0:
        return np.full(len(uniform), NOBODY)
    return np.asarray(np.minimum(np.searchsorted(edges, uniform * edges[-1], side="right"), len(edges) - 1))


def _seconds(rng: np.random.Generator, size: int) -> IntArray:
    """Return local seconds of the day by the hours of behaviour.yml."""
    hour = categorical(rng.random(size), parameters("behaviour")["hours"])
    return np.asarray(hour * 3600 + rng.integers(0, 3600, size))
