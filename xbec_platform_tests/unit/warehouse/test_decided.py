"""What was decided stands while nothing it rests on has changed, and never longer."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.dbt_builds import Build, forget, note
from xbec_platform.warehouse.dbt_builds import begin as dbt_begins
from xbec_platform.warehouse.decided import Decision, begin, decisions_version, end, facts_version, known

DAYS = tuple(date(2026, 1, day) for day in range(1, 6))
PLAN = Decision("plan", (DAYS[2],), "code 1, facts 1", "run-1", ("ml.plan",))
LISTS = replace(PLAN, step="lists", tables=("ml.lists",))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with Warehouse(tmp_path / "w.duckdb").connect("test") as connection:
        connection.execute("CREATE SCHEMA ops; CREATE SCHEMA ml")
        for table in ("ml.plan", "ml.lists"):
            connection.execute(f"CREATE TABLE {table} (as_of_date DATE, n INT)")
            for day in DAYS:
                connection.execute(f"INSERT INTO {table} VALUES (?, 1), (?, 2)", [day, day])
        yield connection


def decide(connection: duckdb.DuckDBPyConnection, *decisions: Decision) -> None:
    for one in decisions:
        begin(connection, one)
        end(connection, one)


def test_a_decision_stands_for_its_step_days_and_what_it_was_made_from(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """A home of an older version has no notes; a day of three that were decided together stands by itself."""
    assert known(connection, PLAN) is None
    decide(connection, replace(PLAN, days=DAYS[1:4]))
    found = known(connection, replace(PLAN, run_id="run-2"))
    assert found is not None
    assert (found.made_by, found.row_counts) == ("run-1", {"ml.plan": 2})
    for other in (
        replace(PLAN, step="lists"),
        replace(PLAN, days=DAYS[1:5]),
        replace(PLAN, made_from="code 2, facts 1"),
        replace(PLAN, made_from=None),
        replace(PLAN, tables=("ml.plan", "ml.new")),
    ):
        assert known(connection, other) is None


def test_rows_that_went_missing_are_decided_again(connection: duckdb.DuckDBPyConnection) -> None:
    """Somebody deleted a row by hand."""
    decide(connection, PLAN)
    connection.execute("DELETE FROM ml.plan WHERE as_of_date = ? AND n = 1", [DAYS[2]])
    assert known(connection, PLAN) is None


def test_deciding_anew_tears_up_that_day_and_later_ones(connection: duckdb.DuckDBPyConnection) -> None:
    """Later days may rest on earlier ones; earlier days never rest on later ones."""
    for day in DAYS[1:4]:
        decide(connection, replace(LISTS, days=(day,)))
    begin(connection, replace(PLAN, run_id="run-2"))
    stand = [known(connection, replace(LISTS, days=(day,))) is not None for day in DAYS[1:4]]
    assert stand == [True, False, False]


def test_what_the_same_run_made_or_found_good_stands(connection: duckdb.DuckDBPyConnection) -> None:
    """Steps run after what they rest on: the lists, looked at before the plan, do not rest on it."""
    decide(connection, LISTS)
    assert known(connection, replace(LISTS, run_id="run-2")) is not None
    decide(connection, replace(PLAN, run_id="run-2"))
    assert known(connection, replace(LISTS, run_id="run-3")) is not None
    assert known(connection, replace(PLAN, run_id="run-3")) is not None


def test_a_killed_run_has_decided_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    """What stood before is gone, for its tables may have changed."""
    decide(connection, PLAN)
    begin(connection, replace(PLAN, run_id="run-2"))
    assert known(connection, replace(PLAN, run_id="run-3")) is None


def test_a_run_that_was_overtaken_notes_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    """While it decided, another one decided an earlier day, on which it may rest."""
    begin(connection, PLAN)
    decide(connection, replace(LISTS, days=(DAYS[0],), run_id="run-2"))
    end(connection, PLAN)
    assert known(connection, PLAN) is None


def test_facts_are_known_by_dbts_last_note(connection: duckdb.DuckDBPyConnection) -> None:
    """None before there is one, while dbt builds, and once a raw row has moved."""
    assert facts_version(connection) is None
    first = Build("models", "EUR:abc", run_id="run-1")
    dbt_begins(connection, replace(first, run_id="run-0"))
    assert facts_version(connection) is None
    forget(connection)
    note(connection, first, {})
    version = facts_version(connection)
    assert version is not None
    note(connection, replace(first, run_id="run-2"), {})
    assert facts_version(connection) not in {None, version}
    forget(connection)
    assert facts_version(connection) is None


def test_what_is_published_is_known_by_facts_and_all_decisions(connection: duckdb.DuckDBPyConnection) -> None:
    """Another decision or build is another version; unknown while facts moved or a step is under way."""
    dbt_begins(connection, Build("models", "EUR", run_id="run-1"))
    assert decisions_version(connection) is None
    note(connection, Build("models", "EUR", run_id="run-1"), {})
    connection.execute("DELETE FROM ops.dbt_builds WHERE number IS NULL")
    decide(connection, PLAN, LISTS)
    first = decisions_version(connection)
    assert first is not None
    assert known(connection, replace(PLAN, run_id="run-2")) is not None
    assert decisions_version(connection) == first
    begin(connection, replace(PLAN, run_id="run-3"))
    assert decisions_version(connection) is None
    end(connection, replace(PLAN, run_id="run-3"))
    assert decisions_version(connection) not in {None, first}
    forget(connection)
    assert decisions_version(connection) is None
