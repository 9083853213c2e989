"""The reference page of contracts: every source, its columns, rules and the mappings that fill it, as one HTML text.

It is generated from the same files the intake obeys, so it cannot disagree with them. No database, no Dagster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from xbec_platform.catalogue.contract_facts import promises
from xbec_platform.ingest.contracts import Column, Contract
from xbec_platform.ingest.mapping_model import SourceMapping
from xbec_platform.ingest.rules import Rule
from xbec_platform.publish.formats import count
from xbec_platform.publish.pages import environment

TYPES = (
    ("text", "Any text; an empty cell is missing"),
    ("json", "A JSON document as text"),
    ("country", "ISO 3166-1 alpha-2, such as DE"),
    ("currency", "ISO 4217, such as EUR"),
    ("integer", "A whole number"),
    ("decimal(p,s)", "An exact number of p digits, s of them after the point: money and rates"),
    ("double", "A measured number"),
    ("boolean", "true or false"),
    ("date", "A day, YYYY-MM-DD"),
    ("timestamp", "A time in UTC; an offset is converted"),
)
CLASSES = (
    ("identifier", "Stands for one person: an id of the shop, a cookie, a session"),
    ("contact", "Reaches the person: hash of an e-mail address or a phone number"),
    ("quasi", "Points at a person together with others: place, year of birth, free text"),
)
SEVERITIES = (
    ("reject", "The record goes to quarantine with the reason; nothing is lost"),
    ("repair", "The value is set by the rule; before and after are on record"),
    ("warn", "The record is loaded and the warning counted"),
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One column on the page.

    Attributes:
        anchor: Id of the row, `source.column`.
        cells: Label and text, in the order of the heads; the first is the name.
        links: Text and anchor, shown in the last cell.
    """

    anchor: str
    cells: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...] = ()


def render_contracts(
    contracts: Iterable[Contract],
    mappings: Iterable[SourceMapping] = (),
    rules: Mapping[str, Sequence[Rule]] | None = None,
) -> str:
    """Render the reference page.

    Every value is escaped; a content security policy forbids scripts and requests on top.

    Args:
        contracts: Sources, shown by name.
        mappings: Mappings of exports, shown by name.
        rules: By source or mapping: what screening asks beyond the contract.

    Returns:
        One HTML document without outside references. Every source has the anchor `#source`, every column
        `#source.column`, every mapping `#mapping.name`. Equal input gives equal bytes.
    """
    sources = sorted(contracts, key=lambda contract: contract.source)
    feeds = sorted(mappings, key=lambda mapping: mapping.name)
    columns = [column for contract in sources for column in contract.columns.values()]
    context = {
        "facts": [
            ("Sources", count(len(sources))),
            ("Columns", count(len(columns))),
            ("Personal columns", count(sum(column.pii != "none" for column in columns))),
            ("Mappings", count(len(feeds))),
        ],
        "sources": [_source(contract, feeds, rules or {}) for contract in sources],
        "mappings": [_mapping(mapping, rules or {}) for mapping in feeds],
        "index": _index(sources),
        "words": (("Types", TYPES), ("Personal data", CLASSES), ("Rules", SEVERITIES)),
    }
    return environment().get_template("contracts.html.j2").render(context)


def _source(
    contract: Contract, feeds: Sequence[SourceMapping], rules: Mapping[str, Sequence[Rule]]
) -> dict[str, object]:
    personal = [name for name, column in contract.columns.items() if column.pii != "none"]
    parents = [f"{column} → {parent}" for column, parent in contract.parents.items()]
    facts = {
        "One row": contract.grain.removeprefix("one row "),
        "Key": ", ".join(contract.key),
        "Event time": _event_time(contract),
        "Domain": contract.domain,
        "Owner": contract.owner,
        "Waits for": ", ".join(parents),
        "Personal": ", ".join(personal) or "none",
        "On erasure": {"delete": "rows are deleted", "pseudonymise": "rows lose the person"}[contract.erase],
    }
    return {
        "name": contract.source,
        "description": contract.description,
        "domain": contract.domain,
        "grain": contract.grain.removeprefix("one row "),
        "key": ", ".join(contract.key),
        "n_columns": count(len(contract.columns)),
        "n_personal": count(len(personal)),
        "facts": [(label, value) for label, value in facts.items() if value],
        "rows": [
            Row(anchor=f"{contract.source}.{name}", cells=_cells(name, column))
            for name, column in contract.columns.items()
        ],
        "rules": _rules(rules.get(contract.source, ())),
        "filled_by": [mapping.name for mapping in feeds if contract.source in mapping.filled],
    }


def _event_time(contract: Contract) -> str:
    if contract.event_time is None:
        return "that of the row it belongs to"
    return contract.event_time + (", may lie after the drop day" if contract.looks_ahead else "")


