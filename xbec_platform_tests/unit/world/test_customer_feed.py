"""What the customer, deletion and preference files say day by day."""

import polars as pl
import pytest
import yaml

from xbec_platform.world.customer_feed import customers_rows, deletion_requests_rows, preferences_rows
from xbec_platform_tests.unit.world.behaviour_fakes import CATEGORIES, people_plan, small_spec

SPEC = small_spec(customers=3000)


@pytest.fixture(scope="module")
def plan():
    return people_plan(SPEC)


@pytest.fixture(scope="module")
def versions(plan) -> pl.DataFrame:
    files = [customers_rows(plan, day).with_columns(day=pl.lit(day)) for day in range(SPEC.days)]
    return pl.concat(files)


def contract_columns(source: str) -> list[str]:
    from importlib import resources

    text = (resources.files("xbec_platform.ingest") / "contracts" / f"{source}.yml").read_text(
        encoding="utf-8"
    )
    return list(yaml.safe_load(text)["columns"])


def test_columns_are_those_of_the_contract(plan):
    assert customers_rows(plan, 3).columns == contract_columns("customers")


def test_the_first_file_has_everyone_registered_before(plan, versions):
    first = versions.filter(pl.col("day") == 0)
    before = plan.people.frame.filter(pl.col("joined_day") < 0)
    assert set(before["customer_id"]) <= set(first["customer_id"])
    assert first.height == plan.people.frame.filter(pl.col("joined_day") <= 0).height


def test_all_files_together_know_everyone(versions):
    assert versions["customer_id"].n_unique() == 3000


def test_customer_and_version_are_the_key(versions):
    assert versions.select("customer_id", "updated_ts").is_duplicated().sum() == 0


def test_versions_are_of_their_day_and_not_before_the_registration(versions):
    midnight = pl.lit(SPEC.first_day).cast(pl.Datetime("us", "UTC")) + pl.duration(days=pl.col("day"))
    age = versions.select(hours=(pl.col("updated_ts") - midnight).dt.total_hours())["hours"]
    assert age.is_between(0, 23).all()
    assert (versions["updated_ts"] >= versions["created_ts"]).all()


def test_later_files_are_small_and_hold_consent_flips_moves_and_verifications(versions):
    later = versions.filter(pl.col("day") > 0)
    known = versions.filter(pl.col("customer_id").is_in(later["customer_id"].implode()))
    history = known.sort("customer_id", "updated_ts").group_by("customer_id", maintain_order=True)
    changed = history.agg(
        *(pl.col(name).n_unique() for name in ("consent_marketing", "city", "postal_code", "id_verified"))
    )
    for name in ("consent_marketing", "postal_code", "id_verified"):
        assert (changed[name] == 2).sum() > 10
    assert versions.filter(pl.col("day") == 7).height < 200


def test_the_last_version_of_an_erased_customer_is_deleted(plan, versions):
    erased = plan.people.frame.drop_nulls("erased_day")
    assert erased.height == 12  # 0.4 % of 3000
    last = versions.sort("updated_ts").group_by("customer_id").last()
    gone = last.filter(pl.col("customer_id").is_in(erased["customer_id"].implode()))
    assert (gone["registration_status"] == "deleted").all()
    assert gone["deleted_ts"].null_count() == 0
    assert last["deleted_ts"].null_count() == 3000 - 12


def test_a_deletion_is_asked_for_before_the_account_is_closed(plan, versions):
    requests = pl.concat([deletion_requests_rows(plan, day) for day in range(SPEC.days)])
    assert requests.height == 12
    assert requests["request_id"].n_unique() == 12
    closed = versions.drop_nulls("deleted_ts").select("email_hash", "deleted_ts")
    both = requests.join(closed, on="email_hash")
    assert (both["requested_ts"] < both["deleted_ts"]).all()


def test_nothing_latent_is_in_a_file(plan):
    latent = {"segment", "person", "household", "price_sensitivity", "erased_day"}
    for rows in (customers_rows(plan, 0), preferences_rows(plan, 0), deletion_requests_rows(plan, 0)):
        assert not latent & set(rows.columns)


def test_declared_categories_agree_with_the_taste_partly(plan):
    rows = pl.concat([preferences_rows(plan, day) for day in range(SPEC.days)])
    favourite = rows.filter(pl.col("key") == "favourite_category")
    best = plan.people.frame.select(
        "customer_id", best=pl.Series([CATEGORIES[number] for number in plan.people.taste.argmax(axis=1)])
    )
    agree = favourite.join(best, on="customer_id")
    # 75 % agree; of the others one in eight does by chance.
    assert (agree["value"] == agree["best"]).mean() == pytest.approx(0.75 + 0.25 / 8, abs=0.05)
    assert rows.select("customer_id", "key", "updated_ts").is_duplicated().sum() == 0


def test_a_day_without_requests_is_an_empty_file_with_columns(plan):
    empty = deletion_requests_rows(plan, 0)
    assert empty.height == 0
    assert empty.columns == [
        "request_id",
        "customer_id",
        "email_hash",
        "requested_ts",
        "scope",
        "legal_basis",
    ]
