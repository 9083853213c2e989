"""What holds for routes beside the lanes: holidays, customs, restricted goods. Searches nothing.

Countries are known of warehouses (given), of addresses (a node of two letters is its country), and of hubs where their
lanes name one. Hubs keep the holidays of their country, but clear nothing: goods are cleared where they enter the
first warehouse or address that lies in the destination's customs territory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from xbec_platform.logistics.closures import OpenDays
from xbec_platform.logistics.customs_territory import EU
from xbec_platform.logistics.pareto import Arcs
from xbec_platform.logistics.route_network import Parcel, RouteNetwork

CALENDAR_DAYS = 371
"""Days from the Monday on for which calendars count; the longest way is far shorter."""
HOLIDAY, CUSTOMS_CLOSED = "holiday", "customs_closed"

RULE_SCHEMA = pl.Schema(
    {
        "restriction_id": pl.String(),
        "goods": pl.String(),
        "market": pl.String(),
        "mode": pl.String(),
        "carrier": pl.String(),
        "from_outside_eu": pl.Boolean(),
        "above_kg": pl.Float64(),
    }
)
"""Grain: restriction x goods. goods: kind or group of a parcel; null in any column: all. above_kg: heavier parcels."""

CALENDAR_SCHEMA = pl.Schema({"calendar_date": pl.Date(), "market": pl.String(), "kind": pl.String()})


@dataclass(frozen=True, kw_only=True)
class RouteTerms:
    """Terms of a day; without any, nothing is closed, cleared or restricted.

    Attributes:
        country: Country of each warehouse.
        hub_country: Country of hubs.
        uncleared: Warehouses whose goods are not imported yet: customs come after them.
        calendar: CALENDAR_SCHEMA. On a holiday nothing leaves a place of the country, on customs_closed its customs
            clear nothing.
        customs_days: P50 and P90 days in customs by country.
        usual_customs_days: The same of any other country; None: customs take no time.
        rules: RULE_SCHEMA.
    """

    country: Mapping[str, str] = field(default_factory=dict)
    hub_country: Mapping[str, str] = field(default_factory=dict)
    uncleared: frozenset[str] = frozenset()
    calendar: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CALENDAR_SCHEMA))
    customs_days: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    usual_customs_days: tuple[float, float] | None = None
    rules: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RULE_SCHEMA))

    def __post_init__(self) -> None:
        """Refuse times that cannot be."""
        for country, (p50, p90) in [
            *self.customs_days.items(),
            ("any other", self.usual_customs_days or (1, 1)),
        ]:
            if not 0 < p50 <= p90:
                raise ValueError(f"customs of {country}: P50 {p50} must be above 0 and at most P90 {p90}")

    @property
    def takes_time(self) -> bool:
        """Whether anything is closed or cleared."""
        return bool(self.calendar.height or self.customs_days or self.usual_customs_days)

    def country_of(self, node: str) -> str | None:
        """Country of a warehouse or address; None: not known, or a hub."""
        return self.country.get(node) or (node if len(node) == 2 else None)

    def holidays_of(self, node: str) -> str | None:
        """Country whose holidays a node keeps; None: not known."""
        return self.country_of(node) or self.hub_country.get(node)

    def customs(self, country: str) -> tuple[float, float] | None:
        """P50 and P90 days in a country's customs; None: no time."""
        return self.customs_days.get(country, self.usual_customs_days)


def territory_of(country: str | None) -> str | None:
    """The customs territory of a country."""
    return "EU" if country in EU else country


