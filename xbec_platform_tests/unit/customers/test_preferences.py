"""Preferences by attribute: worked by hand, and what must hold whatever the data."""

from math import log

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbec_platform.customers.ctr_prior import MOST_SHOWN, ctr_priors
from xbec_platform.customers.preferences import PPM, PreferenceParams, Preferences, preferences

SIGNALS = {
    "customer_id": pl.String,
    "attribute": pl.String,
    "attribute_value": pl.String,
    **dict.fromkeys(("browsing_ppm", "frequency_ppm", "impressions_ppm", "clicks_ppm", "n_events"), pl.Int64),
}
# A setting weighs 10; everything else is easy to count by hand.
PARAMS = PreferenceParams(own_weight=10, group_weight=1e-9, exposure_weight=1e-9, least_exposures=1)
Row = tuple[str, str, float, float, float, float]


def scored(
    rows: list[Row],
    said: list[tuple[str, str]] | None = None,
    *,
    params: PreferenceParams = PARAMS,
    profiled: bool = True,
    groups: dict[str, str] | None = None,
    numbered: bool = False,
) -> Preferences:
    """Score the attribute colour: customer, value, browsing, frequency, impressions, clicks.

    Three in four things shown are red.
    """
    signals = pl.DataFrame(
        [(who, "colour", value, *(round(n * PPM) for n in numbers), 1) for who, value, *numbers in rows],
        schema=SIGNALS,
        orient="row",
    )
    if numbered:
        names = pl.Enum(["zebra", *sorted({str(one) for row in rows for one in row}, reverse=True), "colour"])
        signals = signals.cast({pl.String: names})
    exposures = pl.DataFrame(
        {
            "market": ["DE", "DE"],
            "attribute": ["colour", "colour"],
            "attribute_value": ["red", "blue"],
            # One each is added for values nobody met.
            "impressions_ppm": [74 * PPM, 24 * PPM],
            "views_ppm": [0, 0],
        }
    )
    people = sorted({row[0] for row in rows} | {who for who, _ in said or []})
    return preferences(
        signals,
        exposures,
        pl.DataFrame({"customer_id": people}, schema={"customer_id": pl.String}).with_columns(
            market=pl.lit("DE"), may_be_profiled=pl.lit(profiled)
        ),
        pl.DataFrame(
            [(who, "colour", value) for who, value in said or []],
            schema=["customer_id", "attribute", "attribute_value"],
            orient="row",
        ).cast(pl.String),
        params,
        pl.DataFrame(list(groups.items()), schema=["customer_id", "cluster_key"], orient="row")
        if groups
        else None,
    )


def value_of(found: Preferences, who: str, value: str, column: str) -> float | None:
    rows = found.scores.filter(pl.col("customer_id") == who, pl.col("attribute_value") == value)
    return None if rows.is_empty() else rows[column].item()


def test_four_inputs_have_four_scores() -> None:
    """Each score knows its own input only: (own + 10 q) / (all own + 10) / q, with q of red .75 and of blue .25."""
    found = scored([("A", "red", 30, 0, 0, 0), ("A", "blue", 0, 10, 0, 0)], [("A", "blue")])
    q = found.base_rates.filter(pl.col("market") == "DE", pl.col("attribute_value") == "red")[
        "base_rate"
    ].item()
    assert q == pytest.approx(74 / 98, abs=1e-6)
    r, b = q, 1 - q
    assert value_of(found, "A", "red", "browse_score") == pytest.approx(log((30 + 10 * r) / 40 / r))
    assert value_of(found, "A", "blue", "browse_score") == pytest.approx(log(10 * b / 40 / b))
    assert value_of(found, "A", "blue", "frequency_score") == pytest.approx(log((10 + 10 * b) / 20 / b))
    assert value_of(found, "A", "blue", "setting_score") == pytest.approx(log((10 + 10 * b) / 20 / b))
    assert value_of(found, "A", "red", "ctr_score") is None
    # All together: red 30, blue 10 + 10; A is everybody of the group, so that it is shrunk to itself.
    assert value_of(found, "A", "red", "preference") == pytest.approx(log(0.6 / r), abs=1e-6)
    assert value_of(found, "A", "blue", "preference") == pytest.approx(log(0.4 / b), abs=1e-6)
    assert value_of(found, "A", "red", "confidence") == pytest.approx(50 / 60)


def test_what_everybody_is_shown_says_little() -> None:
    """Half red and half blue is a preference for blue where three in four things shown are red."""
    found = scored([("A", "red", 20, 0, 0, 0), ("A", "blue", 20, 0, 0, 0)])
    red, blue = (value_of(found, "A", value, "preference") for value in ("red", "blue"))
    assert red is not None
    assert blue is not None
    assert red < 0 < blue


