"""Published location problems read from their files, and generated ones of the same kind."""

from pathlib import Path

import numpy as np

from xbec_platform.logistics.location_problem import LocationProblem


def read_orlib(path: Path, capacity: float | None = None) -> LocationProblem:
    """OR-Library: m n, then capacity and fixed cost of each site, then demand and m costs of each zone.

    Args:
        path: The file.
        capacity: Of every site, where the file says `capacity` instead of a number (capa, capb, capc).
    """
    words = path.read_text().split()
    m, n = int(words[0]), int(words[1])
    numbers = np.array([capacity if word == "capacity" else float(word) for word in words[2:]])
    sites, zones = numbers[: 2 * m].reshape(m, 2), numbers[2 * m :].reshape(n, m + 1)
    return LocationProblem(
        fixed_cost=sites[:, 1].copy(),
        capacity=sites[:, 0].copy(),
        demand=zones[:, 0].copy(),
        serve_cost=zones[:, 1:].T.copy(),
    )


def read_holmberg(path: Path) -> LocationProblem:
    """Holmberg et al. 1999, single source: m n, capacities, fixed costs, demands, costs by zone."""
    words = path.read_text().split()
    m, n = int(words[0]), int(words[1])
    numbers = np.array(words[2:], dtype=np.float64)
    capacity, fixed, demand, cost = np.split(numbers[: 2 * m + n + m * n], [m, 2 * m, 2 * m + n])
    return LocationProblem(
        fixed_cost=fixed,
        capacity=capacity,
        demand=demand,
        serve_cost=cost.reshape(n, m).T.copy(),
        single_source=True,
    )


def generated(seed: int, sites: int, zones: int, capacity: float) -> LocationProblem:
    """Sites and zones at random in a square of 1,000, as Beasley (1988) made capa, capb and capc.

    Demands 1 to 100; cost = distance x demand; fixed costs of about a tenth of what a full site serves.
    """
    rng = np.random.default_rng(seed)
    place, home = rng.uniform(0, 1000, (sites, 2)), rng.uniform(0, 1000, (zones, 2))
    demand = rng.integers(1, 101, zones).astype(np.float64)
    distance = np.hypot(*(place[:, None, :] - home[None, :, :]).transpose(2, 0, 1))
    return LocationProblem(
        fixed_cost=rng.integers(300_000, 900_001, sites).astype(np.float64),
        capacity=np.full(sites, capacity),
        demand=demand,
        serve_cost=np.round(distance * demand * rng.uniform(1.0, 1.25, zones), 3),
    )
