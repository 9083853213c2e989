"""What a mapping may say about a column of its file beyond a contract: spelling, gaps, people, nesting.

Declarations and their mistakes only; `mapping_steps` carries them out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from xbec_platform.ingest.contracts import Column, ContractError, parse_columns

# Ending of the column with the original text of a gap, for expressions of the mapping.
GAP = " gap"
EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
HASHES = ("email", "phone")
OPTIONS = ("absent", "format", "hash", "of", "key", "field")


@dataclass(frozen=True, kw_only=True)
class FileColumn:
    """How a column of the file becomes the text its contract type expects.

    Attributes:
        name: Column of the file, or the new one that is taken out of `of`.
        absent: Texts that mean "not stated"; the value becomes null, the text stays in `_extra`.
        absent_patterns: The same as regular expressions over the whole text.
        formats: strptime patterns, or one of `EPOCHS`; the first that fits counts.
        hash: `email` or `phone`: only the SHA-256 of the normalised value goes on.
        of: Column of JSON that holds the value.
        key: Key of the wanted entry, when `of` holds a list of {key, value: {..._value}} records.
        field: Dotted path, when `of` holds an object.
    """

    name: str
    absent: tuple[str, ...] = ()
    absent_patterns: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    hash: str | None = None
    of: str | None = None
    key: str | None = None
    field: str | None = None

    @property
    def has_gaps(self) -> bool:
        """Some texts of the column mean "not stated"."""
        return bool(self.absent or self.absent_patterns)

    @property
    def is_plain(self) -> bool:
        """Nothing is to be done."""
        return self == FileColumn(name=self.name)


def parse_file_columns(
    raw: Mapping[str, Mapping[str, Any]], place: str
) -> tuple[dict[str, Column], tuple[FileColumn, ...]]:
    """Promises and treatment of the columns of a mapped file.

    Raises:
        ContractError: An option is unknown or cannot be used; the message starts with `place`.
    """
    promised = {field.name for field in fields(Column)} - {"name"}
    treated = []
    for name, options in raw.items():
        unknown = sorted(set(options) - promised - set(OPTIONS))
        if unknown:
            raise ContractError(
                f"{place}: column {name} has unknown options {unknown}; "
                f"known are {sorted({*promised, *OPTIONS})}"
            )
        treated.append(_file_column(name, options, place))
    columns = {
        name: {key: value for key, value in options.items() if key not in OPTIONS}
        for name, options in raw.items()
    }
    _require_sources(treated, place)
    return parse_columns(columns, place), tuple(treated)


def _file_column(name: str, options: Mapping[str, Any], place: str) -> FileColumn:
    texts, patterns = _absent(_listed(options.get("absent")), f"{place}: column {name}: absent")
    hashed = options.get("hash")
    if hashed is not None and hashed not in HASHES:
        raise ContractError(f"{place}: column {name}: hash is {hashed!r}, allowed are {', '.join(HASHES)}")
    formats = tuple(_listed(options.get("format")))
    if formats and options.get("type") not in {"date", "timestamp"}:
        raise ContractError(f"{place}: column {name}: only a date or timestamp can have a format")
    for spelling in formats:
        if spelling not in EPOCHS and "%" not in spelling:
            allowed = ", ".join(EPOCHS)
            raise ContractError(
                f"{place}: column {name}: format {spelling!r} is neither a strptime pattern nor one of {allowed}"
            )
    return FileColumn(
        name=name,
        absent=texts,
        absent_patterns=patterns,
        formats=formats,
        hash=hashed,
        of=options.get("of"),
        key=options.get("key"),
        field=options.get("field"),
    )


def _listed(value: object) -> Sequence[Any]:
    return () if value is None else value if isinstance(value, list) else (value,)


def _absent(entries: Sequence[Any], place: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Exact texts, and patterns given as `{pattern: ...}`."""
    texts, patterns = [], []
    for entry in entries:
        if isinstance(entry, str):
            texts.append(entry)
        elif isinstance(entry, dict) and set(entry) == {"pattern"}:
            patterns.append(_checked_pattern(str(entry["pattern"]), place))
        else:
            raise ContractError(f"{place}: {entry!r} is neither a text (in quotes) nor {{pattern: ...}}")
    return tuple(texts), tuple(patterns)


def _checked_pattern(pattern: str, place: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ContractError(f"{place}: pattern {pattern!r} cannot be used: {error}") from error
    return pattern


def _require_sources(columns: Sequence[FileColumn], place: str) -> None:
    """A nested value names its column and exactly one way into it."""
    delivered = {column.name for column in columns if column.of is None}
    for column in columns:
        ways = [way for way in (column.key, column.field) if way is not None]
        if column.of is None and ways:
            raise ContractError(f"{place}: column {column.name}: key or field needs `of`, a column of JSON")
        if column.of is not None and len(ways) != 1:
            raise ContractError(f"{place}: column {column.name}: `of` needs exactly one of key and field")
        if column.of is not None and column.of not in delivered:
            raise ContractError(
                f"{place}: column {column.name}: `of` names no column of the file: {column.of}"
            )
