"""A landed file to records, whatever its format: whole, or in blocks of bounded memory. The way in to `formats`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from xbec_platform.ingest.formats.csv_text import CsvFile, Part
from xbec_platform.ingest.formats.encoding import detect_encoding, utf8_chunks
from xbec_platform.ingest.formats.excel import read_excel
from xbec_platform.ingest.formats.jsonl import jsonl_parts
from xbec_platform.ingest.formats.numbers import JUDGED_RECORDS, detect_styles, remarks
from xbec_platform.ingest.formats.parquet import parquet_frames
from xbec_platform.ingest.formats.records import ROW, Expectation, NumberStyle, Records
from xbec_platform.ingest.formats.unpack import Content, identify

_UNDECLARED = Expectation()
# Batches of a million rows leave the processor's cache and are decoded at half the speed.
PARQUET_ROWS = 131_072


def read_records(path: Path, expect: Expectation = _UNDECLARED) -> Records:
    """Read a landed file whole.

    Args:
        path: The file; its content decides the format, see `unpack`.
        expect: What the feed promises and declares.

    Raises:
        FileRejectedError: The file is broken as a whole or can be read in two ways.
    """
    blocks = list(_blocks(path, expect, block_rows=None))
    frames = [block.frame for block in blocks]
    frame = pl.concat(frames, how="diagonal") if len(frames) > 1 else frames[0]
    broken = tuple(itertools.chain.from_iterable(block.broken for block in blocks))
    return replace(blocks[-1], frame=frame, broken=broken)


def read_blocks(
    path: Path, expect: Expectation, *, block_rows: int, plain: Mapping[str, pl.DataType] | None = None
) -> Iterator[Records]:
    """Read a landed file in blocks; their concatenation is what `read_records` returns.

    Row numbers run on. `format` grows with what is found (repeated headers), so the last block's is the
    file's. Blocks of JSON lines have the columns seen so far; of all other formats all columns. Excel is read
    whole, within its bounds. A fault late in the file raises after earlier blocks were handed out.

    Args:
        path: The file.
        expect: What the feed promises and declares.
        block_rows: Most readable records in a block; at least one block comes, which may be empty.
        plain: Columns of numbers that may come as such from a text where they are plainly spelt in all of a
            block; `Records.as_spelt` gives the text.

    Raises:
        FileRejectedError: The file is broken as a whole or can be read in two ways.
    """
    yield from _blocks(path, expect, block_rows=block_rows, plain=plain)


def _blocks(
    path: Path,
    expect: Expectation,
    *,
    block_rows: int | None,
    plain: Mapping[str, pl.DataType] | None = None,
) -> Iterator[Records]:
    content = identify(path, expect.reading)
    parts, describe = _parts(content, expect, plain)
    front, styles = _judged(parts, expect)
    every = itertools.chain(front, parts)
    # A number that looks plain may be another one in the style of its file.
    judged = (part.as_text() for part in every) if styles else every
    for part in _sized(judged, block_rows):
        line = "; ".join([*describe(), *remarks(styles)])
        yield Records(part.frame, tuple(part.broken), line, styles, part.text)


def _parts(
    content: Content, expect: Expectation, plain: Mapping[str, pl.DataType] | None
) -> tuple[Iterator[Part], Callable[[], list[str]]]:
    """The records of any format, and what was detected so far."""
    about = [*([content.packing] if content.packing else []), *content.notes]
    match content.kind:
        case "parquet":
            frames = parquet_frames(content.path, batch_rows=PARQUET_ROWS)
            return (Part(frame, []) for frame in frames), lambda: ["parquet", *about]
        case "excel":
            sheet = read_excel(content.path, expect)
            return iter([Part(sheet.frame, list(sheet.broken))]), lambda: [sheet.format, *about]
    encoding = detect_encoding(content.chunks(), expect.reading.encoding)
    chunks = utf8_chunks(content.chunks(), encoding)
    if content.kind == "jsonl":
        empty = Part(pl.DataFrame(schema={ROW: pl.Int64}), [])
        return itertools.chain([empty], jsonl_parts(chunks)), lambda: ["jsonl", *about, encoding.label]
    file = CsvFile(chunks, expect, plain)
    return file.parts(), lambda: ["csv", *about, encoding.label, file.format]


def _judged(parts: Iterator[Part], expect: Expectation) -> tuple[list[Part], dict[str, NumberStyle]]:
    """The first parts, and the spelling of numbers in their first records."""
    front: list[Part] = []
    if not expect.numeric:
        return front, {}
    height = 0
    for part in parts:
        front.append(part)
        height += part.frame.height
        if height >= JUDGED_RECORDS:
            break
    numeric = [ROW, *expect.numeric]
    texts = [part.as_text().frame for part in front]
    judged = pl.concat(
        (frame.select(name for name in numeric if name in frame.columns) for frame in texts),
        how="diagonal",
    ).head(JUDGED_RECORDS)
    return front, detect_styles(judged, expect.numeric, expect.reading)


def _sized(parts: Iterator[Part], block_rows: int | None) -> Iterator[Part]:
    """Parts of at most `block_rows` records and no less than half of it; all in one when None.

    Parts that are large enough pass as they are: every copy of a record's text costs 0.1 CPU s per million.
    """
    held: list[Part] = []
    height = 0
    is_first = True
    for part in parts:
        held.append(part)
        height += part.frame.height
        while block_rows is not None and height * 2 >= block_rows:
            whole = _joined(held)
            height = max(height - block_rows, 0)
            held = [whole.cut(block_rows, height)] if height else []
            yield replace(whole.cut(0, block_rows), broken=whole.broken) if height else whole
            is_first = False
    last = _joined(held) if held else None
    if last is not None and (is_first or last.frame.height or last.broken):
        yield last


def _joined(parts: list[Part]) -> Part:
    held = [part for part in parts if part.frame.height or part.broken] or parts[:1]
    if len(held) == 1:
        return held[0]
    if any(part.frame.schema != held[0].frame.schema for part in held):
        held = [part.as_text() for part in held]
    broken = list(itertools.chain.from_iterable(part.broken for part in held))
    frame = pl.concat((part.frame for part in held), how="diagonal")
    has_text = any(part.text is not None for part in held)
    return Part(
        frame, broken, (lambda: _joined([part.as_text() for part in held]).frame) if has_text else None
    )
