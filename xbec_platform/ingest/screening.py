"""Screening: records of text in, accepted typed rows and rejected records with all their reasons out.

A pure function of the records and the contract: the same file gives the same verdict on any day, in any
order. Rejected records keep their raw content; exact duplicates are counted on the row that stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
import polars.selectors as cs

from xbec_platform.ingest.contracts import Column, Contract
from xbec_platform.ingest.parsing import parse, plain_timestamps
from xbec_platform.ingest.readers import ROW, FileRejectedError, Records

DUPLICATES = "_duplicate_records"
EXTRA = "_extra"
# Small files cost more to plan than to screen, so files of a feed are screened together. Their number within
# the bundle and their drop day travel with every record; no rule looks beyond the record's own file.
FILE, DROP = "_file", "_drop_date"
CARRIED = (FILE, DROP, ROW, DUPLICATES, EXTRA)
UNREADABLE = "?"
# Clocks of sources drift; ten minutes past the drop day are still the drop day.
CLOCK_TOLERANCE = timedelta(minutes=10)
REJECTED_SCHEMA = {
    FILE: pl.Int32(),
    ROW: pl.Int64(),
    "reasons": pl.List(pl.String()),
    "raw_json": pl.String(),
}


@dataclass(frozen=True)
class Screened:
    """The verdict on the records of a bundle of files.

    Attributes:
        accepted: `_file`, `_drop_date`, `_row_no`, `_duplicate_records`, `_extra` and the contract's
            columns, typed.
        rejected: `_file`, `_row_no`, reasons, raw_json.
    """

    accepted: pl.DataFrame
    rejected: pl.DataFrame


def bundle(files: Sequence[tuple[Records, date]]) -> pl.DataFrame:
    """Readable records of files with equal columns as one frame, numbered by file from 0.

    Args:
        files: Records and drop day of each; events after the end of that day are a fault of a clock.
    """
    return pl.concat(
        records.frame.with_columns(pl.lit(number, pl.Int32).alias(FILE), pl.lit(day, pl.Date).alias(DROP))
        for number, (records, day) in enumerate(files)
    )


def screen(records: Records, contract: Contract, *, drop_date: date, time_zone: str = "UTC") -> Screened:
    """Check every record of one file against the contract; see `screen_unique`.

    Raises:
        FileRejectedError: A column that may not be null is missing from the file.
    """
    require_columns(records.frame, contract)
    unique = drop_exact_duplicates(bundle([(records, drop_date)]))
    screened = screen_unique(unique, contract, time_zone=time_zone)
    rejected = pl.concat([screened.rejected, broken_rows(records, 0)]).sort(ROW)
    return Screened(screened.accepted, rejected)


def screen_unique(unique: pl.DataFrame, contract: Contract, *, time_zone: str = "UTC") -> Screened:
    """Check readable records whose exact duplicates are already counted on them.

    Args:
        unique: What `drop_exact_duplicates` returned for a bundle.
        contract: What the source promises.
        time_zone: Zone of timestamps without an offset.
    """
    typed = _typed(unique, contract, time_zone)
    verdict = find_violations(typed, contract)
    accepted = typed.filter(~verdict.is_bad).drop(cs.starts_with(UNREADABLE))
    return Screened(accepted, rejected_rows(unique.filter(verdict.is_bad), verdict.reasons))


def require_columns(frame: pl.DataFrame, contract: Contract) -> None:
    """Every column that may not be null must be in the file."""
    needed = [name for name, column in contract.columns.items() if not column.nullable]
    missing = [name for name in needed if name not in frame.columns]
    # A file without any record has no columns in JSON lines: a valid day with zero rows.
    if missing and frame.width > 1:
        found = ", ".join(name for name in frame.columns if name != ROW)
        raise FileRejectedError(
            f"line 1: required columns are missing: {', '.join(missing)}; found are {found}"
        )


def drop_exact_duplicates(frame: pl.DataFrame) -> pl.DataFrame:
    """Keep the first of a file's records that agree in every column and count the others on it."""
    columns = [name for name in frame.columns if name not in {FILE, DROP, ROW}]
    if not columns or frame.is_empty():
        return frame.with_columns(pl.lit(0, pl.Int32).alias(DUPLICATES))
    counted = frame.group_by([FILE, DROP, *columns]).agg(
        pl.col(ROW).min(), (pl.len() - 1).cast(pl.Int32).alias(DUPLICATES)
    )
    return counted.sort(FILE, ROW).select([*frame.columns, DUPLICATES])


