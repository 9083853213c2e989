"""What people type into the search of the shop; when they search belongs to `visits`."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.spec import parameters
from xbec_platform.world.vocabulary import MAIN_QUERY, NO_QUERY, TYPO_QUERY, ZERO_QUERY

IntArray = npt.NDArray[np.int64]

# Wordings of one product's query.
VARIANTS = 3


@dataclass(frozen=True, kw_only=True)
class Queries:
    """Texts by index: VARIANTS per product, then a misspelt one per product, then those without a result, then null.

    Attributes:
        text: search_query.
        results: search_results_n.
        products: Number of products.
        zero: Number of queries for what the shop does not sell.
    """

    text: pl.Series
    results: pl.Series
    products: int
    zero: int

    def index(self, kind: IntArray, product: IntArray, number: IntArray) -> IntArray:
        """Return rows of `text` for kinds of queries about products; `number` chooses among wordings."""
        none = VARIANTS * self.products + self.products + self.zero
        choices: list[tuple[npt.NDArray[np.bool_], IntArray]] = [
            (kind == NO_QUERY, np.full(len(kind), none)),
            (kind == MAIN_QUERY, number % VARIANTS * self.products + product),
            (kind == TYPO_QUERY, VARIANTS * self.products + product),
            (kind == ZERO_QUERY, (VARIANTS + 1) * self.products + number % self.zero),
        ]
        return np.select([chosen for chosen, _ in choices], [row for _, row in choices])


def build_queries(catalogue: pl.DataFrame) -> Queries:
    """Return the queries that the products of a catalogue (title, brand, category_path) give rise to."""
    title = catalogue["title"].str.to_lowercase()
    words = title.str.split(" ")
    short = words.list.tail(2).list.join(" ")
    leaf = catalogue["category_path"].str.split("/").list.last()
    branded = pl.select(
        pl.concat_str(
            catalogue["brand"].fill_null("").str.to_lowercase(), leaf, separator=" "
        ).str.strip_chars()
    ).to_series()
    typo = pl.Series([_misspelt(text) for text in short], dtype=pl.String)
    zero = pl.Series(parameters("behaviour")["zero_result_queries"], dtype=pl.String)
    found = [_count(title, short), _count(title, title), _group_size(branded)]
    nothing = pl.Series([0] * (len(typo) + len(zero)), dtype=pl.Int32)
    null = pl.Series([None], dtype=pl.String)
    return Queries(
        text=pl.concat([short, title, branded, typo, zero, null]).rechunk(),
        results=pl.concat([*found, nothing, null.cast(pl.Int32)]).rechunk(),
        products=catalogue.height,
        zero=len(zero),
    )


def _misspelt(text: str) -> str:
    """Return the text with two letters in its middle swapped, or with one doubled where they are equal."""
    at = max(len(text) // 2 - 1, 0)
    pair = text[at : at + 2]
    swapped = pair[::-1] if len(set(pair)) == 2 else pair + pair[:1]
    return text[:at] + swapped + text[at + 2 :]


def _count(titles: pl.Series, queries: pl.Series) -> pl.Series:
    """Return how many titles contain each query."""
    counts = {
        query: int(titles.str.contains(query, literal=True).sum())
        for query in queries.unique(maintain_order=True)
    }
    return queries.replace_strict(counts, return_dtype=pl.Int32)


def _group_size(queries: pl.Series) -> pl.Series:
    return queries.to_frame("query").select(pl.len().over("query").cast(pl.Int32)).to_series()
