"""Landed files to accounted rows: read, map where needed, screen, and balance the account of each.

Pure apart from reading the file: rows in = loaded + quarantined + exact duplicates, or `AccountError`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from xbec_platform.ingest.contracts import Contract, contracts
from xbec_platform.ingest.mappings import mappings
from xbec_platform.ingest.readers import ROW, FileRejectedError, Records, read_records
from xbec_platform.ingest.routing import route_records
from xbec_platform.ingest.screening import (
    DUPLICATES,
    EXTRA,
    FILE,
    REJECTED_SCHEMA,
    Screened,
    broken_rows,
    bundle,
    drop_exact_duplicates,
    require_columns,
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


# Records that are screened at once: enough to make the planning of expressions negligible.
BUNDLE_ROWS = 100_000


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


def accounts(files: Iterable[LandedFile], landing: Path) -> Iterator[Account]:
    """Turn files into accounted rows; a file that cannot be used is rejected whole with its cause.

    Neighbours of one feed with the same columns are screened together: 305 small files of Online Retail cost
    22 CPU s one by one. The verdict on a file does not depend on its neighbours.
    """
    held: list[tuple[LandedFile, Records]] = []
    for file in files:
        try:
            records = _read(file, landing)
        except FileRejectedError as error:
            yield _rejected(file, error)
            continue
        if held and not _belong_together(held, file, records):
            yield from _account_for(held)
            held = []
        held.append((file, records))
    if held:
        yield from _account_for(held)


def _read(file: LandedFile, landing: Path) -> Records:
    """Read a file whose feed is known and which has the columns it needs."""
    _require_known(file.feed)
    records = read_records(landing / file.path)
    contract = contracts().get(file.feed)
    require_columns(records.frame, contract or mappings()[file.feed].file)
    return records


def _belong_together(held: Sequence[tuple[LandedFile, Records]], file: LandedFile, records: Records) -> bool:
    first, first_records = held[0]
    return (
        first.feed == file.feed
        and first_records.frame.columns == records.frame.columns
        and sum(one.rows_in for _, one in held) + records.rows_in <= BUNDLE_ROWS
    )


def _rejected(file: LandedFile, error: FileRejectedError) -> Account:
    empty = pl.DataFrame(schema=REJECTED_SCHEMA)
    return Account(file, "", 0, 0, 0, 0, {}, empty, error=f"{file.path}: {error}")


def _account_for(held: Sequence[tuple[LandedFile, Records]]) -> Iterator[Account]:
    """The accounts of a bundle; when one of its files must be rejected, each is judged alone."""
    try:
        unique, screened, tables = _screen(held)
    except FileRejectedError as error:
        if len(held) == 1:
            yield _rejected(held[0][0], error)
        else:
            for one in held:
                yield from _account_for([one])
        return
    loaded, kept, rejected = _split(screened.accepted), _split(unique), _split(screened.rejected)
    parts = {name: _split(_stamp(frame, held, contracts()[name])) for name, frame in tables.items()}
    for number, (file, records) in enumerate(held):
        account = Account(
            file,
            records.format,
            records.rows_in,
            _height(loaded, number),
            _height(rejected, number),
            records.frame.height - _height(kept, number),
            {name: part[number] for name, part in parts.items() if number in part},
            rejected.get(number, screened.rejected.head(0)).drop(FILE),
        )
        _require_balance(account)
        yield account


def _screen(
    held: Sequence[tuple[LandedFile, Records]],
) -> tuple[pl.DataFrame, Screened, dict[str, pl.DataFrame]]:
    """Unique records, the verdict on them and the rows by table."""
    feed = held[0][0].feed
    unique = drop_exact_duplicates(bundle([(records, file.drop_date) for file, records in held]))
    if feed in contracts():
        screened = screen_unique(unique, contracts()[feed])
        tables = {feed: screened.accepted}
    else:
        screened, tables = route_records(unique, mappings()[feed])
    broken = [broken_rows(records, number) for number, (_, records) in enumerate(held) if records.broken]
    rejected = pl.concat([screened.rejected, *broken]).sort(FILE, ROW)
    return unique, Screened(screened.accepted, rejected), tables


def _split(frame: pl.DataFrame) -> dict[int, pl.DataFrame]:
    """Rows by number of their file."""
    return {key[0]: part for key, part in frame.partition_by(FILE, as_dict=True).items()}


def _height(parts: Mapping[int, pl.DataFrame], number: int) -> int:
    return parts[number].height if number in parts else 0


def _require_balance(account: Account) -> None:
    parts = account.rows_loaded, account.rows_quarantined, account.rows_duplicate
    if account.rows_in != sum(parts):
        raise AccountError(
            f"{account.file.path}: {account.rows_in} rows in, but {parts[0]} loaded + {parts[1]} quarantined "
            f"+ {parts[2]} duplicates"
        )


def _require_known(feed: str) -> None:
    """A landing folder is named after a contract or a mapping."""
    known = sorted({*contracts(), *mappings()})
    if feed not in known:
        raise FileRejectedError(f"no contract or mapping is named {feed}; known are {', '.join(known)}")


def _stamp(
    frame: pl.DataFrame, held: Sequence[tuple[LandedFile, Records]], contract: Contract
) -> pl.DataFrame:
    """Contract columns first, then where the row came from."""
    files = pl.DataFrame(
        {FILE: range(len(held)), "_file_id": [file.file_id for file, _ in held]},
        schema_overrides={FILE: pl.Int32},
    )
    return (
        frame.join(files, on=FILE, how="left", maintain_order="left")
        .with_columns(pl.lit(held[0][0].feed).alias("_feed"))
        .select(FILE, *contract.columns, *META)
    )
