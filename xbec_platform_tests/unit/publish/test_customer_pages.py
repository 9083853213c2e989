"""Pages about customers: numbers by hand, small groups left out, names that are text, scripts that the policy names."""

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from xbec_platform.checks.published import page_faults
from xbec_platform.publish.page_names import PORTRAIT, SEGMENTS, TARGETS
from xbec_platform.publish.portraits_page import MOST_PORTRAITS, render_portraits
from xbec_platform.publish.scripts import embedded
from xbec_platform.publish.segments_page import render_segments
from xbec_platform.publish.targets_page import MOST_PRODUCTS, render_targets
from xbec_platform_tests.unit.publish.customer_samples import (
    AS_OF,
    SHOP,
    pages,
    portrait,
    segments_input,
    targets_input,
)
from xbec_platform_tests.unit.publish.page_reader import Page

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'{{ 7*7 }}\u202e"


def data_of(html: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(html.partition('id="data">')[2].partition("</script>")[0])
    return found


def test_segments_have_shares_of_all_and_small_ones_are_left_out() -> None:
    """60 of 80 people, 900 of 1200; the segment of 20 counts in the whole and has no row."""
    page = Page(render_segments(segments_input()))
    assert page.tables["Segments as of 2026-03-31"][1:] == [
        ["Loyal", "Among the best", "60", "75.0\u00a0%", "75.0\u00a0%", "900.00", "5", "7"]
    ]
    assert page.tables["Moves, most frequent first"][1][:3] == ["New", "Loyal", "8"]
    # 45 of 60 people, 30 of 40; the other 15 people are too few.
    interests = page.tables["Groups by interest, by net sales"]
    assert interests[1:] == [["Loyal", "baby", "baby +2", "45", "75.0\u00a0%", "75.0\u00a0%"]]


def test_the_funnel_shows_counts_times_and_parts() -> None:
    """90 of 150 pass; 90 s are 1.5 min, 7200 s are 2 h; France has too few attempts."""
    page = Page(render_segments(segments_input()))
    assert page.tables["Stages of registration"][2] == [
        "Loyal", "150", "90", "50", "10", "0", "60.0\u00a0%", "1.5 min", "2.0 h", "4", "2",
    ]  # fmt: skip
    by_market = page.tables["Share of attempts that passed each stage, by market"]
    assert by_market == [
        ["Market", "Attempts", "Form opened", "Loyal"],
        ["DE", "100", "75.0\u00a0%", "40.0\u00a0%"],
    ]


def test_empty_parts_say_why() -> None:
    data = segments_input()
    empty = {
        name: pl.DataFrame()
        for name in ("segments", "clusters", "interests", "moves", "funnel", "funnel_parts")
    }
    text = Page(render_segments(replace(data, **empty))).text
    for reason in (
        "No customer has been graded",
        "No groups were formed",
        "Nobody changed",
        "No attempt to register",
    ):
        assert reason in text
    nothing = replace(targets_input(), products=pl.DataFrame(), attributes=pl.DataFrame())
    assert "No target groups yet" in render_targets(nothing)
    assert "No portrait yet" in render_portraits([], shop=SHOP, as_of=AS_OF)


def test_a_portrait_says_how_sure_each_tag_is() -> None:
    html = render_portraits(
        [portrait("segment", "Loyal", "colour=red", omitted=("Price band",))], shop=SHOP, as_of=AS_OF
    )
    text = Page(html).text
    assert "Likescolour=red" in text
    assert "62.5\u00a0% sure, events: 9" in text
    assert "Left out, as too little is known: Price band." in text


def test_pages_are_bounded() -> None:
    """The most bought products stay; the page says how many are not there."""
    one = targets_input()
    many = pl.concat(
        [
            one.products.with_columns(item_id=pl.lit(f"P{number:03d}"), n_all_buyers=pl.lit(number))
            for number in range(MOST_PRODUCTS + 2)
        ]
    )
    html = render_targets(replace(one, products=many))
    shown = {item for item, _, _ in data_of(html)["products"]}  # type: ignore[attr-defined]
    assert len(shown) == MOST_PRODUCTS
    assert "P000" not in shown
    assert "Not on this page: 2 products with fewer buyers." in Page(html).text
    with pytest.raises(ValueError, match="at most 200"):
        render_portraits(
            [portrait("person", str(n), "x") for n in range(MOST_PORTRAITS + 1)], shop=SHOP, as_of=AS_OF
        )


@pytest.mark.parametrize("name", ["segments", "portraits", "targets"])
def test_hostile_names_are_text(name: str) -> None:
    """No element and no attribute comes from a name; what is inside the data cannot end its element."""
    page, plain = Page(pages(HOSTILE)[name]), Page(pages("Plain")[name])
    assert page.tags.count("script") == plain.tags.count("script")
    assert "img" not in page.tags
    assert not [attribute for _, attribute, _ in page.attributes if attribute.startswith("on")]
    assert "\u202e" not in page.source
    assert "49" not in page.text.partition("{{ 7*7")[2][:5]


def test_data_inside_a_page_is_what_was_given() -> None:
    html = pages(HOSTILE)["targets"]
    products = data_of(html)["products"]
    assert products[0][1] == HOSTILE.replace("\u202e", "\ufffd")  # type: ignore[index]
    assert json.loads(embedded({"a": "</script>&\u2028"})) == {"a": "</script>&\u2028"}


def test_the_check_finds_a_script_that_no_policy_names(tmp_path: Path) -> None:
    """The pages as they are pass; one changed letter of a script, or a script from elsewhere, does not."""
    rendered = pages("Plain")
    files = {SEGMENTS: rendered["segments"], PORTRAIT: rendered["portraits"], TARGETS: rendered["targets"]}
    for name, html in files.items():
        (tmp_path / name).write_text(html, encoding="utf-8")
    assert page_faults(tmp_path, files) == []
    changed = files[PORTRAIT].replace("function find", "function fund")
    (tmp_path / PORTRAIT).write_text(changed, encoding="utf-8")
    (tmp_path / TARGETS).write_text(files[TARGETS] + '<script src="x.js"></script>', encoding="utf-8")
    assert [name for name, *_ in page_faults(tmp_path, files)] == [PORTRAIT, TARGETS, TARGETS]
    assert page_faults(tmp_path, ["absent.html"]) == [("absent.html", "is missing")]
