"""From text to typed values, column by column: what is not exactly readable becomes null and is reported.

Each type has one accepted spelling family and no guess: `2.55` and never `2,55`, ISO dates and never
`01/02/2026`. A mapping translates sources that write otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import polars as pl

from xbec_platform.ingest.contracts import Column

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_TIMESTAMP = r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$"
# What most sources write, and what typed files become: read six times faster than the family above.
_PLAIN_TIMESTAMP = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$"
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


def plain_timestamps(frame: pl.DataFrame, columns: Iterable[Column]) -> frozenset[str]:
    """Names of the timestamp columns whose every value is written YYYY-MM-DDThh:mm:ss[.ffffff]Z."""
    names = [column.name for column in columns if column.type == "timestamp"]
    if not names:
        return frozenset()
    plain = frame.select(pl.col(names).str.contains(_PLAIN_TIMESTAMP).all()).row(0)
    return frozenset(name for name, is_plain in zip(names, plain, strict=True) if is_plain)


def parse(column: Column, time_zone: str = "UTC", *, is_plain: bool = False) -> pl.Expr:
    """Expression that turns the text column `column.name` into its type; unreadable values become null.

    Args:
        column: The promised column.
        is_plain: The column is one of `plain_timestamps`.
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
            # Tools that know only floats write 17850 as 17850.0: the same number, hence no guess.
            parsed = (
                text.str.replace(r"^([+-]?\d+)\.0+$", "$1").str.strip_prefix("+").cast(pl.Int64, strict=False)
            )
        case "double":
            parsed = pl.when(text.str.contains(_NUMBER)).then(text).cast(pl.Float64, strict=False)
        case "boolean":
            parsed = text.str.to_lowercase().replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean)
        case "date":
            parsed = text.str.to_date("%Y-%m-%d", strict=False)
        case "timestamp" if is_plain:
            parsed = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", strict=False)
        case "timestamp":
            parsed = _timestamp(text, time_zone)
        case _:
            parsed = _decimal(text, column.dtype)
    return parsed.alias(column.name)


def _decimal(text: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Exact decimals: a value with more digits than the column keeps is unreadable, not rounded."""
    wide = pl.when(text.str.contains(_NUMBER)).then(text).cast(pl.Decimal(38, 12), strict=False)
    exponent = text.str.contains("[eE]")
    # Polars reads an exponent as zero; such text comes from floats below 1e-5, which no price keeps anyway.
    exact = pl.when(~exponent).then(wide)
    narrow = exact.cast(dtype, strict=False)
    return pl.when(narrow.cast(pl.Decimal(38, 12), strict=False) == exact).then(narrow)


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
