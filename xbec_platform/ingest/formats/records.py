"""What every format hands on: records counted one by one, and what a feed may say about its files.

Types only, and the text form of native values. Nothing here opens a file or decides what a value means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import polars as pl

ROW = "_row_no"


class FileRejectedError(ValueError):
    """A file that cannot be read as a whole, with line (where there is one), cause and what to do."""


def declare(option: str, *values: str) -> str:
    """Where a reading is settled: the end of an error about a file that can be read in several ways.

    Args:
        option: Attribute of `Reading`.
        values: What it may be, as YAML; whoever reads the error chooses.
    """
    lines = " or ".join(f"`FEED: {{{option}: {value}}}`" for value in values)
    return f"declare read.{option}: the line {lines} in the home's reading.yml, FEED being the folder in landing/"


@dataclass(frozen=True, kw_only=True)
class NumberStyle:
    """How a column of a file spells its numbers; the defaults are the plain spelling `-1234.56`.

    Attributes:
        decimal: Sign before the decimals, "." or ",".
        thousands: Signs between groups of three digits, each one character; "" when there are none.
        currency: Signs and codes around the digits, such as "€" or "USD".
        parentheses: Whether `(1.00)` is -1.00.
    """

    decimal: str = "."
    thousands: str = ""
    currency: tuple[str, ...] = ()
    parentheses: bool = False


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a feed declares about its files under `read:`; declared wins over detected.

    Attributes:
        encoding: Python's name of the encoding, such as "cp1252".
        delimiter: Character between cells.
        quote: Character around cells that hold delimiters; "" when none is used.
        escape: How a quote inside a quoted cell is written: "double" or "backslash".
        decimal: Sign before the decimals, "." or ",".
        thousands: Sign between groups of three digits.
        header_row: Record that is the (first) header row, from 1; what comes before is preamble.
        header_rows: Rows of the header; more than one are joined by a blank.
        sheet: Sheet of an Excel file; "*" for all with data, which must have the same header.
        member: File inside a zip archive.
    """

    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: Literal["double", "backslash"] | None = None
    decimal: Literal[".", ","] | None = None
    thousands: str | None = None
    header_row: int | None = None
    header_rows: int = 1
    sheet: str | None = None
    member: str | None = None


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What the feed's contract or mapping says of a file before it is opened.

    Attributes:
        required: Columns that must be in the header: the proof that a dialect is the right one.
        known: All promised columns.
        numeric: Promised columns of numbers, whose spelling is detected.
        reading: What the feed declares.
    """

    required: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    reading: Reading = field(default_factory=Reading)


@dataclass(frozen=True)
class Records:
    """What a file, or a block of it, holds.

    Attributes:
        frame: `_row_no` and one column per column of the file; readable records only. Text formats give text
            with "" as null. Parquet and Excel keep integers, floats, decimals, booleans, dates and timestamps
            in microseconds: with a zone as `Datetime("us", "UTC")`, without one as `Datetime("us")`, since
            only the feed knows whose clock that is. Nested values are JSON text.
        broken: (row_no, raw text, cause) of records that are no records of this file's shape.
        format: What was detected, one line for people, kept in the manifest.
        numbers: Spelling of the numeric columns that are not plain.
        text: The frame as the file spells it, where a reader was allowed to hand plain numbers on as such.
    """

    frame: pl.DataFrame
    broken: tuple[tuple[int, str, str], ...]
    format: str
    numbers: Mapping[str, NumberStyle] = field(default_factory=dict)
    text: Callable[[], pl.DataFrame] | None = field(default=None, compare=False)

    @property
    def rows_in(self) -> int:
        """Records of the file, readable or not."""
        return self.frame.height + len(self.broken)

    def as_spelt(self) -> Records:
        """The same records, every cell as the file spells it."""
        return self if self.text is None else replace(self, frame=self.text(), text=None)


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Native columns as the text a CSV would hold; `_row_no` stays a number, "" becomes null.

    Timestamps are ISO 8601 with microseconds, with `Z` when the file gave a zone.
    """
    native = [name for name, dtype in frame.schema.items() if name != ROW and dtype != pl.String]
    return without_empty(frame.with_columns(_text(name, frame.schema[name]) for name in native))


def without_empty(frame: pl.DataFrame) -> pl.DataFrame:
    """Text columns with "" as null; looking for one costs a tenth of replacing it."""
    text = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    has_empty = frame.select((pl.col(text) == "").any()).row(0) if text else ()
    due = [name for name, is_due in zip(text, has_empty, strict=True) if is_due]
    return frame.with_columns(pl.col(due).replace("", None)) if due else frame


def _text(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        return column.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f" + ("Z" if dtype.time_zone else ""))
    return column.cast(pl.String)
