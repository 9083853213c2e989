"""The portrait picker and the target-group finder in a real browser: offline, by keyboard, deaf to names, right."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from xbec_platform.customers.target_groups import for_attributes
from xbec_platform_tests.unit.publish.customer_samples import pages, targets_input

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def opened(browser: Browser, folder: Path, html: str) -> tuple[Page, list[str]]:
    """A page from a file, and what it said or asked for."""
    path = folder / "page.html"
    path.write_text(html, encoding="utf-8")
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: said.append(request.url))
    page.goto(path.as_uri())
    said.remove(path.as_uri())
    return page, said


def test_one_portrait_is_shown_and_found_by_its_tags(browser: Browser, tmp_path: Path) -> None:
    page, said = opened(browser, tmp_path, pages(HOSTILE)["portraits"])
    shown = page.locator(".portrait:visible")
    expect(shown).to_have_count(1)
    expect(shown).to_contain_text("Segment: Loyal")
    page.get_by_label("Search").fill("colour=red")
    expect(page.get_by_role("status")).to_have_text("1 of 3 portraits mention it")
    expect(shown).to_contain_text(f"Market: {HOSTILE}")
    page.get_by_label("Search").fill("nothing like it")
    expect(shown).to_have_count(0)
    page.get_by_label("Search").fill("")
    page.get_by_label("Portrait", exact=True).select_option("portrait-2")
    assert page.evaluate("location.hash") == "#portrait-2"
    page.reload()
    expect(shown).to_contain_text(f"Person: {HOSTILE}")
    assert [one for one in said if not one.startswith("file:")] == []
    page.close()


def test_the_finder_ranks_as_the_command_does(browser: Browser, tmp_path: Path) -> None:
    """A product by its title; then two attributes: the numbers of `xbec target --attributes`."""
    page, said = opened(browser, tmp_path, pages(HOSTILE)["targets"])
    product = page.get_by_label("Product", exact=True)
    product.fill(f"{HOSTILE} (P1)")
    product.press("Tab")
    rows = page.locator("#rows tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text(f"Life stage: {HOSTILE}")
    expect(rows.first).to_contain_text("2.50 (1.25 to 5.00)")
    for value in ("newborn", HOSTILE):
        page.get_by_label("or an attribute of it").select_option(label=value)
        page.get_by_role("button", name="Add attribute").press("Enter")
    wanted = for_attributes(targets_input(HOSTILE).attributes, {"age": "newborn", "category": HOSTILE})
    found = [row.locator("td, th").all_inner_texts() for row in rows.all()]
    for cells, row in zip(found, wanted.iter_rows(named=True), strict=True):
        assert cells[2] == f"{row['index']:.2f} ({row['index_lo']:.2f} to {row['index_hi']:.2f})"
        assert float(cells[6]) == pytest.approx(row["expected_buyers"], abs=0.051)
        assert float(cells[7]) == pytest.approx(float(row["expected_margin_base"]), abs=0.0051)
    page.get_by_role("button", name="Remove age newborn").press("Enter")
    expect(page.locator("#result-caption")).to_contain_text(f"Target groups of category={HOSTILE}")
    assert said == []
    page.close()
