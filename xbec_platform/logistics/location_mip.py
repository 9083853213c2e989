"""The mixed-integer program of facility location with strong rows, solved by HiGHS through MathOpt. No heuristics.

HiGHS only: CP-SAT behind the same interface rounds continuous variables without a word (20 of 37 answers wrong), and
highspy >= 1.15 cannot share a process with OR-Tools 9.15 (or-tools #5246).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt
from ortools.math_opt.solvers import highs_pb2

from xbec_platform.logistics.location_problem import Flags, Floats, LocationParams, LocationProblem

PURE_INTEGER_SOLVERS = frozenset({mathopt.SolverType.CP_SAT})
"""Solvers that take every variable for an integer one."""

NEAR = 0.75
"""Part of the sites, nearest first, that a zone has strong rows for: hardly a zone is served from the others, and the
linear programs are smaller. CPU s with all, three quarters and half of the rows: 5.1, 4.5, 4.7 (24 Holmberg files),
.22, .19, .25 (13 OR-Library files), 3.6, 2.5, 2.5 (four of 40 x 150), 44, 27, not tried (100 x 1,000)."""

_ANSWERS = frozenset(
    {
        mathopt.TerminationReason.OPTIMAL,
        mathopt.TerminationReason.FEASIBLE,
        mathopt.TerminationReason.NO_SOLUTION_FOUND,
    }
)
"""How a search that found a plan, or met its limit of nodes, ends; numerical errors and the like are none of it."""


@dataclass(frozen=True, kw_only=True)
class Linear:
    """A mixed-integer program: columns, rows and cells, filled part by part."""

    cost: list[Floats] = field(default_factory=list)
    upper: list[Floats] = field(default_factory=list)
    integer: list[Flags] = field(default_factory=list)
    low: list[Floats] = field(default_factory=list)
    high: list[Floats] = field(default_factory=list)
    cells: list[tuple[np.ndarray, np.ndarray, Floats]] = field(default_factory=list)

    def columns(self, cost: Floats, upper: Floats, *, integer: bool) -> np.ndarray:
        """Add variables from 0 to `upper`; their numbers."""
        first = sum(map(len, self.cost))
        self.cost.append(cost)
        self.upper.append(upper)
        self.integer.append(np.full(len(cost), integer))
        return np.arange(first, first + len(cost))

    def rows(self, low: Floats, high: Floats) -> np.ndarray:
        """Add rows with their limits; their numbers."""
        first = sum(map(len, self.low))
        self.low.append(low)
        self.high.append(high)
        return np.arange(first, first + len(low))

    def model(self) -> mathopt.Model:
        """The program as MathOpt takes it, built from arrays: variable by variable costs as much as solving."""
        cost, low = np.concatenate(self.cost), np.concatenate(self.low)
        row, column, value = (np.concatenate(part) for part in zip(*self.cells, strict=True))
        order = np.lexsort((column, row))
        proto = model_pb2.ModelProto()
        proto.variables.ids.extend(range(len(cost)))
        proto.variables.lower_bounds.extend(np.zeros(len(cost)))
        proto.variables.upper_bounds.extend(np.concatenate(self.upper))
        proto.variables.integers.extend(np.concatenate(self.integer).tolist())
        priced = np.flatnonzero(cost)
        proto.objective.linear_coefficients.ids.extend(priced.tolist())
        proto.objective.linear_coefficients.values.extend(cost[priced])
        proto.linear_constraints.ids.extend(range(len(low)))
        proto.linear_constraints.lower_bounds.extend(low)
        proto.linear_constraints.upper_bounds.extend(np.concatenate(self.high))
        proto.linear_constraint_matrix.row_ids.extend(row[order].tolist())
        proto.linear_constraint_matrix.column_ids.extend(column[order].tolist())
        proto.linear_constraint_matrix.coefficients.extend(value[order])
        return mathopt.Model.from_model_proto(proto)


@dataclass(frozen=True, kw_only=True)
class MipAnswer:
    """What the solver found: plan arrays and a proven bound."""

    is_open: Flags
    share: Floats
    unserved: Floats
    shortfall: Floats


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a relaxation has proven.

    Attributes:
        closed: Sites that no better plan opens.
        opened: Sites that every better plan opens.
        reduced_cost: What full service over an arc adds to `floor` at least, shape (M, N).
        ceiling: Cost of a plan at hand.
        floor: No plan costs less.
    """

    closed: Flags
    opened: Flags
    reduced_cost: Floats
    ceiling: float
    floor: float

    @classmethod
    def nothing(cls, problem: LocationProblem) -> Known:
        """Every site may be open or closed, every arc be used."""
        none = np.zeros(len(problem.capacity), dtype=np.bool_)
        return cls(
            closed=none,
            opened=none,
            reduced_cost=np.zeros(problem.serve_cost.shape),
            ceiling=np.inf,
            floor=0.0,
        )


