"""How long a parcel is on the way: legs, departures, customs, season, delivery hours. Its fate: `parcels`."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xbec_platform.world.journeys import LINE_HAUL_LANES, MOST_LANES, Z90
from xbec_platform.world.lanes import departure_wait
from xbec_platform.world.network import Network
from xbec_platform.world.places import markets, nodes, utc_offset_seconds
from xbec_platform.world.spec import SECONDS_PER_DAY, WorldSpec, parameters
from xbec_platform.world.stock import within

NONE = -1
HOUR = 3600
# Legs may end so many days after the period.
DAYS_AFTER = 150
# Of a journey with one carrier: departure, landing and arrival at the last station as shares of the time.
ONE_LANE_SHARES = {True: (0.25, 0.55, 0.85), False: (0.15, 0.5, 0.8)}
SUNDAY = 6
# 1970-01-01 was a Thursday (Monday = 0).
WEEKDAY_OF_EPOCH = 3


@dataclass(frozen=True, kw_only=True)
class Moments:
    """When a parcel that arrives passes its milestones, seconds since 1970 (UTC), one entry per parcel.

    Attributes:
        departed: Leaves on the main leg.
        landed: Arrives in the country or region of destination.
        received: At the last station, released by customs.
        delivered: At the address.
    """

    departed: npt.NDArray[np.int64]
    landed: npt.NDArray[np.int64]
    received: npt.NDArray[np.int64]
    delivered: npt.NDArray[np.int64]


class TransitTable:
    """Lanes as arrays: quantiles, schedules and seasons."""

    def __init__(self, spec: WorldSpec, network: Network) -> None:
        """Prepare the lookups; `network` gives lanes and journeys."""
        lanes = network.lanes
        self._spec = spec
        modes = sorted(parameters("logistics")["modes"])
        self._mode = np.array([modes.index(mode) for mode in lanes["mode"]])
        p50, p90 = lanes["transit_p50_days"].to_numpy(), lanes["transit_p90_days"].to_numpy()
        self._mu, self._sigma = np.log(p50), np.log(p90 / p50) / Z90
        self._wait = np.array([departure_wait(days) for days in lanes["departs"]])
        self._cut_off = lanes["cut_off_hour"].to_numpy() * HOUR
        zones = dict(nodes().select("node_id", "timezone").iter_rows())
        moment = np.array([spec.epoch], dtype=np.int64)
        offset = {zone: int(utc_offset_seconds(zone, moment)[0]) for zone in set(zones.values())}
        self._offset = np.array([offset[zones[node]] for node in lanes["origin_node"]])
        self._season = season_factors(spec, modes)
        self.legs = np.full((network.journeys.height, MOST_LANES), NONE, dtype=np.int64)
        for row, way in enumerate(network.journeys["lanes"].to_list()):
            self.legs[row, : len(way)] = way

    def travel(
        self,
        lane: npt.NDArray[np.int64],
        start: npt.NDArray[np.int64],
        market: npt.NDArray[np.int8],
        rng: np.random.Generator,
    ) -> npt.NDArray[np.int64]:
        """Return arrival times over one lane each: log-normal about its P50 and P90, times the season's delay."""
        day = np.clip((start - self._spec.epoch) // SECONDS_PER_DAY, 0, self._season.shape[2] - 1)
        season = self._season[self._mode[lane], market, day]
        days = np.exp(self._mu[lane] + self._sigma[lane] * rng.standard_normal(len(lane))) * season
        return np.asarray(start + np.round(days * SECONDS_PER_DAY).astype(np.int64))

    def departure(self, lane: npt.NDArray[np.int64], ready: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the next departure of each lane: at its cut-off on a day of its schedule."""
        local = ready + self._offset[lane]
        day = local // SECONDS_PER_DAY + (local % SECONDS_PER_DAY >= self._cut_off[lane])
        day = day + self._wait[lane, (day + WEEKDAY_OF_EPOCH) % 7]
        return np.asarray(day * SECONDS_PER_DAY + self._cut_off[lane] - self._offset[lane])


def season_factors(spec: WorldSpec, modes: list[str]) -> npt.NDArray[np.float64]:
    """Return the delay factor by mode, market and day (of the period and DAYS_AFTER days after it)."""
    factors = np.ones((len(modes), len(markets()), spec.days + DAYS_AFTER))
    for rule in parameters("logistics")["seasonal_delay"]:
        rows = [modes.index(mode) for mode in rule["modes"]]
        columns = [markets().index(country) for country in rule.get("countries", markets())]
        days = [day for day in range(factors.shape[2]) if within(spec.day(day), rule)]
        cells = np.ix_(rows, columns, days)
        factors[cells] = np.maximum(factors[cells], rule["factor"])
    return factors


def moments(
    spec: WorldSpec,
    network: Network,
    journey: npt.NDArray[np.int64],
    shipped: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> Moments:
    """Return the milestones of parcels on their journeys.

    Args:
        spec: Period.
        network: Lanes and journeys.
        journey: Journey index by parcel.
        shipped: Handed over, seconds since 1970 (UTC).
        rng: Draws legs, customs and the hour at the door.
    """
    table = TransitTable(spec, network)
    market = network.journeys["market"].to_numpy()[journey]
    border = network.journeys["crosses_customs"].to_numpy()[journey]
    legs = table.legs[journey]
    found = np.empty((4, len(journey)), dtype=np.int64)
    count = (legs != NONE).sum(axis=1)
    for border_here in (True, False):
        here = np.flatnonzero((count == 1) & (border == border_here))
        arrival = table.travel(legs[here, 0], shipped[here], market[here], rng)
        for row, share in enumerate((*ONE_LANE_SHARES[border_here], 1.0)):
            found[row, here] = shipped[here] + np.round((arrival - shipped[here]) * share).astype(np.int64)
    many = np.flatnonzero(count == MOST_LANES)
    at_hub = table.travel(legs[many, 0], shipped[many], market[many], rng)
    found[0, many] = table.departure(legs[many, 1], at_hub)
    found[1, many] = table.travel(legs[many, 1], found[0, many], market[many], rng)
    released = found[1, many] + customs_dwell(market[many], rng)
    found[2, many] = table.travel(legs[many, 2], released, market[many], rng)
    found[3, many] = table.travel(legs[many, 3], found[2, many], market[many], rng)
    haul = np.flatnonzero(count == LINE_HAUL_LANES)
    found[:, haul] = _by_lorry(table, legs[haul], shipped[haul], market[haul], border[haul], rng)
    return Moments(
        departed=found[0], landed=found[1], received=found[2], delivered=at_the_door(found[3], market, rng)
    )


def _by_lorry(
    table: TransitTable,
    legs: npt.NDArray[np.int64],
    shipped: npt.NDArray[np.int64],
    market: npt.NDArray[np.int8],
    border: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Return departure, landing, release and end of line hauls: lorry, customs where there are any, last mile."""
    departed = table.departure(legs[:, 0], shipped)
    landed = table.travel(legs[:, 0], departed, market, rng)
    received = landed + np.where(border, customs_dwell(market, rng), 0)
    return np.stack([departed, landed, received, table.travel(legs[:, 1], received, market, rng)])


def customs_dwell(market: npt.NDArray[np.int8], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return seconds at import customs, log-normal by market."""
    rule = parameters("logistics")["customs_dwell_days"]
    p50, p90 = np.array([rule[country] for country in markets()]).T
    mu, sigma = np.log(p50), np.log(p90 / p50) / Z90
    days = np.exp(mu[market] + sigma[market] * rng.standard_normal(len(market)))
    return np.asarray(np.round(days * SECONDS_PER_DAY), dtype=np.int64)


def at_the_door(
    arrival: npt.NDArray[np.int64], market: npt.NDArray[np.int8], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Move arrivals into the hours of delivery: at night to the next morning, on some Sundays to Monday."""
    rule = parameters("logistics")
    first, last = (hour * HOUR for hour in rule["fulfilment"]["delivery_hours"])
    resting = np.array([country in rule["fulfilment"]["no_sunday_delivery"] for country in markets()])
    local = arrival + local_offset(arrival, market)
    clock = local % SECONDS_PER_DAY
    morning = first + np.floor(rng.random(len(local)) * (last - first) / 2).astype(np.int64)
    day = local // SECONDS_PER_DAY + (clock >= last)
    shifted = np.where((clock < first) | (clock >= last), day * SECONDS_PER_DAY + morning, local)
    sunday = ((shifted // SECONDS_PER_DAY + WEEKDAY_OF_EPOCH) % 7 == SUNDAY) & resting[market]
    return np.asarray(arrival + (shifted - local) + sunday * SECONDS_PER_DAY)


def local_offset(moment: npt.NDArray[np.int64], market: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
    """Return the offset of a market's local time from UTC in seconds at each moment."""
    zones = parameters("logistics")["market_timezones"]
    offset = np.zeros(len(moment), dtype=np.int64)
    for number, country in enumerate(markets()):
        here = market == number
        offset[here] = utc_offset_seconds(zones[country], moment[here])
    return offset
