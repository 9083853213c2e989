"""Contracts: what a source promises about its rows, one YAML file each under `contracts/`. No row is read here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from xbec_platform.yaml_files import read_yaml

FOLDER = Path(__file__).parent / "contracts"
PII_CLASSES = ("none", "identifier", "quasi", "contact")
ERASE_POLICIES = ("delete", "pseudonymise")
_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")
_TYPES: Mapping[str, pl.DataType] = {
    "text": pl.String(),
    "json": pl.String(),
    "country": pl.String(),
    "currency": pl.String(),
    "integer": pl.Int64(),
    "double": pl.Float64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us"),
}


class ContractError(ValueError):
    """A contract or mapping file that cannot be used, with file and cause."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One promised column.

    Attributes:
        name: Column name, with its unit as suffix where it has one.
        type: text, json, country (ISO 3166-1 alpha-2), currency (ISO 4217), integer, double, boolean, date,
            timestamp (UTC) or decimal(p,s).
        nullable: Whether a value may be missing.
        unit: Unit of measure, for people.
        pii: none, identifier, quasi (identifies together with others) or contact.
        description: For people.
        min: Smallest allowed value.
        max: Largest allowed value.
        above: Values must be greater than this.
        allowed: The only allowed values.
        pattern: Regular expression the whole value must match.
    """

    name: str
    type: str
    nullable: bool = True
    unit: str | None = None
    pii: str = "none"
    description: str | None = None
    min: float | None = None
    max: float | None = None
    above: float | None = None
    allowed: tuple[str, ...] | None = None
    pattern: str | None = None

    def __post_init__(self) -> None:
        if self.type not in _TYPES and not _DECIMAL.fullmatch(self.type):
            raise ContractError(f"column {self.name}: unknown type {self.type!r}; known are {sorted(_TYPES)}")
        if self.pii not in PII_CLASSES:
            raise ContractError(f"column {self.name}: pii {self.pii!r} is none of {PII_CLASSES}")

    @property
    def dtype(self) -> pl.DataType:
        """Polars type of the parsed column."""
        decimal = _DECIMAL.fullmatch(self.type)
        return pl.Decimal(int(decimal[1]), int(decimal[2])) if decimal else _TYPES[self.type]

    @property
    def has_few_values(self) -> bool:
        """Whether its texts come from a short list."""
        return self.type in ("country", "currency") or (self.type == "text" and self.allowed is not None)

    @property
    def tells_who(self) -> bool:
        """Whether it alone names a person, hence differs from row to row."""
        return self.pii in ("identifier", "contact")


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What one source promises; `raw.<source>` has exactly these columns and the intake's own.

    Attributes:
        source: Name of the table and of the landing folder.
        description: For people.
        domain: customer, product, sales, logistics, finance or reference.
        owner: Dagster owner, `team:...`.
        grain: What one row is.
        key: Columns that identify a row within a file.
        event_time: Column that says when it happened; None where another row says so.
        looks_ahead: The event time may lie after the drop day (calendars, validity dates).
        parents: Column -> `source.column` of the row it belongs to; a row whose parent has not come waits.
        erase: What becomes of an erased person's rows: delete, or pseudonymise where law wants the row kept.
        columns: By name, in the order of the table.
    """

    source: str
    description: str
    domain: str
    owner: str
    grain: str
    key: tuple[str, ...]
    columns: Mapping[str, Column]
    event_time: str | None = None
    looks_ahead: bool = False
    erase: str = "pseudonymise"
    parents: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = {*self.key, *([self.event_time] if self.event_time else []), *self.parents}
        missing = sorted(named - set(self.columns))
        if missing:
            raise ContractError(
                f"contract {self.source}: key, event time or a parent names no column: {missing}"
            )
        if self.erase not in ERASE_POLICIES:
            raise ContractError(f"contract {self.source}: erase {self.erase!r} is none of {ERASE_POLICIES}")

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Polars schema of the parsed rows."""
        return {name: column.dtype for name, column in self.columns.items()}


def parse_columns(raw: Mapping[str, Mapping[str, Any]], place: str) -> dict[str, Column]:
    """Columns of a YAML mapping `{name: {type: ..., ...}}`.

    Raises:
        ContractError: An option is unknown or invalid; the message starts with `place`.
    """
    known = {option.name for option in fields(Column)} - {"name"}
    columns = {}
    for name, options in raw.items():
        unknown = sorted(set(options) - known)
        if unknown:
            raise ContractError(
                f"{place}: column {name} has unknown options {unknown}; known are {sorted(known)}"
            )
        allowed = options.get("allowed")
        values = {**options, "allowed": tuple(allowed) if allowed else None}
        try:
            columns[name] = Column(name=name, **values)
        except (ContractError, TypeError) as error:
            raise ContractError(f"{place}: {error}") from error
    return columns


def load_contract(path: Path) -> Contract:
    """Read one contract file.

    Raises:
        ContractError: The file says something that is not understood.
    """
    raw = read_yaml(path)
    try:
        columns = parse_columns(raw.pop("columns"), path.name)
        return Contract(columns=columns, key=tuple(raw.pop("key")), **raw)
    except (KeyError, TypeError, AttributeError) as error:
        raise ContractError(f"{path.name}: {error}") from error


@cache
def contracts() -> Mapping[str, Contract]:
    """All contracts of the platform by source, sorted by name."""
    loaded = [load_contract(path) for path in sorted(FOLDER.glob("*.yml"))]
    return {contract.source: contract for contract in loaded}
