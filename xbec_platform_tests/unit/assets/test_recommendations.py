"""Whose purchases the recommendations may use."""

from datetime import date

import duckdb
import polars as pl

from xbec_platform.assets.recommendation_queries import QUERIES


def test_only_a_yes_is_consent() -> None:
    """A null is no yes, the last version before the day counts, and a later one is not known yet."""
    versions = pl.DataFrame(  # noqa: F841 - found by its name
        {
            "customer_id": ["yes", "no", "silent", "withdrew", "later", "withdrew", "later"],
            "consent_profiling": [True, False, None, True, None, False, True],
            "updated_ts": ["2026-01-01"] * 5 + ["2026-01-02", "2026-01-04"],
        }
    ).with_columns(
        pl.col("updated_ts").str.to_datetime(),
        _drop_date=pl.lit(None),
        _file_id=pl.lit("f"),
        _row_no=pl.lit(1),
    )
    sql = QUERIES["consenting"].replace("raw.customers", "versions").replace("$day", "DATE '2026-01-03'")
    assert duckdb.sql(sql).fetchall() == [("yes",)]


def test_titles_speak_for_products_without_attributes_as_of_the_day() -> None:
    """A has a colour, B the words of the title it had then, C is described only later, D was never sold."""
    connection = duckdb.connect()
    connection.execute(
        """CREATE SCHEMA raw; CREATE SCHEMA marts; CREATE SCHEMA intermediate;
        CREATE TABLE intermediate.int_item_attributes AS SELECT * FROM (VALUES
            ('A', 'colour', 'red', DATE '2026-01-01', DATE '9999-12-31'),
            ('A', 'brand', NULL, DATE '2026-01-01', DATE '9999-12-31'),
            ('C', 'colour', 'blue', DATE '2026-02-01', DATE '9999-12-31')
        ) AS t(item_id, attribute, attribute_value, valid_from, valid_to);
        CREATE TABLE raw.products AS SELECT *, NULL AS _drop_date, 'f' AS _file_id, 1 AS _row_no FROM (VALUES
            ('A', 'Lamp', TIMESTAMP '2026-01-01'), ('B', 'Tea pot of clay', TIMESTAMP '2026-01-01'),
            ('B', 'Kettle', TIMESTAMP '2026-03-01'), ('C', 'Mug', TIMESTAMP '2026-01-01'),
            ('D', 'Vase', TIMESTAMP '2026-01-01')
        ) AS t(product_id, title, valid_from);
        CREATE TABLE marts.fct_order_line AS SELECT * FROM (VALUES
            ('A', DATE '2026-01-05'), ('B', DATE '2026-01-07'), ('B', DATE '2026-01-06'), ('C', DATE '2026-01-05')
        ) AS t(product_id, order_date)"""
    )
    rows = connection.execute(QUERIES["attributes"], {"day": date(2026, 1, 10)}).fetchall()
    end = date(9999, 12, 31)
    assert rows == [
        ("A", "colour", "red", date(2026, 1, 1), end),
        ("B", "title", "clay", date(2026, 1, 6), end),
        ("B", "title", "pot", date(2026, 1, 6), end),
        ("B", "title", "tea", date(2026, 1, 6), end),
        ("C", "title", "mug", date(2026, 1, 5), end),
    ]
