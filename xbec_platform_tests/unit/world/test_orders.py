"""Orders: sums that add up, an order of events, sizes and skew in the range of a real shop."""

import numpy as np
import polars as pl
import pytest

from xbec_platform.world.order_feed import order_lines_rows, orders_rows
from xbec_platform_tests.unit.world.trade_plan import everything, trade_plan


def _gini(values):
    ordered = np.sort(values)
    rank = np.arange(1, len(ordered) + 1)
    return 2 * (rank * ordered).sum() / (len(ordered) * ordered.sum()) - (len(ordered) + 1) / len(ordered)


def test_every_purchase_is_one_order():
    """The repeat behaviour known to be BG/NBD stays what it is."""
    plan = trade_plan()
    known = plan.orders.frame.filter(pl.col("customer") >= 0)
    assert known.height == plan.buying.orders.height
    assert (
        known.select("customer", "order_ts")
        .sort(pl.all())
        .equals(plan.buying.orders.select("customer", "order_ts").sort(pl.all()))
    )
    assert plan.orders.frame["order_ts"].is_sorted()
    assert plan.orders.frame["order_id"].n_unique() == plan.orders.frame.height


def test_goods_are_the_sum_of_the_lines():
    """To the cent, for every order."""
    orders = trade_plan().orders
    net = pl.col("qty").cast(pl.Int64) * pl.col("unit_price_cents") - pl.col("discount_cents")
    sums = orders.lines.group_by("order").agg(net.sum().alias("net")).sort("order")
    assert sums.height == orders.frame.height
    assert (sums["net"] == orders.frame["goods_cents"]).all()
    assert orders.frame["goods_cents"].min() > 0


def test_delivered_files_say_the_same_as_the_plan():
    """Money leaves the plan as a decimal number without a rounding error."""
    plan = trade_plan()
    placed = everything(plan, orders_rows).filter(pl.col("status") == "placed").sort("order_id")
    assert (placed["goods_total"] * 100).cast(pl.Int64).to_list() == plan.orders.frame[
        "goods_cents"
    ].to_list()
    lines = everything(plan, order_lines_rows)
    assert lines.height == plan.orders.lines.height
    assert lines["order_id"].n_unique() == plan.orders.frame.height


def test_prices_are_list_prices_in_the_currency_of_the_market():
    """Unit price times rate is within a rounding of the list price times the level of the market."""
    plan = trade_plan()
    frame = plan.orders.frame[plan.orders.lines["order"].to_list()]
    day, market = frame["order_day"].to_numpy(), frame["market"].to_numpy()
    listed = plan.catalogue.list_price_cents(plan.orders.lines["product"].to_numpy(), day)
    factor = plan.trade.term("price_factor")[market] / plan.trade.eur_per_unit[day, market]
    assert np.abs(plan.orders.lines["unit_price_cents"].to_numpy() - listed * factor).max() <= 0.5 + 1e-6


def test_versions_of_an_order_follow_each_other():
    """placed, paid, shipped, delivered, or cancelled; never shipped and cancelled."""
    wide = everything(trade_plan(), orders_rows).pivot(
        on="status",
        on_columns=["placed", "paid", "shipped", "delivered", "cancelled"],
        index="order_id",
        values="updated_ts",
    )
    for earlier, later in (
        ("placed", "paid"),
        ("paid", "shipped"),
        ("shipped", "delivered"),
        ("placed", "cancelled"),
    ):
        both = wide.filter(pl.col(earlier).is_not_null() & pl.col(later).is_not_null())
        assert both.height > 20
        assert (both[earlier] < both[later]).all(), (earlier, later)
    assert wide.filter(pl.col("shipped").is_not_null() & pl.col("cancelled").is_not_null()).is_empty()
    assert wide["placed"].null_count() == 0


