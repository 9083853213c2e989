"""Households, devices and keys that identity resolution must see through."""

import numpy as np
import polars as pl
import pytest

from xbec_platform.world.identity import contact_hashes, draw_devices, draw_identity, hex_text, truth_identity
from xbec_platform.world.spec import WorldSpec
from xbec_platform_tests.unit.world.behaviour_fakes import people_plan, small_spec

SPEC = WorldSpec(seed=5, customers=10_000)


@pytest.fixture(scope="module")
def identity():
    return draw_identity(SPEC)


@pytest.fixture(scope="module")
def devices(identity):
    return draw_devices(SPEC, identity)


def accounts(identity) -> pl.DataFrame:
    email, phone = contact_hashes(SPEC, identity)
    return pl.DataFrame(
        {"person": identity.person, "household": identity.household, "email": email, "phone": phone}
    )


def test_a_few_people_have_two_accounts(identity):
    assert identity.persons == 9_700  # 3 % of 10 000 accounts are second ones
    assert len(identity.person) == 10_000


def test_hexadecimal_text_is_that_of_the_bytes():
    assert hex_text(np.array([[0, 255], [16, 1]], dtype=np.uint8)).to_list() == ["00ff", "1001"]


def test_one_email_and_one_telephone_are_shared_by_far_too_many(identity):
    frame = accounts(identity)
    for name, share in (("email", 0.004), ("phone", 0.006 * 0.65)):
        largest = frame[name].drop_nulls().value_counts(sort=True)
        assert largest["count"][0] == pytest.approx(10_000 * share, rel=0.5)
        assert largest["count"][1] < 10


def test_other_shared_keys_stay_within_a_household(identity):
    frame = accounts(identity)
    for name in ("email", "phone"):
        shared = frame.drop_nulls(name).group_by(name).agg(pl.len(), pl.col("household").n_unique())
        small = shared.filter(pl.col("len").is_between(2, 10))
        assert small.height > 50
        assert small["household"].max() == 1


def test_most_second_accounts_have_the_email_of_the_first(identity):
    frame = accounts(identity)
    twice = frame.filter(pl.len().over("person") > 1).group_by("person").agg(pl.col("email").n_unique())
    assert (twice["email"] == 1).mean() == pytest.approx(0.6, abs=0.1)


def test_everyone_has_a_device_and_links_follow_customers(devices):
    assert devices["customer"].n_unique() == 10_000
    assert devices["customer"].is_sorted()
    assert devices.group_by("device_no").agg(pl.col("anonymous_id").n_unique())["anonymous_id"].max() == 1


def test_an_internet_cafe_is_used_by_one_percent(devices):
    users = devices["device_no"].value_counts(sort=True)
    assert users["count"][0] == 100
    assert users["count"][1] < 12


def test_shared_devices_stay_within_a_household(identity, devices):
    household = pl.Series(identity.household).gather(devices["customer"])
    used = (
        devices.with_columns(household=household)
        .group_by("device_no")
        .agg(pl.len(), pl.col("household").n_unique())
    )
    assert (used["household"] > 1).sum() == 1  # the internet cafe
    assert (used["len"] > 1).mean() > 0.05


def test_apps_run_in_phones_and_tablets_only(devices):
    apps = devices.filter(pl.col("app") != "web")
    assert set(apps["device"].cast(pl.String)) == {"mobile", "tablet"}
    assert set(apps["user_agent_class"].cast(pl.String)) == {"app"}


def test_truth_has_every_account_and_device():
    plan = people_plan(small_spec())
    truth = truth_identity(plan)
    assert (truth["kind"] == "customer").sum() == 600
    assert set(truth.filter(pl.col("kind") == "device")["identifier"]) == set(
        plan.people.devices["anonymous_id"]
    )
    assert truth["household"].null_count() == 0
