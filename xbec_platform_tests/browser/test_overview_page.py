"""The overview page in a real browser: offline, silent, readable on a phone, usable by keyboard, deaf to attacks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from xbec_platform.publish.pages import render_overview
from xbec_platform_tests.unit.publish.overview_samples import empty_shop, hostile_shop, shop

DESKTOP, TABLET, PHONE = (1280, 900), (800, 1100), (360, 780)
SAMPLES = {"shop": shop, "hostile_shop": hostile_shop, "empty_shop": empty_shop}


@dataclass
class Opened:
    """An open page and what the browser said while it loaded."""

    page: Page
    requests: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)


Open = Callable[..., Opened]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sample pages as files, rendered once."""
    folder = tmp_path_factory.mktemp("reports")
    paths = {name: folder / f"{name}.html" for name in SAMPLES}
    for name, path in paths.items():
        path.write_text(render_overview(SAMPLES[name]()), encoding="utf-8")
    return paths


@pytest.fixture
def open_page(browser: Browser, files: dict[str, Path]) -> Iterator[Open]:
    """Open a sample from file:// at a size and listen to requests, errors and the console."""
    context = browser.new_context()

    def opener(name: str, size: tuple[int, int] = DESKTOP) -> Opened:
        opened = Opened(context.new_page())
        opened.page.set_viewport_size({"width": size[0], "height": size[1]})
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.on("requestfailed", lambda request: opened.failures.append(request.url))
        opened.page.on("console", lambda message: opened.console.append(message.text))
        opened.page.on("pageerror", lambda error: opened.console.append(str(error)))
        opened.page.goto(files[name].as_uri())
        return opened

    yield opener
    context.close()


@pytest.mark.parametrize("name", SAMPLES)
def test_opens_offline_without_a_request_or_a_complaint(
    open_page: Open, files: dict[str, Path], name: str
) -> None:
    """The page is mailed and opened anywhere: it may ask for itself and nothing else, and log nothing."""
    opened = open_page(name)
    assert opened.requests == [files[name].as_uri()]
    assert opened.failures == []
    assert opened.console == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_all_sections_and_charts_are_visible(open_page: Open, size: tuple[int, int]) -> None:
    """Each section has a heading that is seen; three charts are drawn, the other three are for other sizes."""
    page = open_page("shop", size).page
    titles = [heading.inner_text() for heading in page.locator("main h2:visible").all()]
    assert titles == [
        "Key figures", "Customer groups", "One customer", "Network", "Plan", "Intake", "Definitions", "Downloads",
    ]  # fmt: skip
    assert page.locator('svg[role="img"]:visible').count() == 3
    for box in (chart.bounding_box() for chart in page.locator('svg[role="img"]:visible').all()):
        assert box is not None
        assert box["height"] > 100


@pytest.mark.parametrize("size", [DESKTOP, TABLET, PHONE, (320, 640)])
@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_scrolls_sideways(open_page: Open, name: str, size: tuple[int, int]) -> None:
    """Reading must not need two directions, also with names of one long word; 320 px is WCAG's reflow width."""
    page = open_page(name, size).page
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= size[0]


def test_text_in_charts_is_large_enough_on_a_phone(open_page: Open) -> None:
    """A desktop chart scaled to 360 px has letters of 4 px; the narrow drawing must not."""
    page = open_page("shop", PHONE).page
    heights = page.evaluate(
        "[...document.querySelectorAll('svg[role=img] text')].filter(t => t.textContent.trim() && t.checkVisibility())"
        ".map(t => parseFloat(t.getAttribute('font-size')) * t.getScreenCTM().a)"
    )
    assert len(heights) > 20
    assert min(heights) >= 7.5


def test_every_link_is_reached_by_the_keyboard_in_order(open_page: Open) -> None:
    """Skip link first, then sections, then tables and downloads; each focus is seen."""
    page = open_page("shop").page
    wanted = page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))")
    reached: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        href, outline = page.evaluate(
            "[document.activeElement.getAttribute('href'), getComputedStyle(document.activeElement).outlineStyle]"
        )
        if page.evaluate("document.activeElement === document.body"):
            break
        assert outline != "none"
        reached += [href] if href else []
    assert reached == wanted
    assert reached[0] == "#main"


def test_tables_behind_charts_open_by_keyboard(open_page: Open) -> None:
    """The table is the chart for those who cannot see it: Enter must open it, and it must scroll by keys."""
    page = open_page("shop").page
    summary = page.locator("#key-figures summary")
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("#kpi-table").is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-labelledby')") == "kpi-table"


def test_stacked_tables_stay_tables_for_screen_readers(open_page: Open) -> None:
    """On a phone rows are drawn as blocks; the accessibility tree must still know cells and their heads."""
    page = open_page("shop", PHONE).page
    intake = page.get_by_role("table", name="Rows per feed: in = loaded + quarantined + exact duplicates")
    assert intake.get_by_role("columnheader").count() == 8
    assert intake.get_by_role("row").count() == 8
    assert intake.get_by_role("rowheader", name="order_lines").is_visible()


def test_a_page_full_of_attacks_runs_none(open_page: Open) -> None:
    """Markup in names must be seen as text: no script runs, no element appears, hovering does nothing."""
    opened = open_page("hostile_shop")
    page = opened.page
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.evaluate(
        "document.querySelectorAll('*').forEach(element => ['mouseover', 'focus', 'load', 'error']"
        ".forEach(name => element.dispatchEvent(new Event(name, {bubbles: true}))))"
    )
    assert page.evaluate("window.hacked") is None
    assert page.locator("script, img, iframe, object, main style, main b").count() == 0
    assert dialogs == []
    assert opened.console == []
    assert page.locator("h1").inner_text() == "</title><script>window.hacked=2</script>"
    assert page.title().startswith("</title><script>window.hacked=2</script>: overview")


def test_the_policy_stops_a_script_that_slips_through(
    browser: Browser, files: dict[str, Path], tmp_path: Path
) -> None:
    """Second line of defence: even with escaping broken, the page's own policy must forbid the script."""
    broken = tmp_path / "broken.html"
    source = files["empty_shop"].read_text(encoding="utf-8")
    broken.write_text(
        source.replace("New shop</h1>", "<script>window.hacked=9</script></h1>"), encoding="utf-8"
    )
    page = browser.new_page()
    page.goto(broken.as_uri())
    assert page.locator("script").count() == 1
    assert page.evaluate("window.hacked") is None
    page.close()


def test_print_shows_the_wide_charts_and_no_navigation(open_page: Open) -> None:
    """On paper there is nothing to click and the page is as wide as the wide charts need."""
    page = open_page("shop", (700, 1000)).page
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()
    assert page.locator("figure .wide:visible").count() == 3
    assert page.locator("figure .narrow:visible").count() == 0
    assert page.locator("#intake-table").is_visible()
