"""Names that come with the data (titles, customers, landed files) are shown letter by letter and never obeyed.

The other tests of pages attack every text at once; here each name must also be readable as it was delivered, since
somebody has to find the file or the product by it.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser, Dialog

from xbec_platform.ingest.contracts import contracts
from xbec_platform.ingest.mappings import mappings
from xbec_platform.ingest.rules import rules
from xbec_platform.publish.contracts_page import render_contracts
from xbec_platform.publish.pages import render_overview
from xbec_platform_tests.unit.publish.overview_samples import shop

NAMES = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "{{7*7}}",
    "${7*7}",
    "<b>bold</b>&amp;&lt;",
    "</script><svg onload=alert(3)>",
    "javascript:alert(4)",
    '=HYPERLINK("http://x")\'--',
)


def overview() -> str:
    """A shop whose products, customer and rejected files have such names."""
    clean = shop()
    rows = {
        "rank": range(1, len(NAMES) + 1),
        "product_id": NAMES,
        "title": NAMES,
        "reason_title": NAMES[::-1],
    }
    discover = pl.DataFrame(rows).with_columns(
        generator=pl.lit("popularity"), reason_product_id=pl.col("product_id")
    )
    paths = [f"order_lines/dt=2011-06-14/{name}.csv" for name in NAMES]
    rejects = pl.DataFrame({"feed": "order_lines", "path": paths, "reason": NAMES})
    reasons = pl.DataFrame({"feed": "products", "reason": NAMES, "rows": 1})
    customer = {**clean.customer, "customer_id": "".join(NAMES)}
    return render_overview(
        replace(
            clean,
            shop_name=NAMES[0],
            customer=customer,
            discover=discover.select(clean.discover.columns).cast(clean.discover.schema),
            rejects=rejects,
            quarantine_reasons=reasons,
        )
    )


def reference() -> str:
    """Contracts and mappings a home may bring along, with such names."""
    named = [
        replace(one, description=name, grain=name)
        for name, one in zip(NAMES, contracts().values(), strict=False)
    ]
    feeds = [replace(mappings()["online_retail"], description=name) for name in NAMES]
    return render_contracts(named, feeds, rules())


@pytest.mark.parametrize("render", [overview, reference])
def test_names_are_shown_literally_and_run_nothing(
    browser: Browser, tmp_path: Path, render: Callable[[], str]
) -> None:
    """No dialog, no script, no request, no element of a name's own; every name stands there as it came."""
    path = tmp_path / "page.html"
    path.write_text(render(), encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    dialogs: list[str] = []
    requests: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    text = page.evaluate("document.querySelector('main').textContent")
    links = page.evaluate("[...document.querySelectorAll('a')].map(a => a.protocol)")
    foreign = page.locator("script, img, main b, [onload], [onerror]").count()
    context.close()
    assert [name for name in NAMES if name not in text] == []
    assert (dialogs, foreign, requests) == ([], 0, [path.as_uri()])
    assert "javascript:" not in links
