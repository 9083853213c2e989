"""What is read of sales and shelves as of a day: who shipped, days without stock, deposits that are open."""

from datetime import date
from pathlib import Path

import pytest

from xbec_platform.assets.inventory_queries import INVENTORY_QUERIES
from xbec_platform.assets.model_tables import read_as_of
from xbec_platform.warehouse.database import Warehouse

# W1 keeps P from the 1st and had none on the 3rd; W2 keeps Q. Order A came from both: each line from who keeps it. B is
# shipped on the 5th, C is a pre-sale with an open deposit, D one whose balance is paid on the 5th, E was cancelled.
TABLES = """
CREATE SCHEMA marts; CREATE SCHEMA raw;
CREATE TABLE marts.fct_order AS SELECT *, DATE '2026-01-01' AS order_date FROM (VALUES
    ('A', false), ('B', false), ('C', true), ('D', true), ('E', true)) AS t(order_id, is_presale);
CREATE TABLE marts.fct_order_line AS SELECT *, DATE '2026-01-01' AS order_date, true AS is_product FROM (VALUES
    ('A', 1, 'P', 2), ('A', 2, 'Q', 3), ('B', 1, 'P', 7), ('C', 1, 'P', 4), ('D', 1, 'P', 5), ('E', 1, 'P', 6)
) AS t(order_id, line_no, product_id, qty);
CREATE TABLE marts.fct_shipment AS SELECT * FROM (VALUES
    ('A', 'W1', DATE '2026-01-02'), ('A', 'W2', DATE '2026-01-02'), ('B', 'W1', DATE '2026-01-05')
) AS t(order_id, warehouse_id, shipped_date);
CREATE TABLE marts.fct_inventory AS SELECT *, false AS is_sample FROM (VALUES
    ('W1', 'P', DATE '2026-01-01', 9, 0, NULL), ('W1', 'P', DATE '2026-01-02', 7, 0, NULL),
    ('W1', 'P', DATE '2026-01-03', 0, 5, DATE '2026-01-07'), ('W1', 'P', DATE '2026-01-04', 7, 5, DATE '2026-01-07'),
    ('W2', 'Q', DATE '2026-01-01', 9, 0, NULL)
) AS t(warehouse_id, product_id, snapshot_date, available, inbound, inbound_eta_date);
CREATE TABLE raw.orders AS SELECT *, true AS is_presale, DATE '2026-01-01' AS _drop_date, 1 AS _file_id, 1 AS _row_no
FROM (VALUES ('C', 'placed', 1), ('D', 'placed', 1), ('D', 'paid', 5), ('E', 'placed', 1), ('E', 'cancelled', 2)
) AS t(order_id, status, n);
ALTER TABLE raw.orders ADD COLUMN updated_ts TIMESTAMP;
UPDATE raw.orders SET updated_ts = make_timestamp(2026, 1, n, 8, 0, 0);
CREATE TABLE raw.payments AS
SELECT order_id, kind, 'succeeded' AS status, make_timestamp(2026, 1, n, 8, 0, 0) AS paid_ts FROM (VALUES
    ('C', 'deposit', 1), ('D', 'deposit', 1), ('D', 'balance', 5), ('E', 'deposit', 1)) AS t(order_id, kind, n);
"""
NAMES = ("history", "demand", "lead_times", "known")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    file = Warehouse(tmp_path_factory.mktemp("home") / "w.duckdb")
    with file.transaction("test") as connection:
        connection.execute(TABLES)
    return file


def read(warehouse: Warehouse, day: int) -> dict[str, list[tuple[object, ...]]]:
    queries = {name: INVENTORY_QUERIES[name] for name in NAMES}
    frames = read_as_of(warehouse, queries, date(2026, 1, day), purpose="test")
    return {name: frame.rows() for name, frame in frames.items()}


def test_as_of_the_fourth(warehouse: Warehouse) -> None:
    """The third is no day in stock: the day after the second is the fourth. B and D's balance are still to come."""
    found = read(warehouse, 4)
    assert found["demand"] == [("W1", "P", 1, 2.0), ("W2", "Q", 1, 3.0)]
    assert found["history"] == [("W1", "P", "shipped", 3), ("W2", "Q", "shipped", 4)]
    assert found["lead_times"] == [("W1", 4.0, 0.0, 1)]
    assert found["known"] == [("P", 9)]


def test_as_of_the_sixth(warehouse: Warehouse) -> None:
    """B left on the fifth, the fourth day in stock; D is paid and no deposit any more."""
    found = read(warehouse, 6)
    assert ("W1", "P", 3, 7.0) in found["demand"]
    assert found["known"] == [("P", 4)]


def test_a_shop_without_shipments(tmp_path: Path) -> None:
    """Orders are shared by what lies where: all of P lies in W1, nothing of the pre-sales counts."""
    file = Warehouse(tmp_path / "w.duckdb")
    with file.transaction("test") as connection:
        connection.execute(TABLES)
        connection.execute("DELETE FROM marts.fct_shipment")
    found = read(file, 4)
    assert found["demand"] == [("W1", "P", 0, 9.0), ("W2", "Q", 0, 3.0)]
    assert found["history"][0][2] == "shared"


def test_what_lies_nowhere_is_shared_by_nobody(tmp_path: Path) -> None:
    """No shipments, and Q is on no shelf: nothing divided by nothing is no demand."""
    file = Warehouse(tmp_path / "w.duckdb")
    with file.transaction("test") as connection:
        connection.execute(f"{TABLES}; DELETE FROM marts.fct_shipment;")
        connection.execute("UPDATE marts.fct_inventory SET available = 0 WHERE product_id = 'Q'")
    assert {row[1] for row in read(file, 6)["demand"]} == {"P"}
