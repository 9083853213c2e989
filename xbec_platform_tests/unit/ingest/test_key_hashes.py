"""Hashes of keys acquit a file only when all its keys differ, and give up rather than grow."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from xbec_platform.ingest.key_hashes import KeyHashes

SCHEMA = {"order_id": pl.String, "line_no": pl.Int64}
keys = st.tuples(st.sampled_from(["O1", "O2", None]), st.sampled_from([1, 2, None]))


@given(blocks=st.lists(st.lists(keys, max_size=3), max_size=3))
def test_distinct_means_that_no_complete_key_comes_twice(
    blocks: list[list[tuple[str | None, int | None]]],
) -> None:
    """Across blocks too; a key with a null is none, so it conflicts with nothing."""
    hashes = KeyHashes()
    for rows in blocks:
        hashes.add(pl.DataFrame(rows, schema=SCHEMA, orient="row"), ["order_id", "line_no"])
    complete = [row for rows in blocks for row in rows if None not in row]
    assert hashes.are_distinct() == (len(set(complete)) == len(complete))


def test_beyond_the_limit_nothing_is_acquitted() -> None:
    """Memory is bounded: a larger file is judged by its keys in the tables, never taken for clean."""
    block = pl.DataFrame({"order_id": ["O1", "O2"], "line_no": [1, 1]})
    hashes = KeyHashes(limit=3)
    hashes.add(block, ["order_id", "line_no"])
    assert hashes.are_distinct()
    hashes.add(block.with_columns(line_no=pl.lit(2, pl.Int64)), ["order_id", "line_no"])
    assert not hashes.are_distinct()
