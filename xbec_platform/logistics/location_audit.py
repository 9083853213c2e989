"""Independent re-check of a location plan. Imports no solver and none of the code that made the plan."""

from __future__ import annotations

import numpy as np

from xbec_platform.logistics.location_problem import LocationPlan, LocationProblem

TOLERANCE = 1e-6
"""Relative: MIP solvers keep their rows to 1e-6 absolute on rows scaled to about 1."""


def location_faults(problem: LocationProblem, plan: LocationPlan) -> list[str]:
    """Sentences about every rule a plan breaks; empty = it holds.

    Demand is served or stated as unserved, no site is overfull or serves while closed, nothing goes where nothing
    goes, the cost is that of the plan, and the bound does not lie above it.
    """
    faults: list[str] = []
    share, demand = plan.share, problem.demand
    for name, values in (("share", share), ("unserved", plan.unserved), ("shortfall", plan.shortfall)):
        if (values < -TOLERANCE).any():
            faults.append(f"{name} is negative")
    given = share.sum(axis=0) + plan.unserved
    faults += [
        f"zone {zone}: {given[zone]:.9g} of its demand is accounted for"
        for zone in np.flatnonzero(np.abs(given - 1) > TOLERANCE)
    ]
    load = share @ demand
    faults += [
        f"site {site}: serves {load[site]:.9g}, can serve {problem.capacity[site]:.9g}"
        for site in np.flatnonzero(load > problem.capacity * (1 + TOLERANCE) + TOLERANCE)
    ]
    used = (share > TOLERANCE).any(axis=1)
    faults += [f"site {site} serves while closed" for site in np.flatnonzero(used & ~plan.is_open)]
    lost = (share > 0) & ~np.isfinite(problem.serve_cost)
    faults += [f"site {site} does not reach zone {zone}" for site, zone in np.argwhere(lost)]
    if problem.unserved_cost is None and (plan.unserved > TOLERANCE).any():
        faults.append("a zone is unserved although all must be served")
    if problem.single_source and (np.minimum(share, 1 - share) > TOLERANCE).any():
        faults.append("a zone is served by several sites")
    if problem.least is not None:
        missing = np.maximum(problem.least - load, 0.0) - plan.shortfall
        faults += [
            f"site {site}: serves {load[site]:.9g} of at least {problem.least[site]:.9g}, states another shortfall"
            for site in np.flatnonzero(np.abs(missing) > TOLERANCE * np.maximum(problem.least, 1))
        ]
    priced = (
        np.where(share > 0, np.where(np.isfinite(problem.serve_cost), problem.serve_cost, 0.0), 0.0) * share
    )
    total = float(
        problem.fixed_cost[plan.is_open].sum() + priced.sum() + problem.least_cost * plan.shortfall.sum()
    )
    if problem.unserved_cost is not None:
        total += float((problem.unserved_cost * plan.unserved).sum())
    if abs(total - plan.cost) > TOLERANCE * max(abs(total), 1):
        faults.append(f"the plan costs {total:.9g}, {plan.cost:.9g} is stated")
    if plan.bound > plan.cost * (1 + TOLERANCE) + TOLERANCE:
        faults.append(f"the bound {plan.bound:.9g} lies above the cost {plan.cost:.9g}")
    return faults
