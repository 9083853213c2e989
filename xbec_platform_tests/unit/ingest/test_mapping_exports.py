"""Real exports: each vendor's documented layout, and the public files where they are at hand."""

import csv
import io
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from xbec_platform.ingest.mapping_sample import read_sample
from xbec_platform.ingest.mappings import mappings
from xbec_platform_tests.unit.ingest.mapping_cases import SAMPLES, mapped, sample_of


def test_shopify_orders_become_orders_and_lines() -> None:
    """Order fields of the first row hold for its lines; 23:30 in New York is 04:30 UTC of the next day."""
    _, done = sample_of("shopify_orders", "shopify_orders.csv")
    lines = done.tables["order_lines"].select(
        "order_id", "line_no", "product_id", "qty", "unit_price", "currency"
    )
    assert lines.rows() == [
        ("#1001", 1, "CUP-R", 2, Decimal("10.0000"), "USD"),
        ("#1001", 2, "name:Gift card", 1, Decimal("25.0000"), "USD"),
        ("#1002", 1, "BAG", 1, Decimal("7.0000"), "USD"),
    ]
    orders = done.tables["orders"].select(
        "order_id", "order_ts", "updated_ts", "status", "ship_country", "goods_total"
    )
    assert orders.rows() == [
        ("#1001", datetime(2026, 3, 2, 4, 30), datetime(2026, 3, 3, 14), "shipped", "CA", Decimal("45.0000")),
        ("#1002", datetime(2026, 3, 2, 9), datetime(2026, 3, 2, 10), "cancelled", "DE", Decimal("7.0000")),
    ]
    assert done.quarantined["reasons"].to_list() == [["Created at: is no timestamp"]]


@pytest.mark.parametrize("stated", ["5.00", "2.00"])
def test_shopify_discounts_count_once(tmp_path: Path, stated: str) -> None:
    """3 off a line of 10 and a coupon of 2: the export's discount amount states them together or not."""
    with (SAMPLES / "shopify_orders.csv").open(newline="") as stream:
        order = next(csv.DictReader(stream))
    order |= {
        "Subtotal": "5.00", "Discount Amount": stated, "Lineitem quantity": "1", "Lineitem price": "10.00",
        "Lineitem discount": "3.00",
    }  # fmt: skip
    path = tmp_path / "orders.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(order))
        writer.writeheader()
        writer.writerow(order)
    done = read_sample(path, mappings()["shopify_orders"], date(2026, 3, 5))
    orders = done.tables["orders"].select("goods_total", "discount")
    assert orders.rows() == [(Decimal("7.0000"), Decimal("2.0000"))]


def test_shopify_customers_are_the_buyers_of_the_orders() -> None:
    """Both exports know the e-mail address; without one the customer's number stands."""
    _, done = sample_of("shopify_customers", "shopify_customers.csv")
    _, orders = sample_of("shopify_orders", "shopify_orders.csv")
    customers = done.tables["customers"]
    assert customers["customer_id"][0] == orders.tables["orders"]["customer_id"][0]
    assert customers["customer_id"][1] == "7002"
    assert customers["postal_code"].to_list() == ["K1A 0B1", "10115"]
    assert customers["consent_marketing"].to_list() == [True, False]


def test_shopify_products_are_variants_known_as_the_orders_know_them() -> None:
    """A further picture is accounted and makes no row; a weight of 0 was never entered."""
    _, done = sample_of("shopify_products", "shopify_products.csv")
    rows = done.tables["products"].select("product_id", "title", "weight_kg", "status").rows()
    assert rows == [
        ("CUP-R", "Cup - Red", 0.35, "active"),
        ("CUP-B", "Cup - Blue", None, "active"),
        ("name:Gift card", "Gift card", None, "retired"),
    ]
    assert (done.rows_in, done.rows_loaded) == (4, 4)


def test_amazon_orders_keep_cancelled_and_pending_ones() -> None:
    """An item without pieces or price makes no line; its order is known all the same, its tax is not."""
    _, done = sample_of("amazon_orders", "amazon_orders.txt")
    lines = done.tables["order_lines"].select(
        "order_id", "product_id", "qty", "unit_price", "discount", "currency"
    )
    assert lines.rows() == [
        ("302-0000001-0000001", "CUP-R", 3, Decimal("10.0000"), Decimal("2.0000"), "EUR"),
    ]
    goods = (
        done.tables["orders"].filter(pl.col("goods_total").is_not_null()).select("goods_total", "discount")
    )
    assert goods.rows() == [(Decimal("28.0000"), None)], "the promotion is the line's and counts once"
    orders = done.tables["orders"].select("order_id", "order_ts", "status", "market", "currency", "tax")
    assert sorted(orders.rows()) == [
        ("111-0000002-0000002", datetime(2026, 3, 3, 7, 59, 59), "placed", "US", "USD", None),
        ("111-0000003-0000003", datetime(2026, 3, 2, 12), "cancelled", "US", "USD", None),
        ("302-0000001-0000001", datetime(2026, 3, 1, 8, 15), "shipped", "DE", "EUR", Decimal("5.5900")),
    ]
    assert (done.rows_loaded, done.quarantined.height) == (4, 0)


