"""Brunel's supply chain problem as arcs: 9,215 real orders of one day, 19 plants with a daily capacity in orders.

A plant may serve an order if it makes the product and, where it keeps stock for named customers (VMI), if the customer
is one of them. Serving costs the plant's rate per unit plus the cheapest freight from one of its ports to the
destination whose weight bracket holds the order: max(minimum cost, rate x weight); orders of service level CRF are
fetched by the customer and pay none.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from xbec_platform.logistics.assignment_inputs import TICKS_PER_BASE
from xbec_platform.logistics.flow import FlowProblem


@dataclass(frozen=True, kw_only=True)
class Brunel:
    """The day as a flow problem; class k is the k-th order of the file."""

    problem: FlowProblem
    plants: list[str]
    history: pl.Series


def load_brunel(folder: Path, *, crf_pays: bool = False) -> Brunel:
    """Read the seven files; `history` is the plant each order was really given to.

    Args:
        folder: Where the files are.
        crf_pays: Whether orders of service level CRF pay freight like the others.
    """
    orders = pl.read_csv(folder / "OrderList.csv").with_row_index("order")
    capacity = pl.read_csv(folder / "WhCapacities.csv").rename(str.strip).sort("Plant ID")
    plants = capacity["Plant ID"].to_list()
    pairs = _eligible(folder, orders)
    pairs = pairs.join(_freight(folder, pairs), on=["order", "Plant Code"], how="left")
    rates = pl.read_csv(folder / "WhCosts.csv").rename({"WH": "Plant Code"})
    free = (pl.col("Service Level") == "CRF") & (not crf_pays)
    arcs = (
        pairs.join(rates, on="Plant Code")
        .with_columns(freight=pl.when(free).then(0.0).otherwise(pl.col("freight")))
        .drop_nulls("freight")
        .with_columns(cost=pl.col("Cost/unit") * pl.col("Unit quantity") + pl.col("freight"))
        .sort("order", "Plant Code")
    )
    cost = np.round(arcs["cost"].to_numpy() * TICKS_PER_BASE).astype(np.int64)
    # An order more is worth any detour of the others: a path passes each plant at most once.
    penalty = (len(plants) + 1) * int(cost.max())
    problem = FlowProblem(
        class_qty=np.ones(orders.height, dtype=np.int64),
        class_penalty=np.full(orders.height, penalty, dtype=np.int64),
        arc_class=arcs["order"].cast(pl.Int64).to_numpy(),
        arc_warehouse=arcs["Plant Code"]
        .replace_strict({name: at for at, name in enumerate(plants)})
        .to_numpy(),
        arc_cost=cost,
        capacity=capacity["Daily Capacity"].cast(pl.Int64).to_numpy(),
    )
    return Brunel(problem=problem, plants=plants, history=orders["Plant Code"])


def _eligible(folder: Path, orders: pl.DataFrame) -> pl.DataFrame:
    made = pl.read_csv(folder / "ProductsPerPlant.csv").unique()
    named = (
        pl.read_csv(folder / "VmiCustomers.csv").rename({"Customers": "Customer"}).with_columns(named=True)
    )
    pairs = (
        orders.drop("Plant Code")
        .join(made, on="Product ID")
        .join(named, on=["Plant Code", "Customer"], how="left")
    )
    closed = pl.col("Plant Code").is_in(named["Plant Code"].unique().implode())
    return pairs.filter(~closed | pl.col("named"))


def _freight(folder: Path, pairs: pl.DataFrame) -> pl.DataFrame:
    ports = pl.read_csv(folder / "PlantPorts.csv").rename({"Port": "orig_port_cd"})
    rates = pl.read_csv(folder / "FreightRates.csv", infer_schema_length=None)
    return (
        pairs.select("order", "Plant Code", "Weight", dest_port_cd="Destination Port")
        .join(ports, on="Plant Code")
        .join(rates, on=["orig_port_cd", "dest_port_cd"])
        .filter(pl.col("Weight").is_between("minm_wgh_qty", "max_wgh_qty"))
        .group_by("order", "Plant Code")
        .agg(freight=pl.max_horizontal("minimum cost", pl.col("rate") * pl.col("Weight")).min())
    )
