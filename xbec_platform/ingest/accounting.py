"""Landed files to accounted rows: read, map where needed, screen, and balance the account of each.

Pure apart from reading the file: rows in = loaded + quarantined + exact duplicates, or `AccountError`.
Files that do not fit into memory are only recognised here; `large_files` takes them block by block.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import polars as pl

from xbec_platform.ingest.contracts import contracts
from xbec_platform.ingest.feeds import Feeds
from xbec_platform.ingest.formats.parquet import announced_rows
from xbec_platform.ingest.formats.reading import read_blocks
from xbec_platform.ingest.formats.records import ROW, FileRejectedError, Records
from xbec_platform.ingest.repairs import empty_log
from xbec_platform.ingest.routing import route_records
from xbec_platform.ingest.screening import (
    DUPLICATES,
    EXTRA,
    FILE,
    REJECTED_SCHEMA,
    WARNED_SCHEMA,
    Screened,
    broken_rows,
    bundle,
    drop_exact_duplicates,
    require_columns,
    screen_unique,
)
from xbec_platform.ingest.suppression import suppress

META = {
    "_file_id": pl.Int64(),
    "_feed": pl.String(),
    "_drop_date": pl.Date(),
    ROW: pl.Int64(),
    DUPLICATES: pl.Int32(),
    EXTRA: pl.String(),
}


# Records that are screened at once: enough to make the planning of expressions negligible.
BUNDLE_ROWS = 100_000
# Records of a contract's feed that are held in memory; files with more are taken block by block.
BLOCK_ROWS = 1_000_000
# Files of so many bytes are large without a look at their records: two blocks that are read to see whether there
# are two cost 0.6 CPU s per million rows.
LARGE_BYTES = 64 << 20


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
        changed_at_ns: Time of change when the content was hashed; 0 where nobody looked.
    """

    feed: str
    drop_date: date
    path: str
    sha256: str
    size_bytes: int
    changed_at_ns: int = field(default=0, compare=False)

    @property
    def file_id(self) -> int:
        """Identity of this content at this place, equal on every machine.

        60 bits: a million files collide once in two million homes. As text it would cost DuckDB a fifth of the
        time in which order lines are inserted.
        """
        return int(hashlib.sha256(f"{self.path}\n{self.sha256}".encode()).hexdigest()[:15], 16)


@dataclass(frozen=True, kw_only=True)
class Account:
    """What became of one file, or of a block of a large one.

    Attributes:
        file: The file.
        format: What the reader detected.
        rows_in, rows_loaded, rows_quarantined, rows_duplicate: The account of its records.
        rows_repaired: Loaded rows with a value that a rule mended.
        rows_warned: Loaded rows that a rule warns about.
        tables: Rows per raw table with the intake's own columns, but for `_file_id`.
        quarantined: `_row_no`, reasons, raw_json.
        repaired: `_row_no`, rule_id, column, before, after.
        warned: `_row_no`, rule_id.
        rules_hash: What the rows were judged by.
        error: Why the file was rejected whole; None when it was not.
    """

    file: LandedFile
    format: str = ""
    rows_in: int = 0
    rows_loaded: int = 0
    rows_quarantined: int = 0
    rows_duplicate: int = 0
    rows_repaired: int = 0
    rows_warned: int = 0
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    quarantined: pl.DataFrame = field(
        default_factory=lambda: _without_file(pl.DataFrame(schema=REJECTED_SCHEMA))
    )
    repaired: pl.DataFrame = field(default_factory=lambda: _without_file(empty_log()))
    warned: pl.DataFrame = field(default_factory=lambda: _without_file(pl.DataFrame(schema=WARNED_SCHEMA)))
    rules_hash: str = ""
    error: str | None = None


@dataclass(frozen=True)
class LargeFile:
    """A readable file of a contract's feed with more records than are held in memory."""

    file: LandedFile


def accounts(
    files: Iterable[LandedFile], landing: Path, feeds: Feeds | None = None, *, block_rows: int = BLOCK_ROWS
) -> Iterator[Account | LargeFile]:
    """Turn files into accounted rows; a file that cannot be used is rejected whole with its cause.

    Neighbours of one feed with the same columns are screened together: 305 small files of Online Retail cost
    22 CPU s one by one. The verdict on a file does not depend on its neighbours.
    """
    feeds = feeds or Feeds()
    held: list[tuple[LandedFile, Records]] = []
    for file in files:
        try:
            records = _read(file, landing, feeds, block_rows)
        except FileRejectedError as error:
            yield rejected(file, error)
            continue
        if held and (records is None or not _belong_together(held, file, records)):
            yield from account_for(held, feeds)
            held = []
        if records is None:
            yield LargeFile(file)
        else:
            held.append((file, records))
    if held:
        yield from account_for(held, feeds)


def _read(file: LandedFile, landing: Path, feeds: Feeds, block_rows: int) -> Records | None:
    """Read a file whose feed is known and which has the columns it needs; None when it is a large one."""
    expect = feeds.expectation(file.feed)
    is_mapped = feeds.mapping(file.feed) is not None
    if not is_mapped and _is_large(file, landing, block_rows):
        return None
    blocks = read_blocks(landing / file.path, expect, block_rows=block_rows)
    try:
        held: list[Records] = []
        for block in blocks:
            held.append(block)
            # A mapping derives things from all records of a file: it is held whole.
            if not is_mapped and sum(one.rows_in for one in held) > block_rows:
                return None
        records = joined(held)
    except OSError as error:
        raise FileRejectedError(f"cannot be opened: {error.strerror}") from error
    require_unchanged(file, landing)
    contract = feeds.contract(file.feed)
    require_columns(records.frame, contract)
    return suppress(records, contract, feeds.suppression)


