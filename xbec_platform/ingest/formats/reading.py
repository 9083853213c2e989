"""A landed file to records, whatever its format: whole, or in blocks of bounded memory. The way in to `formats`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
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


def read_blocks(path: Path, expect: Expectation, *, block_rows: int) -> Iterator[Records]:
    """Read a landed file in blocks; their concatenation is what `read_records` returns.

    Row numbers run on. `format` grows with what is found (repeated headers), so the last block's is the
    file's. Blocks of JSON lines have the columns seen so far; of all other formats all columns. Excel is read
    whole, within its bounds. A fault late in the file raises after earlier blocks were handed out.

    Args:
        path: The file.
        expect: What the feed promises and declares.
        block_rows: Most readable records in a block; at least one block comes, which may be empty.

    Raises:
        FileRejectedError: The file is broken as a whole or can be read in two ways.
    """
    yield from _blocks(path, expect, block_rows=block_rows)


def _blocks(path: Path, expect: Expectation, *, block_rows: int | None) -> Iterator[Records]:
    content = identify(path, expect.reading)
    parts, describe = _parts(content, expect)
    front, styles = _judged(parts, expect)

    def records(part: Part) -> Records:
        line = "; ".join([*describe(), *remarks(styles)])
        return Records(part.frame, tuple(part.broken), line, styles)

    for part in _sized(itertools.chain(front, parts), block_rows):
        yield records(part)


def _parts(content: Content, expect: Expectation) -> tuple[Iterator[Part], Callable[[], list[str]]]:
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
    file = CsvFile(chunks, expect)
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
    judged = pl.concat(
        (part.frame.select(name for name in numeric if name in part.frame.columns) for part in front),
        how="diagonal",
    ).head(JUDGED_RECORDS)
    return front, detect_styles(judged, expect.numeric, expect.reading)


def _sized(parts: Iterator[Part], block_rows: int | None) -> Iterator[Part]:
    """Parts of at most `block_rows` records and not much less; all in one when None."""
    held: list[Part] = []
    height = 0
    is_first = True
    for part in parts:
        held.append(part)
        height += part.frame.height
        while block_rows is not None and height >= block_rows:
            whole = _joined(held)
            yield Part(whole.frame.head(block_rows), whole.broken)
            held, height = [Part(whole.frame.slice(block_rows), [])], height - block_rows
            is_first = False
    last = _joined(held)
    if is_first or last.frame.height or last.broken:
        yield last


def _joined(parts: list[Part]) -> Part:
    broken = list(itertools.chain.from_iterable(part.broken for part in parts))
    if len(parts) == 1:
        return Part(parts[0].frame, broken)
    return Part(pl.concat((part.frame for part in parts), how="diagonal"), broken)
