"""What dbt has built: known while neither raw rows nor tables were touched, and never longer."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.dbt_builds import Build, Check, begin, end, forget, known, note

COUNTS = {"marts.fct_order": 7}
WEEK = Build(
    "facts",
    "EUR:abc",
    date(2026, 1, 1),
    date(2026, 1, 8),
    "run-1",
    (Check("marts/fct_order", "unique", passed=True, is_warning=False),),
)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with Warehouse(tmp_path / "w.duckdb").connect("test") as connection:
        connection.execute("CREATE SCHEMA ops")
        yield connection


def built(connection: duckdb.DuckDBPyConnection, build: Build = WEEK) -> None:
    begin(connection, build)
    assert end(connection, build)
    note(connection, build, COUNTS)


def test_nothing_is_known_before_the_first_build(connection: duckdb.DuckDBPyConnection) -> None:
    """A home of an older version has no notes, and none to tear up."""
    forget(connection)
    assert known(connection, WEEK, COUNTS) is None


def test_same_days_or_fewer_are_known_with_their_run_and_checks(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """A day of a week that was built whole needs no dbt."""
    built(connection)
    day = replace(WEEK, start=date(2026, 1, 7), run_id="run-2", checks=())
    assert known(connection, day, COUNTS) == replace(day, run_id="run-1", checks=WEEK.checks)


@pytest.mark.parametrize(
    ("other", "counts"),
    [
        (replace(WEEK, end=date(2026, 1, 9)), COUNTS),
        (replace(WEEK, code_hash="USD:abc"), COUNTS),
        (replace(WEEK, selection="static"), COUNTS),
        (WEEK, {"marts.fct_order": 6}),
        (WEEK, {}),
    ],
)
def test_other_days_models_or_rows_are_not_known(
    connection: duckdb.DuckDBPyConnection, other: Build, counts: dict[str, int]
) -> None:
    """A day more, another model or currency, rows or tables that somebody deleted by hand."""
    built(connection)
    assert known(connection, other, counts) is None


def test_raw_rows_that_move_make_it_unknown(connection: duckdb.DuckDBPyConnection) -> None:
    """Before dbt or after it: whoever moves rows tears up notes and marks alike."""
    built(connection)
    forget(connection)
    assert known(connection, WEEK, COUNTS) is None


def test_raw_rows_that_move_while_dbt_runs(connection: duckdb.DuckDBPyConnection) -> None:
    """Nobody knows whether dbt saw them: nothing is noted, and the caller leaves the ledger of late days alone."""
    begin(connection, WEEK)
    forget(connection)
    assert not end(connection, WEEK)
    assert known(connection, WEEK, COUNTS) is None


def test_killed_build_is_not_known(connection: duckdb.DuckDBPyConnection) -> None:
    """The first build's note is torn up when the second begins, which then dies; others stay."""
    static = replace(WEEK, selection="static")
    built(connection, static)
    built(connection)
    begin(connection, replace(WEEK, run_id="run-2"))
    assert known(connection, WEEK, COUNTS) is None
    assert known(connection, static, COUNTS) == static
