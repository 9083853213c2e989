"""Contracts and mappings are complete, and mistakes in them are named."""

from pathlib import Path

import pytest

from xbec_platform.ingest.contracts import ContractError, contracts, load_contract
from xbec_platform.ingest.mappings import mappings

SOURCES = {
    "deliveries",
    "event_items",
    "calendar",
    "campaigns",
    "cluster_promotions",
    "competitor_observations",
    "customers",
    "deletion_requests",
    "events",
    "fx_rates",
    "impressions",
    "inventory_snapshots",
    "lanes",
    "operation_modes",
    "order_lines",
    "orders",
    "payments",
    "preferences",
    "presales",
    "process_stages",
    "products",
    "registration_events",
    "restricted_items",
    "returns",
    "reviews",
    "shipments",
    "tariff_rules",
    "tracking_events",
    "warehouses",
}


def test_every_source_has_a_contract_with_owner_grain_and_key() -> None:
    """The 26 sources of the data model, two that real exports brought, and the decisions of operators on groups."""
    assert set(contracts()) == SOURCES
    for contract in contracts().values():
        assert contract.owner.startswith("team:")
        assert contract.grain.startswith("one row per")
        assert contract.description.endswith(".")


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_every_column_is_described(source: str) -> None:
    """Dagster, the contracts page, ops.catalogue and `xbec contracts` show it; the name said again says nothing."""
    columns = contracts()[source].columns
    words = {name: (column.description or "").strip() for name, column in columns.items()}
    assert [name for name, text in words.items() if not text] == []
    assert [n for n, text in words.items() if text.lower().replace(" ", "_") == n] == []
    assert [name for name, text in words.items() if text.endswith(".")] == []


def test_online_retail_mapping_loads() -> None:
    """The mapping names only tables and columns that exist (checked when it is loaded)."""
    assert set(mappings()["online_retail"].tables) == {"order_lines", "returns"}


@pytest.mark.parametrize(
    ("columns", "cause"),
    [
        ("{a: {type: txt}}", "unknown type 'txt'"),
        ("{a: {type: text, nulable: true}}", "unknown options"),
        ("{a: {type: text, pii: secret}}", "pii 'secret'"),
        ("{b: {type: text}}", "names no column: \\['a'\\]"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, columns: str, cause: str) -> None:
    """A typo in a contract must not silently weaken it."""
    path = tmp_path / "x.yml"
    path.write_text(
        f"{{source: x, description: d, domain: d, owner: o, grain: g, key: [a], columns: {columns}}}"
    )
    with pytest.raises(ContractError, match=cause):
        load_contract(path)
