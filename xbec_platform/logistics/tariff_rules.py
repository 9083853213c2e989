"""Tariff rules as data: what a row says, on which day it holds, for which goods. Amounts are computed in `landed_cost`.

The platform knows no rate by itself: every figure is a row with its source. A rule that ended is not applied any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

import polars as pl


class Kind(StrEnum):
    """What a rule does.

    tariff_line gives the rates of an HS code where another rule leaves them open; fee is an amount per consignment;
    quantity_limit is a limit only.
    """

    RELIEF = "relief"
    FLAT_PER_ITEM_CATEGORY = "flat_per_item_category"
    FLAT_PER_ITEM = "flat_per_item"
    COMPOSITE_TAX = "composite_tax"
    AD_VALOREM = "ad_valorem"
    TARIFF_LINE = "tariff_line"
    FEE = "fee"
    QUANTITY_LIMIT = "quantity_limit"


MAIN_KINDS = (
    Kind.RELIEF,
    Kind.FLAT_PER_ITEM_CATEGORY,
    Kind.FLAT_PER_ITEM,
    Kind.COMPOSITE_TAX,
    Kind.AD_VALOREM,
)
"""Kinds a way of import is made of; the first that holds is taken."""
SURCHARGE = "surcharge"
"""Regime of duties that come on top of another."""
CHOSEN_REGIMES = ("postal",)
"""Regimes that only a carrier's choice brings about: nothing in an order says so."""
SINGLE_ITEM = "_single_item"
"""Regimes whose name ends so ask for one piece."""
BASES = (
    "transaction",
    "intrinsic_consignment",
    "customs_value",
    "goods",
    "fair_retail_value_day",
    "person_year",
)
"""What thresholds may compare. transaction: goods and freight; person_year: the buyer's transactions of the calendar
year, this one included; the others: goods alone."""

_HS_SCOPE = re.compile(
    r"hs:(?P<prefix>\d{2,10})(?: from (?P<currency>[A-Z]{3}) [\d.]+ per ml or g or (?P<piece>[\d.]+) per piece)?"
)


