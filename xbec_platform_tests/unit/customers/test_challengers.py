"""Other methods beside k-means: on clear groups all agree, on a cloud none hides it."""

import numpy as np

from xbec_platform.customers.challengers import compare


def test_clear_groups_are_found_by_all() -> None:
    """Three round groups far apart: every method finds them, again and again."""
    rng = np.random.default_rng(1)
    centres = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    points = np.repeat(centres, (40, 50, 60), axis=0) + rng.normal(0, 0.5, (150, 2))
    for row in compare(points, 3, min_share=0.03, seed=1):
        assert row.n_groups == 3, row
        assert row.ari_to_k_means > 0.95
        assert row.mean_ari > 0.95
        assert row.silhouette is not None
        assert row.silhouette > 0.8
        assert row.smallest_share + row.noise_share >= 40 / 150 - 0.01


def test_a_cloud_has_no_groups_to_agree_on() -> None:
    """One cloud cut into five: k-means cuts elsewhere in every subsample, HDBSCAN finds nothing."""
    points = np.random.default_rng(2).normal(size=(200, 3))
    k_means, _, hdbscan = compare(points, 5, min_share=0.1, seed=1)
    assert k_means.mean_ari < 0.85
    assert hdbscan.n_groups < 2
    assert hdbscan.silhouette is None
    assert hdbscan.smallest_share <= 1
