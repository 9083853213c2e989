"""Portraits: each tag with its evidence and confidence worked out by hand, consent, and what is left out."""

import json
from dataclasses import replace
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from xbec_platform.customers.portrait import person_portraits
from xbec_platform.customers.portrait_document import portraits
from xbec_platform.customers.portrait_groups import group_portraits
from xbec_platform.customers.portrait_tags import SCHEMA, PortraitParams, against_others, leading_share
from xbec_platform_tests.unit.customers.portrait_shop import AS_OF, customer, habit, shop

PARAMS = PortraitParams()


def said(tags: pl.DataFrame, subject: str, tag: str) -> list[tuple[object, ...]]:
    """value, number, evidence_n, confidence of a tag in order."""
    chosen = tags.filter(pl.col("subject_id") == subject, pl.col("tag") == tag).sort("position")
    return [
        (value, number, n, round(confidence, 3))
        for value, number, n, confidence in chosen.select(
            "value", "number", "evidence_n", "confidence"
        ).rows()
    ]


def test_a_person_is_described_by_what_is_known() -> None:
    """Facts are sure, means weigh n / (n + 2), models bring their own confidence."""
    regular = customer(
        "A", n_orders=4, n_order_days=4, n_items=8, n_orders_365d=3, items_per_order=2.0, return_rate=0.25,
        mean_gap_days=9.6, top_categories="baby, toys", price_band="low", activity="active", p_alive=0.8,
        expected_order_days_90d=4.0,
    )  # fmt: skip
    likes: list[tuple[object, ...]] = [
        ("A", "category", "baby", 1.5, 0.6, 9, 0.7),
        ("A", "colour", "red", 2.0, 0.3, 5, 0.6),
        ("A", "colour", "blue", 3.0, 0.3, 4, 0.6),
        ("A", "style", "plain", -1.0, 0.1, 50, 0.9),
    ]
    tags = person_portraits(shop([regular], [habit("A", 4, n_hour_orders=2)], likes), PARAMS)
    assert tags.schema == SCHEMA
    assert said(tags, "A", "market") == [("DE", None, 1, 1.0)]
    assert said(tags, "A", "rfm_segment") == [("Loyal", None, 3, 1.0)]
    assert said(tags, "A", "activity") == [("active", 0.8, 4, 0.8)]
    assert said(tags, "A", "usual_gap_days") == [("10.0", 9.6, 3, 0.6)]
    assert said(tags, "A", "items_per_order") == [("2.0", 2.0, 4, 0.667)]
    assert said(tags, "A", "top_category") == [("baby", None, 8, 0.8)]
    # Blue rests on 4 events, plain is disliked.
    assert said(tags, "A", "likes") == [("colour=red", 2.0, 5, 0.6), ("category=baby", 1.5, 9, 0.7)]
    assert said(tags, "A", "next_category") == [("baby", 0.6, 9, 0.7)]
    # 90 days / 4 orders, rounded up: 23 days; 1 - exp(-4).
    assert said(tags, "A", "next_date") == [("2026-04-23", 4.0, 4, 0.982)]
    assert said(tags, "A", "life_stage") == [("new parent", None, 2, 0.5)]
    assert said(tags, "A", "recommended") == [("Cup (P1)", None, 2, 0.5)]
    assert said(tags, "A", "delivery_setting") == [("fast", None, 1, 1.0)]


def test_who_does_not_consent_has_no_portrait_and_counts_in_groups() -> None:
    """Not one tag, not even the market; the segment has 30 people all the same."""
    people = [customer("A"), *[customer(f"B{number:02d}") for number in range(29)]]
    data = shop(people, refusing=("A",))
    persons = person_portraits(data, PARAMS)
    assert "A" not in set(persons["subject_id"])
    groups = group_portraits(data, persons, PARAMS)
    assert said(groups, "Loyal", "n_people") == [("30", 30.0, 30, 1.0)]


def test_little_evidence_is_left_out() -> None:
    """One order makes no habit; the document says what it does not say."""
    tags = person_portraits(shop([customer("B")], [habit("B", 2)]), PARAMS)
    assert set(tags["tag"]) == {"market", "rfm_segment", "cluster", "orders"}
    (found,) = portraits(tags, AS_OF)
    assert {"likes", "preferred_hour", "clv_band", "next_date", "life_stage"} <= set(found.omitted)
    assert "share_of_people" not in found.omitted


def test_lifetime_values_are_in_fifths_of_those_that_are_scored() -> None:
    """Values 1 to 10: inner edges 2.8, 4.6, 6.4, 8.2. 7 lies in the fourth, 1.8 of its interval's 3 as well."""
    others = [customer(f"B{value}", clv_12m_base=Decimal(value)) for value in range(1, 11) if value != 7]
    one = customer(
        "A", n_order_days=2, clv_12m_base=Decimal(7), clv_12m_base_lo=Decimal(6), clv_12m_base_hi=Decimal(9)
    )
    tags = person_portraits(shop([one, *others]), PARAMS)
    assert said(tags, "A", "clv_band") == [("fourth fifth", None, 2, 0.54)]
    # One order day: the model knows nothing of the person.
    assert said(tags, "B1", "clv_band") == []


