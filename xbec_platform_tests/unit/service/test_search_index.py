"""The shop's search: order, typos, scripts, markets and stock on a small catalogue."""

import polars as pl
import pytest

from xbec_platform.service.search_index import SearchIndex

PRODUCTS = pl.DataFrame(
    [
        ("A", "Café espresso machine", "Bialetti", "kitchen/coffee", "steel red"),
        ("B", "Espresso cups", "Loveramics", "kitchen/coffee", "ceramic"),
        ("C", "婴儿奶粉 三段", "Aptamil", "baby/food", None),
        ("D", "Travel pillow", None, "travel/comfort", "memory foam espresso"),
        ("E", None, None, None, None),
    ],
    schema=["product_id", "title", "brand", "category_path", "attributes"],
    orient="row",
)
OFFERS = pl.DataFrame(
    [("A", "DE", True), ("A", "FR", False), ("B", "DE", False), ("C", "DE", True)],
    schema=["product_id", "market", "in_stock"],
    orient="row",
)


@pytest.fixture(scope="module")
def index() -> SearchIndex:
    """All products."""
    return SearchIndex(PRODUCTS, OFFERS)


def test_titles_come_before_attributes(index: SearchIndex) -> None:
    """Three products name espresso; the shorter title wins, an attribute comes last."""
    assert index.search("espresso").product_ids == ["B", "A", "D"]


@pytest.mark.parametrize("query", ["cafe", "CAFÉ", "espreso machine", "bialeti", "esprseso machine"])
def test_accents_case_and_slips_are_forgiven(index: SearchIndex, query: str) -> None:
    """One slip from four letters on, two neighbours swapped among them."""
    assert index.search(query).product_ids[0] == "A"


@pytest.mark.parametrize("query", ["奶粉", "婴儿", "三段 奶粉"])
def test_chinese_is_found_by_parts_of_words(index: SearchIndex, query: str) -> None:
    """Nobody types the whole title."""
    assert index.search(query).product_ids == ["C"]


def test_markets_and_stock(index: SearchIndex) -> None:
    """A is in stock for Germany and not for France; D is sold nowhere and found without a market."""
    assert index.search("espresso", market="DE").product_ids == ["B", "A"]
    assert index.search("espresso", market="DE", in_stock=True).product_ids == ["A"]
    assert index.search("espresso", market="FR", in_stock=True).product_ids == []
    with pytest.raises(ValueError, match="market"):
        index.search("espresso", in_stock=True)


def test_some_words_where_no_product_has_all(index: SearchIndex) -> None:
    """Nothing is better than an empty page, and it says so; total counts beyond the limit."""
    hits = index.search("espresso spaceship", limit=1)
    assert hits.is_relaxed
    assert (hits.product_ids, hits.total) == (["B"], 3)
    assert not index.search("espresso").is_relaxed


@pytest.mark.parametrize("query", ["", "!!!", "spaceship", "title:espresso AND (", "\x00"])
def test_queries_that_find_nothing(index: SearchIndex, query: str) -> None:
    """No syntax in a query means anything; what has no word finds nothing."""
    expected = ["B", "A", "D"] if "espresso" in query else []
    assert index.search(query).product_ids == expected


def test_an_empty_catalogue() -> None:
    """A shop without products answers."""
    assert SearchIndex(PRODUCTS.clear(), OFFERS.clear()).search("espresso").total == 0
