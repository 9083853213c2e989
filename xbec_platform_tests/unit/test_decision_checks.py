"""Checks that hold decisions against facts judge the days of the run: a late order does not stop the days after it."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from xbec_platform.checks.landed_cost import LANDED_COST_CHECKS
from xbec_platform.checks.models import LIFETIME_CHECKS, LOGISTICS_CHECKS
from xbec_platform.checks.target_groups import TARGET_CHECKS
from xbec_platform.warehouse.database import Warehouse

BEFORE, TODAY = date(2026, 3, 1), date(2026, 3, 2)
CHECKS = {
    check.name: check for check in (*LIFETIME_CHECKS, *LOGISTICS_CHECKS, *LANDED_COST_CHECKS, *TARGET_CHECKS)
}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Order O2 of customer B came a day late: the facts of the day before know it, its decisions do not."""
    with Warehouse(tmp_path / "w.duckdb").connect("test") as found:
        found.execute(
            f"""
            CREATE SCHEMA marts; CREATE SCHEMA ml;
            CREATE TABLE marts.mart_user_database AS FROM (VALUES
                (DATE '{BEFORE}', 'A'), (DATE '{BEFORE}', 'B'), (DATE '{TODAY}', 'A'), (DATE '{TODAY}', 'B')
            ) AS t (as_of_date, customer_id);
            CREATE TABLE ml.clv AS FROM (VALUES
                (DATE '{BEFORE}', 'A', 1.0), (DATE '{TODAY}', 'A', 1.0), (DATE '{TODAY}', 'B', 1.0)
            ) AS t (as_of_date, customer_id, clv_12m_base);
            CREATE TABLE marts.fct_order AS FROM (VALUES
                (DATE '{BEFORE}', 'O1', 'paid'), (DATE '{BEFORE}', 'O2', 'paid'), (DATE '{TODAY}', 'O3', 'paid')
            ) AS t (order_date, order_id, status);
            CREATE TABLE ml.landed_cost AS FROM (VALUES (DATE '{BEFORE}', 'O1'), (DATE '{TODAY}', 'O3'))
                AS t (as_of_date, order_id);
            CREATE TABLE marts.fct_order_line AS
                SELECT *, 1 AS line_no, 2 AS qty, true AS is_product FROM marts.fct_order;
            CREATE TABLE ml.warehouse_assignment AS SELECT *, 1 AS line_no, 2 AS qty FROM ml.landed_cost;
            CREATE TABLE ml.assignment_unserved AS FROM ml.warehouse_assignment LIMIT 0;
            CREATE TABLE ml.assignment_summary AS SELECT DISTINCT as_of_date FROM ml.landed_cost;
            """
        )
        yield found


@pytest.mark.parametrize("name", ["every_customer_is_scored", "pieces_conserved", "every_order_has_a_row"])
def test_a_late_order_concerns_its_own_day(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """The run of today passes; one that decides the day before again, and forgets the order, does not."""
    assert CHECKS[name].result(connection, (TODAY, TODAY)).passed
    assert not CHECKS[name].result(connection, (BEFORE, BEFORE)).passed
    assert not CHECKS[name].result(connection, (BEFORE, TODAY)).passed


def test_groups_that_target_groups_lost_are_named(connection: duckdb.DuckDBPyConnection) -> None:
    """Of 28 days before, 1 and 2 March are built; on 28 February nobody had ordered, 3 March has no segments."""
    connection.execute(
        f"""
        CREATE SCHEMA intermediate;
        CREATE TABLE intermediate.int_customer_days AS FROM (VALUES
            (DATE '2026-02-20', 'A', 0), (DATE '{BEFORE}', 'A', 1)
        ) AS t (event_date, customer_id, n_orders);
        CREATE TABLE marts.mart_rfm AS SELECT as_of_date, customer_id FROM marts.mart_user_database;
        INSERT INTO marts.mart_user_database VALUES (DATE '2026-03-03', 'A');
        """
    )
    found = CHECKS["groups_at_the_start_are_known"].result(connection, (date(2026, 3, 28), date(2026, 4, 1)))
    assert not found.passed
    assert "2026-03-31" in str(found.metadata)
    assert "2026-03-30" not in str(found.metadata)
    assert (
        CHECKS["groups_at_the_start_are_known"]
        .result(connection, (date(2026, 3, 28), date(2026, 3, 30)))
        .passed
    )