def test_little_evidence_is_drawn_to_the_people_of_the_same_interest() -> None:
    """One page of somebody in a group that loves blue says less than forty pages of somebody else."""
    crowd = [
        (f"{n:03d}", value, 100 * share, 0, 0, 0)
        for n in range(50)
        for value, share in (("red", 0.1), ("blue", 0.9))
    ]
    found = scored([*crowd, ("A", "red", 1, 0, 0, 0), ("B", "red", 40, 0, 0, 0)])
    of_a, of_b = (value_of(found, who, "red", "interest_share") for who in ("A", "B"))
    assert of_a == pytest.approx((1 + 10 * 0.108) / 11, abs=0.01)
    assert of_b == pytest.approx((40 + 10 * 0.108) / 50, abs=0.01)


def test_little_evidence_is_drawn_to_the_own_group() -> None:
    """By hand: the group of a and b has 2 of 20 red, so that 10 x .1 is added to the 2 of a: 3 of 12."""
    rows: list[Row] = [("a", "red", 2, 0, 0, 0), ("b", "blue", 18, 0, 0, 0), ("c", "red", 50, 0, 0, 0)]
    found = scored(rows, groups={"a": "baby", "b": "baby", "c": "pet"})
    assert value_of(found, "a", "red", "interest_share") == pytest.approx(3 / 12)
    # Who is in no group leans on those with the same leading category, here on everybody without one.
    alone = scored(rows, groups={"b": "baby"})
    assert value_of(alone, "a", "red", "interest_share") == pytest.approx(1.0)


def test_returns_take_purchases_back_and_no_more() -> None:
    """More sent back than bought is nothing bought, not a debt that other evidence has to pay."""
    found = scored([("A", "red", 10, -6, 0, 0), ("A", "blue", 10, 8, 0, 0)])
    assert value_of(found, "A", "red", "frequency_score") == pytest.approx(log(10 / 18))
    assert value_of(found, "A", "red", "interest_share") == pytest.approx(10 / 28, abs=1e-6)


def test_nobody_is_profiled_without_consent() -> None:
    """The rates of the market stay; the person has no row."""
    found = scored([("A", "red", 30, 0, 0, 0)], profiled=False)
    assert found.scores.is_empty()
    assert found.base_rates.height > 0


def test_click_rates_are_measured_against_the_market() -> None:
    """Where people differ, 20 clicks of 40 are far above the market's rate, and no impression is no opinion."""
    crowd = [(f"{n:03d}", "red", 1, 0, 50, 20 if n % 4 == 0 else 1) for n in range(80)]
    found = scored([*crowd, ("A", "red", 1, 0, 40, 20), ("B", "red", 1, 0, 40, 0), ("C", "red", 1, 0, 0, 0)])
    high, low, none = (value_of(found, who, "red", "ctr_score") for who in "ABC")
    assert high is not None
    assert low is not None
    assert high > 0.5
    assert low < -0.5
    assert none is None
    prior = found.ctr_priors["DE"]
    assert prior.clicks / prior.shown == pytest.approx((20 * 20 + 60 + 20) / (80 * 50 + 80), abs=0.001)
    assert prior.shown < 50


def test_people_who_do_not_differ_give_a_strong_prior() -> None:
    """Everybody clicks one in ten: what one person does says nothing new."""
    rows = pl.DataFrame(
        [(f"{n}", "DE", "colour", 100 * PPM, 10 * PPM) for n in range(100)],
        schema=["customer_id", "market", "attribute", "impressions_ppm", "clicks_ppm"],
        orient="row",
    )
    assert ctr_priors(rows)["DE"].shown == pytest.approx(MOST_SHOWN, rel=0.01)


amounts = st.integers(0, 60).map(float)
people_rows = st.lists(
    st.tuples(
        st.sampled_from("ABCD"),
        st.sampled_from(["red", "blue", "green"]),
        amounts,
        amounts,
        amounts,
        st.just(0.0),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda row: row[:2],
)


@settings(max_examples=40, deadline=None)
@given(people_rows, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter_and_shares_are_shares(rows: list[Row], random: object) -> None:
    """Equal evidence gives equal bytes, texts numbered or not; no attribute has more than all of an interest."""
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = scored(rows), scored(shuffled, numbered=True)
    assert first.scores.equals(second.scores)
    totals = first.scores.group_by("customer_id", "attribute").agg(pl.col("interest_share").sum())
    assert (totals["interest_share"] <= 1 + 1e-9).all()
    assert first.scores["preference"].is_finite().all()


@settings(max_examples=30, deadline=None)
@given(st.floats(1, 50), st.floats(0.5, 30))
def test_more_evidence_for_a_value_never_lowers_it(before: float, more: float) -> None:
    """Monotone in the customer's own evidence."""
    low = scored([("A", "red", before, 0, 0, 0), ("A", "blue", 10, 0, 0, 0)])
    high = scored([("A", "red", before + more, 0, 0, 0), ("A", "blue", 10, 0, 0, 0)])
    assert value_of(high, "A", "red", "preference") >= value_of(low, "A", "red", "preference")  # type: ignore[operator]


def test_parameters_are_checked() -> None:
    """A weight of nothing would divide by zero."""
    with pytest.raises(ValueError, match="own_weight must be above 0"):
        PreferenceParams(own_weight=0)
