"""All efficient routes by layered merge against label setting with a heap and networkx, and Kaplan-Meier of many lanes.

Run as `python -m xbec_platform_tests.benchmarks.bench_routes`, one thread. The heap finds the same labels, and networkx
the same fastest and cheapest ones, or it fails.
"""

import time
from collections.abc import Callable
from typing import TypeVar

import networkx
import numpy as np

from xbec_platform.logistics.pareto import Arcs, Labels, pareto_labels
from xbec_platform.logistics.survival import kaplan_meier
from xbec_platform_tests.unit.logistics.route_networks import label_setting, layered_arcs

T = TypeVar("T")
Row = dict[str, object]
LAYERS, DEGREE = 5, 8


def run() -> list[Row]:
    """Measure; rows of name, ours, peer, ratio, unit, goal."""
    return [_routes(10_000, ">= 5x"), _routes(100_000, ">= 5x, <= 0.5"), _ends(10_000), _curves()]


def main() -> None:
    """Print the rows."""
    for row in run():
        print(" | ".join(str(value) for value in row.values()))


def _timed(call: Callable[[], T], times: int = 1) -> tuple[T, float]:
    """A result and its CPU seconds, the least of some tries: a first one pays for the pages of memory as well."""
    tries = []
    for _ in range(times):
        start = time.process_time()
        result = call()
        tries.append(time.process_time() - start)
    return result, round(min(tries), 4)


def _row(name: str, ours: float, peer: float, goal: str) -> Row:
    return {
        "name": name,
        "ours": ours,
        "peer": peer,
        "ratio": round(peer / ours, 2),
        "unit": "CPU s",
        "goal": goal,
    }


def _routes(nodes: int, goal: str) -> Row:
    arcs = layered_arcs(np.random.default_rng(1), width=nodes // LAYERS, layers=LAYERS, degree=DEGREE)
    ours, seconds = _timed(
        lambda: pareto_labels(arcs, source=0, n_nodes=nodes + 1, start=0, max_legs=LAYERS), times=3
    )
    peer, peer_seconds = _timed(lambda: label_setting(arcs, 0, nodes + 1, 0))
    found = set(zip(ours.node.tolist(), ours.time.tolist(), ours.cost.tolist(), strict=True))
    expected = {(node, *pair) for node, pairs in peer.items() for pair in pairs}
    if found != expected:
        raise AssertionError("merge and label setting disagree")
    name = f"all efficient routes, {nodes:,} nodes, {len(arcs.tail):,} arcs, {len(found):,} labels"
    return _row(name, seconds, peer_seconds, goal)


def _ends(nodes: int) -> Row:
    """Networkx has no front of two criteria, only its ends: Dijkstra by time and by cost, graphs built before."""
    arcs = layered_arcs(np.random.default_rng(1), width=nodes // LAYERS, layers=LAYERS, degree=DEGREE)
    ours, seconds = _timed(
        lambda: pareto_labels(arcs, source=0, n_nodes=nodes + 1, start=0, max_legs=LAYERS), times=3
    )
    total = 0.0
    for weights, found in ((arcs.transit, ours.time), (arcs.cost, ours.cost)):
        graph = _lightest(arcs, weights)
        lengths, peer_seconds = _timed(
            lambda graph=graph: networkx.single_source_dijkstra_path_length(graph, 0)
        )
        total += peer_seconds
        if _least(ours, found) != dict(lengths):
            raise AssertionError("networkx ends elsewhere")
    return _row(f"fastest and cheapest to {nodes:,} nodes, by networkx", seconds, round(total, 4), "reported")


def _lightest(arcs: Arcs, weights: np.ndarray) -> "networkx.DiGraph[int]":
    """The network with the least of parallel arcs."""
    order = np.argsort(-weights, kind="stable")
    graph: networkx.DiGraph[int] = networkx.DiGraph()
    graph.add_weighted_edges_from(
        zip(arcs.tail[order].tolist(), arcs.head[order].tolist(), weights[order].tolist(), strict=True)
    )
    return graph


def _least(labels: Labels, values: np.ndarray) -> dict[int, int]:
    order = np.lexsort((values, labels.node))
    first = np.flatnonzero(np.diff(labels.node[order], prepend=-1))
    return dict(zip(labels.node[order][first].tolist(), values[order][first].tolist(), strict=True))


def _curves() -> Row:
    """100,000 parcels of 500 lanes against the textbook's loop over times of each lane in numpy."""
    rng = np.random.default_rng(2)
    lane, duration = rng.integers(0, 500, 100_000), np.round(rng.exponential(10, 100_000), 2)
    observed = rng.random(100_000) < 0.9
    ours, seconds = _timed(lambda: kaplan_meier(duration, observed, lane, 500))
    peer, peer_seconds = _timed(
        lambda: [_plain(duration[lane == one], observed[lane == one]) for one in range(500)]
    )
    if not np.allclose(ours.survival, np.concatenate(peer)):
        raise AssertionError("the curves disagree")
    return _row("Kaplan-Meier, 100,000 parcels of 500 lanes", seconds, peer_seconds, "reported")


def _plain(duration: np.ndarray, observed: np.ndarray) -> np.ndarray:
    times = np.unique(duration[observed])
    factors = [1 - (observed & (duration == t)).sum() / (duration >= t).sum() for t in times]
    return np.cumprod(factors)


if __name__ == "__main__":
    main()
