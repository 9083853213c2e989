"""What people type into the search."""

import numpy as np
import polars as pl

from xbec_platform.world.queries import build_queries
from xbec_platform.world.vocabulary import MAIN_QUERY, NO_QUERY, TYPO_QUERY, ZERO_QUERY

CATALOGUE = pl.DataFrame(
    {
        "title": ["Elm Red Train", "Dune Blue Train", "Dune Face Cream"],
        "brand": ["Elm", "Dune", "Dune"],
        "category_path": ["toys/train", "toys/train", "beauty/cream"],
    }
)


def test_queries_are_words_of_titles_and_count_what_they_find():
    queries = build_queries(CATALOGUE)
    kind = np.array([MAIN_QUERY, MAIN_QUERY, MAIN_QUERY, TYPO_QUERY, NO_QUERY])
    rows = queries.index(kind, np.array([0, 0, 1, 2, 1]), np.array([0, 1, 2, 0, 0]))
    assert queries.text.gather(pl.Series(rows)).to_list() == [
        "red train",
        "elm red train",
        "dune train",
        "facec ream",
        None,
    ]
    assert queries.results.gather(pl.Series(rows)).to_list() == [1, 1, 1, 0, None]


def test_what_is_not_sold_is_not_found():
    queries = build_queries(CATALOGUE)
    rows = queries.index(np.full(40, ZERO_QUERY), np.zeros(40, dtype=np.int64), np.arange(40))
    assert set(queries.results.gather(pl.Series(rows))) == {0}
    assert queries.text.gather(pl.Series(rows)).n_unique() == queries.zero
