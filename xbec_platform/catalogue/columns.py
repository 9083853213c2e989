"""The catalogue as a frame: one row per column there is. Where columns are read from belongs to the assets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from xbec_platform.catalogue.classify import Classifier
from xbec_platform.catalogue.facts import ColumnFacts, TableFacts

SCHEMA = {
    "table_name": pl.String(),
    "layer": pl.String(),
    "column_name": pl.String(),
    "position": pl.Int32(),
    "data_type": pl.String(),
    "unit": pl.String(),
    "domain": pl.String(),
    "pii_class": pl.String(),
    "pii_source": pl.String(),
    "grain": pl.String(),
    "table_key": pl.String(),
    "description": pl.String(),
    "owner": pl.String(),
    "is_view": pl.Boolean(),
}
LIVE = ("table_name", "column_name", "position", "data_type", "is_view")


def catalogue(
    live: pl.DataFrame, tables: Mapping[str, TableFacts], names: Mapping[str, ColumnFacts]
) -> pl.DataFrame:
    """Classify every column there is; what exists is decided by `live`, never by what was said.

    Args:
        live: Columns of the database: table_name (`schema.table`), column_name, position (1 is the first),
            data_type, is_view.
        tables: What was said, by table.
        names: What was said of names that mean the same everywhere.

    Returns:
        `SCHEMA`, sorted by table_name and position. pii_class and pii_source are null where nobody and no rule
        said anything of a text column in a table that speaks of persons.
    """
    classifier = Classifier(tables, names)
    rows = []
    for (table,), columns in live.sort("table_name", "position").group_by("table_name", maintain_order=True):
        name = str(table)
        facts = tables.get(name, TableFacts(name=name))
        verdicts = classifier.table(name, dict(columns.select("column_name", "data_type").iter_rows()))
        for _, column, position, data_type, is_view in columns.select(LIVE).iter_rows():
            verdict = verdicts[column]
            rows.append(
                {
                    "table_name": name,
                    "layer": facts.layer,
                    "column_name": column,
                    "position": position,
                    "data_type": data_type,
                    "unit": verdict.unit,
                    "domain": facts.domain,
                    "pii_class": verdict.pii,
                    "pii_source": verdict.source,
                    "grain": facts.grain,
                    "table_key": ", ".join(facts.key) or None,
                    "description": verdict.description,
                    "owner": facts.owner,
                    "is_view": is_view,
                }
            )
    return pl.DataFrame(rows, schema=SCHEMA)


def unclassified(rows: pl.DataFrame) -> list[tuple[str, str]]:
    """Text columns of person tables of which nobody said what they are: (table, column)."""
    found = rows.filter(pl.col("pii_class").is_null()).sort("table_name", "position")
    return list(found.select("table_name", "column_name").iter_rows())


def misdeclared(live: pl.DataFrame, tables: Mapping[str, TableFacts]) -> list[tuple[str, str, str]]:
    """Columns said to be in a table that is there, but which are not, or are of another type.

    Returns:
        (table, column, fault), sorted. Raw tables are left out: the intake makes them from the contracts.
    """
    types = {(table, column): data_type for table, column, _, data_type, _ in live.select(LIVE).iter_rows()}
    present = {table for table, _ in types}
    return sorted(
        (table, name, "is not there" if (table, name) not in types else f"is {types[table, name].lower()}")
        for table, facts in tables.items()
        if table in present and facts.layer != "raw"
        for name, column in facts.columns.items()
        if (table, name) not in types
        or (column.data_type or types[table, name]).lower() != types[table, name].lower()
    )


CHANGE_SCHEMA = {
    "seen_ts": pl.Datetime("us"),
    "table_name": pl.String(),
    "column_name": pl.String(),
    "type_before": pl.String(),
    "type_after": pl.String(),
}


def schema_changes(before: pl.DataFrame, after: pl.DataFrame, *, now: datetime) -> pl.DataFrame:
    """Columns that came, went or changed their type, of tables that were there before; a new table is no change.

    Args:
        before: The last catalogue, `SCHEMA`.
        after: The present one.
        now: UTC.

    Returns:
        `CHANGE_SCHEMA`, by table and column.
    """
    old, new = (one.select("table_name", "column_name", "data_type") for one in (before, after))
    joined = old.join(new, on=["table_name", "column_name"], how="full", coalesce=True, suffix="_after")
    return (
        joined.filter(
            pl.col("table_name").is_in(old["table_name"].unique().to_list()),
            pl.col("data_type").ne_missing(pl.col("data_type_after")),
        )
        .select(
            pl.lit(now).cast(pl.Datetime("us")).alias("seen_ts"),
            "table_name",
            "column_name",
            pl.col("data_type").alias("type_before"),
            pl.col("data_type_after").alias("type_after"),
        )
        .sort("table_name", "column_name")
    )
