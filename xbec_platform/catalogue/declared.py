"""Facts about tables that neither a contract nor dbt describes, read from `tables.yml`. No rule lives here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from xbec_platform.catalogue.facts import ColumnFacts, TableFacts, grain_and_key
from xbec_platform.ingest.contracts import ContractError
from xbec_platform.yaml_files import read_yaml

FILE = Path(__file__).parent / "tables.yml"
_TABLE_OPTIONS = frozenset({"description", "owner", "domain", "columns"})
_COLUMN_OPTIONS = {"type": "data_type", "description": "description", "unit": "unit", "pii": "pii"}


@dataclass(frozen=True)
class Declared:
    """The content of the file.

    Attributes:
        names: Columns that mean the same wherever they stand.
        tables: One per table of the file.
    """

    names: Mapping[str, ColumnFacts]
    tables: tuple[TableFacts, ...]


def load_declared(path: Path) -> Declared:
    """Read a file of declared tables.

    Raises:
        ContractError: An option is unknown or a class is none; the message names file, table and column.
    """
    raw = read_yaml(path)
    unknown = sorted(set(raw) - {"names", "tables"})
    if unknown:
        raise ContractError(f"{path.name}: unknown sections {unknown}; known are names, tables")
    names = _columns(raw.get("names") or {}, f"{path.name}: names")
    tables = tuple(
        _table(name, options, f"{path.name}: {name}") for name, options in (raw.get("tables") or {}).items()
    )
    return Declared(names, tables)


@cache
def declared() -> Declared:
    """The platform's own file."""
    return load_declared(FILE)


def _table(name: str, options: Mapping[str, Any], place: str) -> TableFacts:
    unknown = sorted(set(options) - _TABLE_OPTIONS)
    if unknown:
        raise ContractError(f"{place}: unknown options {unknown}; known are {sorted(_TABLE_OPTIONS)}")
    grain, key = grain_and_key(options.get("description"))
    return TableFacts(
        name=name,
        description=options.get("description"),
        grain=grain,
        key=key,
        owner=options.get("owner"),
        domain=options.get("domain"),
        columns=_columns(options.get("columns") or {}, place),
    )


def _columns(raw: Mapping[str, Mapping[str, Any]], place: str) -> dict[str, ColumnFacts]:
    columns = {}
    for name, options in raw.items():
        unknown = sorted(set(options) - set(_COLUMN_OPTIONS))
        if unknown:
            raise ContractError(
                f"{place}, column {name}: unknown options {unknown}; known are {sorted(_COLUMN_OPTIONS)}"
            )
        try:
            columns[name] = ColumnFacts(
                **{_COLUMN_OPTIONS[option]: value for option, value in options.items()}
            )
        except ContractError as error:
            raise ContractError(f"{place}, column {name}: {error}") from error
    return columns
