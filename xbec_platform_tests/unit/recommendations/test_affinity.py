"""Pairs and triples: exact against scipy and by hand, and no more false discoveries than promised."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from scipy.stats import fisher_exact

from xbec_platform.recommendations.affinity import (
    PAIR_SCHEMA,
    TRIPLE_SCHEMA,
    AffinityParams,
    adjusted,
    fisher_greater,
    lift_interval,
    rate_pairs,
    rate_triples,
)


def test_fisher_is_that_of_scipy() -> None:
    """Both tails, the edges of the support, and counts no float can hold the factorials of."""
    cases = [
        (10, 5, 5, 5),
        (10, 5, 5, 0),
        (10, 8, 7, 5),
        (100, 30, 20, 2),
        (100, 30, 20, 15),
        (5000, 400, 300, 30),
    ]
    expected = [
        fisher_exact([[both, x - both], [y - both, n - x - y + both]], alternative="greater").pvalue
        for n, x, y, both in cases
    ]
    found = fisher_greater(*(np.array(column, dtype=float) for column in zip(*cases, strict=True)))
    assert found == pytest.approx(expected, rel=1e-9)


def test_lift_and_interval_by_hand() -> None:
    """10 of 100 baskets hold both of two products in 20 and 25: lift 2, variance .1 - .05 - .04 + .04 - .01 = .04."""
    lift, low, high = lift_interval(*(np.array([value]) for value in (100.0, 20.0, 25.0, 10.0)))
    assert lift == pytest.approx([2.0])
    assert low == pytest.approx([2 * np.exp(-1.959964 * 0.2)])
    assert high == pytest.approx([2 * np.exp(1.959964 * 0.2)])


def test_q_values_by_hand_and_with_a_larger_family() -> None:
    """Benjamini and Hochberg of .01, .02, .03 among 3 tests, and among 30 of which 27 were not looked at."""
    assert adjusted(np.array([0.03, 0.01, 0.02]), 3) == pytest.approx([0.03, 0.03, 0.03])
    assert adjusted(np.array([0.03, 0.01, 0.02]), 30) == pytest.approx([0.3, 0.3, 0.3])
    assert adjusted(np.array([0.001, 0.9]), 2) == pytest.approx([0.002, 0.9])
    with pytest.raises(ValueError, match="must hold them all"):
        adjusted(np.array([0.1, 0.2]), 1)


def _pair_counts(baskets: np.ndarray, least: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    totals, n_items = baskets.sum(axis=0), baskets.shape[1]
    rows = [
        ("order", "all", f"{a:03}", f"{b:03}", len(baskets), int(totals[a]), int(totals[b]), int(both))
        for a, b in combinations(range(n_items), 2)
        if (both := (baskets[:, a] & baskets[:, b]).sum()) >= least
    ]
    tests = pl.DataFrame({"basket_kind": ["order"], "market": ["all"], "n_items": [n_items]})
    return pl.DataFrame(rows, schema=PAIR_SCHEMA, orient="row"), tests


def test_planted_pairs_are_found_and_chance_is_not() -> None:
    """Baskets of unrelated products give no pair in nearly all of 20 draws; planted pairs are found, and only they."""
    false_alarms = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        baskets = rng.random((800, 30)) < rng.uniform(0.05, 0.3, 30)
        false_alarms += not rate_pairs(*_pair_counts(baskets, 20), AffinityParams()).is_empty()
    assert false_alarms <= 3  # 5 % of 20 is one
    baskets[:, 1] = np.where(rng.random(800) < 0.5, baskets[:, 0], baskets[:, 1])
    found = rate_pairs(*_pair_counts(baskets, 20), AffinityParams())
    assert found.select("product_a", "product_b").rows() == [("000", "001")]
    row = found.row(0, named=True)
    assert row["lift_low"] < row["lift"] < row["lift_high"]
    assert row["confidence_ab"] == row["n_both"] / row["n_a"]


def test_markets_are_families_of_their_own() -> None:
    """The same pair among 2 and among 1,000 products: significant only where few were looked at."""
    rows = [("order", market, "A", "B", 100, 30, 30, 16) for market in ("DE", "FR")]
    counts = pl.DataFrame(rows, schema=PAIR_SCHEMA, orient="row")
    tests = pl.DataFrame({"basket_kind": ["order"] * 2, "market": ["DE", "FR"], "n_items": [2, 1000]})
    assert rate_pairs(counts, tests, AffinityParams())["market"].to_list() == ["DE"]


def test_triples_are_judged_against_their_pair() -> None:
    """C in 50 of 200 baskets: 18 of the 20 with A and B hold it; D is in them as often as anywhere."""
    rows = [
        ("order", "all", "A", "B", "C", 200, 20, 50, 18),
        ("order", "all", "A", "B", "D", 200, 40, 100, 20),
    ]
    counts = pl.DataFrame(rows, schema=TRIPLE_SCHEMA, orient="row")
    tests = pl.DataFrame({"basket_kind": ["order"], "market": ["all"], "n_items": [4]})
    n_pairs = pl.DataFrame({"basket_kind": ["order"], "market": ["all"], "n_pairs": [6]})
    (found,) = rate_triples(counts, tests, n_pairs, AffinityParams()).iter_rows(named=True)
    assert (found["product_c"], found["confidence"], found["lift"]) == ("C", 0.9, 3.6)


@pytest.mark.parametrize(
    "wrong",
    [{"min_baskets": 0}, {"min_share": 0.5}, {"false_discovery_rate": 1.0}],
    ids=lambda case: next(iter(case)),
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, float]) -> None:
    """No pair without a basket, triples at least as strict as pairs, a rate that is a share."""
    with pytest.raises(ValueError, match="min_baskets|shares|false_discovery_rate"):
        AffinityParams(**wrong)  # type: ignore[arg-type]
