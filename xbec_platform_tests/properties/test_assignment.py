"""Warehouse assignment against independent answers, on days drawn at random."""

import itertools
import math
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy.optimize import linprog

from xbec_platform.logistics import order_splits
from xbec_platform.logistics.assignment import AssignmentResult, assign, build_network
from xbec_platform.logistics.assignment_inputs import (
    TICKS_PER_BASE,
    AssignmentInputs,
    AssignmentParams,
    canonical,
)
from xbec_platform.logistics.baselines import greedy_plan
from xbec_platform.logistics.container_plan import unloaded
from xbec_platform.logistics.containers import load_containers
from xbec_platform.logistics.flow import FlowProblem, FlowSolution, solve_flow, stock_use, warehouse_use
from xbec_platform.logistics.line_plan import UNSERVED
from xbec_platform.logistics.order_splits import bind_orders, unbound
from xbec_platform.logistics.prices import shadow_prices
from xbec_platform_tests.unit.logistics.generated_day import generate_day, linear_program
from xbec_platform_tests.unit.logistics.small_days import make_day


@st.composite
def problems(draw: st.DrawFn) -> FlowProblem:
    """Up to six classes, three warehouses and three products; costs small, so that ties are common."""
    n_centres, n_classes = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    n_products = draw(st.integers(1, 3))
    with_stock = draw(st.booleans())
    product = [draw(st.integers(0, n_products - 1)) for _ in range(n_classes)]
    pairs = [
        (k, w) for k, w in itertools.product(range(n_classes), range(n_centres)) if draw(st.integers(0, 3))
    ]
    shelf = {key: at for at, key in enumerate(itertools.product(range(n_products), range(n_centres)))}

    def numbers(values: list[int]) -> np.ndarray:
        return np.array(values, dtype=np.int64)

    stock: dict[str, np.ndarray] = {}
    if with_stock:
        stock = {
            "arc_stock": numbers([shelf[product[k], w] for k, w in pairs]),
            "stock_product": numbers([s for s, _ in shelf]),
            "stock_warehouse": numbers([w for _, w in shelf]),
            "stock_qty": numbers([draw(st.integers(0, 5)) for _ in shelf]),
        }
    return FlowProblem(
        class_qty=numbers([draw(st.integers(1, 5)) for _ in range(n_classes)]),
        class_penalty=numbers([draw(st.integers(0, 30)) for _ in range(n_classes)]),
        arc_class=numbers([k for k, _ in pairs]),
        arc_warehouse=numbers([w for _, w in pairs]),
        arc_cost=numbers([draw(st.integers(0, 12)) for _ in pairs]),
        capacity=numbers([draw(st.integers(0, 8)) for _ in range(n_centres)]),
        **stock,
    )


def lp_bound(problem: FlowProblem, method: str = "highs") -> float:
    """Optimum of the linear program in base currency, by HiGHS."""
    costs, matrix, lower, upper = linear_program(problem)
    equal = np.isfinite(lower)
    return float(
        linprog(
            costs,
            A_eq=matrix[equal],
            b_eq=upper[equal],
            A_ub=matrix[~equal],
            b_ub=upper[~equal],
            method=method,
        ).fun
    )


@settings(max_examples=150, deadline=None)
@given(problems())
def test_flow_is_feasible_and_reaches_the_bound(problem: FlowProblem) -> None:
    """The flow keeps every limit and costs what the linear program says is the least possible."""
    solution = solve_flow(problem)
    placed = (
        np.bincount(problem.arc_class, solution.arc_flow, len(problem.class_qty)) + solution.class_unserved
    )
    assert placed.tolist() == problem.class_qty.tolist()
    assert (warehouse_use(problem, solution) <= problem.capacity).all()
    assert (stock_use(problem, solution) <= problem.stock_qty).all()
    assert solution.objective / TICKS_PER_BASE == pytest.approx(lp_bound(problem), abs=1e-6)


@settings(max_examples=150, deadline=None)
@given(problems())
def test_shadow_prices_are_confirmed_by_solving_again(problem: FlowProblem) -> None:
    """Every limit raised by one in turn: the objective falls by exactly the stated price, zero included."""
    solution = solve_flow(problem)
    prices = shadow_prices(problem, solution)
    for name, limits, stated in (
        ("capacity", problem.capacity, prices.warehouse),
        ("stock_qty", problem.stock_qty, prices.stock),
    ):
        for at in range(len(limits)):
            raised = limits.copy()
            raised[at] += 1
            again = solve_flow(replace(problem, **{name: raised}))
            assert solution.objective - again.objective == stated[at]


