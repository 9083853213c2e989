"""The catalogue as an asset: every column there is with its class, and the same for the UI's column schemas.

What a column is, is decided in `xbec_platform.catalogue`; here facts and live columns are brought together.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform.asset_keys import CATALOGUE
from xbec_platform.assets.dbt_cli import dbt_project
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import described, markdown_table, table_schema
from xbec_platform.catalogue.contract_facts import contract_facts
from xbec_platform.catalogue.dbt_facts import dbt_facts
from xbec_platform.catalogue.declared import declared
from xbec_platform.catalogue.facts import ColumnFacts, TableFacts, by_table, grain_and_key
from xbec_platform.ingest.contracts import contracts

if TYPE_CHECKING:
    import duckdb
    import polars as pl

# Schemas whose assets are tables of the warehouse; `published` holds files.
LAYERS = frozenset({"raw", "quarantine", "ops", "seeds", "staging", "intermediate", "marts", "ml"})

CHANGES = "ops.schema_changes"
LIVE_SQL = """
SELECT schema_name || '.' || table_name AS table_name, column_name, column_index::INTEGER AS position, data_type,
    (schema_name, table_name) IN (SELECT (schema_name, view_name) FROM duckdb_views()) AS is_view
FROM duckdb_columns() WHERE database_name = current_database() AND NOT internal ORDER BY ALL
"""


def build_catalogue_assets(tables: Iterable[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """The catalogue of a home.

    Args:
        tables: All assets that fill tables; the catalogue runs after them and takes from their specs what
            neither a contract nor dbt nor `tables.yml` says.
    """
    specs = {spec.key: spec for assets in tables for spec in assets.specs if spec.key.path[0] in LAYERS}
    own = _spec(deps=sorted(specs))
    facts = tuple(spec_facts(spec) for spec in [own, *(specs[key] for key in sorted(specs))])

    @dg.multi_asset(name="catalogue", specs=[own], pool="warehouse")
    def catalogue(warehouse: WarehouseResource) -> dg.MaterializeResult[Any]:
        with warehouse.file.transaction("catalogue") as connection:
            rows = write_catalogue(connection, known_tables(facts))
        return dg.MaterializeResult(asset_key=CATALOGUE, metadata=_metadata(rows))

    return [catalogue]


def _spec(deps: list[dg.AssetKey]) -> dg.AssetSpec:
    return described(
        dg.AssetSpec(
            CATALOGUE,
            group_name="platform",
            owners=["team:platform"],
            kinds={"duckdb", "polars"},
            tags={"domain": "operations"},
            description="Every column of the warehouse with unit, domain, PII class and who said it; erasure and "
            "masking work through it. Grain: one row per column of a table or view. Key: table_name, column_name.",
            metadata={"dagster/table_name": "ops.catalogue"},
            deps=deps,
        )
    )


def spec_facts(spec: dg.AssetSpec) -> TableFacts:
    """What an asset's spec says of its table."""
    grain, key = grain_and_key(spec.description)
    return TableFacts(
        name=".".join(spec.key.path),
        description=spec.description,
        grain=grain,
        key=key,
        owner=spec.owners[0] if spec.owners else None,
        domain=spec.tags.get("domain"),
    )


def known_tables(specs: Iterable[TableFacts] = ()) -> Mapping[str, TableFacts]:
    """All that is said of tables: contracts first, then dbt, then `tables.yml`, then the assets' specs."""
    manifest = json.loads(Path(dbt_project().manifest_path).read_text())
    return by_table(
        contract_facts(contracts().values()), dbt_facts(manifest, contracts()), declared().tables, specs
    )


def write_catalogue(
    connection: "duckdb.DuckDBPyConnection", tables: Mapping[str, TableFacts]
) -> "pl.DataFrame":
    """Make `ops.catalogue` anew inside the caller's transaction; it lists itself too."""
    from xbec_platform.catalogue.columns import CHANGE_SCHEMA, SCHEMA, schema_changes
    from xbec_platform.warehouse.database import append, create_missing, missing_tables, read_frame

    create_missing(connection, {CHANGES: CHANGE_SCHEMA})
    before = (
        read_frame(connection, "FROM ops.catalogue")
        if not missing_tables(connection, ["ops.catalogue"])
        else None
    )
    connection.execute("DROP TABLE IF EXISTS ops.catalogue")
    create_missing(connection, {"ops.catalogue": SCHEMA})
    rows = live_catalogue(connection, tables)
    append(connection, "ops.catalogue", rows)
    if before is not None:
        append(connection, CHANGES, schema_changes(before, rows, now=datetime.now(UTC).replace(tzinfo=None)))
    return rows


def live_catalogue(
    connection: "duckdb.DuckDBPyConnection", tables: Mapping[str, TableFacts]
) -> "pl.DataFrame":
    """The columns there are, classified; nothing is written."""
    from xbec_platform.catalogue.columns import catalogue
    from xbec_platform.warehouse.database import read_frame

    return catalogue(read_frame(connection, LIVE_SQL), tables, declared().names)


def live_schemas(
    connection: "duckdb.DuckDBPyConnection", layers: Iterable[str]
) -> Iterator[tuple[str, dg.TableSchema]]:
    """Column schemas for the UI as tables really are: (`schema.table`, schema), sorted.

    For assets whose columns nobody declares (staging and intermediate models), at materialisation.
    """
    import polars as pl

    rows = live_catalogue(connection, known_tables()).filter(pl.col("layer").is_in(list(layers)))
    for (name,), columns in rows.group_by("table_name", maintain_order=True):
        head = columns.row(0, named=True)
        facts = {
            row["column_name"]: ColumnFacts(
                data_type=row["data_type"].lower(),
                description=row["description"],
                unit=row["unit"],
                pii=row["pii_class"],
            )
            for row in columns.iter_rows(named=True)
        }
        key = tuple((head["table_key"] or "").split(", "))
        yield (
            str(name),
            table_schema(TableFacts(name=str(name), domain=head["domain"], key=key, columns=facts)),
        )


def _metadata(rows: "pl.DataFrame") -> dict[str, Any]:
    import polars as pl

    from xbec_platform.catalogue.classify import PERSONAL

    personal = rows.filter(pl.col("pii_class").is_in(PERSONAL), pl.col("is_view").not_())
    by_name = (
        personal.group_by("column_name", "pii_class")
        .agg(pl.len().alias("n_tables"), pl.col("table_name").sort().alias("tables"))
        .sort(pl.col("n_tables"), "column_name", descending=[True, False])
    )
    return {
        "dagster/row_count": rows.height,
        "tables": rows["table_name"].n_unique(),
        "personal columns": personal.height,
        "unclassified columns": rows["pii_class"].null_count(),
        "personal columns by name": markdown_table(by_name),
    }