def _cells(name: str, column: Column) -> tuple[tuple[str, str], ...]:
    return (
        ("Column", name),
        ("Type", column.type),
        ("Unit", column.unit or ""),
        ("May be missing", "yes" if column.nullable else "no"),
        ("Promises", "; ".join(promises(column))),
        ("Personal", "" if column.pii == "none" else column.pii),
        ("Description", column.description or ""),
    )


def _rules(rules: Sequence[Rule]) -> list[dict[str, str]]:
    return [
        {
            "id": rule.id,
            "severity": rule.severity,
            "message": rule.message,
            "condition": _condition(rule),
            "sets": ", ".join(f"{column} = {value}" for column, value in rule.set.items()),
            "reason": rule.reason,
        }
        for rule in rules
    ]


def _condition(rule: Rule) -> str:
    if rule.overlap is not None:
        within = ", ".join(rule.overlap.within)
        return f"{rule.overlap.start} to {rule.overlap.end} overlap within {within}"
    return rule.when if rule.when is not None else f"{rule.predicate}({rule.on})"


def _mapping(mapping: SourceMapping, rules: Mapping[str, Sequence[Rule]]) -> dict[str, object]:
    fills = _fills(mapping)
    nested = {column.name: column.of for column in mapping.treated if column.of}
    return {
        "name": mapping.name,
        "description": mapping.description,
        "facts": [
            ("Key", ", ".join(mapping.file.key)),
            ("Event time", mapping.file.event_time or ""),
            ("Time zone of times without one", mapping.time_zone),
            ("Other columns", "kept in _extra" if mapping.extra == "keep" else "not taken"),
        ],
        "rows": [
            Row(
                anchor=f"mapping.{mapping.name}.{name}",
                cells=(
                    ("Column", name),
                    ("Type", column.type),
                    ("Unit", column.unit or ""),
                    ("May be missing", "yes" if column.nullable else "no"),
                    ("Personal", "" if column.pii == "none" else column.pii),
                    ("Description", _described(column, nested.get(name))),
                ),
                links=tuple((target, target) for target in sorted(fills.get(name, ()))),
            )
            for name, column in mapping.records.columns.items()
        ],
        "tables": [
            {
                "source": source,
                "where": _where(mapping, source),
                "columns": [(name, str(expression)) for name, expression in columns.items()],
            }
            for source, columns in mapping.filled.items()
        ],
        "derived": [(name, str(expression)) for name, expression in mapping.derive.items()],
        "without_row": list(mapping.without_row.items()),
        "rules": _rules(rules.get(mapping.name, ())),
    }


def _described(column: Column, nested: str | None) -> str:
    return "; ".join(filter(None, [column.description, f"taken out of {nested}" if nested else ""]))


def _where(mapping: SourceMapping, source: str) -> str:
    """Which records fill a table, in words and SQL."""
    if source in mapping.entities:
        entity = mapping.entities[source]
        condition = "" if entity.where == "true" else f" where {entity.where}"
        return f"one row per {', '.join(entity.one_per)} of records of {', '.join(entity.sources)}{condition}"
    if source in mapping.lists:
        entries = mapping.lists[source]
        condition = "" if entries.where == "true" else f" where {entries.where}"
        return f"one row per entry of {entries.of} in records of {', '.join(entries.sources)}{condition}"
    conditions = [route.when for route in mapping.routes if route.to == source]
    return "every remaining record" if conditions == ["true"] else f"records where {' or '.join(conditions)}"


def _fills(mapping: SourceMapping) -> dict[str, set[str]]:
    """Column of the export -> the canonical columns (`source.column`) it goes into, through any derivation."""
    fills: dict[str, set[str]] = {}
    for source, columns in mapping.filled.items():
        for name, expression in columns.items():
            for column in _reads(mapping, source, str(expression), frozenset()):
                fills.setdefault(column, set()).add(f"{source}.{name}")
    return fills


def _reads(mapping: SourceMapping, source: str, expression: str, within: frozenset[str]) -> set[str]:
    """Columns of the export an expression reads; `within` are derivations it stands in."""
    found: set[str] = set()
    for name in pl.sql_expr(expression).meta.root_names():
        if name in mapping.derive and name not in within:
            found |= _reads(mapping, source, mapping.derive[name], within | {name})
        elif name in mapping.lookups:
            found.add(mapping.lookups[name].column)
        elif source in mapping.lists and name in mapping.lists[source].fields:
            found.add(mapping.lists[source].of)
        else:
            found.add(name)
    return found


def _index(sources: Sequence[Contract]) -> list[tuple[str, list[str]]]:
    """Every column name with the sources that have it, by name."""
    having: dict[str, list[str]] = {}
    for contract in sources:
        for name in contract.columns:
            having.setdefault(name, []).append(contract.source)
    return sorted(having.items())
