"""Repeat buying follows BG/NBD with the parameters of people.yml."""

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize
from scipy.special import gammaln

from xbec_platform.world.buying import build_buying, guest_orders, truth_buying
from xbec_platform.world.spec import SECONDS_PER_DAY, WorldSpec, parameters
from xbec_platform_tests.unit.world.behaviour_fakes import people_plan, small_plan, small_spec

RULE = parameters("people")["buying"]
SPEC = WorldSpec(seed=11, customers=20_000, days=120)


@pytest.fixture(scope="module")
def plan():
    plan = people_plan(SPEC)
    plan.buying = build_buying(SPEC, plan.people)
    return plan


def repeat_summary(plan) -> pl.DataFrame:
    """Repeats x, time of the last one t_x and time under observation T in days, of everyone who ordered."""
    end = SPEC.midnight(SPEC.days)
    frame = plan.buying.orders.group_by("customer").agg(
        x=pl.len() - 1,
        t_x=(pl.col("order_ts").max() - pl.col("order_ts").min()) / SECONDS_PER_DAY,
        T=(end - pl.col("order_ts").min()) / SECONDS_PER_DAY,
    )
    stays = plan.people.frame.with_row_index("customer").filter(pl.col("erased_day").is_null())
    return frame.join(stays.select(pl.col("customer").cast(pl.Int32)), on="customer", how="semi")


def negative_log_likelihood(log_parameters, x, t_x, T):
    """Equation 6 of Fader, Hardie & Lee 2005."""
    r, alpha, a, b = np.exp(log_parameters)
    base = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    beta = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    alive = -(r + x) * np.log(alpha + T)
    left = np.where(
        x > 0, np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x), -np.inf
    )
    return -(base + beta + np.logaddexp(alive, left)).sum()


def test_a_fit_recovers_the_parameters(plan):
    """Maximum likelihood on what the shop sees must find the truth, or no CLV model could be judged."""
    summary = repeat_summary(plan)
    data = (summary["x"].to_numpy(), summary["t_x"].to_numpy(), summary["T"].to_numpy())
    fit = minimize(negative_log_likelihood, np.log([1, 10, 1, 1]), args=data, method="L-BFGS-B")
    r, alpha, a, b = np.exp(fit.x)
    assert r == pytest.approx(RULE["r"], rel=0.1)
    assert alpha == pytest.approx(RULE["alpha_days"], rel=0.15)
    assert a / (a + b) == pytest.approx(RULE["a"] / (RULE["a"] + RULE["b"]), rel=0.1)
    assert a == pytest.approx(RULE["a"], rel=0.35)


def test_rates_and_dropouts_have_their_moments(plan):
    truth = plan.buying.truth
    mean = RULE["r"] / RULE["alpha_days"]
    assert truth["lambda_per_day"].mean() == pytest.approx(mean, rel=0.03)
    assert truth["lambda_per_day"].var() == pytest.approx(mean / RULE["alpha_days"], rel=0.1)
    assert truth["p_dropout"].mean() == pytest.approx(RULE["a"] / (RULE["a"] + RULE["b"]), rel=0.03)


def test_buying_does_not_depend_on_the_segment(plan):
    """Segments like different things but buy equally often: means of all segments within 5 standard errors."""
    counts = plan.buying.truth.with_columns(plan.people.frame["segment"])
    by_segment = counts.group_by("segment").agg(
        pl.col("orders_total").mean().alias("mean"),
        (pl.col("orders_total").std() / pl.len().sqrt()).alias("error"),
    )
    deviation = (by_segment["mean"] - counts["orders_total"].mean()) / by_segment["error"]
    assert deviation.abs().max() < 4


def test_orders_are_sorted_numbered_and_within_the_period(plan):
    orders = plan.buying.orders
    assert orders.select("order_ts", "customer").rows() == sorted(
        orders.select("order_ts", "customer").rows()
    )
    assert orders["order_day"].is_between(0, SPEC.days - 1).all()
    assert ((orders["order_ts"] - SPEC.epoch) // SECONDS_PER_DAY).to_list() == orders["order_day"].to_list()
    first = orders.filter(pl.col("nth") == 0)
    assert first.height == orders["customer"].n_unique()


def test_nobody_orders_before_the_registration_or_after_the_erasure(plan):
    people = plan.people.frame.with_row_index("customer").with_columns(pl.col("customer").cast(pl.Int32))
    joined = plan.buying.orders.join(people, on="customer")
    assert (joined["order_ts"] > joined["created_ts"]).all()
    assert (joined["order_day"] < joined["erased_day"].fill_null(SPEC.days)).all()


def test_no_order_follows_the_dropout(plan):
    left = plan.buying.truth.drop_nulls("dropout_ts")
    last = plan.buying.orders.group_by("customer").agg(pl.col("order_day").max(), pl.len())
    both = left.join(last, on="customer")
    assert ((both["dropout_ts"] - SPEC.epoch) // SECONDS_PER_DAY == both["order_day"]).all()
    assert (both["len"] >= 2).all()  # nobody leaves before a repeat


def test_some_never_order(plan):
    assert (plan.buying.truth["orders_total"] == 0).mean() > parameters("people")["first_order"]["never"]


def test_orders_have_the_hours_of_evenings(plan):
    german = plan.people.frame.with_row_index("customer").filter(pl.col("country") == "DE")["customer"]
    ts = plan.buying.orders.filter(pl.col("customer").is_in(german.cast(pl.Int32).implode()))["order_ts"]
    hour = (ts % SECONDS_PER_DAY) / 3600 + 1  # Germany: UTC + 1 in winter
    assert hour.median() == pytest.approx(19, abs=0.5)


def test_guests_buy_more_on_promotions():
    spec = small_spec(customers=5000)
    german = list(parameters("trade")["markets"]).index("DE")
    uplift = pl.DataFrame({"day": [5], "market": [german], "uplift": [10.0]})
    usual, more = guest_orders(spec), guest_orders(spec, uplift)
    mean = parameters("people")["guests"]["orders_per_customer_day"] * 5000
    assert usual.height == pytest.approx(mean * spec.days, rel=0.15)
    here = pl.col("order_ts").is_between(spec.midnight(5), spec.midnight(6) - 1) & (
        pl.col("market") == german
    )
    expected = 10 * mean * parameters("trade")["markets"]["DE"]["share"]
    assert more.filter(here).height == pytest.approx(expected, rel=0.4)


def test_truth_is_by_customer_id():
    plan = small_plan(small_spec())
    truth = truth_buying(plan)
    assert truth["customer_id"].n_unique() == 600
    assert truth["orders_total"].sum() == plan.buying.orders.height
