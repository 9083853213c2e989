"""How a column of a file spells its numbers, and such numbers in plain spelling. No value is judged good or bad.

A spelling counts only when a value proves it: `2,55` has a decimal comma, `1.234,56` and `1,234,567` can be
read in one way. When every value with a sign is like `1,234`, the file is rejected with both readings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import polars as pl

from xbec_platform.ingest.formats.records import FileRejectedError, NumberStyle, Reading, declare

# The spelling of a file is judged on so many first records, whatever the size of the blocks it is read in.
JUDGED_RECORDS = 131_072
# Any number of so many digits survives the way through a double.
DOUBLE_DIGITS = 15
_BLANKS = (" ", "\u00a0", "\u202f")
_APOSTROPHES = ("'", "\u2019")
_CURRENCY = r"[A-Z]{0,2}\p{Sc}|[A-Z]{3}"
_SPELLED = rf"^\s*\(?[+-]?({_CURRENCY})?\s*([+-]?[0-9][0-9.,'\u2019\s]*?)\s*({_CURRENCY})?\)?\s*$"
_PLAIN = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_DECLARE = declare("decimal", '","', '"."')
# What follows an unreadable value, so that no parser takes it for a number of another spelling.
UNFIT = " (not in this file's number style)"


def exact_decimal(value: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Decimals from doubles that were written with up to `DOUBLE_DIGITS` characters; null where not certainly exact.

    Such a text is m / 10**e with m < 10**15. Scaled to the last place it is off by less than 2.3e-16 of itself
    when the column can hold it (rounding of the double and of the product), and by 1e-15 at least when it has a
    further digit. Polars divides by multiplying with the inverse, so the quotient must not be compared.
    """
    scaled = value * 10.0 ** (dtype.scale if isinstance(dtype, pl.Decimal) else 0)
    last_place = scaled.round()
    is_exact = (scaled - last_place).abs() <= last_place.abs() * 5e-16
    is_short = scaled.abs() < 10.0**DOUBLE_DIGITS
    return value.set(~(is_short & is_exact), None).cast(dtype, strict=False)


def detect_styles(frame: pl.DataFrame, numeric: Iterable[str], reading: Reading) -> dict[str, NumberStyle]:
    """Spelling of the numeric text columns that are not plain.

    Args:
        frame: First records, text columns.
        numeric: Names of the columns that should hold numbers.
        reading: What the feed declares; a declared decimal sign settles every column.

    Raises:
        FileRejectedError: All values of a column with a separator can be read in two ways.
    """
    styles: dict[str, NumberStyle] = {}
    names = [name for name in sorted(set(numeric)) if frame.schema.get(name) == pl.String]
    for name in names:
        values = frame[name].drop_nulls()
        odd = values.filter(~values.str.contains(_PLAIN))
        if reading.decimal is None and reading.thousands is None and odd.is_empty():
            continue
        style = _style(name, values, odd, reading)
        if style != NumberStyle():
            styles[name] = style
    if reading.decimal is None and any(style.decimal == "," for style in styles.values()):
        _require_one_reading(frame, (name for name in names if name not in styles))
    return styles


def plain_number(expr: pl.Expr, style: NumberStyle) -> pl.Expr:
    """Numbers in the given spelling as `-1234.56`; other text gets `UNFIT` appended and reads as no number.

    The expression has no name of its own.
    """
    text = expr.str.strip_chars()
    sign = pl.lit("")
    if style.parentheses:
        is_negative = text.str.contains(r"^\(.*\)$")
        sign = pl.when(is_negative).then(pl.lit("-")).otherwise(pl.lit(""))
        text = pl.when(is_negative).then(text.str.slice(1).str.head(-1)).otherwise(text)
    for unit in style.currency:
        mark = re.escape(unit)
        text = text.str.replace(rf"^([+-]?){mark}\s*", "$1").str.replace(rf"\s*{mark}$", "")
    fits = text.str.contains(_pattern(style))
    if style.thousands:
        text = text.str.replace_all(style.thousands, "", literal=True)
    if style.decimal == ",":
        text = text.str.replace(",", ".", literal=True)
    double = style.parentheses & text.str.contains(r"^[+-]") & (sign == "-")
    return (
        pl.when(expr.is_null())
        .then(None)
        .when(fits & ~double)
        .then(pl.concat_str(sign, text))
        .otherwise(pl.concat_str(expr, pl.lit(UNFIT)))
    )


def _pattern(style: NumberStyle) -> str:
    """Numbers of the style: in groups of three, or without any."""
    decimals = rf"(?:{re.escape(style.decimal)}[0-9]*)?"
    grouped = (
        rf"|[0-9]{{1,3}}(?:{re.escape(style.thousands)}[0-9]{{3}})+{decimals}" if style.thousands else ""
    )
    exponent = r"(?:[eE][+-]?[0-9]+)?" if style.decimal == "." else ""
    fraction = rf"{re.escape(style.decimal)}[0-9]+"
    return rf"^[+-]?(?:[0-9]+{decimals}{exponent}|{fraction}{exponent}{grouped})$"


