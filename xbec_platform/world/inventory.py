"""Stock at the end of each day as the warehouses report it, with its age. How it comes about: `stock`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.sample_stock import SNAPSHOT_SCHEMA
from xbec_platform.world.spec import parameters

if TYPE_CHECKING:
    from xbec_platform.world.fulfilment import Fulfilment
    from xbec_platform.world.plan import Plan


def on_hand(fulfilment: Fulfilment, day: int) -> npt.NDArray[np.int64]:
    """Return pieces on the shelves at the end of a day, reserved ones included: warehouses x products."""
    moved = fulfilment.stock.receipts[: day + 1].sum(axis=0, dtype=np.int64)
    return np.asarray(
        fulfilment.stock.opening + moved - fulfilment.shipped[: day + 1].sum(axis=0, dtype=np.int64)
    )


def pieces_by_age(fulfilment: Fulfilment, day: int) -> npt.NDArray[np.int64]:
    """Return pieces on hand at the end of a day by age: buckets x warehouses x products, youngest first.

    The oldest leave first, so what is left are the latest receipts. Buckets end at the days of `age_buckets` in
    `data/logistics.yml`; the last one is open.
    """
    stock, left = fulfilment.stock, on_hand(fulfilment, day)
    edges = parameters("logistics")["stock"]["age_buckets"]
    up_to = []
    for edge in edges:
        young = stock.layer_age + day <= edge
        received = np.where(young, stock.layer_pieces, 0).sum(axis=0, dtype=np.int64)
        received = received + stock.receipts[max(day - edge, 0) : day + 1].sum(axis=0, dtype=np.int64)
        up_to.append(np.minimum(received, left))
    return np.diff(np.stack([*up_to, left]), axis=0, prepend=np.zeros((1, *left.shape), dtype=np.int64))


def inventory_snapshots_rows(plan: Plan, day: int) -> pl.DataFrame:
    """Return the inventory_snapshots source of a day: every product a warehouse keeps and that is launched.

    Returns:
        Columns of the contract, sorted by warehouse_id and product_id; reserved counts pieces promised on an earlier
        day and not yet handed over. Last come pieces on hand by days in stock: age_0_30, age_31_60, ... as
        `age_buckets` in `data/logistics.yml` names them, the last one age_<n>_plus; their sum is on_hand.
    """
    frame = _snapshot(plan, day)
    where = frame["warehouse"].to_numpy(), frame["product"].to_numpy()
    buckets = pieces_by_age(plan.fulfilment, day)
    named = {name: pl.Series(buckets[row][where]) for row, name in enumerate(age_columns())}
    return frame.select(pl.col(name).cast(dtype) for name, dtype in SNAPSHOT_SCHEMA.items()).with_columns(
        **named
    )


def age_columns() -> list[str]:
    """Return the names of the age buckets."""
    edges = parameters("logistics")["stock"]["age_buckets"]
    starts = [0, *(edge + 1 for edge in edges)]
    closed = [f"age_{start}_{end}" for start, end in zip(starts, edges, strict=False)]
    return [*closed, f"age_{starts[-1]}_plus"]


def _snapshot(plan: Plan, day: int) -> pl.DataFrame:
    fulfilment, spec = plan.fulfilment, plan.spec
    products = plan.catalogue.frame
    launched = products["launch_day"].to_numpy() <= day
    warehouse, product = np.nonzero(fulfilment.stock.listed & launched)
    inbound = fulfilment.stock.inbound[day, warehouse, product]
    due = fulfilment.stock.due_day[day, warehouse]
    eta = [spec.day(int(number)) for number in range(-1, spec.days + 200)]
    return (
        pl.DataFrame(
            {
                "warehouse": warehouse,
                "product": product,
                "warehouse_id": plan.network.warehouses["warehouse_id"].gather(warehouse),
                "product_id": products["product_id"].gather(product),
                "snapshot_date": [spec.day(day)] * len(product),
                "on_hand": on_hand(fulfilment, day)[warehouse, product],
                "reserved": fulfilment.reserved[day, warehouse, product],
                "inbound": inbound,
                "inbound_eta_date": pl.Series(eta).gather(due + 1),
                "is_sample": [bool(parameters("logistics")["is_sample"])] * len(product),
            },
        )
        .with_columns(inbound_eta_date=pl.when(pl.col("inbound") > 0).then("inbound_eta_date"))
        .sort("warehouse_id", "product_id")
    )