def solve_mip(
    problem: LocationProblem, params: LocationParams, known: Known
) -> tuple[MipAnswer | None, float]:
    """Search the sites that are not settled.

    All arcs of these sites stay: shares are continuous, so a dear arc may still be used in part. Only its strong row
    (share <= open) is left out where the arc is dear or the site far, and its share is limited to what the ceiling
    allows.

    Args:
        problem: Sites and zones.
        params: Gap and nodes.
        known: What need not be searched any more.

    Returns:
        The best plan below the ceiling (None: there is none, or none was met), and a bound that holds for all plans.
    """
    sites = np.flatnonzero(~known.closed)
    place, zone = np.nonzero(problem.reaches[sites])
    site = sites[place]
    program = Linear()
    y = program.columns(problem.fixed_cost[sites], np.ones(len(sites)), integer=True)
    limit = _limits(problem, known, site, zone)
    x = program.columns(problem.serve_cost[site, zone], limit, integer=problem.single_source)
    served = program.rows(np.ones(len(problem.demand)), np.ones(len(problem.demand)))
    program.cells.append((served[zone], x, np.ones(len(x))))
    u = np.zeros(0, dtype=np.int64)
    if problem.unserved_cost is not None:
        u = program.columns(problem.unserved_cost, np.ones(len(served)), integer=problem.single_source)
        program.cells.append((served, u, np.ones(len(u))))
    fits = program.rows(np.full(len(sites), -np.inf), np.zeros(len(sites)))
    program.cells.append((fits[place], x, problem.demand[zone]))
    program.cells.append((fits, y, -problem.capacity[sites]))
    nearness = problem.serve_cost[sites].argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    strong = np.flatnonzero((limit >= 1.0) & (nearness[place, zone] < NEAR * len(sites)))
    below = program.rows(np.full(len(strong), -np.inf), np.zeros(len(strong)))
    program.cells.append((below, x[strong], np.ones(len(strong))))
    program.cells.append((below, y[place[strong]], -np.ones(len(strong))))
    _about_sites(program, problem, sites, y, y[known.opened[sites]])
    short = _least(program, problem, sites, place, zone, x)
    values, bound = solve_linear(program, params, known.ceiling)
    if values is None:
        return None, bound
    is_open, share = np.zeros(len(problem.capacity), dtype=np.bool_), np.zeros(problem.serve_cost.shape)
    is_open[sites] = values[y] > 0.5
    share[site, zone] = values[x]
    shortfall = np.zeros(len(problem.capacity))
    if len(short):
        shortfall[sites] = values[short]
    unserved = values[u] if len(u) else np.zeros(len(problem.demand))
    return MipAnswer(is_open=is_open, share=share, unserved=unserved, shortfall=shortfall), bound


