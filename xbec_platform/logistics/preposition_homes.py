"""Which centre each order is planned for. Quantities given the homes are in preposition_flow, tables elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from xbec_platform.logistics.preposition_flow import Floats, Group, Ints, send_quantities
from xbec_platform.logistics.preposition_model import Model

FEW_ORDERS = 8
"""Up to so many orders every single move and pair of moves is tried; above, pooling gains too little."""
MAX_PASSES = 4
LIKELY = 3


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Homes with their quantities.

    Attributes:
        home: Centre of each order, shape (K,).
        groups: (item, centre, members) in order.
        quantity: Pieces of each group.
        wish: Pieces of each group if nothing else wanted room or stock.
        cost: Expected, against sending nothing.
    """

    home: Ints
    groups: list[tuple[int, int, Ints]]
    quantity: Ints
    wish: Ints
    cost: float


def nearest_homes(model: Model) -> Ints:
    """The nearest centre of each order; ties by id."""
    return np.asarray(np.argmin(model.rank, axis=1)[model.zone_class])


def _gain(model: Model, members: Ints) -> Floats:
    """What a piece sent to each centre and used brings, of some orders; -inf where it cannot go."""
    gain = model.saving[model.zone_class[members]] - model.send[model.item[members]]
    return np.where(np.isfinite(gain), gain, -np.inf)


def _likely(model: Model, order: int) -> list[int]:
    """Centres worth trying for an order: the best few, and the worst, where it is out of the others' way."""
    gain = _gain(model, np.array([order]))[0]
    ranked = [int(one) for one in np.argsort(-gain, kind="stable") if np.isfinite(gain[one])]
    return ranked[:LIKELY] + ranked[LIKELY:][-1:]


def profitable_homes(model: Model) -> Ints:
    """The centre where a piece sent and used brings most; ties by id."""
    first = np.unique(model.zone_class, return_index=True)[1]
    return np.asarray(np.argmax(_gain(model, first), axis=1)[model.zone_class])


def nearest_cost(model: Model) -> float:
    """Expected cost of the shop rule: every piece to its nearest centre until room or stock is used up."""
    stock, room, total = model.stock.copy(), model.room.copy(), 0.0
    for _, _, group in _grouped(model, nearest_homes(model)):
        units = int(min(len(group.marginal), stock[group.product], room[group.centre]))
        stock[group.product] -= units
        room[group.centre] -= units
        total += float(group.marginal[:units].sum())
    return total


def best_homes(model: Model) -> Choice:
    """Try both rules, then move orders between centres while that pays."""
    reached = []
    for start in (profitable_homes(model), nearest_homes(model)):
        best = _choice(model, start)
        for _ in range(MAX_PASSES):
            moved = _choice(model, _improved(model, best))
            if moved.cost >= best.cost - 1e-9:
                break
            best = moved
        reached.append(best)
    return min(reached, key=lambda choice: choice.cost)


def _choice(model: Model, home: Ints) -> Choice:
    found = list(_grouped(model, home))
    quantity = send_quantities([group for _, _, group in found], model.stock, model.room)
    cost = sum(float(group.marginal[:n].sum()) for (_, _, group), n in zip(found, quantity, strict=True))
    wish = np.array([int((group.marginal < 0).sum()) for _, _, group in found], dtype=np.int64)
    groups = [(item, group.centre, members) for item, members, group in found]
    return Choice(home=home, groups=groups, quantity=quantity, wish=wish, cost=cost)


def _grouped(model: Model, home: Ints, members: Ints | None = None) -> Iterator[tuple[int, Ints, Group]]:
    """Items at centres in order, with the orders planned for them; of some orders only, if named."""
    among = np.arange(len(home)) if members is None else members
    key = model.item[among] * len(model.room) + home[among]
    order = np.argsort(key, kind="stable")
    edges = np.flatnonzero(np.diff(key[order])) + 1
    for part in np.split(among[order], edges):
        item, centre = int(model.item[part[0]]), int(home[part[0]])
        yield item, part, model.group(item, centre, part)


