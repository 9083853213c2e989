"""Denormalised records to canonical tables by a source mapping. Nothing is read or stored here.

Every record gets one verdict: it is accepted with all rows it makes, or it goes to quarantine with the reasons of
all of them and makes none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from xbec_platform.ingest.contracts import Contract, contracts
from xbec_platform.ingest.formats.records import ROW, NumberStyle
from xbec_platform.ingest.mapping_lists import item_rows
from xbec_platform.ingest.mapping_model import Entity, SourceMapping
from xbec_platform.ingest.mapping_steps import prepare
from xbec_platform.ingest.screening import (
    CARRIED,
    DROP,
    DUPLICATES,
    EXTRA,
    FILE,
    Judged,
    Screened,
    judge,
    rejected_rows,
    screen_unique,
)

ROUTE = "_route"
_BAD = {FILE: pl.Int32(), ROW: pl.Int64(), "reasons": pl.List(pl.String())}


def route_records(
    unique: pl.DataFrame, mapping: SourceMapping, *, numbers: Mapping[str, NumberStyle] | None = None
) -> tuple[Screened, dict[str, pl.DataFrame]]:
    """Screen denormalised records, route them and derive the entities, each file for itself.

    Args:
        unique: What `drop_exact_duplicates` returned for a bundle.
        mapping: The mapping of the feed.
        numbers: How the files spell their numbers.

    Returns:
        The verdict on the records, whose `accepted` has the columns of the mapping; and the rows by canonical table.
    """
    screened = screen_unique(
        prepare(unique, mapping), mapping.records, time_zone=mapping.time_zone, numbers=numbers
    )
    rows = _derive(screened.accepted, mapping)
    judged = _judge_tables(rows, mapping)
    listed, unread = _judge_lists(rows, mapping)
    bad = [screened.rejected.select(*_BAD), *unread, *[_bad(one) for one in judged.values()]]
    bad += [_bad(one, table) for table, one in listed.items()]
    entities, broken, good = _judge_entities(_without(rows, pl.concat(bad)), mapping)
    rejected = _rejected(unique, pl.concat([*bad, *broken]))
    judged |= listed | entities
    tables = {table: _without(one.accepted, rejected) for table, one in judged.items()}
    return _verdict(good, rejected, screened, list(judged.values())), tables


def _derive(rows: pl.DataFrame, mapping: SourceMapping) -> pl.DataFrame:
    """Lookups, then derived columns in order, then the route of every row."""
    for alias, lookup in mapping.lookups.items():
        rows = rows.join(lookup.frame(alias), on=lookup.column, how="left", maintain_order="left")
    for alias, expression in mapping.derive.items():
        rows = rows.with_columns(pl.sql_expr(expression).alias(alias))
    route = pl.coalesce(pl.when(pl.sql_expr(route.when)).then(pl.lit(route.to)) for route in mapping.routes)
    return rows.with_columns(route.alias(ROUTE))


def _judge_tables(rows: pl.DataFrame, mapping: SourceMapping) -> dict[str, Judged]:
    """Rows of each canonical table under its contract."""
    return {
        table: judge(
            _project(rows.filter(pl.col(ROUTE) == table), columns, contracts()[table]), contracts()[table]
        )
        for table, columns in mapping.tables.items()
    }


def _judge_lists(rows: pl.DataFrame, mapping: SourceMapping) -> tuple[dict[str, Judged], list[pl.DataFrame]]:
    """Rows of list entries under their contracts, and the records whose lists cannot be read."""
    judged, unread = {}, []
    for table, items in mapping.lists.items():
        chosen = rows.filter(pl.col(ROUTE).is_in(items.sources))
        entries, bad = item_rows(chosen, items, mapping.time_zone)
        unread.append(bad)
        # What nobody promised is kept once, on the record's own row.
        entries = entries.with_columns(pl.lit(None, pl.String).alias(EXTRA))
        judged[table] = judge(_project(entries, items.columns, contracts()[table]), contracts()[table])
    return judged, unread


def _project(rows: pl.DataFrame, columns: Mapping[str, str], contract: Contract) -> pl.DataFrame:
    """A canonical table's columns from expressions; columns the mapping does not name are null."""
    given = [
        pl.sql_expr(columns[name]).cast(column.dtype).alias(name)
        if name in columns
        else pl.lit(None, column.dtype).alias(name)
        for name, column in contract.columns.items()
    ]
    return rows.select(*CARRIED, *given)