def test_shares_are_held_against_those_of_all() -> None:
    """All: 1 in 2. 0 of 8 is low: odds below 1 / 1.5 are a share below .4, Beta(.5, 8.5) has .996 of its mass there."""
    frame = pl.DataFrame({"subject_id": ["A", "B", "C"], "k": [0, 8, 1], "n": [8, 8, 2]})
    found = against_others(frame, "k", "n", 0.5)
    assert found["value"].to_list()[:2] == ["low", "high"]
    assert found["confidence"].round(3).to_list()[:2] == [0.996, 0.996]
    # 1 of 2 says little: Beta(1.5, 1.5) is symmetric, no claim has half of it.
    assert found["confidence"][2] < 0.5
    assert against_others(frame, "k", "n", 0.0).is_empty()
    assert against_others(frame.clear(), "k", "n", 0.5).is_empty()


def test_a_claim_that_is_not_sure_enough_is_no_tag() -> None:
    people = [customer("A"), customer("B")]
    habits = [habit("A", 8, n_coupon_orders=8), habit("B", 8, n_coupon_orders=0)]
    tags = person_portraits(shop(people, habits), PARAMS)
    assert said(tags, "A", "coupon_sensitivity") == [("high", 1.0, 8, 0.996)]
    assert said(tags, "B", "coupon_sensitivity") == [("low", 0.0, 8, 0.996)]
    # Nobody ever bought at a reduced price: that says nothing of anybody.
    assert said(tags, "A", "price_sensitivity") == []
    sure = person_portraits(shop(people, habits), PortraitParams(least_confidence=0.999))
    assert said(sure, "A", "coupon_sensitivity") == []


def test_a_leading_value_is_as_sure_as_its_share() -> None:
    """3 of 3: with x = sin(t)^2 Beta(3.5, .5) has the density of sin(t)^6; a tenth of it lies below. 1 of 3 is weak."""
    shares = leading_share(pl.DataFrame({"k": [3, 1, 0], "n": [3, 3, 0]}), "k", "n").to_list()
    angles = np.linspace(0, np.pi / 2, 20_001)
    below = np.sin(angles[angles <= np.arcsin(np.sqrt(shares[0]))]) ** 6
    assert below.sum() / (np.sin(angles) ** 6).sum() == pytest.approx(0.1, abs=0.001)
    assert 0 < shares[1] < 0.2
    assert shares[2] == 0


def test_groups_of_30_have_portraits_and_smaller_ones_none() -> None:
    """Median and shares by hand: 30 of 40 people, sales 300 of 500; 29 low and 1 mid: low holds for too few."""
    loyal = [
        customer(f"A{number:02d}", price_band="low" if number else "mid", n_orders=1 + number // 15)
        for number in range(30)
    ]
    few = [
        customer(f"B{number}", segment="New", country="FR", net_base_365d=Decimal(20)) for number in range(10)
    ]
    data = shop([*loyal, *few], group_likes=[("segment", "Loyal", "colour", "red", 2.5, 40, 0.01),
                                             ("segment", "New", "colour", "red", 9.0, 40, 0.01),
                                             ("country", "DE", "colour", "blue", 0.5, 40, 0.01)])  # fmt: skip
    tags = group_portraits(data, person_portraits(data, PARAMS), PARAMS)
    assert {"Loyal", "DE", "Steady"} == set(tags["subject_id"])
    assert said(tags, "Loyal", "share_of_people") == [("75.0 %", 0.75, 30, 1.0)]
    assert said(tags, "Loyal", "share_of_sales") == [("60.0 %", 0.6, 30, 1.0)]
    assert said(tags, "Loyal", "orders") == [("1.5 (median)", 1.5, 30, 0.938)]
    assert said(tags, "Loyal", "price_band") == []
    assert said(tags, "Loyal", "activity")[0][:3] == ("no repeat yet", 1.0, 30)
    assert said(tags, "Loyal", "likes") == [("colour=red", 2.5, 40, 0.99)]
    assert said(tags, "DE", "likes") == []


def test_order_of_rows_does_not_show() -> None:
    people = [customer(name) for name in "CAB"]
    data = shop(people, [habit(name, 3) for name in "CAB"])
    turned = replace(
        data, database=data.database.reverse(), habits=data.habits.reverse(), people=data.people.reverse()
    )
    assert person_portraits(data, PARAMS).equals(person_portraits(turned, PARAMS))


def test_a_document_names_nobody() -> None:
    """What leaves for another system holds no id; markup stays text."""
    tags = person_portraits(shop([customer("A", segment="<script>")]), PARAMS)
    (found,) = portraits(tags, AS_OF)
    document = json.loads(found.to_json())
    assert "name" not in document
    assert document["as_of"] == "2026-03-31"
    assert document["value"][0] == {
        "tag": "rfm_segment", "label": "RFM segment", "value": "<script>", "number": None, "evidence_n": 1,
        "evidence_of": "orders", "confidence": 1.0,
    }  # fmt: skip
    assert '"A"' not in found.to_json()


@pytest.mark.parametrize("wrong", [{"n_min": 0}, {"least_group": 0}, {"least_confidence": 1.5}])
def test_limits_that_make_portraits_of_nothing_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="give"):
        PortraitParams(**wrong)  # type: ignore[arg-type]


def test_an_empty_shop_has_no_portrait() -> None:
    data = shop([])
    persons = person_portraits(data, PARAMS)
    assert persons.is_empty()
    assert group_portraits(data, persons, PARAMS).is_empty()
