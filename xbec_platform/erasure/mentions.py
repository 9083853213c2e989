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
    words = _words(values)
    return re.compile("|".join(map(_whole, words))) if words else None


def byte_pattern(
    values: Iterable[str], *, is_packed: bool = False, is_compressed: bool = False
) -> re.Pattern[bytes] | None:
    """The same for bytes of UTF-8.

    Args:
        values: Identifiers.
        is_packed: The file puts texts side by side without anything in between, as databases do: long identifiers
            (hashes, sessions) are then found within longer words too.
        is_compressed: The same, and texts are compressed by FSST (Boncz, Neumann and Leis 2020), as in DuckDB's
            files: only long identifiers are looked for. Its tables of symbols hold pieces of up to 8 bytes, also
            ones that occur in no row: of three rewrites of one database two spelt an id C000039 that no row held.
    """
    words = [word for word in _words(values) if not is_compressed or len(word) >= LEAST_PACKED]
    inside = [(is_packed or is_compressed) and len(word) >= LEAST_PACKED for word in words]
    parts = [re.escape(word) if part else _whole(word) for word, part in zip(words, inside, strict=True)]
    return re.compile("|".join(parts).encode()) if parts else None


def _words(values: Iterable[str]) -> list[str]:
    """The unmistakable ones, longest first, ties by text."""
    return sorted({value for value in values if is_unmistakable(value)}, key=lambda v: (-len(v), v))


def _whole(word: str) -> str:
    """The word and no part of a longer one.

    What stands before is looked at last: a pattern that begins with plain text is searched six times as fast.
    """
    text = re.escape(word)
    return f"{text}(?<!{_WORD}{text})(?!{_WORD})"


def replaced(text: str, found: re.Pattern[str] | None, suppression: Suppression) -> str:
    """Text with a tombstone in place of every mention."""
    return found.sub(lambda match: suppression.tombstone(match[0]), text) if found else text
