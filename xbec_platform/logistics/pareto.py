"""All efficient ways from one place to every other: none is both cheaper and sooner. Rates and names: not here.

Time is expanded where it is needed only: an arc is left at its next departure, so that arriving earlier never means
leaving later (FIFO). That is what makes dropping a dominated way exact (Cooke & Halsey 1966).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbec_platform.logistics.closures import DAY, Ints, OpenDays

WEEK = 7
EVERY_DAY = 127
_NEVER = 127


def _waits() -> Ints:
    """Days from a weekday (0 = Monday) to the next one of a mask (bit 0 = Monday), today included."""
    table = np.full((128, WEEK), _NEVER, dtype=np.int64)
    for mask in range(1, 128):
        for day in range(WEEK):
            table[mask, day] = next(wait for wait in range(WEEK) if mask >> (day + wait) % WEEK & 1)
    return table


_WAIT = _waits()


@dataclass(frozen=True, kw_only=True)
class Arcs:
    """Arcs of a network, in any order.

    Attributes:
        tail: Node an arc leaves.
        head: Node it reaches.
        cost: Ticks, not negative.
        transit: Minutes from departure to arrival, above 0.
        weekdays: Mask of the days with a departure, bit 0 = Monday; 127 with `cut_off` -1: leaves at once.
        cut_off: Minute of the day by which goods must be there, and at which they leave; -1: any time.
        days: Calendars that the next two name by number; None: every day is open everywhere, and nothing is cleared.
        calendar: Days on which goods leave, -1 = all; None = all.
        clearing: Days on which customs clear goods before they leave, -1 = no customs; None = none.
        clearing_minutes: How long customs take, counted on open days; 0 without customs.
    """

    tail: Ints
    head: Ints
    cost: Ints
    transit: Ints
    weekdays: Ints
    cut_off: Ints
    days: OpenDays | None = None
    calendar: Ints | None = None
    clearing: Ints | None = None
    clearing_minutes: Ints | None = None

    def __post_init__(self) -> None:
        """Refuse what would make the search wrong or endless; the caller names such rows beforehand."""
        if (self.cost < 0).any() or (self.transit <= 0).any():
            raise ValueError("costs must not be negative and transit times must be above 0")
        if ((self.weekdays < 1) | (self.weekdays > EVERY_DAY)).any():
            raise ValueError("weekdays must be a mask from 1 to 127")

    def departure(self, arc: Ints, ready: Ints, customs: Ints | None = None) -> Ints:
        """When goods that are ready at a minute leave by an arc. Minute 0 is a Monday, 00:00.

        Being ready later never means leaving earlier: every step keeps the order of times.

        Args:
            arc: Arcs.
            ready: Minutes, one by arc.
            customs: Minutes in customs in place of `clearing_minutes`.
        """
        leaves = self.cleared(arc, ready, customs)
        cut_off = self.cut_off[arc]
        waits = np.flatnonzero(cut_off >= 0)
        if len(waits):
            day, cut = leaves[waits] // DAY, cut_off[waits]
            day += leaves[waits] % DAY > cut
            leaves[waits] = self._open_day(arc[waits], day) * DAY + cut
        if self.days is not None and self.calendar is not None:
            free = np.flatnonzero((cut_off < 0) & (self.calendar[arc] >= 0))
            day = leaves[free] // DAY
            opened = self._open_day(arc[free], day)
            leaves[free] = np.where(opened > day, opened * DAY, leaves[free])
        return leaves

    def cleared(self, arc: Ints, ready: Ints, customs: Ints | None = None) -> Ints:
        """When goods have passed the customs that come before an arc; arguments as of `departure`."""
        free = ready.copy()
        if self.days is not None and self.clearing is not None and self.clearing_minutes is not None:
            held = np.flatnonzero(self.clearing[arc] >= 0)
            took = (self.clearing_minutes[arc] if customs is None else customs)[held]
            free[held] = self.days.after(self.clearing[arc[held]], ready[held], took)
        return free

    def _open_day(self, arc: Ints, day: Ints) -> Ints:
        """The first day from a day on with a departure that falls on no closed day."""
        day = day + _WAIT[self.weekdays[arc], day % WEEK]
        if self.days is None or self.calendar is None:
            return day
        shut = self.days.shut(self.calendar[arc], day)
        while shut.any():
            later = day[shut] + 1
            day[shut] = later + _WAIT[self.weekdays[arc[shut]], later % WEEK]
            shut = self.days.shut(self.calendar[arc], day)
        return day


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Efficient ways, sorted by node and time; `row` is where `all_arc` and `all_parent` lead back to the source."""

    node: Ints
    cost: Ints
    time: Ints
    row: Ints
    all_arc: Ints
    all_parent: Ints

    def way(self, number: int) -> list[int]:
        """Arcs of an efficient way in order."""
        arcs, row = [], int(self.row[number])
        while self.all_parent[row] >= 0:
            arcs.append(int(self.all_arc[row]))
            row = int(self.all_parent[row])
        return arcs[::-1]