def _limits(problem: LocationProblem, known: Known, site: np.ndarray, zone: np.ndarray) -> Floats:
    """The share of each arc that any plan below the ceiling can have."""
    if problem.single_source or not np.isfinite(known.ceiling):
        return np.ones(len(site))
    room = (known.ceiling - known.floor) * (1 + 1e-6) + 1e-9 * abs(known.floor)
    spent = known.reduced_cost[site, zone]
    return np.asarray(np.minimum(1.0, np.divide(room, spent, out=np.ones(len(site)), where=spent > 0)))


def _about_sites(
    program: Linear, problem: LocationProblem, sites: np.ndarray, y: np.ndarray, opened: np.ndarray
) -> None:
    """Rows of sites alone: those known to be open; where all must be served, enough capacity and enough sites."""
    if len(opened):
        rows = program.rows(np.ones(len(opened)), np.ones(len(opened)))
        program.cells.append((rows, opened, np.ones(len(opened))))
    if problem.unserved_cost is None:
        low = np.array([problem.demand.sum(), float(problem.least_sites)])
        enough = program.rows(low, np.full(2, np.inf))
        program.cells.append((np.repeat(enough[:1], len(y)), y, problem.capacity[sites]))
        program.cells.append((np.repeat(enough[1:], len(y)), y, np.ones(len(y))))


def _least(
    program: Linear,
    problem: LocationProblem,
    sites: np.ndarray,
    place: np.ndarray,
    zone: np.ndarray,
    x: np.ndarray,
) -> np.ndarray:
    """Elastic rows "at least so much": columns of what is lacking."""
    if problem.least is None:
        return np.zeros(0, dtype=np.int64)
    least = problem.least[sites]
    short = program.columns(np.full(len(sites), problem.least_cost), least, integer=False)
    rows = program.rows(least, np.full(len(sites), np.inf))
    program.cells.append((rows[place], x, problem.demand[zone]))
    program.cells.append((rows, short, np.ones(len(short))))
    return short


def solve_linear(program: Linear, params: LocationParams, ceiling: float) -> tuple[Floats | None, float]:
    """Values (None: nothing below the ceiling was found) and the bound; where nothing is there, that is the ceiling.

    Raises:
        RuntimeError: HiGHS ended in a way that is neither a plan, nor a limit, nor a proof that there is none.
    """
    options = highs_pb2.HighsOptionsProto()
    options.int_options["threads"] = 1
    options.string_options["parallel"] = "off"
    options.double_options["mip_abs_gap"] = 1e-9
    if np.isfinite(ceiling):
        options.double_options["objective_bound"] = float(ceiling)
    parameters = mathopt.SolveParameters(
        random_seed=1,
        relative_gap_tolerance=params.relative_gap / 2,
        node_limit=params.max_nodes,
        highs=options,
    )
    result = solve_model(program.model(), mathopt.SolverType.HIGHS, parameters)
    reason = result.termination.reason
    if reason in {mathopt.TerminationReason.INFEASIBLE, mathopt.TerminationReason.INFEASIBLE_OR_UNBOUNDED}:
        return None, ceiling
    if reason not in _ANSWERS:
        raise RuntimeError(f"HiGHS ended with {reason.name}, which is no answer: {result.termination.detail}")
    bound = float(result.termination.objective_bounds.dual_bound)
    if not result.has_primal_feasible_solution():
        return None, bound
    values = result.variable_values()
    return np.array([values[variable] for variable in sorted(values, key=lambda one: one.id)]), bound


def solve_model(
    model: mathopt.Model, solver: mathopt.SolverType, parameters: mathopt.SolveParameters
) -> mathopt.SolveResult:
    """Solve a model, but not with a solver that would round its continuous variables without a word.

    Raises:
        ValueError: The solver takes integers only and the model has a continuous variable.
    """
    if solver in PURE_INTEGER_SOLVERS:
        loose = next((one for one in model.variables() if not one.integer), None)
        if loose is not None:
            raise ValueError(
                f"{solver.name} would treat the continuous variable {loose.id} as an integer: use HIGHS"
            )
    return mathopt.solve(model, solver, params=parameters)
