"""The overview page as text: same numbers as its input, everything escaped, empty parts explained."""

from dataclasses import fields, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import polars as pl
import pytest

from xbec_platform.publish.overview_input import EMPTY_REASONS, OverviewInput
from xbec_platform.publish.pages import render_overview
from xbec_platform_tests.unit.publish.overview_samples import AS_OF, empty_shop, shop
from xbec_platform_tests.unit.publish.page_reader import Page
from xbec_platform_tests.unit.publish.sample_tables import MONEY

ANCHORS = ["key-figures", "groups", "customer", "network", "plan", "intake", "definitions", "downloads"]


def small(**parts: object) -> Page:
    """A page of only the given parts, fast because it has no charts."""
    return Page(render_overview(replace(empty_shop(), **parts)))


def _number(shown: str) -> Decimal:
    return Decimal(shown.replace(",", "").replace("−", "-"))


def test_sections_and_headings_are_there(page: Page) -> None:
    """Readers navigate by headings: one h1, one h2 per section, all reachable from the list of sections."""
    ids = [value for tag, name, value in page.attributes if tag == "section" and name == "id"]
    links = [value for tag, name, value in page.attributes if tag == "a" and name == "href"]
    assert ids == ANCHORS
    assert [f"#{anchor}" for anchor in ANCHORS] == links[1 : len(ANCHORS) + 1]
    assert page.tags.count("h1") == 1
    assert page.tags.count("h2") == len(ANCHORS)


def test_daily_table_equals_the_input(page: Page) -> None:
    """Same numbers as the mart: all days, to the cent."""
    head, *rows = page.tables["Sales per day, newest first, amounts in GBP"]
    assert head == ["Day (UTC)", "Orders", "Customers", "Gross sales", "Returns", "Net sales"]
    expected = shop().kpi.sort("kpi_date", descending=True)
    assert len(rows) == expected.height
    for row, given in zip(rows, expected.iter_rows(named=True), strict=True):
        assert row[0] == given["kpi_date"].isoformat()
        assert [int(_number(cell)) for cell in row[1:3]] == [given["n_orders"], given["n_customers"]]
        shown = [_number(cell) for cell in row[3:]]
        cents = [
            given[name].quantize(Decimal("0.01"), ROUND_HALF_UP) for name in given if name.endswith("_base")
        ]
        assert shown == cents


def test_tiles_are_sums_of_the_days() -> None:
    """Hand-computed: two days of 100.10 and 50.05 gross, 10.00 back, 3 orders, 1 of them without a customer."""
    kpi = pl.DataFrame(
        {
            "kpi_date": [date(2011, 12, 8), date(2011, 12, 9)],
            "n_orders": [2, 1],
            "n_customers": [1, 1],
            "n_new_customers": [1, 0],
            "n_anonymous_orders": [1, 0],
            "gross_base": [Decimal("100.1000"), Decimal("50.0500")],
            "returns_base": [Decimal("10.0000"), Decimal(0)],
            "net_base": [Decimal("90.1000"), Decimal("50.0500")],
        },
        schema_overrides=dict.fromkeys(("gross_base", "returns_base", "net_base"), MONEY),
    )
    text = " ".join(small(kpi=kpi, data_end=AS_OF).text.split())
    assert "Net sales EUR 140.15" in text
    assert "Gross sales EUR 150.15" in text
    assert "Returns EUR 10.00 6.7\u00a0% of gross sales" in text.replace("6.7 %", "6.7\u00a0%")
    assert "Orders 3 1 without a customer id" in text
    assert "Average order EUR 50.05" in text
    assert "New customers 1" in text
    assert "Last 28 days:" not in text


def test_change_compares_equal_windows() -> None:
    """28 days at 20 after 28 days at 10 is +100 %, also when closed days have no rows."""
    days = [AS_OF - timedelta(days=i) for i in range(56)]
    values = [Decimal(20) if i < 28 else Decimal(10) for i in range(56)]
    kpi = pl.DataFrame({"kpi_date": days, "net_base": values}, schema_overrides={"net_base": MONEY}).with_columns(
        n_orders=pl.lit(1), n_customers=pl.lit(1), n_new_customers=pl.lit(0), n_anonymous_orders=pl.lit(0),
        gross_base="net_base", returns_base=pl.lit(Decimal(0)),
    )  # fmt: skip
    # One closed day in each half: 27 x 20 against 27 x 10 is still +100 %.
    open_days = kpi.filter(~pl.col("kpi_date").is_in([AS_OF - timedelta(days=3), AS_OF - timedelta(days=31)]))
    assert "Last 28 days: +100.0" in small(kpi=open_days, data_end=AS_OF).text


