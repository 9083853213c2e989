"""What people declare about their files is understood or refused with its place; a slip never passes for nothing."""

from pathlib import Path

import pytest

from xbec_platform.ingest.contracts import ContractError
from xbec_platform.ingest.feeds import Feeds
from xbec_platform.ingest.formats.records import Reading
from xbec_platform.ingest.mappings import FOLDER


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("orders: {decimal: 5}", r"orders: decimal is 5; it is a text: put it in quotes"),
        ("orders: {decimal: ';'}", r"orders: decimal is ';'; allowed are '\.' and ','"),
        ("orders: {escape: slash}", r"orders: escape is 'slash'; allowed are 'double' and 'backslash'"),
        ("orders: {sheet: 2025}", r"orders: sheet is 2025; it is a text: put it in quotes"),
        ("orders: {delimiter: ';;'}", r"orders: delimiter is ';;'; it is one character$"),
        ("orders: {quote: '--'}", r"orders: quote is '--'; it is one character, or none$"),
        ("orders: {header_row: '2'}", r"orders: header_row is '2'; it is a number from 1"),
        ("orders: {header_rows: 0}", r"orders: header_rows is 0; it is a number from 1"),
        ("orders: {header_rows: yes}", r"orders: header_rows is True; it is a number from 1"),
        ("orders: {encodings: utf8}", r"orders: unknown keys \['encodings'\]; known are .*encoding"),
        ("orders: utf8", r"orders: 'utf8' is no mapping of options"),
        ("order: {encoding: cp1252}", r"no contract or mapping is named order; known are .*orders"),
        ("- orders", r"is no mapping of feeds"),
        ("orders: {", r"is no YAML"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, text: str, cause: str) -> None:
    """The file, the feed, the option, and what it may be."""
    (tmp_path / "reading.yml").write_text(text)
    with pytest.raises(ContractError, match=cause):
        Feeds.of_home(tmp_path)


def test_declarations_reach_their_feeds(tmp_path: Path) -> None:
    """Contracts' feeds, mappings of the platform and of the home; an empty file declares nothing."""
    own = tmp_path / "mappings"
    own.mkdir()
    scms = (FOLDER / "scms.yml").read_text()
    (own / "mine.yml").write_text(scms.replace("mapping: scms", "mapping: mine"))
    (tmp_path / "reading.yml").write_text("")
    assert Feeds.of_home(tmp_path).readings == {}
    (tmp_path / "reading.yml").write_text(
        "mine: {quote: ''}\norders: {decimal: ',', thousands: ''}\nscms: {}\n"
    )
    feeds = Feeds.of_home(tmp_path)
    assert feeds.expectation("mine").reading == Reading(quote="")
    assert feeds.expectation("orders").reading == Reading(decimal=",", thousands="")
    # What a home says of a feed takes the place of what its mapping says.
    assert feeds.expectation("scms").reading == Reading()
