"""Pre-sales: windows, deposits within them, and a conversion whose probability is known."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from xbec_platform.world.catalogue import build_catalogue
from xbec_platform.world.deposits import conversion_probability
from xbec_platform.world.presales import presale_offers, presales_rows, truth_presales
from xbec_platform.world.spec import WorldSpec, parameters
from xbec_platform.world.trade import build_trade
from xbec_platform_tests.unit.world.trade_plan import everything, trade_plan


def _probability(**changes):
    typical = {
        "segment_match": 1.0,
        "days_to_balance": 10.0,
        "price_sensitivity": 0.5,
        "discount_depth": 0.25,
        "deposit_share": 0.14,
        "final_cents": 4000,
        **changes,
    }
    return float(conversion_probability(**{name: np.array([value]) for name, value in typical.items()})[0])


def test_probability_of_the_typical_deposit():
    """All terms are centred: what remains is the logistic of the intercept."""
    intercept = parameters("trade")["presales"]["conversion"]["intercept"]
    assert _probability() == pytest.approx(1 / (1 + np.exp(-intercept)), abs=1e-6)


@pytest.mark.parametrize(
    ("change", "rises"),
    [
        ({"segment_match": 2.0}, True),
        ({"discount_depth": 0.35}, True),
        ({"deposit_share": 0.2}, True),
        ({"price_sensitivity": 0.9}, False),
        ({"days_to_balance": 20.0}, False),
        ({"final_cents": 40_000}, False),
    ],
)
def test_probability_depends_as_described(change, rises):
    """The directions a good model must find."""
    assert (_probability(**change) > _probability()) == rises


def test_windows_follow_each_other():
    """Deposits 20:00 in China on 21 October to midnight before 11.11, balances for three days from then."""
    plan = trade_plan()
    rows = everything(plan, presales_rows)
    singles = rows.filter(pl.col("balance_open_ts") == datetime(2025, 11, 10, 16, tzinfo=UTC))
    assert singles.height == 60
    assert set(singles["deposit_open_ts"]) == {datetime(2025, 10, 21, 12, tzinfo=UTC)}
    assert (rows["deposit_open_ts"] < rows["deposit_close_ts"]).all()
    assert (rows["deposit_close_ts"] < rows["balance_open_ts"]).all()
    assert (rows["balance_open_ts"] < rows["balance_close_ts"]).all()
    assert (rows["deposit_amount"] < rows["final_price"]).all()


def test_every_year_has_its_presale():
    """A period of 400 days holds 11.11 and 12.12 twice and 618 once."""
    spec = WorldSpec(seed=3, days=400)
    offers = presale_offers(spec, build_catalogue(spec), build_trade(spec))
    windows = offers.select("promotion", "balance_open_ts").unique()
    assert dict(windows["promotion"].value_counts().iter_rows()) == {"11.11": 2, "12.12": 2, "618": 1}


def test_offers_are_known_before_their_deposits():
    """A deposit without a pre-sale window would be rejected."""
    offers, deposits = trade_plan().presales.offers, trade_plan().presales.deposits
    spec = trade_plan().spec
    first = [spec.midnight(day) for day in offers["announced_day"]]
    assert (offers["deposit_open_ts"] >= pl.Series(first)).all()
    placed = trade_plan().orders.frame["order_ts"].gather(deposits["order"])
    chosen = offers[deposits["presale"].to_list()]
    assert ((placed >= chosen["deposit_open_ts"]) & (placed <= chosen["deposit_close_ts"])).all()


def test_balances_are_paid_as_often_as_their_probability_says():
    """Calibration of the truth itself in ten groups, four standard errors each."""
    truth = trade_plan(scale=12).presales.deposits.sort("probability")
    assert truth.height > 3000
    for group in np.array_split(np.arange(truth.height), 10):
        part = truth[group]
        p = part["probability"].to_numpy()
        error = np.sqrt((p * (1 - p)).sum()) / len(p)
        assert abs(part["is_paid"].mean() - p.mean()) < 4 * error
    assert truth["probability"].quantile(0.9) - truth["probability"].quantile(0.1) > 0.25


def test_balances_fall_into_their_window():
    """And most of them early in it."""
    plan = trade_plan()
    paid = plan.presales.deposits.filter("is_paid")
    offers = plan.presales.offers[paid["presale"].to_list()]
    wait = paid["balance_ts"] - offers["balance_open_ts"]
    assert wait.min() > 0
    assert (paid["balance_ts"] <= offers["balance_close_ts"]).all()
    assert wait.median() < 12 * 3600
    assert plan.presales.deposits.filter(~pl.col("is_paid"))["balance_ts"].is_null().all()


def test_who_does_not_pay_loses_the_order():
    """Unpaid pre-sale orders are cancelled after the window, paid ones are not."""
    plan = trade_plan()
    deposits = plan.presales.deposits
    frame = plan.orders.frame[deposits["order"].to_list()]
    assert frame["is_presale"].all()
    assert (frame["cancelled_ts"].is_null() == deposits["is_paid"]).all()
    assert (frame["paid_ts"].is_not_null() == deposits["is_paid"]).all()
    assert plan.orders.frame["is_presale"].sum() == deposits.height


def test_truth_has_the_probability_and_the_feed_has_not():
    """A model must learn it."""
    plan = trade_plan()
    assert truth_presales(plan).height == plan.presales.deposits.height
    assert "probability" not in presales_rows(plan, 4).columns
