"""The registration funnel: who finishes, who gives up, and in which order."""

import csv
from importlib import resources
from pathlib import Path

import polars as pl
import pytest

from xbec_platform.world.buying import build_buying
from xbec_platform.world.registration import REGISTRATION_SCHEMA, registration_events_rows
from xbec_platform.world.spec import parameters
from xbec_platform_tests.unit.world.behaviour_fakes import people_plan, small_spec

SPEC = small_spec(customers=4000)
STAGES = list(parameters("behaviour")["registration"]["stages"])
SEED = Path(__file__).parents[3] / "dbt" / "seeds" / "process_stages.csv"


@pytest.fixture(scope="module")
def plan():
    made = people_plan(SPEC)
    made.buying = build_buying(SPEC, made.people)
    return made


@pytest.fixture(scope="module")
def events(plan) -> pl.DataFrame:
    return pl.concat([registration_events_rows(plan, day).with_columns(day=day) for day in range(SPEC.days)])


def rows(lines: list[str]) -> list[dict[str, str]]:
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def test_the_world_and_the_seed_know_the_same_stages():
    """The world delivers the source, dbt has the seed: one truth in two files, and the events speak its words."""
    delivered = resources.files("xbec_platform.world") / "data" / "process_stages.csv"
    world = rows(delivered.read_text(encoding="utf-8").splitlines())
    seed = rows(SEED.read_text(encoding="utf-8").splitlines())
    common = (
        "process",
        "stage",
        "stage_no",
        "name",
        "is_terminal",
        "is_optional",
        "expected_hours",
        "description",
    )
    assert [[row[name] for name in common] for row in world] == [
        [row[name] for name in common] for row in seed
    ]
    assert [row["stage"] for row in seed if row["process"] == "registration"] == STAGES


def test_columns_are_those_of_the_data_model(plan):
    assert dict(registration_events_rows(plan, 4).schema) == REGISTRATION_SCHEMA


def test_event_id_is_the_key(events):
    assert events["event_id"].n_unique() == events.height


def test_everyone_who_joins_has_sent_the_form_at_the_time_of_the_account(plan, events):
    joined = plan.people.frame.filter(pl.col("joined_day") >= 0)
    sent = events.filter(pl.col("stage") == "submit", pl.col("result") == "ok")
    assert set(sent["customer_id"]) == set(joined["customer_id"])
    both = sent.join(joined, on="customer_id")
    assert (both["ts"].dt.epoch("s") == both["created_ts"]).all()


def test_first_orders_are_those_of_the_orders(plan, events):
    """Of everyone who registers within the period, at the second of the order, however late."""
    first = plan.people.frame.with_row_index("customer").filter(pl.col("joined_day") >= 0)
    first = first.with_columns(pl.col("customer").cast(pl.Int32)).join(
        plan.buying.orders.filter(pl.col("nth") == 0), on="customer"
    )
    found = events.filter(pl.col("stage") == "first_order")
    assert dict(found.select("customer_id", pl.col("ts").dt.epoch("s")).iter_rows()) == dict(
        first.select("customer_id", "order_ts").iter_rows()
    )
    sessions = events.filter(pl.col("stage") == "submit").select("session_id", "customer_id").drop_nulls()
    assert found.join(sessions, on=["session_id", "customer_id"], how="anti").is_empty()


def test_people_who_give_up_have_no_customer(events):
    has_account = events.filter(pl.col("customer_id").is_not_null())
    assert "visit_form" not in set(has_account["stage"])
    stopped = events.filter(pl.col("result") == "stopped")
    assert stopped["customer_id"].null_count() == stopped.height
    assert set(stopped["stage"]) == {"visit_form", "submit"}
    assert not set(stopped["session_id"]) & set(has_account["session_id"])


def test_events_are_of_their_day(events):
    midnight = pl.lit(SPEC.first_day).cast(pl.Datetime("us", "UTC")) + pl.duration(days=pl.col("day"))
    assert events.select(((pl.col("ts") - midnight).dt.total_hours()).is_between(0, 23).all()).item()


def test_stages_come_in_order(events):
    """But for an identity that is verified days later, as the account says."""
    number = pl.col("stage").replace_strict({name: place for place, name in enumerate(STAGES)})
    in_time = events.sort("session_id", "event_id").with_columns(number=number)
    late = (pl.col("stage") == "identity_verified") & pl.col("device").is_null()
    assert in_time.filter(late).height > 0
    steps = (
        in_time.filter(~late)
        .with_columns(
            stage_before=pl.col("number").shift().over("session_id"),
            ts_before=pl.col("ts").shift().over("session_id"),
        )
        .drop_nulls("stage_before")
    )
    assert (steps["number"] >= steps["stage_before"]).all()
    assert (steps["ts"] >= steps["ts_before"]).all()


def test_the_form_loses_people_as_its_chances_say(plan, events):
    """Of who sends the form; of who has an account and never orders, the share that goes on."""
    middle = events.filter(pl.col("day").is_between(3, SPEC.days - 8))
    rule = parameters("behaviour")["registration"]["stages"]
    sent = middle.filter(pl.col("stage") == "submit", pl.col("result") != "failed")
    assert (sent["result"] == "ok").mean() == pytest.approx(rule["submit"]["pass"], abs=0.03)
    buyers = plan.people.frame[plan.buying.orders["customer"].unique().to_list()]["customer_id"]
    others = sent.filter(pl.col("result") == "ok", ~pl.col("customer_id").is_in(buyers.implode()))
    reached = events.filter(
        pl.col("session_id").is_in(others["session_id"].implode()), pl.col("result") == "ok"
    )
    passed = dict(reached.group_by("stage").agg(pl.col("session_id").n_unique()).iter_rows())
    for name, before in (("address_added", "contact_verified"), ("first_login", "address_added")):
        assert passed[name] / passed[before] == pytest.approx(rule[name]["pass"], abs=0.05)


def test_failures_are_tried_again(events):
    failed = events.filter(pl.col("result") == "failed")
    assert set(failed["stage"]) == {"submit", "contact_verified", "identity_verified"}
    assert failed["reason"].null_count() == 0
    # A second event of the same stage, unless cut off by the end of the period or before its start.
    again = events.join(failed.select("session_id", "stage"), on=["session_id", "stage"])
    again = again.group_by("session_id", "stage").len()
    assert (again["len"] == 2).sum() >= 0.95 * failed.height


def test_days_can_be_made_in_any_order(plan):
    assert registration_events_rows(plan, 9).equals(registration_events_rows(plan, 9))


def test_the_last_day_knows_nothing_of_later_ones(plan):
    last = registration_events_rows(plan, SPEC.days - 1)
    assert last["ts"].dt.date().max() == SPEC.last_day
