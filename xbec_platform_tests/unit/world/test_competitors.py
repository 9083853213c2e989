"""Competitors: prices with a known trend, slips on record, gaps and missing identifiers."""

import numpy as np
import polars as pl
import pytest

from xbec_platform.world.competitors import (
    competitor_observations_rows,
    truth_competitor_slips,
    truth_competitors,
)
from xbec_platform_tests.unit.world.trade_plan import everything, trade_plan


def test_trends_can_be_found_in_the_prices():
    """Slope of the logarithm on days without promotion has the sign of the truth for nearly all listings."""
    plan = trade_plan()
    market = plan.competitors
    calm = np.flatnonzero((plan.trade.discount_pct == 0).all(axis=1))
    slope = np.polyfit(calm, np.log(market.price_cents[calm]), 1)[0]
    sign = np.sign(market.listings["trend_per_day"].to_numpy())
    dear = market.price_cents[0] > 1000
    assert (np.sign(slope[dear & (sign > 0)]) > 0).mean() > 0.97
    assert (np.sign(slope[dear & (sign < 0)]) < 0).mean() > 0.97
    assert 0.2 < (sign == 0).mean() < 0.6
    assert (truth_competitors(plan)["trend_sign"].to_numpy() == sign).all()


def test_slips_are_ten_times_off_and_on_record():
    """All of them, and nothing else differs from the price that was asked."""
    plan = trade_plan()
    rows = everything(plan, competitor_observations_rows)
    slips = truth_competitor_slips(plan)
    joined = rows.join(slips, on=["competitor", "listing_id", "observed_ts"])
    assert joined.height == slips.height > 50
    assert (joined["price"] == joined["shown_price"]).all()
    ratio = joined["shown_price"].cast(pl.Float64) / joined["true_price"].cast(pl.Float64)
    assert (((ratio - 10).abs() < 1e-9) | ((ratio - 0.1).abs() < 0.02)).all()
    assert slips.height / rows.height == pytest.approx(0.002, rel=0.4)


def test_some_days_and_identifiers_are_missing():
    """Matching and gap filling have something to do."""
    plan = trade_plan()
    rows = everything(plan, competitor_observations_rows)
    seen = rows.group_by("competitor", "listing_id").len()["len"]
    assert seen.max() <= plan.spec.days
    assert 0.01 < 1 - seen.mean() / plan.spec.days < 0.15
    assert 0.2 < rows["product_id"].is_null().mean() < 0.6
    assert 0.2 < rows["gtin"].is_null().mean() < 0.6
    unmatched = rows.filter(pl.col("product_id").is_null() & pl.col("gtin").is_null())
    assert unmatched.height > 0


def test_known_gtins_are_those_of_our_products():
    """A match by GTIN is right."""
    plan = trade_plan()
    rows = competitor_observations_rows(plan, 3).drop_nulls("gtin")
    joined = rows.join(truth_competitors(plan), on=["competitor", "listing_id"], suffix="_true")
    ours = plan.catalogue.frame.select("product_id", own="gtin")
    checked = joined.join(ours, left_on="product_id_true", right_on="product_id")
    assert (checked["gtin"] == checked["own"]).all()


def test_promotions_lower_prices():
    """On 11.11 against the days around it, in China."""
    plan = trade_plan()
    market = plan.competitors
    china = market.listings["market"].to_numpy() == 0
    ratio = market.price_cents[27, china] / market.price_cents[23, china]
    assert (ratio < 0.96).mean() > 0.4
    assert np.median(ratio) < 1


def test_stock_outs_last_some_days():
    """A chain of two states: about 6 % of the time, and most days as the day before."""
    in_stock = trade_plan().competitors.in_stock
    assert 0.02 < 1 - in_stock.mean() < 0.12
    assert (in_stock[1:] == in_stock[:-1]).mean() > 0.95


def test_listings_do_not_grow_with_people():
    """Only what depends on people does."""
    assert trade_plan(scale=12).competitors.listings.equals(trade_plan().competitors.listings)
