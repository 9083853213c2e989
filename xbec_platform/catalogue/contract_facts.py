"""Facts about raw tables from their contracts. Rows and files are no matter of this module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xbec_platform.catalogue.facts import ColumnFacts, TableFacts
from xbec_platform.ingest.contracts import Column, Contract


def contract_facts(contracts: Iterable[Contract]) -> Iterator[TableFacts]:
    """One `raw.<source>` per contract, with all promised columns; the intake's own columns are not among them."""
    for contract in contracts:
        yield TableFacts(
            name=f"raw.{contract.source}",
            description=contract.description,
            grain=contract.grain,
            key=contract.key,
            owner=contract.owner,
            domain=contract.domain,
            sources=frozenset({contract.source}),
            columns={name: column_facts(column) for name, column in contract.columns.items()},
        )


def column_facts(column: Column) -> ColumnFacts:
    """A promised column; the contract always says its class."""
    return ColumnFacts(
        data_type=column.type,
        description=column.description,
        unit=column.unit,
        pii=column.pii,
        promises=promises(column),
        is_nullable=column.nullable,
    )


def promises(column: Column) -> tuple[str, ...]:
    """What the contract promises of every value beyond its type, in words: `>= 0`, `one of a, b`."""
    said = (
        f">= {column.min:g}" if column.min is not None else "",
        f"<= {column.max:g}" if column.max is not None else "",
        f"> {column.above:g}" if column.above is not None else "",
        f"one of {', '.join(column.allowed)}" if column.allowed else "",
        f"matches {column.pattern}" if column.pattern else "",
    )
    return tuple(filter(None, said))
