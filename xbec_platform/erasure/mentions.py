"""Identifiers in plain text and bytes: how a mention is recognised and replaced. No file is opened here.

A mention is the whole identifier, not a part of a longer word: C12 is not mentioned by C123. Short or purely
numeric identifiers are words that also mean other things (a postal code, a quantity): they are matched in the
columns that hold identifiers and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from xbec_platform.ingest.suppression import Suppression, is_unmistakable

# Long enough that no other identifier begins with it.
LEAST_PACKED = 12
_WORD = "[A-Za-z0-9]"


def pattern(values: Iterable[str]) -> re.Pattern[str] | None:
    """Matches every mention of the unmistakable ones among some identifiers; None when there are none."""
    words = sorted({value for value in values if is_unmistakable(value)}, key=lambda v: (-len(v), v))
    if not words:
        return None
    return re.compile(rf"(?<!{_WORD})(?:{'|'.join(map(re.escape, words))})(?!{_WORD})")


def byte_pattern(values: Iterable[str], *, is_packed: bool = False) -> re.Pattern[bytes] | None:
    """The same for bytes of UTF-8.

    Args:
        values: Identifiers.
        is_packed: The file puts texts side by side without anything in between, as databases do: long identifiers
            (hashes, sessions) are then found within longer words too.
    """
    found = pattern(values)
    if found is None:
        return None
    long = sorted({value for value in values if len(value) >= LEAST_PACKED and is_unmistakable(value)})
    inside = f"|{'|'.join(map(re.escape, long))}" if is_packed and long else ""
    return re.compile((found.pattern + inside).encode())


def replaced(text: str, found: re.Pattern[str] | None, suppression: Suppression) -> str:
    """Text with a tombstone in place of every mention."""
    return found.sub(lambda match: suppression.tombstone(match[0]), text) if found else text