def _is_large(file: LandedFile, landing: Path, block_rows: int) -> bool:
    """Whether a file is certainly too large to be held, by its size or what its footer says."""
    is_parquet = file.path.lower().endswith(".parquet")
    return file.size_bytes > LARGE_BYTES or (is_parquet and announced_rows(landing / file.path) > block_rows)


def joined(blocks: Sequence[Records]) -> Records:
    """The blocks of a file as one."""
    if len(blocks) == 1:
        return blocks[0]
    frame = pl.concat([block.frame for block in blocks], how="diagonal_relaxed")
    broken = tuple(row for block in blocks for row in block.broken)
    return Records(frame, broken, blocks[-1].format, blocks[0].numbers)


def require_unchanged(file: LandedFile, landing: Path) -> None:
    """The file that was read is the one that was hashed.

    Raises:
        FileRejectedError: It was written to in between; the next run takes it as it is then.
    """
    if not file.changed_at_ns:
        return
    facts = (landing / file.path).stat()
    if (facts.st_size, facts.st_mtime_ns) != (file.size_bytes, file.changed_at_ns):
        raise FileRejectedError(
            "was changed while it was read; write under a name that ends in .part and rename, then run again"
        )


def _belong_together(held: Sequence[tuple[LandedFile, Records]], file: LandedFile, records: Records) -> bool:
    first, first_records = held[0]
    return (
        first.feed == file.feed
        and first_records.frame.schema == records.frame.schema
        and first_records.numbers == records.numbers
        and sum(one.rows_in for _, one in held) + records.rows_in <= BUNDLE_ROWS
    )


def rejected(file: LandedFile, error: FileRejectedError) -> Account:
    """The account of a file that was rejected whole."""
    return Account(file=file, error=f"{file.path}: {error}")


def account_for(held: Sequence[tuple[LandedFile, Records]], feeds: Feeds) -> Iterator[Account]:
    """The accounts of a bundle; when one of its files must be rejected, each is judged alone."""
    feed = held[0][0].feed
    try:
        unique, screened, tables = _screen(held, feeds)
    except FileRejectedError as error:
        if len(held) == 1:
            yield rejected(held[0][0], error)
        else:
            for one in held:
                yield from account_for([one], feeds)
        return
    loaded, kept, refused = _split(screened.accepted), _split(unique), _split(screened.rejected)
    repaired, warned = _split(screened.repaired), _split(screened.warned)
    parts = {name: _split(_stamp(frame, feed, name)) for name, frame in tables.items()}
    rules_hash = feeds.rules_hash(feed)
    for number, (file, records) in enumerate(held):
        mended = repaired.get(number, screened.repaired.head(0))
        warnings = warned.get(number, screened.warned.head(0))
        account = Account(
            file=file,
            format=records.format,
            rows_in=records.rows_in,
            rows_loaded=_height(loaded, number),
            rows_quarantined=_height(refused, number),
            rows_duplicate=records.frame.height - _height(kept, number),
            rows_repaired=mended[ROW].n_unique(),
            rows_warned=warnings[ROW].n_unique(),
            tables={name: part[number] for name, part in parts.items() if number in part},
            quarantined=_without_file(refused.get(number, screened.rejected.head(0))),
            repaired=_without_file(mended),
            warned=_without_file(warnings),
            rules_hash=rules_hash,
        )
        require_balance(account)
        yield account


def _screen(
    held: Sequence[tuple[LandedFile, Records]], feeds: Feeds
) -> tuple[pl.DataFrame, Screened, dict[str, pl.DataFrame]]:
    """Unique records, the verdict on them and the rows by table."""
    feed, numbers = held[0][0].feed, held[0][1].numbers
    mapping = feeds.mapping(feed)
    key = () if mapping else contracts()[feed].key
    unique = drop_exact_duplicates(bundle([(records, file.drop_date) for file, records in held]), key)
    if mapping is None:
        screened = screen_unique(unique, contracts()[feed], numbers=numbers)
        tables = {feed: screened.accepted}
    else:
        screened, tables = route_records(unique, mapping, numbers=numbers)
    broken = [broken_rows(records, number) for number, (_, records) in enumerate(held) if records.broken]
    refused = pl.concat([screened.rejected, *broken]).sort(FILE, ROW)
    return unique, replace(screened, rejected=refused), tables


def _without_file(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.drop(FILE)


def _split(frame: pl.DataFrame) -> dict[int, pl.DataFrame]:
    """Rows by number of their file."""
    if frame.height and frame[FILE].min() == frame[FILE].max():
        return {int(frame[FILE][0]): frame}
    return {key[0]: part for key, part in frame.partition_by(FILE, as_dict=True).items()}


def _height(parts: Mapping[int, pl.DataFrame], number: int) -> int:
    return parts[number].height if number in parts else 0


def require_balance(account: Account) -> None:
    """Rows in = loaded + quarantined + duplicates.

    Raises:
        AccountError: They do not add up.
    """
    parts = account.rows_loaded, account.rows_quarantined, account.rows_duplicate
    if account.rows_in != sum(parts):
        raise AccountError(
            f"{account.file.path}: {account.rows_in} rows in, but {parts[0]} loaded + {parts[1]} quarantined "
            f"+ {parts[2]} duplicates"
        )


def _stamp(frame: pl.DataFrame, feed: str, table: str) -> pl.DataFrame:
    """Contract columns first, then where the row came from.

    `_feed` names the mapping; it is null for a source's own files, which costs nothing to store (a constant
    text costs DuckDB 0.2 CPU s per million rows).
    """
    mapping = None if feed == table else feed
    return frame.select(
        FILE,
        *contracts()[table].columns,
        pl.lit(mapping, pl.String).alias("_feed"),
        *[name for name in META if name not in {"_file_id", "_feed"}],
    )