def _style(name: str, values: pl.Series, odd: pl.Series, reading: Reading) -> NumberStyle:
    cores, currency, parentheses = _cores(odd)
    decimal = reading.decimal or _decimal(name, values, cores, reading.thousands)
    thousands = _thousands(decimal, cores) if reading.thousands is None else reading.thousands
    return NumberStyle(decimal=decimal, thousands=thousands, currency=currency, parentheses=parentheses)


def _cores(odd: pl.Series) -> tuple[pl.Series, tuple[str, ...], bool]:
    """Digits and separators of the values that look like numbers, the one currency sign, and parentheses."""
    spelled = odd.filter(odd.str.contains(_SPELLED) & (odd.str.starts_with("(") == odd.str.ends_with(")")))
    signs = pl.concat([spelled.str.extract(_SPELLED, 1), spelled.str.extract(_SPELLED, 3)]).drop_nulls()
    units = signs.unique().sort().to_list()
    cores = spelled.str.extract(_SPELLED, 2).str.strip_chars("+-")
    # Amounts in two currencies must not become numbers of one.
    return cores, tuple(units) if len(units) == 1 else (), bool(spelled.str.starts_with("(").any())


_COMMA = r"^(?:[0-9]+|[0-9]{1,3}(?:[. '\u2019\u00a0\u202f][0-9]{3})+)(?:,[0-9]+)$"
_COMMA_OR_GROUPS = r"^[1-9][0-9]{0,2},[0-9]{3}$"
_POINT_PROOF = r"^(?:[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]*|[0-9]{1,3}(?:,[0-9]{3}){2,})$"
_PLAIN_POINT = r"^[+-]?[0-9]*\.[0-9]*(?:[eE][+-]?[0-9]+)?$"
_POINT_OR_GROUPS = r"^[+-]?[1-9][0-9]{0,2}\.[0-9]{3}$"
_POINT_GROUPS = r"^[0-9]{1,3}(?:\.[0-9]{3}){2,}$"


def _decimal(name: str, values: pl.Series, cores: pl.Series, thousands: str | None) -> str:
    """The decimal sign, proven; "." when no separator speaks against it."""
    if thousands == ",":
        return "."
    if _has_point(values) or _has_point(cores) or cores.str.contains(_POINT_PROOF).any():
        return "."
    if thousands == ".":
        return ","
    unclear = cores.filter(cores.str.contains(_COMMA_OR_GROUPS))
    comma = cores.filter(cores.str.contains(_COMMA) & ~cores.str.contains(_COMMA_OR_GROUPS))
    if len(comma) or cores.str.contains(_POINT_GROUPS).any():
        return ","
    if len(unclear):
        value = str(unclear[0])
        raise FileRejectedError(
            f"column {name}: {value!r} can be read in two ways, {value.replace(',', '.')} with a decimal comma "
            f"or {value.replace(',', '')} with a comma between thousands; {_DECLARE}"
        )
    return "."


def _has_point(values: pl.Series) -> bool:
    """Whether a value has a decimal point that cannot stand between thousands."""
    return bool((values.str.contains(_PLAIN_POINT) & ~values.str.contains(_POINT_OR_GROUPS)).any())


def _require_one_reading(frame: pl.DataFrame, names: Iterable[str]) -> None:
    """Beside a decimal comma, a column whose points all look like `1.234` can be read in two ways."""
    for name in names:
        values = frame[name].drop_nulls()
        unclear = values.filter(values.str.contains(_POINT_OR_GROUPS))
        if len(unclear) and not _has_point(values):
            value = str(unclear[0])
            raise FileRejectedError(
                f"column {name}: {value!r} can be read in two ways, as it stands or as "
                f"{value.replace('.', '')}, since other columns have a decimal comma; {_DECLARE}"
            )


def _thousands(decimal: str, cores: pl.Series) -> str:
    """The sign between groups of three, where a value proves it."""
    other = "." if decimal == "," else ","
    for sign in (other, *_BLANKS, *_APOSTROPHES):
        group = rf"{re.escape(sign)}[0-9]{{3}}"
        if sign == "." or sign not in (",", "."):
            # With a proven decimal comma a point cannot be one; blanks and apostrophes never are.
            proof = rf"^[0-9]{{1,3}}(?:{group})+(?:{re.escape(decimal)}[0-9]*)?$"
        else:
            proof = rf"^[0-9]{{1,3}}(?:(?:{group})+\.[0-9]*|(?:{group}){{2,}})$"
        if cores.str.contains(proof).any():
            return sign
    return ""


def _remark(name: str, style: NumberStyle) -> str:
    parts = []
    if style.decimal == ",":
        parts.append("decimal comma")
    if style.thousands:
        parts.append(f"{style.thousands!r} between thousands")
    if style.currency:
        parts.append(f"{style.currency[0]!r} at the amount")
    if style.parentheses:
        parts.append("negative numbers in parentheses")
    return f"{', '.join(parts)} in {name}"


def remarks(styles: Mapping[str, NumberStyle]) -> tuple[str, ...]:
    """One remark per column, for the format line."""
    return tuple(_remark(name, style) for name, style in styles.items())
