"""Ways of consignments between centres, today and tomorrow. Parcels to customers: routes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from xbec_platform.logistics.preposition_options import TRANSFER_SCHEMA
from xbec_platform.logistics.route_network import Parcel, RouteNetwork
from xbec_platform.logistics.route_terms import RouteTerms
from xbec_platform.logistics.routes import RouteParams, routes

CONSIGNMENT_KG = 500.0
KG_PER_M3 = 200.0
N_SAMPLES = 200
MAX_LEGS = 3
"""To a hub, between hubs, to the centre."""


def transfer_offers(
    network: RouteNetwork,
    origins: Sequence[str],
    centres: Sequence[str],
    goods: Sequence[str],
    *,
    ready: datetime,
    terms: RouteTerms | None = None,
) -> pl.DataFrame:
    """Every efficient way of a consignment from each origin to each other centre.

    Args:
        network: Lanes of the day.
        origins: Centres that hold pre-sold goods.
        centres: Where they could go.
        goods: Kinds of goods, see `route_network.GOODS`.
        ready: When the consignment can leave; UTC without zone.
        terms: Holidays, customs and restrictions; None: none.

    Returns:
        TRANSFER_SCHEMA, sorted by its key; a pair without a way has no row.
    """
    params = RouteParams(n_samples=N_SAMPLES, max_legs=MAX_LEGS)
    key = ["goods", "origin_node", "zone", "lane_ids"]
    found = [pl.DataFrame(schema=TRANSFER_SCHEMA)]
    for kind in sorted(set(goods)):
        parcel = Parcel(kg=CONSIGNMENT_KG, m3=CONSIGNMENT_KG / KG_PER_M3, goods=kind)
        today, tomorrow = (
            routes(
                network,
                origins,
                centres,
                parcel,
                ready=ready + timedelta(days=wait),
                params=params,
                terms=terms,
            ).filter((pl.col("status") == "ok") & (pl.col("origin_node") != pl.col("zone")))
            for wait in (0, 1)
        )
        found.append(
            today.join(tomorrow.select(*key, p90_days_tomorrow="p90_days"), on=key, how="left").select(
                "goods",
                "origin_node",
                warehouse_id="zone",
                route="lane_ids",
                cost_per_kg=pl.col("cost_base").cast(pl.Float64) / CONSIGNMENT_KG,
                p90_days="p90_days",
                p90_days_tomorrow="p90_days_tomorrow",
            )
        )
    return pl.concat(found).sort("goods", "origin_node", "warehouse_id", "cost_per_kg", "p90_days", "route")
