"""Values of a consignment in the rules' currency, and the way of import they lead to. Duty and taxes: `landed_cost`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from xbec_platform.logistics.consignments import ZERO, Consignment, NoRuleError, cents, shares
from xbec_platform.logistics.tariff_rules import (
    CHOSEN_REGIMES,
    MAIN_KINDS,
    SINGLE_ITEM,
    SURCHARGE,
    Kind,
    TariffRule,
)

FOB_MARKETS = ("AU", "CA", "NZ", "US")
"""Markets that levy duty on the goods alone; elsewhere freight and insurance are part of the customs value (CIF)."""
GENERAL_TRADE = "general_trade"
"""Regime of what is too much or too dear for retail import, where a market has it."""


class ImportValues:
    """A consignment's values in the currency of the rules, each brought to .01.

    Attributes:
        currency: Of the rules.
        lines: Goods by line.
        line_shipping: Freight by line, divided by value.
        goods: Sum of `lines`.
        shipping: Sum of `line_shipping`.
    """

    def __init__(self, consignment: Consignment, currency: str, rates: Mapping[str, Decimal]) -> None:
        self._what = consignment
        self._rates = rates
        self.currency = currency
        self.lines = [self._convert(item.value) for item in consignment.items]
        self.goods = sum(self.lines, ZERO)
        self.shipping = self._convert(consignment.shipping)
        self.line_shipping = shares(self.shipping, self.lines)

    def _convert(self, amount: Decimal) -> Decimal:
        here, there = self._what.currency, self.currency
        if here == there:
            return cents(amount)
        missing = [name for name in (here, there) if not self._rates.get(name)]
        if missing:
            raise NoRuleError(f"no exchange rate of {missing[0]} on {self._what.day}")
        return cents(amount * self._rates[here] / self._rates[there])

    def basis(self, name: str | None) -> Decimal:
        """What a threshold compares, see `tariff_rules.BASES`."""
        delivered = self.goods + self.shipping
        if name == "person_year":
            return self._what.bought_before.get(self.currency, ZERO) + delivered
        return delivered if name == "transaction" else self.goods

    def duty_base(self, number: int) -> Decimal:
        """Customs value of a line: with its freight, or without it in markets that value FOB."""
        freight = ZERO if self._what.market in FOB_MARKETS else self.line_shipping[number]
        return self.lines[number] + freight

    def holds(self, rule: TariffRule) -> bool:
        """Whether a rule's threshold, incoterm and limits fit the consignment."""
        if rule.incoterm_scope not in {None, "any", self._what.incoterm}:
            return False
        if rule.regime.endswith(SINGLE_ITEM) and sum(item.qty for item in self._what.items) != 1:
            return False
        limit = rule.annual_limit
        if limit is not None and self.basis("person_year") > limit:
            return False
        return rule.within(self.basis(rule.threshold_basis))

    def regime(self, valid: Sequence[TariffRule]) -> TariffRule:
        """The rule that decides the way of import: of those for all goods that hold, the first of `MAIN_KINDS`.

        Raises:
            NoRuleError: None holds.
        """
        fitting = [rule for rule in valid if rule.kind in MAIN_KINDS and rule.regime != SURCHARGE]
        fitting = [rule for rule in fitting if rule.regime not in CHOSEN_REGIMES and rule.hs_prefix == ""]
        held = [rule for rule in fitting if self.holds(rule)]
        held = held or [rule for rule in fitting if rule.regime == GENERAL_TRADE]
        if not held:
            value = f"{self.goods} {self.currency} of goods, incoterm {self._what.incoterm or 'not stated'}"
            raise NoRuleError(f"no rule for {self._what.market} on {self._what.day} holds for {value}")
        return min(held, key=lambda rule: (MAIN_KINDS.index(Kind(rule.kind)), rule.rule_id))
