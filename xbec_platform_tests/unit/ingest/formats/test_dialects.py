"""Dialects of CSV: each is recognised by the required names, and none is guessed."""

from pathlib import Path

import polars as pl
import pytest

from xbec_platform.ingest.formats.reading import read_blocks, read_records
from xbec_platform.ingest.formats.records import ROW, Expectation, FileRejectedError, Reading

EXPECT = Expectation(required=("id", "price"), known=("id", "price", "note"), numeric=("price",))


def read(folder: Path, content: bytes, expect: Expectation = EXPECT) -> tuple[list[tuple[object, ...]], str]:
    path = folder / "a.csv"
    path.write_bytes(content)
    records = read_records(path, expect)
    return records.frame.rows(), records.format


@pytest.mark.parametrize(
    ("content", "detected"),
    [
        (b"id,price,note\n1,2,x\n", "csv; utf-8; delimiter ','; record end LF"),
        (b"id;price;note\r\n1;2;x\r\n", "csv; utf-8; delimiter ';'; record end CRLF"),
        (b"id|price|note\r1|2|x\r", "csv; utf-8; delimiter '|'; record end CR"),
        (b"id\tprice\tnote\n1\t2\tx", "csv; utf-8; delimiter '\\t'; record end LF"),
        (b"'id','price','note'\n'1','2','x'\n", "csv; utf-8; delimiter ','; quote \"'\"; record end LF"),
        (b"\xef\xbb\xbfid,price,note\n1,2,x\n", "csv; utf-8 with BOM; delimiter ','; record end LF"),
        (b"sep=;\nid;price;note\n1;2;x\n", "csv; utf-8; delimiter ';'; record end LF; 1 preamble line"),
        (
            b"Report, all shops\n\nid,price,note\n1,2,x\nid,price,note\n",
            "csv; utf-8; delimiter ','; record end LF; 1 preamble line; 1 repeated header",
        ),
        (b"id , price,note\n1,2,x\n", "csv; utf-8; delimiter ','; record end LF; blanks around names"),
        (b"id,price,note,\n1,2,x,\n", "csv; utf-8; delimiter ','; record end LF; 1 empty column"),
        ("id,price,note\n1,2,x\n".encode("utf-16"), "csv; utf-16-le with BOM; delimiter ','; record end LF"),
        (
            "id,price,note\n1,2,x\n".encode("utf-16-be"),
            "csv; utf-16-be without BOM; delimiter ','; record end LF",
        ),
    ],
)
def test_every_spelling_of_one_record_reads_the_same(tmp_path: Path, content: bytes, detected: str) -> None:
    """What was detected is told, and the record is the same in all of them."""
    assert read(tmp_path, content) == ([(1, "1", "2", "x")], detected)


@pytest.mark.parametrize(
    "content",
    [
        "id , price,note\n1 , 2 , x\n3 , , y z\n",
        "id, price, note\n1, 2, x\n3, , y z\n",
        "id,price,note\n1 ,2 ,x\n3 ,,y z\n",
        '"id" , "price" , "note"\n"1" , "2" , "x"\n3 , "" , "y z" \n',
        'id,price,note\n"1", 2, "x"\n 3, , "y z"\n',
        "id   ;price ;note\r\n1    ;2     ;x\r\n3    ;      ;y z\r\nid   ;price ;note\r\n",
        "'id' | 'price' | 'note'\n'1' | '2' | 'x'\n'3' | '' | 'y z'\n",
    ],
)
def test_blanks_at_every_delimiter_belong_to_it(tmp_path: Path, content: str) -> None:
    """Exports made for the eye pad their cells; none of these blanks is anybody's value."""
    rows, detected = read(tmp_path, content.encode())
    assert rows == [(1, "1", "2", "x"), (2, "3", None, "y z")]
    assert "blanks around cells" in detected


@pytest.mark.parametrize(
    ("content", "row"),
    [
        ("id,price,note\n1,2, x\n", " x"),
        ("id,price,note\n1,2,x \n3,4,y\n", "x "),
        ('id,price,note\n1,2," x"\n', " x"),
    ],
)
def test_blanks_at_some_delimiters_are_text(tmp_path: Path, content: str, row: str) -> None:
    """Nobody can tell them from a value that starts or ends with a blank."""
    rows, detected = read(tmp_path, content.encode())
    assert rows[0] == (1, "1", "2", row)
    assert "blanks" not in detected


def test_empty_cells_behind_the_records_are_left_out(tmp_path: Path) -> None:
    """A writer that ends records, but not the header, with a delimiter; a record with a value there is broken."""
    path = tmp_path / "a.csv"
    path.write_text('id,price,note\n1,2,x,,\n3,4,"y,z",,\n5,6,u,v,\n7,8,w\n9,,,,\n')
    records = read_records(path, EXPECT)
    assert records.frame.rows() == [(1, "1", "2", "x"), (2, "3", "4", "y,z"), (5, "9", None, None)]
    assert "2 empty cells behind every record" in records.format
    behind = "the header has 3, and other records have 2 empty cells behind them"
    assert records.broken == (
        (3, '["5", "6", "u", "v", ""]', f"line 4: 5 cells, {behind}"),
        (4, '["7", "8", "w"]', f"line 5: 3 cells, {behind}"),
    )
    path.write_text("id,price,note\n" + "1,2,x,\n" * 3)
    assert read_records(path, EXPECT).frame.height == 3
    path.write_text("id,price,note\n1,2,x,\n3,4,y\n")
    assert [row for row, _, _ in read_records(path, EXPECT).broken] == [1]


