"""What the buyer of an order is told: whether it goes slowly, and by when it comes. What happens: `fulfilment`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.journeys import LONGEST_TARGET, days_at
from xbec_platform.world.lanes import WEEK, departure_wait
from xbec_platform.world.network import Network
from xbec_platform.world.spec import SECONDS_PER_DAY, WorldSpec, parameters
from xbec_platform.world.stock import within
from xbec_platform.world.streams import stream
from xbec_platform.world.supply import NONE, build_supply, hazard_class, may_hold

if TYPE_CHECKING:
    from xbec_platform.world.catalogue import Catalogue
    from xbec_platform.world.orders import Orders


def add_promises(spec: WorldSpec, orders: Orders, catalogue: Catalogue, network: Network) -> Orders:
    """Return the orders with what the checkout says of their delivery.

    The shop reckons with the first warehouse of its list that keeps a product, the journey a parcel takes from
    there, and its usual time to pick; it knows neither stock-outs nor backlogs.

    Args:
        spec: Period and seed.
        orders: `promised_days` are the days within which the operation mode looks for the cheapest journey.
        catalogue: `.frame` (row = product).
        network: Warehouses and journeys.

    Returns:
        In `.frame` also target_days (`promised_days` as they were), service (mode by which a bulky order was sold,
        null: the usual way) and promised_ts (s; null: a pre-sale that is never paid); promised_days are whole days
        from the order to the door, in a pre-sale from the payment.
    """
    since = pl.when("is_presale").then("paid_ts").otherwise("order_ts")
    frame = orders.frame.with_columns(since=since.cast(pl.Int64), target_days="promised_days")
    parts = _planned_parts(spec, orders, catalogue, network)
    started = frame.select(pl.coalesce("since", "order_ts") - spec.epoch).to_series() // SECONDS_PER_DAY
    day = started.gather(parts["order"]).to_numpy().clip(0, spec.days - 1)
    service, journey = _services(spec, orders.frame.height, network, parts)
    journey = _slower_of_charters(spec, network, parts, journey, day)
    days = pl.Series("days", _days(network, journey, parts["place"].to_numpy()))
    told = parts.select("order", days).group_by("order").agg(pl.col("days").max())
    return replace(orders, frame=_with_days(frame.with_columns(service=service), told))


def _planned_parts(spec: WorldSpec, orders: Orders, catalogue: Catalogue, network: Network) -> pl.DataFrame:
    """Return what an order is expected to be divided into: order, place (warehouse), market, target, kg, hazard."""
    supply = build_supply(network)
    rows, first = supply.of_orders(spec, orders.frame)
    lines = orders.lines
    order, product = lines["order"].to_numpy(), lines["product"].to_numpy()
    market = orders.frame["market"].to_numpy()[order]
    allowed = may_hold(spec, network, catalogue)
    place = planned_places(supply.ranks[rows, first][order], allowed, market, product)
    target = orders.frame["promised_days"].clip(0, LONGEST_TARGET).cast(pl.Int8)
    return (
        lines.select(
            "order",
            place=pl.Series(place),
            market=pl.Series(market),
            target=target.gather(lines["order"]),
            kg=pl.col("qty") * catalogue.frame["weight_kg"].cast(pl.Float64).gather(lines["product"]),
            hazard=pl.Series(hazard_class(catalogue.frame)[product], dtype=pl.UInt8),
        )
        .filter(pl.col("place") != NONE)
        .group_by("order", "place")
        # Rounded: in which order a sum is added must not decide at a threshold.
        .agg(pl.col("market", "target").first(), pl.col("kg").sum().round(6), pl.col("hazard").bitwise_or())
        .sort("order", "place")
    )


def planned_places(
    ranks: npt.NDArray[np.int8],
    allowed: npt.NDArray[np.bool_],
    market: npt.NDArray[np.int8],
    product: npt.NDArray[np.integer],
) -> npt.NDArray[np.int8]:
    """Return the first warehouse of each line's list that keeps its product for its market, NONE without any.

    Args:
        ranks: Warehouses in order of preference, lines x ranks, padded with NONE.
        allowed: As `supply.may_hold` returns it.
        market: Market index by line.
        product: Product index by line.
    """
    place = np.full(len(ranks), NONE, dtype=np.int8)
    for at in ranks.T:
        here = (place == NONE) & (at != NONE)
        here &= allowed[at, market, product]
        place[here] = at[here]
    return place


def _services(
    spec: WorldSpec, orders: int, network: Network, parts: pl.DataFrame
) -> tuple[pl.Series, npt.NDArray[np.int64]]:
    """Return the service of each order and the journey of each part; an order goes as a whole where it can."""
    rng = stream(spec.seed, "promises.service")
    cells = tuple(parts[name].to_numpy() for name in ("place", "market", "hazard"))
    order, kg = parts["order"].to_numpy(), parts["kg"].to_numpy()
    journey = network.choice.cheapest[(*cells, parts["target"].to_numpy())].astype(np.int64)
    names: list[str] = []
    service = np.full(orders, NONE, dtype=np.int64)
    for number, bulky in enumerate(parameters("logistics")["fulfilment"]["bulky"]):
        names.append(bulky["mode"])
        way = network.choice.by_mode[bulky["mode"]][cells]
        wanted = rng.random(orders) < bulky["share"]
        service[order[(kg >= bulky["from_kg"]) & wanted[order] & (way != NONE)]] = number
    for number, mode in enumerate(names):
        way = network.choice.by_mode[mode][cells]
        journey = np.where((service[order] == number) & (way != NONE), way, journey)
    text = pl.Series([*names, None], dtype=pl.Enum(list(dict.fromkeys(names))))
    return text.gather(pl.Series(np.where(service == NONE, len(names), service))), journey


def _slower_of_charters(
    spec: WorldSpec,
    network: Network,
    parts: pl.DataFrame,
    journey: npt.NDArray[np.int64],
    day: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Return the journeys the shop reckons with: in the weeks of charters, what goes by air may go with one."""
    rule = parameters("logistics")["fulfilment"]["charter"]
    season = np.array([within(spec.day(number), rule) for number in range(spec.days)])
    cells = tuple(parts[name].to_numpy() for name in ("place", "market", "hazard"))
    way = network.choice.by_mode["air_charter"][cells]
    days = network.journeys["transit_p50_days"].to_numpy()
    by_air = network.journeys["mode"].to_numpy() == "air"
    slower = season[day] & by_air[journey] & (way != NONE) & (days[way] > days[journey])
    return np.where(slower, way, journey)


def _days(
    network: Network, journey: npt.NDArray[np.int64], place: npt.NDArray[np.int8]
) -> npt.NDArray[np.int64]:
    """Return whole days from the order to the door: picking, days off, the journey, the hours of delivery."""
    rule = parameters("logistics")["fulfilment"]["promise"]
    off = np.array([sum(departure_wait(works)) / WEEK for works in network.warehouses["works"]])
    transit = days_at(network.journeys, rule["quantile_z"])
    total = rule["picking_days"] + off[place] + transit[journey] + rule["door_days"]
    # Rounded before: what the last bit decides at a whole day would differ between machines.
    return np.asarray(np.ceil(np.round(total, 4)), dtype=np.int64)


def _with_days(frame: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Return the orders with their promise; of goods that nobody keeps the shop only knows its target."""
    order = pl.int_range(pl.len()).cast(told.schema["order"])
    days = frame.select(order=order).join(told, on="order", how="left", maintain_order="left")["days"]
    promised = pl.coalesce(days, "target_days").cast(pl.Int16)
    return frame.with_columns(
        promised_days=promised, promised_ts=pl.col("since") + promised.cast(pl.Int64) * SECONDS_PER_DAY
    ).drop("since")
