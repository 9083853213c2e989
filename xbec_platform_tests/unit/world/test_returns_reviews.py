"""Returns and reviews depend on quality and on the delay against the promise."""

import numpy as np
import polars as pl
import pytest

from xbec_platform.world.returns import delivered_lines, returns_rows, truth_returns
from xbec_platform.world.reviews import expected_rating, reviews_rows, truth_reviews
from xbec_platform_tests.unit.world.trade_plan import everything, trade_plan


def test_expected_rating_of_known_cases():
    """Formula of reviews.yml: 4.25 at the usual quality and on time; 0.22 less per day late, ten days at most."""
    quality = np.array([0.7, 0.7, 0.7, 0.9])
    late = np.array([0.0, 3.0, 30.0, -5.0])
    assert expected_rating(quality, late).tolist() == pytest.approx([4.25, 3.59, 2.05, 4.25 + 0.64 + 0.1])


def test_delivered_lines_know_their_delay():
    """The stand-in delays parcels by the number of the order: -1, 0 or 6 days; every fourth never arrives."""
    plan = trade_plan()
    lines = delivered_lines(plan.orders, plan.fulfilment)
    number = (lines["order"] % 4).to_numpy()
    np.testing.assert_allclose(lines["late_days"].to_numpy(), np.choose(number, [-1, 0, 6, 99]), atol=1e-6)
    assert (plan.orders.lines["order"].gather(lines["line"]) == lines["order"]).all()


def test_late_parcels_are_rated_worse():
    """Mean ratings of 12 times the people by delay; six days late cost about one star."""
    plan = trade_plan(scale=12)
    means = (
        plan.reviews.frame.group_by("late_days")
        .agg(pl.col("rating").mean())
        .sort("late_days")["rating"]
        .to_list()
    )
    assert means[0] > means[2] + 0.7
    assert means[1] > means[2] + 0.7


def test_poor_products_are_rated_worse_and_come_back_more_often():
    """Correlations in the direction of the truth."""
    plan = trade_plan(scale=12)
    quality = plan.catalogue.frame["quality"].to_numpy()
    reviews = plan.reviews.frame
    assert np.corrcoef(quality[reviews["product"].to_numpy()], reviews["rating"].to_numpy())[0, 1] > 0.2
    assert reviews["rating"].is_between(1, 5).all()
    returned = quality[plan.returns.frame["product"].to_numpy()].mean()
    sold = quality[delivered_lines(plan.orders, plan.fulfilment)["product"].to_numpy()].mean()
    assert returned < sold - 0.01


def test_nothing_is_reviewed_or_returned_before_it_arrives():
    """Times follow the parcel."""
    plan = trade_plan()
    arrived = plan.fulfilment.parcels.select(pl.col("order").cast(pl.Int32), "delivered_ts")
    for frame, ts in ((plan.reviews.frame, "ts"), (plan.returns.frame, "opened_ts")):
        joined = frame.select("order", pl.col(ts).alias("then")).join(arrived, on="order")
        assert joined.height == frame.height
        assert (joined["then"] > joined["delivered_ts"]).all()


def test_fashion_comes_back_most_and_for_its_fit():
    """Shares by category (products.yml) and reasons by category (reviews.yml)."""
    plan = trade_plan(scale=12)
    category = plan.catalogue.frame["category"].to_numpy()
    returned = category[plan.returns.frame["product"].to_numpy()]
    delivered = category[delivered_lines(plan.orders, plan.fulfilment)["product"].to_numpy()]
    share = np.bincount(returned, minlength=14) / np.bincount(delivered, minlength=14)
    names = plan.catalogue.categories
    assert names[int(share.argmax())] == "fashion"
    assert share[names.index("fashion")] == pytest.approx(0.2, abs=0.08)
    reasons = plan.returns.frame.filter(pl.Series(returned == names.index("fashion")))["reason"]
    assert (reasons == "does not fit").mean() > 0.4


def test_late_goods_are_returned_as_late():
    """A reason a service report can find."""
    frame = trade_plan(scale=12).returns.frame
    late = frame.filter(pl.col("late_days") > 5)["reason"] == "arrived late"
    on_time = frame.filter(pl.col("late_days") <= 0)["reason"] == "arrived late"
    assert late.mean() > 0.3
    assert on_time.mean() < 0.08


def test_refund_is_never_more_than_was_paid_for_the_line():
    """A part of a line is refunded in proportion."""
    plan = trade_plan()
    lines = plan.orders.lines[plan.returns.frame["line"].to_list()]
    net = lines["qty"].cast(pl.Int64) * lines["unit_price_cents"] - lines["discount_cents"]
    assert (plan.returns.frame["refund_cents"] <= net).all()
    assert (plan.returns.frame["qty"] <= lines["qty"]).all()
    assert (plan.returns.frame["qty"] >= 1).all()


def test_texts_are_in_the_language_of_the_market():
    """A review without text has no language either."""
    plan = trade_plan()
    rows = everything(plan, reviews_rows)
    assert set(rows["text_lang"].drop_nulls()) == {"zh", "de", "en", "fr"}
    assert (rows["text"].is_null() == rows["text_lang"].is_null()).all()
    assert 0.2 < rows["text"].is_null().mean() < 0.5


def test_truth_names_every_row():
    """Tests join the truth to the feed by its key; where the feed hides the order the truth knows it."""
    plan = trade_plan()
    returns = everything(plan, returns_rows)
    joined = returns.join(truth_returns(plan), on="return_id", suffix="_true")
    assert joined.height == returns.height
    known = joined.filter(pl.col("order_id").is_not_null())
    assert (known["order_id"] == known["order_id_true"]).all()
    assert joined["order_id"].null_count() > 0
    reviews = everything(plan, reviews_rows)
    assert reviews.join(truth_reviews(plan), on="review_id").height == reviews.height
