"""Persons with several accounts: sums, the strictest consent, what the leading account says; others as they are."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from xbec_platform.customers.persons import PERSON_SCHEMA, by_person, person_database
from xbec_platform.customers.portrait import PortraitInput, person_portraits
from xbec_platform.customers.portrait_tags import PortraitParams
from xbec_platform_tests.unit.customers.portrait_shop import customer, habit, shop

ACCOUNTS = pl.DataFrame({"customer_id": ["A", "B", "C"], "person_id": ["A", "A", "C"]})


def known(refusing: tuple[str, ...] = ()) -> PortraitInput:
    """A and B are one person, B orders more; C is somebody else."""
    two = {"n_orders": 2, "n_order_days": 2, "n_items": 6, "gross_base": Decimal(30), "segment": "Champions"}
    found = shop(
        [customer("A", n_items=2), customer("B", **two, returns_base=Decimal(8)), customer("C")],
        [habit("A", 1, n_coupon_orders=1), habit("B", 2, preferred_hour=20)],
        [
            ("A", "colour", "red", 1.0, 0.5, 3, 0.4),
            ("B", "colour", "red", 2.0, 0.9, 9, 0.7),
            ("C", "colour", "red", 3.0, 0.9, 9, 0.7),
        ],
        refusing,
    )
    dates = pl.DataFrame(
        {
            "customer_id": ["A", "B", "C"],
            "first_order_date": [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)],
            "last_order_date": [date(2026, 1, 1), date(2026, 2, 11), date(2026, 3, 1)],
            "tenure_days": [89, 58, 30],
            "recency_days": [89, 48, 30],
        }
    )
    money = {name: pl.lit(1).cast(pl.Decimal(18, 4)) for name in ("net_base", "cbec_ytd_cny")}
    database = found.database.join(dates, on="customer_id").with_columns(**money)
    return PortraitInput(**{**found.__dict__, "database": database})


def test_accounts_of_a_person_are_one_row() -> None:
    """By hand: 3 orders with 8 pieces, 8 of 40 returned, two gaps in 41 days; likes weigh by their events."""
    together = by_person(known(), ACCOUNTS)
    assert together.people["customer_id"].to_list() == ["A", "C"]
    a, c = together.database.rows(named=True)
    assert (a["n_orders"], a["n_items"], a["segment"]) == (3, 8, "Champions")
    assert (a["items_per_order"], a["return_rate"], a["mean_gap_days"]) == pytest.approx((8 / 3, 0.2, 20.5))
    assert c == known().database.row(2, named=True) | {"mean_gap_days": None}
    assert together.habits.row(0, named=True) | {"preferred_channel": ""} == habit(
        "A", 3, n_coupon_orders=1, preferred_hour=20, preferred_channel=""
    )
    assert together.likes.row(0) == ("A", "colour", "red", 1.75, pytest.approx(0.8), 12, 0.7)
    assert together.stages["n_purchases"].to_list() == [2]


def test_one_account_that_refuses_refuses_for_the_person() -> None:
    """The strictest consent counts: no portrait by either account, C has one."""
    tags = person_portraits(by_person(known(("A",)), ACCOUNTS), PortraitParams())
    assert tags["subject_id"].unique().to_list() == ["C"]
    both = person_portraits(by_person(known(), ACCOUNTS), PortraitParams())
    assert sorted(both["subject_id"].unique()) == ["A", "C"]


def test_the_database_of_persons_names_their_accounts() -> None:
    """Grain person, with who leads; where everybody has one account nothing changes."""
    rows = person_database(known(("B",)), ACCOUNTS)
    assert rows.schema == PERSON_SCHEMA
    assert rows.select(
        "person_id", "n_accounts", "customer_ids", "leading_customer_id", "may_be_profiled"
    ).rows() == [
        ("A", 2, "A, B", "B", False),
        ("C", 1, "C", "C", True),
    ]
    assert rows.select("first_order_date", "last_order_date", "n_orders").row(0) == (
        date(2026, 1, 1), date(2026, 2, 11), 3,
    )  # fmt: skip
    unknown = person_database(replace(known(), people=known().people.clear()), ACCOUNTS.clear())
    assert unknown.select("n_accounts", "customer_ids", "may_be_profiled").rows() == [
        (1, name, False) for name in "ABC"
    ]
    alone = ACCOUNTS.with_columns(person_id="customer_id")
    assert by_person(known(), alone).database.equals(known().database)
