"""Eligibility: every exclusion has its reason, and unknown is not excluded."""

import polars as pl
import pytest

from xbec_platform.recommendations.eligibility import decide_eligibility, eligible_products

PRODUCTS = pl.DataFrame(
    {
        "product_id": ["a", "b", "c"],
        "status": ["active", "retired", "active"],
        "markets": [None, None, ["FR"]],
    }
)


def _reasons(**tables):
    table = decide_eligibility(PRODUCTS, ["GB", "FR"], **tables)
    assert table["is_eligible"].to_list() == table["exclude_reason"].is_null().to_list()
    return {(product, market): reason for product, market, _, reason in table.rows()}


def test_first_reason_wins():
    """Retired before market before restriction before stock; a null list of markets means all of them."""
    restrictions = pl.DataFrame(
        {"product_id": ["a", "a", "b"], "market": ["FR"] * 3, "reason": ["hazard", "battery", "battery"]}
    )
    stock = pl.DataFrame({"product_id": ["a", "b", "c"], "available": [0, 0, 5]})
    assert _reasons(restrictions=restrictions, stock=stock) == {
        ("a", "FR"): "battery",
        ("a", "GB"): "out_of_stock",
        ("b", "FR"): "retired",
        ("b", "GB"): "retired",
        ("c", "FR"): None,
        ("c", "GB"): "not_sold_in_market",
    }


def test_unknown_stock_stays_eligible():
    """A product that no count covers, or with null, is unknown and not sold out."""
    stock = pl.DataFrame({"product_id": ["c"], "available": [None]}, schema_overrides={"available": pl.Int64})
    reasons = _reasons(stock=stock)
    assert reasons["a", "GB"] is None
    assert reasons["c", "FR"] is None


def test_stock_by_market():
    """Stock of one market says nothing about another."""
    stock = pl.DataFrame({"product_id": ["a"], "market": ["GB"], "available": [0]})
    reasons = _reasons(stock=stock)
    assert (reasons["a", "GB"], reasons["a", "FR"]) == ("out_of_stock", None)


def test_matrix_knows_only_what_the_table_allows():
    """Products missing from the table, unknown markets and no market get nothing."""
    table = decide_eligibility(PRODUCTS.filter(pl.col("product_id") != "c"), ["GB", "FR"])
    eligible = eligible_products(table, pl.Series(["a", "b", "c"]))
    rows = eligible.rows_of(pl.Series(["GB", "US", None]))
    assert eligible.allowed[rows].tolist() == [[True, False, False], [False] * 3, [False] * 3]


@pytest.mark.parametrize(
    ("products", "message"),
    [
        (PRODUCTS.vstack(PRODUCTS), "repeated"),
        (PRODUCTS.with_columns(status=pl.lit("new")), "status"),
        (PRODUCTS.drop("status"), "status"),
    ],
)
def test_broken_products_are_refused(products, message):
    """A status this module does not know must not silently become active."""
    with pytest.raises(ValueError, match=message):
        decide_eligibility(products, ["GB"])


def test_repeated_stock_and_eligibility_rows_are_refused():
    """Two rows for one key would multiply rows of the result, or contradict each other."""
    stock = pl.DataFrame({"product_id": ["a", "a"], "available": [1, 2]})
    with pytest.raises(ValueError, match="add up"):
        decide_eligibility(PRODUCTS, ["GB"], stock=stock)
    table = decide_eligibility(PRODUCTS, ["GB"])
    with pytest.raises(ValueError, match="repeated"):
        eligible_products(table.vstack(table), pl.Series(["a", "b", "c"]))
    with pytest.raises(ValueError, match="is_eligible"):
        eligible_products(table.drop("is_eligible"), pl.Series(["a", "b", "c"]))
