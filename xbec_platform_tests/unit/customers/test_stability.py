"""The search for k: bootstrap ARI, the rule, and its edges."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from xbec_platform.customers import stability
from xbec_platform.customers.stability import (
    StabilityParams,
    adjusted_rand_index,
    choose_k,
    group_jaccard,
    nearest,
)


def params(**changes: Any) -> StabilityParams:
    """Quick settings with some changed."""
    quick: dict[str, Any] = {"k_min": 3, "k_max": 6, "n_resamples": 12, "n_starts": 6}
    return StabilityParams(**{**quick, **changes})


def blobs(centers: list[list[float]], n: int, spread: float = 0.1) -> np.ndarray:
    """Points scattered around centers."""
    rng = np.random.default_rng(5)
    return np.vstack([rng.normal(c, spread, (n, len(c))) for c in centers])


def test_ari_by_hand() -> None:
    """{12|34} against {12|3|4}: 1 common pair, 2 and 1 pairs of 6, expected 1/3: (1-1/3)/(3/2-1/3) = 4/7."""
    a, b = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])
    assert adjusted_rand_index(a, b) == pytest.approx(4 / 7)
    assert adjusted_rand_index(a, np.array([1, 1, 0, 0])) == 1.0
    assert adjusted_rand_index(np.zeros(4, dtype=np.int64), np.zeros(4, dtype=np.int64)) == 1.0
    assert adjusted_rand_index(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)) == 1.0


def test_ari_equals_scikit_learn() -> None:
    """The short version exists for speed only."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = rng.integers(0, 4, 300), rng.integers(0, 7, 300)
        assert adjusted_rand_index(a, b) == pytest.approx(adjusted_rand_score(a, b), abs=1e-12)


def test_nearest_breaks_ties_by_the_first() -> None:
    """A customer halfway between two groups must always land in the same one."""
    place, distance = nearest(np.array([[0.0], [3.0]]), np.array([[-1.0], [1.0], [3.0]]))
    assert place.tolist() == [0, 2]
    assert distance.tolist() == [1.0, 0.0]


def test_planted_groups_decide_k() -> None:
    """Four clear groups: k = 4 is found again in every resample, k = 5 and 6 cut a group at random."""
    points = blobs([[0, 0], [0, 5], [5, 0], [5, 5]], 80)
    choice = choose_k(points, params())
    assert choice is not None
    assert (choice.k, choice.is_stable) == (4, True)
    rows = {row.k: row for row in choice.rows}
    assert rows[4].mean_ari == 1.0
    assert rows[4].smallest_share == 0.25
    assert [row.k for row in choice.rows if row.is_chosen] == [4]
    assert rows[4].weakest_jaccard == 1.0
    assert all("< 0.8" in rows[k].reason for k in (5, 6))


def test_a_group_cut_at_random_is_seen() -> None:
    """Cutting one of four clear groups keeps the ARI above .88: the Jaccard of its halves refuses k = 5."""
    points = blobs([[0, 0], [0, 5], [5, 0], [5, 5]], 40)
    chosen = {}
    for min_jaccard in (0.0, 0.8):
        choice = choose_k(points, params(min_jaccard=min_jaccard))
        assert choice is not None
        chosen[min_jaccard] = choice.k
    assert chosen == {0.0: 5, 0.8: 4}


def test_jaccard_by_hand() -> None:
    """{123|456} against {12|3456}: 2 of 3 common, and 3 of 4."""
    a, b = np.array([0, 0, 0, 1, 1, 1]), np.array([1, 1, 0, 0, 0, 0])
    assert group_jaccard(a, b).tolist() == [2 / 3, 3 / 4]


def test_no_stable_k_is_said_and_the_best_one_taken() -> None:
    """An even cloud has no groups: the caller gets the least bad k and the flag, not an error."""
    points = np.random.default_rng(1).uniform(size=(400, 3))
    choice = choose_k(points, params())
    assert choice is not None
    assert not choice.is_stable
    assert choice.mean_ari == max(row.mean_ari for row in choice.rows)
    assert choice.reason.startswith("no k has mean ARI")


def test_tiny_groups_do_not_count() -> None:
    """Four groups are perfectly stable here, but the smallest holds 1 % of the points."""
    points = np.vstack([blobs([[0, 0], [0, 5], [5, 0]], 99), blobs([[8, 8]], 3)])
    choice = choose_k(points, params(k_max=4))
    assert choice is not None
    assert choice.k == 3
    assert {row.k: row.reason for row in choice.rows}[4] == "smallest group 1.0% < 3%"


def test_where_every_k_has_tiny_groups_the_best_is_taken_unstable() -> None:
    """Three far outliers among identical customers: some answer, flagged."""
    points = np.vstack([np.zeros((300, 2)), [[9.0, 0.0], [0.0, 9.0], [9.0, 9.0]]])
    choice = choose_k(points, params())
    assert choice is not None
    assert not choice.is_stable


def test_fewer_places_than_groups() -> None:
    """Customers on two places cannot make three groups; with three places k stops at 3."""
    assert choose_k(np.array([[0.0], [1.0]] * 40), params()) is None
    choice = choose_k(np.array([[0.0], [1.0], [2.0]] * 40), params())
    assert choice is not None
    assert [row.k for row in choice.rows] == [3]


def test_hopeless_k_gets_no_more_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest k are the slowest and the least stable: the table says how many resamples each had."""
    monkeypatch.setattr(stability, "SCREENING", 10)
    choice = choose_k(blobs([[0, 0], [0, 5], [5, 0], [5, 5]], 40), params(n_resamples=14))
    assert choice is not None
    resamples = {row.k: row.n_resamples for row in choice.rows}
    assert (resamples[4], resamples[6]) == (14, 10)


@pytest.mark.parametrize(
    "bad",
    [
        {"k_min": 1},  # one group is no grouping
        {"k_min": 7},  # above k_max
        {"min_ari": 0},  # everything would be stable
        {"min_ari": 1.1},  # nothing would be
        {"min_share": 0.34},  # three groups cannot all hold more than a third
        {"min_jaccard": 1.1},
        {"n_resamples": 0},  # no mean of nothing
        {"n_starts": 0},
        {"n_resample_starts": 0},
    ],
)
def test_bad_settings(bad: dict[str, Any]) -> None:
    """Refused where they are made, not after seconds of search."""
    with pytest.raises(ValueError, match=r"give|cannot all"):
        params(**bad)
