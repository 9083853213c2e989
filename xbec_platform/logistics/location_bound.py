"""A lower bound of facility location by Lagrangian relaxation, good sets of sites, and sites it settles by proof.

The rows "every zone is served once" are relaxed with multipliers (Geoffrion & McBride 1978; Beasley 1993); what
is left falls apart into one continuous knapsack per site. Multipliers climb by the subgradient with deflected
directions (Camerini, Fratta & Maffioli 1975); the running mean of the sites' decisions nears the optimum of the linear
program (Barahona & Anbil 2000) and tells which sites are worth pricing out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbec_platform.logistics.location_flow import serve_from
from xbec_platform.logistics.location_problem import (
    Flags,
    Floats,
    LocationParams,
    LocationProblem,
    plan_cost,
)

_MEAN_WEIGHT = 0.1
_DEFLECTION = 0.35
_PATIENCE = 12
_SAFE = 1e-9
"""Part of the cost by which a bound must exceed it before a site is settled: room for rounding."""


@dataclass(frozen=True, kw_only=True)
class Incumbent:
    """The best plan so far."""

    cost: float
    is_open: Flags
    share: Floats
    unserved: Floats


@dataclass(frozen=True, kw_only=True)
class Relaxation:
    """The bound and what it says.

    Attributes:
        bound: No plan costs less.
        incumbent: The best plan met.
        closed: Sites that no better plan opens, shape (M,).
        opened: Sites that every better plan opens, shape (M,).
        reduced_cost: What a zone's full service by a site adds to the bound at least, shape (M, N); >= 0.
    """

    bound: float
    incumbent: Incumbent
    closed: Flags
    opened: Flags
    reduced_cost: Floats


def relax(problem: LocationProblem, params: LocationParams) -> Relaxation | None:
    """Bound the problem from below, and from above by pricing out promising sets of sites.

    Args:
        problem: Without `single_source` and `least` in mind: both only add constraints, the bound stays one.
        params: Rounds and candidates.

    Returns:
        The relaxation; None where no set of sites that was tried can serve everything.
    """
    search = _Search(problem, params)
    return search.run()


@dataclass(frozen=True, kw_only=True)
class _Point:
    """The relaxed problem at some multipliers: its value, and the decisions behind it."""

    bound: float
    multiplier: Floats
    value: Floats
    taken: Floats
    price: Floats
    opening: Floats


class _Search:
    """State of one climb."""

    def __init__(self, problem: LocationProblem, params: LocationParams) -> None:
        self.problem, self.params = problem, params
        m, n = problem.serve_cost.shape
        self.closed: Flags = np.asarray(~problem.reaches.any(axis=1))
        self.opened: Flags = np.zeros(m, dtype=np.bool_)
        self.cost = np.where(problem.reaches, problem.serve_cost, np.inf)
        self.best: _Point | None = None
        self.incumbent: Incumbent | None = None
        self.reduced = np.zeros((m, n))
        self.tried: set[bytes] = set()

    def run(self) -> Relaxation | None:
        """Climb until the gap is closed, the step has shrunk away, or the rounds are over."""
        problem, params = self.problem, self.params
        multiplier = self._start()
        self._price_out(np.ones(len(problem.capacity)))
        mean = np.zeros(len(problem.capacity))
        direction, step, waited = np.zeros(len(problem.demand)), 1.0, 0
        for number in range(params.rounds):
            point = self._solve(multiplier)
            mean = point.opening if number == 0 else mean + _MEAN_WEIGHT * (point.opening - mean)
            if self.best is None or point.bound > self.best.bound:
                grown = self.best is None or point.bound > self.best.bound + 1e-6 * abs(self.best.bound)
                self.best, waited = point, 0 if grown else waited + 1
            else:
                waited += 1
            if waited > _PATIENCE:
                step, waited, multiplier = step * 0.66, 0, self.best.multiplier
                direction = np.zeros_like(direction)
                self._settle()
                self._price_out(mean)
                continue
            if self._is_closed() or step < 1e-4:
                break
            slack = self._slack(point)
            if float(slack @ slack) < 1e-12:
                break
            direction = slack + _DEFLECTION * direction
            ceiling = self.incumbent.cost if self.incumbent else 1.05 * abs(point.bound) + 1.0
            length = step * (1.01 * ceiling - point.bound) / float(direction @ direction)
            multiplier = point.multiplier + length * direction
            if problem.unserved_cost is not None:
                multiplier = np.minimum(multiplier, problem.unserved_cost)
        self._price_out(mean)
        self._settle()
        return self._result()

    def _slack(self, point: _Point) -> Floats:
        """How far each zone is from being served once; a multiplier at its penalty needs to climb no further."""
        slack = 1 - point.taken.sum(axis=0)
        if self.problem.unserved_cost is None:
            return np.asarray(slack)
        return np.where((point.multiplier >= self.problem.unserved_cost) & (slack > 0), 0.0, slack)

    def _start(self) -> Floats:
        """Multipliers as if a site's fixed cost were shared by its capacity."""
        problem = self.problem
        share = np.divide(problem.fixed_cost, problem.capacity, out=np.zeros_like(problem.capacity),
                          where=problem.capacity > 0)  # fmt: skip
        cheapest = (self.cost + share[:, None] * problem.demand).min(axis=0, initial=np.inf)
        if problem.unserved_cost is None:
            return np.asarray(cheapest)
        return np.asarray(np.minimum(cheapest, problem.unserved_cost))

    def _is_closed(self) -> bool:
        if self.incumbent is None or self.best is None:
            return False
        return self.incumbent.cost - self.best.bound <= 0.5 * self.params.relative_gap * abs(
            self.incumbent.cost
        )

    def _solve(self, multiplier: Floats) -> _Point:
        """Knapsack of every site that is not settled as closed, then which sites open."""
        problem = self.problem
        active = np.flatnonzero(~self.closed)
        gain = self.cost[active] - multiplier
        negative = gain < 0
        taken = negative.astype(np.float64)
        price = np.zeros(len(active))
        over = np.flatnonzero(taken @ problem.demand > problem.capacity[active])
        if len(over):
            taken[over], price[over] = _knapsack(
                gain[over], negative[over], problem.demand, problem.capacity[active[over]]
            )
        value = np.full(len(problem.capacity), np.inf)
        value[active] = problem.fixed_cost[active] + (np.where(negative, gain, 0.0) * taken).sum(axis=1)
        total, opening = self._choose(value)
        every = np.zeros(problem.serve_cost.shape)
        every[active] = taken * opening[active][:, None]
        prices = np.zeros(len(problem.capacity))
        prices[active] = price
        return _Point(
            bound=float(multiplier.sum() + total),
            multiplier=multiplier,
            value=value,
            taken=every,
            price=prices,
            opening=opening,
        )

    def _choose(self, value: Floats, without: int = -1, forced: int = -1) -> tuple[float, Floats]:
        """Open what pays; where all must be served also enough sites: the greater of two bounds.

        Either the capacity is covered, the last site in part, or the number of sites is reached that any cover needs.
        """
        problem = self.problem
        opening = ((value < 0) | self.opened).astype(np.float64)
        opening[self.closed] = 0.0
        free = ~self.closed & (problem.capacity > 0)
        if forced >= 0:
            opening[forced] = 1.0
        if without >= 0:
            opening[without] = 0.0
            free[without] = False
        finite = np.where(np.isfinite(value), value, 0.0)
        if problem.unserved_cost is not None:
            return float(finite @ opening), opening
        if problem.capacity[free] @ np.ones(free.sum()) < problem.demand.sum() * (1 - _SAFE):
            return np.inf, opening
        rest = np.flatnonzero(free & (opening == 0))
        covered, counted = opening.copy(), opening.copy()
        short = float(problem.demand.sum() - problem.capacity @ opening)
        if short > 0:
            order = rest[np.argsort(value[rest] / problem.capacity[rest], kind="stable")]
            before = np.concatenate([[0.0], np.cumsum(problem.capacity[order])[:-1]])
            covered[order] = np.clip((short - before) / problem.capacity[order], 0.0, 1.0)
        missing = problem.least_sites - int(opening.sum())
        if missing > 0:
            counted[rest[np.argsort(value[rest], kind="stable")][:missing]] = 1.0
        return max(
            ((float(finite @ covered), covered), (float(finite @ counted), counted)), key=lambda one: one[0]
        )

    def _settle(self) -> None:
        """Close or open for good the sites whose other choice costs more than the best plan."""
        best, incumbent = self.best, self.incumbent
        if best is None or incumbent is None:
            return
        limit = incumbent.cost * (1 + _SAFE) + _SAFE
        base = float(best.multiplier.sum())
        for site in np.flatnonzero(~self.closed & ~self.opened):
            forced, _ = self._choose(best.value, forced=int(site))
            without, _ = self._choose(best.value, without=int(site))
            if base + forced > limit:
                self.closed[site] = True
            elif base + without > limit:
                self.opened[site] = True

    def _price_out(self, weight: Floats) -> None:
        """Try the sites of greatest weight: as many as are needed and worth it; keep the best plan."""
        problem = self.problem
        order = np.lexsort((np.arange(len(weight)), problem.fixed_cost, -weight))
        order = order[~self.closed[order]]
        sets = []
        if self.best is None:
            sets.append(order)
        else:
            sets += [order[weight[order] >= level] for level in (0.5, 0.2, 0.8, 0.05)]
        for chosen in sets:
            if len(self.tried) >= self.params.candidates:
                return
            is_open = self.opened.copy()
            is_open[chosen] = True
            if problem.unserved_cost is None:
                for site in order:
                    if problem.capacity @ is_open >= problem.demand.sum():
                        break
                    is_open[site] = True
            self._try(is_open)

    def _try(self, is_open: Flags) -> None:
        """Price a set of sites; those that serve nothing are closed again."""
        key = np.packbits(is_open).tobytes()
        if key in self.tried:
            return
        self.tried.add(key)
        served = serve_from(self.problem, is_open)
        if served is None:
            return
        share, unserved = served
        used = is_open & (share.sum(axis=1) > 0)
        cost = plan_cost(self.problem, used, share, unserved, np.zeros(len(used)))
        if self.incumbent is None or cost < self.incumbent.cost:
            self.incumbent = Incumbent(cost=cost, is_open=used, share=share, unserved=unserved)

    def _result(self) -> Relaxation | None:
        best, incumbent = self.best, self.incumbent
        if best is None or incumbent is None:
            return None
        gain = np.where(np.isfinite(self.cost), self.cost, 0.0) - best.multiplier
        reduced = np.maximum(gain - best.price[:, None] * self.problem.demand, 0.0)
        return Relaxation(
            bound=min(best.bound, incumbent.cost),
            incumbent=incumbent,
            closed=self.closed,
            opened=self.opened,
            reduced_cost=reduced,
        )


def _knapsack(gain: Floats, negative: Flags, demand: Floats, capacity: Floats) -> tuple[Floats, Floats]:
    """Fill each site with its most negative gains per unit, the last zone in part.

    Returns:
        Parts taken, and the gain per unit of the last zone (the price of capacity, <= 0).
    """
    ratio = np.where(negative, gain / demand, np.inf)
    order = np.argsort(ratio, axis=1, kind="stable")
    rows = np.arange(len(gain))[:, None]
    sorted_ratio = ratio[rows, order]
    size = np.where(np.isfinite(sorted_ratio), demand[order], 0.0)
    before = np.cumsum(size, axis=1) - size
    part = np.clip((capacity[:, None] - before) / demand[order], 0.0, 1.0) * np.isfinite(sorted_ratio)
    taken = np.zeros_like(gain)
    taken[rows, order] = part
    last = np.argmax(before + size >= capacity[:, None] - 1e-12, axis=1)
    return taken, sorted_ratio[np.arange(len(gain)), last]
