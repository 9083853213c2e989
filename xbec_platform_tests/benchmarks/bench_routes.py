"""All efficient routes by layered merge against label setting with a heap, and Kaplan-Meier of many lanes at once.

Run as `python -m xbec_platform_tests.benchmarks.bench_routes`, one thread. The heap finds the same labels, or it fails.
"""

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from xbec_platform.logistics.pareto import pareto_labels
from xbec_platform.logistics.survival import kaplan_meier
from xbec_platform_tests.unit.logistics.route_networks import label_setting, layered_arcs

T = TypeVar("T")
Row = dict[str, object]
LAYERS, DEGREE = 5, 8


def run() -> list[Row]:
    """Measure; rows of name, ours, peer, ratio, unit, goal."""
    return [_routes(10_000, ">= 5"), _routes(100_000, ">= 5; ours <= 0.5"), _curves()]


def main() -> None:
    """Print the rows."""
    for row in run():
        print(" | ".join(str(value) for value in row.values()))


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    start = time.process_time()
    result = call()
    return result, round(time.process_time() - start, 4)


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
    ours, seconds = _timed(lambda: pareto_labels(arcs, source=0, n_nodes=nodes + 1, start=0, max_legs=LAYERS))
    peer, peer_seconds = _timed(lambda: label_setting(arcs, 0, nodes + 1, 0))
    found = set(zip(ours.node.tolist(), ours.time.tolist(), ours.cost.tolist(), strict=True))
    expected = {(node, *pair) for node, pairs in peer.items() for pair in pairs}
    if found != expected:
        raise AssertionError("merge and label setting disagree")
    name = f"all efficient routes, {nodes:,} nodes, {len(arcs.tail):,} arcs, {len(found):,} labels"
    return _row(name, seconds, peer_seconds, goal)


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
