"""Real data: the published figures of UCI Online Retail come out of the marts to the row and the penny."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.automation.jobs import DECISIONS, INTAKE_AND_FACTS
from xbec_platform.main_job import prepare
from xbec_platform.settings import Settings
from xbec_platform_tests.integration.homes import run_job


@pytest.fixture(scope="module")
def retail_home(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Settings:
    """A home with the real history, delivered as 305 daily files, after one run over all days."""
    settings = Settings(home=tmp_path_factory.mktemp("online_retail"))
    prepared = prepare(settings, "online_retail", shared_data / "online_retail")
    assert prepared.end_date is not None
    assert run_job(prepared, INTAKE_AND_FACTS, prepared.start_date, prepared.end_date)
    return prepared


def query(home: Settings, sql: str) -> tuple[object, ...]:
    with WarehouseResource.of(home).file.connect("test") as connection:
        (row,) = connection.execute(sql).fetchall()
    return tuple(row)


def test_all_rows_are_accounted_for(retail_home: Settings) -> None:
    """541,909 rows: 1,336 without positive quantity and 2 with a negative price are quarantined, 5,268 repeat."""
    assert query(
        retail_home,
        """SELECT count(*), sum(rows_in), sum(rows_loaded), sum(rows_quarantined), sum(rows_duplicate)
        FROM ops.file_manifest WHERE feed = 'online_retail'""",
    ) == (305, 541_909, 535_303, 1_338, 5_268)


def test_the_usual_clean_set_comes_out_of_the_marts(retail_home: Settings) -> None:
    """The set everybody publishes: sales with customer and price; it counts exact duplicates."""
    assert query(
        retail_home,
        """SELECT sum(1 + duplicate_records), count(DISTINCT customer_id), count(DISTINCT order_id),
            round(sum((1 + duplicate_records) * line_total), 2)
        FROM marts.fct_order_line WHERE customer_id IS NOT NULL AND unit_price > 0""",
    ) == (397_884, 4_338, 18_532, Decimal("8911407.90"))


def test_cancellations_find_the_sale_they_undo(retail_home: Settings) -> None:
    """Of the cancelled value of real products with a customer, over 90 % is matched; the big one within minutes."""
    matched, identified = query(
        retail_home,
        """SELECT sum(refund_total) FILTER (match_kind IN ('exact', 'partial')), sum(refund_total)
        FROM marts.fct_return WHERE match_kind NOT IN ('anonymous', 'charge')""",
    )
    assert isinstance(matched, Decimal)
    assert matched / identified > Decimal("0.9")  # type: ignore[operator]
    assert query(retail_home, "SELECT matched_order_id FROM marts.fct_return WHERE qty = 80995") == (
        "581483",
    )


def test_anonymous_lines_stay_for_baskets_and_countries_are_iso(retail_home: Settings) -> None:
    """A quarter of the rows has no customer; EIRE and RSA have become IE and ZA, no country is invented."""
    (anonymous,) = query(retail_home, "SELECT count(*) FROM marts.fct_order_line WHERE customer_id IS NULL")
    assert isinstance(anonymous, int)
    assert anonymous > 100_000
    countries = WarehouseResource.of(retail_home).file.read_frame(
        "SELECT DISTINCT ship_country, ship_region FROM raw.orders", purpose="test"
    )
    named = dict(countries.select("ship_region", "ship_country").iter_rows())
    assert (named["EIRE"], named["RSA"], named["Unspecified"], named["European Community"]) == (
        "IE",
        "ZA",
        None,
        None,
    )


def test_stock_codes_that_are_no_products_are_classified(retail_home: Settings) -> None:
    """Postage, fees and manual lines are in the facts but are no products."""
    codes = WarehouseResource.of(retail_home).file.read_frame(
        "SELECT DISTINCT product_id FROM marts.fct_order_line WHERE NOT is_product", purpose="test"
    )["product_id"]
    assert {"POST", "DOT", "M", "C2", "AMAZONFEE"} <= set(codes)
    assert not codes.filter(codes.str.contains(r"^\d{5}")).len()
    assert isinstance(codes, pl.Series)


def test_one_file_gives_the_same_facts_as_305(
    retail_home: Settings, tmp_path: Path, shared_data: Path
) -> None:
    """The intake of a file is a function of its rows: how a history is cut into files does not matter."""
    from xbec_platform.ingest.intake import run_intake
    from xbec_platform.warehouse.database import Warehouse

    assert retail_home.end_date is not None
    folder = tmp_path / "landing" / "online_retail" / f"dt={retail_home.end_date - timedelta(days=1)}"
    folder.mkdir(parents=True)
    (folder / "all.parquet").write_bytes(
        (shared_data / "online_retail" / "online_retail.parquet").read_bytes()
    )
    whole = Warehouse(tmp_path / "w.duckdb")
    run_intake(whole, tmp_path / "landing")
    sql = """SELECT count(*), sum(qty), sum(unit_price), sum(_duplicate_records),
        sum(hash(order_id, line_no, product_id)) FROM raw.order_lines"""
    assert whole.read_frame(sql, purpose="test").rows() == [query(retail_home, sql)]


def test_everything_is_decided_of_a_real_shop(retail_home: Settings) -> None:
    """No events, no carriers, a sample network: every decision copes with what is not there, as of an early day.

    Early, because the cost grows with what is known; the facts of the days after it are there, too.
    """
    day = date(2010, 12, 20)
    assert run_job(retail_home, DECISIONS, day, day + timedelta(days=1))
    known = """SELECT count(*) FROM marts.mart_user_database
        WHERE as_of_date = DATE '2010-12-20' AND customer_id NOT IN (SELECT customer_id FROM {})"""
    for table in ("ml.recs_discover", "ml.customer_clusters", "ml.clv"):
        assert query(retail_home, known.format(table)) == (0,), f"somebody is missing in {table}"
    assert query(
        retail_home,
        "SELECT min(n), max(n) FROM (SELECT count(*) AS n FROM ml.recs_discover GROUP BY customer_id)",
    ) == (20, 20)
    assert query(
        retail_home,
        """SELECT bool_and(ordered_units = assigned_units + unserved_units), sum(assigned_units) > 0
        FROM ml.assignment_summary""",
    ) == (True, True)
    assert query(retail_home, "SELECT count(*) > 1000 FROM ml.inventory_policy") == (True,)
    assert (retail_home.reports / "overview.html").is_file()