def test_an_open_quote_between_blanks_is_told(tmp_path: Path) -> None:
    """The strict rules hold with blanks around cells too."""
    with pytest.raises(
        FileRejectedError, match='line 3: a quote is never closed .* starts on line 3: .* `FEED: {quote: ""}`'
    ):
        read(tmp_path, b'id , price , note\n1 , 2 , x\n3 , 4 , "y\n')


def test_backslash_escapes_are_taken_where_doubled_quotes_cannot_be_read(tmp_path: Path) -> None:
    """MySQL and Redshift escape quotes by a backslash; RFC 4180 has no other reading of such a file."""
    rows, detected = read(tmp_path, b'id,price,note\n1,2,"a \\"b\\", c"\n')
    assert rows == [(1, "1", "2", 'a "b", c')]
    assert "backslash escapes" in detected


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        # Names that promise nothing: both delimiters cut the header and all records evenly.
        (b"a,b;c\n1,2;3\n", r"two ways: delimiter ',' gives \[\"1\", \"2;3\"\], delimiter ';' gives"),
        (b"id,x\n'1','2'\n", r"two ways: .* declare read.quote"),
    ],
)
def test_file_with_two_readings_is_rejected_with_both(tmp_path: Path, content: bytes, cause: str) -> None:
    """Whoever reads the error sees what each reading would have loaded."""
    with pytest.raises(FileRejectedError, match=cause):
        read(tmp_path, content, Expectation())


def test_declared_reading_wins(tmp_path: Path) -> None:
    """What the feed declares settles what the file leaves open."""
    expect = Expectation(reading=Reading(delimiter=";", header_row=2, header_rows=2))
    rows = read(tmp_path, b"title\nprice;;qty\nEUR;USD;\n1;2;3\n", expect)[0]
    assert rows == [(1, "1", "2", "3")]
    path = tmp_path / "a.csv"
    assert read_records(path, expect).frame.columns == [ROW, "price EUR", "price USD", "qty"]


def test_missing_required_column_is_named(tmp_path: Path) -> None:
    """The closest header is shown, wherever it stands."""
    with pytest.raises(
        FileRejectedError, match="line 2: required columns are missing: price; found are id, note"
    ):
        read(tmp_path, b"Report\nid,note\n1,2\n")


def test_reserved_name_is_rejected(tmp_path: Path) -> None:
    """A column named like the intake's own must not overwrite the account."""
    with pytest.raises(FileRejectedError, match="_row_no is a name of the intake"):
        read(tmp_path, b"id,price,_row_no\n1,2,3\n")


def test_trailing_table_goes_to_the_quarantine_row_by_row(tmp_path: Path) -> None:
    """A second table of other width is not mixed with the first."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,price\n1,2\n\ncurrency,rate,day\nEUR,1,2\n")
    records = read_records(path, EXPECT)
    assert records.frame.rows() == [(1, "1", "2")]
    assert [cause for _, _, cause in records.broken] == [
        "line 4: 3 cells, the header has 2; it stands behind a blank line: another table?",
        "line 5: 3 cells, the header has 2; it stands behind a blank line: another table?",
    ]


def test_endless_line_is_bounded(tmp_path: Path) -> None:
    """A line of 17 MB is no record; it must not be collected without end."""
    with pytest.raises(FileRejectedError, match="line 2: is longer than 16,777,216 bytes"):
        read(tmp_path, b"id,price\n" + b"x" * (40 << 20))


def test_blocks_hold_what_the_whole_holds(tmp_path: Path) -> None:
    """Blocks are cut at record ends: 300,000 records with quoted line ends across the 4 MB of a block."""
    path = tmp_path / "a.csv"
    lines = [
        f'{n},{n}.5,"{"x" * 30}\n{n}"' if n % 7 == 0 else f"{n},{n}.5,{'y' * 30}" for n in range(300_000)
    ]
    path.write_text("id,price,note\n" + "\n".join(lines) + "\n1,2\n")
    blocks = list(read_blocks(path, EXPECT, block_rows=100_000))
    heights = [block.frame.height for block in blocks]
    assert sum(heights) == 300_000
    assert all(50_000 <= height <= 100_000 for height in heights[:-1])
    whole = pl.concat(block.frame for block in blocks)
    assert whole[ROW].to_list() == list(range(1, 300_001))
    assert whole["note"][7] == "x" * 30 + "\n7"
    assert whole["id"].cast(pl.Int64).sum() == sum(range(300_000))
    # 300,000 lines, a second one for each of the 42,858 quoted ones, the header, and this one.
    assert [cause for block in blocks for _, _, cause in block.broken] == [
        "line 342860: 2 cells, the header has 3"
    ]
