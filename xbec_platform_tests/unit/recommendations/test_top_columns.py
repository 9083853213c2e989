"""Selection of the best columns against a full sort."""

import numpy as np
import pytest

from xbec_platform.recommendations.top_columns import round_scores, top_columns


def _by_full_sort(scores, n):
    chosen = []
    for row, values in enumerate(round_scores(scores)):
        order = np.lexsort((np.arange(len(values)), -values))
        chosen += [(row, int(column)) for column in order[:n] if values[column] > 0]
    return chosen


@pytest.mark.parametrize("n_columns", [1, 31, 64, 700, 3000])
@pytest.mark.parametrize("n", [1, 10, 40])
def test_equals_a_full_sort(n_columns, n):
    """The threshold must never lose a member, at any ratio of columns to n; half the scores are excluded."""
    rng = np.random.default_rng(n_columns + n)
    scores = (rng.random((50, n_columns)) - 0.5).astype(np.float32)
    rows, columns, _ = top_columns(scores, n)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == _by_full_sort(scores, n)


def test_ties_go_to_the_first_column_even_across_the_last_bit():
    """Scores that differ in the 8th digit only are one score: float32 sums are not better than that."""
    scores = np.full((1, 640), 0.5, dtype=np.float32)
    scores[0, 600:] = np.nextafter(np.float32(0.5), np.float32(1))
    rows, columns, values = top_columns(scores, 3)
    assert rows.tolist() == [0, 0, 0]
    assert columns.tolist() == [0, 1, 2]
    assert set(values) == {0.5}


def test_rows_with_fewer_positive_scores_give_fewer():
    """0 and -inf mean excluded; a row of them gives nothing and does not shift the others."""
    scores = np.array([[0, -np.inf, 0.0], [0, 2.0, 0]], dtype=np.float32)
    rows, columns, values = top_columns(scores, 2)
    assert (rows.tolist(), columns.tolist(), values.tolist()) == ([1], [1], [2.0])


def test_rounding_keeps_six_significant_digits():
    """Significant, not decimal: scores reach over many orders of magnitude."""
    got = round_scores(np.array([123456.789, -0.000123456789, 0.0, -np.inf]))
    assert got.tolist() == [123457.0, -0.000123457, 0.0, -np.inf]
