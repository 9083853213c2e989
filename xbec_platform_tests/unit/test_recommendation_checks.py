"""Checks of recommendations: a list is judged by what its day knew."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from xbec_platform.checks.recommendations import RECOMMENDATION_CHECKS
from xbec_platform.ingest.store import create_tables
from xbec_platform.warehouse.database import Warehouse

DAY = date(2026, 3, 2)
CHECK = next(check for check in RECOMMENDATION_CHECKS if check.name == "nothing_bought_before")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """C1 and C2 are shown P1 as of 2 March, C1 agreed on 1 March, C2 on 3 March; both bought P2."""
    with Warehouse(tmp_path / "w.duckdb").connect("test") as found:
        create_tables(found)
        found.execute("CREATE SCHEMA IF NOT EXISTS ml")
        found.execute("CREATE SCHEMA IF NOT EXISTS marts")
        found.execute(
            "CREATE TABLE ml.recs_discover AS SELECT DATE '2026-03-02' AS as_of_date, customer_id, 'P1' AS product_id "
            "FROM (VALUES ('C1'), ('C2')) AS t(customer_id)"
        )
        found.execute(
            "CREATE TABLE marts.fct_order_line "
            "(customer_id VARCHAR, product_id VARCHAR, order_date DATE, is_product BOOLEAN, qty INTEGER)"
        )
        for customer, agreed in (("C1", "2026-03-01"), ("C2", "2026-03-03")):
            buy(found, customer, "P2", "2026-02-01")
            found.execute(
                "INSERT INTO raw.customers (customer_id, updated_ts, consent_profiling, _drop_date) VALUES "
                f"('{customer}', TIMESTAMP '2026-01-01', false, DATE '2026-01-01'), "
                f"('{customer}', TIMESTAMP '{agreed}', true, DATE '{agreed}')"
            )
        yield found


def buy(
    connection: duckdb.DuckDBPyConnection,
    customer: str,
    product: str,
    day: str,
    *,
    qty: int = 1,
    goods: bool = True,
) -> None:
    connection.execute(
        "INSERT INTO marts.fct_order_line VALUES (?, ?, ?, ?, ?)", [customer, product, day, goods, qty]
    )


def passes(connection: duckdb.DuckDBPyConnection, days: tuple[date, date] = (DAY, DAY)) -> bool:
    return bool(CHECK.result(connection, days).passed)


def test_a_bought_product_in_a_profiled_list_is_a_fault(connection: duckdb.DuckDBPyConnection) -> None:
    """What the model knew, and showed nevertheless."""
    assert passes(connection)
    buy(connection, "C1", "P1", "2026-03-02")
    assert not passes(connection)


def test_other_days_are_not_judged_again(connection: duckdb.DuckDBPyConnection) -> None:
    """An order that came late changes the facts of its day; lists of days that are over are not made again for it."""
    buy(connection, "C1", "P1", "2026-03-02")
    assert passes(connection, (date(2026, 3, 3), date(2026, 3, 4)))


@pytest.mark.parametrize(
    ("customer", "day", "qty", "goods"),
    [
        ("C2", "2026-02-01", 1, True),  # agreed the day after: nobody's profile yet
        ("C1", "2026-03-03", 1, True),  # bought the day after
        ("C1", "2025-01-01", 1, True),  # beyond the memory of 400 days
        ("C1", "2026-02-01", 0, True),  # a correction, no purchase
        ("C1", "2026-02-01", 1, False),  # postage
    ],
)
def test_what_the_day_did_not_know_is_no_fault(
    connection: duckdb.DuckDBPyConnection, customer: str, day: str, qty: int, goods: bool
) -> None:
    """The check counts what the lists were made from, nothing else."""
    buy(connection, customer, "P1", day, qty=qty, goods=goods)
    assert passes(connection)
