"""Every feed of products and trade keeps its contract, on every day and whatever is generated first."""

from datetime import date

import polars as pl
import pytest

from xbec_platform.world.competitors import competitor_observations_rows
from xbec_platform.world.fx import fx_rates_rows
from xbec_platform.world.market_calendar import calendar_rows
from xbec_platform.world.order_feed import order_lines_rows, orders_rows
from xbec_platform.world.payments import payments_rows
from xbec_platform.world.presales import presales_rows
from xbec_platform.world.products import products_rows
from xbec_platform.world.returns import returns_rows
from xbec_platform.world.reviews import reviews_rows
from xbec_platform.world.tariffs import tariff_rules_rows
from xbec_platform_tests.unit.world.trade_plan import contract, everything, trade_plan

FEEDS = {
    "products": products_rows,
    "fx_rates": fx_rates_rows,
    "calendar": calendar_rows,
    "tariff_rules": tariff_rules_rows,
    "presales": presales_rows,
    "orders": orders_rows,
    "order_lines": order_lines_rows,
    "payments": payments_rows,
    "returns": returns_rows,
    "reviews": reviews_rows,
    "competitor_observations": competitor_observations_rows,
}
KINDS = {
    "text": pl.String,
    "json": pl.String,
    "country": pl.String,
    "currency": pl.String,
    "date": pl.Date,
    "timestamp": pl.Datetime("us", "UTC"),
    "double": pl.Float64,
    "integer": pl.Int64,
    "boolean": pl.Boolean,
    "decimal(18,4)": pl.Decimal(18, 4),
    "decimal(18,8)": pl.Decimal(18, 8),
}


@pytest.mark.parametrize("source", sorted(FEEDS))
def test_rows_keep_the_contract(source):
    """Intake would reject what does not: columns, types, keys, values allowed."""
    rules, rows = contract(source), everything(trade_plan(), FEEDS[source])
    assert dict(rows.schema) == {name: KINDS[rule["type"]] for name, rule in rules["columns"].items()}
    assert rows.height > 0
    assert not rows.select(rules["key"]).is_duplicated().any()
    for name, rule in rules["columns"].items():
        if rule.get("nullable") is False:
            assert rows[name].null_count() == 0, name
        if "allowed" in rule:
            assert set(rows[name].drop_nulls()) <= set(rule["allowed"]), name
        if "pattern" in rule:
            assert rows[name].drop_nulls().str.contains(rule["pattern"]).all(), name
        for bound, holds in (("min", pl.Series.ge), ("above", pl.Series.gt), ("max", pl.Series.le)):
            if bound in rule:
                assert holds(rows[name].drop_nulls(), rule[bound]).all(), (name, bound)


@pytest.mark.parametrize("source", sorted(FEEDS))
def test_a_day_does_not_depend_on_the_days_made_before(source):
    """Days are made in any order and process; equal arguments, equal rows."""
    rows, plan = FEEDS[source], trade_plan()
    again = trade_plan.__wrapped__()
    for day in (41, 0, 27):
        assert rows(again, day).equals(rows(plan, day), null_equal=True)


@pytest.mark.parametrize("source", sorted(FEEDS))
def test_a_short_period_without_promotions_works(source):
    """Twenty days in May: no pre-sale, empty frames with the right schema."""
    rows = FEEDS[source](trade_plan(days=20, last_day=date(2026, 5, 20)), 19)
    assert list(rows.columns) == list(contract(source)["columns"])
