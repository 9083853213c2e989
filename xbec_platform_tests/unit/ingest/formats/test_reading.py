"""Reading: every record is counted, broken ones are named, whole-file faults say line and cause."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from xbec_platform.ingest.formats.reading import read_records
from xbec_platform.ingest.formats.records import ROW, FileRejectedError, as_text


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_csv_keeps_quoted_commas_and_line_ends(tmp_path: Path) -> None:
    """A cell may hold the delimiter and a line end; the record stays one record."""
    records = read_records(write(tmp_path, "a.csv", b'id,text\r\n1,"x, y\nz"\r\n2,\r\n'))
    assert records.frame.rows() == [(1, "1", "x, y\nz"), (2, "2", None)]


def test_csv_names_records_with_wrong_number_of_cells(tmp_path: Path) -> None:
    """Short and long records are not padded or cut: they are counted and kept as text."""
    records = read_records(write(tmp_path, "a.csv", b"id,x\n1,2\n3\n4,5,6\n7,8\n"))
    assert records.frame[ROW].to_list() == [1, 4]
    assert [(row, cause) for row, _, cause in records.broken] == [
        (2, "line 3: 1 cells, the header has 2"),
        (3, "line 4: 3 cells, the header has 2"),
    ]
    assert records.rows_in == 4


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("a.csv", b"", "line 1: the file is empty"),
        ("a.csv", b"id,id\n1,2\n", "line 1: the header repeats id"),
        ("a.csv", b"id,\n1,2\n", "line 1: column 2 has no name"),
        ("a.csv", b"id,x\n1,2\n3,\xff\n", "line 3: byte 0xff is not UTF-8"),
        # An unclosed quote would swallow every record after it: pyarrow and Polars load this without a word.
        (
            "a.csv",
            b'id,x\n1,2\n3,"open\n4,5\n',
            "line 4: a quote is never closed .* starts on line 3: close it",
        ),
        ("a.csv.gz", gzip.compress(b"id\n1\n", mtime=0)[:-6], "gzip archive is broken"),
        ("a.csv.gz", b"id\n1\n", "gzip archive is broken"),
        ("a.parquet", b"PAR1 not really", "Parquet file is broken"),
        ("a.xml", b"<a/>", "ending is none of"),
        # Line by line, these would fill the quarantine with pieces of one document.
        ("a.jsonl", b'{\n  "id": 1\n}\n', "line 1: one JSON document"),
        ("a.jsonl", b'\n[{"id": 1}, {"id": 2}]\n', "line 2: one JSON document"),
    ],
)
def test_unusable_file_is_rejected_with_line_and_cause(
    tmp_path: Path, name: str, content: bytes, cause: str
) -> None:
    """What cannot be read as a whole says where and why."""
    with pytest.raises(FileRejectedError, match=cause):
        read_records(write(tmp_path, name, content))


def test_header_alone_is_a_day_with_zero_rows(tmp_path: Path) -> None:
    """An empty day is valid and different from a missing file."""
    assert read_records(write(tmp_path, "a.csv", b"id,x\n")).rows_in == 0


def test_jsonl_keeps_digits_and_counts_broken_lines(tmp_path: Path) -> None:
    """Numbers keep the digits of the file: 0.10 must not pass through a float."""
    content = b'{"id": 1, "price": 0.10, "tags": ["a"]}\n\nnot json\n[1]\n{"id": null}\n'
    records = read_records(write(tmp_path, "a.jsonl", content))
    assert records.frame.select("id", "price", "tags").rows() == [("1", "0.10", '["a"]'), (None, None, None)]
    assert [row for row, _, _ in records.broken] == [2, 3]
    assert records.rows_in == 4


def test_parquet_becomes_the_text_a_csv_would_hold(tmp_path: Path) -> None:
    """The quarantine shows one representation of all formats."""
    frame = pl.DataFrame(
        {
            "n": [1, None],
            "price": [2.55, 0.001],
            "ts": pl.Series(["2011-01-01T08:26:00", None]).str.to_datetime(time_unit="us"),
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    assert as_text(read_records(tmp_path / "a.parquet").frame).rows() == [
        (1, "1", "2.55", "2011-01-01T08:26:00.000000"),
        (2, None, "0.001", None),
    ]
