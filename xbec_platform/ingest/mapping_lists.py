"""Entries of a list inside each record as rows of their own: the items of an event, the lines of an order."""

from __future__ import annotations

import json

import polars as pl

from xbec_platform.ingest.formats.records import ROW
from xbec_platform.ingest.mapping_model import ItemList
from xbec_platform.ingest.native import typed_columns
from xbec_platform.ingest.screening import FILE

_ENTRY = "_entry"


def item_rows(rows: pl.DataFrame, items: ItemList, time_zone: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row per entry of `items.of` for which `items.where` holds.

    Args:
        rows: Accepted records with all columns of the mapping.
        items: What to take out of them.
        time_zone: Zone of timestamps without an offset.

    Returns:
        The columns of the records, the typed fields and the ordinal; and (`_file`, `_row_no`, reasons) of records
        whose list or one of its fields cannot be read.
    """
    listed = rows.filter(pl.col(items.of).is_not_null())
    listed = listed.with_columns(_entries(listed[items.of], items).alias(_ENTRY))
    no_list = listed.filter(pl.col(_ENTRY).is_null())
    numbers = pl.int_ranges(1, pl.col(_ENTRY).list.len().cast(pl.Int64) + 1).alias(items.ordinal)
    entries = (
        listed.filter(pl.col(_ENTRY).list.len() > 0)
        .with_columns(numbers)
        .explode(_ENTRY, items.ordinal)
        .unnest(_ENTRY)
    )
    texts = entries.select(pl.col(name).replace("", None) for name in items.fields)
    typed = typed_columns(texts, items.fields.values(), time_zone, {})
    entries = entries.with_columns(typed.get_columns())
    bad = [_reasons(no_list, pl.lit(f"{items.of}: is no list of objects"))]
    for name, column in items.fields.items():
        unread = entries.filter(texts[name].is_not_null() & typed[name].is_null())
        bad.append(
            _reasons(unread, pl.format(f"{items.of} {{}}: {name}: is no {column.type}", items.ordinal))
        )
    return entries.filter(pl.sql_expr(items.where)), pl.concat(bad)


def _reasons(rows: pl.DataFrame, reason: pl.Expr) -> pl.DataFrame:
    return rows.select(FILE, ROW, pl.concat_list(reason).alias("reasons"))


def _entries(texts: pl.Series, items: ItemList) -> pl.Series:
    """Lists of the wanted fields as text; null for what is no list of objects."""
    dtype = pl.List(pl.Struct(dict.fromkeys(items.fields, pl.String)))
    try:
        return texts.str.json_decode(dtype)
    except pl.exceptions.ComputeError:
        # One record of another shape fails the whole column: read record by record instead.
        return pl.Series([_entries_of(text, items) for text in texts], dtype=dtype)


def _entries_of(text: str, items: ItemList) -> list[dict[str, str | None]] | None:
    entries = json.loads(text, parse_float=str, parse_int=str)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return None
    return [{name: _as_text(entry.get(name)) for name in items.fields} for entry in entries]


def _as_text(value: object) -> str | None:
    """A JSON value as text; nested ones stay JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
