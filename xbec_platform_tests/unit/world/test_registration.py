"""The registration funnel: who finishes, who gives up, and in which order."""

import polars as pl
import pytest

from xbec_platform.world.registration import REGISTRATION_SCHEMA, registration_events_rows
from xbec_platform.world.spec import parameters
from xbec_platform_tests.unit.world.behaviour_fakes import people_plan, small_spec

SPEC = small_spec(customers=4000)
STAGES = list(parameters("behaviour")["registration"]["stages"])


@pytest.fixture(scope="module")
def plan():
    return people_plan(SPEC)


@pytest.fixture(scope="module")
def events(plan) -> pl.DataFrame:
    return pl.concat([registration_events_rows(plan, day).with_columns(day=day) for day in range(SPEC.days)])


def test_columns_are_those_of_the_data_model(plan):
    assert dict(registration_events_rows(plan, 4).schema) == REGISTRATION_SCHEMA


def test_event_id_is_the_key(events):
    assert events["event_id"].n_unique() == events.height


def test_everyone_who_joins_has_completed_at_the_time_of_the_account(plan, events):
    joined = plan.people.frame.filter(pl.col("joined_day") >= 0)
    completed = events.filter(pl.col("stage") == "completed")
    assert set(completed["customer_id"]) == set(joined["customer_id"])
    both = completed.join(joined, on="customer_id")
    assert (both["ts"].dt.epoch("s") == both["created_ts"]).all()


def test_people_who_never_finish_have_no_customer(events):
    finished = events.filter(pl.col("customer_id").is_not_null())
    assert set(finished["stage"]) == {"completed"}
    stopped = events.filter(pl.col("result") == "stopped")["session_id"]
    assert not set(stopped) & set(finished["session_id"])
    assert set(stopped) | set(finished["session_id"]) == set(events["session_id"]) - first_days(events)


def first_days(events: pl.DataFrame) -> set[str]:
    """Return attempts whose last stage is not within the files."""
    last = events.group_by("session_id").agg(pl.col("stage").last(), pl.col("result").last())
    return set(last.filter((pl.col("result") != "stopped") & (pl.col("stage") != "completed"))["session_id"])


def test_events_are_of_their_day(events):
    midnight = pl.lit(SPEC.first_day).cast(pl.Datetime("us", "UTC")) + pl.duration(days=pl.col("day"))
    assert events.select(((pl.col("ts") - midnight).dt.total_hours()).is_between(0, 23).all()).item()


def test_stages_come_in_order(events):
    number = pl.col("stage").replace_strict({name: place for place, name in enumerate(STAGES)})
    in_time = events.sort("session_id", "event_id").with_columns(number=number)
    steps = in_time.with_columns(
        stage_before=pl.col("number").shift().over("session_id"),
        ts_before=pl.col("ts").shift().over("session_id"),
    ).drop_nulls("stage_before")
    assert (steps["number"] >= steps["stage_before"]).all()
    assert (steps["ts"] >= steps["ts_before"]).all()


def test_the_form_loses_people_as_its_chances_say(events):
    """A stage's conversion over all channels is near its chance; the first one also depends on the device."""
    middle = events.filter(pl.col("day").is_between(3, SPEC.days - 4))
    passed = middle.filter(pl.col("result") == "ok").group_by("stage").agg(pl.col("session_id").n_unique())
    counts = dict(passed.iter_rows())
    stopped = dict(middle.filter(pl.col("result") == "stopped").group_by("stage").len().iter_rows())
    rule = parameters("behaviour")["registration"]["stages"]
    for name in STAGES[1:-1]:
        found = counts[name] / (counts[name] + stopped[name])
        assert found == pytest.approx(rule[name]["pass"], abs=0.03)


def test_failures_are_tried_again(events):
    failed = events.filter(pl.col("result") == "failed")
    assert set(failed["stage"]) == {"email_entered", "id_submitted"}
    assert failed["reason"].null_count() == 0
    # A second event of the same stage, unless cut off by the end of the period or before its start.
    again = (
        events.filter(pl.col("stage").is_in(["email_entered", "id_submitted"]))
        .group_by("session_id", "stage")
        .len()
    )
    assert (again["len"] == 2).sum() >= 0.95 * failed.height


def test_days_can_be_made_in_any_order(plan):
    assert registration_events_rows(plan, 9).equals(registration_events_rows(plan, 9))


def test_the_last_day_knows_nothing_of_later_ones(plan):
    last = registration_events_rows(plan, SPEC.days - 1)
    assert last["ts"].dt.date().max() == SPEC.last_day
