"""A rewritten landing file says what the original says under the suppression list, and nothing of the person."""

import gzip
import io
import json
import zipfile
from datetime import datetime
from pathlib import Path

import openpyxl
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xbec_platform.erasure.landing_rewrite import redact, rewrite_landing
from xbec_platform.erasure.mentions import pattern
from xbec_platform.ingest.contracts import contracts
from xbec_platform.ingest.formats.reading import read_records
from xbec_platform.ingest.formats.records import FileRejectedError, Records, as_text
from xbec_platform.ingest.suppression import Entry, Suppression, suppress

PERSON, OTHER = "C000001", "C000002"
SALT = Suppression("salt")
LIST = SALT.with_entries([Entry("customer_id", SALT.hash(PERSON), True, "p")])
STONE = LIST.tombstone(PERSON)
FOUND = pattern([PERSON])


def land(landing: Path, source: str, name: str, data: bytes) -> Path:
    path = landing / source / "dt=2026-01-02" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def read(path: Path, source: str) -> Records:
    """What the intake would go on with."""
    records = suppress(read_records(path), contracts()[source], LIST)
    return Records(as_text(records.frame), records.broken, "")


def rewrite_keeps_the_account(tmp_path: Path, source: str, name: str, data: bytes) -> bytes:
    """Rewrite a file and compare what the intake makes of it; returns the new bytes."""
    path = land(tmp_path / "landing", source, name, data)
    before = read(path, source)
    rewritten = rewrite_landing(tmp_path / "landing", contracts(), LIST, [PERSON])
    assert rewritten.changed == (f"{source}/dt=2026-01-02/{name}",)
    after = read(path, source)
    assert after.broken == before.broken
    assert after.frame.equals(before.frame)
    assert rewrite_landing(tmp_path / "landing", contracts(), LIST, [PERSON]).changed == ()
    return path.read_bytes()


CUSTOMERS = (
    "customer_id,updated_ts,email_hash,city\n"
    f"{PERSON},2026-01-01T00:00:00Z,aa11,Lyon\n"
    f'{OTHER},2026-01-01T00:00:00Z,bb22,"Oslo, ""east"""\n'
)


def test_csv_of_a_deleted_source_keeps_place_and_bytes_of_others(tmp_path: Path) -> None:
    """The record stays as tombstones in its place; the line of somebody else is the same to the byte."""
    after = rewrite_keeps_the_account(tmp_path, "customers", "a.csv", CUSTOMERS.encode())
    assert after.decode() == CUSTOMERS.replace(
        f"{PERSON},2026-01-01T00:00:00Z,aa11,Lyon", f"{STONE},,{LIST.tombstone('aa11')},"
    )


def test_order_keeps_its_amounts(tmp_path: Path) -> None:
    """Money and times stay as the file spelled them."""
    text = (
        f"order_id;customer_id;order_ts;ship_postal;currency;goods_total\r\nO1;{PERSON};2026-01-01;69001;EUR;12,50\r\n"
        f"O2;{OTHER};2026-01-01;0150;EUR;1,00\r\n"
    )
    after = rewrite_keeps_the_account(tmp_path, "orders", "a.csv", text.encode())
    assert after.decode() == text.replace(PERSON, STONE).replace("69001", "")


@pytest.mark.parametrize(
    "text",
    [
        f'order_id , customer_id , ship_postal , goods_total\n"O1" , "{PERSON}" , "69001, x" , 12.50\nO2 , A , , 1\n',
        f"order_id,customer_id,ship_postal,goods_total\nO1,{PERSON},69001,12.50,\nO2,A,,1,\n",
    ],
)
def test_padded_and_trailing_cells_are_the_same_records(tmp_path: Path, text: str) -> None:
    """What the intake reads past must not keep the person, nor take an amount away with it."""
    after = rewrite_keeps_the_account(tmp_path, "orders", "a.csv", text.encode()).decode()
    assert PERSON not in after
    assert "69001" not in after
    assert "12.50" in after


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marked_encodings_keep_their_mark(tmp_path: Path, encoding: str) -> None:
    """A file that comes with a byte order mark goes with it."""
    after = rewrite_keeps_the_account(tmp_path, "customers", "a.csv", CUSTOMERS.encode(encoding))
    assert after[:2] == CUSTOMERS.encode(encoding)[:2]
    assert STONE in after.decode(encoding)


