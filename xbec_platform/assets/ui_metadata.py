"""What people see in the Dagster UI: small tables, small plots, column schemas. No business number is made here."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform.catalogue.classify import PERSONAL, Classifier
from xbec_platform.catalogue.contract_facts import column_facts, promises
from xbec_platform.catalogue.declared import declared
from xbec_platform.catalogue.facts import ColumnFacts, TableFacts, grain_and_key
from xbec_platform.ingest.contracts import Contract
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import polars as pl

TABLE_ROWS = 20


def markdown_table(frame: "pl.DataFrame") -> dg.MetadataValue:
    """The first rows of a frame as Markdown; pipes and line ends in values stay text."""
    head = frame.head(TABLE_ROWS)
    lines = [
        "| " + " | ".join(head.columns) + " |",
        "|" + "|".join("---:" if dtype.is_numeric() else "---" for dtype in head.dtypes) + "|",
    ]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in head.rows()]
    if frame.height > TABLE_ROWS:
        lines.append(f"\n{frame.height - TABLE_ROWS:,} more rows")
    return dg.MetadataValue.md("\n".join(lines))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")[:120]


def bars(shares: Mapping[str, float], *, unit: str) -> dg.MetadataValue:
    """A small bar chart in text: one row per name, at most 20."""
    top = max(shares.values(), default=0.0) or 1.0
    rows = [
        f"| {_cell(name)} | {value:,.6g} | {'█' * max(1, round(24 * value / top)) if value > 0 else ''} |"
        for name, value in list(shares.items())[:TABLE_ROWS]
    ]
    return dg.MetadataValue.md("\n".join([f"| | {unit} | |", "|---|---:|---|", *rows]))


def report_links(settings: Settings, pages: Mapping[str, str]) -> dict[str, dg.MetadataValue]:
    """Links to pages of the home's reports folder, by what is there to see."""
    return {label: dg.MetadataValue.url((settings.reports / page).as_uri()) for label, page in pages.items()}


def column_schema(contract: Contract) -> dg.TableSchema:
    """A contract as the UI's column schema."""
    return dg.TableSchema(
        columns=[
            _table_column(
                name,
                column_facts(column),
                domain=contract.domain,
                constraints=dg.TableColumnConstraints(
                    nullable=column.nullable, unique=contract.key == (name,), other=list(promises(column))
                ),
            )
            for name, column in contract.columns.items()
        ]
    )


def table_schema(table: TableFacts) -> dg.TableSchema:
    """A described table as the UI's column schema; a column's class, domain and unit are its tags."""
    return dg.TableSchema(
        columns=[
            _table_column(
                name,
                column,
                domain=table.domain,
                constraints=dg.TableColumnConstraints(
                    nullable=column.is_nullable and name not in table.key, unique=table.key == (name,)
                ),
            )
            for name, column in table.columns.items()
        ]
    )


def _table_column(
    name: str, column: ColumnFacts, *, domain: str | None, constraints: dg.TableColumnConstraints
) -> dg.TableColumn:
    tags = {"pii": column.pii or "unclassified", "domain": domain, "unit": column.unit}
    return dg.TableColumn(
        name,
        column.data_type or "?",
        description=column.description,
        constraints=constraints,
        tags={tag: value for tag, value in tags.items() if value},
    )


def described(spec: dg.AssetSpec) -> dg.AssetSpec:
    """The spec with what its description says as entries of their own (grain, key), and its columns if declared.

    What a spec already shows stays: contracts and dbt know their columns better than `tables.yml`.
    """
    grain, key = grain_and_key(spec.description)
    table = next((known for known in declared().tables if known.name == ".".join(spec.key.path)), None)
    shown: dict[str, Any] = {"grain": grain, "key": ", ".join(key) or None}
    if table is not None and table.columns:
        table = replace(table, key=key, domain=table.domain or spec.tags.get("domain"))
        facts = classified(table, Classifier({table.name: table}, declared().names))
        shown |= {"dagster/column_schema": table_schema(facts), "personal columns": personal_names(facts)}
        spec = spec.merge_attributes(tags=asset_tags(facts))
    return spec.merge_attributes(
        metadata={name: value for name, value in shown.items() if value and name not in spec.metadata}
    )


def classified(table: TableFacts, classifier: Classifier) -> TableFacts:
    """The table with class, unit and description of each column it names, by the rules of the catalogue."""
    verdicts = classifier.table(table.name, {name: c.data_type for name, c in table.columns.items()})
    columns = {
        name: replace(column, pii=verdict.pii, unit=verdict.unit, description=verdict.description)
        for (name, column), verdict in zip(table.columns.items(), verdicts.values(), strict=True)
    }
    return replace(table, columns=columns)


def personal_names(table: TableFacts) -> str:
    """Names of personal columns, or `none`."""
    return ", ".join(name for name, column in table.columns.items() if column.pii in PERSONAL) or "none"


def asset_tags(table: TableFacts) -> dict[str, str]:
    """Tags of a table's asset: its domain, and whether a column of it is personal."""
    tags = {"pii": "false" if personal_names(table) == "none" else "true"}
    return tags | ({"domain": table.domain} if table.domain else {})
