"""The overview page: sections, charts and templates become one HTML text. No database, no new numbers."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

import jinja2

from xbec_platform.publish import operations_sections, sales_sections
from xbec_platform.publish.formats import MISSING, clean, count, day, text
from xbec_platform.publish.overview_input import MIN_GROUP, DownloadLink, OverviewInput
from xbec_platform.publish.page_names import CUSTOMER_PAGES, OVERVIEW

__all__ = ["DownloadLink", "OverviewInput", "render_overview"]

TEMPLATES = Path(__file__).parent / "templates"


def render_overview(
    data: OverviewInput,
    *,
    contracts_href: str | None = None,
    logistics_href: str | None = None,
    customer_pages: Mapping[str, str] | None = None,
) -> str:
    """Render the overview page.

    Every value is escaped, in HTML and in SVG; a content security policy forbids scripts and requests on top.

    Args:
        data: all the page shows.
        contracts_href: relative link to the page of contracts beside it; None for none.
        customer_pages: file to title of the pages about customers beside it.
        logistics_href: the same of the page of logistics.

    Returns:
        One HTML document without outside references except the download links. Equal input gives equal bytes.
    """
    context = {
        "header": sales_sections.header(data),
        "kpi": sales_sections.key_figures(data),
        "groups": sales_sections.groups(data),
        "customer": sales_sections.one_customer(data),
        "network": operations_sections.network(data),
        "plan": operations_sections.plan(data),
        "intake": operations_sections.intake(data),
        "definitions": [(text(term), text(meaning)) for term, meaning in data.definitions.items()],
        "downloads": [
            (text(link.name), MISSING if link.rows is None else count(link.rows), list(link.hrefs.items()))
            for link in data.downloads
        ],
        "downloads_empty": data.why_empty("downloads"),
        "min_group": MIN_GROUP,
        "figures": _figures(data),
        "contracts_href": contracts_href,
        "customer_pages": list((customer_pages or {}).items()),
        "logistics_href": logistics_href,
    }
    return environment().get_template("overview.html.j2").render(context)


def customer_page(template: str, page: str, *, shop: str, as_of: date, **context: object) -> str:
    """Render a page about customers, which links to the others.

    Args:
        template: Extends `customer_page.html.j2`.
        page: File of the page, one of `CUSTOMER_PAGES`.
        shop: Name shown to people.
        as_of: Day up to whose end everything is known.
        context: What the template shows; `facts` maps label to text.
    """
    facts = context.pop("facts", {})
    shown = {
        "shop": text(shop),
        "title": CUSTOMER_PAGES[page],
        "as_of": day(as_of),
        "facts": [("As of", day(as_of)), *((label, text(value)) for label, value in dict(facts).items())],  # type: ignore[call-overload]
        "pages": [("Overview", OVERVIEW), *((title, name) for name, title in CUSTOMER_PAGES.items())],
        "min_group": MIN_GROUP,
    }
    return environment().get_template(template).render(shown | context)


def _figures(data: OverviewInput) -> dict[str, object]:
    """Draw the charts that have something to show; the drawing library is loaded only here."""
    figures: dict[str, object] = {}
    if data.kpi.height:
        from xbec_platform.publish.charts import daily_trend

        figures["trend"] = daily_trend(data.kpi, currency=text(data.base_currency), last_day=data.data_end)
    warehouses = operations_sections.numbered_warehouses(data.warehouses)
    if warehouses.height and warehouses.drop_nulls(["lat", "lon"]).height:
        from xbec_platform.publish import map_chart

        flows = data.flows.filter(data.flows["units"] > 0) if data.flows.height else data.flows
        figures["maps"] = map_chart.network_maps(warehouses, flows)
        figures["legend"] = map_chart.legend(flows)
    return figures


@cache
def environment() -> jinja2.Environment:
    """How all pages are rendered: every value escaped and cleaned, a missing one is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )


def _printable(value: object) -> object:
    """Clean what a template prints; markup made by templates and charts passes as it is."""
    return clean(value) if type(value) is str else value
