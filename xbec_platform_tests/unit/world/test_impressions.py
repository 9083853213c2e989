"""Impressions and their clicks follow the position-based model."""

import numpy as np
import polars as pl
import pytest

from xbec_platform.world.behaviour import truth_relevance
from xbec_platform.world.contacts import STRANGER, contacts_of_day
from xbec_platform.world.events import events_rows, truth_sessions
from xbec_platform.world.impressions import (
    IMPRESSION_SCHEMA,
    impressions_rows,
    truth_bots,
    truth_examination,
)
from xbec_platform.world.spec import parameters
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


def test_clicks_are_examination_times_relevance(plan, slots, events):
    """The numbers of clicks by position are those of the model: what an estimator must be able to find."""
    truth = truth_relevance(plan).with_columns(pl.col("segment").cast(slots.schema["segment"]))
    model = slots.join(truth, on=["segment", "product_id"]).join(
        truth_examination(plan).with_columns(pl.col("position").cast(pl.Int32)), on=["slot_id", "position"]
    )
    # The same product may be shown again in a session: clicks are counted as events, not joined.
    clicks = events.filter(pl.col("page_type") == "recs_slot").group_by("position").len("clicks")
    by_position = (
        model.unique(["impression_id"])
        .group_by("position")
        .agg(expected=(pl.col("examination") * pl.col("relevance")).sum())
        .join(clicks, on="position")
    )
    assert by_position.height == 6
    # Some 400 clicks at a position: three standard errors are 15 %.
    assert by_position["clicks"].to_numpy() == pytest.approx(by_position["expected"].to_numpy(), rel=0.15)


def test_a_list_shows_different_products(slots):
    pages = slots.group_by("session_id", "ts", "slot_id").agg(pl.len(), pl.col("product_id").n_unique())
    once = pages.filter(pl.col("len") == 6)
    assert (once["product_id"] == 6).mean() > 0.97


def test_what_was_clicked_was_viewable(slots):
    # But for lists shown again in the session, whose rows cannot be told apart.
    assert slots.filter(pl.col("clicked") == 1)["viewable"].mean() > 0.98
    assert 0.7 < slots["viewable"].mean() < 0.95


@pytest.fixture(scope="module")
def bots(plan) -> pl.DataFrame:
    return truth_bots(plan).filter(pl.col("day") == DAY)


def test_truth_lists_the_sessions_of_programs(plan, bots):
    """The truth of all days is drawn without visits; it must name the sessions that visits have."""
    drawn = truth_sessions(plan, DAY).filter("is_bot")["session_id"]
    assert len(drawn) > 20
    assert bots["session_id"].drop_nulls().to_list() == drawn.to_list()


def test_programs_load_lists_faster_than_people_and_see_none(impressions, bots):
    """An estimator that does not leave them out takes what nobody saw for what nobody wanted."""
    slots = impressions.drop_nulls("slot_id")
    is_bot = pl.col("session_id").is_in(bots["session_id"].drop_nulls().implode())
    rates = (
        slots.with_columns(is_bot=is_bot)
        .group_by("session_id", "is_bot")
        .agg(
            pl.len(),
            pl.col("viewable").any(),
            lists=pl.col("ts").n_unique(),
            last=pl.col("ts").max(),
            first=pl.col("ts").min(),
        )
        .with_columns(seconds=(pl.col("last") - pl.col("first")).dt.total_seconds() / pl.col("lists"))
    )
    programs = rates.filter("is_bot")
    assert 1 <= programs.height < bots["session_id"].drop_nulls().len()
    assert not programs["viewable"].any()
    # 60 to 300 pages at 1 to 3 seconds each, six products a page.
    assert programs["len"].min() >= 60 * 6
    assert programs["seconds"].max() < 3
    people = rates.filter(~pl.col("is_bot"), pl.col("lists") > 1)
    assert people["seconds"].median() > 10
    assert people["viewable"].mean() > 0.95


def test_programs_open_advertisements_in_bursts(plan, impressions, bots):
    """The display channel has 6 % of them by its parameter; at least eight positions within a second."""
    paid = impressions.drop_nulls("campaign_id").with_columns(
        is_bot=pl.col("impression_id").is_in(bots["impression_id"].drop_nulls().implode())
    )
    shares = dict(plan.campaigns.frame.select("campaign_id", "channel").iter_rows())
    display = paid.filter(pl.col("campaign_id").replace_strict(shares) == "display")
    programs = display.filter("is_bot")
    # A channel's bursts are few: three standard deviations of their number and size.
    assert programs.height / display.height == pytest.approx(0.06, abs=0.03)
    assert not programs["viewable"].any()
    assert programs["customer_id"].null_count() == programs.height
    assert programs.group_by("ts").len()["len"].median() >= 8
    assert float(programs["cost"].min()) == float(display["cost"].max()) > 0


def test_programs_change_nothing_that_people_see(plan, impressions, bots):
    """Their impressions come from streams of their own: without them the rows of people are the same."""
    rules = parameters("behaviour")
    changed = rules["bots"] | {"runs_scripts": 0.0}
    channels = {name: {**rule, "bots": 0.0} for name, rule in rules["campaign_contacts"].items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(rules, "bots", changed)
        patch.setitem(rules, "campaign_contacts", channels)
        contacts_of_day.cache_clear()
        without = impressions_rows(plan, DAY)
    contacts_of_day.cache_clear()
    programs = pl.col("session_id").is_in(bots["session_id"].drop_nulls().implode()).fill_null(
        False
    ) | pl.col("impression_id").is_in(bots["impression_id"].drop_nulls().implode())
    people = impressions.filter(~programs)
    assert people.height < impressions.height
    assert people.drop("impression_id").equals(without.drop("impression_id"))


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
