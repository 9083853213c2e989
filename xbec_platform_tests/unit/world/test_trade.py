"""Markets, promotions, calendar and tariff rules."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from xbec_platform.world.market_calendar import calendar_rows
from xbec_platform.world.spec import WorldSpec, parameters
from xbec_platform.world.tariffs import tariff_rules
from xbec_platform.world.trade import build_trade, promotion_days
from xbec_platform_tests.unit.world.trade_plan import trade_plan

SINGLES_DAY = 27


def test_markets_and_their_order():
    """Their index is used everywhere."""
    trade = trade_plan().trade
    assert trade.codes == ("CN", "DE", "GB", "US", "AU", "FR")
    assert trade.currencies == ("CNY", "EUR", "GBP", "USD", "AUD", "EUR")
    assert sum(terms["share"] for terms in trade.markets.values()) == pytest.approx(1.0)
    for code, terms in trade.markets.items():
        assert sum(terms["channels"].values()) == pytest.approx(1.0), code
        assert sum(mode["share"] for mode in parameters("trade")["operation_modes"][code]) == pytest.approx(
            1.0
        )


def test_singles_day_lifts_china_most():
    """11.11 of 2025 was a Tuesday: 3.6 times the weekday's demand, 20 % off."""
    plan = trade_plan()
    assert promotion_days(plan.spec, plan.trade, "11.11") == [SINGLES_DAY]
    assert plan.spec.day(SINGLES_DAY) == date(2025, 11, 11)
    assert plan.trade.uplift[SINGLES_DAY, 0] == pytest.approx(3.6 * 0.95)
    assert plan.trade.discount_pct[SINGLES_DAY, 0] == 20
    assert (plan.trade.uplift[SINGLES_DAY, 0] > plan.trade.uplift[SINGLES_DAY, 1:]).all()


def test_a_holiday_counts_only_in_its_market():
    """11 November is a holiday in France (and in the US), not in Germany; both have the uplift of 1.5."""
    uplift = trade_plan().trade.uplift[SINGLES_DAY]
    assert uplift[5] == pytest.approx(uplift[1] * parameters("trade")["holiday_uplift"])


def test_a_period_without_yearly_promotions():
    """Only the shop's own sales remain."""
    trade = build_trade(WorldSpec(seed=1, last_day=date(2026, 5, 1), days=30))
    assert set(trade.promotions["uplift_group"]) == {"own_sale"}


def test_calendar_knows_the_days_of_the_period():
    """The three kinds of the contract, and each promotion day in each market."""
    plan = trade_plan()
    rows = calendar_rows(plan, 0)
    assert set(rows["kind"]) == {"holiday", "promotion", "customs_closed"}
    cyber = rows.filter(pl.col("name") == "Cyber Monday")
    assert set(cyber["calendar_date"]) == {date(2025, 12, 1)}
    assert cyber.height == len(plan.trade.codes)
    assert calendar_rows(plan, 5).is_empty()


def rules_on(day: date, market: str) -> pl.DataFrame:
    """Rules of a market that are valid on a day."""
    is_valid = pl.lit(day).is_between("valid_from", pl.col("valid_to").fill_null(date.max))
    return tariff_rules().filter(is_valid, pl.col("market") == market)


def test_rules_of_a_day():
    """De minimis in the US ended on 2025-08-28; the EU's flat duty begins on 2026-07-01."""
    assert "US-DE-MINIMIS" in rules_on(date(2025, 8, 28), "US")["rule_id"]
    assert "US-DE-MINIMIS" not in rules_on(date(2025, 8, 29), "US")["rule_id"]
    flat = rules_on(date(2026, 7, 1), "DE").filter(pl.col("kind") == "flat_per_item_category")
    assert float(flat["specific_amount"][0]) == 3.0
    assert "DE-IOSS" not in rules_on(date(2026, 7, 1), "DE")["rule_id"]


def test_composite_rate_of_chinese_retail_imports():
    """(CT + VAT) / (1 - CT) x 70 %: 9.10 % and 23.06 % (facts.md)."""
    rules = tariff_rules().filter(pl.col("rule_id").is_in(["CN-CBEC-BASE", "CN-CBEC-COSMETICS"]))
    tax, vat = rules["consumption_tax_pct"].to_numpy() / 100, rules["vat_rate_pct"].to_numpy() / 100
    rate = (tax + vat) / (1 - tax) * (1 - rules["reduction_pct"].to_numpy() / 100) * 100
    np.testing.assert_allclose(rate, [9.10, 23.06], atol=0.005)


def test_windows_of_one_regime_do_not_overlap():
    """A file with overlapping windows would be rejected as a whole."""
    key = ["market", "regime", "kind", "item_scope", "threshold_low"]
    rules = tariff_rules().sort(*key, "valid_from")
    before = pl.col("valid_to").fill_null(date(9999, 1, 1)).shift(1).over(key)
    assert rules.filter(pl.col("valid_from") <= before).is_empty()


def test_every_rule_says_what_it_is_and_where_it_comes_from():
    """A demonstration must not be taken for advice."""
    rules = tariff_rules()
    assert rules["note"].str.starts_with("Demonstration, not legal advice.").all()
    assert rules["source"].null_count() == 0
    assert rules["verified_on"].null_count() == 0