def _typed(unique: pl.DataFrame, contract: Contract, time_zone: str) -> pl.DataFrame:
    """The contract's columns, parsed, each with a flag for values its type cannot hold.

    Columns nobody promised go to `_extra` as JSON.
    """
    present = [column for name, column in contract.columns.items() if name in unique.columns]
    absent = [column for name, column in contract.columns.items() if name not in unique.columns]
    extra = [name for name in unique.columns if name not in {*contract.columns, *CARRIED}]
    plain = plain_timestamps(unique, present)
    typed = unique.select(
        pl.col(FILE, DROP, ROW, DUPLICATES),
        (pl.struct(extra).struct.json_encode() if extra else pl.lit(None, pl.String)).alias(EXTRA),
        *[parse(column, time_zone, is_plain=column.name in plain) for column in present],
        *[pl.lit(None, column.dtype).alias(column.name) for column in absent],
    )
    return typed.select(*CARRIED, *contract.columns).with_columns(
        (unique[column.name].is_not_null() & typed[column.name].is_null()).alias(UNREADABLE + column.name)
        for column in present
        if column.type != "text"
    )


@dataclass(frozen=True)
class Verdict:
    """Rows that break their contract.

    Attributes:
        is_bad: One flag per row.
        reasons: All reasons of each bad row, in row order.
    """

    is_bad: pl.Series
    reasons: pl.Series


def find_violations(typed: pl.DataFrame, contract: Contract) -> Verdict:
    """Check typed rows against all promises of the contract."""
    checks = [
        *[
            (pl.col(UNREADABLE + name), f"{name}: is no {column.type}")
            for name, column in contract.columns.items()
            if UNREADABLE + name in typed.columns
        ],
        *[check for column in contract.columns.values() for check in _checks(column, typed)],
        *_clock_check(contract),
        (_conflicting_key(contract), f"key {', '.join(contract.key)}: repeated with other content"),
    ]
    flags = typed.select(
        condition.fill_null(value=False).alias(str(order)) for order, (condition, _) in enumerate(checks)
    )
    hit = [
        name for name, found in zip(flags.columns, flags.select(pl.all().any()).row(0), strict=True) if found
    ]
    if typed.is_empty() or not hit:
        return Verdict(
            pl.repeat(value=False, n=typed.height, eager=True), pl.Series([], dtype=pl.List(pl.String))
        )
    is_bad = flags.select(pl.any_horizontal(hit).alias("bad"))["bad"]
    texts = [pl.when(pl.col(name)).then(pl.lit(checks[int(name)][1])) for name in hit]
    reasons = flags.filter(is_bad).select(pl.concat_list(texts).list.drop_nulls().alias("reasons"))["reasons"]
    return Verdict(is_bad, reasons)


def _clock_check(contract: Contract) -> list[tuple[pl.Expr, str]]:
    """Nothing may have happened after the day on which it was delivered."""
    if contract.event_time is None or contract.looks_ahead:
        return []
    latest = pl.col(DROP).cast(pl.Datetime("us")) + timedelta(days=1) + CLOCK_TOLERANCE
    event = pl.col(contract.event_time).cast(pl.Datetime("us"))
    return [(event > latest, f"{contract.event_time}: lies after the drop day")]


def _checks(column: Column, typed: pl.DataFrame) -> list[tuple[pl.Expr, str]]:
    """(condition of a violation, reason) for each promise of a column."""
    value, name = pl.col(column.name), column.name
    checks: list[tuple[pl.Expr, str]] = []
    if not column.nullable:
        flag = UNREADABLE + name
        missing = value.is_null() & ~pl.col(flag) if flag in typed.columns else value.is_null()
        checks.append((missing, f"{name}: is missing"))
    if column.min is not None:
        checks.append((value < column.min, f"{name}: is below {column.min:g}"))
    if column.max is not None:
        checks.append((value > column.max, f"{name}: is above {column.max:g}"))
    if column.above is not None:
        checks.append((value <= column.above, f"{name}: is not above {column.above:g}"))
    if column.allowed is not None:
        checks.append((~value.is_in(column.allowed), f"{name}: is none of {', '.join(column.allowed)}"))
    if column.pattern is not None:
        checks.append((~value.str.contains(column.pattern), f"{name}: does not match {column.pattern}"))
    return checks


def _conflicting_key(contract: Contract) -> pl.Expr:
    """Rows of a file that share a complete key; none of them is preferred."""
    complete = pl.all_horizontal(pl.col(name).is_not_null() for name in contract.key)
    return complete & (pl.len().over([FILE, *contract.key]) > 1)


def rejected_rows(raw: pl.DataFrame, reasons: pl.Series) -> pl.DataFrame:
    """Records for the quarantine: the raw content as JSON with all reasons."""
    columns = [name for name in raw.columns if name not in CARRIED]
    if raw.is_empty():
        return pl.DataFrame(schema=REJECTED_SCHEMA)
    return raw.select(
        pl.col(FILE, ROW),
        reasons.alias("reasons"),
        pl.struct(columns).struct.json_encode().alias("raw_json"),
    )


def broken_rows(records: Records, number: int) -> pl.DataFrame:
    """Records that could not be cut into cells, for the quarantine."""
    return pl.DataFrame(
        {
            FILE: [number] * len(records.broken),
            ROW: [row for row, _, _ in records.broken],
            "reasons": [[cause] for _, _, cause in records.broken],
            "raw_json": [raw for _, raw, _ in records.broken],
        },
        schema=REJECTED_SCHEMA,
    )
