"""Delivered records made ready for screening: values filled down, counted, unpacked, hashed and respelt.

Steps of a mapping that SQL cannot say. They change no record's number and drop none; a value that a step cannot
read stays as it is, so that screening rejects it by its type.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from xbec_platform.ingest.formats.records import ROW
from xbec_platform.ingest.mapping_columns import EPOCHS, GAP, FileColumn
from xbec_platform.ingest.mapping_model import SourceMapping
from xbec_platform.ingest.native import typed_columns
from xbec_platform.ingest.screening import CARRIED, FILE

# The original of a gap is promised by nobody under this name and thus kept in `_extra`.
AS_DELIVERED = " (as delivered)"
# Columns of `delivered_at`; no header names one like them, since blanks around names are taken off.
HAPPENED, DELIVERED = " happened", " delivered"
# The typed fields of a key/value record as Google Analytics and Firebase export them.
_VALUE_FIELDS = ("string_value", "int_value", "float_value", "double_value")
_ISO = "%Y-%m-%dT%H:%M:%S%.6f"


def prepare(unique: pl.DataFrame, mapping: SourceMapping) -> pl.DataFrame:
    """Records as the mapping's contract describes them.

    Args:
        unique: What `drop_exact_duplicates` returned for a bundle.
        mapping: The mapping of the feed.

    Returns:
        The same records, sorted by file and row: `CARRIED`, the file's columns, the columns taken out of nested ones,
        the ordinals, and the original of every text that stands for a gap in `<column> gap` and
        `<column> (as delivered)`.
    """
    frame = unique.sort(FILE, ROW)
    if mapping.extra == "drop":
        frame = frame.select(name for name in frame.columns if name in {*CARRIED, *mapping.file.columns})
    frame = _number(_fill_down(frame, mapping), mapping)
    frame = _unpack(frame, mapping.treated)
    treated = [column for column in mapping.treated if column.name in frame.columns]
    gaps = [column for column in treated if column.has_gaps]
    frame = frame.with_columns(
        _original(frame, column).alias(column.name + ending)
        for column in gaps
        for ending in (GAP, AS_DELIVERED)
    )
    for step in (_blank_gaps, _hash, _respell):
        frame = frame.with_columns(made for column in treated if (made := step(frame, column)) is not None)
    return frame


def delivered_at(frame: pl.DataFrame, mapping: SourceMapping) -> pl.DataFrame:
    """When each record of one file happened and when a shop would have delivered it, by the mapping's `deliver_by`.

    A record tells of everything up to the latest of these times: on an earlier day it would speak of the future.
    Records that need one file go with the latest of them.

    Args:
        frame: Records of one file with `_row_no`, in file order; at least one of `deliver_by` is a column.
        mapping: The mapping.

    Returns:
        happened (the earliest of the times), delivered; UTC, null where none of them can be read.
    """
    there = [name for name in mapping.deliver_by if name in frame.columns]
    one_file = _fill_down(frame.with_columns(pl.lit(0, pl.Int32).alias(FILE)), mapping)
    for column in mapping.treated:
        if column.name in there:
            for step in (_blank_gaps, _respell):
                made = step(one_file, column)
                one_file = one_file if made is None else one_file.with_columns(made)
    columns = [mapping.file.columns[name] for name in there]
    read = typed_columns(one_file, columns, mapping.time_zone, {})
    times = pl.DataFrame({HAPPENED: read.min_horizontal(), DELIVERED: read.max_horizontal()})
    for names in sorted(mapping.kept_together):
        groups = frame.select(name for name in names if name in frame.columns)
        if groups.width:
            latest = pl.col(DELIVERED).max().over(groups.columns)
            times = times.hstack(groups).select(HAPPENED, latest)
    return times


def _fill_down(frame: pl.DataFrame, mapping: SourceMapping) -> pl.DataFrame:
    """Values that stand only on the first of several rows of one thing, on all of them.

    A group is a run of neighbouring records with equal `within`; only its first record fills, so that a gap in
    a value that the first record leaves open stays a gap.
    """
    if mapping.fill_down is None:
        return frame
    within = [FILE, *mapping.fill_down.within]
    columns = [name for name in mapping.fill_down.columns if name in frame.columns]
    run = pl.struct(within).rle_id()
    return frame.with_columns(pl.col(name).fill_null(pl.col(name).first().over(run)) for name in columns)


def _number(frame: pl.DataFrame, mapping: SourceMapping) -> pl.DataFrame:
    """Add the ordinals; records that are rejected later keep their number, so a rule moves no other row."""
    return frame.with_columns(
        pl.int_range(1, pl.len() + 1).over([FILE, *within]).cast(pl.String).alias(name)
        for name, within in mapping.ordinals.items()
    )


def _unpack(frame: pl.DataFrame, columns: Sequence[FileColumn]) -> pl.DataFrame:
    """Columns taken out of nested ones; null where the nested column lacks them."""
    fields = [column for column in columns if column.field is not None]
    frame = frame.with_columns(
        pl.col(str(column.of)).str.json_path_match(f"$.{column.field}").replace("", None).alias(column.name)
        if column.of in frame.columns
        else pl.lit(None, pl.String).alias(column.name)
        for column in fields
    )
    for of in sorted({str(column.of) for column in columns if column.key is not None}):
        wanted = {str(column.key): column.name for column in columns if column.of == of and column.key}
        if of in frame.columns:
            frame = pl.concat([frame, _picked(frame[of], wanted)], how="horizontal")
    return frame


def _picked(texts: pl.Series, wanted: dict[str, str]) -> pl.DataFrame:
    """One text column per wanted key of lists of key/value records; of a repeated key the first counts."""
    value = pl.Struct(dict.fromkeys(_VALUE_FIELDS, pl.String))
    dtype = pl.List(pl.Struct({"key": pl.String, "value": value}))
    try:
        lists = texts.str.json_decode(dtype)
    except pl.exceptions.ComputeError:
        # One record of another shape fails the whole column: read record by record instead.
        return pl.DataFrame(
            {name: [_picked_value(text, key) for text in texts] for key, name in wanted.items()},
            schema=dict.fromkeys(wanted.values(), pl.String),
        )
    entries = (
        pl.DataFrame({"entry": lists})
        .with_row_index("at")
        .explode("entry")
        .unnest("entry")
        .filter(pl.col("key").is_in(list(wanted)))
        .unnest("value")
        .select("at", "key", pl.coalesce(pl.col(_VALUE_FIELDS)).replace("", None).alias("text"))
        .unique(["at", "key"], keep="first", maintain_order=True)
    )
    rows = pl.DataFrame({"at": pl.int_range(0, texts.len(), dtype=pl.UInt32, eager=True)})
    for key, name in wanted.items():
        one = entries.filter(pl.col("key") == key).select("at", pl.col("text").alias(name))
        rows = rows.join(one, on="at", how="left", maintain_order="left")
    return rows.drop("at")


def _picked_value(text: str | None, key: str) -> str | None:
    """The value of a key in one list; null when the text is no such list."""
    try:
        entries = json.loads(text or "null", parse_float=str, parse_int=str)
    except json.JSONDecodeError:
        return None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("key") == key:
            return _scalar(entry.get("value"))
    return None


def _scalar(value: Any) -> str | None:
    """A plain value, or the first one given among the typed fields."""
    if isinstance(value, dict):
        given = [value[name] for name in _VALUE_FIELDS if value.get(name) is not None]
        value = given[0] if given else None
    return None if value in (None, "") or isinstance(value, list | dict) else str(value)


def _is_gap(frame: pl.DataFrame, column: FileColumn) -> pl.Expr:
    text = _text(frame, column.name)
    matches = [text.str.contains(f"^(?:{pattern})$") for pattern in column.absent_patterns]
    return pl.any_horizontal(text.is_in(column.absent), *matches).fill_null(value=False)


def _original(frame: pl.DataFrame, column: FileColumn) -> pl.Expr:
    return pl.when(_is_gap(frame, column)).then(_text(frame, column.name))


def _blank_gaps(frame: pl.DataFrame, column: FileColumn) -> pl.Expr | None:
    if not column.has_gaps:
        return None
    return pl.when(~_is_gap(frame, column)).then(pl.col(column.name)).alias(column.name)


def _hash(frame: pl.DataFrame, column: FileColumn) -> pl.Expr | None:
    """SHA-256 in hexadecimal of the normalised value: what no raw table may hold plainly."""
    if column.hash is None:
        return None
    text = _text(frame, column.name).str.strip_chars()
    plain = text.str.to_lowercase() if column.hash == "email" else text.str.replace_all(r"[^0-9+]", "")
    digest = plain.replace("", None).map_elements(
        lambda value: hashlib.sha256(value.encode()).hexdigest(), return_dtype=pl.String
    )
    return digest.alias(column.name)


def _respell(frame: pl.DataFrame, column: FileColumn) -> pl.Expr | None:
    """Dates and times as ISO 8601; native ones need no format, unreadable ones stay as they are."""
    if not column.formats or frame.schema[column.name].is_temporal():
        return None
    text = _text(frame, column.name)
    return pl.coalesce(*[_iso(text, spelling) for spelling in column.formats], text).alias(column.name)


def _iso(text: pl.Expr, spelling: str) -> pl.Expr:
    if spelling in EPOCHS:
        # 253402300800 s is the year 10000: beyond it an epoch is no time but a broken number.
        limit = 253_402_300_800 * 1_000_000 // EPOCHS[spelling]
        number = text.str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)
        within = pl.when(number.abs() < limit).then(number)
        return (within * EPOCHS[spelling]).cast(pl.Datetime("us")).dt.strftime(_ISO + "Z")
    moment = text.str.to_datetime(spelling, time_unit="us", strict=False)
    if "%z" in spelling:
        return moment.dt.strftime(_ISO + "Z")
    has_time = any(part in spelling for part in ("%H", "%I", "%T", "%R"))
    return moment.dt.strftime(_ISO if has_time else "%Y-%m-%d")


def _text(frame: pl.DataFrame, name: str) -> pl.Expr:
    """A column as text, whatever the format of the file gave."""
    column = pl.col(name)
    return column if frame.schema[name] == pl.String else column.cast(pl.String)