@dataclass(frozen=True, kw_only=True)
class TariffRule:
    """One row of tariff_rules; columns and units as in its contract."""

    rule_id: str
    market: str
    regime: str
    kind: str
    item_scope: str | None
    threshold_low: Decimal | None
    threshold_high: Decimal | None
    threshold_basis: str | None
    currency: str
    duty_rate_pct: Decimal | None
    specific_amount: Decimal | None
    vat_rate_pct: Decimal | None
    consumption_tax_pct: Decimal | None
    reduction_pct: Decimal | None
    annual_limit: Decimal | None
    incoterm_scope: str | None
    valid_from: date
    valid_to: date | None
    source: str
    verified_on: date

    def holds_on(self, day: date) -> bool:
        """Whether the day lies within the rule's validity, both ends included."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def within(self, value: Decimal) -> bool:
        """Above the lower end (0 is included), up to and with the upper one."""
        low, high = self.threshold_low, self.threshold_high
        return (not low or value > low) and (high is None or value <= high)

    @cached_property
    def hs_prefix(self) -> str | None:
        """Beginning of the HS codes the rule is for; empty for all goods; None for a scope in words."""
        if self.item_scope in {None, "all"}:
            return ""
        found = _HS_SCOPE.fullmatch(self.item_scope or "")
        return found["prefix"] if found else None

    @cached_property
    def piece_price(self) -> Decimal | None:
        """Least price of a piece the rule is for, in its currency; None without such a condition."""
        found = _HS_SCOPE.fullmatch(self.item_scope or "")
        return Decimal(found["piece"]) if found and found["piece"] else None


_DECIMALS = (
    "threshold_low",
    "threshold_high",
    "duty_rate_pct",
    "specific_amount",
    "vat_rate_pct",
    "consumption_tax_pct",
    "reduction_pct",
    "annual_limit",
)


@dataclass(frozen=True)
class Rulebook:
    """Usable rules, and those that are not with their reason (rule_id, reason)."""

    rules: tuple[TariffRule, ...]
    refused: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Rulebook:
        """Read rules from a frame with the columns of the contract `tariff_rules`; further columns are ignored.

        A row that cannot be applied is refused with its reason and never guessed at.
        """
        names = [field.name for field in fields(TariffRule)]
        read = [_rule(row) for row in frame.select(names).sort("rule_id").iter_rows(named=True)]
        faults = {rule.rule_id: fault for rule in read if (fault := _fault(rule))}
        faults |= _overlaps([rule for rule in read if rule.rule_id not in faults])
        return cls(
            rules=tuple(rule for rule in read if rule.rule_id not in faults),
            refused=tuple(sorted(faults.items())),
        )

    def on(self, market: str, day: date) -> tuple[TariffRule, ...]:
        """Rules of a market that hold on a day."""
        return tuple(rule for rule in self._by_market.get(market, ()) if rule.holds_on(day))

    @cached_property
    def _by_market(self) -> Mapping[str, Sequence[TariffRule]]:
        found: dict[str, list[TariffRule]] = {}
        for rule in self.rules:
            found.setdefault(rule.market, []).append(rule)
        return found


def _rule(row: dict[str, object]) -> TariffRule:
    # Rates come as floats: their shortest text is the number that was written.
    exact = {name: None if row[name] is None else Decimal(str(row[name])) for name in _DECIMALS}
    return TariffRule(**{**row, **exact})  # type: ignore[arg-type]


def _fault(rule: TariffRule) -> str | None:
    """Why a rule cannot be applied."""
    if rule.kind not in set(Kind):
        return f"kind {rule.kind} is unknown; known are {', '.join(Kind)}"
    negative = [name for name in _DECIMALS if (getattr(rule, name) or 0) < 0]
    if negative:
        return f"{negative[0]} is negative"
    if rule.valid_to is not None and rule.valid_to < rule.valid_from:
        return "valid_to is before valid_from"
    low, high = rule.threshold_low, rule.threshold_high
    if low is not None and high is not None and high < low:
        return "threshold_high is below threshold_low"
    if not (rule.source or "").strip():
        return "has no source"
    if rule.kind in MAIN_KINDS and rule.threshold_basis not in {*BASES, "item", None}:
        return f"threshold_basis {rule.threshold_basis} is unknown; known are {', '.join(BASES)}"
    if rule.consumption_tax_pct is not None and rule.consumption_tax_pct >= 100:
        return "consumption_tax_pct must be below 100: it is part of its own base"
    flat = rule.kind in {Kind.FLAT_PER_ITEM, Kind.FLAT_PER_ITEM_CATEGORY, Kind.FEE}
    return "specific_amount is missing" if flat and rule.specific_amount is None else None


def _overlaps(rules: Sequence[TariffRule]) -> dict[str, str]:
    """Rules for the same goods and values that hold on the same day: nobody can tell which one counts."""
    found: dict[str, str] = {}
    groups: dict[tuple[object, ...], list[TariffRule]] = {}
    for rule in rules:
        key = (
            rule.market,
            rule.regime,
            rule.kind,
            rule.item_scope,
            rule.threshold_basis,
            rule.incoterm_scope,
        )
        groups.setdefault(key, []).append(rule)
    for group in groups.values():
        for number, one in enumerate(group):
            for other in group[number + 1 :]:
                if _same_days(one, other) and _same_values(one, other):
                    found[one.rule_id] = f"overlaps {other.rule_id} in days and values"
                    found[other.rule_id] = f"overlaps {one.rule_id} in days and values"
    return found


def _same_days(one: TariffRule, other: TariffRule) -> bool:
    return (other.valid_to or date.max) >= one.valid_from and (one.valid_to or date.max) >= other.valid_from


def _same_values(one: TariffRule, other: TariffRule) -> bool:
    endless = Decimal("Infinity")
    first = max(one.threshold_low or Decimal(0), other.threshold_low or Decimal(0))
    last = min(
        endless if one.threshold_high is None else one.threshold_high,
        endless if other.threshold_high is None else other.threshold_high,
    )
    return first < last


def most_specific(
    rules: Iterable[TariffRule], hs_code: str | None, piece_price: Decimal
) -> TariffRule | None:
    """The rule with the longest HS prefix that the goods match.

    Args:
        rules: Rules of one regime.
        hs_code: Of the goods; None matches rules for all goods only.
        piece_price: Price of one piece in the rules' currency.
    """
    fitting = [
        rule
        for rule in rules
        if rule.hs_prefix is not None
        and (not rule.hs_prefix or (hs_code or "").startswith(rule.hs_prefix))
        and (rule.piece_price is None or piece_price >= rule.piece_price)
    ]
    return min(fitting, key=lambda rule: (-len(rule.hs_prefix or ""), rule.rule_id), default=None)
