"""A generated day cut in two: prices are learned on the first half, the second comes order by order."""

from dataclasses import replace

import numpy as np
import polars as pl

from xbec_platform.logistics.assignment import build_network
from xbec_platform.logistics.assignment_inputs import AssignmentParams, canonical
from xbec_platform.logistics.flow import FlowProblem
from xbec_platform.logistics.online import OnlineStream, with_other_destinations
from xbec_platform_tests.unit.logistics.generated_day import generate_day


def halves(n_lines: int, *, with_stock: bool, copies: int = 1) -> tuple[FlowProblem, OnlineStream]:
    """The first half as a flow problem and the second as a stream; each has half of the day's capacity and stock.

    `copies`: so many times the first half, see `with_other_destinations`.
    """
    day = generate_day(n_lines, with_stock=with_stock)
    orders = day.lines["order_id"].unique().sort()
    is_first = pl.col("order_id") < orders[len(orders) // 2]
    half = {
        "warehouses": day.warehouses.with_columns(pl.col("capacity_orders_day") // 2),
        "stock": None if day.stock is None else day.stock.with_columns(pl.col("available") // 2),
    }
    first = with_other_destinations(day.lines.filter(is_first), copies)
    past, now = (
        build_network(canonical(replace(day, lines=lines, **half)), AssignmentParams())
        for lines in (first, day.lines.filter(~is_first))
    )
    past_stock = None
    if past.stock is not None and now.stock is not None:
        known = past.stock.select("product_id", "warehouse", past="stock_node")
        found = now.stock.join(known, on=["product_id", "warehouse"], how="left", maintain_order="left")
        past_stock = found["past"].fill_null(-1).to_numpy()
    lines = now.demand.lines
    stream = OnlineStream(
        problem=now.problem,
        line_class=lines["class_id"].to_numpy(),
        line_qty=lines["qty"].to_numpy(),
        arrival=np.arange(lines.height),
        past_stock=past_stock,
        past_copies=copies,
    )
    return past.problem, stream
