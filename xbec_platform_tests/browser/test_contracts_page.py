"""The reference page of contracts in a real browser: offline, readable on a phone, anchors land, attacks do not run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from xbec_platform.ingest.contracts import contracts
from xbec_platform.ingest.mappings import mappings
from xbec_platform.ingest.rules import rules
from xbec_platform.publish.contracts_page import render_contracts
from xbec_platform_tests.unit.publish.test_contracts_page import hostile

DESKTOP, TABLET, PHONE = (1280, 900), (800, 1100), (360, 780)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The real page and a hostile one as files."""
    folder = tmp_path_factory.mktemp("reports")
    texts = {
        "real": render_contracts(contracts().values(), mappings().values(), rules()),
        "hostile": hostile(),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in texts}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page in a context of its own."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", ["real", "hostile"])
def test_opens_offline_without_a_request_or_a_complaint(
    page: Page, pages: dict[str, Path], name: str
) -> None:
    """It is mailed and opened anywhere: it asks for itself and nothing else, and runs nothing."""
    requests: list[str] = []
    console: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: console.append(message.text))
    page.on("pageerror", lambda error: console.append(str(error)))
    page.goto(pages[name].as_uri())
    assert requests == [pages[name].as_uri()]
    assert console == []
    assert page.evaluate("window.hacked") is None
    assert page.locator("script, img, iframe, main style").count() == 0


@pytest.mark.parametrize("size", [DESKTOP, TABLET, PHONE, (320, 640)])
@pytest.mark.parametrize("name", ["real", "hostile"])
def test_nothing_scrolls_sideways(
    page: Page, pages: dict[str, Path], name: str, size: tuple[int, int]
) -> None:
    """Reading must not need two directions, also with long names and SQL; 320 px is WCAG's reflow width."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(pages[name].as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_link_to_a_column_lands_on_it(page: Page, pages: dict[str, Path], size: tuple[int, int]) -> None:
    """From the index of all columns to the row, which is then in sight below the navigation and marked."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(pages["real"].as_uri())
    page.locator('#columns a[href="#customers.birth_year"]').click()
    row = page.locator('[id="customers.birth_year"]')
    box = row.bounding_box()
    assert box is not None
    assert 0 <= box["y"] < size[1]
    marked = row.locator("th").evaluate("cell => getComputedStyle(cell).backgroundColor")
    assert marked not in {"rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"}


def test_hostile_anchors_work(page: Page, pages: dict[str, Path]) -> None:
    """A source named like markup is reached by its link all the same."""
    page.goto(pages["hostile"].as_uri())
    link = page.locator("#sources tbody a").first
    link.click()
    assert page.locator("section:target").count() == 1


def test_a_phone_shows_what_was_said_and_no_gaps(page: Page, pages: dict[str, Path]) -> None:
    """Seven cells a column would be a page of dashes; the table stays one for screen readers."""
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.goto(pages["real"].as_uri())
    row = page.locator('[id="orders.order_id"]')
    assert row.locator("td:visible").count() == 3  # type, may be missing, description
    table = page.get_by_role("table", name="Columns of orders")
    assert table.get_by_role("columnheader").count() == 7
