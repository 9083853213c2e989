"""The input refuses what must never reach a page, with a message that says what to do."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from xbec_platform.publish.overview_input import EMPTY_REASONS, DownloadLink, OverviewInput
from xbec_platform_tests.unit.publish.overview_samples import AS_OF, empty_shop, shop


def test_a_missing_column_is_named() -> None:
    """A renamed mart column must fail here, not as a template error."""
    with pytest.raises(ValueError, match="rfm_segments lacks the columns net_base"):
        replace(shop(), rfm_segments=shop().rfm_segments.drop("net_base"))


@pytest.mark.parametrize("column", ["email", "name", "postal_code"])
def test_personal_data_is_refused(column: str) -> None:
    """The page is mailed around: only facts on the allow-list may be shown about a person."""
    with pytest.raises(ValueError, match=f"customer has {column}"):
        replace(shop(), customer={"customer_id": "1", column: "x"})


def test_days_after_the_as_of_day_are_refused() -> None:
    """As of D knows nothing later than D; a page that shows more was made from the wrong snapshot."""
    with pytest.raises(ValueError, match="2011-12-09 lies after as_of 2011-12-08"):
        replace(shop(), as_of=date(2011, 12, 8))
    with pytest.raises(ValueError, match="2011-12-10 lies after"):
        replace(empty_shop(), data_end=date(2011, 12, 10))


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "https://example.org/x.csv",
        "//example.org/x",
        "/etc/passwd",
        "a b.csv",
        "x?y",
        "",
    ],
)
def test_links_out_of_the_home_are_refused(href: str) -> None:
    """A link with a scheme or a host could run a script or phone home."""
    with pytest.raises(ValueError, match="plain relative path"):
        DownloadLink(name="x", rows=1, hrefs={"CSV": href})


def test_an_unknown_reason_is_refused() -> None:
    """A typing error would leave the general sentence in place unnoticed."""
    with pytest.raises(ValueError, match="empty_reasons has clutsers"):
        replace(empty_shop(), empty_reasons={"clutsers": "x"})


def test_every_part_that_can_be_empty_has_a_sentence() -> None:
    """An empty section without a reason looks like a fault of the page."""
    page = empty_shop()
    parts = {
        name for name in OverviewInput.__dataclass_fields__ if isinstance(getattr(page, name), pl.DataFrame)
    }
    assert parts | {"customer", "habits", "plan_summary", "downloads"} == set(EMPTY_REASONS)
    assert page.why_empty("kpi") == EMPTY_REASONS["kpi"]
    assert replace(page, empty_reasons={"kpi": "closed"}).why_empty("kpi") == "closed"
    assert page.as_of == AS_OF
