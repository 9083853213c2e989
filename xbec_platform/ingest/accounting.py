"""One landed file to accounted rows: read, map where needed, screen, and balance the account.

Pure apart from reading the file: rows in = loaded + quarantined + exact duplicates, or `AccountError`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from xbec_platform.ingest.contracts import Contract, contracts
from xbec_platform.ingest.mappings import Entity, SourceMapping, mappings
from xbec_platform.ingest.readers import ROW, FileRejectedError, Records, read_records
from xbec_platform.ingest.screening import (
    DUPLICATES,
    EXTRA,
    REJECTED_SCHEMA,
    Screened,
    broken_rows,
    drop_exact_duplicates,
    find_violations,
    rejected_rows,
    require_columns,
    screen,
    screen_unique,
)

META = {
    "_file_id": pl.String(),
    "_feed": pl.String(),
    "_drop_date": pl.Date(),
    ROW: pl.Int64(),
    DUPLICATES: pl.Int32(),
    EXTRA: pl.String(),
}


class AccountError(AssertionError):
    """A file whose rows do not add up: a defect of the platform, never of the data."""


@dataclass(frozen=True)
class LandedFile:
    """A file of the landing folder.

    Attributes:
        feed: Folder below `landing/`: a source or a mapping.
        drop_date: Day of `dt=`.
        path: Path below `landing/`, with slashes.
        sha256: Hash of the content.
        size_bytes: Length of the content.
    """

    feed: str
    drop_date: date
    path: str
    sha256: str
    size_bytes: int

    @property
    def file_id(self) -> str:
        """Identity of this content at this place, equal on every machine."""
        return hashlib.sha256(f"{self.path}\n{self.sha256}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Account:
    """What became of one file.

    Attributes:
        file: The file.
        format: What the reader detected.
        rows_in, rows_loaded, rows_quarantined, rows_duplicate: The account of its records.
        tables: Rows per raw table with the intake's own columns.
        quarantined: `_row_no`, reasons, raw_json.
        error: Why the file was rejected whole; None when it was not.
    """

    file: LandedFile
    format: str
    rows_in: int
    rows_loaded: int
    rows_quarantined: int
    rows_duplicate: int
    tables: dict[str, pl.DataFrame]
    quarantined: pl.DataFrame
    error: str | None = None


def account_for(file: LandedFile, landing: Path) -> Account:
    """Turn one file into accounted rows; a file that cannot be used is rejected whole with its cause."""
    try:
        _require_known(file.feed)
        records = read_records(landing / file.path)
        if file.feed in contracts():
            contract = contracts()[file.feed]
            screened = screen(records, contract, drop_date=file.drop_date)
            tables = {file.feed: screened.accepted}
        else:
            screened, tables = _map(records, mappings()[file.feed], file.drop_date)
    except FileRejectedError as error:
        empty = pl.DataFrame(schema=REJECTED_SCHEMA)
        return Account(file, "", 0, 0, 0, 0, {}, empty, error=f"{file.path}: {error}")
    loaded, quarantined = screened.accepted.height, screened.rejected.height
    if records.rows_in != loaded + quarantined + screened.duplicates:
        raise AccountError(
            f"{file.path}: {records.rows_in} rows in, but {loaded} loaded + {quarantined} quarantined "
            f"+ {screened.duplicates} duplicates"
        )
    stamped = {name: _stamp(frame, file, contracts()[name]) for name, frame in tables.items()}
    return Account(
        file,
        records.format,
        records.rows_in,
        loaded,
        quarantined,
        screened.duplicates,
        stamped,
        screened.rejected,
    )


def _require_known(feed: str) -> None:
    """A landing folder is named after a contract or a mapping."""
    known = sorted({*contracts(), *mappings()})
    if feed not in known:
        raise FileRejectedError(f"no contract or mapping is named {feed}; known are {', '.join(known)}")


def _stamp(frame: pl.DataFrame, file: LandedFile, contract: Contract) -> pl.DataFrame:
    """Contract columns first, then where the row came from."""
    return frame.with_columns(
        pl.lit(file.file_id).alias("_file_id"),
        pl.lit(file.feed).alias("_feed"),
        pl.lit(file.drop_date).alias("_drop_date"),
    ).select(*contract.columns, *META)


def _map(records: Records, mapping: SourceMapping, day: date) -> tuple[Screened, dict[str, pl.DataFrame]]:
    """Screen a denormalised file, route its records and derive the entities."""
    require_columns(records.frame, mapping.file)
    raw, duplicates = drop_exact_duplicates(records.frame)
    screened = screen_unique(_number(raw, mapping), mapping.file, drop_date=day, time_zone=mapping.time_zone)
    rows = _derive(screened.accepted, mapping)
    tables, rejected, accepted = {}, [screened.rejected, broken_rows(records)], []
    for table, columns in mapping.tables.items():
        part = rows.filter(pl.col("_route") == table)
        typed = _project(part, columns, contracts()[table])
        verdict = find_violations(typed, contracts()[table], drop_date=day)
        bad_raw = part.filter(verdict.is_bad).select(ROW).join(raw, on=ROW, how="left", maintain_order="left")
        rejected.append(rejected_rows(bad_raw, verdict.reasons))
        tables[table] = typed.filter(~verdict.is_bad)
        accepted.append(part.filter(~verdict.is_bad))
    everything = pl.concat(accepted).sort(ROW)
    for name, entity in mapping.entities.items():
        tables[name] = _entity_rows(everything, entity, contracts()[name], day)
    return Screened(everything, pl.concat(rejected).sort(ROW), duplicates), tables


def _number(unique: pl.DataFrame, mapping: SourceMapping) -> pl.DataFrame:
    """Add the ordinals; records that are rejected later keep their number, so a rule moves no other row."""
    return unique.sort(ROW).with_columns(
        pl.int_range(1, pl.len() + 1).over(list(within)).cast(pl.String).alias(name)
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
    return rows.select(ROW, DUPLICATES, EXTRA, *given)


def _entity_rows(rows: pl.DataFrame, entity: Entity, contract: Contract, day: date) -> pl.DataFrame:
    """One row per thing; the row number is that of its first record."""
    chosen = rows.filter(pl.col("_route").is_in(entity.sources) & pl.sql_expr(entity.where))
    grouped = (
        chosen.sort(ROW)
        .group_by(entity.one_per, maintain_order=True)
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
        ROW,
        DUPLICATES,
        EXTRA,
        *[
            pl.col(f"={name}").alias(name)
            if name in entity.columns
            else pl.lit(None, column.dtype).alias(name)
            for name, column in contract.columns.items()
        ],
    )
    verdict = find_violations(typed, contract, drop_date=day)
    if verdict.is_bad.any():
        reasons = ", ".join(verdict.reasons[0])
        row = typed.filter(verdict.is_bad)[ROW][0]
        raise FileRejectedError(
            f"row {row}: the {contract.source} derived from it break their contract: {reasons}"
        )
    return typed