def pareto_labels(arcs: Arcs, *, source: int, n_nodes: int, start: int, max_legs: int) -> Labels:
    """Find all efficient (cost, time) pairs of every node that is reached with at most `max_legs` arcs.

    Labels are extended leg by leg, all of a round at once; those of a node are merged by sorting them by time and
    keeping what is cheaper than everything before. Of equal pairs the one with fewer legs, then lower arc, stays.

    Args:
        arcs: The network.
        source: Where the goods are.
        n_nodes: Nodes are 0 .. n_nodes - 1.
        start: Minute at which they are ready.
        max_legs: Most arcs of a way.
    """
    order = np.lexsort((np.arange(len(arcs.tail)), arcs.tail))
    first = np.searchsorted(arcs.tail[order], np.arange(n_nodes + 1))
    kept: tuple[Ints, ...] = tuple(np.array([value], dtype=np.int64) for value in (source, 0, start, 0))
    all_arc, all_parent = [np.array([-1], dtype=np.int64)], [np.array([-1], dtype=np.int64)]
    frontier, n_rows = kept, 1
    for _ in range(max_legs):
        f_node, f_cost, f_time, f_row = frontier
        degree = first[f_node + 1] - first[f_node]
        total = int(degree.sum())
        if not total:
            break
        label = np.repeat(np.arange(len(f_node)), degree)
        within = np.arange(total) - np.repeat(np.cumsum(degree) - degree, degree)
        arc = order[first[f_node][label] + within]
        n_cost = f_cost[label] + arcs.cost[arc]
        n_time = arcs.departure(arc, f_time[label]) + arcs.transit[arc]
        # Sorting is dear: what the cheapest or the fastest of its node beats is left out first, most of all.
        new = _not_beaten(arcs.head[arc], n_cost, n_time, n_nodes)
        new = new[_not_beaten(arcs.head[arc[new]], n_time[new], n_cost[new], n_nodes)]
        new = new[_efficient(arcs.head[arc[new]], n_cost[new], n_time[new])]
        arc, label = arc[new], label[new]
        rows = n_rows + np.arange(len(arc))
        arrived: tuple[Ints, ...] = (arcs.head[arc], n_cost[new], n_time[new], rows)
        kept, arrived = _merged(kept, arrived, n_nodes)
        fresh = arrived[3] >= n_rows
        frontier = tuple(values[fresh] for values in arrived)
        all_arc.append(arc)
        all_parent.append(f_row[label])
        n_rows += len(arc)
        if not fresh.any():
            break
    node, cost, time, row = kept
    order = _sorted(node, time, cost)
    return Labels(
        node=node[order],
        cost=cost[order],
        time=time[order],
        row=row[order],
        all_arc=np.concatenate(all_arc),
        all_parent=np.concatenate(all_parent),
    )


def _merged(
    kept: tuple[Ints, ...], arrived: tuple[Ints, ...], n_nodes: int
) -> tuple[tuple[Ints, ...], tuple[Ints, ...]]:
    """All labels that are efficient, and those of them whose node was reached in this round.

    Only nodes that are reached again have anything to compare; in a layered network none is.
    """
    is_reached = np.zeros(n_nodes, dtype=np.bool_)
    is_reached[arrived[0]] = True
    again = is_reached[kept[0]]
    if again.any():
        arrived = tuple(np.concatenate((old[again], one)) for old, one in zip(kept, arrived, strict=True))
        alive = _efficient(*arrived[:3])
        arrived = tuple(values[alive] for values in arrived)
        kept = tuple(values[~again] for values in kept)
    return tuple(np.concatenate(pair) for pair in zip(kept, arrived, strict=True)), arrived


def _not_beaten(node: Ints, first: Ints, second: Ints, n_nodes: int) -> Ints:
    """Rows that the one with the least `first` of their node (then least `second`) does not beat; it stays itself."""
    bits = int(second.max(initial=0)).bit_length()
    if bits + int(first.max(initial=0)).bit_length() > 63:
        return np.arange(len(node))
    key = (first << bits) | second
    least = np.full(n_nodes, np.iinfo(np.int64).max)
    np.minimum.at(least, node, key)
    here = least[node]
    return np.flatnonzero((second < (here & ((1 << bits) - 1))) | (key == here))


def _efficient(node: Ints, cost: Ints, time: Ints) -> Ints:
    """Rows that nothing of their node beats, sorted by node and time; of equal ones the first given stays."""
    if not len(node):
        return np.empty(0, dtype=np.int64)
    order = _sorted(node, time, cost)
    sorted_node = node[order]
    # Later nodes lie lower by more than any cost: a running minimum begins anew with each node.
    key = cost[order] - sorted_node * (int(cost.max()) + 1)
    keep = np.ones(len(order), dtype=np.bool_)
    keep[1:] = key[1:] < np.minimum.accumulate(key)[:-1]
    return order[keep]


def _sorted(node: Ints, time: Ints, cost: Ints) -> Ints:
    """Order by node, time, cost and place. One packed number sorts 4 times as fast as three keys, where it fits."""
    times, costs = time - time.min(), cost - cost.min()
    time_bits, cost_bits = int(times.max()).bit_length(), int(costs.max()).bit_length()
    if int(node.max()).bit_length() + time_bits + cost_bits > 63:
        return np.lexsort((cost, time, node))
    key = (node << (time_bits + cost_bits)) | (times << cost_bits) | costs
    order = np.argsort(key)
    # The quick sort leaves equal keys in any order: the first given of them goes first.
    found = key[order]
    start = np.flatnonzero(np.concatenate(([True], found[1:] != found[:-1])))
    if len(start) < len(order):
        order[start] = np.minimum.reduceat(order, start)
    return order
