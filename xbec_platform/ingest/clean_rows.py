"""Blocks in which nothing is wrong: their typed rows, without what only doubtful records need.

Honest files are clean nearly everywhere. Here every promise and rule is only asked whether any record breaks it;
who broke which, duplicates, repairs and warnings are the matter of `screening`, which judges every other block.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from xbec_platform.ingest.contracts import Contract
from xbec_platform.ingest.formats.records import ROW, Records
from xbec_platform.ingest.key_hashes import key_hashes
from xbec_platform.ingest.native import typed_columns
from xbec_platform.ingest.repairs import is_text_repaired
from xbec_platform.ingest.rules import REJECT, Rule, rules_of
from xbec_platform.ingest.screening import extra_json
from xbec_platform.ingest.verdicts import DROP, promises


@dataclass(frozen=True)
class CleanRows:
    """Every record of a block as it enters the raw table.

    Attributes:
        frame: The contract's columns, `_row_no` and, where the block has columns that nobody promised, `_extra`.
        key_hashes: Hashes of the keys; whether two are equal is for the whole file to say.
    """

    frame: pl.DataFrame
    key_hashes: pl.Series


def plain_columns(contract: Contract) -> dict[str, pl.DataType]:
    """Columns of numbers that a reader may hand on as such: no rule looks at their text."""
    spelt = {name for rule in rules_of(contract.source) if rule.reads == "text" for name in rule.columns}
    return {
        name: dtype for name, dtype in contract.schema.items() if dtype.is_numeric() and name not in spelt
    }


def clean_rows(records: Records, contract: Contract, *, drop_date: date) -> CleanRows | None:
    """The rows of a block that screening would accept whole and unchanged, provided that no key comes twice.

    None when that is not certain.

    Args:
        records: The block, text or native columns.
        contract: Of the source.
        drop_date: Day of the file.
    """
    rules = rules_of(contract.source)
    if records.broken or records.frame.is_empty() or any(rule.overlap is not None for rule in rules):
        return None
    if is_text_repaired(records.frame, rules):
        return None
    typed = _typed(records, contract)
    if typed is None or _breaks_any(typed, contract, rules, drop_date):
        return None
    if any(typed[name].null_count() for name in contract.key):
        return None
    extra = [name for name in records.frame.columns if name != ROW and name not in contract.columns]
    carried = [records.frame[ROW], *([extra_json(records.frame, extra)] if extra else [])]
    return CleanRows(typed.with_columns(carried), key_hashes(typed, contract.key))


def _typed(records: Records, contract: Contract) -> pl.DataFrame | None:
    """All columns of the contract; None when a cell holds what its type cannot."""
    frame = records.frame
    present = [column for name, column in contract.columns.items() if name in frame.columns]
    typed = typed_columns(frame, present, "UTC", records.numbers)
    if any(typed[column.name].null_count() != frame[column.name].null_count() for column in present):
        return None
    return typed.select(
        pl.col(name) if name in typed.columns else pl.lit(None, column.dtype).alias(name)
        for name, column in contract.columns.items()
    )


def _breaks_any(typed: pl.DataFrame, contract: Contract, rules: tuple[Rule, ...], drop_date: date) -> bool:
    """Whether any row breaks a promise, or any rule of any severity is hit."""
    rows = typed.with_columns(pl.lit(drop_date, pl.Date).alias(DROP))
    broken = [condition for condition, _ in promises(rows, contract, rules)]
    broken += [rule.condition for rule in rules if rule.severity != REJECT and rule.reads == "values"]
    return (
        bool(rows.select(pl.any_horizontal(condition.any() for condition in broken)).item())
        if broken
        else False
    )
