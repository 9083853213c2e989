"""From text to typed values, column by column: what is not exactly readable becomes null and is reported.

Each type has one accepted spelling family and no guess: `2.55` and never `2,55`, ISO dates and never
`01/02/2026`. A mapping translates sources that write otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import polars as pl

from xbec_platform.ingest.contracts import Column
from xbec_platform.ingest.formats.numbers import DOUBLE_DIGITS, exact_decimal
from xbec_platform.ingest.plain_times import plain_timestamps

_TIMESTAMP = r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$"
_BOOLEANS = {
    "true": True,
    "t": True,
    "1": True,
    "yes": True,
    "false": False,
    "f": False,
    "0": False,
    "no": False,
}


def parse(column: Column, time_zone: str = "UTC") -> pl.Expr:
    """Expression that turns the text column `column.name` into its type; unreadable values become null.

    Args:
        column: The promised column.
        time_zone: IANA zone of timestamps that carry no offset. A local time that a clock change makes
            ambiguous counts as the earlier one; one that does not exist is unreadable.
    """
    text = pl.col(column.name)
    match column.type:
        case "text" | "json":
            parsed = _json(text) if column.type == "json" else text
        case "country":
            parsed = pl.when(text.is_in(iso_countries())).then(text)
        case "currency":
            parsed = pl.when(text.is_in(iso_currencies())).then(text)
        case "integer":
            parsed = _integer(text)
        case "double":
            parsed = finite(text.cast(pl.Float64, strict=False))
        case "boolean":
            parsed = _boolean(text)
        case "date":
            parsed = text.str.to_date("%Y-%m-%d", strict=False)
        case "timestamp":
            parsed = text.map_batches(
                lambda series: _timestamps(series, time_zone), return_dtype=pl.Datetime("us")
            )
        case _:
            parsed = _decimal(text, column.dtype)
    return parsed.alias(column.name)


def _or_else(
    quick: pl.Expr, text: pl.Expr, slow: Callable[[pl.Expr], pl.Expr], dtype: pl.DataType
) -> pl.Expr:
    """`quick` where it has a value, else `slow` of the text, which costs nothing where `quick` reads everything."""

    def filled(parts: Sequence[pl.Series]) -> pl.Series:
        done, texts = parts
        missed = done.is_null() & texts.is_not_null()
        if not missed.any():
            return done
        rest = texts.alias("text").to_frame().select(slow(pl.when(missed).then(pl.col("text"))).alias("rest"))
        return rest.select(pl.coalesce(done, "rest").alias(done.name))[done.name]

    return pl.map_batches([quick, text], filled, return_dtype=dtype)


def _integer(text: pl.Expr) -> pl.Expr:
    """Whole numbers. Tools that know only floats write 17850 as 17850.0: the same number, hence no guess."""

    def without_zeros(rest: pl.Expr) -> pl.Expr:
        return rest.str.extract(r"^([+-]?\d+)\.0+$").cast(pl.Int64, strict=False)

    return _or_else(text.cast(pl.Int64, strict=False), text, without_zeros, pl.Int64())


def finite(value: pl.Expr) -> pl.Expr:
    """A float, without NaN and the infinities, which are no measurements."""
    return pl.when(value.is_finite()).then(value)


def _boolean(text: pl.Expr) -> pl.Expr:
    def spelled(rest: pl.Expr) -> pl.Expr:
        return rest.str.to_lowercase().replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean)

    quick = pl.when(text == "true").then(statement=True).when(text == "false").then(statement=False)
    return _or_else(quick, text, spelled, pl.Boolean())


def _short_decimal(text: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Decimals of up to 15 characters by way of a double; null where that is not certainly exact."""
    is_short = text.str.len_bytes() <= DOUBLE_DIGITS
    return exact_decimal(text.cast(pl.Float64, strict=False).set(~is_short, None), dtype)


def _decimal(text: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Exact decimals: a value with more digits than the column keeps is unreadable, not rounded."""
    scale = dtype.scale if isinstance(dtype, pl.Decimal) else 0
    digits = rf"^[+-]?(\d+\.?\d{{0,{scale}}}|\.\d{{1,{max(scale, 1)}}})$"

    def digit_by_digit(rest: pl.Expr) -> pl.Expr:
        # Zeros behind the last place say nothing; Polars would round, so further digits must be seen first.
        has_point = rest.str.contains(".", literal=True)
        cut = pl.when(has_point).then(rest.str.strip_chars_end("0")).otherwise(rest)
        return pl.when(cut.str.contains(digits)).then(cut).cast(dtype, strict=False)

    quick = text.map_batches(lambda series: _short_decimal(series, dtype), return_dtype=dtype)
    return _or_else(quick, text, digit_by_digit, dtype)


def _timestamps(text: pl.Series, time_zone: str) -> pl.Series:
    """What most sources write, and what typed files become, is read four times faster than the whole family."""
    plain = plain_timestamps(text)
    return (
        text.to_frame("text").select(_timestamp(pl.col("text"), time_zone))["text"]
        if plain is None
        else plain
    )


def _timestamp(text: pl.Expr, time_zone: str) -> pl.Expr:
    """UTC timestamps without zone, microseconds."""
    day, minute, second, offset = (text.str.extract(_TIMESTAMP, group) for group in (1, 2, 3, 4))
    local = pl.concat_str(
        day, pl.lit(" "), minute.fill_null("00:00"), second.fill_null(":00"), ignore_nulls=False
    ).str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    in_utc = (
        local.dt.replace_time_zone(time_zone, ambiguous="earliest", non_existent="null")
        .dt.convert_time_zone("UTC")
        .dt.replace_time_zone(None)
    )
    sign = pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)
    minutes = offset.str.slice(1, 2).cast(pl.Int64, strict=False) * 60 + offset.str.slice(-2).cast(
        pl.Int64, strict=False
    )
    shifted = local - pl.duration(minutes=sign * minutes)
    return pl.when(offset.is_null()).then(in_utc).when(offset == "Z").then(local).otherwise(shifted)


def _json(text: pl.Expr) -> pl.Expr:
    """JSON objects and lists stay text; anything else is unreadable."""
    return pl.when(text.str.contains(r"^\s*[\[{]") & text.str.json_path_match("$").is_not_null()).then(text)


@cache
def iso_countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes."""
    import pycountry

    return frozenset(country.alpha_2 for country in pycountry.countries)


@cache
def iso_currencies() -> frozenset[str]:
    """ISO 4217 codes."""
    import pycountry

    return frozenset(currency.alpha_3 for currency in pycountry.currencies)
