"""Counting baskets in SQL: by hand, on a real shop, and in words both engines know."""

import re
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from xbec_platform.assets.affinity_queries import RESULTS, count_baskets, statements
from xbec_platform.recommendations.affinity import AffinityParams
from xbec_platform_tests.definitions.test_portable_sql import FUNCTIONS, REFUSED, calls, sql_of
from xbec_platform_tests.unit.recommendations.online_retail import NOT_PRODUCTS

DAY = date(2026, 3, 1)
SMALL = AffinityParams(min_baskets=2, min_share=0, min_triple_share=0, min_market_baskets=2)


def _shop(lines: list[tuple[str, str, str, str, str]]) -> duckdb.DuckDBPyConnection:
    """Order, customer, market, products (one letter each) and day; everybody agreed to profiling but N."""
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA marts; CREATE SCHEMA raw")
    connection.execute(
        "CREATE TABLE marts.fct_order_line (order_id VARCHAR, customer_id VARCHAR, ship_country VARCHAR, "
        "product_id VARCHAR, order_date DATE, qty BIGINT, is_product BOOLEAN, is_paid BOOLEAN)"
    )
    for order, customer, market, products, day in lines:
        for product in products:
            connection.execute(
                "INSERT INTO marts.fct_order_line VALUES (?, ?, ?, ?, ?, 1, true, true)",
                [order, customer, market, product, day],
            )
    connection.execute(
        "CREATE TABLE raw.customers AS SELECT DISTINCT customer_id, ship_country AS country, "
        "customer_id <> 'N' AS consent_profiling, TIMESTAMP '2025-01-01' AS updated_ts, "
        "DATE '2025-01-01' AS _drop_date, 1 AS _file_id, 1 AS _row_no FROM marts.fct_order_line"
    )
    return connection


def _found(counts: pl.DataFrame, kind: str, *columns: str) -> list[tuple[object, ...]]:
    return counts.filter(basket_kind=kind).select("market", *columns).rows()


def test_pairs_and_triples_of_orders_by_hand() -> None:
    """Two markets add up; a product twice in an order counts once; a later order is not known."""
    connection = _shop(
        [
            ("1", "P", "DE", "ABC", "2026-02-01"),
            ("2", "Q", "DE", "AABC", "2026-02-02"),
            ("3", "Q", "DE", "ABD", "2026-02-03"),
            ("4", "R", "FR", "ABE", "2026-02-04"),
            ("5", "R", "FR", "ABE", "2026-02-05"),
            ("6", "R", "FR", "CD", "2026-03-02"),
        ]
    )
    counts = count_baskets(connection, DAY, SMALL)
    pairs = _found(counts["pairs"], "order", "product_a", "product_b", "n_baskets", "n_a", "n_b", "n_both")
    assert pairs == [
        ("DE", "A", "B", 3, 3, 3, 3),
        ("DE", "A", "C", 3, 3, 2, 2),
        ("DE", "B", "C", 3, 3, 2, 2),
        ("FR", "A", "B", 2, 2, 2, 2),
        ("FR", "A", "E", 2, 2, 2, 2),
        ("FR", "B", "E", 2, 2, 2, 2),
        ("all", "A", "B", 5, 5, 5, 5),
        ("all", "A", "C", 5, 5, 2, 2),
        ("all", "A", "E", 5, 5, 2, 2),
        ("all", "B", "C", 5, 5, 2, 2),
        ("all", "B", "E", 5, 5, 2, 2),
    ]
    triples = _found(
        counts["triples"], "order", "product_a", "product_b", "product_c", "n_ab", "n_c", "n_all"
    )
    assert [row for row in triples if row[0] == "all" and "C" in row] == [
        ("all", "A", "B", "C", 5, 2, 2),
        ("all", "A", "C", "B", 2, 5, 2),
        ("all", "B", "C", "A", 2, 5, 2),
    ]
    assert _found(counts["tests"], "order", "n_items") == [("DE", 3), ("FR", 3), ("all", 4)]


def test_a_persons_four_weeks_are_a_basket() -> None:
    """Orders within 28 days back from the day are one basket; who did not agree is in none."""
    connection = _shop(
        [
            ("1", "P", "DE", "A", "2026-02-02"),
            ("2", "P", "DE", "B", "2026-03-01"),
            ("3", "Q", "DE", "AB", "2026-02-20"),
            ("4", "R", "DE", "A", "2026-02-01"),
            ("5", "R", "DE", "B", "2026-02-02"),
            ("6", "N", "DE", "A", "2026-02-20"),
            ("7", "N", "DE", "B", "2026-02-21"),
        ]
    )
    pairs = _found(count_baskets(connection, DAY, SMALL)["pairs"], "person", "n_baskets", "n_both")
    assert pairs == [("DE", 4, 2), ("all", 4, 2)]


def test_a_basket_of_everything_is_left_out() -> None:
    """One wholesaler's order of the whole catalogue would cost the square of it."""
    connection = _shop(
        [("1", "P", "DE", "ABCDEF", "2026-02-02"), *[(n, "Q", "DE", "AB", "2026-02-03") for n in "23"]]
    )
    small = AffinityParams(min_baskets=1, min_share=0, min_triple_share=0, min_market_baskets=9, max_basket=5)
    counts = count_baskets(connection, DAY, small)
    assert _found(counts["pairs"], "order", "product_a", "product_b", "n_both") == [("all", "A", "B", 2)]


def test_a_shop_without_orders_has_no_pairs() -> None:
    """Tables are there with their columns."""
    counts = count_baskets(_shop([]), DAY, SMALL)
    assert counts["pairs"].is_empty()
    assert counts["triples"].is_empty()


def test_counts_of_a_real_shop_are_the_published_ones(shared_data: Path) -> None:
    """Online Retail at .2 %: 94,819 frequent products and pairs, 16,312 rules at confidence .3 (PyFIM too)."""
    connection = _shop([])
    connection.execute(
        f"""INSERT INTO marts.fct_order_line
        SELECT InvoiceNo, NULL, Country, upper(trim(StockCode)) AS product, InvoiceDate::DATE, Quantity, true, true
        FROM '{shared_data}/online_retail/online_retail.parquet'
        WHERE InvoiceNo NOT LIKE 'C%' AND Quantity > 0 AND UnitPrice > 0
            AND product NOT IN {NOT_PRODUCTS} AND product NOT LIKE 'GIFT_0001_%'"""
    )
    counts = count_baskets(connection, date(2011, 12, 9), AffinityParams(history_days=500), kinds=("order",))
    pairs = counts["pairs"].filter(market="all")
    n_items = counts["tests"].filter(market="all")["n_items"].item()
    assert pairs.height + n_items == 94_819
    rules = sum((pairs["n_both"] / pairs[name] >= 0.3).sum() for name in ("n_a", "n_b"))
    assert rules == 16_312


@pytest.mark.parametrize("kind", ["order", "person"])
def test_the_sql_is_that_of_both_engines(kind: str) -> None:
    """Held to the rules of the dbt models, so that counting can move to Spark with them."""
    queries = dict(statements(kind, DAY, AffinityParams())) | RESULTS
    for name, query in queries.items():
        sql = sql_of(query.replace("{kind}", kind))
        assert calls(sql) <= FUNCTIONS, name
        for pattern in REFUSED:
            assert not re.search(pattern, sql, flags=re.MULTILINE), (name, pattern)
