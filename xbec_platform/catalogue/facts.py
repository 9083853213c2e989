"""What somebody has said about tables and columns, whoever said it. Where it was said belongs to the readers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from xbec_platform.ingest.contracts import PII_CLASSES, ContractError

# From harmless to direct: what a value tells about who the person is. A contact also reaches the person.
STRENGTH: Mapping[str, int] = {"none": 0, "quasi": 1, "identifier": 2, "contact": 3}
_GRAIN = re.compile(r"\bGrain: (.+?)\.(?=\s|$)", re.DOTALL)
_KEY = re.compile(r"\bKey: (.+?)\.(?=\s|$)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class ColumnFacts:
    """What was said about a column; None where nobody said it.

    Attributes:
        data_type: Type as its author writes it.
        description: For people.
        unit: Unit of measure, for people.
        pii: none, identifier, quasi or contact.
        promises: What a contract promises of every value, in words.
        is_nullable: Whether a value may be missing.
    """

    data_type: str | None = None
    description: str | None = None
    unit: str | None = None
    pii: str | None = None
    promises: tuple[str, ...] = ()
    is_nullable: bool = True

    def __post_init__(self) -> None:
        if self.pii is not None and self.pii not in PII_CLASSES:
            raise ContractError(f"pii {self.pii!r} is none of {PII_CLASSES}")


@dataclass(frozen=True, kw_only=True)
class TableFacts:
    """What was said about a table.

    Attributes:
        name: `schema.table`.
        description: For people.
        grain: What one row is.
        key: Columns that identify a row.
        owner: Dagster owner, `team:...`.
        domain: Business domain.
        sources: Raw tables its rows are made from, without the schema; None where nobody knows.
        columns: By name, in the author's order; need not be complete.
    """

    name: str
    description: str | None = None
    grain: str | None = None
    key: tuple[str, ...] = ()
    owner: str | None = None
    domain: str | None = None
    sources: frozenset[str] | None = None
    columns: Mapping[str, ColumnFacts] = field(default_factory=dict)

    @property
    def layer(self) -> str:
        """The schema: raw, staging, intermediate, marts, ml, seeds, ops, quarantine."""
        return self.name.split(".", maxsplit=1)[0]


def grain_and_key(description: str | None) -> tuple[str | None, tuple[str, ...]]:
    """Grain and key out of a description such as `Grain: one row per day. Key: day, customer_id.`, if it says so.

    Returns:
        The grain without its full stop (None when not said) and the key's columns (empty when not said).
    """
    grain, key = _GRAIN.search(description or ""), _KEY.search(description or "")
    names = tuple(part.strip() for part in key[1].split(",")) if key else ()
    return " ".join(grain[1].split()) if grain else None, names


def strongest(classes: Iterable[str]) -> str | None:
    """The class that tells most about the person; None of none."""
    return max(classes, key=STRENGTH.__getitem__, default=None)


def merged(first: TableFacts, second: TableFacts) -> TableFacts:
    """Facts of both about one table; where both speak, the first one counts."""
    columns = dict(second.columns) | dict(first.columns)
    return replace(
        first,
        description=first.description or second.description,
        grain=first.grain or second.grain,
        key=first.key or second.key,
        owner=first.owner or second.owner,
        domain=first.domain or second.domain,
        sources=first.sources if first.sources is not None else second.sources,
        columns=columns,
    )


def by_table(*readers: Iterable[TableFacts]) -> dict[str, TableFacts]:
    """All facts by table; readers are given in the order in which they count."""
    found: dict[str, TableFacts] = {}
    for facts in (table for reader in readers for table in reader):
        found[facts.name] = merged(found[facts.name], facts) if facts.name in found else facts
    return found
