"""Screening: records in, accepted typed rows and rejected records with all their reasons out.

A pure function of the records, the contract and the rules: the same file gives the same verdict on any day, in
any order. Repairs come first and are on record with before and after, then promises and rejecting rules, then
warnings. Rejected records keep their raw content; exact duplicates are counted on the row that stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl
import polars.selectors as cs

from xbec_platform.ingest.contracts import Contract
from xbec_platform.ingest.formats.records import ROW, FileRejectedError, NumberStyle, Records, as_text
from xbec_platform.ingest.native import typed_columns
from xbec_platform.ingest.repairs import empty_log, repair_text, repair_values
from xbec_platform.ingest.rules import WARN, Rule, rules_of
from xbec_platform.ingest.verdicts import (
    CARRIED,
    DROP,
    DUPLICATES,
    EITHER_WAY,
    EITHER_WAY_PATTERN,
    EXTRA,
    FILE,
    UNREADABLE,
    Verdict,
    all_distinct,
    find_violations,
)

# Names of records under judgement, which whoever calls the screening needs too.
__all__ = [
    "CARRIED",
    "DROP",
    "DUPLICATES",
    "EXTRA",
    "FILE",
    "REJECTED_SCHEMA",
    "WARNED_SCHEMA",
    "Judged",
    "Screened",
    "broken_rows",
    "bundle",
    "drop_exact_duplicates",
    "find_violations",
    "judge",
    "rejected_rows",
    "require_columns",
    "screen",
    "screen_unique",
]

REJECTED_SCHEMA = {
    FILE: pl.Int32(),
    ROW: pl.Int64(),
    "reasons": pl.List(pl.String()),
    "raw_json": pl.String(),
}
WARNED_SCHEMA = {FILE: pl.Int32(), ROW: pl.Int64(), "rule_id": pl.String()}


def _no_warnings() -> pl.DataFrame:
    return pl.DataFrame(schema=WARNED_SCHEMA)


@dataclass(frozen=True)
class Screened:
    """The verdict on the records of a bundle of files.

    Attributes:
        accepted: `_file`, `_drop_date`, `_row_no`, `_duplicate_records`, `_extra` and the contract's
            columns, typed.
        rejected: `_file`, `_row_no`, reasons, raw_json.
        repaired: `_file`, `_row_no`, rule_id, column, before, after (text): changed cells of accepted rows.
        warned: `_file`, `_row_no`, rule_id: accepted rows that a warning concerns.
    """

    accepted: pl.DataFrame
    rejected: pl.DataFrame
    repaired: pl.DataFrame = field(default_factory=empty_log)
    warned: pl.DataFrame = field(default_factory=_no_warnings)


@dataclass(frozen=True)
class Judged:
    """Typed rows under the promises of a contract and its rules.

    Attributes:
        rows: All rows, repaired.
        verdict: Which of them are rejected and why.
        repaired: As in `Screened`.
        warned: As in `Screened`.
    """

    rows: pl.DataFrame
    verdict: Verdict
    repaired: pl.DataFrame
    warned: pl.DataFrame

    @property
    def accepted(self) -> pl.DataFrame:
        """Rows that are not rejected, without the flags of unreadable cells."""
        good = self.rows.filter(~self.verdict.is_bad) if self.verdict.is_bad.any() else self.rows
        return good.drop(cs.starts_with(UNREADABLE))


def bundle(files: Sequence[tuple[Records, date]]) -> pl.DataFrame:
    """Readable records of files with equal columns as one frame, numbered by file from 0.

    Args:
        files: Records and drop day of each; events after the end of that day are a fault of a clock.
    """
    frames = [
        records.frame.with_columns(pl.lit(number, pl.Int32).alias(FILE), pl.lit(day, pl.Date).alias(DROP))
        for number, (records, day) in enumerate(files)
    ]
    # Bringing a large file into one piece of memory costs 0.15 CPU s per million rows.
    return frames[0] if len(frames) == 1 else pl.concat(frames)


def screen(records: Records, contract: Contract, *, drop_date: date, time_zone: str = "UTC") -> Screened:
    """Check every record of one file against the contract; see `screen_unique`.

    Raises:
        FileRejectedError: A column that may not be null is missing from the file.
    """
    require_columns(records.frame, contract)
    unique = drop_exact_duplicates(bundle([(records, drop_date)]), contract.key)
    screened = screen_unique(unique, contract, time_zone=time_zone)
    rejected = pl.concat([screened.rejected, broken_rows(records, 0)]).sort(ROW)
    return Screened(screened.accepted, rejected, screened.repaired, screened.warned)


def screen_unique(
    unique: pl.DataFrame,
    contract: Contract,
    *,
    time_zone: str = "UTC",
    numbers: Mapping[str, NumberStyle] | None = None,
    rules: Sequence[Rule] | None = None,
) -> Screened:
    """Check readable records whose exact duplicates are already counted on them.

    Args:
        unique: What `drop_exact_duplicates` returned for a bundle.
        contract: What the source promises.
        time_zone: Zone of timestamps without an offset.
        numbers: How the files of the bundle spell their numbers, the same in all of them.
        rules: Rules of the source; those of `rules/` when not given.

    Raises:
        FileRejectedError: A rule rejects a whole file.
    """
    chosen = rules_of(contract.source) if rules is None else rules
    mended, text_log = repair_text(unique, chosen)
    judged = judge(_typed(mended, contract, time_zone, numbers or {}), contract, rules=chosen)
    is_bad = judged.verdict.is_bad
    rejected = (
        rejected_rows(unique.filter(is_bad), judged.verdict.reasons) if is_bad.any() else _none_rejected()
    )
    log = pl.concat([_of_accepted(text_log, judged), judged.repaired]).sort(FILE, ROW, maintain_order=True)
    return Screened(judged.accepted, rejected, log, judged.warned)


def judge(typed: pl.DataFrame, contract: Contract, *, rules: Sequence[Rule] | None = None) -> Judged:
    """Repair typed rows, then check them, then collect the warnings on those that are accepted.

    Args:
        typed: The intake's own columns and those of the contract.
        contract: What the rows promise.
        rules: Rules of the source; those of `rules/` when not given.

    Raises:
        FileRejectedError: A rule rejects a whole file.
    """
    chosen = rules_of(contract.source) if rules is None else rules
    rows, log = repair_values(typed, chosen)
    judged = Judged(rows, find_violations(rows, contract, chosen), log, _no_warnings())
    return Judged(rows, judged.verdict, _of_accepted(log, judged), _warnings(judged, chosen))


def _of_accepted(log: pl.DataFrame, judged: Judged) -> pl.DataFrame:
    """Entries of accepted rows: what was mended on a rejected record is not in any table."""
    if log.is_empty() or not judged.verdict.is_bad.any():
        return log
    bad = judged.rows.filter(judged.verdict.is_bad).select(FILE, ROW)
    return log.join(bad, on=[FILE, ROW], how="anti", maintain_order="left")


def _warnings(judged: Judged, rules: Sequence[Rule]) -> pl.DataFrame:
    warnings = [rule for rule in rules if rule.severity == WARN]
    if not warnings:
        return judged.warned
    hits = judged.rows.select((rule.condition & ~judged.verdict.is_bad).alias(rule.id) for rule in warnings)
    found = [
        judged.rows.filter(hits[rule.id]).select(FILE, ROW, pl.lit(rule.id).alias("rule_id"))
        for rule in warnings
        if hits[rule.id].any()
    ]
    return pl.concat([judged.warned, *found]).sort(FILE, ROW, maintain_order=True)


def require_columns(frame: pl.DataFrame, contract: Contract) -> None:
    """Every column that may not be null must be in the file."""
    needed = [name for name, column in contract.columns.items() if not column.nullable]
    missing = [name for name in needed if name not in frame.columns]
    # A file without any record has no columns in JSON lines: a valid day with zero rows.
    if missing and frame.width > 1:
        found = ", ".join(name for name in frame.columns if name != ROW)
        raise FileRejectedError(
            f"line 1: required columns are missing: {', '.join(missing)}; found are {found}; "
            "deliver them, or map the names the file has (xbec mapping new FILE)"
        )


def drop_exact_duplicates(frame: pl.DataFrame, key: Sequence[str] = ()) -> pl.DataFrame:
    """Keep the first of a file's records that agree in every column and count the others on it.

    Args:
        frame: What `bundle` returned.
        key: Columns that should tell records apart: where they do, nothing else needs to be compared.
    """
    columns = [name for name in frame.columns if name not in {FILE, DROP, ROW}]
    telling = [name for name in key if name in columns] or columns
    if not columns or frame.is_empty() or all_distinct(frame, [FILE, *telling]):
        return frame.with_columns(pl.lit(0, pl.Int32).alias(DUPLICATES))
    counted = frame.group_by([FILE, DROP, *columns]).agg(
        pl.col(ROW).min(), (pl.len() - 1).cast(pl.Int32).alias(DUPLICATES)
    )
    return counted.sort(FILE, ROW).select([*frame.columns, DUPLICATES])


def _typed(
    unique: pl.DataFrame, contract: Contract, time_zone: str, numbers: Mapping[str, NumberStyle]
) -> pl.DataFrame:
    """The contract's columns, parsed, each with a flag for values its type cannot hold.

    Columns nobody promised go to `_extra` as JSON.
    """
    present = [column for name, column in contract.columns.items() if name in unique.columns]
    extra = [name for name in unique.columns if name not in {*contract.columns, *CARRIED}]
    typed = typed_columns(unique, present, time_zone, numbers)
    flags = [
        (unique[column.name].is_not_null() & typed[column.name].is_null()).alias(UNREADABLE + column.name)
        for column in present
        if column.type != "text"
    ]
    by_name = {flag.name.removeprefix(UNREADABLE): flag for flag in flags if flag.any()}
    flags += [
        (by_name[column.name] & texts.str.contains(EITHER_WAY_PATTERN)).alias(EITHER_WAY + column.name)
        for column in present
        if column.type in {"date", "timestamp"} and column.name in by_name
        if (texts := unique[column.name]).dtype == pl.String
    ]
    return unique.select(FILE, DROP, ROW, DUPLICATES).with_columns(
        extra_json(unique, extra).alias(EXTRA) if extra else pl.lit(None, pl.String).alias(EXTRA),
        *[
            typed[name] if name in typed.columns else pl.lit(None, column.dtype).alias(name)
            for name, column in contract.columns.items()
        ],
        *flags,
    )


def extra_json(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """Cells as the text a CSV would hold, one JSON object per record: `_extra`, or a raw record."""
    texts = as_text(frame.select(columns))
    return texts.select(pl.struct(pl.all()).struct.json_encode().alias(EXTRA))[EXTRA]


def rejected_rows(raw: pl.DataFrame, reasons: pl.Series) -> pl.DataFrame:
    """Records for the quarantine: the raw content as JSON with all reasons."""
    columns = [name for name in raw.columns if name not in CARRIED]
    if raw.is_empty():
        return _none_rejected()
    return raw.select(pl.col(FILE, ROW), reasons.alias("reasons"), extra_json(raw, columns).alias("raw_json"))


def _none_rejected() -> pl.DataFrame:
    return pl.DataFrame(schema=REJECTED_SCHEMA)


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
