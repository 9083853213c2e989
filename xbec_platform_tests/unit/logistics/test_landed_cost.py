"""Golden cases of trade facts, thresholds to the cent, and what happens where no rule says anything."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbec_platform.logistics.consignments import Consignment, Item, LandedCost, shares
from xbec_platform.logistics.landed_cost import landed_cost
from xbec_platform.logistics.tariff_rules import Rulebook
from xbec_platform.world.tariffs import TARIFF_SCHEMA, tariff_rules

D = Decimal
RULES = Rulebook.of(tariff_rules())
SILK, WOOL = "620610", "620620"
LINES = {
    "market": "US",
    "regime": "standard",
    "kind": "tariff_line",
    "currency": "USD",
    "valid_from": date(2020, 1, 1),
}


def with_rules(*rows: dict[str, object]) -> Rulebook:
    """The demonstration rules and some more."""
    common = {"source": "test", "verified_on": date(2026, 1, 1)}
    more = pl.DataFrame([{**common, **row} for row in rows], schema=TARIFF_SCHEMA)
    return Rulebook.of(pl.concat([tariff_rules(), more]))


def cost(
    market: str,
    day: date,
    currency: str,
    *items: tuple[str | None, int, str],
    shipping: str = "0",
    incoterm: str | None = "DDP",
    rules: Rulebook = RULES,
    bought_before: str = "0",
) -> LandedCost:
    """Landed cost of items (HS code, pieces, value of all)."""
    lines = tuple(
        Item(line_no=n, product_id=f"P{n}", qty=qty, value=D(value), hs_code=hs, category="fashion")
        for n, (hs, qty, value) in enumerate(items, start=1)
    )
    consignment = Consignment(
        order_id="O1",
        market=market,
        day=day,
        currency=currency,
        items=lines,
        shipping=D(shipping),
        incoterm=incoterm,
        bought_before={currency: D(bought_before)},
    )
    medians = {("US", "fashion"): D(12)}
    return landed_cost(consignment, rules, rates={"EUR": D(1), "GBP": D("1.2")}, category_duty_pct=medians)


def test_eu_three_euros_per_item_category() -> None:
    """Council: 1 silk and 2 wool blouses in a parcel pay 2 x EUR 3 from 1 July 2026; a day before nothing."""
    blouses = ((SILK, 1, "40"), (WOOL, 2, "60"))
    after, before = (cost("DE", day, "EUR", *blouses) for day in (date(2026, 7, 1), date(2026, 6, 30)))
    assert (after.duty, after.vat, after.status) == (D("6.00"), D("19.00"), "ok")
    assert (before.duty, before.vat) == (D(0), D("19.00"))
    two_lines_of_one = cost("DE", date(2026, 7, 1), "EUR", (WOOL, 1, "30"), (WOOL + "90", 1, "30"))
    assert two_lines_of_one.duty == D("3.00")


def test_eu_threshold_is_the_intrinsic_value() -> None:
    """EUR 150 of goods and 20 of freight are within; 150.01 are not. VAT is on the freight too."""
    within = cost("DE", date(2026, 1, 5), "EUR", (SILK, 1, "150"), shipping="20")
    assert (within.regime, within.duty, within.vat) == ("ioss", D(0), D("32.30"))
    line = {
        **LINES,
        "rule_id": "DE-62",
        "market": "DE",
        "currency": "EUR",
        "item_scope": "hs:62",
        "duty_rate_pct": 12.0,
    }
    above = cost("DE", date(2026, 1, 5), "EUR", (SILK, 1, "150.01"), shipping="20", rules=with_rules(line))
    # Duty on goods and freight (CIF), VAT on top of both: (170.01 + 20.40) x 19 %.
    assert (above.regime, above.duty, above.vat) == ("standard", D("20.40"), D("36.18"))


def test_australian_gst_is_on_freight_the_threshold_is_not() -> None:
    """AUD 350 with 50 of freight: customs value 300, GST 35.00; 1,000 of goods are within, 1,000.01 are not."""
    found = cost("AU", date(2025, 11, 1), "AUD", (None, 1, "300"), shipping="50")
    assert (found.regime, found.goods, found.vat, found.duty) == ("low_value", D(300), D("35.00"), D(0))
    assert cost("AU", date(2025, 11, 1), "AUD", (SILK, 1, "1000"), shipping="99").regime == "low_value"
    assert cost("AU", date(2025, 11, 1), "AUD", (SILK, 1, "1000.01")).status == "no_rule"


@pytest.mark.parametrize(("hs", "tax", "excise"), [("620610", "91.00", "0"), ("330499", "230.59", "123.53")])
def test_chinese_composite_rates(hs: str, tax: str, excise: str) -> None:
    """CBEC: VAT 13 % x .7 = 9.10 %; with 15 % consumption tax (15 + 13) / (100 - 15) x .7 = 23.06 % (rounded)."""
    found = cost("CN", date(2026, 1, 5), "CNY", (hs, 1, "1000"))
    assert (found.total, found.consumption_tax) == (D(tax), D(excise))
    rate = next(step.rate_pct for step in found.steps if step.step == "tax")
    assert rate == {"620610": D("9.1000"), "330499": D("23.0588")}[hs]


def test_cheap_cosmetics_pay_no_consumption_tax() -> None:
    """Below CNY 15 a piece."""
    found = cost("CN", date(2026, 1, 5), "CNY", ("330499", 100, "1499"))
    assert (found.consumption_tax, found.vat) == (D(0), D("136.41"))


def test_chinese_limits() -> None:
    """5,000 a transaction; above it one item only; 26,000 a person and year, this transaction included."""
    day = date(2026, 1, 5)
    lines = {
        **LINES,
        "rule_id": "CN-62",
        "market": "CN",
        "currency": "CNY",
        "item_scope": "hs:62",
        "duty_rate_pct": 10.0,
    }
    rules = with_rules(lines)
    assert cost("CN", day, "CNY", (SILK, 2, "5000"), rules=rules).regime == "cbec_retail"
    one = cost("CN", day, "CNY", (SILK, 1, "6000"), rules=rules)
    # Full duty 600 and VAT (6,000 + 600) x 13 %.
    assert (one.regime, one.duty, one.vat) == ("cbec_retail_single_item", D("600.00"), D("858.00"))
    assert cost("CN", day, "CNY", (SILK, 2, "6000"), rules=rules).regime == "general_trade"
    assert (
        cost("CN", day, "CNY", (SILK, 1, "100"), bought_before="25900", rules=rules).regime == "cbec_retail"
    )
    assert (
        cost("CN", day, "CNY", (SILK, 1, "100"), bought_before="25900.01", rules=rules).regime
        == "general_trade"
    )


def test_us_de_minimis_ends_on_29_august_2025() -> None:
    """USD 800 free until the 28th; from the 29th every consignment pays by tariff line, USD 0.01 as well."""
    line = {**LINES, "rule_id": "US-62", "item_scope": "hs:62", "duty_rate_pct": 16.5}
    rules = with_rules(line)
    assert cost("US", date(2025, 8, 28), "USD", (SILK, 1, "800"), rules=rules).total == D(0)
    after = cost("US", date(2025, 8, 29), "USD", (SILK, 1, "800"), shipping="50", rules=rules)
    assert (after.regime, after.duty) == ("standard", D("132.00"))  # goods alone: the US value is FOB
    on_top = cost("US", date(2026, 3, 1), "USD", (SILK, 1, "100"), rules=rules)
    assert on_top.duty == D("26.50")  # 16.5 % and the 10 % of section 122
    assert cost("US", date(2026, 7, 25), "USD", (SILK, 1, "100"), rules=rules).duty == D("16.50")


@pytest.mark.parametrize(("goods", "regime"), [("135", "low_value"), ("135.01", "standard")])
def test_uk_135_pounds(goods: str, regime: str) -> None:
    """Up to GBP 135 VAT at the sale and no duty; above by tariff line."""
    line = {
        **LINES,
        "rule_id": "GB-62",
        "market": "GB",
        "currency": "GBP",
        "item_scope": "hs:62",
        "duty_rate_pct": 12.0,
    }
    found = cost("GB", date(2026, 1, 5), "GBP", (SILK, 1, goods), rules=with_rules(line))
    assert found.regime == regime
    assert (found.duty == 0) == (regime == "low_value")
    in_euros = cost("GB", date(2026, 1, 5), "EUR", (SILK, 1, "162"))
    assert (in_euros.goods, in_euros.currency, in_euros.vat) == (D("135.00"), "GBP", D("27.00"))


def test_new_zealand() -> None:
    """GST 15 % at the sale up to NZD 1,000, no duty."""
    assert cost("NZ", date(2026, 1, 5), "NZD", (None, 1, "1000")).vat == D("150.00")


@pytest.mark.parametrize(
    ("market", "day", "words"),
    [
        ("BR", date(2026, 1, 5), "no rule for BR on 2026-01-05"),
        # The rule ended, and nobody wrote the next one.
        ("DE", date(2028, 7, 1), "holds for 40.00 EUR"),
        ("US", date(2026, 1, 5), "no rule gives that of HS 620610 in US"),
    ],
)
def test_no_rule_is_no_number(market: str, day: date, words: str) -> None:
    """Neither zero nor yesterday's rate: status no_rule, no amounts, and what is missing in words."""
    found = cost(market, day, "USD" if market == "US" else "EUR", (SILK, 1, "40"))
    assert (found.status, found.total, found.duty) == ("no_rule", None, None)
    assert words in (found.reason or "")


