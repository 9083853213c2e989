"""A tiny world of contracts, a dbt manifest and live columns whose right classes can be read off. No assertions."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from xbec_platform.catalogue.classify import PERSONAL
from xbec_platform.catalogue.contract_facts import contract_facts
from xbec_platform.catalogue.dbt_facts import dbt_facts
from xbec_platform.catalogue.facts import TableFacts, by_table
from xbec_platform.ingest.contracts import Column, Contract


def contract(source: str, domain: str, *columns: Column) -> Contract:
    """A contract whose key is its first column."""
    return Contract(
        source=source,
        description=f"Rows of {source}",
        domain=domain,
        owner=f"team:{domain}",
        grain=f"one row per {source}",
        key=(columns[0].name,),
        columns={column.name: column for column in columns},
    )


CONTRACTS = {
    "people": contract(
        "people",
        "customer",
        Column(
            name="customer_id", type="text", nullable=False, pii="identifier", description="Id of the shop"
        ),
        Column(name="email_hash", type="text", pii="contact"),
        Column(name="region", type="text", pii="quasi"),
        Column(name="language", type="text"),
        Column(name="height", type="double", unit="cm", min=30, max=280),
    ),
    "depots": contract(
        "depots",
        "logistics",
        Column(name="depot_id", type="text", nullable=False),
        Column(name="lat", type="double", unit="deg"),
        Column(name="language", type="text"),
    ),
}


def node(
    name: str, schema: str, depends_on: list[str], columns: Mapping[str, Mapping[str, Any]], **config: Any
) -> dict[str, Any]:
    """A model as dbt's manifest has it."""
    return {
        "resource_type": "model",
        "name": name,
        "schema": schema,
        "description": f"All of {name}. Grain: one row per thing. Key: thing_id, day.",
        "config": {"meta": {"dagster": {"owners": ["team:customer-data"]}}, **config},
        "depends_on": {"nodes": depends_on},
        "columns": {key: {"name": key, **options} for key, options in columns.items()},
    }


MANIFEST: dict[str, Any] = {
    "sources": {
        "source.x.raw.people": {"schema": "raw", "name": "people"},
        "source.x.raw.depots": {"schema": "raw", "name": "depots"},
        "source.x.ops.log": {"schema": "ops", "name": "log"},
    },
    "nodes": {
        "model.x.stg_people": node("stg_people", "staging", ["source.x.raw.people"], {}),
        "model.x.stg_depots": node("stg_depots", "staging", ["source.x.raw.depots", "source.x.ops.log"], {}),
        "model.x.mart_people": node(
            "mart_people",
            "marts",
            ["model.x.stg_people", "model.x.stg_depots"],
            {
                "customer_id": {"data_type": "varchar", "config": {"meta": {"pii": "identifier"}}},
                "segment": {"data_type": "varchar", "config": {"meta": {"pii": "none", "unit": "words"}}},
            },
        ),
        "test.x.unique": {"resource_type": "test", "name": "unique", "schema": "tests"},
    },
}


def facts(*more: TableFacts) -> dict[str, TableFacts]:
    """All that is said in this world, and more."""
    return by_table(contract_facts(CONTRACTS.values()), dbt_facts(MANIFEST, CONTRACTS), more)


def live(**tables: str) -> pl.DataFrame:
    """Live columns: `staging__stg_people="customer_id VARCHAR, n BIGINT"`; a name with `v_` is a view."""
    rows = [
        {
            "table_name": name.replace("__", "."),
            "column_name": column.split(" ", maxsplit=1)[0],
            "position": place,
            "data_type": column.split(" ", maxsplit=1)[1],
            "is_view": ".v_" in name.replace("__", "."),
        }
        for name, text in tables.items()
        for place, column in enumerate(text.split(", "), start=1)
    ]
    return pl.DataFrame(rows, schema_overrides={"position": pl.Int32})


def personal_columns(rows: pl.DataFrame) -> list[tuple[str, str, str]]:
    """Columns of a catalogue that hold something of a person: (table, column, class), sorted."""
    found = rows.filter(pl.col("pii_class").is_in(PERSONAL)).sort("table_name", "position")
    return list(found.select("table_name", "column_name", "pii_class").iter_rows())
