"""Values as text for people: numbers, money, days. No markup and no escaping: the templates escape."""

import unicodedata
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

MISSING = "–"
NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
CENT = Decimal("0.01")


def clean(value: str) -> str:
    """Return the text with control characters and bidirectional overrides made visible.

    A title with U+202E would turn the rest of its line around, and SVG allows no C0 controls at all.

    Args:
        value: any text of a source file.

    Returns:
        The same text; each control, surrogate or bidirectional-format character became U+FFFD, each
        line break or tab a blank.
    """
    return "".join(
        " " if c in "\t\n\r" else "\N{REPLACEMENT CHARACTER}" if _is_unsafe(c) else c for c in value
    )


def _is_unsafe(char: str) -> bool:
    bidirectional = "\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069"
    return bidirectional or unicodedata.category(char) in ("Cc", "Cs")


def text(value: object) -> str:
    """Return a value as clean text; a missing or blank one as a dash."""
    return MISSING if value is None or not (shown := clean(str(value)).strip()) else shown


def count(value: int | float | Decimal | None) -> str:
    """Return a whole number with thousands separators."""
    return (
        MISSING if value is None else _signed(f"{Decimal(str(value)).quantize(Decimal(1), ROUND_HALF_UP):,}")
    )


def money(value: int | float | Decimal | None) -> str:
    """Return an amount with two decimals and thousands separators; the currency is said beside it."""
    return MISSING if value is None else _signed(f"{Decimal(str(value)).quantize(CENT, ROUND_HALF_UP):,}")


def percent(share: float | Decimal | None, *, signed: bool = False) -> str:
    """Return a share of 1 as a percentage with one decimal; `signed` adds the plus of a change."""
    if share is None:
        return MISSING
    shown = Decimal(str(share)).scaleb(2).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return _signed(f"{shown:+,}" if signed else f"{shown:,}") + NBSP + "%"


def day(value: date | None) -> str:
    """Return a day in ISO 8601, the only order of day and month nobody misreads."""
    if value is None:
        return MISSING
    return (value.date() if isinstance(value, datetime) else value).isoformat()


def number(value: int | float | Decimal) -> str:
    """Return a number of unknown kind: whole ones with separators, others with up to two decimals."""
    exact = Decimal(str(value))
    if not exact.is_finite():
        return MISSING
    return count(exact) if exact == exact.to_integral_value() else money(exact)


def any_value(value: object) -> str:
    """Return a value of a labelled list as text, by its type; lists are joined with commas."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return money(value)
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, list | tuple):
        return ", ".join(any_value(item) for item in value) or MISSING
    return text(value)


def plural(n: int, one: str, many: str) -> str:
    """Return "1 order", "2 orders": the count and the right form of its noun."""
    return f"{count(n)} {one if n == 1 else many}"


def _signed(shown: str) -> str:
    """Set a true minus sign; a rounded zero has no sign."""
    if not any(c in shown for c in "123456789"):
        return shown.lstrip("+-")
    return shown.replace("-", MINUS)