def test_small_groups_are_hidden_and_the_page_says_so(page: Page) -> None:
    """Fewer than 30 people could be recognised: 23 returners and 12 lost customers leave no trace."""
    assert "Buyers who return much" not in page.source
    assert "1 group of fewer than 30 customers is hidden." in page.text
    segments = [row[0] for row in page.tables["RFM segments by net sales, amounts in GBP"]]
    assert "Lost" not in segments
    assert "1 segment of fewer than 30 customers is hidden." in page.text


@pytest.mark.parametrize(("size", "visible"), [(29, False), (30, True), (None, False)])
def test_the_limit_of_a_small_group_is_thirty(size: int | None, visible: bool) -> None:
    """29 is small, 30 is not, and an unknown size counts as small."""
    rfm = pl.DataFrame({"segment": ["one_timers"], "n_customers": [size], "net_base": [Decimal(5)]})
    assert ("One timers" in small(rfm_segments=rfm).text) is visible


def test_groups_show_share_and_revenue(page: Page) -> None:
    """The headline of the section is the group with most revenue."""
    assert (
        "“Weekly wholesale buyers” are 11.2\u00a0% of the grouped customers and bring 51.4\u00a0% of revenue."
        in page.text
    )
    assert "Order every 9 days (all customers: 41)" in page.text
    assert "n = 1,204 customers" in page.text


def test_recommendations_have_reasons(page: Page) -> None:
    """Each suggestion says why: the purchase behind it, or that there is none."""
    text = " ".join(page.text.split())
    assert "Because of SET OF 6 SPICE TINS PANTRY DESIGN (22722)" in text
    assert "No single purchase behind it: liked by customers in general" in text
    assert "Bought in 31 orders, last on 2011-12-05" in text
    assert "279,138.02 GBP" in text


def test_sample_network_is_labelled_where_it_is_used(page: Page) -> None:
    """Made-up warehouses must not be taken for the shop's own, neither on the map nor in the plan."""
    assert page.text.count("Sample network, not the shop’s own") == 2
    own = shop().warehouses.with_columns(is_sample=pl.lit(value=False))
    assert "ample network" not in small(warehouses=own.with_columns(lat=pl.lit(None), lon=pl.lit(None))).text


def test_warehouses_and_flows_equal_the_input(page: Page) -> None:
    """Utilisation is units over capacity; flows are listed largest first with all their units."""
    rows = page.tables["Warehouses, by units sent"]
    assert rows[2] == ["2 Venlo (DC-NLD-1)", "NL", "5,180", "5,200", "99.6\u00a0%"]
    flows = page.tables["Flows, largest first"][1:]
    assert flows[0] == ["Daventry (DC-GBR-1)", "GB", "6,200"]
    assert sum(_number(row[2]) for row in flows) == shop().flows["units"].sum()


def test_a_warehouse_without_a_place_is_listed_not_drawn() -> None:
    """A missing coordinate must not take the page down nor the warehouse away."""
    nowhere = (
        shop().warehouses.head(1).with_columns(lat=pl.lit(None, pl.Float64), capacity_orders_day=pl.lit(0))
    )
    page = small(warehouses=nowhere)
    row = page.tables["Warehouses, by units sent"][1]
    assert row[0] == "1 Daventry (DC-GBR-1), not on the map: place unknown"
    assert row[4] == "–"
    assert "svg" not in page.tags


def test_plan_shows_cost_unserved_and_shadow_prices(page: Page) -> None:
    """The plan's money, why units stay behind, and what more capacity would be worth."""
    text = " ".join(page.text.split())
    assert "Cost of the plan GBP 18,204.66" in text
    assert page.tables["Unserved units by reason"][1:] == [
        ["Warehouse capacity full", "262", "41"],
        ["SKU stock exhausted in reach", "131", "58"],
        ["No mode meets promise", "26", "9"],
        ["All reasons", "419", "108"],
    ]
    assert page.tables["Limits that bind, by what one more unit would save"][1] == [
        "Stock", "DC-GBR-1", "22423", "40", "40", "6.15",
    ]  # fmt: skip


