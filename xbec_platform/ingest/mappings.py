"""Source mappings: how one denormalised export becomes canonical tables, one YAML file each, no Python.

A mapping describes the file like a contract, then routes every record to exactly one canonical table and
derives from the accepted records the things they speak of (orders, customers, products). Expressions are
SQL as Polars reads it. What a mapping cannot place goes to quarantine, never away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from xbec_platform.ingest.contracts import Contract, ContractError, contracts, parse_columns

FOLDER = Path(__file__).parent / "mappings"
LOOKUPS = Path(__file__).parent / "lookups"


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """A table of codes: the value for the key that a column of the file holds; null when it is not listed."""

    file: str
    column: str
    key: str
    value: str

    def frame(self, alias: str) -> pl.DataFrame:
        """Two columns, `column` and `alias`."""
        table = pl.read_csv(LOOKUPS / self.file, infer_schema=False)
        return table.select(pl.col(self.key).alias(self.column), pl.col(self.value).alias(alias))


@dataclass(frozen=True, kw_only=True)
class Route:
    """Records for which `when` holds go to the table `to`."""

    to: str
    when: str = "true"


@dataclass(frozen=True, kw_only=True)
class Entity:
    """A table derived from accepted records: one row per `one_per`."""

    sources: tuple[str, ...]
    one_per: tuple[str, ...]
    columns: Mapping[str, str]
    where: str = "true"


@dataclass(frozen=True, kw_only=True)
class SourceMapping:
    """One mapping file.

    Attributes:
        name: Name of the landing folder.
        description: For people.
        shop: Name of the shop for pages.
        base_currency: Currency the shop counts in.
        time_zone: IANA zone of timestamps without an offset.
        deliver_by: Timestamp column that cuts one history file into daily drops.
        file: Contract of the file itself.
        ordinals: New column -> columns within which records are numbered in file order.
        lookups: New column -> lookup.
        derive: New column -> SQL expression.
        routes: First match wins.
        tables: Canonical table -> column -> SQL expression.
        entities: Derived canonical tables.
    """

    name: str
    description: str
    shop: str
    base_currency: str
    time_zone: str
    deliver_by: str
    file: Contract
    ordinals: Mapping[str, tuple[str, ...]]
    lookups: Mapping[str, Lookup]
    derive: Mapping[str, str]
    routes: tuple[Route, ...]
    tables: Mapping[str, Mapping[str, str]]
    entities: Mapping[str, Entity]

    def __post_init__(self) -> None:
        for table, columns in [*self.tables.items(), *((t, e.columns) for t, e in self.entities.items())]:
            if table not in contracts():
                raise ContractError(f"mapping {self.name}: no contract for table {table}")
            unknown = sorted(set(columns) - set(contracts()[table].columns))
            if unknown:
                raise ContractError(f"mapping {self.name}: {table} has no columns {unknown}")
        unplaced = sorted({route.to for route in self.routes} - set(self.tables))
        if unplaced:
            raise ContractError(f"mapping {self.name}: routes lead to undescribed tables {unplaced}")
        if not self.routes or self.routes[-1].when != "true":
            raise ContractError(f"mapping {self.name}: the last route must take every remaining record")


def load_mapping(path: Path) -> SourceMapping:
    """Read one mapping file.

    Raises:
        ContractError: The file says something that is not understood.
    """
    raw = yaml.safe_load(path.read_text())
    try:
        return SourceMapping(
            name=raw.pop("mapping"),
            file=_file_contract(raw.pop("file"), path, raw.get("ordinals", {})),
            ordinals={name: tuple(within) for name, within in raw.pop("ordinals", {}).items()},
            lookups={name: Lookup(**options) for name, options in raw.pop("lookups", {}).items()},
            routes=tuple(Route(**options) for options in raw.pop("routes")),
            entities={name: _entity(options) for name, options in raw.pop("entities", {}).items()},
            derive=raw.pop("derive", {}),
            **raw,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ContractError(f"{path.name}: {error}") from error


def _file_contract(raw: Mapping[str, Any], path: Path, ordinals: Mapping[str, Any]) -> Contract:
    """The contract of the file; ordinals count as columns so that the key may name them."""
    numbers: dict[str, Any] = {name: {"type": "integer"} for name in ordinals}
    return Contract(
        source=path.stem,
        description=f"Records of {path.stem} as delivered",
        domain="mapped",
        owner="team:platform",
        grain="one row per record of the file",
        key=tuple(raw["key"]),
        event_time=raw["event_time"],
        columns=parse_columns({**raw["columns"], **numbers}, path.name),
    )


def _entity(raw: Mapping[str, Any]) -> Entity:
    return Entity(
        sources=tuple(raw["from"]),
        one_per=tuple(raw["one_per"]),
        columns=raw["columns"],
        where=raw.get("where", "true"),
    )


@cache
def mappings() -> Mapping[str, SourceMapping]:
    """All mappings by the landing folder they serve."""
    loaded = [load_mapping(path) for path in sorted(FOLDER.glob("*.yml"))]
    return {mapping.name: mapping for mapping in loaded}
