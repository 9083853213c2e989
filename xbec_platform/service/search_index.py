"""The shop's search: BM25 over titles, brands, categories and attributes, with typos, by market and stock.

The engine is tantivy: BM25 with k1 1.2 and b .75 as Robertson and Zaragoza use it, Levenshtein automata for typos, an
index in memory that a new snapshot replaces as a whole. Words are cut by `recommendations.search_text` before it sees
them, so that queries, titles and the analysis of searches agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl
import tantivy

from xbec_platform.recommendations.search_text import tokens

# What a word is worth where it stands; one that is only alike counts less than any that is equal.
FIELDS = {"title": 2.0, "brand": 1.5, "category": 1.0, "attributes": 0.7}
TYPO_WEIGHT = 0.2
MAX_WORDS = 12


@dataclass(frozen=True)
class Hits:
    """What a search found.

    Attributes:
        product_ids: best first.
        scores: of each.
        total: how many match.
        is_relaxed: no product has all words; these have some.
    """

    product_ids: list[str]
    scores: list[float]
    total: int
    is_relaxed: bool


class SearchIndex:
    """An index in memory."""

    def __init__(self, products: pl.DataFrame, offers: pl.DataFrame) -> None:
        """Index products.

        Args:
            products: product_id, title, brand, category_path, attributes (all values as text); only the id is needed.
            offers: product_id, market, in_stock: where each is sold; products without a row are found without a market.
        """
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("product_id", stored=True, tokenizer_name="raw")
        for name in FIELDS:
            builder.add_text_field(name, tokenizer_name="whitespace")
        builder.add_text_field("offer", tokenizer_name="raw")
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema)
        sold: dict[str, list[str]] = {}
        for product, market, in_stock in offers.select("product_id", "market", "in_stock").iter_rows():
            sold.setdefault(product, []).extend([market, f"{market}+"] if in_stock else [market])
        writer = self._index.writer(heap_size=50_000_000, num_threads=1)
        for row in products.sort("product_id").iter_rows(named=True):
            texts = {
                "title": row["title"],
                "brand": row["brand"],
                "category": row["category_path"],
                "attributes": row["attributes"],
            }
            document = tantivy.Document(product_id=row["product_id"])
            for name, text in texts.items():
                document.add_text(name, " ".join(tokens(text)))
            for offer in sold.get(row["product_id"], []):
                document.add_text("offer", offer)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._searcher = self._index.searcher()

    def search(
        self, query: str, *, market: str | None = None, in_stock: bool = False, limit: int = 20
    ) -> Hits:
        """Find products with all words of a query, or with some where none has all; typos are forgiven.

        Args:
            query: as typed; the first `MAX_WORDS` words count.
            market: only what is sold there.
            in_stock: only what is in stock for that market; asks for a market.
            limit: how many.

        Raises:
            ValueError: in_stock without a market.
        """
        if in_stock and market is None:
            raise ValueError("in_stock asks for a market: stock is known by market")
        words = tokens(query)[:MAX_WORDS]
        if not words:
            return Hits([], [], 0, is_relaxed=False)
        for occur in (tantivy.Occur.Must, tantivy.Occur.Should):
            parts = [(occur, self._word(word)) for word in words]
            wanted = tantivy.Query.boolean_query(parts)
            if market is not None:
                offer = tantivy.Query.term_query(self._schema, "offer", f"{market}+" if in_stock else market)
                no_score = tantivy.Query.const_score_query(offer, 0.0)
                wanted = tantivy.Query.boolean_query(
                    [(tantivy.Occur.Must, wanted), (tantivy.Occur.Must, no_score)]
                )
            found = self._searcher.search(wanted, limit)
            if found.hits or occur == tantivy.Occur.Should:
                break
        named = [
            (round(score, 4), self._searcher.doc(address)["product_id"][0]) for score, address in found.hits
        ]
        named.sort(key=lambda hit: (-hit[0], hit[1]))
        return Hits(
            [product for _, product in named],
            [score for score, _ in named],
            int(found.count or 0),  # type: ignore[attr-defined] # missing in its stubs
            is_relaxed=occur == tantivy.Occur.Should and len(words) > 1 and bool(named),
        )

    def _word(self, word: str) -> Any:
        """A word in any field; from four letters on one slip is forgiven, from eight on two."""
        parts = []
        slips = 0 if len(word) < 4 or word.isdigit() else 1 if len(word) < 8 else 2
        for name, weight in FIELDS.items():
            exact = tantivy.Query.term_query(self._schema, name, word)
            parts.append((tantivy.Occur.Should, tantivy.Query.boost_query(exact, weight)))
            if slips:
                alike = tantivy.Query.fuzzy_term_query(self._schema, name, word, distance=slips)
                parts.append((tantivy.Occur.Should, tantivy.Query.boost_query(alike, weight * TYPO_WEIGHT)))
        return tantivy.Query.boolean_query(parts)
