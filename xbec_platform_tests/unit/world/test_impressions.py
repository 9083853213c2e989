"""Impressions and their clicks follow the position-based model."""

import numpy as np
import polars as pl
import pytest

from xbec_platform.world.behaviour import truth_relevance
from xbec_platform.world.contacts import STRANGER, contacts_of_day
from xbec_platform.world.events import events_rows, truth_sessions
from xbec_platform.world.impressions import IMPRESSION_SCHEMA, impressions_rows, truth_examination
from xbec_platform_tests.unit.world.behaviour_fakes import small_plan, small_spec

SPEC = small_spec(customers=4000, scale=8)
# Within the display campaign.
DAY = 17


@pytest.fixture(scope="module")
def plan():
    return small_plan(SPEC)


@pytest.fixture(scope="module")
def impressions(plan) -> pl.DataFrame:
    return impressions_rows(plan, DAY)


@pytest.fixture(scope="module")
def events(plan) -> pl.DataFrame:
    return events_rows(plan, DAY)


@pytest.fixture(scope="module")
def slots(plan, impressions, events) -> pl.DataFrame:
    """Impressions of slots with their clicks, without programs."""
    clicks = events.filter(pl.col("page_type") == "recs_slot").select(
        "session_id",
        "product_id",
        "position",
        slot_id=pl.col("placement").cast(pl.String),
        clicked=pl.lit(1),
    )
    shown = impressions.drop_nulls("slot_id").join(
        clicks.unique(), on=["session_id", "slot_id", "product_id", "position"], how="left"
    )
    return shown.join(truth_sessions(plan, DAY), on="session_id").filter(~pl.col("is_bot"))


def test_columns_and_key(impressions):
    assert dict(impressions.schema) == IMPRESSION_SCHEMA
    assert impressions["impression_id"].is_sorted()
    assert impressions["impression_id"].n_unique() == impressions.height
    either = impressions["campaign_id"].is_null() ^ impressions["slot_id"].is_null()
    assert either.all()


def test_every_click_on_a_slot_has_its_impression(impressions, events):
    clicks = events.filter(pl.col("page_type") == "recs_slot")
    keys = ["session_id", "product_id", "position"]
    lost = clicks.join(impressions.drop_nulls("slot_id"), on=keys, how="anti")
    assert clicks.height > 200
    assert lost.height == 0


def test_clicks_are_examination_times_relevance(plan, slots):
    """The shares of clicks by position are those of the model: what an estimator must be able to find."""
    truth = truth_relevance(plan).with_columns(pl.col("segment").cast(slots.schema["segment"]))
    model = slots.join(truth, on=["segment", "product_id"]).join(
        truth_examination(plan).with_columns(pl.col("position").cast(pl.Int32)), on=["slot_id", "position"]
    )
    by_position = model.group_by("position").agg(
        pl.col("clicked").fill_null(0).mean(), expected=(pl.col("examination") * pl.col("relevance")).mean()
    )
    # About 1 % of clicks are joined twice where a page is opened again in the session.
    assert by_position["clicked"].to_numpy() == pytest.approx(by_position["expected"].to_numpy(), rel=0.15)


def test_a_list_shows_different_products(slots):
    pages = slots.group_by("session_id", "ts", "slot_id").agg(pl.len(), pl.col("product_id").n_unique())
    once = pages.filter(pl.col("len") == 6)
    assert (once["product_id"] == 6).mean() > 0.97


def test_what_was_clicked_was_viewable(slots):
    # But for lists shown again in the session, whose rows cannot be told apart.
    assert slots.filter(pl.col("clicked") == 1)["viewable"].mean() > 0.98
    assert 0.7 < slots["viewable"].mean() < 0.95


def test_only_the_treated_are_contacted(plan):
    contacts = contacts_of_day(plan.behaviour, DAY)
    known = contacts.filter(pl.col("customer") != STRANGER)
    assert known.height > 0
    assert plan.campaigns.treated[known["campaign"].to_numpy(), known["customer"].to_numpy()].all()
    assert (known["second"].is_between(0, 86_399)).all()


def test_an_email_reaches_a_customer_once(plan):
    email = plan.campaigns.frame["channel"].to_list().index("email")
    days = [
        contacts_of_day(plan.behaviour, day).filter(pl.col("campaign") == email) for day in range(SPEC.days)
    ]
    contacts = pl.concat(days)
    assert contacts["customer"].is_duplicated().sum() == 0
    treated = plan.campaigns.treated[email] & (plan.people.frame["erased_day"].is_null().to_numpy())
    assert contacts.height == pytest.approx(treated.sum(), rel=0.01)


def test_clicks_on_a_campaign_start_sessions(plan, events):
    clicked = contacts_of_day(plan.behaviour, DAY).filter("is_clicked")
    assert clicked.height > 20
    landed = events.filter((pl.col("event_type") == "click") & (pl.col("page_type") == "campaign"))
    expected = plan.campaigns.frame["campaign_id"].gather(clicked["campaign"])
    assert sorted(landed["placement"].cast(pl.String)) == sorted(expected)
    assert landed["customer_id"].null_count() == 0


def test_advertising_costs_and_slots_do_not(impressions):
    paid = impressions.drop_nulls("campaign_id")
    assert paid["cost"].null_count() == 0
    assert float(paid.filter(pl.col("customer_id").is_null())["cost"].min()) > 0
    assert impressions.drop_nulls("slot_id")["cost"].is_null().all()


def test_better_positions_of_an_advertisement_are_clicked_more(plan):
    days = pl.concat([contacts_of_day(plan.behaviour, day) for day in range(SPEC.days)])
    known = days.filter((pl.col("customer") != STRANGER) & pl.col("is_viewable"))
    rate = (
        known.group_by("campaign", "position").agg(pl.col("is_clicked").mean()).sort("campaign", "position")
    )
    display = plan.campaigns.frame["channel"].to_list().index("display")
    of_display = rate.filter(pl.col("campaign") == display)["is_clicked"].to_numpy()
    assert np.all(np.diff(of_display) < 0)