def with_calendars(arcs: Arcs, nodes: Sequence[str], terms: RouteTerms, first_day: date) -> Arcs:
    """Arcs that leave on no holiday of the country they leave from.

    Args:
        arcs: Of the network.
        nodes: Names of its nodes.
        terms: Of the day.
        first_day: The Monday that minutes are counted from.
    """
    number = _countries(nodes, terms)
    closed = np.zeros((max(2 * len(number), 1), CALENDAR_DAYS), dtype=np.bool_)
    # The last day stays open: what is closed for ever would never leave.
    last = first_day + timedelta(days=CALENDAR_DAYS - 1)
    near = terms.calendar.filter(
        pl.col("calendar_date").is_between(first_day, last, closed="left"),
        pl.col("market").is_in(list(number)),
    )
    for day, country, kind in near.select("calendar_date", "market", "kind").iter_rows():
        if kind in {HOLIDAY, CUSTOMS_CLOSED}:
            closed[2 * number[country] + (kind == CUSTOMS_CLOSED), (day - first_day).days] = True
    at_tail = np.array([2 * number.get(terms.holidays_of(node) or "", -1) for node in nodes], dtype=np.int64)
    return replace(arcs, days=OpenDays(closed=closed), calendar=np.maximum(at_tail, -1)[arcs.tail])


def _countries(nodes: Sequence[str], terms: RouteTerms) -> dict[str, int]:
    """Countries with calendars, numbered."""
    found = sorted({country for node in nodes if (country := terms.holidays_of(node))})
    return {country: number for number, country in enumerate(found)}


def with_customs(arcs: Arcs, nodes: Sequence[str], terms: RouteTerms, origin: str) -> tuple[Arcs, np.ndarray]:
    """Arcs with the customs that goods of an origin pass before they leave by them, and their P90 over P50.

    A lane from a warehouse abroad straight to an address has its customs within its own transit time.
    """
    home = territory_of(terms.country_of(origin))
    numbers = _countries(nodes, terms)
    clearing, minutes = np.full(len(arcs.tail), -1, dtype=np.int64), np.zeros(len(arcs.tail), dtype=np.int64)
    spread = np.ones(len(arcs.tail))
    heads = {
        code: (country, days)
        for code, node in enumerate(nodes)
        if (country := terms.country_of(node))
        and home not in {None, territory_of(country)}
        and node not in terms.uncleared
        and (days := terms.customs(country))
    }
    for arc in np.flatnonzero(np.isin(arcs.head, list(heads))).tolist():
        country, (p50, p90) = heads[int(arcs.head[arc])]
        tail, head = nodes[arcs.tail[arc]], nodes[arcs.head[arc]]
        there, is_address = territory_of(terms.country_of(tail)), head not in terms.country
        inside = there == territory_of(country)
        if inside and tail not in terms.uncleared:
            continue
        if there is not None and not inside and is_address:
            continue
        clearing[arc] = 2 * numbers[country] + 1
        minutes[arc] = max(round(p50 * 1440), 1)
        spread[arc] = p90 / p50
    return replace(arcs, clearing=clearing, clearing_minutes=minutes), spread


@dataclass(frozen=True)
class Restrictions:
    """Rules that touch a parcel, each with the lanes it closes, shape (rules, lanes)."""

    rules: list[dict[str, object]]
    closes: np.ndarray

    @classmethod
    def of(cls, network: RouteNetwork, parcel: Parcel, terms: RouteTerms) -> Restrictions:
        """Rules for the parcel's kind or group of goods and its weight."""
        named = [parcel.goods] if parcel.group is None else [parcel.goods, parcel.group]
        rules = terms.rules.filter(
            pl.col("goods").is_null() | pl.col("goods").is_in(named),
            pl.col("above_kg").is_null() | (pl.col("above_kg") < parcel.kg),
        ).sort("restriction_id", "market", "mode", "carrier")
        rows = rules.to_dicts()
        lanes = network.lanes
        closes = np.ones((len(rows), lanes.height), dtype=np.bool_)
        for at, rule in enumerate(rows):
            for name in ("mode", "carrier"):
                if rule[name] is not None:
                    closes[at] &= (lanes[name] == rule[name]).fill_null(False).to_numpy()
        return cls(rows, closes)

    def between(self, origin: str | None, market: str | None) -> tuple[int, ...]:
        """Numbers of the rules that hold from a country to a country."""
        return tuple(
            at
            for at, rule in enumerate(self.rules)
            if rule["market"] in {None, market} and not (rule["from_outside_eu"] and origin in EU)
        )

    def open(self, numbers: Sequence[int]) -> np.ndarray:
        """Lanes that none of some rules closes."""
        return np.asarray(~self.closes[list(numbers)].any(axis=0))
