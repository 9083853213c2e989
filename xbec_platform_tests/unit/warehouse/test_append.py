"""Appending a frame: columns of one value go over as that value, and the table ends the same."""

from datetime import date

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbec_platform.warehouse.database import append, create_table

# Quotes, a comment, a statement's end and NUL, as hostile files hold them.
texts = st.one_of(
    st.none(), st.sampled_from(["", "'", "a'; DROP TABLE s.t; --", "\0", "\\", "é\n"]), st.text(max_size=3)
)
rows = st.tuples(
    texts,
    st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
    st.one_of(st.none(), st.dates(date(1, 1, 1), date(9999, 12, 31))),
    st.one_of(st.none(), st.booleans()),
)
SCHEMA = {"text": pl.String, "whole": pl.Int64, "day": pl.Date, "flag": pl.Boolean}


@settings(deadline=None)
@given(row=rows, other=rows, times=st.integers(1, 3))
def test_what_is_appended_is_what_is_read(
    row: tuple[object, ...], other: tuple[object, ...], times: int
) -> None:
    """One row repeated makes every column constant; another one in between makes some of them not."""
    for content in ([row] * times, [row, other, row]):
        frame = pl.DataFrame(content, schema=SCHEMA, orient="row")
        with duckdb.connect() as connection:
            create_table(connection, "s.t", frame.schema)
            append(connection, "s.t", frame)
            assert connection.execute("SELECT * FROM s.t").fetchall() == content


@pytest.mark.parametrize("value", ["abc", None])
def test_categorical_constant(value: str | None) -> None:
    """The file's id is handed over as a category; it arrives as text."""
    frame = pl.DataFrame({"n": [1, 2]}).with_columns(id=pl.lit(value, pl.Categorical))
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (n BIGINT, id VARCHAR)")
        append(connection, "t", frame)
        assert connection.execute("SELECT * FROM t").fetchall() == [(1, value), (2, value)]
