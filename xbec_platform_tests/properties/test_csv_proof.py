"""Property of the fast reading: it gives what Python's strict reader gives, or refuses."""

import csv
import io

from hypothesis import example, given, settings
from hypothesis import strategies as st

from xbec_platform.ingest.formats.cells import Dialect
from xbec_platform.ingest.formats.csv_proof import proven_block

cells = st.text(alphabet=[*'ab",;\n\r é\0#'], max_size=5)
written = st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=5).map(
    lambda rows: _written(rows, "\n")
)
windows = st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=5).map(
    lambda rows: _written(rows, "\r\n")
)
noise = st.text(alphabet=[*'a",\n\r'], min_size=1, max_size=30)


def _written(rows: list[list[str]], line_end: str) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator=line_end).writerows(rows)
    return buffer.getvalue()


@given(text=st.one_of(written, windows, noise))
@example(text='"a""",b,""\n')
@example(text='a,b"c,d\n')
@example(text='"a"b,c,d\n')
@example(text="a,b,c\n\n")
@example(text='"a\r\nb",c,d\r\n')
@example(text='"",,"""""" \n')
@settings(max_examples=600, deadline=None)
def test_proven_block_is_what_the_strict_reader_reads(text: str) -> None:
    """Polars alone fills short lines and takes open quotes: only what is proven may go that way."""
    block = proven_block(text.encode(), ["x", "y", "z"], Dialect())
    frame = block.text() if block else None
    if frame is None:
        return
    records = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    assert frame.rows() == [tuple(cell or None for cell in record) for record in records]


def test_ordinary_blocks_are_proven() -> None:
    """A proof that refuses everything would pass the property and cost the speed."""
    for text in ("a,b,c\nd,,f\n", 'a,"b,c",d\r\n', '"a ""b""",c,"d\ne"\n', "a,b,c"):
        assert proven_block(text.encode(), ["x", "y", "z"], Dialect()) is not None, text
