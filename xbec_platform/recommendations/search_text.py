"""Words of titles and queries, the same for the index and for the analysis of searches; nothing is ranked here."""

from __future__ import annotations

import re
import unicodedata

# Chinese, Japanese and Korean are written without blanks: runs of them are cut into pairs of characters.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_RUNS = re.compile(f"[{_CJK}]+|[^\\W_{_CJK}]+")
_IS_CJK = re.compile(f"[{_CJK}]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
# Seven digits or more with what people put between them: a phone number, a card, an order; nothing one looks for by.
_PHONE = re.compile(r"(?<![\w.])\+?\(?\d(?:[\s().\-/]{0,2}\d){6,}(?!\w)")

EMAIL, PHONE = "(e-mail)", "(number)"


def normalised(text: str) -> str:
    """Return a text as it is compared: NFKC, case folded, without accents.

    Marks of kana and Hangul stay: there they make other letters.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", folded))
    return unicodedata.normalize("NFC", bare)


def tokens(text: str | None) -> list[str]:
    """Cut a text into words, and runs of Chinese, Japanese and Korean into overlapping pairs of characters."""
    found: list[str] = []
    for run in _RUNS.findall(normalised(text or "")):
        if _IS_CJK.match(run) and len(run) > 1:
            found.extend(run[place : place + 2] for place in range(len(run) - 1))
        else:
            found.append(run)
    return found


def masked(query: str) -> str:
    """Return a query without e-mail addresses and long numbers: people paste their own into the box."""
    folded = unicodedata.normalize("NFKC", query)
    return _PHONE.sub(PHONE, _EMAIL.sub(EMAIL, folded))


def search_term(query: str) -> str:
    """Return the term a query counts for: masked, normalised, blanks and marks between words as one blank."""
    safe = masked(query)
    parts = re.split(f"({re.escape(EMAIL)}|{re.escape(PHONE)})", safe)
    words = [part if part in {EMAIL, PHONE} else " ".join(_RUNS.findall(normalised(part))) for part in parts]
    return " ".join(word for word in words if word)
