"""What crosses a border, what its import costs, and the steps in between. No rule is applied here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
ZERO = Decimal(0)
OK, ESTIMATE, NO_RULE, NO_BORDER = "ok", "estimate", "no_rule", "no_border"


@dataclass(frozen=True, kw_only=True)
class Item:
    """One line of a consignment. value: of all pieces after discounts, in the order's currency."""

    line_no: int
    product_id: str
    qty: int
    value: Decimal
    hs_code: str | None = None
    category: str | None = None
    weight_kg: float | None = None


@dataclass(frozen=True, kw_only=True)
class Consignment:
    """What crosses the border for one buyer at one time.

    Attributes:
        order_id: Whose it is.
        market: Country of import.
        day: Day of the order: its rules count.
        currency: Of the values.
        items: Goods.
        shipping: Freight and insurance the buyer pays, in `currency`.
        incoterm: DDP, DDU, DAP or None.
        crosses_border: False for goods that were imported before they were sold.
        bought_before: The buyer's transactions of the calendar year before this one, by rule currency.
    """

    order_id: str
    market: str
    day: date
    currency: str
    items: tuple[Item, ...]
    shipping: Decimal = ZERO
    incoterm: str | None = None
    crosses_border: bool = True
    bought_before: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One row of the trace. amount: in the rules' currency, None for a step that decides; line_no None: all lines."""

    step: str
    rule_id: str | None
    line_no: int | None
    base: Decimal | None
    rate_pct: Decimal | None
    amount: Decimal | None
    note: str


@dataclass(frozen=True, kw_only=True)
class LandedCost:
    """What the import of a consignment costs; amounts are None with status no_rule, and in `currency` otherwise."""

    order_id: str
    market: str
    status: str
    reason: str | None
    regime: str | None
    currency: str | None
    goods: Decimal | None
    shipping: Decimal | None
    duty: Decimal | None
    consumption_tax: Decimal | None
    vat: Decimal | None
    fees: Decimal | None
    payer: str | None
    steps: tuple[Step, ...]

    @property
    def total(self) -> Decimal | None:
        """Duty, taxes and fees together."""
        parts = (self.duty, self.consumption_tax, self.vat, self.fees)
        return None if None in parts else sum((part for part in parts if part is not None), ZERO)


class NoRuleError(LookupError):
    """No rule says what to do; the message says which one is missing."""


def cents(amount: Decimal) -> Decimal:
    """An amount at .01, half up."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def free_of_duty(consignment: Consignment) -> LandedCost:
    """Goods that were imported before they were sold."""
    note = "the goods were imported before they were sold: no duty or import tax with the parcel"
    return LandedCost(
        order_id=consignment.order_id,
        market=consignment.market,
        status=NO_BORDER,
        reason=None,
        regime=None,
        currency=consignment.currency,
        goods=cents(sum((item.value for item in consignment.items), ZERO)),
        shipping=cents(consignment.shipping),
        duty=ZERO,
        consumption_tax=ZERO,
        vat=ZERO,
        fees=ZERO,
        payer=None,
        steps=(_remark("border", note),),
    )


def without_rule(consignment: Consignment, reason: str) -> LandedCost:
    """No amounts, and why."""
    return LandedCost(
        order_id=consignment.order_id,
        market=consignment.market,
        status=NO_RULE,
        reason=reason,
        regime=None,
        currency=None,
        goods=None,
        shipping=None,
        duty=None,
        consumption_tax=None,
        vat=None,
        fees=None,
        payer=None,
        steps=(_remark("no_rule", reason),),
    )


def _remark(step: str, note: str) -> Step:
    return Step(step=step, rule_id=None, line_no=None, base=None, rate_pct=None, amount=None, note=note)


def shares(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Divide an amount in cents by weights so that the parts add up to it: largest remainders first, then order."""
    whole = sum(weights, ZERO)
    if not weights:
        return []
    if not whole:
        weights, whole = [Decimal(1)] * len(weights), Decimal(len(weights))
    exact = [total * weight / whole for weight in weights]
    parts = [part.quantize(CENT, "ROUND_DOWN") for part in exact]
    missing = int((total - sum(parts, ZERO)) / CENT)
    order = sorted(range(len(parts)), key=lambda number: (parts[number] - exact[number], number))
    for number in order[:missing]:
        parts[number] += CENT
    return parts
