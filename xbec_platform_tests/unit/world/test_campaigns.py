"""Campaigns change first orders by their true uplift and nothing else."""

import numpy as np
import polars as pl
import pytest

from xbec_platform.world.campaigns import (
    advance_first_orders,
    build_campaigns,
    campaigns_rows,
    truth_campaign_groups,
    truth_campaigns,
)
from xbec_platform_tests.unit.world.behaviour_fakes import people_plan, small_spec

SPEC = small_spec(customers=20_000)


@pytest.fixture(scope="module")
def plan():
    plan = people_plan(SPEC)
    plan.campaigns = build_campaigns(SPEC, plan.people)
    return plan


def test_files_announce_each_campaign_once_before_it_starts(plan):
    rows = pl.concat([campaigns_rows(plan, day).with_columns(day=day) for day in range(SPEC.days)])
    assert rows["campaign_id"].to_list() == plan.campaigns.frame["campaign_id"].to_list()
    started = (rows["start_ts"].dt.date() - pl.Series([SPEC.first_day])).dt.total_days()
    assert (rows["day"] <= started).all()
    assert (rows["end_ts"] > rows["start_ts"]).all()
    assert "uplift" not in rows.columns


def test_only_people_who_consented_and_registered_are_targets(plan):
    consents = plan.people.frame["consent_marketing"].to_numpy()
    joined = plan.people.frame["joined_day"].to_numpy()
    for number, start in enumerate(plan.campaigns.frame["start_day"]):
        assert consents[plan.campaigns.targeted[number]].all()
        assert (joined[plan.campaigns.targeted[number]] < start).all()
        assert not (plan.campaigns.treated[number] & ~plan.campaigns.targeted[number]).any()


def test_the_holdout_has_its_share(plan):
    truth = truth_campaigns(plan)
    assert (1 - truth["treated"] / truth["targeted"]).to_numpy() == pytest.approx(
        truth["holdout"].to_numpy(), abs=0.02
    )
    groups = truth_campaign_groups(plan)
    assert groups.height == truth["targeted"].sum()
    assert groups["is_treated"].sum() == truth["treated"].sum()


def test_the_difference_to_the_holdout_is_the_true_uplift(plan):
    """Nobody would order by themselves: whoever does was moved by the campaign."""
    never = np.full(20_000, np.inf)
    start = np.zeros(20_000) - 1
    first = advance_first_orders(SPEC, plan.people, plan.campaigns, never, start)
    for number, (begin, end, uplift) in enumerate(
        plan.campaigns.frame.select("start_day", "end_day", "uplift").iter_rows()
    ):
        fresh = plan.campaigns.treated[number] & (first >= begin)
        within = (first[fresh] < end).mean()
        overlap = (
            plan.campaigns.frame.filter((pl.col("start_day") < end) & (pl.col("end_day") > begin)).height > 1
        )
        if not overlap:
            assert within == pytest.approx(uplift, abs=0.012)
    contacted = plan.campaigns.treated.any(axis=0)
    assert np.isinf(first[~contacted]).all()


def test_first_orders_of_others_stay(plan):
    first = np.linspace(0, SPEC.days, 20_000)
    moved = advance_first_orders(SPEC, plan.people, plan.campaigns, first, np.zeros(20_000) - 1)
    alone = ~plan.campaigns.treated.any(axis=0)
    assert np.array_equal(moved[alone], first[alone])
    assert (moved <= first).all()
