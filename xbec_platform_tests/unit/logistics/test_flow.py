"""The solver's seam: explicit classes, arcs and limits, without any table."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from xbec_platform.logistics.flow import FlowProblem, solve_flow, stock_use, warehouse_use
from xbec_platform.logistics.least_cost_flow import least_cost_flow
from xbec_platform.logistics.prices import FAR, _close, shadow_prices
from xbec_platform.logistics.unserved import flow_reasons


def ints(*values: int) -> np.ndarray:
    """A small integer array."""
    return np.array(values, dtype=np.int64)


def two_by_two() -> FlowProblem:
    """Two classes of three pieces, two warehouses of two: costs 1 and 2 against 3 and 10, penalty 50."""
    return FlowProblem(
        class_qty=ints(3, 3),
        class_penalty=ints(50, 50),
        arc_class=ints(0, 0, 1, 1),
        arc_warehouse=ints(0, 1, 0, 1),
        arc_cost=ints(1, 3, 2, 10),
        capacity=ints(2, 2),
    )


def test_optimum_by_hand() -> None:
    """B sends two of class 0 (3 each), A the third (1) and one of class 1 (2): 9, and two left over: 100."""
    solution = solve_flow(two_by_two())
    assert solution.arc_flow.tolist() == [1, 2, 1, 0]
    assert solution.class_unserved.tolist() == [0, 2]
    assert solution.objective == 109


def test_prices_by_hand() -> None:
    """One more at A takes a piece left over (50 - 2); one more at B frees A by one: 50 - 2 - (3 - 1)."""
    problem = two_by_two()
    prices = shadow_prices(problem, solve_flow(problem))
    assert prices.warehouse.tolist() == [48, 46]


def test_stock_nodes_limit_and_carry_a_price() -> None:
    """One product, two pieces at A only, room for ten: three ordered, one left over, price 50 - 4."""
    problem = FlowProblem(
        class_qty=ints(3),
        class_penalty=ints(50),
        arc_class=ints(0),
        arc_warehouse=ints(0),
        arc_cost=ints(4),
        capacity=ints(10),
        arc_stock=ints(0),
        stock_product=ints(0),
        stock_warehouse=ints(0),
        stock_qty=ints(2),
    )
    solution = solve_flow(problem)
    assert (solution.objective, stock_use(problem, solution).tolist()) == (58, [2])
    assert warehouse_use(problem, solution).tolist() == [2]
    prices = shadow_prices(problem, solution)
    assert (prices.warehouse.tolist(), prices.stock.tolist()) == ([0], [46])
    assert flow_reasons(problem, solution).rows() == [(0, "SKU_STOCK_EXHAUSTED_IN_REACH", [0], 4)]


def test_class_without_arcs_is_left_over() -> None:
    """Nothing reaches the class: its penalty is the objective, and no reason can come from the flow."""
    problem = replace(two_by_two(), arc_class=ints(0), arc_warehouse=ints(0), arc_cost=ints(1))
    solution = solve_flow(problem)
    assert (solution.class_unserved.tolist(), solution.objective) == ([1, 3], 2 * 1 + 4 * 50)
    assert flow_reasons(problem, solution)["class_id"].to_list() == [0]


def test_costs_beyond_the_solvers_arithmetic_are_refused() -> None:
    """Silent overflow gives a wrong plan; cost x nodes must stay below 2^62."""
    with pytest.raises(ValueError, match="coarser unit"):
        solve_flow(replace(two_by_two(), class_penalty=ints(2**60, 2**60)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"class_penalty": ints(1)}, "one entry per class"),
        ({"arc_cost": ints(1)}, "one entry per arc"),
        ({"arc_cost": ints(1, 1, 1, -1)}, "must not be negative"),
        ({"arc_stock": ints(0)}, "arc_stock must have one entry per arc"),
        ({"stock_qty": ints(1)}, "one entry per stock node"),
        (
            {
                "arc_stock": ints(0, 0, 0, 0),
                "stock_product": ints(0),
                "stock_warehouse": ints(1),
                "stock_qty": ints(5),
            },
            "same warehouse",
        ),
    ],
)
def test_malformed_problem_is_refused(change: dict[str, np.ndarray], message: str) -> None:
    """Arrays that do not belong together would be read as another problem."""
    with pytest.raises(ValueError, match=message):
        replace(two_by_two(), **change)


def test_an_end_that_is_no_answer_is_named() -> None:
    """Too little room is an answer (None); costs out of the solver's range are none, and not "no room" either."""
    one = np.array([1])

    def asked(room: int, cost: int) -> np.ndarray | None:
        return least_cost_flow(
            [0 * one], [one], [room * one], [cost * one], sources=0 * one, supply=2 * one, sink=1
        )

    assert asked(room=2, cost=3) == [2]
    assert asked(room=1, cost=3) is None
    with pytest.raises(RuntimeError, match="BAD_COST_RANGE"):
        asked(room=2, cost=2**62)


def test_shortest_ways_pass_over_no_node_that_leads_on() -> None:
    """Sparse matrices, some with open diagonals, against Dijkstra's lengths."""
    rng = np.random.default_rng(5)
    lengths = rng.integers(1, 50, (30, 7, 7))
    paths = np.where(rng.random(lengths.shape) < 0.25, lengths, FAR)
    paths[:15, np.arange(7), np.arange(7)] = 0
    graphs = np.where(paths < FAR, paths, 0)
    _close(paths)
    for graph, found in zip(graphs, paths, strict=True):
        ways = dijkstra(csr_matrix(graph))
        apart = ~np.eye(7, dtype=np.bool_)
        assert np.where(found < FAR, found, np.inf)[apart].tolist() == ways[apart].tolist()
