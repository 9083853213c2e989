"""The class of every column: who said it, or which rule did. Tables are given as facts and column names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from xbec_platform.catalogue.facts import ColumnFacts, TableFacts, strongest
from xbec_platform.catalogue.names import direct_class, is_text, quasi_class, unit_of

PERSONAL = ("quasi", "identifier", "contact")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a column is.

    Attributes:
        pii: none, identifier, quasi or contact; None when nobody said it and no rule knows the name.
        source: declared (contract, dbt, tables.yml), name (a rule of names.py), inherited (same name in a raw
            table the rows are made from), same name (declared for every table or in a related model), no text
            (a number, flag or time that no rule names), no person (a table without any identifying column);
            None when unclassified.
        unit: Unit of measure, for people.
        description: For people.
    """

    pii: str | None
    source: str | None
    unit: str | None
    description: str | None


class Classifier:
    """Applies what is known to the columns of any table.

    Args:
        tables: All facts by table.
        names: Columns that mean the same wherever they stand.
    """

    def __init__(self, tables: Mapping[str, TableFacts], names: Mapping[str, ColumnFacts]) -> None:
        self._tables = tables
        self._names = dict(names)
        self._related: dict[str, list[tuple[frozenset[str], str]]] = {}
        for facts in tables.values():
            for name, column in facts.columns.items():
                if facts.layer != "raw" and facts.sources and column.pii is not None:
                    self._related.setdefault(name, []).append((facts.sources, column.pii))

    def table(self, name: str, types: Mapping[str, str | None]) -> dict[str, Verdict]:
        """Verdicts on the columns of one table.

        Args:
            name: `schema.table`.
            types: Data type by column, in the table's order; None for an unknown one.
        """
        facts = self._tables.get(name, TableFacts(name=name))
        about_persons = any(self._identifies(facts, column) for column in types)
        return {
            column: self._verdict(facts, column, data_type, about_persons)
            for column, data_type in types.items()
        }

    def _verdict(self, facts: TableFacts, name: str, data_type: str | None, about_persons: bool) -> Verdict:
        said = facts.columns.get(name, ColumnFacts())
        origins = [column for column in self._origins(facts, name) if column is not said]
        everywhere = self._names.get(name, ColumnFacts())
        units = {column.unit for column in origins if column.unit}
        # Only staging keeps rows as they came: what a source says of a column may be wrong further on.
        words = {column.description for column in origins if column.description and facts.layer == "staging"}
        pii, source = self._class(facts, name, data_type, about_persons)
        return Verdict(
            pii=pii,
            source=source,
            unit=said.unit
            or everywhere.unit
            or (units.pop() if len(units) == 1 else None)
            or unit_of(name, data_type),
            description=said.description
            or (words.pop() if len(words) == 1 else None)
            or everywhere.description,
        )

    def _class(
        self, facts: TableFacts, name: str, data_type: str | None, about_persons: bool
    ) -> tuple[str | None, str | None]:
        """Class and who said it, the nearest voice first."""
        said = facts.columns.get(name, ColumnFacts()).pii
        together = quasi_class(name) if about_persons else None
        inherited = self._inherited(facts, name)
        if together and inherited == "none":
            # `lat` is harmless of a warehouse; beside a person it may as well be where that person lives.
            inherited = None
        everywhere = self._names[name].pii if name in self._names else None
        voices = (
            (said, "declared"),
            (direct_class(name), "name"),
            (inherited, "inherited"),
            (together, "name"),
            (everywhere or self._same_name(facts, name), "same name"),
        )
        for pii, source in voices:
            if pii is not None:
                return pii, source
        if not is_text(data_type):
            return "none", "no text"
        return (None, None) if about_persons else ("none", "no person")

    def _identifies(self, facts: TableFacts, name: str) -> bool:
        said = facts.columns.get(name, ColumnFacts()).pii
        found = said or direct_class(name) or self._inherited(facts, name)
        return found in {"identifier", "contact"}

    def _origins(self, facts: TableFacts, name: str) -> Iterable[ColumnFacts]:
        """Columns of the same name in the raw tables the rows are made from."""
        raw = (self._tables.get(f"raw.{source}") for source in sorted(facts.sources or ()))
        return [table.columns[name] for table in raw if table and name in table.columns]

    def _same_name(self, facts: TableFacts, name: str) -> str | None:
        """Class of the name in other models made from a raw table this one is made from too.

        A name alone proves nothing: `name` is harmless of a group of customers and is not of a customer.
        """
        related = self._related.get(name, [])
        return strongest([pii for sources, pii in related if sources & (facts.sources or frozenset())])

    def _inherited(self, facts: TableFacts, name: str) -> str | None:
        return strongest([column.pii for column in self._origins(facts, name) if column.pii])
