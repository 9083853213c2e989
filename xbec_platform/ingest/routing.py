"""Denormalised records to canonical tables by a source mapping. Nothing is read or stored here."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from xbec_platform.ingest.contracts import Contract, contracts
from xbec_platform.ingest.mappings import Entity, SourceMapping
from xbec_platform.ingest.readers import ROW, FileRejectedError
from xbec_platform.ingest.screening import (
    CARRIED,
    DROP,
    DUPLICATES,
    EXTRA,
    FILE,
    Screened,
    find_violations,
    rejected_rows,
    screen_unique,
)


def route_records(unique: pl.DataFrame, mapping: SourceMapping) -> tuple[Screened, dict[str, pl.DataFrame]]:
    """Screen denormalised records, route them and derive the entities, each file for itself."""
    screened = screen_unique(_number(unique, mapping), mapping.file, time_zone=mapping.time_zone)
    rows = _derive(screened.accepted, mapping)
    tables, rejected, accepted = {}, [screened.rejected], []
    for table, columns in mapping.tables.items():
        part = rows.filter(pl.col("_route") == table)
        typed = _project(part, columns, contracts()[table])
        verdict = find_violations(typed, contracts()[table])
        bad = part.filter(verdict.is_bad).select(FILE, ROW)
        bad_raw = bad.join(unique, on=[FILE, ROW], how="left", maintain_order="left")
        rejected.append(rejected_rows(bad_raw, verdict.reasons))
        tables[table] = typed.filter(~verdict.is_bad)
        accepted.append(part.filter(~verdict.is_bad))
    everything = pl.concat(accepted).sort(FILE, ROW)
    for name, entity in mapping.entities.items():
        tables[name] = _entity_rows(everything, entity, contracts()[name])
    return Screened(everything, pl.concat(rejected)), tables


def _number(unique: pl.DataFrame, mapping: SourceMapping) -> pl.DataFrame:
    """Add the ordinals; records that are rejected later keep their number, so a rule moves no other row."""
    return unique.sort(FILE, ROW).with_columns(
        pl.int_range(1, pl.len() + 1).over([FILE, *within]).cast(pl.String).alias(name)
        for name, within in mapping.ordinals.items()
    )


def _derive(rows: pl.DataFrame, mapping: SourceMapping) -> pl.DataFrame:
    """Lookups, then derived columns in order, then the route of every row."""
    for alias, lookup in mapping.lookups.items():
        rows = rows.join(lookup.frame(alias), on=lookup.column, how="left", maintain_order="left")
    for alias, expression in mapping.derive.items():
        rows = rows.with_columns(pl.sql_expr(expression).alias(alias))
    route = pl.coalesce(pl.when(pl.sql_expr(route.when)).then(pl.lit(route.to)) for route in mapping.routes)
    return rows.with_columns(route.alias("_route"))


def _project(rows: pl.DataFrame, columns: Mapping[str, str], contract: Contract) -> pl.DataFrame:
    """A canonical table's columns from expressions; columns the mapping does not name are null."""
    given = [
        pl.sql_expr(columns[name]).cast(column.dtype).alias(name)
        if name in columns
        else pl.lit(None, column.dtype).alias(name)
        for name, column in contract.columns.items()
    ]
    return rows.select(*CARRIED, *given)


def _entity_rows(rows: pl.DataFrame, entity: Entity, contract: Contract) -> pl.DataFrame:
    """One row per thing; the row number is that of its first record."""
    chosen = rows.filter(pl.col("_route").is_in(entity.sources) & pl.sql_expr(entity.where))
    grouped = (
        chosen.sort(FILE, ROW)
        .group_by([FILE, DROP, *entity.one_per], maintain_order=True)
        .agg(
            pl.col(ROW).min(),
            pl.lit(0, pl.Int32).alias(DUPLICATES),
            pl.lit(None, pl.String).alias(EXTRA),
            *[
                pl.sql_expr(expression).cast(contract.columns[name].dtype).alias(f"={name}")
                for name, expression in entity.columns.items()
            ],
        )
    )
    typed = grouped.select(
        *CARRIED,
        *[
            pl.col(f"={name}").alias(name)
            if name in entity.columns
            else pl.lit(None, column.dtype).alias(name)
            for name, column in contract.columns.items()
        ],
    )
    verdict = find_violations(typed, contract)
    if verdict.is_bad.any():
        reasons = ", ".join(verdict.reasons[0])
        row = typed.filter(verdict.is_bad)[ROW][0]
        raise FileRejectedError(
            f"row {row}: the {contract.source} derived from it break their contract: {reasons}"
        )
    return typed
