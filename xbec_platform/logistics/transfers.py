"""What it costs to send stock from one warehouse to another: the cheapest way through the network. No stock here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from types import MappingProxyType

import polars as pl

from xbec_platform.logistics.closures import DAY
from xbec_platform.logistics.restricted_items import MARK
from xbec_platform.logistics.route_network import TICKS, Parcel, RouteNetwork
from xbec_platform.logistics.route_search import ParcelNetwork, RouteSearch
from xbec_platform.logistics.route_terms import RULE_SCHEMA, RouteTerms

BATCH_KG, BATCH_M3 = 50.0, 0.25
"""The consignment that is priced: a few cartons of 200 kg a m3, far above minimum charges of parcels."""
MAX_LEGS = 5
_MONDAY = datetime.combine(date(2024, 1, 1), time())
TRANSFER_SCHEMA = pl.Schema(
    {
        "origin_node": pl.String(),
        "zone": pl.String(),
        "goods": pl.String(),
        "cost_per_kg_base": pl.Float64(),
        "days": pl.Float64(),
    }
)
"""Grain: origin x zone x goods (kind or group). days: of the cheapest way, waits for departures included."""


def restricted_groups(kinds: pl.DataFrame, restricted: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Articles with restrictions of their own as groups of goods: each kind and set of restrictions once.

    Args:
        kinds: product_id, goods (their kind).
        restricted: product_id, restriction_id, market, mode, carrier, from_outside_eu.

    Returns:
        product_id, goods, goods_group; and the rules of each group (RULE_SCHEMA).
    """
    touched = restricted.join(kinds, on="product_id").sort("product_id", "restriction_id")
    sets = touched.group_by("product_id", "goods", maintain_order=True).agg(
        ids=pl.col("restriction_id").unique(maintain_order=True).str.join(", ")
    )
    names = (
        sets.select("goods", "ids")
        .unique()
        .sort("goods", "ids")
        .with_row_index("n")
        .select("goods", "ids", goods_group=pl.format("{}{}{}", "goods", pl.lit(MARK), "n"))
    )
    groups = sets.join(names, on=["goods", "ids"]).select("product_id", "goods", "goods_group")
    columns = ["restriction_id", "market", "mode", "carrier", "from_outside_eu"]
    rules = (
        touched.select("product_id", *columns)
        .join(groups.select("product_id", "goods_group"), on="product_id")
        .select(*columns, goods="goods_group", above_kg=pl.lit(None, dtype=pl.Float64))
        .unique()
        .select(pl.col(name).cast(dtype) for name, dtype in RULE_SCHEMA.items())
    )
    return groups.sort("product_id"), rules.sort("goods", "restriction_id", "market", "mode", "carrier")


def transfer_costs(
    network: RouteNetwork,
    warehouses: Sequence[str],
    goods: Sequence[str] = ("plain", "battery", "hazard"),
    *,
    groups: Mapping[str, str] = MappingProxyType({}),
    terms: RouteTerms | None = None,
) -> pl.DataFrame:
    """Cheapest way between each two warehouses for each kind of goods; pairs without a way have no row.

    Args:
        network: As `route_network` makes it.
        warehouses: Where goods may lie and go.
        goods: Kinds of goods.
        groups: Kind of each group of goods with restrictions of its own.
        terms: Restrictions of kinds and groups, and customs; None: none.

    Returns:
        TRANSFER_SCHEMA, sorted by its key; goods: kind or group.
    """
    parcels = [Parcel(kg=BATCH_KG, m3=BATCH_M3, goods=kind) for kind in goods]
    parcels += [Parcel(kg=BATCH_KG, m3=BATCH_M3, goods=kind, group=group) for group, kind in groups.items()]
    found = []
    for parcel in parcels:
        base = ParcelNetwork(network, parcel, terms or RouteTerms(), ready=_MONDAY, max_legs=MAX_LEGS)
        places = sorted(set(warehouses) & set(base.code))
        for origin in places:
            search = RouteSearch(base, origin)
            for zone in places:
                labels, numbers = search.to(zone)
                if zone == origin or labels is None or not len(numbers):
                    continue
                # The last label of a node is its slowest and cheapest.
                found.append(
                    {
                        "origin_node": origin,
                        "zone": zone,
                        "goods": parcel.group or parcel.goods,
                        "cost_per_kg_base": int(labels.cost[numbers[-1]]) / TICKS / BATCH_KG,
                        "days": int(labels.time[numbers[-1]]) / DAY,
                    }
                )
    return pl.DataFrame(found, schema=TRANSFER_SCHEMA).sort("origin_node", "zone", "goods")