def _judge_entities(
    rows: pl.DataFrame, mapping: SourceMapping
) -> tuple[dict[str, Judged], list[pl.DataFrame], pl.DataFrame]:
    """Derived things under their contracts; the records of a thing that breaks its own go to quarantine.

    Without those records another thing may look different, hence it is repeated until none breaks: each
    round takes records away, so it ends.

    Returns:
        The verdicts by table, the records that were taken away with their reasons, and the records left.
    """
    bad: list[pl.DataFrame] = []
    while True:
        judged, broken = {}, []
        for table, entity in mapping.entities.items():
            chosen = rows.filter(pl.col(ROUTE).is_in(entity.sources) & pl.sql_expr(entity.where))
            derived = _entity_rows(chosen, entity, contracts()[table])
            judged[table] = judge(derived.drop(_members(entity)), contracts()[table])
            broken.append(_bad_members(chosen, derived, entity, judged[table], table))
        if not any(one.height for one in broken):
            return judged, bad, rows
        bad += broken
        rows = _without(rows, pl.concat(broken))


def _members(entity: Entity) -> list[str]:
    """Names under which the derived rows carry what tells them apart."""
    return [f"={name}" for name in entity.one_per]


def _entity_rows(chosen: pl.DataFrame, entity: Entity, contract: Contract) -> pl.DataFrame:
    """One row per thing; the row number is that of its first record."""
    values = {name: pl.sql_expr(text) for name, text in entity.columns.items()}
    grouped = chosen.group_by([FILE, DROP, *entity.one_per], maintain_order=True).agg(
        pl.col(ROW).min(),
        pl.lit(0, pl.Int32).alias(DUPLICATES),
        pl.lit(None, pl.String).alias(EXTRA),
        *[value.cast(contract.columns[name].dtype).alias(f".{name}") for name, value in values.items()],
    )
    return grouped.select(
        *CARRIED,
        *[
            pl.col(f".{name}").alias(name) if name in values else pl.lit(None, column.dtype).alias(name)
            for name, column in contract.columns.items()
        ],
        *[pl.col(name).alias(f"={name}") for name in entity.one_per],
    )


def _bad_members(
    chosen: pl.DataFrame, derived: pl.DataFrame, entity: Entity, judged: Judged, table: str
) -> pl.DataFrame:
    """The records of the things that break their contract."""
    is_bad = judged.verdict.is_bad
    if not is_bad.any():
        return pl.DataFrame(schema=_BAD)
    things = derived.filter(is_bad).select(
        FILE,
        *[pl.col(f"={name}").alias(name) for name in entity.one_per],
        _named(judged.verdict.reasons, table).alias("reasons"),
    )
    return chosen.join(things, on=[FILE, *entity.one_per], nulls_equal=True).select(*_BAD)


def _bad(judged: Judged, table: str | None = None) -> pl.DataFrame:
    """(file, row, reasons) of rejected rows; reasons of a derived table name it."""
    is_bad = judged.verdict.is_bad
    if not is_bad.any():
        return pl.DataFrame(schema=_BAD)
    reasons = judged.verdict.reasons if table is None else _named(judged.verdict.reasons, table)
    return judged.rows.filter(is_bad).select(FILE, ROW, reasons.alias("reasons"))


def _named(reasons: pl.Series, table: str) -> pl.Series:
    return reasons.list.eval(pl.format(f"{table}: {{}}", pl.element()))


def _without(rows: pl.DataFrame, bad: pl.DataFrame) -> pl.DataFrame:
    if bad.is_empty():
        return rows
    return rows.join(bad, on=[FILE, ROW], how="anti", maintain_order="left")


def _rejected(unique: pl.DataFrame, bad: pl.DataFrame) -> pl.DataFrame:
    """Rejected records as the file said them, each once with all its reasons."""
    reasons = (
        bad.explode("reasons")
        .group_by(FILE, ROW)
        .agg(pl.col("reasons").unique(maintain_order=True))
        .sort(FILE, ROW)
    )
    raw = reasons.select(FILE, ROW).join(unique, on=[FILE, ROW], how="left", maintain_order="left")
    return rejected_rows(raw, reasons["reasons"])


def _verdict(
    good: pl.DataFrame, rejected: pl.DataFrame, screened: Screened, judged: Sequence[Judged]
) -> Screened:
    """All of it, of accepted records only."""
    repaired = pl.concat([screened.repaired, *[one.repaired for one in judged]])
    warned = pl.concat([screened.warned, *[one.warned for one in judged]]).unique()
    order = [FILE, ROW, "rule_id"]
    return Screened(
        good.sort(FILE, ROW),
        rejected,
        _without(repaired, rejected).sort(order, maintain_order=True),
        _without(warned, rejected).sort(order),
    )