def test_intake_adds_up(page: Page) -> None:
    """Rows in = loaded + quarantined + duplicates, per feed and in all, with every reason and rejected file."""
    rows = page.tables["Rows per feed: in = loaded + quarantined + exact duplicates"]
    assert ["order_lines", "305", "541,909", "534,112", "2,529", "5,268", "1", "yes"] in rows
    assert rows[-1] == ["All feeds", "310", "561,984", "554,183", "2,533", "5,268", "1", "yes"]
    assert "Every row is accounted for." in page.text
    assert page.tables["Quarantined rows by reason"][1] == [
        "order_lines",
        "unit_price: must be greater than 0",
        "2,517",
    ]
    assert page.tables["Rejected files"][1][1].endswith("lines_2011-06-14_resent.csv.gz")


def test_lost_rows_are_said_loudly() -> None:
    """A feed that lost 2 rows and one that gained 2 must not cancel out in the total."""
    intake = pl.DataFrame(
        [("a", 1, 10, 8, 0, 0, 0), ("b", 1, 10, 12, 0, 0, 0)],
        schema=["feed", "files", "rows_in", "loaded", "quarantined", "exact_duplicates", "rejected_files"],
        orient="row",
    )
    page = small(intake=intake)
    rows = page.tables["Rows per feed: in = loaded + quarantined + exact duplicates"]
    assert [row[-1] for row in rows] == ["Adds up", "off by 2", "off by −2", "off by 4"]
    assert "2 feeds do not add up." in page.text


def test_data_that_ends_early_is_a_warning() -> None:
    """Numbers as of Friday from data until Tuesday look like a collapse unless it is said."""
    assert "The data ends 3 days before the as-of day." in small(data_end=date(2011, 12, 6)).text
    assert "The data ends" not in small(data_end=AS_OF).text


def test_the_first_day_of_a_shop_says_why_everything_is_empty() -> None:
    """No frame at all: the page still has all sections, each with its reason, and draws nothing."""
    page = small()
    for name in set(EMPTY_REASONS) - {"habits", "discover", "replenish", "flows", "unserved", "bottlenecks"}:
        assert EMPTY_REASONS[name] in page.text
    assert "svg" not in page.tags
    assert "no data yet" in page.text


@pytest.mark.parametrize("name", [f.name for f in fields(OverviewInput) if f.name in EMPTY_REASONS])
def test_each_part_alone_may_be_empty(name: str) -> None:
    """One missing table must cost one section, not the page. Without map and trend to stay fast."""
    full = replace(
        shop(), kpi=pl.DataFrame(), warehouses=shop().warehouses.with_columns(lat=pl.lit(None, pl.Float64))
    )
    value = getattr(full, name)
    emptied = value.clear() if isinstance(value, pl.DataFrame) else type(value)()
    page = Page(
        render_overview(replace(full, **{name: emptied}, empty_reasons={name: "Because of reasons."}))
    )
    assert "Because of reasons." in page.text


def test_equal_input_gives_equal_bytes() -> None:
    """A page is compared and cached by its bytes; also rows in another order make the same page."""
    parts = (
        "clusters",
        "rfm_segments",
        "discover",
        "replenish",
        "unserved",
        "bottlenecks",
        "intake",
        "rejects",
    )
    some = replace(shop(), kpi=shop().kpi.head(3), warehouses=pl.DataFrame(), flows=pl.DataFrame())
    shuffled = replace(
        some, **{name: getattr(some, name).reverse() for name in (*parts, "kpi", "quarantine_reasons")}
    )
    assert render_overview(some) == render_overview(shuffled)


def test_long_tables_are_cut_and_say_so() -> None:
    """A thousand rejected files must not make the page unreadable, nor vanish silently."""
    rejects = pl.DataFrame({"feed": ["x"] * 60, "path": [f"{i:03}" for i in range(60)], "reason": ["r"] * 60})
    page = small(rejects=rejects)
    assert len(page.tables["Rejected files"]) == 51
    assert "The first 50 rows; 10 more." in page.text
