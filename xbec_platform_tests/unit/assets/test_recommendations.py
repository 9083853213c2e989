"""Whose purchases the recommendations may use."""

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
