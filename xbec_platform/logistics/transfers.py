"""What it costs to send stock from one warehouse to another: the cheapest way through the network. No stock here."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from xbec_platform.logistics.pareto import pareto_labels
from xbec_platform.logistics.route_network import TICKS, Parcel, RouteNetwork, arcs_of

BATCH_KG, BATCH_M3 = 50.0, 0.25
"""The consignment that is priced: a few cartons of 200 kg a m3, far above minimum charges of parcels."""
MAX_LEGS = 5
TRANSFER_SCHEMA = pl.Schema(
    {
        "origin_node": pl.String(),
        "zone": pl.String(),
        "goods": pl.String(),
        "cost_per_kg_base": pl.Float64(),
        "days": pl.Float64(),
    }
)
"""Grain: origin x zone x goods. days: of the cheapest way, waits for departures included."""


def transfer_costs(
    network: RouteNetwork, warehouses: Sequence[str], goods: Sequence[str] = ("plain", "battery", "hazard")
) -> pl.DataFrame:
    """Cheapest way between each two warehouses for each kind of goods; pairs without a way have no row.

    Args:
        network: As `route_network` makes it.
        warehouses: Where goods may lie and go.
        goods: Kinds of goods.

    Returns:
        TRANSFER_SCHEMA, sorted by its key.
    """
    code = {node: number for number, node in enumerate(network.nodes)}
    places = sorted(set(warehouses) & set(code))
    names = {code[name]: name for name in places}
    found = []
    for kind in goods:
        arcs, _ = arcs_of(network, Parcel(kg=BATCH_KG, m3=BATCH_M3, goods=kind))
        for origin in places:
            labels = pareto_labels(arcs, source=code[origin], n_nodes=len(code), start=0, max_legs=MAX_LEGS)
            # The last label of a node is its slowest and cheapest.
            last = dict(zip(labels.node.tolist(), range(len(labels.node)), strict=True))
            found += [
                {
                    "origin_node": origin,
                    "zone": names[node],
                    "goods": kind,
                    "cost_per_kg_base": int(labels.cost[row]) / TICKS / BATCH_KG,
                    "days": int(labels.time[row]) / 1440,
                }
                for node, row in last.items()
                if node in names and names[node] != origin
            ]
    return pl.DataFrame(found, schema=TRANSFER_SCHEMA).sort("origin_node", "zone", "goods")