def test_missing_hs_code_is_an_estimate() -> None:
    """The median of the category, and a flag."""
    found = cost("US", date(2025, 9, 1), "USD", (None, 1, "50"))
    assert (found.status, found.duty) == ("estimate", D("6.00"))
    assert "no HS code" in (found.reason or "")


@pytest.mark.parametrize(("incoterm", "payer"), [("DDP", "seller"), ("DDU", "buyer"), ("DAP", "buyer")])
def test_who_pays(incoterm: str, payer: str) -> None:
    found = cost("AU", date(2026, 1, 5), "AUD", (SILK, 1, "100"), incoterm=incoterm)
    assert found.payer == payer


def test_trace_adds_up() -> None:
    """What a person adds up from the steps is what stands in the totals."""
    found = cost("CN", date(2026, 1, 5), "CNY", ("330499", 3, "333.33"), (SILK, 1, "77.77"), shipping="19.99")
    added = sum((step.amount for step in found.steps if step.amount is not None), D(0))
    assert added == found.total
    assert all(step.rule_id for step in found.steps if step.amount is not None)


def test_rules_that_cannot_be_applied_are_named() -> None:
    """Negative, overlapping, unknown, without source: refused with a reason, the rest counts."""
    base = {**LINES, "item_scope": "hs:62", "duty_rate_pct": 5.0}
    rules = with_rules(
        {**base, "rule_id": "A", "duty_rate_pct": -1.0},
        {**base, "rule_id": "B", "item_scope": "hs:63"},
        {**base, "rule_id": "C", "item_scope": "hs:63", "valid_from": date(2025, 1, 1)},
        {**base, "rule_id": "E", "kind": "magic"},
        {**base, "rule_id": "F", "item_scope": "hs:64", "source": " "},
        {**base, "rule_id": "G", "item_scope": "hs:65", "valid_to": date(2019, 1, 1)},
    )
    reasons = dict(rules.refused)
    assert reasons["A"] == "duty_rate_pct is negative"
    assert reasons["B"] == "overlaps C in days and values"
    assert reasons["E"].startswith("kind magic is unknown")
    assert reasons["F"] == "has no source"
    assert reasons["G"] == "valid_to is before valid_from"
    assert len(rules.rules) == len(RULES.rules)


def test_goods_imported_before_pay_nothing_with_the_parcel() -> None:
    item = Item(line_no=1, product_id="P", qty=1, value=D(10))
    consignment = Consignment(
        order_id="O", market="DE", day=date(2026, 1, 5), currency="EUR", items=(item,), crosses_border=False
    )
    assert (landed_cost(consignment, RULES, rates={}).status) == "no_border"


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**6), min_size=1, max_size=9))
def test_shares_add_up(total: int, weights: list[int]) -> None:
    """No cent is lost or made, and no part is negative."""
    parts = shares(D(total) / 100, [D(weight) for weight in weights])
    assert sum(parts, D(0)) == D(total) / 100
    assert min(parts) >= 0
