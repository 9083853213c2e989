"""Archives: the content decides, exactly one data file, bounded, and names of members are only text."""

import gzip
import io
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from xbec_platform.ingest.formats import unpack
from xbec_platform.ingest.formats.reading import read_records
from xbec_platform.ingest.formats.records import Expectation, FileRejectedError, Reading

CSV = b"id,x\n1,2\n"


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, codec="zstd", asbytes=True))


@pytest.mark.parametrize(
    ("name", "content", "packing"),
    [
        ("a.csv.gz", gzip.compress(CSV), "gzip"),
        ("a.csv.gz", gzip.compress(CSV[:5]) + gzip.compress(CSV[5:]), "gzip"),
        ("a.csv.zst", zstd(CSV), "zstd"),
        ("a.csv.zst", zstd(CSV[:5]) + zstd(CSV[5:]), "zstd"),
        ("a.zip", zipped(**{"../../etc/a.csv": CSV, "__MACOSX/._a.csv": b"x"}), "zip"),
        ("a.csv", gzip.compress(CSV), "gzip; named .csv"),
    ],
)
def test_archive_gives_the_one_file_in_it(tmp_path: Path, name: str, content: bytes, packing: str) -> None:
    """Members of gzip and zstd follow each other; a member's path leads nowhere."""
    (tmp_path / name).write_bytes(content)
    records = read_records(tmp_path / name)
    assert records.frame.rows() == [(1, "1", "2")]
    assert records.format == f"csv; {packing}; utf-8; delimiter ','; record end LF"
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        (
            "a.zip",
            zipped(**{"a.csv": CSV, "b.csv": CSV}),
            "exactly one data file, it holds 2: 'a.csv', 'b.csv'",
        ),
        ("a.zip", zipped(), "exactly one data file"),
        ("a.zip", zipped(**{"a.exe": CSV}), "holds no .csv or .jsonl file"),
        ("a.csv.zip", zipped(**{"a.jsonl": CSV}), "the name says csv, the member 'a.jsonl' says jsonl"),
        ("a.zip", zipped(**{"a.csv": CSV})[:-10], "zip archive is broken"),
        ("a.csv.zst", zstd(CSV)[:-3], "zstd archive is broken: Truncated"),
        ("a.csv.gz", gzip.compress(CSV) + b"junk", "gzip archive is broken"),
        ("a.csv.gz", gzip.compress(gzip.compress(CSV)), "holds gzip, not text"),
        ("a.csv", b"\xd0\xcf\x11\xe0rest", "Excel file of before 2007"),
        ("a.parquet", CSV, "Parquet file is broken: the content starts like text"),
    ],
)
def test_doubtful_archive_is_rejected(tmp_path: Path, name: str, content: bytes, cause: str) -> None:
    """No file is picked from several and no half is read."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileRejectedError, match=cause):
        read_records(tmp_path / name)


def test_declared_member_is_read(tmp_path: Path) -> None:
    """A feed that delivers a readme beside its data says so once."""
    (tmp_path / "a.zip").write_bytes(zipped(**{"a.csv": CSV, "readme.txt": b"hello"}))
    assert read_records(tmp_path / "a.zip", Expectation(reading=Reading(member="a.csv"))).rows_in == 1


def test_decompression_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """30 kB that unpack to 30 MB of zeros stop where the ratio says so; small files may have any ratio."""
    monkeypatch.setattr(unpack, "RATIO_FREE_BYTES", 1_000_000)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"\0" * 30_000_000))
    with pytest.raises(FileRejectedError, match="over 1000:1: a decompression bomb"):
        read_records(tmp_path / "a.csv.gz")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"id,x\n" + b"1,2\n" * 200_000))
    assert read_records(tmp_path / "b.csv.gz").rows_in == 200_000


def test_a_link_in_an_archive_is_named(tmp_path: Path) -> None:
    """Its content is a path, which must not pass for a table."""
    link = zipfile.ZipInfo("link.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(FileRejectedError, match="holds a link, 'link.csv', .* pack the file"):
        read_records(tmp_path / "a.zip", Expectation())
