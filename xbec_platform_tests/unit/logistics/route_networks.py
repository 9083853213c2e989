"""Networks for tests and benchmarks of routes, and the plain algorithms they are compared with."""

import heapq
import itertools
from dataclasses import replace

import numpy as np

from xbec_platform.logistics.closures import OpenDays
from xbec_platform.logistics.pareto import Arcs


def random_arcs(rng: np.random.Generator, n_nodes: int, n_arcs: int, *, with_closures: bool = False) -> Arcs:
    """Any arcs, parallel ones and circles included, some with departures; on demand with closed days and customs."""
    scheduled = rng.random(n_arcs) < 0.6
    arcs = Arcs(
        tail=rng.integers(0, n_nodes, n_arcs),
        head=rng.integers(0, n_nodes, n_arcs),
        cost=rng.integers(0, 50, n_arcs),
        transit=rng.integers(60, 4000, n_arcs),
        weekdays=np.where(scheduled, rng.integers(1, 128, n_arcs), 127),
        cut_off=np.where(scheduled, rng.integers(0, 1440, n_arcs), -1),
    )
    if not with_closures:
        return arcs
    closed = rng.random((3, 16)) < 0.3
    closed[:, -1] = False
    clearing = rng.integers(-1, 3, n_arcs)
    return replace(
        arcs,
        days=OpenDays(closed=closed),
        calendar=rng.integers(-1, 3, n_arcs),
        clearing=clearing,
        clearing_minutes=np.where(clearing >= 0, rng.integers(1, 3000, n_arcs), 0),
    )


def layered_arcs(rng: np.random.Generator, width: int, layers: int, degree: int) -> Arcs:
    """`layers` layers of `width` nodes behind node 0; each node has `degree` arcs into the next layer."""
    inner = np.repeat(np.arange(1, width * (layers - 1) + 1), degree)
    layer = (inner - 1) // width
    head = 1 + (layer + 1) * width + rng.integers(0, width, len(inner))
    tail, head = (
        np.concatenate([np.zeros(width, np.int64), inner]),
        np.concatenate([np.arange(1, width + 1), head]),
    )
    n = len(tail)
    free = np.full(n, -1)
    return Arcs(
        tail=tail,
        head=head,
        cost=rng.integers(100, 9000, n),
        transit=rng.integers(60, 9000, n),
        weekdays=np.full(n, 127),
        cut_off=free,
    )


def brute_force(arcs: Arcs, source: int, start: int, max_legs: int) -> dict[int, set[tuple[int, int]]]:
    """Every walk of up to `max_legs` arcs, then what nothing beats."""
    found: dict[int, set[tuple[int, int]]] = {source: {(start, 0)}}
    walks = {(source, start, 0)}
    for _ in range(max_legs):
        walks = {
            (int(arcs.head[a]), leave(arcs, a, time) + int(arcs.transit[a]), cost + int(arcs.cost[a]))
            for (node, time, cost), a in itertools.product(walks, range(len(arcs.tail)))
            if arcs.tail[a] == node
        }
        for node, time, cost in walks:
            found.setdefault(node, set()).add((time, cost))
    return {node: {p for p in pairs if not any(beats(q, p) for q in pairs)} for node, pairs in found.items()}


def beats(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one != other and one[0] <= other[0] and one[1] <= other[1]


def leave(arcs: Arcs, arc: int, ready: int) -> int:
    """Through customs day by day, then day by day until a departure."""

    def is_shut(calendar: np.ndarray | None, day: int) -> bool:
        if arcs.days is None or calendar is None or calendar[arc] < 0:
            return False
        closed = arcs.days.closed[calendar[arc]]
        return bool(day < len(closed) and closed[day])

    if arcs.clearing is not None and arcs.clearing_minutes is not None and arcs.clearing[arc] >= 0:
        left = int(arcs.clearing_minutes[arc])
        while is_shut(arcs.clearing, ready // 1440) or left:
            midnight = (ready // 1440 + 1) * 1440
            worked = 0 if is_shut(arcs.clearing, ready // 1440) else min(left, midnight - ready)
            ready = ready + worked if worked and worked == left else midnight
            left -= worked
    cut_off = int(arcs.cut_off[arc])
    day = ready // 1440 + (1 if 0 <= cut_off < ready % 1440 else 0)
    while not int(arcs.weekdays[arc]) >> day % 7 & 1 or is_shut(arcs.calendar, day):
        day += 1
    if cut_off < 0:
        return ready if day == ready // 1440 else day * 1440
    return day * 1440 + cut_off


def label_setting(arcs: Arcs, source: int, n_nodes: int, start: int) -> dict[int, list[tuple[int, int]]]:
    """Martins 1984 with a heap, ordered by time: the usual exact algorithm for two criteria."""
    out: list[list[int]] = [[] for _ in range(n_nodes)]
    for number, tail in enumerate(arcs.tail.tolist()):
        out[tail].append(number)
    head, cost, transit = arcs.head.tolist(), arcs.cost.tolist(), arcs.transit.tolist()
    is_free = bool((arcs.cut_off < 0).all())
    done: dict[int, list[tuple[int, int]]] = {}
    heap = [(start, 0, source)]
    while heap:
        time, paid, node = heapq.heappop(heap)
        labels = done.setdefault(node, [])
        if labels and labels[-1][1] <= paid:
            continue
        labels.append((time, paid))
        for arc in out[node]:
            ready = time if is_free else leave(arcs, arc, time)
            known = done.get(head[arc])
            if not known or known[-1][1] > paid + cost[arc]:
                heapq.heappush(heap, (ready + transit[arc], paid + cost[arc], head[arc]))
    return done
