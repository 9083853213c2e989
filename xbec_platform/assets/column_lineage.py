"""Column lineage of dbt's tables for the UI: read once per version of the models, kept beside the manifest.

It comes from the SQL that ran (`catalogue.column_lineage`). The definitions show it: in an event it would be stored
again for every table and day.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform.dbt_program import project_hash
from xbec_platform.whole_files import replace_text

if TYPE_CHECKING:
    import duckdb

    from xbec_platform.catalogue.column_lineage import Lineage

_FILE = "column_lineage.json"
# More sources than that are a sum over a table's columns: people look into the SQL.
_SHOWN = 6


def is_known(target: Path) -> bool:
    """Whether the lineage of the present models lies in the manifest's folder."""
    return _stored(target) is not None


def note_lineage(connection: "duckdb.DuckDBPyConnection", target: Path, models: Mapping[str, Path]) -> None:
    """Read the SQL that dbt ran and keep what its columns are made from.

    Args:
        connection: Of the warehouse, for the columns of all tables.
        target: The manifest's folder.
        models: The compiled SQL of each model, by its table.
    """
    from xbec_platform.catalogue.column_lineage import column_lineage

    columns: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(
        "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE NOT internal AND database_name = current_database() ORDER BY ALL"
    ).fetchall():
        columns.setdefault(table, {})[column] = kind
    queries = {table: path.read_text(encoding="utf-8") for table, path in models.items()}
    found = column_lineage(queries, columns)
    replace_text(target / _FILE, json.dumps({"project": project_hash(), "tables": found}))


def read_lineage(target: Path) -> "Lineage":
    """What `note_lineage` kept for the present models; nothing before their first run."""
    return _stored(target) or {}


def lineage_metadata(columns: Mapping[str, Any]) -> dict[str, Any]:
    """A table's lineage as the UI's metadata: for programs, and as a table for people.

    Dagster's open UI keeps `dagster/column_lineage` and does not draw it.
    """
    deps = {
        name: [dg.TableColumnDep(dg.AssetKey(table.split(".")), column) for table, column in sources]
        for name, sources in columns.items()
    }
    lines = [f"| {name} | {_told(sources)} |" for name, sources in columns.items()]
    return {
        "dagster/column_lineage": dg.TableColumnLineage(deps_by_column=deps),
        "columns from": dg.MetadataValue.md("\n".join(["| column | from |", "|---|---|", *lines])),
    }


def _told(sources: Any) -> str:
    if not sources:
        return "constant or count"
    shown = ", ".join(f"{table}.{column}" for table, column in sources[:_SHOWN])
    return shown + (f", {len(sources) - _SHOWN} more" if len(sources) > _SHOWN else "")


def _stored(target: Path) -> "Lineage | None":
    path = target / _FILE
    if not path.is_file():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    return kept["tables"] if kept["project"] == project_hash() else None
