"""Which typed rows break a promise of their contract or a rule that rejects, with all reasons. Nothing is changed.

No verdict looks beyond the record's own file, so that files can be judged in any company.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from xbec_platform.ingest.contracts import Column, Contract
from xbec_platform.ingest.formats.records import ROW, FileRejectedError
from xbec_platform.ingest.rules import REJECT, Overlap, Rule

DUPLICATES = "_duplicate_records"
EXTRA = "_extra"
# Small files cost more to plan than to screen, so files of a feed are screened together. Their number within
# the bundle and their drop day travel with every record; no rule looks beyond the record's own file.
FILE, DROP = "_file", "_drop_date"
CARRIED = (FILE, DROP, ROW, DUPLICATES, EXTRA)
# Flag of a cell that has a value which its type cannot hold.
UNREADABLE = "?"
# Flag of such a cell that holds a date whose day and month may be either.
EITHER_WAY = "?day or month of "
EITHER_WAY_PATTERN = r"^\s*(0?[1-9]|1[0-2])[/.-](0?[1-9]|1[0-2])[/.-](\d{4}|\d{2})(\D|$)"
# Clocks of sources drift; ten minutes past the drop day are still the drop day.
CLOCK_TOLERANCE = timedelta(minutes=10)


@dataclass(frozen=True)
class Verdict:
    """Rows that break their contract.

    Attributes:
        is_bad: One flag per row.
        reasons: All reasons of each bad row, in row order.
    """

    is_bad: pl.Series
    reasons: pl.Series


def find_violations(typed: pl.DataFrame, contract: Contract, rules: Sequence[Rule] = ()) -> Verdict:
    """Check typed rows against all promises of the contract and the rules that reject.

    All conditions are evaluated in one pass; reasons are built only when one of them is hit.

    Raises:
        FileRejectedError: Windows of a file overlap that may not.
    """
    checks = [*promises(typed, contract, rules), *_key_check(typed, contract)]
    flags = typed.select(
        condition.fill_null(value=False).alias(str(order)) for order, (condition, _) in enumerate(checks)
    )
    hit = [name for name in flags.columns if flags[name].any()]
    if typed.is_empty() or not hit:
        verdict = Verdict(
            pl.repeat(value=False, n=typed.height, eager=True), pl.Series([], dtype=pl.List(pl.String))
        )
    else:
        is_bad = flags.select(pl.any_horizontal(hit).alias("bad"))["bad"]
        texts = [pl.when(pl.col(name)).then(pl.lit(checks[int(name)][1])) for name in hit]
        bad = flags.filter(is_bad)
        reasons = bad.select(pl.concat_list(texts).list.drop_nulls().alias("reasons"))["reasons"]
        verdict = Verdict(is_bad, reasons)
    for rule in rules:
        if rule.overlap is not None:
            _require_no_overlap(typed.filter(~verdict.is_bad), rule, rule.overlap)
    return verdict


def promises(typed: pl.DataFrame, contract: Contract, rules: Sequence[Rule]) -> list[tuple[pl.Expr, str]]:
    """(condition of a violation, reason) of all that a row by itself can break."""
    return [
        *[check for column in contract.columns.values() for check in _unreadable(column, typed)],
        *[check for column in contract.columns.values() for check in _checks(column, typed)],
        *_clock_check(contract),
        *[
            (rule.condition, f"{rule.message} [{rule.id}]")
            for rule in rules
            if rule.severity == REJECT and rule.overlap is None
        ],
    ]


def _unreadable(column: Column, typed: pl.DataFrame) -> list[tuple[pl.Expr, str]]:
    """(condition, reason) of values that the column's type cannot hold; the reason is the same for all files."""
    flag, either_way = UNREADABLE + column.name, EITHER_WAY + column.name
    cause = f"{column.name}: is no {column.type}"
    if flag not in typed.columns:
        return []
    if either_way not in typed.columns:
        return [(pl.col(flag), cause)]
    why = (
        "a date like 01/02/2026 can be read in two ways, 1 February or 2 January: deliver 2026-02-01, or map the "
        "file (xbec mapping new FILE) and declare the column's format, '%d/%m/%Y' or '%m/%d/%Y'"
    )
    return [(pl.col(flag) & ~pl.col(either_way), cause), (pl.col(either_way), f"{cause}; {why}")]


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


def _key_check(typed: pl.DataFrame, contract: Contract) -> list[tuple[pl.Expr, str]]:
    """Rows of a file that share a complete key; none of them is preferred."""
    if all_distinct(typed, (FILE, *contract.key)):
        return []
    complete = pl.all_horizontal(pl.col(name).is_not_null() for name in contract.key)
    conflict = complete & (pl.len().over([FILE, *contract.key]) > 1)
    return [(conflict, f"key {', '.join(contract.key)}: repeated with other content")]


def all_distinct(frame: pl.DataFrame, columns: Sequence[str]) -> bool:
    """Whether no two rows agree in the columns, by their hashes: four times faster than comparing them.

    Equal rows have equal hashes, so True is certain; False may, once in 10**9 files, be a chance collision,
    and only means that the rows must be compared.
    """
    return frame.select(columns).hash_rows().n_unique() == frame.height


def _require_no_overlap(rows: pl.DataFrame, rule: Rule, windows: Overlap) -> None:
    """Raise when two windows of one file share a day."""
    group = [FILE, *windows.within]
    end = pl.col(windows.end).fill_null(date.max)
    overlapping = (
        rows.sort(*group, windows.start, ROW)
        .with_columns(
            end.cum_max().shift(1).over(group).alias("_end_before"),
            pl.col(ROW).shift(1).over(group).alias("_row_before"),
        )
        .filter(pl.col(windows.start) <= pl.col("_end_before"))
        .sort(FILE, ROW)
    )
    if overlapping.height:
        first = overlapping.row(0, named=True)
        what = ", ".join(f"{name}={first[name]}" for name in windows.within)
        raise FileRejectedError(
            f"records {first['_row_before']} and {first[ROW]}: {rule.message} ({what}) [{rule.id}]; "
            f"mend {windows.start} or {windows.end} and deliver the file again"
        )
