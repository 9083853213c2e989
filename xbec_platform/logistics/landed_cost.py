"""Landed cost of one consignment: duty, consumption tax, VAT or GST and fees, step by step with the rule of each.

Belongs here: the arithmetic and the choice of the way of import. Not here: rules themselves (`tariff_rules`), frames.

Rounding: every amount is brought to .01 of the rules' currency, half up, at the end of its step and by line; sums are
sums of rounded amounts, so that what a person adds up by hand is what stands here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

from xbec_platform.logistics.consignments import (
    ESTIMATE,
    OK,
    ZERO,
    Consignment,
    Item,
    LandedCost,
    NoRuleError,
    Step,
    cents,
    free_of_duty,
    without_rule,
)
from xbec_platform.logistics.import_values import ImportValues
from xbec_platform.logistics.tariff_rules import (
    MAIN_KINDS,
    SURCHARGE,
    Kind,
    Rulebook,
    TariffRule,
    most_specific,
)

HUNDRED = Decimal(100)
SELLER_PAYS = ("DDP",)


def landed_cost(
    consignment: Consignment,
    rules: Rulebook,
    *,
    rates: Mapping[str, Decimal],
    category_duty_pct: Mapping[tuple[str, str], Decimal] | None = None,
) -> LandedCost:
    """Compute the landed cost of a consignment.

    Args:
        consignment: The goods and their way.
        rules: All rules; those that hold on the day are taken.
        rates: Value of one unit of each currency in a common one, on the day.
        category_duty_pct: Duty of goods without HS code by (market, category): the median of the category's known
            ones. What rests on it is an estimate.

    Returns:
        The cost with its trace. Where no rule holds, status no_rule with the reason: such a consignment belongs in no
        total.
    """
    if not consignment.crosses_border:
        return free_of_duty(consignment)
    try:
        return _Calculation(consignment, rules, rates, category_duty_pct or {}).result()
    except NoRuleError as error:
        return without_rule(consignment, str(error))


class _Calculation:
    """The steps of one consignment, in order: values, way of import, duty, taxes, fees, who pays."""

    def __init__(
        self,
        consignment: Consignment,
        rules: Rulebook,
        rates: Mapping[str, Decimal],
        category_duty_pct: Mapping[tuple[str, str], Decimal],
    ) -> None:
        self._what = consignment
        self._category_duty_pct = category_duty_pct
        self._steps: list[Step] = []
        self._estimates: list[str] = []
        self._valid = rules.on(consignment.market, consignment.day)
        if not self._valid:
            raise NoRuleError(f"no rule for {consignment.market} on {consignment.day}")
        self._values = ImportValues(consignment, self._valid[0].currency, rates)
        self._note(
            "customs_value",
            None,
            base=self._values.goods + self._values.shipping,
            note=f"goods and freight in {self._values.currency}"
            + ("" if consignment.currency == self._values.currency else " at the day's rate"),
        )

    def result(self) -> LandedCost:
        chosen = self._values.regime(self._valid)
        words = f"{chosen.threshold_basis or 'no threshold'}: {chosen.regime}"
        self._note("threshold", chosen, base=self._values.basis(chosen.threshold_basis), note=words)
        rules = [rule for rule in self._valid if rule.regime == chosen.regime]
        duty = self._duty(rules)
        excise, vat = self._taxes(rules, duty)
        fees = self._fees()
        payer = self._payer()
        return LandedCost(
            order_id=self._what.order_id,
            market=self._what.market,
            status=ESTIMATE if self._estimates else OK,
            reason="; ".join(dict.fromkeys(self._estimates)) or None,
            regime=chosen.regime,
            currency=self._values.currency,
            goods=self._values.goods,
            shipping=self._values.shipping,
            duty=sum(duty, ZERO),
            consumption_tax=excise,
            vat=vat,
            fees=fees,
            payer=payer,
            steps=tuple(self._steps),
        )

    def _note(
        self,
        step: str,
        rule: TariffRule | None,
        *,
        note: str,
        line_no: int | None = None,
        base: Decimal | None = None,
        rate_pct: Decimal | None = None,
        amount: Decimal | None = None,
    ) -> None:
        rule_id = rule.rule_id if rule else None
        self._steps.append(
            Step(
                step=step,
                rule_id=rule_id,
                line_no=line_no,
                base=base,
                rate_pct=rate_pct,
                amount=amount,
                note=note,
            )
        )

    def _rule_of(self, rules: Sequence[TariffRule], number: int) -> TariffRule:
        item = self._what.items[number]
        main = [rule for rule in rules if rule.kind in MAIN_KINDS]
        rule = most_specific(main, item.hs_code, self._values.lines[number] / max(item.qty, 1))
        if rule is None:
            raise NoRuleError(f"no rule of the regime for line {item.line_no}")
        return rule

    def _duty(self, rules: Sequence[TariffRule]) -> list[Decimal]:
        """Duty by line, surcharges included."""
        flat = next((rule for rule in rules if rule.kind == Kind.FLAT_PER_ITEM_CATEGORY), None)
        if flat is not None:
            return self._duty_per_category(flat)
        found = []
        for number, item in enumerate(self._what.items):
            rule = self._rule_of(rules, number)
            base = self._values.duty_base(number)
            if rule.kind == Kind.FLAT_PER_ITEM and rule.specific_amount is not None:
                amount = cents(rule.specific_amount * item.qty)
                self._note(
                    "duty",
                    rule,
                    line_no=item.line_no,
                    amount=amount,
                    note=f"{item.qty} pieces at a fixed amount",
                )
            else:
                source, rate = self._duty_rate(rule, item)
                amount = cents(base * rate / HUNDRED)
                self._note(
                    "duty",
                    source,
                    line_no=item.line_no,
                    base=base,
                    rate_pct=rate,
                    amount=amount,
                    note="ad valorem",
                )
            found.append(amount + self._surcharges(item, base, rule))
        return found

    def _duty_per_category(self, rule: TariffRule) -> list[Decimal]:
        """A fixed amount for each tariff subheading (six digits) in the consignment, on its first line."""
        seen: set[str] = set()
        found = []
        for item in self._what.items:
            if item.hs_code is None:
                self._estimates.append(
                    f"line {item.line_no} has no HS code: counted as a category of its own"
                )
            category = (item.hs_code or f"product {item.product_id}")[:6] if item.hs_code else item.product_id
            is_new = category not in seen
            seen.add(category)
            amount = cents(rule.specific_amount or ZERO) if is_new else ZERO
            note = f"subheading {category}" + ("" if is_new else ", counted already")
            self._note("duty", rule, line_no=item.line_no, amount=amount, note=note)
            found.append(amount)
        return found

    def _tariff_line(self, item: Item) -> TariffRule | None:
        lines = [rule for rule in self._valid if rule.kind == Kind.TARIFF_LINE and rule.hs_prefix]
        return most_specific(lines, item.hs_code, ZERO) if item.hs_code else None

    def _duty_rate(self, rule: TariffRule, item: Item) -> tuple[TariffRule | None, Decimal]:
        """Rate of a line: the rule's own, that of the tariff line, or the median of its category."""
        if rule.duty_rate_pct is not None:
            return rule, rule.duty_rate_pct
        line = self._tariff_line(item)
        if line is not None and line.duty_rate_pct is not None:
            return line, line.duty_rate_pct
        if item.hs_code is not None:
            raise NoRuleError(
                f"{rule.rule_id} takes the duty from the tariff line, and no rule gives that of HS {item.hs_code} "
                f"in {self._what.market} on {self._what.day}"
            )
        median = self._category_duty_pct.get((self._what.market, item.category or ""))
        if median is None:
            raise NoRuleError(f"line {item.line_no} has no HS code, and its category has no known duty")
        self._estimates.append(f"line {item.line_no} has no HS code: median duty of {item.category}")
        return None, median

    def _surcharges(self, item: Item, base: Decimal, rule: TariffRule) -> Decimal:
        """Duties on top; goods that a relief lets pass free pay none."""
        total = ZERO
        if rule.kind == Kind.RELIEF:
            return total
        for extra in (one for one in self._valid if one.regime == SURCHARGE and one.kind == Kind.AD_VALOREM):
            fits = most_specific([extra], item.hs_code, ZERO) is not None
            if fits and self._values.holds(extra):
                rate = extra.duty_rate_pct or ZERO
                amount = cents(base * rate / HUNDRED)
                self._note(
                    "surcharge",
                    extra,
                    line_no=item.line_no,
                    base=base,
                    rate_pct=rate,
                    amount=amount,
                    note="on top",
                )
                total += amount
        return total

    def _taxes(self, rules: Sequence[TariffRule], duty: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
        """Consumption tax and VAT of all lines, or the composite of both (booked as VAT and consumption tax)."""
        excise, vat = ZERO, ZERO
        for number, item in enumerate(self._what.items):
            rule = self._rule_of(rules, number)
            # At the sale tax is on what the buyer pays; at the border duty is part of what is taxed.
            at_sale = rule.kind in {Kind.RELIEF, Kind.FLAT_PER_ITEM_CATEGORY}
            base = (
                self._values.lines[number]
                + self._values.line_shipping[number]
                + (ZERO if at_sale else duty[number])
            )
            line_excise, line_vat = self._line_taxes(rule, item, base)
            excise, vat = excise + line_excise, vat + line_vat
        return excise, vat

    def _line_taxes(self, rule: TariffRule, item: Item, base: Decimal) -> tuple[Decimal, Decimal]:
        line = self._tariff_line(item)
        excise_pct = rule.consumption_tax_pct
        if excise_pct is None:
            excise_pct = (line.consumption_tax_pct if line else None) or ZERO
        vat_pct = rule.vat_rate_pct
        if vat_pct is None:
            vat_pct = line.vat_rate_pct if line else None
        if vat_pct is None:
            raise NoRuleError(
                f"{rule.rule_id} leaves VAT open, and no rule gives that of line {item.line_no}"
            )
        kept = (HUNDRED - (rule.reduction_pct or ZERO)) / HUNDRED
        # Consumption tax is part of its own base, and VAT is levied on both.
        gross = base * HUNDRED / (HUNDRED - excise_pct)
        total = cents(gross * (excise_pct + vat_pct) / HUNDRED * kept)
        excise = cents(gross * excise_pct / HUNDRED * kept)
        rate = (excise_pct + vat_pct) / (HUNDRED - excise_pct) * kept * HUNDRED
        composite = f"({excise_pct} + {vat_pct}) / (100 - {excise_pct}) x {kept}"
        self._note(
            "tax",
            rule,
            line_no=item.line_no,
            base=base,
            rate_pct=rate.quantize(Decimal("0.0001"), ROUND_HALF_UP),
            amount=total,
            note=composite if excise_pct or rule.reduction_pct else "VAT or GST",
        )
        return excise, total - excise

    def _fees(self) -> Decimal:
        total = ZERO
        for rule in self._valid:
            if rule.kind == Kind.FEE and self._values.holds(rule):
                amount = cents(rule.specific_amount or ZERO)
                self._note("fee", rule, amount=amount, note="per consignment")
                total += amount
        return total

    def _payer(self) -> str:
        incoterm = self._what.incoterm
        payer = "seller" if incoterm in SELLER_PAYS else "buyer"
        if incoterm is None:
            self._estimates.append("no incoterm: the buyer is taken to pay")
        self._note("incoterm", None, note=f"{incoterm or 'not stated'}: the {payer} pays duty and import tax")
        return payer
