"""The best service from a given set of open sites, as a minimum-cost flow. Which sites are open is not decided here."""

from __future__ import annotations

import numpy as np

from xbec_platform.logistics.least_cost_flow import least_cost_flow
from xbec_platform.logistics.location_problem import Flags, Floats, LocationProblem

_FINEST = 2**40
"""Demands that are no whole numbers are counted in parts of total / 2^40."""
_COST_ROOM = 2**60
"""Costs times nodes must fit into 64 bits (`least_cost_flow`); a factor 4 stays free."""


def serve_from(problem: LocationProblem, is_open: Flags) -> tuple[Floats, Floats] | None:
    """Share of each zone by site, and share unserved, at least cost from the open sites.

    Shares are exact for whole demands and capacities; otherwise capacities are rounded down and demands up, so that
    no site is ever overfull.

    Args:
        problem: Sites and zones; `single_source` and `least` are not looked at.
        is_open: Shape (M,).

    Returns:
        Shares (M, N) and (N,), or None where the open sites cannot serve everything that must be served.
    """
    demand, capacity = _whole(problem)
    site, zone = np.nonzero(problem.reaches & is_open[:, None])
    n_zones, n_sites = len(demand), len(capacity)
    unit = problem.serve_cost[site, zone] / demand[zone]
    elastic = problem.unserved_cost is not None
    left = problem.unserved_cost / demand if problem.unserved_cost is not None else np.zeros(0)
    dearest = max(float(unit.max(initial=0.0)), float(left.max(initial=0.0)), 1e-12)
    scale = _COST_ROOM / (dearest * (n_zones + n_sites + 2))
    sink = n_zones + n_sites
    zones, sites = np.arange(n_zones), np.arange(n_sites)
    tails = [zone, n_zones + sites, *([zones] if elastic else [])]
    heads = [n_zones + site, np.full(n_sites, sink), *([np.full(n_zones, sink)] if elastic else [])]
    limits = [np.minimum(demand[zone], capacity[site]), capacity, *([demand] if elastic else [])]
    costs = [np.rint(unit * scale), np.zeros(n_sites), *([np.rint(left * scale)] if elastic else [])]
    flows = least_cost_flow(tails, heads, limits, costs, sources=zones, supply=demand, sink=sink)
    if flows is None:
        return None
    share = np.zeros(problem.serve_cost.shape)
    share[site, zone] = flows[: len(site)] / demand[zone]
    unserved = flows[len(site) + n_sites :] / demand if elastic else np.zeros(n_zones)
    return share, unserved


def _whole(problem: LocationProblem) -> tuple[np.ndarray, np.ndarray]:
    """Demands and capacities as whole numbers; what a site could serve beyond the total demand does not matter."""
    demand = problem.demand
    capacity = np.minimum(problem.capacity, demand.sum())
    whole = all((values == np.floor(values)).all() for values in (demand, problem.capacity))
    factor = 1.0 if whole else _FINEST / demand.sum()
    return np.ceil(demand * factor).astype(np.int64), np.floor(capacity * factor + 1e-9 * whole).astype(
        np.int64
    )
