"""Which warehouses an order may ship from, in order of preference, and what each is expected to ship. No stock here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.journeys import HAZARDS, LONGEST_TARGET
from xbec_platform.world.network import Network, warehouse_shares
from xbec_platform.world.places import markets
from xbec_platform.world.spec import WorldSpec, parameters
from xbec_platform.world.stock import listed_products
from xbec_platform.world.streams import categorical, stream

if TYPE_CHECKING:
    from xbec_platform.world.catalogue import Catalogue

NONE = -1
# Warehouses looked at for an order: those of its operation mode, then the others of the market.
MOST_RANKS = 7


@dataclass(frozen=True, kw_only=True)
class Supply:
    """Preferences by supply row: one row for each market and operation mode, one for each market alone.

    Attributes:
        keys: Market and operation mode by row; the mode is "" in the rows of a market alone.
        shares: Share of each warehouse as first choice, rows x warehouses.
        ranks: Warehouse indices in order of preference by row and first choice (warehouse), padded with NONE.
    """

    keys: tuple[tuple[str, str], ...]
    shares: npt.NDArray[np.float64]
    ranks: npt.NDArray[np.int8]

    def row_of(self, market: pl.Series, mode: pl.Series) -> npt.NDArray[np.int16]:
        """Return the supply row of each order; an unknown operation mode counts as none."""
        names = pl.DataFrame(
            {
                "market": [markets().index(country) for country, _ in self.keys],
                "mode": [mode for _, mode in self.keys],
                "row": range(len(self.keys)),
            },
            schema={"market": pl.Int8, "mode": pl.String, "row": pl.Int16},
        )
        alone = names.filter(pl.col("mode") == "").select("market", alone="row")
        orders = pl.DataFrame({"market": market.cast(pl.Int8), "mode": mode.cast(pl.String).fill_null("")})
        found = orders.join(names, on=["market", "mode"], how="left", maintain_order="left").join(
            alone, on="market", how="left", maintain_order="left"
        )
        return found.select(pl.coalesce("row", "alone")).to_series().to_numpy()

    def first_choice(
        self, rows: npt.NDArray[np.int16], uniform: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.int8]:
        """Return the warehouse each order is meant for."""
        chosen = np.empty(len(rows), dtype=np.int8)
        for row in range(len(self.keys)):
            here = rows == row
            chosen[here] = categorical(uniform[here], self.shares[row])
        return chosen

    def of_orders(
        self, spec: WorldSpec, orders: pl.DataFrame
    ) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int8]]:
        """Return supply row and warehouse meant for each order, the same to all who ask."""
        rows = self.row_of(orders["market"], orders["operation_mode"])
        uniform = stream(spec.seed, "fulfilment.warehouse").random(orders.height)
        return rows, self.first_choice(rows, uniform)


def build_supply(network: Network) -> Supply:
    """Return the preferences of `supply` in `data/logistics.yml` by index."""
    place = {name: number for number, name in enumerate(network.warehouses["warehouse_id"])}
    rule = parameters("logistics")["supply"]
    overall = warehouse_shares()
    keys = [(market, mode) for market in markets() for mode in ("", *rule[market])]
    shares = np.zeros((len(keys), len(place)))
    ranks = np.full((len(keys), len(place), MOST_RANKS), NONE, dtype=np.int8)
    for row, (market, mode) in enumerate(keys):
        own = overall[market] if mode == "" else rule[market][mode]
        for name, share in own.items():
            shares[row, place[name]] = share
        others = sorted(set(overall[market]) - set(own), key=lambda name: (-overall[market][name], name))
        listed = [*sorted(own, key=lambda name: (-own[name], name)), *others]
        for first in own:
            order = [place[first], *(place[name] for name in listed if name != first)]
            ranks[row, place[first], : len(order)] = order
    return Supply(keys=tuple(keys), shares=shares, ranks=ranks)


def hazard_class(catalogue: pl.DataFrame) -> npt.NDArray[np.int64]:
    """Return the hazard class of each product: bits battery 1, liquid 2, hazard 4."""
    flags = [
        catalogue[name].fill_null(value=False).to_numpy()
        for name in ("has_battery", "is_liquid", "is_hazard")
    ]
    return np.asarray(sum(flag.astype(np.int64) << bit for bit, flag in enumerate(flags)), dtype=np.int64)


def reachable(network: Network) -> npt.NDArray[np.bool_]:
    """Return whether a warehouse may send a hazard class to a market by parcel: warehouses x markets x classes."""
    shape = (network.warehouses.height, len(markets()), 2 ** len(HAZARDS))
    way = network.choice.cheapest[..., LONGEST_TARGET].reshape(shape)
    return np.asarray(way != NONE, dtype=np.bool_)


def may_hold(spec: WorldSpec, network: Network, catalogue: Catalogue) -> npt.NDArray[np.bool_]:
    """Return whether a warehouse keeps a product and may send it to a market: warehouses x markets x products."""
    frame = catalogue.frame
    listed = listed_products(spec, network, frame["popularity"].to_numpy().astype(np.float64))
    return np.asarray(listed[:, None, :] & reachable(network)[:, :, hazard_class(frame)])


def smoothed_pieces(
    pieces: npt.NDArray[np.float64], popularity: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return what buyers expect of each product: its sales, drawn towards the usual share of a product.

    Without it, a small shop would keep nothing of what happens not to be ordered in the period.

    Args:
        pieces: Mean pieces ordered a day, supply rows x products.
        popularity: Weight of each product, any scale.
    """
    weight = parameters("logistics")["stock"]["usual_weight"]
    sold = pieces.sum(axis=0)
    usual = sold / max(float(sold.sum()), 1e-9) + popularity / popularity.sum()
    return np.asarray((1 - weight) * pieces + weight * pieces.sum(axis=1, keepdims=True) * usual / 2)


def expected_demand(
    supply: Supply, pieces: npt.NDArray[np.float64], may_hold: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Return mean pieces a day by warehouse and product, as the buyers of the warehouses expect them.

    Args:
        supply: Preferences.
        pieces: Mean pieces ordered a day, supply rows x products.
        may_hold: Whether a product is listed in a warehouse and may go to a market: warehouses x markets x products.

    Returns:
        Warehouses x products. What the first choice does not list counts for the next one that does.
    """
    mean = np.zeros((may_hold.shape[0], may_hold.shape[2]))
    for row, (market, _) in enumerate(supply.keys):
        number = markets().index(market)
        for first in np.flatnonzero(supply.shares[row]):
            left = pieces[row] * supply.shares[row, first]
            for place in supply.ranks[row, first]:
                if place == NONE:
                    break
                taken = np.where(may_hold[place, number], left, 0.0)
                mean[place] += taken
                left = left - taken
    return mean
