"""Facts about dbt models and seeds from the manifest: columns, grain, owner, and the raw tables they are made from.

The manifest is given as it was parsed; nothing is read from disk and no dbt is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from xbec_platform.catalogue.facts import ColumnFacts, TableFacts, grain_and_key
from xbec_platform.ingest.contracts import Contract, ContractError

# Whose table it is says what it is about, where rows of several domains meet.
DOMAIN_OF_OWNER = {
    "team:customer-data": "customer",
    "team:sales-data": "sales",
    "team:catalogue": "product",
    "team:logistics": "logistics",
    "team:finance": "finance",
    "team:platform": "reference",
}
RELATIONS = ("model", "seed")


def dbt_facts(manifest: Mapping[str, Any], contracts: Mapping[str, Contract]) -> Iterator[TableFacts]:
    """One table per model and seed of the project."""
    for unique_id, node in sorted(manifest["nodes"].items()):
        if node["resource_type"] in RELATIONS:
            yield node_facts(manifest, unique_id, contracts)


def node_facts(manifest: Mapping[str, Any], unique_id: str, contracts: Mapping[str, Contract]) -> TableFacts:
    """Facts about one model or seed.

    Args:
        manifest: dbt's manifest.
        unique_id: Node of the manifest.
        contracts: By source, for the domain of models made from one source only.

    Raises:
        ContractError: A column's `meta.pii` is no class; the message names model and column.
    """
    node = manifest["nodes"][unique_id]
    grain, key = grain_and_key(node["description"])
    sources = raw_sources(manifest, unique_id)
    meta = node["config"].get("meta") or {}
    owners = (meta.get("dagster") or {}).get("owners") or [None]
    types = node["config"].get("column_types") or {}
    return TableFacts(
        name=f"{node['schema']}.{node['name']}",
        description=node["description"] or None,
        grain=grain,
        key=key,
        owner=owners[0],
        domain=meta.get("domain") or _domain(sources, owners[0], contracts),
        sources=sources,
        columns={
            name: _column(node["name"], column, types.get(name)) for name, column in node["columns"].items()
        },
    )


def raw_sources(manifest: Mapping[str, Any], unique_id: str) -> frozenset[str]:
    """Raw tables a node is made from, over any number of steps."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [unique_id]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        if current in manifest["sources"]:
            source = manifest["sources"][current]
            if source["schema"] == "raw":
                found.add(source["name"])
        elif current in manifest["nodes"]:
            waiting += manifest["nodes"][current].get("depends_on", {}).get("nodes", [])
    return frozenset(found)


def _domain(sources: frozenset[str], owner: str | None, contracts: Mapping[str, Contract]) -> str | None:
    domains = {contracts[source].domain for source in sources if source in contracts}
    return domains.pop() if len(domains) == 1 else DOMAIN_OF_OWNER.get(owner or "")


def _column(model: str, column: Mapping[str, Any], seed_type: str | None) -> ColumnFacts:
    meta = {**(column.get("meta") or {}), **((column.get("config") or {}).get("meta") or {})}
    try:
        return ColumnFacts(
            data_type=column.get("data_type") or seed_type,
            description=column.get("description") or None,
            unit=meta.get("unit"),
            pii=meta.get("pii"),
        )
    except ContractError as error:
        raise ContractError(f"dbt model {model}, column {column['name']}: {error}") from error
