"""Capacitated facility location: what is asked and what is answered. Nothing is solved or priced here.

Sites have a fixed cost and a capacity, zones a demand. The cost of a cell is that of serving all of the zone's demand
from the site, as in the files of the OR-Library (Beasley 1988).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class LocationProblem:
    """Which sites to open, and which zone each serves. The same arrays have the same answer.

    Attributes:
        fixed_cost: Cost of having a site open, shape (M,).
        capacity: What a site can serve in all, shape (M,).
        demand: Of each zone, above 0, shape (N,).
        serve_cost: Cost of serving all of a zone from a site, shape (M, N); inf = the site does not reach the zone.
        unserved_cost: Cost of serving nothing of a zone, shape (N,); None = every zone must be served.
        single_source: Whether a zone is served by one site alone.
        least: What a site should serve at least, shape (M,); None = nothing. Elastic: see `least_cost`.
        least_cost: Cost of each unit a site falls short of its `least`.
    """

    fixed_cost: Floats
    capacity: Floats
    demand: Floats
    serve_cost: Floats
    unserved_cost: Floats | None = None
    single_source: bool = False
    least: Floats | None = None
    least_cost: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what has no answer; which site or zone is at fault is named."""
        if self.serve_cost.shape != (len(self.fixed_cost), len(self.demand)):
            raise ValueError(
                f"serve_cost has shape {self.serve_cost.shape}, not sites x zones "
                f"({len(self.fixed_cost)}, {len(self.demand)})"
            )
        self._refuse_lengths()
        self._refuse_numbers()
        if self.unserved_cost is None:
            self._refuse_infeasible()

    def _refuse_lengths(self) -> None:
        for name in ("capacity", "least"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.fixed_cost):
                raise ValueError(f"{name} must have one entry per site")
        if self.unserved_cost is not None and len(self.unserved_cost) != len(self.demand):
            raise ValueError("unserved_cost must have one entry per zone")

    def _refuse_numbers(self) -> None:
        for name in ("fixed_cost", "capacity", "serve_cost", "unserved_cost", "least"):
            values = getattr(self, name)
            wrong = np.zeros(0) if values is None else np.argwhere(~(values >= 0))
            if len(wrong):
                raise ValueError(f"{name} at {tuple(wrong[0].tolist())} is negative or no number")
            if values is not None and name != "serve_cost" and not np.isfinite(values).all():
                raise ValueError(f"{name} must be finite")
        empty = np.flatnonzero(~((self.demand > 0) & np.isfinite(self.demand)))
        if len(empty):
            raise ValueError(f"demand of zone {int(empty[0])} is not above 0: leave the zone out")

    def _refuse_infeasible(self) -> None:
        """Where every zone must be served there must be a way to do it."""
        lost = np.flatnonzero(~np.isfinite(self.serve_cost).any(axis=0))
        if len(lost):
            raise ValueError(
                f"no site reaches zone {int(lost[0])}: state unserved_cost, or leave the zone out"
            )
        if self.capacity.sum() < self.demand.sum():
            raise ValueError(
                f"all sites together can serve {self.capacity.sum():g} of {self.demand.sum():g}: "
                "state unserved_cost, or add sites"
            )

    @property
    def reaches(self) -> Flags:
        """Whether a site can serve a zone at all, shape (M, N)."""
        return np.isfinite(self.serve_cost) & (self.capacity > 0)[:, None]

    @property
    def least_sites(self) -> int:
        """How many sites any plan that serves everything opens at least: the largest ones that hold the demand."""
        if self.unserved_cost is not None:
            return 0
        largest = np.cumsum(np.sort(self.capacity)[::-1])
        return int(np.searchsorted(largest, self.demand.sum() * (1 - 1e-9))) + 1


@dataclass(frozen=True, kw_only=True)
class LocationParams:
    """Settings.

    Attributes:
        relative_gap: A plan whose cost exceeds the proven bound by no more than this part of it counts as optimal.
        rounds: Most rounds of the subgradient.
        candidates: Most sets of open sites that are priced out on the way.
        max_nodes: Most nodes of the branch-and-bound tree; None = until it is proven. Nodes, not seconds: the answer
            must not depend on how busy the machine is.
        direct_cells: So many sites x zones or fewer: HiGHS at once, a quarter of the time at 50 x 50. Alone, it does
            not finish 100 x 1,000.
    """

    relative_gap: float = 1e-7
    rounds: int = 700
    candidates: int = 40
    max_nodes: int | None = None
    direct_cells: int = 10_000

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if not self.relative_gap > 0:
            raise ValueError("relative_gap must be above 0")
        if min(self.rounds, self.candidates, self.max_nodes or 1) < 1:
            raise ValueError("rounds, candidates and max_nodes must be at least 1")


@dataclass(frozen=True, kw_only=True)
class LocationPlan:
    """An answer with its proof.

    Attributes:
        is_open: Sites that are open, shape (M,).
        share: Part of a zone's demand that a site serves, shape (M, N).
        unserved: Part of a zone's demand that nobody serves, shape (N,).
        shortfall: What a site lacks of its `least`, shape (M,).
        cost: Of the plan, penalties included.
        bound: Proven: no plan costs less.
        n_fixed: Sites of which the bound alone decided whether they are open.
        is_proven: Whether cost and bound lie within the gap asked for.
    """

    is_open: Flags
    share: Floats
    unserved: Floats
    shortfall: Floats
    cost: float
    bound: float
    n_fixed: int
    is_proven: bool

    @property
    def gap(self) -> float:
        """How far the cost may lie above the optimum, as a part of it."""
        return max(self.cost - self.bound, 0.0) / max(abs(self.cost), 1e-12)


def plan_cost(
    problem: LocationProblem, is_open: Flags, share: Floats, unserved: Floats, shortfall: Floats
) -> float:
    """What a plan costs, by definition."""
    costs = np.where(share > 0, problem.serve_cost, 0.0)
    penalty = 0.0 if problem.unserved_cost is None else float(problem.unserved_cost @ unserved)
    return float(
        problem.fixed_cost @ is_open + (costs * share).sum() + penalty + problem.least_cost * shortfall.sum()
    )
