"""Landed cost of many orders: one row each, discounts, limits of a buyer's year, other rules, words for people."""

from datetime import date
from decimal import Decimal

import polars as pl

from xbec_platform.logistics.landed_cost_tables import (
    LandedCostInputs,
    LandedCosts,
    category_duties,
    compare_rules,
    landed_costs,
)
from xbec_platform.logistics.landed_cost_text import explain_landed_cost
from xbec_platform.logistics.tariff_rules import Rulebook
from xbec_platform.world.tariffs import TARIFF_SCHEMA, tariff_rules

D = Decimal
DAY = date(2026, 1, 5)
MONEY = pl.Decimal(18, 4)


def inputs(*orders: dict[str, object], rules: pl.DataFrame | None = None) -> LandedCostInputs:
    """Orders of one line each: order_id, market, currency, value, and what differs from the usual."""
    usual = {
        "order_date": DAY,
        "currency": "EUR",
        "shipping_fee": D(0),
        "discount": D(0),
        "incoterm": "DDP",
        "crosses_border": True,
        "bought_before_base": D(0),
        "hs_code": "611120",
        "qty": 1,
        "weight_kg": 1.0,
    }
    rows = [{**usual, **order} for order in orders]
    money = dict.fromkeys(("shipping_fee", "discount", "bought_before_base", "value"), MONEY)
    frame = pl.DataFrame(rows, schema_overrides={**money, "hs_code": pl.String, "incoterm": pl.String})
    line = frame.select(
        "order_id", "qty", "hs_code", "weight_kg", line_no=1, product_id=pl.lit("P"), line_total="value",
        category=pl.lit("baby"),
    )  # fmt: skip
    rates = pl.DataFrame(
        {
            "fx_date": [DAY] * 3,
            "currency": ["EUR", "CNY", "USD"],
            "rate_to_base": [D(1), D("0.125"), D("0.8")],
        },
        schema_overrides={"rate_to_base": pl.Decimal(18, 8)},
    )
    known = tariff_rules() if rules is None else rules
    return LandedCostInputs(orders=frame, lines=line, rules=known, rates=rates)


def row(result: LandedCosts, order: str) -> dict[str, object]:
    return result.costs.filter(pl.col("order_id") == order).row(0, named=True)


def test_every_order_gives_one_row() -> None:
    """Also those without a rule, without a border, without a country."""
    result = landed_costs(
        inputs(
            {"order_id": "ok", "market": "DE", "value": D(100)},
            {"order_id": "none", "market": "BR", "value": D(100)},
            {"order_id": "home", "market": "DE", "value": D(100), "crosses_border": False},
            {"order_id": "nowhere", "market": None, "value": D(100)},
        )
    )
    found = dict(result.costs.select("order_id", "status").iter_rows())
    assert found == {"ok": "ok", "none": "no_rule", "home": "no_border", "nowhere": "no_rule"}
    assert row(result, "ok")["import_cost_base"] == D("19.0000")
    assert row(result, "none")["import_cost"] is None
    sums = result.trace.group_by("order_id").agg(pl.col("amount").sum())
    assert dict(sums.iter_rows())["ok"] == D("19.0000")


def test_discount_on_the_order_lowers_the_customs_value() -> None:
    """160 less a coupon of 10 is within EUR 150."""
    result = landed_costs(inputs({"order_id": "A", "market": "DE", "value": D(160), "discount": D(10)}))
    assert (row(result, "A")["regime"], row(result, "A")["goods"]) == ("ioss", D("150.0000"))


def test_the_buyers_year_and_kilograms() -> None:
    """EUR 3,249 (CNY 25,992) before: CNY 8 more are within, CNY 9 are not; 3 kg of sugar where 2 are allowed."""
    cny = {"market": "CN", "currency": "CNY", "bought_before_base": D(3249)}
    result = landed_costs(
        inputs(
            {"order_id": "A", "value": D(8), **cny},
            {"order_id": "B", "value": D(9), **cny},
            {
                "order_id": "C",
                "value": D(9),
                "market": "CN",
                "currency": "CNY",
                "hs_code": "170199",
                "qty": 3,
            },
        )
    )
    assert row(result, "A")["regime"] == "cbec_retail"
    assert row(result, "B")["regime"] == "general_trade"
    assert result.flags.rows() == [
        ("B", "annual_limit", "26001.00 of 26000.00 CNY in the year"),
        ("C", "quantity_limit", "CN-CBEC-SUGAR: 3.000 kg of 2 kg"),
    ]


def test_median_duty_of_a_category() -> None:
    """Goods at 4, 4 and 24 %: a good without HS code is taken at 4 %."""
    rows = [
        {
            "rule_id": f"R{code}", "market": "DE", "regime": "standard", "kind": "tariff_line", "currency": "EUR",
            "item_scope": f"hs:{code}", "duty_rate_pct": rate, "valid_from": DAY, "source": "t", "verified_on": DAY,
        }
        for code, rate in (("10", 4.0), ("20", 4.0), ("30", 24.0))
    ]  # fmt: skip
    rules = Rulebook.of(pl.DataFrame(rows, schema=TARIFF_SCHEMA))
    goods = pl.DataFrame({"category": ["c"] * 4, "hs_code": ["1000", "2000", "3000", None]})
    assert category_duties(goods, rules) == {("DE", "c"): D("4.0")}


def test_what_other_rules_would_have_changed() -> None:
    """VAT of 21 instead of 19 % on EUR 100: 2.00 more; the order without a rule gets one."""
    orders = (
        {"order_id": "A", "market": "DE", "value": D(100)},
        {"order_id": "B", "market": "BR", "value": D(50)},
    )
    german = pl.col("rule_id") == "DE-IOSS"
    higher = pl.when(german).then(21.0).otherwise("vat_rate_pct").alias("vat_rate_pct")
    brazil = tariff_rules().filter(german).with_columns(rule_id=pl.lit("BR"), market=pl.lit("BR"))
    changed = pl.concat([tariff_rules().with_columns(higher), brazil])
    before, after = landed_costs(inputs(*orders)), landed_costs(inputs(*orders, rules=changed))
    assert compare_rules(before, after).rows() == [
        ("BR", "no_rule", "ok", 1, D("0.0000"), D("9.5000"), D("0.0000")),
        ("DE", "ok", "ok", 1, D("19.0000"), D("21.0000"), D("2.0000")),
    ]


def test_explained_in_words() -> None:
    """Each step with its rule, and the sum."""
    result = landed_costs(inputs({"order_id": "A", "market": "DE", "value": D(100), "shipping_fee": D(5)}))
    text = explain_landed_cost(result.costs, result.trace, "A") or ""
    assert "tax line 1: 105.00 x 19 % = 19.95 (VAT or GST) [DE-IOSS]" in text
    assert "= 19.95 EUR" in text
    assert explain_landed_cost(result.costs, result.trace, "Z") is None


def test_a_day_without_orders() -> None:
    empty = inputs({"order_id": "A", "market": "DE", "value": D(1)})
    result = landed_costs(
        LandedCostInputs(
            orders=empty.orders.clear(), lines=empty.lines.clear(), rules=empty.rules, rates=empty.rates
        )
    )
    assert result.costs.is_empty()
    assert result.trace.is_empty()