def test_bytes_that_are_no_utf8_survive() -> None:
    """Latin-1 of somebody else must not be touched by the way back and forth."""
    data = CUSTOMERS.encode().replace(b"Oslo", b"Troms\xf8")
    after = redact(data, contracts()["customers"], LIST, FOUND)
    assert b"Troms\xf8" in after
    assert PERSON.encode() not in after


def test_json_lines_keep_digits_and_keys(tmp_path: Path) -> None:
    """1.10 stays 1.10; a line of the person keeps its keys, so that the file keeps its columns."""
    lines = [
        f'{{"return_id": "R1", "customer_id": "{PERSON}", "product_id": "P1", "unit_price": 1.10}}',
        f'{{"return_id": "R2", "customer_id": "{OTHER}", "product_id": "P1", "unit_price": 2.20}}',
        f'{{"return_id": "R3", "customer_id": "{PERSON}", broken',
    ]
    after = rewrite_keeps_the_account(tmp_path, "returns", "a.jsonl", "\n".join(lines).encode() + b"\n")
    first, second, third, rest = after.decode().split("\n")
    assert first == f'{{"return_id":"R1","customer_id":"{STONE}","product_id":"P1","unit_price":1.10}}'
    assert (second, third, rest) == (lines[1], STONE, "")


def test_preferences_of_the_person_are_emptied(tmp_path: Path) -> None:
    """A deleted source leaves nothing but the tombstone."""
    line = f'{{"customer_id":"{PERSON}","key":"newsletter","value":"yes"}}\n'.encode()
    after = rewrite_keeps_the_account(tmp_path, "preferences", "a.jsonl", line)
    assert json.loads(after) == {"customer_id": STONE, "key": None, "value": None}


@pytest.mark.parametrize("compression", ["snappy", "zstd"])
def test_parquet_keeps_types_and_compression(tmp_path: Path, compression: str) -> None:
    """Typed columns stay typed: the next reader of the file must find what the first one found."""
    frame = pl.DataFrame(
        {
            "event_id": ["a", "b", "c"],
            "ts": [datetime(2026, 1, 1)] * 3,
            "customer_id": [PERSON, OTHER, None],
            "dwell_s": [1.5, 2.5, None],
        }
    )
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression=compression)  # type: ignore[arg-type]
    after = rewrite_keeps_the_account(tmp_path, "events", "a.parquet", buffer.getvalue())
    assert (
        pq.ParquetFile(io.BytesIO(after)).metadata.row_group(0).column(0).compression.lower() == compression
    )
    expected = [(None, None, STONE, None), *frame.rows()[1:]]
    assert pl.read_parquet(io.BytesIO(after)).rows() == expected
    assert pl.read_parquet(io.BytesIO(after)).schema == frame.schema


