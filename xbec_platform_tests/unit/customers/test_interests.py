"""Groups by interest: log-odds by hand, planted tastes found again, nobody guessed."""

from math import log

import numpy as np
import polars as pl
import pytest

from xbec_platform.customers.cluster_model import ClusterParams
from xbec_platform.customers.clusters import fit
from xbec_platform.customers.interests import (
    InterestParams,
    interest_clusters,
    interest_columns,
    interest_groups,
    interests,
)
from xbec_platform.customers.stability import StabilityParams, adjusted_rand_index

PPM = 1_000_000
QUICK = ClusterParams(
    stability=StabilityParams(k_min=3, k_max=6, n_resamples=10, n_starts=6), compare_methods=False
)
CATEGORIES = ("baby", "food/tea", "home", "home/kitchen", "pet", "toys")
# Weights of categories for three kinds of people; the rest of their interest is spread evenly.
KINDS = ((12, 0, 0, 0, 0, 4), (0, 5, 4, 10, 0, 0), (0, 0, 4, 0, 12, 0))


def evidence(*rows: tuple[str, str, int, float]) -> pl.DataFrame:
    """Rows of customer, category, events and weight."""
    return pl.DataFrame(
        [(who, what, n, round(weight * PPM)) for who, what, n, weight in rows],
        schema={
            "customer_id": pl.String,
            "category": pl.String,
            "n_events": pl.Int64,
            "weight_ppm": pl.Int64,
        },
        orient="row",
    ).with_columns(price_third=pl.lit(None, pl.String))


def planted(n: int = 240, seed: int = 3, mean_days: float = 14.0) -> tuple[pl.DataFrame, np.ndarray]:
    """Evidence of customers of three kinds, each with tastes and a number of days of their own."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, len(KINDS), n)
    rows = []
    for person, which in enumerate(kind):
        taste = rng.dirichlet(np.array(KINDS[which]) + 0.3)
        for _ in range(rng.poisson(mean_days) + 1):
            counts = rng.multinomial(4, taste)
            rows += [
                (f"p{person:03d}", CATEGORIES[c], int(counts[c]), counts[c] / 2)
                for c in np.flatnonzero(counts)
            ]
    sums = evidence(*rows).group_by("customer_id", "category").agg(pl.col("n_events", "weight_ppm").sum())
    return sums.with_columns(price_third=pl.lit(None, pl.String)), kind


def test_an_interest_is_smoothed_log_odds() -> None:
    """By hand: shares of all are (6 + 1, 2 + 1) / 10; a has (4 + 2 x .7) / (4 + 2) of baby."""
    frame = interests(
        evidence(("a", "baby", 25, 4.0), ("b", "baby", 12, 2.0), ("b", "pet", 13, 2.0)),
        InterestParams(smoothing=2.0),
    )
    assert frame.columns == ["customer_id", "n_events", "interest:baby", "interest:pet"]
    assert frame["n_events"].to_list() == [25, 25]
    a, b = frame.rows()
    assert a[2:] == pytest.approx((log(5.4 / 6 / 0.7), log(0.6 / 6 / 0.3)))
    assert b[2:] == pytest.approx((log(3.4 / 6 / 0.7), log(2.6 / 6 / 0.3)))


def test_a_price_is_compared_among_what_has_one() -> None:
    """By hand: shares of thirds are (4 + 1, 2 + 1) / 8; a has (4 + 2 x .625) / (4 + 2) of low prices, b none."""
    rows = evidence(("a", "baby", 25, 4.0), ("b", "baby", 12, 2.0), ("b", "pet", 13, 2.0))
    priced = rows.with_columns(price_third=pl.Series(["low", "high", None]))
    frame = interests(priced)
    assert frame.columns[2:] == ["interest:baby", "interest:pet", "price:high", "price:low"]
    assert frame["price:low"].to_list() == pytest.approx([log(5.25 / 6 / 0.625), log(1.25 / 4 / 0.625)])
    named = interest_clusters(frame)
    assert [one.key for one in named.archetypes] == ["baby", "pet", "high prices", "low prices", "other"]
    assert interests(rows, columns=["price:low"])["price:low"].to_list() == [0.0, 0.0]


def test_too_few_events_are_no_interest() -> None:
    """Nineteen events say too little; they still count in the shares of all."""
    rows = (("a", "baby", 20, 5.0), ("b", "pet", 19, 5.0))
    assert interests(evidence(*rows))["customer_id"].to_list() == ["a"]
    assert "interest:pet" in interests(evidence(*rows)).columns


def test_rare_categories_are_left_out_and_a_model_finds_its_columns() -> None:
    """The least shares are dropped; a category only the model knows is of average interest to all."""
    frame = interests(
        evidence(("a", "baby", 400, 996.0), ("a", "pet", 9, 1.0)), columns=["interest:baby", "interest:gone"]
    )
    assert interest_columns(frame) == ["interest:baby", "interest:gone"]
    assert frame["interest:gone"].to_list() == [0.0]


def test_planted_tastes_are_found_again() -> None:
    """Stability finds their number, keys are the categories that lead, and who has a group is in the right one."""
    people, kind = planted()
    frame = interests(people)
    model = fit(frame, interest_clusters(frame, QUICK))
    assert model.status == "stable"
    assert [group.key for group in model.groups] == ["baby", "home/kitchen", "pet"]
    assert model.groups[0].name.startswith("Baby")
    found = interest_groups(model, frame)
    truth = np.array([kind[int(who[1:])] for who in found["customer_id"]])
    keys = found["cluster_key"].rank("dense").cast(pl.Int64).to_numpy() - 1
    assert adjusted_rand_index(truth, keys) >= 0.95
    assert found.height >= 0.85 * frame.height
    clear = interest_groups(model, frame, InterestParams(least_margin=0.6))
    assert clear.equals(found.filter(pl.col("margin") >= 0.6))
    assert clear.height < found.height


def test_unchanged_evidence_keeps_every_label() -> None:
    """The same rows in another order: the same groups to the bit."""
    people, _ = planted()
    frame, again = interests(people), interests(people.sample(fraction=1.0, shuffle=True, seed=1))
    assert frame.equals(again)
    model = fit(frame, interest_clusters(frame, QUICK))
    assert interest_groups(model, frame).equals(
        interest_groups(fit(again, interest_clusters(again, QUICK)), again)
    )


def test_no_categories_no_groups() -> None:
    """A shop whose goods have no category has one group, and the reason."""
    frame = interests(evidence())
    model = fit(frame, interest_clusters(frame))
    assert model.status == "single"
    assert "at least 50 needed" in model.reason
    assert interest_groups(model, frame).is_empty()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"smoothing": 0.0}, "smoothing"),  # a category nobody looked at would have a log of 0
        ({"least_events": 0}, "least_events"),
        ({"least_share": 1.0}, "least_share"),
        ({"least_margin": -0.1}, "least_margin"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, float], words: str) -> None:
    """Each with the name of the setting."""
    with pytest.raises(ValueError, match=words):
        InterestParams(**wrong)  # type: ignore[arg-type]
