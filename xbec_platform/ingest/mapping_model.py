"""Source mappings: how one export becomes canonical tables, one YAML file each, no Python.

A mapping describes the file like a contract, says how its values are spelt, then routes every record to exactly
one canonical table and derives from the accepted records what else they speak of: things (orders, customers) and
the entries of lists inside a record. Expressions are SQL as Polars reads it. What a mapping cannot place goes to
quarantine, never away. What a mapping is made of is here; `mapping_document` reads and checks one, `mappings` finds
them, `mapping_steps` and `routing` carry out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl

from xbec_platform.ingest.contracts import Column, Contract, ContractError, contracts
from xbec_platform.ingest.formats.records import Reading
from xbec_platform.ingest.mapping_columns import FileColumn

LOOKUPS = Path(__file__).parent / "lookups"


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """A table of codes: the value for the key that a column of the file holds; null when it is not listed.

    Attributes:
        path: CSV file.
        column: Column of the records.
        key: Column of the CSV that is compared.
        value: Column of the CSV that is taken.
    """

    # Not in repr: the text of a mapping is what it is, wherever it lies.
    path: Path = field(repr=False)
    column: str
    key: str
    value: str

    def frame(self, alias: str) -> pl.DataFrame:
        """Two columns, `column` and `alias`.

        Raises:
            ContractError: The table lists a key twice: it would double records.
        """
        table = pl.read_csv(self.path, infer_schema=False)
        twice = sorted(table.filter(pl.col(self.key).is_duplicated())[self.key].unique().drop_nulls())
        if twice:
            raise ContractError(f"{self.path.name}: {self.key} is listed twice: {', '.join(twice)}")
        return table.select(pl.col(self.key).alias(self.column), pl.col(self.value).alias(alias))


@dataclass(frozen=True, kw_only=True)
class FillDown:
    """Columns that stand only on the first of neighbouring records with equal `within`."""

    within: tuple[str, ...]
    columns: tuple[str, ...]


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
class ItemList:
    """A table of the entries of a list inside each record, one row per entry.

    Attributes:
        sources: Routes whose records are looked at.
        of: Column with a JSON list of objects.
        ordinal: New column, the place of the entry in its list from 1.
        fields: Typed fields of the entries, by name.
        columns: Canonical column -> SQL over the record's columns, the fields and the ordinal.
        where: Entries that are taken.
    """

    sources: tuple[str, ...]
    of: str
    ordinal: str
    fields: Mapping[str, Column]
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
        deliver_by: Timestamp columns that cut one history file into daily drops, a record on the day of the latest;
            empty: it is not cut.
        reading: What is declared of encoding, delimiter and the like.
        file: Contract of the file as delivered.
        records: The same with ordinals and the values taken out of nested columns.
        treated: How values are spelt, for the columns that need it.
        extra: What happens to columns of the file that are not named: kept in `_extra`, or dropped.
        fill_down: Values to carry down.
        ordinals: New column -> columns within which records are numbered in file order.
        lookups: New column -> lookup.
        derive: New column -> SQL expression.
        routes: First match wins.
        tables: Canonical table -> column -> SQL expression.
        without_row: Routes of records that make no row of their own -> why; entities may still draw on them.
        entities: Derived canonical tables.
        lists: Canonical tables of list entries.
        text: The file and its tables of codes as they are: what a verdict depends on.
    """

    name: str
    description: str
    shop: str
    base_currency: str
    time_zone: str = "UTC"
    deliver_by: tuple[str, ...] = ()
    reading: Reading = field(default_factory=Reading)
    file: Contract
    records: Contract
    treated: tuple[FileColumn, ...] = ()
    extra: Literal["keep", "drop"] = "keep"
    fill_down: FillDown | None = None
    ordinals: Mapping[str, tuple[str, ...]]
    lookups: Mapping[str, Lookup]
    derive: Mapping[str, str]
    routes: tuple[Route, ...]
    tables: Mapping[str, Mapping[str, str]]
    without_row: Mapping[str, str]
    entities: Mapping[str, Entity]
    lists: Mapping[str, ItemList]
    text: str = ""

    @property
    def filled(self) -> Mapping[str, Mapping[str, str]]:
        """Every canonical table the mapping fills -> column -> expression."""
        derived: dict[str, Entity | ItemList] = {**self.entities, **self.lists}
        return {**self.tables, **{name: one.columns for name, one in derived.items()}}

    @property
    def kept_together(self) -> frozenset[tuple[str, ...]]:
        """Sets of columns whose equal records need one file: they are numbered in it, or fill each other."""
        within = {*self.ordinals.values(), self.fill_down.within if self.fill_down else ()}
        return frozenset(within - {()})

    def __post_init__(self) -> None:
        several = [table for part in (self.tables, self.entities, self.lists) for table in part]
        twice = sorted({table for table in several if several.count(table) > 1})
        if twice:
            raise ContractError(f"mapping {self.name}: {twice} can be filled in one place only")
        for table, columns in self.filled.items():
            if table not in contracts():
                raise ContractError(
                    f"mapping {self.name}: no contract for table {table}; known are {', '.join(contracts())}"
                )
            unknown = sorted(set(columns) - set(contracts()[table].columns))
            if unknown:
                allowed = ", ".join(contracts()[table].columns)
                raise ContractError(
                    f"mapping {self.name}: {table} has no columns {unknown}; it has {allowed}"
                )
        self._check_routes()

    def _check_routes(self) -> None:
        places = {*self.tables, *self.without_row}
        unplaced = sorted({route.to for route in self.routes} - places)
        if unplaced:
            raise ContractError(f"mapping {self.name}: routes lead to undescribed tables {unplaced}")
        if not self.routes or self.routes[-1].when != "true":
            raise ContractError(f"mapping {self.name}: the last route must take every remaining record")
        derived: dict[str, Entity | ItemList] = {**self.entities, **self.lists}
        for table, one in derived.items():
            unrouted = sorted(set(one.sources) - places)
            if unrouted:
                raise ContractError(
                    f"mapping {self.name}: {table} is taken from {unrouted}; routes lead to {sorted(places)}"
                )
