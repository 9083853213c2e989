"""Pictures of Dagster's UI for the documentation, taken from a UI that runs (`make ui`).

    .venv/bin/python -m xbec_platform_tests.integration.services.screenshots http://127.0.0.1:3000

Take them over the demo shop after `make run`; look at each before it is committed.
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from xbec_platform import asset_keys
from xbec_platform_tests.browser.conftest import FLAGS, executable
from xbec_platform_tests.integration.services.dagster_pages import DagsterPages

FOLDER = Path(__file__).parents[3] / "xbec_platform" / "docs"
# A page of Dagster asks for its parts one after the other.
SETTLED_MS = 6_000
LARGEST_BYTES = 150_000
ORDERS = "/".join(asset_keys.mart("fct_order").path)
VIEWS = {
    "ui-lineage": ("/asset-groups", "marts_core"),
    "ui-asset": (f"/assets/{ORDERS}?view=overview", "Latest materialization"),
    "ui-automation": ("/automation", "landing_files"),
}


def main(address: str) -> None:
    """Take all pictures; one that is too large for a repository is an error."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1180, "height": 720})
        for name, (path, text) in VIEWS.items():
            DagsterPages(page, address).open(path, text)
            page.wait_for_timeout(SETTLED_MS)
            picture = FOLDER / f"{name}.png"
            page.screenshot(path=picture)
            size = picture.stat().st_size
            print(f"{picture}: {size:,} bytes")
            if size > LARGEST_BYTES:
                raise SystemExit(f"{picture} is larger than {LARGEST_BYTES:,} bytes")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
