"""Which columns a column is computed from, read out of the SQL that ran. No database is asked and no file is read.

Value lineage: what enters a value counts, what only filters or joins does not.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot.lineage import Node
    from sqlglot.schema import Schema

# Table with its schema, column.
Column = tuple[str, str]
# Table -> column -> the columns of other tables it is computed from, sorted.
Lineage = dict[str, dict[str, tuple[Column, ...]]]


def column_lineage(queries: Mapping[str, str], columns: Mapping[str, Mapping[str, str]]) -> Lineage:
    """The lineage of tables.

    Args:
        queries: The select statement of each table, in DuckDB's dialect, names qualified with their schema.
        columns: Columns with types of every table that a query names: `*` is spelled out by them.

    Raises:
        sqlglot.errors.SqlglotError: A statement cannot be parsed, or names a column that no table has.
    """
    from sqlglot.schema import MappingSchema

    known = MappingSchema(dialect="duckdb")
    for table, types in columns.items():
        known.add_table(table, dict(types), match_depth=False)
    return {table: _of_query(table, sql, known) for table, sql in sorted(queries.items())}


def _of_query(table: str, sql: str, known: "Schema") -> dict[str, tuple[Column, ...]]:
    import sqlglot
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    parsed = sqlglot.parse_one(sql, dialect="duckdb")
    for source in parsed.find_all(sqlglot.exp.Table):
        # One database file: its name depends on the home.
        source.set("catalog", None)
    query = qualify(parsed, schema=known, dialect="duckdb")
    scope = build_scope(query)
    # Copies and trimmed selects, which are only for showing the steps, cost ten times the search itself.
    return {
        name: _sources(
            table,
            lineage(name, query, scope=scope, schema=known, dialect="duckdb", copy=False, trim_selects=False),
        )
        for name in (query.named_selects if isinstance(query, sqlglot.exp.Query) else ())
    }


def _sources(table: str, root: "Node") -> tuple[Column, ...]:
    """Columns of stored tables and views at the ends; the table itself, which an increment may read, is none."""
    from sqlglot import exp

    found = {
        (f"{node.source.db}.{node.source.name}", node.name.rsplit(".", 1)[-1].strip('"'))
        for node in root.walk()
        if not node.downstream and isinstance(node.source, exp.Table)
    }
    return tuple(sorted(one for one in found if one[0] != table))
