"""The reference page of contracts: says what the contracts say, every anchor leads somewhere, attacks are text."""

from dataclasses import fields, replace
from urllib.parse import unquote

import pytest

from xbec_platform.ingest.contracts import Contract, contracts
from xbec_platform.ingest.mappings import mappings
from xbec_platform.ingest.rules import Rule, rules
from xbec_platform.publish.contracts_page import render_contracts
from xbec_platform.publish.pages import render_overview
from xbec_platform_tests.unit.publish.overview_samples import ATTACKS, empty_shop
from xbec_platform_tests.unit.publish.page_reader import Page


@pytest.fixture(scope="module")
def reference() -> Page:
    """The page of the platform's own contracts, mappings and rules."""
    return Page(render_contracts(contracts().values(), mappings().values(), rules()))


def hostile() -> str:
    """The page of a contract and a mapping with an attack in every text."""
    orders = contracts()["orders"]
    status = replace(
        orders.columns["status"],
        name=ATTACKS[2],
        description=ATTACKS[0],
        unit=ATTACKS[4],
        allowed=(ATTACKS[5], ATTACKS[9]),
    )
    attacked = Contract(
        source=ATTACKS[1],
        description=ATTACKS[3],
        domain=ATTACKS[0],
        owner=ATTACKS[4],
        grain=ATTACKS[2],
        key=(ATTACKS[2],),
        columns={ATTACKS[2]: status},
    )
    mapping = replace(
        mappings()["online_retail"], name=ATTACKS[2], description=ATTACKS[0], time_zone=ATTACKS[7]
    )
    rule = Rule(
        id=ATTACKS[0],
        source=ATTACKS[1],
        severity="reject",
        message=ATTACKS[2],
        owner="team:x",
        reason=ATTACKS[8],
        when="a > '<script>window.hacked=1</script>'",
    )
    return render_contracts([attacked, orders], [mapping], {ATTACKS[1]: (rule,)})


def test_every_source_and_column_is_there_as_promised(reference: Page) -> None:
    """One row per promised column, in order, with type, unit, whether it may be missing, and class."""
    for contract in contracts().values():
        head, *rows = reference.tables[f"Columns of {contract.source}"]
        assert head == ["Column", "Type", "Unit", "May be missing", "Promises", "Personal", "Description"]
        shown = [(row[0], row[1], row[2], row[3], row[5]) for row in rows]
        assert shown == [
            (name, c.type, c.unit or "–", "yes" if c.nullable else "no", "–" if c.pii == "none" else c.pii)
            for name, c in contract.columns.items()
        ]


def test_promises_are_shown(reference: Page) -> None:
    """By hand from orders.yml."""
    rows = {row[0]: row for row in reference.tables["Columns of orders"]}
    assert rows["status"][4] == "one of placed, paid, shipped, delivered, cancelled"
    assert rows["goods_total"][4] == ">= 0"
    assert rows["customer_id"][6] == "Null for a guest"


def test_mappings_say_what_they_read_and_fill(reference: Page) -> None:
    """By hand from online_retail.yml: through derived values, lookups and entities."""
    head, *rows = reference.tables["Columns mapping online_retail reads"]
    assert head[-1] == "Fills"
    fills = {row[0]: row[-1] for row in rows}
    assert fills["Description"] == "products.title"
    assert fills["StockCode"] == "order_lines.product_idproducts.product_idreturns.product_id"
    assert fills["Country"] == "customers.countrycustomers.regionorders.ship_countryorders.ship_region"
    assert fills["Quantity"] == "order_lines.qtyorders.goods_totalreturns.qty"
    assert ["qty", "-Quantity"] in reference.tables["records where InvoiceNo like 'C%'"]


def test_every_link_leads_to_a_place_on_the_page(reference: Page) -> None:
    """Several hundred links: none may be dead, no id may be there twice."""
    ids = [value for _, name, value in reference.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    links = [value for tag, name, value in reference.attributes if tag == "a" and name == "href"]
    assert {unquote(link[1:]) for link in links if link.startswith("#")} <= set(ids)
    assert {link for link in links if not link.startswith("#")} == {"overview.html"}
    assert {"orders", "orders.customer_id", "mapping.online_retail"} <= set(ids)


def test_the_page_is_one_file(reference: Page) -> None:
    """No script and nothing from outside; every table has a caption."""
    assert "script" not in reference.tags
    assert "default-src 'none'" in reference.source
    assert reference.source.count("url(") == 0
    assert reference.tags.count("caption") == reference.tags.count("table")


def test_equal_input_gives_equal_bytes() -> None:
    """Whatever the order of the arguments: a page that changes without reason is noise in a diff."""
    known = list(contracts().values())
    assert render_contracts(known) == render_contracts(reversed(known))


def test_a_home_without_mappings_and_rules_has_a_page() -> None:
    """No empty heading, no dead link to mappings."""
    page = Page(render_contracts(contracts().values()))
    assert "mappings" not in {value for _, name, value in page.attributes if name == "id"}
    assert "Rules of the screening" not in page.tables


def test_attacks_are_just_text() -> None:
    """Mappings are written by users: names with markup, quotes or template code add no tag and no attribute."""
    page = Page(hostile())
    assert not {"script", "img", "b"} & set(page.tags)
    assert page.tags.count("style") == page.tags.count("title") == 1
    known = {"style", "id", "class", "href", "role", "scope", "tabindex", "lang", "charset", "http-equiv", "content",
             "name", "rel", "data-label", "aria-label", "aria-labelledby"}  # fmt: skip
    assert {name for _, name, _ in page.attributes} <= known
    for attack in (0, 1, 2, 3, 4, 5, 7, 8):
        assert ATTACKS[attack] in page.text
    hrefs = {value for tag, name, value in page.attributes if tag == "a" and name == "href"}
    assert all(href.startswith("#") or href == "overview.html" for href in hrefs)
    assert "\u202e" not in page.source


def test_the_overview_links_to_it() -> None:
    """Readers of the shop's numbers find what the sources promise; without the page there is no link."""
    assert '<a href="contracts.html">' in render_overview(empty_shop(), contracts_href="contracts.html")
    assert "contracts.html" not in render_overview(empty_shop())


def test_every_option_of_a_column_is_on_the_page() -> None:
    """A new kind of promise must be shown too, not only kept."""
    shown = {
        "name",
        "type",
        "nullable",
        "unit",
        "pii",
        "description",
        "min",
        "max",
        "above",
        "allowed",
        "pattern",
    }
    column = contracts()["orders"].columns["order_id"]
    assert {field.name for field in fields(column)} == shown
