"""Exact capacitated facility location (models M2 and M3): the one entry point; its steps live beside it.

Dual ascent, which settles what capacities do not bind (`location_ascent`); else Lagrangian bound and sets priced out by
minimum-cost flow (`location_bound`), sites settled by the bound, HiGHS with strong rows on what is left
(`location_mip`). Every step is rigorous: arcs of unsettled sites all stay, because shares are continuous and a dear arc
may be used in part. A plan is audited before it is returned (`location_audit`).
"""

from __future__ import annotations

import numpy as np

from xbec_platform.logistics.location_ascent import settle_by_ascent
from xbec_platform.logistics.location_audit import location_faults
from xbec_platform.logistics.location_bound import relax
from xbec_platform.logistics.location_flow import serve_from
from xbec_platform.logistics.location_mip import Known, solve_mip
from xbec_platform.logistics.location_problem import (
    Flags,
    Floats,
    LocationParams,
    LocationPlan,
    LocationProblem,
    plan_cost,
)


def locate(problem: LocationProblem, params: LocationParams | None = None) -> LocationPlan:
    """Open the sites that serve all zones at least cost, fixed costs included; prove it.

    Args:
        problem: Sites and zones.
        params: Gap asked for and effort.

    Returns:
        The plan with its bound; `is_proven` is false only where `max_nodes` ended the search.

    Raises:
        RuntimeError: The plan failed its audit, or no plan was found within `max_nodes`.
    """
    params = params or LocationParams()
    plan = _settled(problem, params)
    if plan is None:
        is_plain = not problem.single_source and problem.least is None
        is_large = problem.serve_cost.size > params.direct_cells
        plan = _relaxed(problem, params) if is_plain and is_large else _direct(problem, params)
    faults = location_faults(problem, plan)
    if faults:
        raise RuntimeError(f"the location plan breaks {len(faults)} rules, first: {faults[0]}")
    return plan


def _settled(problem: LocationProblem, params: LocationParams) -> LocationPlan | None:
    """The plan of dual ascent, if its bound proves it."""
    found = settle_by_ascent(problem) if problem.least is None else None
    if found is None:
        return None
    is_open, served, bound = found
    plan = _plan(problem, params, is_open, served, bound, n_fixed=len(is_open))
    return plan if plan.is_proven else None


def _relaxed(problem: LocationProblem, params: LocationParams) -> LocationPlan:
    """Bound, settle, search the rest."""
    relaxation = relax(problem, params)
    if relaxation is None:
        return _direct(problem, params)
    best, bound = relaxation.incumbent, relaxation.bound
    n_fixed = int((relaxation.closed | relaxation.opened).sum())
    plan = _plan(problem, params, best.is_open, (best.share, best.unserved), bound, n_fixed=n_fixed)
    if plan.is_proven:
        return plan
    known = Known(
        closed=relaxation.closed,
        opened=relaxation.opened,
        reduced_cost=relaxation.reduced_cost,
        ceiling=best.cost,
        floor=bound,
    )
    answer, found_bound = solve_mip(problem, params, known)
    # Plans of settled sites were not searched: they cost at least as much as the plan at hand.
    bound = max(bound, min(found_bound, best.cost))
    served = serve_from(problem, answer.is_open) if answer is not None else None
    if answer is not None and served is not None:
        found = _plan(problem, params, answer.is_open, served, bound, n_fixed=n_fixed)
        if found.cost < plan.cost:
            return found
    return _plan(problem, params, best.is_open, (best.share, best.unserved), bound, n_fixed=n_fixed)


def _direct(problem: LocationProblem, params: LocationParams) -> LocationPlan:
    """The whole program at once: single sourcing, elastic minimum rules, or nothing to start from."""
    answer, bound = solve_mip(problem, params, Known.nothing(problem))
    if answer is None:
        raise RuntimeError("no plan was found: allow more nodes (max_nodes), or state unserved_cost")
    share, unserved, shortfall = answer.share, answer.unserved, answer.shortfall
    served = None
    if problem.single_source:
        share, unserved = np.rint(share), np.rint(unserved)
    elif problem.least is None:
        served = serve_from(problem, answer.is_open)
    if served is not None:
        share, unserved = served
    if problem.least is not None:
        share = np.where(share < 1e-9, 0.0, share)
        shortfall = np.maximum(problem.least - share @ problem.demand, 0.0)
    if problem.unserved_cost is not None and not problem.single_source:
        unserved = np.maximum(1 - share.sum(axis=0), 0.0)
    return _plan(problem, params, answer.is_open, (share, unserved), bound, shortfall=shortfall)


def _plan(
    problem: LocationProblem,
    params: LocationParams,
    is_open: Flags,
    served: tuple[Floats, Floats],
    bound: float,
    *,
    shortfall: Floats | None = None,
    n_fixed: int = 0,
) -> LocationPlan:
    """A plan with its cost by definition."""
    share, unserved = served
    short = np.zeros(len(is_open)) if shortfall is None else shortfall
    cost = plan_cost(problem, is_open, share, unserved, short)
    return LocationPlan(
        is_open=is_open,
        share=share,
        unserved=unserved,
        shortfall=short,
        cost=cost,
        bound=min(bound, cost),
        n_fixed=n_fixed,
        is_proven=cost - bound <= params.relative_gap * abs(cost),
    )
