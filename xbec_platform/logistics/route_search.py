"""The search for routes of a parcel under the terms of the day. What is made of the ways: `routes`, `transfers`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from xbec_platform.logistics.closures import DAY, Ints
from xbec_platform.logistics.pareto import Labels, pareto_labels
from xbec_platform.logistics.route_network import Parcel, RouteNetwork, arcs_of
from xbec_platform.logistics.route_terms import Restrictions, RouteTerms, with_calendars, with_customs

Z90 = 1.2815515655446004
NOTHING = np.empty(0, dtype=np.int64)


class ParcelNetwork:
    """A network as one parcel sees it at one time.

    Attributes:
        arcs: Lanes that take the parcel, with holidays, without customs.
        rows: Row of `network.lanes` of each arc.
        start: Minute at which the parcel is ready; 0 is the Monday of that week, 00:00.
    """

    def __init__(
        self, network: RouteNetwork, parcel: Parcel, terms: RouteTerms, *, ready: datetime, max_legs: int
    ) -> None:
        self.network, self.parcel, self.terms = network, parcel, terms
        self.ready, self.max_legs = ready, max_legs
        self.code = {node: number for number, node in enumerate(network.nodes)}
        self.start = ready.weekday() * DAY + ready.hour * 60 + ready.minute
        self.rules = Restrictions.of(network, parcel, terms)
        self.arcs, self.rows = arcs_of(network, parcel)
        if terms.takes_time:
            monday = ready.date() - timedelta(days=ready.weekday())
            self.arcs = with_calendars(self.arcs, network.nodes, terms, monday)

    @cached_property
    def plain(self) -> ParcelNetwork:
        """The same for a parcel of plain goods without restrictions."""
        parcel = replace(self.parcel, goods="plain", group=None)
        terms = replace(self.terms, rules=self.terms.rules.clear())
        return ParcelNetwork(self.network, parcel, terms, ready=self.ready, max_legs=self.max_legs)


class RouteSearch:
    """All efficient ways of a parcel from an origin; each set of restrictions is searched once.

    Attributes:
        base: The network.
        arcs: Those of the network, with the customs that goods of the origin pass.
    """

    def __init__(self, base: ParcelNetwork, origin: str) -> None:
        self.base, self.arcs, self._origin = base, base.arcs, origin
        self._spread = np.zeros(len(base.rows))
        if base.terms.takes_time:
            self.arcs, spread = with_customs(base.arcs, base.network.nodes, base.terms, origin)
            self._spread = np.log(spread) / Z90
        self._found: dict[tuple[int, ...], tuple[Labels, Ints]] = {}

    def to(self, zone: str, *, keep_rules: bool = True) -> tuple[Labels | None, Ints]:
        """Efficient ways to a zone: the labels and the numbers of those that end there; none: (None, empty)."""
        code, terms = self.base.code, self.base.terms
        if self._origin not in code or zone not in code:
            return None, NOTHING
        market = terms.country_of(zone)
        rules = self.base.rules.between(terms.country_of(self._origin), market) if keep_rules else ()
        if rules not in self._found:
            self._found[rules] = self._labels(rules)
        labels, first = self._found[rules]
        return labels, np.arange(first[code[zone]], first[code[zone] + 1])

    @cached_property
    def of_plain_goods(self) -> RouteSearch:
        """The search for a parcel of plain goods without restrictions."""
        return RouteSearch(self.base.plain, self._origin)

    def _labels(self, rules: tuple[int, ...]) -> tuple[Labels, Ints]:
        base, arcs = self.base, self.arcs
        if rules:
            # What may not be used is no arc: ways are read back in numbers of all arcs, so it gets an end of its own.
            is_shut = ~base.rules.open(rules)[base.rows]
            arcs = replace(arcs, tail=np.where(is_shut, len(base.code), arcs.tail))
        labels = pareto_labels(
            arcs,
            source=base.code[self._origin],
            n_nodes=len(base.code) + 1,
            start=base.start,
            max_legs=base.max_legs,
        )
        return labels, np.searchsorted(labels.node, np.arange(len(base.code) + 1))

    def customs_minutes(self, arc: Ints, luck: np.ndarray) -> Ints:
        """Minutes in customs before each arc, log-normal about P50 and P90, for each draw of a standard normal."""
        minutes = self.arcs.clearing_minutes
        usual = np.zeros(len(arc)) if minutes is None else minutes[arc]
        return np.asarray(np.round(usual[:, None] * np.exp(self._spread[arc, None] * luck)), dtype=np.int64)
