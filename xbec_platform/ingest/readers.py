"""From a file's bytes to records of text, counted one by one. No column is interpreted here.

Every reader returns all values as text, so that one screening serves every format and the raw record that
goes to quarantine is what the file said. `row_no` counts data records from 1 in file order.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

ROW = "_row_no"
SUFFIXES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet")


class FileRejectedError(ValueError):
    """A file that cannot be read as a whole, with line (where there is one) and cause."""


@dataclass(frozen=True)
class Records:
    """What a file holds.

    Attributes:
        frame: `_row_no` and one text column per column of the file; readable records only.
        broken: (row_no, raw text, cause) of records that are no records of this file's shape.
        format: What was detected, kept in the manifest.
    """

    frame: pl.DataFrame
    broken: tuple[tuple[int, str, str], ...]
    format: str

    @property
    def rows_in(self) -> int:
        """Records of the file, readable or not."""
        return self.frame.height + len(self.broken)


def read_records(path: Path) -> Records:
    """Read a landed file by its ending.

    Raises:
        FileRejectedError: The file is broken as a whole: wrong ending, cut archive, not UTF-8, no header.
    """
    name = path.name.lower()
    if name.endswith(".parquet"):
        return _read_parquet(path)
    if name.endswith((".csv", ".csv.gz")):
        return _read_csv(_text(path))
    if name.endswith((".jsonl", ".jsonl.gz")):
        return _read_jsonl(_text(path))
    raise FileRejectedError(f"ending is none of {', '.join(SUFFIXES)}")


def _text(path: Path) -> str:
    """Content of a text file, unpacked and decoded."""
    data = path.read_bytes()
    if path.name.lower().endswith(".gz"):
        try:
            data = gzip.decompress(data)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FileRejectedError(f"gzip archive is broken: {error}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileRejectedError(f"line {line}: byte {data[error.start]:#04x} is not UTF-8") from error


def _read_csv(text: str) -> Records:
    """Comma-separated values by RFC 4180; a record with more or fewer cells than the header is broken."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    numbers: list[int] = []
    broken: list[tuple[int, str, str]] = []
    try:
        header = _checked_header(next(reader, None))
        number = 0
        for cells in reader:
            if not cells:
                continue
            number += 1
            if len(cells) == len(header):
                rows.append(cells)
                numbers.append(number)
            else:
                cause = f"line {reader.line_num}: {len(cells)} cells, the header has {len(header)}"
                broken.append((number, json.dumps(cells, ensure_ascii=False), cause))
    except csv.Error as error:
        raise FileRejectedError(f"line {reader.line_num}: {error}") from error
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    frame = pl.DataFrame(
        {ROW: pl.Series(numbers, dtype=pl.Int64)}
        | {name: pl.Series(values, dtype=pl.String) for name, values in zip(header, columns, strict=True)}
    )
    empty_to_null = pl.col(header).replace("", None)
    return Records(frame.with_columns(empty_to_null), tuple(broken), "csv")


def _checked_header(header: list[str] | None) -> list[str]:
    """The header, which names every column once."""
    if not header:
        raise FileRejectedError("line 1: the file is empty, not even a header")
    if "" in header:
        raise FileRejectedError(f"line 1: column {header.index('') + 1} has no name")
    doubles = sorted({name for name in header if header.count(name) > 1})
    if doubles:
        raise FileRejectedError(f"line 1: the header repeats {', '.join(doubles)}")
    return header


def _read_jsonl(text: str) -> Records:
    """One JSON object a line; numbers keep the digits of the file."""
    rows: list[dict[str, str | None]] = []
    numbers: list[int] = []
    broken: list[tuple[int, str, str]] = []
    number = 0
    for line_no, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        number += 1
        try:
            value = json.loads(line, parse_float=str, parse_int=str)
        except json.JSONDecodeError as error:
            broken.append((number, line, f"line {line_no}: not JSON: {error.msg}"))
            continue
        if isinstance(value, dict):
            rows.append({key: _json_text(item) for key, item in value.items()})
            numbers.append(number)
        else:
            broken.append((number, line, f"line {line_no}: not a JSON object"))
    names = sorted({name for row in rows for name in row})
    frame = pl.DataFrame(
        {ROW: pl.Series(numbers, dtype=pl.Int64)}
        | {name: pl.Series([row.get(name) for row in rows], dtype=pl.String) for name in names}
    )
    return Records(frame, tuple(broken), "jsonl")


def _json_text(value: object) -> str | None:
    """A JSON value as text: null and "" are missing, objects and lists stay JSON."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _read_parquet(path: Path) -> Records:
    """Parquet; typed values become the text a CSV would hold, nested ones JSON."""
    try:
        frame = pl.read_parquet(path, use_pyarrow=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise FileRejectedError(f"Parquet file is broken: {error}") from error
    columns = [_as_text(name, dtype) for name, dtype in frame.schema.items()]
    return Records(frame.select(columns).with_row_index(ROW, 1).cast({ROW: pl.Int64}), (), "parquet")


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        in_utc = column.dt.convert_time_zone("UTC") if dtype.time_zone else column
        return in_utc.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f" + ("Z" if dtype.time_zone else ""))
    if isinstance(dtype, pl.Struct):
        return column.struct.json_encode()
    if isinstance(dtype, pl.List | pl.Array):
        return column.map_elements(
            lambda items: json.dumps(items.to_list(), default=str), return_dtype=pl.String
        )
    if isinstance(dtype, pl.Binary):
        return column.cast(pl.String, strict=False)
    return column.cast(pl.String).replace("", None)