def test_taxes_and_duties_follow_the_terms():
    """Known answers: 19 % in a German order from stock; no duty below GBP 135; the buyer's duty is unknown."""
    frame = trade_plan().orders.frame
    domestic = frame.filter(pl.col("country") == "DE", pl.col("operation_mode") == "domestic")
    taxed = domestic["goods_cents"] + domestic["shipping_cents"] - domestic["discount_cents"]
    assert ((domestic["tax_cents"] - taxed * 0.19).abs() <= 0.5 + 1e-6).all()
    assert set(domestic["duty_cents"]) == {0}
    mail = frame.filter(pl.col("country") == "GB", pl.col("operation_mode") == "direct_mail")
    assert set(mail.filter(pl.col("goods_cents") <= 13_500)["duty_cents"]) == {0}
    assert mail.filter(pl.col("goods_cents") > 20_000)["duty_cents"].min() > 0
    unpaid = frame.filter(pl.col("incoterm") == "DDU")
    assert unpaid["duty_cents"].is_null().all()


def test_guests_have_no_account_but_an_address():
    """About one order in seven."""
    rows = everything(trade_plan(), orders_rows).filter(pl.col("status") == "placed")
    assert 0.05 < rows["customer_id"].null_count() / rows.height < 0.3
    assert rows["ship_postal"].null_count() == 0
    assert rows["ship_lat"].null_count() == 0


def test_promotions_discount_lines():
    """On 11.11 about 70 % of the products are 20 % off."""
    plan = trade_plan()
    frame = plan.orders.frame.with_row_index("order")
    day = frame.filter(pl.col("order_day") == 27, ~pl.col("is_presale"))["order"]
    lines = plan.orders.lines.filter(pl.col("order").is_in(day.implode()))
    full = lines["unit_price_cents"] * lines["qty"].cast(pl.Int64)
    percent = (lines["discount_cents"] / full * 100).round(0)
    assert set(percent.cast(pl.Int64)) <= {0, 19, 20, 21}
    assert 0.5 < (percent > 0).mean() < 0.9


def test_sizes_and_skew_are_those_of_a_shop():
    """In the direction of Online Retail (orders.yml), at the level of a household."""
    plan = trade_plan(scale=12)
    frame, lines = plan.orders.frame, plan.orders.lines
    ordinary = lines.filter(~frame["is_presale"].gather(lines["order"]))
    number = ordinary.group_by("order").len()["len"].to_numpy()
    assert 2.0 < number.mean() < 3.0
    assert 0.35 < (number == 1).mean() < 0.6
    assert np.percentile(number, 99) >= 9
    assert 0.6 < (ordinary["qty"] == 1).mean() < 0.75
    assert ordinary["qty"].max() > 15
    products = np.bincount(ordinary["product"].to_numpy(), minlength=504)
    # Online Retail: 0.63, and 64 % of the lines in the best fifth.
    assert 0.53 < _gini(products) < 0.72
    assert 0.55 < np.sort(products)[::-1][:101].sum() / products.sum() < 0.75


def test_companions_are_bought_together():
    """A pair that a recommender can find: far above chance."""
    plan = trade_plan(scale=12)
    lines = plan.orders.lines.select("order", "product")
    companion = pl.Series(plan.catalogue.companion)
    partner = lines.with_columns(product=companion.gather(lines["product"].cast(pl.UInt32)).cast(pl.Int16))
    together = lines.join(partner, on=["order", "product"]).height
    followers = lines.height - plan.orders.frame.height
    assert together > 0.15 * followers


@pytest.mark.parametrize("column", ["channel", "operation_mode", "market"])
def test_scale_leaves_shares_alone(column):
    """Shares at scale 12 differ from scale 1 by sampling only (four standard errors and the promotions' noise)."""
    small, large = trade_plan().orders.frame, trade_plan(scale=12).orders.frame
    for value in large[column].unique():
        a, b = (small[column] == value).mean(), (large[column] == value).mean()
        assert abs(a - b) < 6 * np.sqrt(b * (1 - b) / small.height)
