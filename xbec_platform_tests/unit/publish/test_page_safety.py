"""The page as a document: offline, accessible, and deaf to whatever its values say."""

from xbec_platform_tests.unit.publish.overview_samples import ATTACKS
from xbec_platform_tests.unit.publish.page_reader import Page

ANCHORS = ["key-figures", "groups", "customer", "network", "plan", "intake", "definitions", "downloads"]


def test_nothing_is_requested_from_outside(page: Page) -> None:
    """The file must open offline: no script, no link but downloads and anchors, no address in styles."""
    assert "script" not in page.tags
    loaded = [value for tag, name, value in page.attributes if name in ("src", "href", "xlink:href")]
    assert all(value.startswith(("#", "../exports/", "data:,")) for value in loaded)
    assert "@import" not in page.source
    assert page.source.count("url(") == page.source.count("url(#")
    assert "default-src 'none'" in page.source


def test_ids_are_unique(page: Page) -> None:
    """Several SVGs in one document share ids: a clip path of one chart would cut another."""
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_every_chart_says_what_it_shows(page: Page) -> None:
    """A chart without words is nothing to a screen reader; decoration must be hidden from it."""
    source = page.source
    charts = source.count("<svg")
    assert (
        source.count('<svg role="img" aria-label="') + source.count('aria-hidden="true" focusable="false">')
        == charts
    )
    assert source.count('role="img"') == 6  # trend, world and region, each wide and narrow


def test_every_table_has_a_caption_and_scopes(page: Page) -> None:
    """Caption and scope are what makes a grid of numbers a table for those who cannot see it."""
    assert page.tags.count("caption") == page.tags.count("table") == 10
    cells = [value for tag, name, value in page.attributes if tag == "th" and name == "scope"]
    assert len(cells) == page.tags.count("th")


def test_attacks_are_just_text(hostile: Page) -> None:
    """Names with markup, quotes, template code or control characters add no tag and no attribute."""
    assert "script" not in hostile.tags
    assert "img" not in hostile.tags
    assert "b" not in hostile.tags
    assert hostile.tags.count("style") == hostile.tags.count("title") == 1
    assert not [name for _, name, _ in hostile.attributes if name.startswith("on")]
    assert {value for _, name, value in hostile.attributes if name == "href"} <= {
        "data:,", "#main", "../exports/x.csv", *(f"#{anchor}" for anchor in ANCHORS),
    }  # fmt: skip
    for attack in ATTACKS[:9]:
        assert attack in hostile.text
    assert "49" not in hostile.text.partition("{{ 7 * 7 }}")[2][:5]
    assert not any(ord(char) < 32 and char not in "\n" for char in hostile.source)
    assert "\u202e" not in hostile.source


def test_attacks_inside_charts_are_just_text(hostile: Page) -> None:
    """Titles and country codes reach the SVG, where escaping is the converter's work."""
    charts = [part.partition("</svg>")[0] for part in hostile.source.split('<svg role="img"')[1:]]
    assert sum("&lt;script&gt;window.hacked=1&lt;/script&gt;" in chart for chart in charts) >= 4
    assert not any("<script" in chart or "<img" in chart for chart in charts)
