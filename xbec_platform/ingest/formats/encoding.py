"""Which encoding a text file is in, proven over the whole file, and its text as UTF-8 bytes without BOM.

Any bytes can be read as latin-1, so a file that is not UTF-8 is taken for it only when nothing in it speaks
against: no valid UTF-8 sequence beyond ASCII, no control or undefined byte, high letters inside words of ASCII
letters as Western languages write them, and not all of them in pairs that are Chinese or Japanese as well.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xbec_platform.ingest.formats.lines import count_lines
from xbec_platform.ingest.formats.records import FileRejectedError, declare

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LOOK_BYTES = 4096
_HIGH_BYTES = bytes(range(128, 256))
_UTF8_SEQUENCE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}", re.DOTALL
)
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
# Letters of latin-1 and the two ordinals; \xd7 and \xf7 are the signs of multiplication and division.
_HIGH_LETTER = rb"[\xc0-\xd6\xd8-\xf6\xf8-\xff\x8a\x8c\x8e\x9a\x9c\x9e\x9f]"
_PROVEN_WORD = re.compile(rb"[A-Za-z]" + _HIGH_LETTER + rb"|" + _HIGH_LETTER + rb"[A-Za-z]")
_FOREIGN_WORD = re.compile(rb"(?<![A-Za-z\x80-\xff])" + _HIGH_LETTER + rb"{2,}(?![A-Za-z\x80-\xff])")
_SIGN_IN_WORD = re.compile(rb"[A-Za-z][\xa1-\xa9\xab-\xb4\xb6\xb8\xb9\xbb-\xbf\xd7\xf7][A-Za-z]")
_C1 = re.compile(rb"[\x80-\x9f]")
_UNDEFINED_IN_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_CJK = ("gb18030", "shift_jis")


@dataclass(frozen=True)
class Encoding:
    """How to decode a file.

    Attributes:
        name: Python's name of the encoding.
        bom: Bytes of the byte order mark to skip.
        label: For people.
    """

    name: str
    bom: int
    label: str


def detect_encoding(chunks: Iterable[bytes], declared: str | None) -> Encoding:
    """Decide over all bytes of a file.

    Raises:
        FileRejectedError: A byte does not fit, or fits more than one reading; with line, column and readings.
    """
    stream = iter(chunks)
    first = next(stream, b"")
    bom = next(((mark, name) for mark, name in _BOMS if first.startswith(mark)), None)
    whole = _with_first(first, stream)
    if declared is not None:
        return _declared(whole, declared, first)
    if bom is not None and bom[1] == "utf-8":
        fault = _evidence(whole).fault
        if fault:
            raise FileRejectedError(f"{fault}; its byte order mark says UTF-8: deliver it anew")
        return Encoding("utf-8", len(codecs.BOM_UTF8), "utf-8 with BOM")
    if bom is not None:
        encoding = Encoding(bom[1], len(bom[0]), f"{bom[1]} with BOM")
        _require_valid(whole, encoding)
        return encoding
    wide = _wide_without_bom(first[:_LOOK_BYTES])
    if wide is not None:
        encoding = Encoding(wide, 0, f"{wide} without BOM")
        _require_valid(whole, encoding)
        return encoding
    return _narrow(whole)


def utf8_chunks(chunks: Iterable[bytes], encoding: Encoding) -> Iterator[bytes]:
    """The text as UTF-8 without BOM; the encoding is already proven.

    Raises:
        FileRejectedError: The file has changed since it was looked at.
    """
    stream = iter(chunks)
    first = next(stream, b"")[encoding.bom :]
    if encoding.name in ("utf-8", "ascii"):
        yield from (chunk for chunk in _with_first(first, stream) if chunk)
        return
    decoder = codecs.getincrementaldecoder(encoding.name)()
    try:
        for chunk in _with_first(first, stream):
            yield decoder.decode(chunk).encode("utf-8")
        yield decoder.decode(b"", final=True).encode("utf-8")
    except UnicodeError as error:
        raise FileRejectedError(f"is not {encoding.name}: {error}") from error


def _with_first(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _declared(whole: Iterator[bytes], declared: str, first: bytes) -> Encoding:
    try:
        name = codecs.lookup(declared).name
        codecs.getincrementaldecoder(name)()
    except (LookupError, AttributeError) as error:
        raise FileRejectedError(f"read.encoding: {declared!r} is no text encoding Python knows") from error
    mark = next((len(bom) for bom, family in _BOMS if first.startswith(bom) and family == name), 0)
    encoding = Encoding(name, mark, f"{name} as declared")
    _require_valid(whole, encoding)
    return encoding


def _wide_without_bom(start: bytes) -> str | None:
    """UTF-16 of mostly Western text: NUL in at least half of the odd bytes and none of the even, or reverse."""
    even, odd = start[0::2], start[1::2]
    if odd and odd.count(0) * 2 >= len(odd) and not even.count(0):
        return "utf-16-le"
    if odd and even.count(0) * 2 >= len(even) and not odd.count(0):
        return "utf-16-be"
    return None


def _require_valid(whole: Iterable[bytes], encoding: Encoding) -> None:
    """Decode everything once, strictly."""
    decoder = codecs.getincrementaldecoder(encoding.name)()
    lines, skip = 1, encoding.bom
    try:
        for chunk in whole:
            text = decoder.decode(chunk[skip:])
            # Half a surrogate pair decodes in some encodings, but is no character.
            text.encode("utf-8")
            skip = 0
            lines += text.count("\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode(encoding.name, errors="replace")
        line = lines + before.count("\n")
        raise FileRejectedError(f"line {line}: is not {encoding.label}: {error.reason}") from error
    except UnicodeError as error:
        raise FileRejectedError(f"line {lines} or later: is not {encoding.label}: {error}") from error


@dataclass
class _Evidence:
    """What speaks for and against latin-1 in a file that is not UTF-8."""

    fault: str = ""
    has_utf8: bool = False
    proven_words: int = 0
    foreign_words: int = 0
    signs_in_words: int = 0
    c1_bytes: int = 0
    undefined_bytes: int = 0
    words: int = 0
    cjk_words: int = 0

    def look(self, piece: bytes) -> None:
        """Add one piece that is cut between ASCII bytes: its bytes beyond ASCII, each run with its neighbours.

        Equal words are looked at once: seven patterns over the piece itself cost 200 CPU s per GB of French.
        """
        words = {piece[max(run.start() - 1, 0) : run.end() + 1] for run in _HIGH_RUN.finditer(piece)}
        for word in words:
            self.has_utf8 = self.has_utf8 or bool(_UTF8_SEQUENCE.search(word))
            self.proven_words += bool(_PROVEN_WORD.search(word))
            self.foreign_words += bool(_FOREIGN_WORD.search(word))
            self.signs_in_words += bool(_SIGN_IN_WORD.search(word))
            self.c1_bytes += bool(_C1.search(word))
            self.undefined_bytes += bool(_UNDEFINED_IN_CP1252.search(word))
            self.cjk_words += _is_cjk(_HIGH_RUN.findall(word)[0])
        self.words += len(words)

    def doubt(self) -> str:
        """Why the file is not certainly latin-1 or cp1252; "" when it is."""
        if self.has_utf8:
            return "other places are valid UTF-8"
        if self.undefined_bytes:
            return "bytes that no Western encoding defines occur"
        if self.words == self.cjk_words:
            return "all such bytes are Chinese or Japanese text as well"
        if not self.proven_words or self.foreign_words or self.signs_in_words:
            return "such bytes do not stand in Western words"
        return ""


def _is_cjk(run: bytes) -> bool:
    if len(run) < 2:
        return False
    for name in _CJK:
        try:
            text = run.decode(name)
        except UnicodeDecodeError:
            continue
        if all(ord(char) >= 0x2E80 for char in text):
            return True
    return False


def _narrow(whole: Iterator[bytes]) -> Encoding:
    """UTF-8, or latin-1 / cp1252 where nothing speaks against."""
    evidence = _evidence(whole)
    if not evidence.fault:
        return Encoding("utf-8", 0, "utf-8")
    doubt = evidence.doubt()
    if doubt:
        raise FileRejectedError(
            f"{evidence.fault}; {doubt}: deliver UTF-8, or {declare('encoding', 'cp1252')}"
        )
    return Encoding("cp1252", 0, "cp1252") if evidence.c1_bytes else Encoding("latin-1", 0, "latin-1")


def _evidence(whole: Iterator[bytes]) -> _Evidence:
    """Look at every byte beyond ASCII; the first that is not UTF-8 is the fault."""
    line_no, rest, evidence = 1, b"", _Evidence()
    for chunk in whole:
        if chunk.isascii() and not rest:
            line_no += count_lines(chunk)
            continue
        piece, rest = _cut(rest + chunk)
        _look(piece, line_no, evidence)
        line_no += piece.count(b"\n")
    _look(rest, line_no, evidence)
    return evidence


def _cut(data: bytes) -> tuple[bytes, bytes]:
    """Cut where no sequence is torn: behind the last line end, or behind the last ASCII byte."""
    end = data.rfind(b"\n") + 1
    if not end:
        tail = data[-_LOOK_BYTES:]
        end = len(data) - len(tail) + len(tail.rstrip(_HIGH_BYTES))
    return (data[:end], data[end:]) if end else (data, b"")


def _look(piece: bytes, line_no: int, evidence: _Evidence) -> None:
    if piece.isascii():
        return
    try:
        piece.decode("utf-8")
    except UnicodeDecodeError as error:
        evidence.fault = evidence.fault or _fault(piece, error.start, line_no)
        evidence.look(piece)
    else:
        # Whatever else stands in a valid piece, it speaks against latin-1.
        evidence.has_utf8 = True


def _fault(piece: bytes, position: int, line_no: int) -> str:
    """First byte that is not UTF-8, with line, column and how it reads otherwise."""
    start = piece.rfind(b"\n", 0, position) + 1
    end = piece.find(b"\n", position)
    line = line_no + piece.count(b"\n", 0, position)
    around = piece[max(start, position - 20) : min(end if end >= 0 else len(piece), position + 20)]
    readings = [f"as cp1252 {_shown(around, 'cp1252')}"]
    run = _HIGH_RUN.search(piece, position)
    if run and _is_cjk(run[0]):
        readings.append(f"as GB 18030 {_shown(around, 'gb18030')}")
    column = position - start + 1
    return (
        f"line {line}: byte {piece[position]:#04x} is not UTF-8 (column {column}; {', '.join(readings)}, "
        f"as UTF-8 with a damaged byte {_shown(around, 'utf-8')})"
    )


def _shown(data: bytes, encoding: str) -> str:
    return repr(data.decode(encoding, errors="replace").strip("\r"))
