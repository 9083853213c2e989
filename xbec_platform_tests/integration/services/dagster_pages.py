"""Pages of Dagster's UI as people use them: where things are, and when a page shows what it was opened for."""

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg
from playwright.sync_api import Page

# A cold web server asks the code server for everything once.
PATIENCE_MS = 180_000


@dataclass(frozen=True)
class DagsterPages:
    """An open page of a browser on a web server.

    Attributes:
        page: Of the browser.
        address: Of the web server.
    """

    page: Page
    address: str

    def open(self, path: str, *texts: str) -> None:
        """Go to a page and wait until it shows some texts."""
        self.page.goto(f"{self.address}{path}", timeout=PATIENCE_MS)
        for text in texts:
            self.page.get_by_text(text).first.wait_for(timeout=PATIENCE_MS)

    def asset(self, key: dg.AssetKey, view: str, *texts: str) -> None:
        """Go to a tab of the page of an asset."""
        self.open(f"/assets/{'/'.join(key.path)}?view={view}", *texts)

    def materialize(self, days: Sequence[str]) -> None:
        """Press *Materialize*, take the assets along that are filled together, choose days, launch."""
        button = self.page.get_by_role("button", name="Materialize").first
        button.wait_for(timeout=PATIENCE_MS)
        button.click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("button", name="Confirm").click(timeout=PATIENCE_MS)
        box = dialog.get_by_placeholder("ex:")
        box.wait_for(timeout=PATIENCE_MS)
        box.fill(f"[{days[0]}...{days[-1]}]" if len(days) > 1 else days[0])
        box.press("Enter")
        dialog.get_by_role("button", name="Launch").click(timeout=PATIENCE_MS)
        dialog.wait_for(state="hidden", timeout=PATIENCE_MS)
