"""Words of many scripts, and what must never be kept of a query."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbec_platform.recommendations.search_text import masked, search_term, tokens


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Crème BRÛLÉE", ["creme", "brulee"]),
        ("Straße, Größe 42", ["strasse", "grosse", "42"]),
        ("ＡＢＣ　１２３", ["abc", "123"]),  # full width
        ("婴儿奶粉", ["婴儿", "儿奶", "奶粉"]),
        ("水", ["水"]),
        ("iPhone手机壳", ["iphone", "手机", "机壳"]),
        ("ガラス", ["ガラ", "ラス"]),  # the mark of ga makes another letter and stays
        ("한국어", ["한국", "국어"]),
        ("", []),
        (None, []),
    ],
    ids=str,
)
def test_words(text: str | None, words: list[str]) -> None:
    """Accents, case and width do not matter; scripts without blanks become pairs."""
    assert tokens(text) == words


@given(st.text(st.characters(max_codepoint=0x24F), max_size=40))
def test_words_of_words_are_the_same(text: str) -> None:
    """Words of the index and of queries agree whichever has been through it before."""
    assert tokens(" ".join(tokens(text))) == tokens(text)


@pytest.mark.parametrize(
    ("query", "term"),
    [
        ("where is Anna.Schmidt@example.co.uk order", "where is (e-mail) order"),
        ("+49 (0)151 2345 6789", "(number)"),
        ("call 0151-2345678 now", "call (number) now"),
        ("4111 1111 1111 1111", "(number)"),
        ("Ａｎｎａ＠example.com", "(e-mail)"),
        ("iPhone 15 128GB", "iphone 15 128gb"),
        ("10x20x30 cm", "10x20x30 cm"),
        ("  Crème   brûlée! ", "creme brulee"),
    ],
)
def test_addresses_and_numbers_are_masked(query: str, term: str) -> None:
    """People paste their own address into the box; sizes and models stay searchable."""
    assert search_term(query) == term


@given(st.emails(), st.from_regex(r"\+?[0-9]{8,14}", fullmatch=True))
def test_no_address_survives(email: str, phone: str) -> None:
    """Any address and any phone number, wherever in the query."""
    shown = masked(f"buy {email} or {phone} today")
    assert email not in shown
    assert phone not in shown