@pytest.mark.parametrize("name", ["shopify_orders", "shopify_customers"])
def test_no_person_is_plain_in_a_table(name: str) -> None:
    """Names, addresses, numbers and notes stay in the landed file; _extra is a table's column too."""
    _, done = sample_of(name, f"{name}.csv")
    for table, rows in done.tables.items():
        text = rows.write_csv()
        for plain in ("example", "Example", "Ada", "Beispiel", "555", "Test Street", "mornings"):
            assert plain not in text, (table, plain)


def test_thing_that_breaks_its_contract_takes_its_records_along(tmp_path: Path) -> None:
    """One order with two currencies must not cost the other orders of the file."""
    body = """
file: {key: [o, n], columns: {o: {type: text}, n: {type: integer}, region: {type: text}, q: {type: integer}}}
routes: [{to: order_lines}]
tables:
  order_lines: {order_id: o, line_no: n, product_id: "'P'", qty: q, unit_price: "1", currency: "'EUR'"}
entities:
  orders:
    from: [order_lines]
    one_per: [o]
    columns:
      order_id: min(o)
      order_ts: min(cast(_drop_date as timestamp))
      updated_ts: min(cast(_drop_date as timestamp))
      status: min(region)
      channel: "'site'"
      currency: "'EUR'"
"""
    done = mapped(tmp_path, body, "o,n,region,q\nA,1,paid,1\nB,1,odd,1\nB,2,paid,1\nC,1,paid,0\n")
    assert done.tables["order_lines"]["order_id"].to_list() == ["A"]
    assert done.tables["orders"]["order_id"].to_list() == ["A"]
    assert [reasons[0][:16] for reasons in done.quarantined["reasons"]] == [
        "orders: status: ",
        "orders: status: ",
        "qty: is not abov",
    ]
    assert done.rows_in == done.rows_loaded + done.quarantined.height


@pytest.fixture(scope="session")
def scms(shared_data: Path) -> Path:
    return shared_data / "scms" / "scms_delivery_history.tsv"


def test_scms_loads_every_row_and_keeps_what_stood_for_a_number(scms: Path) -> None:
    """6,514 rows; the sums and the texts in numeric columns are counted from the raw file."""
    done = read_sample(scms, mappings()["scms"], date(2016, 1, 1))
    raw = list(csv.DictReader(io.StringIO(scms.read_text("latin-1")), delimiter="\t"))
    rows = done.tables["deliveries"]
    assert (done.rows_in, done.rows_loaded, rows.height, len(raw)) == (6514, 6514, 6514, 6514)
    assert rows["line_value"].sum() == sum(Decimal(row["Line Item Value"]) for row in raw)
    weights = [row["Weight (Kilograms)"] for row in raw]
    assert rows["weight_kg"].sum() == sum(float(one) for one in weights if one[0].isdigit())
    extra = rows["_extra"].str.json_path_match("$['Weight (Kilograms) (as delivered)']").drop_nulls()
    assert Counter(extra.to_list()) == Counter(one for one in weights if not one[0].isdigit())
    assert rows["weight_of"].drop_nulls().len() == sum(one.startswith("See ") for one in weights)
    assert rows["dest_country"].value_counts().filter(pl.col("dest_country") == "CI")["count"].item() == 791
    assert rows["freight_terms"].value_counts(sort=True).drop_nulls().rows() == [
        ("in_price", 722),
        ("invoiced_separately", 97),
    ]


def test_scms_text_nobody_declared_goes_to_quarantine(scms: Path, tmp_path: Path) -> None:
    """Only known gaps are gaps: the reason names the column."""
    lines = scms.read_bytes().split(b"\n")[:3]
    broken = lines[2].replace(b"\t358\t", b"\tto be weighed\t")
    assert broken != lines[2]
    path = tmp_path / "scms.tsv"
    path.write_bytes(b"\n".join([lines[0], lines[1], broken, b""]))
    done = read_sample(path, mappings()["scms"], date(2016, 1, 1))
    assert done.quarantined["reasons"].to_list() == [["Weight (Kilograms): is no double"]]
    assert done.tables["deliveries"].height == 1


def test_samples_are_small() -> None:
    """They show layouts; data belongs elsewhere."""
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) < 20_000
