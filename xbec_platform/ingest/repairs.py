"""Repairs by rules: values are set where a rule says so, each change with before and after. No row is judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from xbec_platform.ingest.formats.records import ROW, as_text
from xbec_platform.ingest.rules import REPAIR, Rule
from xbec_platform.ingest.verdicts import FILE

REPAIRED_SCHEMA = {
    FILE: pl.Int32(),
    ROW: pl.Int64(),
    "rule_id": pl.String(),
    "column": pl.String(),
    "before": pl.String(),
    "after": pl.String(),
}


def repair_values(typed: pl.DataFrame, rules: Sequence[Rule]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Apply the repairs of typed rows in their order: (rows, log of `REPAIRED_SCHEMA`)."""
    return _repair(typed, [rule for rule in rules if rule.severity == REPAIR and rule.reads == "values"])


def repair_text(records: pl.DataFrame, rules: Sequence[Rule]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Apply the repairs of cells as the file has them; a rule over a column that the file lacks is idle.

    Native cells are looked at as text, and stay text only where a rule is hit.
    """
    chosen = _of_text(records, rules)
    if not chosen:
        return records, empty_log()
    repaired, log = _repair(_texts(records, chosen), chosen)
    return (repaired, log) if log.height else (records, log)


def is_text_repaired(records: pl.DataFrame, rules: Sequence[Rule]) -> bool:
    """Whether `repair_text` would change anything."""
    chosen = _of_text(records, rules)
    return bool(chosen) and any(_fired(_texts(records, chosen), chosen))


def _of_text(records: pl.DataFrame, rules: Sequence[Rule]) -> list[Rule]:
    return [
        rule
        for rule in rules
        if rule.severity == REPAIR and rule.reads == "text" and rule.columns <= set(records.columns)
    ]


def _texts(records: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    names = sorted({name for rule in rules for name in rule.columns})
    return records.with_columns(as_text(records.select(names)))


def empty_log() -> pl.DataFrame:
    """A log without any repair."""
    return pl.DataFrame(schema=REPAIRED_SCHEMA)


def _repair(rows: pl.DataFrame, rules: Iterable[Rule]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A repair that no row needs as delivered costs one condition, whatever repairs stand before it."""
    chosen = list(rules)
    if not chosen or rows.is_empty():
        return rows, empty_log()
    if not any(_fired(rows, chosen)):
        return rows, empty_log()
    logs = []
    for rule in chosen:
        is_hit = rows.select(rule.condition.alias("hit"))["hit"]
        if is_hit.any():
            repaired = _set(rows, is_hit, rule)
            logs += [_log(rows, repaired, rule, name) for name in rule.set]
            rows = repaired
    return rows, pl.concat(logs).sort(FILE, ROW, maintain_order=True)


def _fired(rows: pl.DataFrame, rules: Sequence[Rule]) -> tuple[bool, ...]:
    """Which rules hit a row."""
    return rows.select(rule.condition.any().alias(str(order)) for order, rule in enumerate(rules)).row(0)


def _set(rows: pl.DataFrame, is_hit: pl.Series, rule: Rule) -> pl.DataFrame:
    return rows.with_columns(
        pl.when(is_hit).then(pl.sql_expr(value).cast(rows.schema[name])).otherwise(pl.col(name)).alias(name)
        for name, value in rule.set.items()
    )


def _log(before: pl.DataFrame, after: pl.DataFrame, rule: Rule, name: str) -> pl.DataFrame:
    """One entry per changed cell of a column, values as a CSV would spell them."""
    changed = before[name].ne_missing(after[name])
    return pl.DataFrame(
        {
            FILE: before[FILE].filter(changed),
            ROW: before[ROW].filter(changed),
            "rule_id": pl.repeat(rule.id, int(changed.sum()), dtype=pl.String, eager=True),
            "column": pl.repeat(name, int(changed.sum()), dtype=pl.String, eager=True),
            "before": as_text(before.filter(changed).select(name))[name],
            "after": as_text(after.filter(changed).select(name))[name],
        },
        schema=REPAIRED_SCHEMA,
    )
