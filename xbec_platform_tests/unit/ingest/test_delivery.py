"""A history becomes daily drops that say no more than was known on their day, and nothing is lost on the way."""

import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from xbec_platform.ingest.delivery import DeliveryError, deliver_history
from xbec_platform.ingest.feeds import Feeds
from xbec_platform.ingest.intake import run_intake
from xbec_platform.ingest.mappings import mappings
from xbec_platform.warehouse.database import Warehouse

SAMPLES = Path(__file__).parent / "samples"
TODAY = date(2026, 3, 9)


def test_orders_that_left_days_later_are_taken_in(tmp_path: Path) -> None:
    """Order 1001 of 2 March was fulfilled on the 3rd; only the order with an unreadable time goes to quarantine."""
    export = tmp_path / "export"
    export.mkdir()
    shutil.copy(SAMPLES / "shopify_orders.csv", export)
    landing = tmp_path / "landing"
    done = deliver_history(mappings()["shopify_orders"], export, landing, feeds=Feeds(), today=TODAY)
    assert (done.files, done.rows) == (2, 4)
    assert (done.first_day, done.last_day, done.whole) == (date(2026, 3, 2), date(2026, 3, 3), ())
    report = run_intake(Warehouse(tmp_path / "w.duckdb"), landing)
    assert [
        (one.file.drop_date.day, one.rows_in, one.rows_loaded, one.rows_quarantined)
        for one in report.accounts
    ] == [(2, 2, 1, 1), (3, 2, 2, 0)]
    with Warehouse(tmp_path / "w.duckdb").connect("test") as connection:
        assert connection.execute("SELECT order_id, status FROM raw.orders ORDER BY 1").fetchall() == [
            ("#1001", "shipped"),
            ("#1002", "cancelled"),
        ]
        assert connection.execute("SELECT reasons FROM quarantine.records").fetchall() == [
            (["Created at: is no timestamp"],)
        ]


def test_a_file_that_cannot_be_cut_lands_whole(tmp_path: Path) -> None:
    """Its decimal commas would be lost in a cut; the intake says what is wrong with a broken one."""
    export = tmp_path / "export"
    export.mkdir()
    (export / "broken.csv").write_text("Name\n1\n")
    done = deliver_history(mappings()["shopify_orders"], export, tmp_path / "l", feeds=Feeds(), today=TODAY)
    assert done.whole == ("broken.csv",)
    assert (tmp_path / "l/shopify_orders/dt=2026-03-09/broken.csv").read_text() == "Name\n1\n"


def test_the_first_day_is_that_of_the_first_event(tmp_path: Path) -> None:
    """A home begins where its facts do, not where its first file was delivered."""
    export = tmp_path / "export"
    export.mkdir()
    orders = pl.read_csv(SAMPLES / "shopify_orders.csv", infer_schema=False).head(2)
    orders.write_csv(export / "orders.csv")
    done = deliver_history(mappings()["shopify_orders"], export, tmp_path / "l", feeds=Feeds(), today=TODAY)
    assert (done.first_day, done.last_day) == (date(2026, 3, 2), date(2026, 3, 3))
    assert [path.name for path in (tmp_path / "l/shopify_orders").iterdir()] == ["dt=2026-03-03"]


def test_a_folder_of_several_exports_goes_to_the_mapping_of_each(tmp_path: Path) -> None:
    """Customers and products have no time of their own: they are known from the last day on."""
    for name in ("orders", "customers", "products"):
        shutil.copy(SAMPLES / f"shopify_{name}.csv", tmp_path)
    done = deliver_history(mappings()["shopify_orders"], tmp_path, tmp_path / "l", feeds=Feeds(), today=TODAY)
    assert done.whole == ("shopify_customers.csv", "shopify_products.csv")
    assert sorted(path.relative_to(tmp_path / "l").as_posix() for path in tmp_path.glob("l/*/*/*")) == [
        "shopify_customers/dt=2026-03-03/shopify_customers.csv",
        "shopify_orders/dt=2026-03-02/shopify_orders.parquet",
        "shopify_orders/dt=2026-03-03/shopify_orders.parquet",
        "shopify_products/dt=2026-03-03/shopify_products.csv",
    ]


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    """With what was looked for."""
    with pytest.raises(DeliveryError, match="no file ends in .csv"):
        deliver_history(mappings()["shopify_orders"], tmp_path, tmp_path / "l", feeds=Feeds(), today=TODAY)
