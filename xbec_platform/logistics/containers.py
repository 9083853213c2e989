"""Lanes that ship whole containers: what goes into them, and the day as it is then (model M2, logistics).

A lane with `container_rate` costs containers x rate, whatever is in them; its pieces pay handling alone. A container
holds so much weight and so much room; which piece stands in which of several is not decided. How many there are, and
with what, is a mixed-integer program (`container_mip`). Then the pieces in containers go to a destination of their own,
to which their lane alone leads, free of freight (as restricted goods do): flow, prices, reasons and audit hold without
knowing of containers, and prices are those with the containers as loaded. By their own names the pieces lie in one
container, whatever restrictions or rules for splits stand on their lanes.

Exact where the tree is searched to its end; else `bound_base` of the summary says how far a plan may be from the best.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import polars as pl

from xbec_platform.logistics.arcs import build_arcs, stock_nodes, usable_lanes
from xbec_platform.logistics.assignment import flow_problem
from xbec_platform.logistics.assignment_inputs import (
    TICKS_PER_BASE,
    AssignmentInputs,
    AssignmentParams,
    canonical,
)
from xbec_platform.logistics.assignment_schema import MONEY
from xbec_platform.logistics.container_mip import Boxes, fill_containers
from xbec_platform.logistics.demand_classes import Demand, classify
from xbec_platform.logistics.flow import FlowProblem
from xbec_platform.logistics.line_plan import UNSERVED, split_flows
from xbec_platform.logistics.tariff import CM3_PER_M3

MARK = "#"
"""Ends a destination or lane of pieces in containers; no country or lane id of ours holds it."""
ASSUMED_CM3_PER_KG = 6_000
"""Room of a piece without measures: where carriers by air take volume for weight (IATA, 167 kg a m3)."""
FIT = 1e-6
"""Part of a container that counts as nothing: solvers keep their rows no better (26 g of 26 t)."""
_PART_SCHEMA = {"order_id": pl.String, "part": pl.Int64, "line_no": pl.Int64}


@dataclass(frozen=True, kw_only=True)
class LoadedDay:
    """A day whose containers are loaded.

    Attributes:
        given: The day before, canonical.
        inputs: The day; pieces in containers are lines of their own.
        parts: order_id, part (their line_no in `inputs`, below 0), line_no.
        bound: No plan of the day costs less, penalties included; None where no lane ships in containers.
        params: With `no_way_base` above every penalty and every way by weight: what a piece without room would pay.
    """

    given: AssignmentInputs
    inputs: AssignmentInputs
    params: AssignmentParams
    parts: pl.DataFrame
    bound: float | None = None


def base_lane(lane_id: str = "lane_id") -> pl.Expr:
    """A lane by its own name, without the marks of restrictions (|), bound orders (@) and containers (#)."""
    return pl.col(lane_id).str.extract(r"^([^|@#]*)")


def load_containers(inputs: AssignmentInputs, params: AssignmentParams | None = None) -> LoadedDay:
    """Decide how many containers the day ships on which lanes, and with what.

    Args:
        inputs: The day.
        params: As the plan will be made with.

    Returns:
        The day; a piece that a container of a lane cannot hold does not go over it.

    Raises:
        ValueError: The frames are malformed.
        RuntimeError: The program had no answer (not expected: shipping nothing is one).
    """
    params = params or AssignmentParams()
    day = canonical(inputs)
    parts = pl.DataFrame(schema=_PART_SCHEMA)
    if not day.lanes["container_rate"].count():
        return LoadedDay(given=day, inputs=inputs, params=params, parts=parts)
    lanes = usable_lanes(day, params)
    demand = classify(day, lanes, params)
    arcs, boxes, problem = _program(day, lanes, demand)
    pieces, bound = fill_containers(problem, boxes)
    rest = demand.classes["qty"].to_numpy().copy()
    np.subtract.at(rest, problem.arc_class, pieces)
    lines = demand.lines
    segments = split_flows(
        lines["class_id"].to_numpy(), lines["qty"].to_numpy(), problem.arc_class, pieces, rest
    )
    arc = segments["arc"].to_numpy()
    lane = np.where(arc == UNSERVED, UNSERVED, arcs["lane"].to_numpy()[np.maximum(arc, 0)])
    placed = (
        segments.select(row="line", pieces="qty")
        .with_columns(lane=pl.Series(lane))
        .with_columns(
            pl.when(pl.col("lane") != UNSERVED).then(lanes["lane_id"].gather(np.maximum(lane, 0))).alias("to")
        )
        .with_row_index("part")
    )
    day_lines = day.lines[placed["row"]].with_columns(
        qty=placed["pieces"], to=placed["to"], part=-1 - placed["part"].cast(pl.Int64)
    )
    boxed = day_lines.filter(pl.col("to").is_not_null())
    dearest = max(int(problem.class_penalty.max(initial=0)), int(problem.arc_cost.max(initial=0)))
    beyond = dearest / TICKS_PER_BASE + 1
    return LoadedDay(
        given=day,
        inputs=_loaded(day, day_lines, beyond),
        params=replace(params, no_way_base=beyond),
        parts=boxed.select("order_id", "part", "line_no"),
        bound=bound,
    )


def _program(
    day: AssignmentInputs, lanes: pl.DataFrame, demand: Demand
) -> tuple[pl.DataFrame, Boxes, FlowProblem]:
    """All arcs of the day: the cheapest lane by weight of each class and warehouse, and every lane with containers."""
    stock = stock_nodes(day)
    boxed = pl.col("container_rate").is_not_null()
    by_weight = build_arcs(demand.classes, lanes.filter(~boxed), stock)
    inside = lanes.filter(boxed).with_columns(
        rank=pl.int_range(pl.len()).over("origin_node", "dest_node", order_by="lane")
    )
    blocks = inside.partition_by("rank", maintain_order=True)
    loads = pl.concat(build_arcs(demand.classes, block, stock) for block in blocks)
    # A lane under several names (of restrictions, of bound orders) fills the same containers.
    names = inside.select(base=base_lane()).unique().sort("base").with_row_index("box")
    terms = (
        inside.with_columns(base=base_lane())
        .join(names, on="base")
        .select("lane", "box", "container_max_kg", "container_max_m3", "handling_ticks")
    )
    found = (
        loads.hstack(demand.classes[loads["class_id"]].select("weight_kg", m3=volume_m3()))
        .join(terms, on="lane", maintain_order="left")
        .with_columns(
            kg=pl.col("weight_kg") / pl.col("container_max_kg"),
            m3=pl.col("m3") / pl.col("container_max_m3"),
            cost_ticks="handling_ticks",
        )
        .filter(pl.max_horizontal("kg", "m3") <= 1 + FIT)
    )
    arcs = pl.concat([by_weight, found.select(by_weight.columns)])
    ahead = by_weight.height
    boxes = Boxes(
        rate=_rates(inside, names),
        arc_box=np.concatenate([np.full(ahead, -1), found["box"].cast(pl.Int64).to_numpy()]),
        arc_kg=np.concatenate([np.zeros(ahead), found["kg"].to_numpy()]),
        arc_m3=np.concatenate([np.zeros(ahead), found["m3"].to_numpy()]),
    )
    return arcs, boxes, flow_problem(day, demand, arcs, stock)


def volume_m3() -> pl.Expr:
    """Room of a piece from volume_cm3, or from weight_kg where that is not known."""
    known = pl.when(pl.col("volume_cm3") > 0).then("volume_cm3")
    return pl.coalesce(known, pl.col("weight_kg") * ASSUMED_CM3_PER_KG) / CM3_PER_M3


def whole_rate() -> pl.Expr:
    """Of one container, the surcharge included, in the last decimal of money."""
    whole = pl.col("container_rate").cast(pl.Float64) * (1 + pl.col("surcharge_pct") / 100)
    return (whole * TICKS_PER_BASE + 0.5).floor() / TICKS_PER_BASE


def _rates(inside: pl.DataFrame, names: pl.DataFrame) -> np.ndarray:
    rated = inside.select(base=base_lane(), rate=whole_rate()).unique(
        "base", keep="first", maintain_order=True
    )
    return names.join(rated, on="base", maintain_order="left")["rate"].to_numpy()


def _loaded(day: AssignmentInputs, lines: pl.DataFrame, beyond: float) -> AssignmentInputs:
    """The day without containers: loaded pieces on free lanes of their own, the lanes themselves beyond any price.

    The dear lanes stay so that what is left over has the reason it has: in reach or not, in stock or not.
    """
    to = pl.col("to")
    there = pl.format("{}{}{}", "ship_country", pl.lit(MARK), "to")
    moved = lines.with_columns(
        line_no=pl.when(to.is_not_null()).then("part").otherwise("line_no"),
        ship_country=pl.when(to.is_not_null()).then(there).otherwise("ship_country"),
    )
    free = {
        "rate_per_kg": pl.lit(0, dtype=MONEY),
        "container_rate": pl.lit(None, dtype=MONEY),
        "container_max_kg": pl.lit(None, dtype=pl.Float64),
        "container_max_m3": pl.lit(None, dtype=pl.Float64),
        "rate_brackets": pl.lit(None, dtype=day.lanes.schema["rate_brackets"]),
        "surcharge_pct": pl.lit(0.0),
    }
    order_pieces = int(lines.group_by("order_id").agg(pl.col("qty").sum())["qty"].max())  # type: ignore[arg-type]
    dear = pl.lit(Decimal(str(round(beyond * order_pieces, 4))), dtype=MONEY)
    boxed = pl.col("container_rate").is_not_null()
    inside = day.lanes.filter(boxed)
    asked = lines.drop_nulls("to").select(lane_id="to", country="ship_country").unique()
    used = inside.join(asked, on="lane_id", how="semi").with_columns(
        min_charge=pl.lit(0, dtype=MONEY), **free,
        dest_node=pl.format("{}{}{}", "dest_node", pl.lit(MARK), "lane_id"),
        lane_id=pl.format("{}{}", "lane_id", pl.lit(MARK)),
    )  # fmt: skip
    places = asked.join(day.destinations, on="country").with_columns(
        country=pl.format("{}{}{}", "country", pl.lit(MARK), "lane_id")
    )
    return replace(
        day,
        lines=moved.drop("to", "part"),
        lanes=pl.concat([day.lanes.filter(~boxed), inside.with_columns(min_charge=dear, **free), used]),
        destinations=pl.concat([day.destinations, places.select(day.destinations.columns)]),
    )