@settings(max_examples=100, deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_greedy_keeps_the_limits_and_is_caught_when_it_is_not_optimal(
    problem: FlowProblem, random: np.random.Generator
) -> None:
    """A greedy plan is feasible and never better; where it is worse, the certificate refuses it."""
    lines = np.arange(len(problem.class_qty))
    arrival = lines.copy()
    random.shuffle(arrival)
    plan = greedy_plan(problem, lines, problem.class_qty, arrival, problem.arc_cost)
    served = plan.filter(pl.col("arc") != UNSERVED)
    left = plan.filter(pl.col("arc") == UNSERVED)
    flow, unserved = np.zeros(len(problem.arc_class), np.int64), np.zeros(len(lines), np.int64)
    np.add.at(flow, served["arc"].to_numpy(), served["qty"].to_numpy())
    np.add.at(unserved, left["line"].to_numpy(), left["qty"].to_numpy())
    cost = int(flow @ problem.arc_cost + unserved @ problem.class_penalty)
    greedy = FlowSolution(arc_flow=flow, class_unserved=unserved, objective=cost)
    assert (warehouse_use(problem, greedy) <= problem.capacity).all()
    assert (stock_use(problem, greedy) <= problem.stock_qty).all()
    best = solve_flow(problem).objective
    assert cost >= best
    if cost > best:
        with pytest.raises(RuntimeError, match="not optimal"):
            shadow_prices(problem, greedy)
    else:
        shadow_prices(problem, greedy)


GOODS = (
    {"product_id": "p", "weight_kg": 0.7, "length_cm": 20.0, "width_cm": 20.0, "height_cm": 15.0},
    {"product_id": "q", "weight_kg": None, "has_battery": True},
)
PENALTY, NEVER = 2.5, 1e9


@dataclass(frozen=True)
class SmallDay:
    """At most four pieces, two products, two warehouses, up to four lanes: small enough to try every plan."""

    lines: list[dict[str, Any]]
    lanes: list[dict[str, Any]]
    room: dict[str, int]
    held: dict[tuple[str, str], int] | None


def small_day(seed: int, *, with_stock: bool, one_order: bool = False, containers: bool = False) -> SmallDay:
    """Costs in cents and few values, so that ties are common; names carry the seed: days can share a call.

    `one_order`: all lines are of one order to a country that both warehouses reach, so that splitting it pays;
    `containers`: two of its lanes ship in containers of one to three pieces.
    """
    rng = np.random.default_rng(seed)
    countries, names = (("DE",), ("o",)) if one_order else (("DE", "FR"), ("o", "u"))

    def one(*values: Any) -> Any:
        return values[int(rng.integers(len(values)))]

    def cents() -> Decimal:
        return Decimal(int(rng.integers(0, 401))) / 100

    lanes = [
        {
            "lane_id": f"{seed}L{number}",
            "origin_node": f"{seed}{one('A', 'B')}",
            "dest_node": f"{seed}{one(*countries)}",
            "rate_per_kg": cents(),
            "min_charge": cents(),
            "surcharge_pct": float(rng.integers(0, 21)),
            "vol_divisor": one(None, 5000.0),
            "transit_p90_days": float(rng.integers(1, 7)),
            "allows_battery": one(True, False),
        }
        for number in range(4 if one_order else int(rng.integers(0, 5)))
    ]
    for lane in lanes[: 2 * containers]:
        lane |= {
            "container_rate": cents(),
            "container_max_kg": float(one(0.8, 1.5, 2.0)),
            "container_max_m3": float(one(0.006, 0.01, 0.02)),
        }
    lines = [
        {
            "order_id": f"{seed}{one(*names)}",
            "line_no": number,
            "product_id": f"{seed}{one('p', 'q')}",
            "qty": int(rng.integers(1, 3)),
            "ship_country": one(
                *(f"{seed}{country}" for country in countries), *([] if one_order else [None])
            ),
            "promised_days": one(None, 2, 5),
        }
        for number in range(2 if one_order else int(rng.integers(1, 3)))
    ]
    shelves = {(f"{seed}{w}", f"{seed}{p}"): int(rng.integers(0, 4)) for w in "AB" for p in "pq"}
    room = {f"{seed}{w}": int(rng.integers(0, 4)) for w in "AB"}
    return SmallDay(lines, lanes, room, shelves if with_stock else None)


def price(day: SmallDay, line: dict[str, Any], lane: dict[str, Any]) -> float | None:
    """Price of one piece of a line over a lane from the tariff, in plain Python; None where it may not go."""
    product = next(goods for goods in GOODS if line["product_id"].endswith(str(goods["product_id"])))
    late = line["promised_days"] is not None and lane["transit_p90_days"] > line["promised_days"]
    refused = product.get("has_battery") and not lane["allows_battery"]
    if lane["dest_node"] != line["ship_country"] or late or refused:
        return None
    if lane.get("container_rate") is not None:
        return 0.1
    kg = product["weight_kg"] or 0.5
    if product.get("length_cm") and lane["vol_divisor"]:
        kg = max(kg, product["length_cm"] * product["width_cm"] * product["height_cm"] / lane["vol_divisor"])
    pieces = sum(other["qty"] for other in day.lines if other["order_id"] == line["order_id"])
    freight = max(float(lane["rate_per_kg"]) * kg, float(lane["min_charge"]) / pieces)
    return freight * (1 + lane["surcharge_pct"] / 100) + 0.1


SIZES = {"p": (0.7, 0.006), "q": (0.5, 0.003)}
"""Weight and room of the goods: measured, and half a kilogram at 6,000 cm3 a kg where nothing is known."""


def container_cost(lane: dict[str, Any], names: list[str]) -> float:
    """Of the containers that goods take on a lane, in plain Python."""
    kg, m3 = (sum(SIZES[name][part] for name in names) for part in (0, 1))
    full = max(kg / lane["container_max_kg"], m3 / lane["container_max_m3"])
    return math.ceil(full - 1e-9) * float(lane["container_rate"]) * (1 + lane["surcharge_pct"] / 100)


def cheapest_of_all_plans(day: SmallDay, *, extra_parcel: float = 0.0) -> float:
    """Try every way to give every piece a lane or nothing; `extra_parcel`: cost of an order's further warehouses."""
    lines, lanes = day.lines, [None, *day.lanes]
    prices = [[PENALTY if lane is None else price(day, line, lane) for lane in lanes] for line in lines]
    pieces = [number for number, line in enumerate(lines) for _ in range(line["qty"])]
    best = float("inf")
    for choice in itertools.product(range(len(lanes)), repeat=len(pieces)):
        costs = [prices[number][pick] for number, pick in zip(pieces, choice, strict=True)]
        costs += [
            container_cost(
                lane,
                [lines[n]["product_id"][-1] for n, pick in zip(pieces, choice, strict=True) if pick == at],
            )
            for at, lane in enumerate(lanes)
            if lane and lane.get("container_rate") is not None and at in choice
        ]
        if None in costs or sum(costs) >= best:
            continue
        sent = [
            (lanes[pick]["origin_node"], lines[number]["product_id"], lines[number]["order_id"])
            for number, pick in zip(pieces, choice, strict=True)
            if pick
        ]
        taken = [key[:2] for key in sent]
        fits = all(sum(w == name for w, _ in taken) <= n for name, n in day.room.items())
        stocked = day.held is None or all(taken.count(key) <= day.held[key] for key in set(taken))
        places = {(order, w) for w, _, order in sent}
        cost = sum(costs) + (
            extra_parcel * (len(places) - len({order for order, _ in places})) if places else 0
        )
        if fits and stocked and cost < best:
            best = cost
    return best


def many_days(n: int, *, with_stock: bool, **kinds: bool) -> tuple[dict[str, SmallDay], AssignmentInputs]:
    """Days that have nothing in common, by seed: one call plans them all, each at its own optimum."""
    seeds = range(1000, 1000 + n)
    days = [small_day(seed, with_stock=with_stock, **kinds) for seed in seeds]
    inputs = make_day(
        lines=[line for day in days for line in day.lines],
        products=[{**one, "product_id": f"{seed}{one['product_id']}"} for seed in seeds for one in GOODS],
        warehouses=[
            {"warehouse_id": name, "capacity_orders_day": room, "cost_pick": Decimal("0.1")}
            for day in days
            for name, room in day.room.items()
        ],
        lanes=[lane for day in days for lane in day.lanes],
        stock=[
            {"warehouse_id": w, "product_id": p, "available": n}
            for day in days
            for (w, p), n in day.held.items()
        ]
        if with_stock
        else None,
    )
    return dict(zip(map(str, seeds), days, strict=True)), inputs


def costs_by_day(result: AssignmentResult) -> dict[str, float]:
    """Cost and penalties of each of many days."""
    costs = pl.concat(
        [
            result.assignments.select("order_id", cost="cost_base"),
            result.unserved.select("order_id", cost="penalty_base"),
        ]
    )
    return dict(
        costs.group_by(pl.col("order_id").str.head(4)).agg(pl.col("cost").sum().cast(pl.Float64)).rows()
    )


CHEAP = AssignmentParams(unserved_penalty_base=Decimal(str(PENALTY)))


@pytest.mark.parametrize("with_stock", [True, False])
def test_plans_of_100_days_equal_the_best_of_all_plans(with_stock: bool) -> None:
    """Tariff, limits and objective against exhaustive search that shares no code; the audit runs inside."""
    days, inputs = many_days(100, with_stock=with_stock)
    result = assign(inputs, CHEAP)
    stated = costs_by_day(result)
    for seed, day in days.items():
        assert stated[seed] == pytest.approx(cheapest_of_all_plans(day), abs=1e-3), seed
    summary = result.summary.row(0, named=True)
    assert min(summary["regret_nearest_total_base"], summary["regret_cheapest_total_base"]) >= 0


@pytest.mark.parametrize("fee", [None, Decimal("0.3"), Decimal("1.1")])
def test_orders_under_a_rule_for_splits_cost_the_least_that_is_possible(
    fee: Decimal | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exact where the day is one program; in groups the rule still holds, and the plan is never below the exact one."""
    days, inputs = many_days(30, with_stock=True, one_order=True)
    bound = bind_orders(inputs, CHEAP, extra_parcel_base=fee)
    plan = unbound(assign(bound.inputs, CHEAP), bound)
    exact = costs_by_day(plan)
    least = {
        seed: cheapest_of_all_plans(day, extra_parcel=NEVER if fee is None else float(fee))
        for seed, day in days.items()
    }
    places = plan.assignments.group_by(seed=pl.col("order_id").str.head(4)).agg(
        pl.col("warehouse_id").n_unique()
    )
    for seed, n in places.rows():
        exact[seed] += float(fee or 0) * (n - 1)
    for seed in days:
        assert exact[seed] == pytest.approx(least[seed], abs=1e-3), seed
    summary = plan.summary.row(0, named=True)
    assert float(summary["objective_base"]) == pytest.approx(sum(least.values()), abs=2e-3)
    assert float(summary["bound_base"]) == pytest.approx(sum(least.values()), abs=2e-3)
    assert (summary["extra_parcels"] > 0) == (fee is not None)
    assert sum(least.values()) > bound.free_ticks / TICKS_PER_BASE + 1
    monkeypatch.setattr(order_splits, "GROUP", 25)
    grouped = bind_orders(inputs, CHEAP, extra_parcel_base=fee)
    cost = float(unbound(assign(grouped.inputs, CHEAP), grouped).summary["objective_base"].item())
    assert sum(least.values()) - 1e-3 <= cost <= 1.05 * sum(least.values())


@pytest.mark.parametrize("with_stock", [True, False])
def test_containers_are_loaded_at_the_least_cost_that_is_possible(with_stock: bool) -> None:
    """30 days against every way to give pieces to lanes: the whole plan and its bound; the audits run inside."""
    days, inputs = many_days(30, with_stock=with_stock, one_order=True, containers=True)
    loaded = load_containers(inputs, CHEAP)
    plan = unloaded(assign(loaded.inputs, loaded.params), loaded)
    summary = plan.summary.row(0, named=True)
    least = {seed: cheapest_of_all_plans(day) for seed, day in days.items()}
    assert float(summary["objective_base"]) == pytest.approx(sum(least.values()), abs=2e-3)
    assert float(summary["bound_base"]) == pytest.approx(sum(least.values()), abs=2e-3)
    assert summary["containers"] > 10
    by_day = costs_by_day(plan)
    for seed, paid in plan.containers.select(
        pl.col("lane_id").str.head(4), pl.col("cost_base").cast(pl.Float64)
    ).rows():
        by_day[seed] = by_day.get(seed, 0.0) + paid
    for seed, cost in least.items():
        assert by_day[seed] == pytest.approx(cost, abs=1e-3), seed


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 60), st.integers(0, 2**16), st.booleans())
def test_shuffled_frames_give_the_same_bytes(n_lines: int, seed: int, with_stock: bool) -> None:
    """Any day, any row order of all six frames: equal tables to the last digit."""
    day = generate_day(n_lines, n_warehouses=5, n_products=12, n_zones=6, seed=seed, with_stock=with_stock)
    mixed = AssignmentInputs(
        **{
            field.name: frame
            if (frame := getattr(day, field.name)) is None
            else frame.sample(fraction=1.0, shuffle=True, seed=seed)
            for field in fields(AssignmentInputs)
        }
    )
    first, again = assign(day), assign(mixed)
    for field in fields(AssignmentResult):
        assert_frame_equal(getattr(first, field.name), getattr(again, field.name), check_exact=True)


@pytest.mark.parametrize("with_stock", [True, False])
def test_day_of_three_thousand_lines_reaches_the_bound_to_the_cent(with_stock: bool) -> None:
    """Through the public entry: stated objective = bound of the linear program over the same arcs."""
    day = generate_day(3_000, n_products=300, n_zones=120, with_stock=with_stock)
    stated = float(assign(day).summary["objective_base"].item())
    problem = build_network(canonical(day), AssignmentParams()).problem
    assert stated == pytest.approx(lp_bound(problem, "highs-ipm"), abs=0.005)