def test_excel_loses_the_person(tmp_path: Path) -> None:
    """People send workbooks too; numbers of others stay numbers."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["order_id", "customer_id", "currency", "goods_total", "ship_postal"])
    sheet.append(["O1", PERSON, "EUR", 12.5, "69001"])
    sheet.append(["O2", OTHER, "EUR", 1, "0150"])
    buffer = io.BytesIO()
    book.save(buffer)
    path = land(tmp_path, "orders", "a.xlsx", buffer.getvalue())
    assert rewrite_landing(tmp_path, contracts(), LIST, [PERSON]).changed
    rows = list(openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True))
    assert rows[1:] == [("O1", STONE, "EUR", 12.5, None), ("O2", OTHER, "EUR", 1, "0150")]
    assert rewrite_landing(tmp_path, contracts(), LIST, [PERSON]).changed == ()


def zipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("inner.csv", data)
    return buffer.getvalue()


def zstandard(data: bytes) -> bytes:
    buffer = pa.BufferOutputStream()
    with pa.CompressedOutputStream(buffer, "zstd") as stream:
        stream.write(data)
    return bytes(buffer.getvalue())


@pytest.mark.parametrize(
    ("name", "pack"), [("a.csv.gz", gzip.compress), ("a.zip", zipped), ("a.csv.zst", zstandard)]
)
def test_packed_files_are_packed_again(tmp_path: Path, name: str, pack: object) -> None:
    """The person hides as well in an archive, which stays an archive of its kind."""
    assert callable(pack)
    data = pack(CUSTOMERS.encode())
    after = rewrite_keeps_the_account(tmp_path, "customers", name, data)
    assert after[:2] == data[:2]


def test_cut_off_archive_stays_cut_off(tmp_path: Path) -> None:
    """A rejected file must not become a loadable half by being redacted; what can be unpacked of it is."""
    many = CUSTOMERS + "".join(
        f"C{number:06d},2026-01-01T00:00:00Z,{number:x},Rome\n" for number in range(2, 20_000)
    )
    path = land(tmp_path, "customers", "a.csv.gz", gzip.compress(many.encode())[:-2000])
    assert rewrite_landing(tmp_path, contracts(), LIST, [PERSON]).changed
    with pytest.raises(FileRejectedError):
        read_records(path)
    assert rewrite_landing(tmp_path, contracts(), LIST, [PERSON]).changed == ()


def test_mentions_outside_cells_are_replaced(tmp_path: Path) -> None:
    """A preamble or a free text in a feed without persons; a longer word that begins alike is somebody else."""
    land(tmp_path, "shipments", "a.csv", f"report for {PERSON}\nparcel_id\nx{PERSON}1\n".encode())
    assert rewrite_landing(tmp_path, contracts(), LIST, [PERSON]).changed
    text = (tmp_path / "shipments/dt=2026-01-02/a.csv").read_text()
    assert text == f"report for {STONE}\nparcel_id\nx{PERSON}1\n"


def test_broken_parquet_is_named_and_left(tmp_path: Path) -> None:
    """Its pages are compressed: nobody can say that the person is not in it, so somebody must decide."""
    land(tmp_path, "events", "a.parquet", b"PAR1 cut off")
    rewritten = rewrite_landing(tmp_path, contracts(), LIST, [PERSON])
    assert rewritten.changed == ()
    assert rewritten.unreadable[0][0] == "events/dt=2026-01-02/a.parquet"


def test_unfinished_and_misplaced_files_are_rewritten_too(tmp_path: Path) -> None:
    """They are not loaded, but they lie there; a link may lead out of the folder and is not followed."""
    outside = tmp_path / "outside.csv"
    outside.write_text(CUSTOMERS)
    landing = tmp_path / "landing"
    path = land(landing, "customers", ".a.csv.part", CUSTOMERS.encode())
    (path.parent / "link.csv").symlink_to(outside)
    rewrite_landing(landing, contracts(), LIST, [PERSON])
    assert PERSON not in path.read_text()
    assert outside.read_text() == CUSTOMERS


cells = st.sampled_from(["", "x", "Lyon, FR", 'say "hi"', "two\nlines", "12,5", "é", "=1+1", PERSON[:-1]])
rows = st.lists(st.tuples(st.sampled_from([PERSON, OTHER, ""]), cells, cells), min_size=1, max_size=8)


@given(rows=rows, delimiter=st.sampled_from([",", ";", "\t", "|"]), end=st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_only_cells_of_the_person_change(rows: list[tuple[str, str, str]], delimiter: str, end: str) -> None:
    """Whatever the dialect: read with Python's own csv module, all other records are the same."""
    import csv

    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=end)
    writer.writerow(["customer_id", "city", "region"])
    writer.writerows(rows)
    data = buffer.getvalue().encode()
    after = redact(data, contracts()["customers"], LIST, FOUND).decode()
    found = list(csv.reader(io.StringIO(after, newline=""), delimiter=delimiter))[1:]
    expected = [[STONE, "", ""] if row[0] == PERSON else list(row) for row in rows]
    assert found == expected
