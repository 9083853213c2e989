"""Efficient ways: exact against every walk of 200 random networks, and against label setting on larger ones."""

from dataclasses import replace

import numpy as np
import pytest

from xbec_platform.logistics.closures import DAY
from xbec_platform.logistics.pareto import Arcs, Labels, pareto_labels
from xbec_platform_tests.unit.logistics.route_networks import (
    brute_force,
    label_setting,
    layered_arcs,
    random_arcs,
)


def as_sets(labels: Labels) -> dict[int, set[tuple[int, int]]]:
    found: dict[int, set[tuple[int, int]]] = {}
    for node, time, cost in zip(
        labels.node.tolist(), labels.time.tolist(), labels.cost.tolist(), strict=True
    ):
        found.setdefault(node, set()).add((time, cost))
    return found


def test_every_efficient_way_of_200_networks() -> None:
    """Parallel arcs, circles, departures, closed days, customs, ties: the same pairs as trying every walk."""
    for seed in range(200):
        rng = np.random.default_rng(seed)
        arcs = random_arcs(rng, n_nodes=6, n_arcs=12, with_closures=seed % 2 == 1)
        start = int(rng.integers(0, 7 * DAY))
        found = pareto_labels(arcs, source=0, n_nodes=6, start=start, max_legs=4)
        assert as_sets(found) == brute_force(arcs, 0, start, 4), seed


def test_ways_read_back() -> None:
    """The arcs of a label lead from the source to its node, at its cost and time."""
    arcs = random_arcs(np.random.default_rng(5), n_nodes=8, n_arcs=40)
    found = pareto_labels(arcs, source=0, n_nodes=8, start=600, max_legs=5)
    for number in range(len(found.node)):
        node, cost, time = 0, 0, 600
        for arc in found.way(number):
            assert arcs.tail[arc] == node
            one = np.array([arc])
            time = int(arcs.departure(one, np.array([time]))[0] + arcs.transit[arc])
            node, cost = int(arcs.head[arc]), cost + int(arcs.cost[arc])
        assert (node, cost, time) == (found.node[number], found.cost[number], found.time[number])


def test_equals_label_setting_on_a_layered_network() -> None:
    """1,000 nodes: identical label sets."""
    arcs = layered_arcs(np.random.default_rng(1), width=200, layers=5, degree=8)
    found = pareto_labels(arcs, source=0, n_nodes=1001, start=0, max_legs=5)
    assert as_sets(found) == {node: set(pairs) for node, pairs in label_setting(arcs, 0, 1001, 0).items()}


def test_cut_off_and_departures() -> None:
    """Ready Monday 12:01 for a departure on Monday and Thursday at 12:00: Thursday; at 12:00 it is just in time."""
    one = np.ones(1, dtype=np.int64)
    arcs = Arcs(tail=0 * one, head=one, cost=one, transit=60 * one, weekdays=0b1001 * one, cut_off=720 * one)
    leaves = arcs.departure(np.zeros(2, np.int64), np.array([720, 721]))
    assert leaves.tolist() == [720, 3 * DAY + 720]
    with pytest.raises(ValueError, match="costs"):
        replace(arcs, cost=-one)
    with pytest.raises(ValueError, match="weekdays"):
        replace(arcs, weekdays=0 * one)
