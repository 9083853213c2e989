"""JSON lines to records of text: one object a line, numbers with the digits of the file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

import polars as pl

from xbec_platform.ingest.formats.csv_text import Part
from xbec_platform.ingest.formats.header import require_names
from xbec_platform.ingest.formats.lines import line_blocks
from xbec_platform.ingest.formats.records import ROW, FileRejectedError


class _Digits(str):
    """A number as the file writes it."""

    __slots__ = ()


def jsonl_parts(chunks: Iterable[bytes]) -> Iterator[Part]:
    """Records in order; a later part has all columns of the earlier ones and may have more.

    Lines that are not one JSON object with each name once are broken.

    Raises:
        FileRejectedError: A name belongs to the intake, there are too many, or the file is one document.
    """
    names: dict[str, None] = {}
    number = line_no = 0
    for block in line_blocks(chunks):
        rows: list[dict[str, str | None]] = []
        numbers: list[int] = []
        broken: list[tuple[int, str, str]] = []
        lines = block.decode("utf-8").split("\n")
        for offset, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            number += 1
            try:
                rows.append(_record(line))
                numbers.append(number)
            except (ValueError, RecursionError) as error:
                broken.append((number, line, f"line {line_no + offset}: {_cause(error)}"))
        if not rows and not names:
            _require_lines(lines, line_no)
        line_no += len(lines) - 1
        names |= dict.fromkeys(sorted({name for row in rows for name in row} - names.keys()))
        require_names(sorted(names), f"line {line_no}") if names else None
        yield Part(_frame(rows, numbers, list(names)), broken)


def _require_lines(lines: list[str], line_no: int) -> None:
    """A document over many lines, or a list of objects, would end in quarantine line by line."""
    first = next((offset for offset, line in enumerate(lines, start=1) if line.strip()), None)
    if first is not None and (lines[first - 1].strip() == "{" or lines[first - 1].lstrip().startswith("[")):
        raise FileRejectedError(
            f"line {line_no + first}: one JSON document, not one object a line; write every record on a line of its own"
        )


def _frame(rows: list[dict[str, str | None]], numbers: list[int], names: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            pl.Series(ROW, numbers, dtype=pl.Int64),
            *[pl.Series(name, [row.get(name) for row in rows], dtype=pl.String) for name in names],
        ]
    )


def _record(line: str) -> dict[str, str | None]:
    value = _DECODER.decode(line.strip())
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - a fault of the data, not of a caller
    if "\\u" in line:
        # "\ud800" alone is legal JSON and no text.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return {name: _text(item) for name, item in value.items()}


def _cause(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg}"
    if isinstance(error, UnicodeError):
        return "an escape is half of a character"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"not JSON with one value a name: {double!r} is given twice")
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"not JSON: {word} is no number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_Digits, parse_int=_Digits, parse_constant=_no_number
)


def _text(value: object) -> str | None:
    """A JSON value as text: null and "" are missing, objects and lists stay JSON."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return str(value)
    return _json(value)


def _json(value: object) -> str:
    """JSON with sorted names and the file's own digits."""
    if isinstance(value, _Digits):
        return str(value)
    if isinstance(value, dict):
        items = (f"{json.dumps(name, ensure_ascii=False)}: {_json(value[name])}" for name in sorted(value))
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_json(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)
