"""JSON lines without a person: only the person's lines change, and in them only what must."""

from __future__ import annotations

import json
import re
from typing import Any

import polars as pl

from xbec_platform.erasure.csv_redaction import redacted_cell
from xbec_platform.ingest.contracts import Contract
from xbec_platform.ingest.suppression import Suppression, erased_rows, naming_columns, stone_of

# Numbers travel through Python as marked text, so that they keep their digits: 1.10 stays 1.10.
_MARK = "\ue000"
_MARKED = re.compile(rf'"{_MARK}([^"]*)"')


def redact_json_lines(text: str, contract: Contract, suppression: Suppression) -> str:
    """Text with the lines of erased persons redacted; a line that is no object goes whole when it names one."""
    lines = text.split("\n")
    objects = {number: value for number, line in enumerate(lines) if (value := _object(line)) is not None}
    naming = naming_columns(contract)
    frame = pl.DataFrame(
        {name: [_text(value.get(name)) for value in objects.values()] for name in naming},
        schema=dict.fromkeys(naming, pl.String),
    )
    theirs = erased_rows(frame, contract, suppression)
    for (number, value), is_theirs in zip(objects.items(), theirs, strict=True):
        if is_theirs:
            end = "\r" if lines[number].endswith("\r") else ""
            lines[number] = _redacted(value, contract, suppression) + end
    for number, line in enumerate(lines):
        if number not in objects and (stone := stone_of(line, contract, suppression)):
            lines[number] = stone
    return "\n".join(lines)


def _object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(
            line, parse_float=lambda number: _MARK + number, parse_int=lambda number: _MARK + number
        )
    except (json.JSONDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _text(value: object) -> str | None:
    if value is None or value == "":
        return None
    return value.removeprefix(_MARK) if isinstance(value, str) else json.dumps(value)


def _redacted(value: dict[str, Any], contract: Contract, suppression: Suppression) -> str:
    """The object with all its keys, so that the file keeps its columns."""
    changed: dict[str, Any] = {}
    for name, item in value.items():
        text = _text(item)
        after = redacted_cell(name, text or "", contract, suppression)
        changed[name] = item if after == (text or "") else (after or None)
    return _MARKED.sub(r"\1", json.dumps(changed, ensure_ascii=False, separators=(",", ":")))