def _improved(model: Model, choice: Choice) -> Ints:
    """One pass over the products; each sees the room that the others leave. Few orders are looked at together."""
    home = choice.home.copy()
    if len(home) <= FEW_ORDERS:
        _climb(model, home, np.arange(len(home)), model.room)
        return home
    use = np.zeros(len(model.room), dtype=np.int64)
    own: dict[int, Ints] = {}
    for (item, centre, _), units in zip(choice.groups, choice.quantity, strict=True):
        use[centre] += units
        own.setdefault(int(model.product[item]), np.zeros_like(use))[centre] += units
    for one in sorted(own):
        members = np.flatnonzero(model.product[model.item] == one)
        if (_gain(model, members) <= 0).all():
            continue
        room = model.room - use + own[one]
        use = use - own[one] + _climb(model, home, members, room)
    return home


def _climb(model: Model, home: Ints, members: Ints, room: Ints) -> Ints:
    """Move some orders while that lowers their cost; changes `home`, returns the room they use."""
    now = _alone(model, home, members, room)
    if now is None:
        raise RuntimeError("costs of a plan at hand are always finite")
    while True:
        best, best_home = now, home
        for moved, centres in _moves(model, home, members, now.full):
            if not np.isfinite(model.saving[model.zone_class[moved], centres]).all():
                continue
            trial = home.copy()
            trial[moved] = centres
            found = _alone(model, trial, members, room, best.cost - 1e-9)
            if found is not None and found.cost < best.cost - 1e-9:
                best, best_home = found, trial
        if best is now:
            return now.use
        home[:] = best_home
        now = best


@dataclass(frozen=True, kw_only=True)
class _Alone:
    """Some orders by themselves: cost, room used, groups that find too little room with what they miss."""

    cost: float
    use: Ints
    full: list[tuple[Ints, int]]


def _alone(model: Model, home: Ints, members: Ints, room: Ints, ceiling: float = np.inf) -> _Alone | None:
    """None where even without limits the cost is not below the ceiling: most moves are seen through so."""
    found = list(_grouped(model, home, members))
    groups, parts = [group for _, _, group in found], [part for _, part, _ in found]
    if sum(group.best for group in groups) >= ceiling:
        return None
    quantity = send_quantities(groups, model.stock, room)
    centres = np.array([group.centre for group in groups])
    use = np.bincount(centres, weights=quantity, minlength=len(room)).astype(np.int64)
    cost, full = 0.0, []
    for group, part, units in zip(groups, parts, quantity, strict=True):
        cost += float(group.marginal[:units].sum())
        missing = int((group.marginal < 0).sum() - units)
        if missing and use[group.centre] >= room[group.centre]:
            full.append((part, missing))
    return _Alone(cost=cost, use=use, full=full)


def _moves(
    model: Model, home: Ints, members: Ints, full: list[tuple[Ints, int]]
) -> Iterator[tuple[Ints, Ints]]:
    """Orders and the centres they could move to.

    Few orders: each one and each two to any centres. Many: all of a zone, and those that find no room, to one centre.
    """
    n_centres = len(model.room)
    if len(members) <= FEW_ORDERS:
        likely = {order: _likely(model, order) for order in members.tolist()}
        for size in (1, 2):
            for part in combinations(members.tolist(), size):
                elsewhere = [[one for one in likely[order] if one != home[order]] for order in part]
                for centres in product(*elsewhere):
                    yield np.array(part), np.array(centres)
    elif full:
        zones = [members[model.zone_class[members] == one] for one in np.unique(model.zone_class[members])]
        for part in [*(part[-missing:] for part, missing in full), *zones]:
            for centre in range(n_centres):
                if (home[part] != centre).any():
                    yield part, np.full(len(part), centre)
