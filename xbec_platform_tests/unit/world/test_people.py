"""Who the customers are: shares, tastes and what does not change with the size of the world."""

import numpy as np
import polars as pl
import pytest

from xbec_platform.world.people import build_people, truth_people
from xbec_platform.world.spec import WorldSpec, parameters
from xbec_platform_tests.unit.world.behaviour_fakes import CATEGORIES, people_plan, small_spec

MARKETS = parameters("trade")["markets"]


@pytest.fixture(scope="module")
def large():
    return build_people(WorldSpec(seed=3, customers=20_000), CATEGORIES, MARKETS)


def test_equal_arguments_give_equal_people():
    one, other = (people_plan(small_spec()).people for _ in range(2))
    assert one.frame.equals(other.frame)
    assert one.devices.equals(other.devices)
    assert np.array_equal(one.taste, other.taste)


def test_customers_are_numbered_in_the_order_of_registration(large):
    assert large.frame["customer_id"].is_sorted()
    assert large.frame["created_ts"].is_sorted()
    assert large.frame["customer_id"].n_unique() == 20_000


def test_segments_and_markets_have_their_shares(large):
    segments = list(parameters("people")["segments"].values())
    found = np.bincount(large.frame["segment"].to_numpy()) / 20_000
    # Households share segments, so the error is larger than of independent draws: 4 x 0.0035.
    assert found == pytest.approx([rule["share"] for rule in segments], abs=0.02)
    found = np.bincount(large.frame["market"].to_numpy()) / 20_000
    assert found == pytest.approx([rule["share"] for rule in MARKETS.values()], abs=0.02)


def test_shares_do_not_change_with_the_scale(large):
    """Scale multiplies people and leaves distributions alone."""
    scaled = build_people(WorldSpec(seed=3, customers=5_000, scale=4), CATEGORIES, MARKETS)
    assert scaled.frame.equals(large.frame)


def test_taste_is_a_probability_around_the_taste_of_the_segment(large):
    assert large.taste.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    parents = large.frame["segment"].to_numpy() == large.segments.index("new_parent")
    weights = np.array(
        [0.25 + parameters("people")["segments"]["new_parent"]["taste"].get(name, 0) for name in CATEGORIES]
    )
    assert large.taste[parents].mean(axis=0) == pytest.approx(weights / weights.sum(), abs=0.02)


def test_every_taste_names_a_category_of_the_catalogue():
    known = set(parameters("products")["categories"])
    named = {name for rule in parameters("people")["segments"].values() for name in rule["taste"]}
    assert named <= known


def test_bargain_hunters_are_the_most_sensitive_to_prices(large):
    mean = large.frame.group_by("segment").agg(pl.col("price_sensitivity").mean()).sort("price_sensitivity")
    assert large.segments[mean["segment"][-1]] == "bargain_hunter"
    assert large.frame["price_sensitivity"].is_between(0, 1).all()


def test_people_register_before_and_all_through_the_period(large):
    joined = large.frame["joined_day"]
    assert (joined >= 0).mean() == pytest.approx(parameters("people")["joins_in_period"], abs=0.015)
    per_day = np.bincount(joined.filter(joined >= 0).to_numpy(), minlength=60)
    assert per_day.min() > 100  # 150 expected
    assert joined.max() == 59


def test_changes_come_after_the_registration_and_within_the_period(large):
    for name in ("flip_day", "move_day", "erased_day"):
        known = large.frame.drop_nulls(name)
        assert known.height > 0
        assert (known[name] > known["joined_day"]).all()
        assert known[name].is_between(1, 59).all()


def test_members_of_a_household_live_in_one_place(large):
    assert large.frame.group_by("household").agg(pl.col("city").n_unique())["city"].max() == 1


def test_memory_stays_below_400_bytes_a_person(large):
    size = large.frame.estimated_size() + large.devices.estimated_size() + large.taste.nbytes
    assert size / 20_000 < 400


def test_truth_names_segments_and_tastes():
    plan = people_plan(small_spec())
    truth = truth_people(plan)
    assert truth.height == 600
    assert set(truth["segment"]) == set(plan.people.segments)
    assert f"taste_{CATEGORIES[0]}" in truth.columns
