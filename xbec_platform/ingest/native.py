"""Columns of any file to the contract's types: text is parsed, native values are taken where that is exact.

Parquet and Excel hold numbers and times already. A value that the contract's type holds exactly is cast; every
other goes through the text a CSV would hold, so that both formats get the same verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from xbec_platform.ingest.contracts import Column
from xbec_platform.ingest.formats.numbers import plain_number
from xbec_platform.ingest.formats.records import NumberStyle, as_text
from xbec_platform.ingest.parsing import finite, parse


def typed_columns(
    frame: pl.DataFrame, columns: Iterable[Column], time_zone: str, numbers: Mapping[str, NumberStyle]
) -> pl.DataFrame:
    """The columns as the contract types them; what cannot be read exactly is null.

    Args:
        frame: Text or native columns, by the names of the contract.
        columns: Promised columns that the frame has.
        time_zone: IANA zone of timestamps without an offset.
        numbers: Spelling of numeric text columns that are not plain.
    """
    chosen = list(columns)
    exact = {column.name: _exact(column, frame.schema[column.name], time_zone) for column in chosen}
    through_text = [column for column in chosen if exact[column.name] is None]
    texts = as_text(frame.select(column.name for column in through_text))
    styled = [name for name in texts.columns if name in numbers and frame.schema[name] == pl.String]
    texts = texts.with_columns(plain_number(pl.col(name), numbers[name]).alias(name) for name in styled)
    parsed = texts.select(parse(column, time_zone) for column in through_text)
    native = frame.select(expression for expression in exact.values() if expression is not None)
    return pl.concat([parsed, native], how="horizontal").select(column.name for column in chosen)


def _exact(column: Column, dtype: pl.DataType, time_zone: str) -> pl.Expr | None:
    """How a native column becomes the contract's type without loss; None when its text must be parsed."""
    value = pl.col(column.name)
    match column.type:
        case "integer" if dtype.is_integer():
            return value.cast(pl.Int64, strict=False)
        case "double" if dtype == pl.Float64:
            return finite(value)
        case "double" if dtype.is_integer():
            return value.cast(pl.Float64)
        case "boolean" if dtype == pl.Boolean:
            return value
        case "date" if dtype == pl.Date:
            return value
        case "timestamp" if isinstance(dtype, pl.Datetime):
            return _utc(value, dtype, time_zone)
        case kind if kind.startswith("decimal"):
            return _exact_decimal(value, dtype, column.dtype)
        case _:
            return None


def _exact_decimal(value: pl.Expr, dtype: pl.DataType, wanted: pl.DataType) -> pl.Expr | None:
    """Decimals with no more places and whole numbers; floats by their text, as a CSV would spell them."""
    if isinstance(dtype, pl.Decimal) and isinstance(wanted, pl.Decimal) and dtype.scale <= wanted.scale:
        return value.cast(wanted, strict=False)
    return value.cast(wanted, strict=False) if dtype.is_integer() else None


def _utc(value: pl.Expr, dtype: pl.Datetime, time_zone: str) -> pl.Expr:
    """UTC without zone in microseconds; nanoseconds are cut, as those of text are."""
    micros = value.dt.cast_time_unit("us")
    if dtype.time_zone:
        return micros.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if time_zone == "UTC":
        return micros
    local = micros.dt.replace_time_zone(time_zone, ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
