"""Facets and search terms by hand."""

from decimal import Decimal

import polars as pl

from xbec_platform.recommendations.facets import FACET_SCHEMA, facets
from xbec_platform.recommendations.search_documents import search_documents
from xbec_platform.recommendations.search_terms import COUNTS, RARE, TERM_SCHEMA, search_terms

OFFERS = pl.DataFrame(
    [
        ("A", "DE", True, 3, Decimal("9.9999")),
        ("B", "DE", True, 0, Decimal("10")),
        ("C", "DE", True, None, Decimal("700")),
        ("D", "DE", False, 9, Decimal("5")),
        ("E", "DE", True, 1, None),
        ("A", "FR", True, 3, Decimal("12")),
    ],
    schema={
        "product_id": pl.String,
        "market": pl.String,
        "is_eligible": pl.Boolean,
        "available": pl.Int64,
        "landed_price_base": pl.Decimal(18, 4),
    },
    orient="row",
)
COLOURS = pl.DataFrame(
    [("A", "red"), ("B", "red"), ("C", "blue"), ("D", "red"), ("E", "red"), ("A", "red")],
    schema=["item_id", "attribute_value"],
    orient="row",
).with_columns(attribute=pl.lit("colour"))


def test_facets_by_hand() -> None:
    """D may not be sold; unknown stock counts as stock; E has no price; bands take their lower edge."""
    table = facets(OFFERS, COLOURS)
    assert table.schema == FACET_SCHEMA
    assert table.rows() == [
        ("DE", "colour", "blue", 1, 1, Decimal(700), Decimal(700)),
        ("DE", "colour", "red", 3, 2, Decimal("9.9999"), Decimal("9.9999")),
        ("DE", "price_band", "0 to 10", 1, 1, Decimal("9.9999"), Decimal("9.9999")),
        ("DE", "price_band", "10 to 20", 1, 0, Decimal(10), Decimal(10)),
        ("DE", "price_band", "500 and more", 1, 1, Decimal(700), Decimal(700)),
        ("FR", "colour", "red", 1, 1, Decimal(12), Decimal(12)),
        ("FR", "price_band", "10 to 20", 1, 1, Decimal(12), Decimal(12)),
    ]


def test_facets_where_no_price_is_known() -> None:
    """Counts stay, prices are null."""
    offers = OFFERS.with_columns(landed_price_base=pl.lit(None, dtype=pl.Decimal(18, 4)))
    table = facets(offers.filter(pl.col("market") == "FR"), COLOURS)
    assert table.rows() == [("FR", "colour", "red", 1, 1, None, None)]
    assert facets(offers.clear(), COLOURS).is_empty()


def _searches(*rows: tuple[str | None, str, dict[str, int]]) -> pl.DataFrame:
    zero = dict.fromkeys((*COUNTS, "sum_position"), 0)
    records = [{"market": market, "query": query, **zero, **counts} for market, query, counts in rows]
    schema = {"market": pl.String, "query": pl.String, **dict.fromkeys(zero, pl.Int64)}
    return pl.DataFrame(records, schema=schema)


NO_CLICKS = pl.DataFrame(
    schema={"market": pl.String, "query": pl.String, "product_id": pl.String, "n": pl.Int64}
)


def test_spellings_of_a_term_are_one_and_rates_by_hand() -> None:
    """8 searches in two spellings, 2 found nothing, 3 of the other 6 clicked at places 1, 2 and 6."""
    searches = _searches(
        ("DE", "Crème", {"n_searches": 5, "n_sessions": 5, "n_zero_results": 2, "n_refined": 2}),
        (
            "DE",
            "creme!",
            {
                "n_searches": 3,
                "n_sessions": 3,
                "n_clicked": 3,
                "n_clicks": 3,
                "sum_position": 9,
                "n_carts": 2,
            },
        ),
    )
    clicks = pl.DataFrame(
        [("DE", "creme!", "B", 2), ("DE", "Crème", "A", 2), ("DE", "creme!", "A", 1)],
        schema=NO_CLICKS.schema,
        orient="row",
    )
    table = search_terms(searches, clicks)
    assert table.schema == pl.Schema(TERM_SCHEMA)
    (row,) = table.iter_rows(named=True)
    assert (row["term"], row["n_searches"], row["zero_result_rate"], row["click_rate"]) == (
        "creme",
        8,
        0.25,
        0.5,
    )
    assert (row["mean_position"], row["cart_rate"], row["refined_rate"]) == (3.0, 0.25, 0.25)
    assert row["top_product_id"] == "A"


def test_terms_of_few_are_not_told_apart() -> None:
    """One visitor's words and address are nobody's business; their number is."""
    searches = _searches(
        ("DE", "anna@example.com", {"n_searches": 9, "n_sessions": 4}),
        ("DE", "my secret", {"n_searches": 1, "n_sessions": 1}),
        (None, "tea", {"n_searches": 5, "n_sessions": 5}),
    )
    table = search_terms(searches, NO_CLICKS)
    assert table.select("market", "term", "n_searches").rows() == [("?", "tea", 5), ("DE", RARE, 10)]
    assert search_terms(searches.clear(), NO_CLICKS).is_empty()


def test_documents_hold_values_and_names_of_flags() -> None:
    """A is refillable and red, its brand is not said twice; B has no attribute."""
    catalogue = pl.DataFrame(
        [("B", "Pot", None, "tea"), ("A", "Cup", "Acme", "tea/cups")],
        schema=["product_id", "title", "brand", "category_path"],
        orient="row",
    )
    rows = [
        ("A", "colour", "red"),
        ("A", "is_refillable", "true"),
        ("A", "gift_box", "false"),
        ("A", "brand", "Acme"),
    ]
    attributes = pl.DataFrame(rows, schema=["item_id", "attribute", "attribute_value"], orient="row")
    assert search_documents(catalogue, attributes).rows() == [
        ("A", "Cup", "Acme", "tea/cups", "is refillable red"),
        ("B", "Pot", None, "tea", None),
    ]
