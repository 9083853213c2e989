"""Arguments and windows of dbt runs; the project's own unit tests."""

import os
import subprocess
from datetime import date
from pathlib import Path

import pytest

from xbec_platform.assets.dbt_cli import PROJECT_DIR, dbt_executable, dbt_variables
from xbec_platform.assets.dbt_models import Rebuild, rebuild_window, window_variables
from xbec_platform.assets.dbt_results import MAKE_ANEW, advice

JAN = [date(2026, 1, day) for day in range(1, 32)]


def test_window_is_passed() -> None:
    """Half-open window, first day to judge, day until which everything has come."""
    assert window_variables(Rebuild(JAN[0], JAN[5], JAN[2])) == {
        "min_date": "2026-01-01",
        "max_date": "2026-01-06",
        "checked_from": "2026-01-03",
        "known_until": "2026-01-06",
    }


def test_variables_are_given_to_the_call_only() -> None:
    """They leave no trace: another home of the same process must not inherit a window."""
    with dbt_variables({"min_date": "2026-01-01"}):
        assert os.environ["XBEC_VAR_MIN_DATE"] == "2026-01-01"
    assert "XBEC_VAR_MIN_DATE" not in os.environ


def test_tables_of_an_older_version_are_named_with_the_way_out() -> None:
    """As dbt 1.11 says it of a home whose table lacks a column of its model."""
    said = """
    Failure in model fct_order (models/marts/core/fct_order.sql)
      Compilation Error in model fct_order (models/marts/core/fct_order.sql)

                The source and target schemas on this incremental model are out of sync!
                They can be reconciled in several ways:
    """
    assert advice(said).startswith("; fct_order was made by another version")
    assert MAKE_ANEW in advice(said)
    assert advice(said.replace("out of sync", "well")) == ""


@pytest.mark.parametrize(
    ("pending", "built", "start", "end"),
    [
        # Nothing changed: the run's own day, whatever has been built.
        ([], JAN[20], JAN[9], JAN[10]),
        # The day's own rows.
        ([JAN[9]], JAN[8], JAN[9], JAN[10]),
        # A late row moves its own day and every later as-of day up to the last one built.
        ([JAN[3], JAN[9]], JAN[20], JAN[3], JAN[21]),
        # Rows of a later day whose run died are built along.
        ([JAN[9], JAN[15]], None, JAN[9], JAN[16]),
    ],
)
def test_rebuild_window(pending: list[date], built: date | None, start: date, end: date) -> None:
    """What must be built again so that the order of runs does not show."""
    window = rebuild_window((JAN[9], JAN[10]), pending, built, days_back=7)
    assert window == Rebuild(start, end, JAN[9])


def test_rebuild_is_bounded() -> None:
    """One row from last year must not make a daily run rebuild a year: its day waits in the ledger."""
    late, near = JAN[2], JAN[20]
    assert rebuild_window((JAN[24], JAN[25]), [late, near], JAN[23], days_back=7) == Rebuild(
        near, JAN[25], JAN[24]
    )
    assert rebuild_window((JAN[24], JAN[25]), [late], JAN[23], days_back=7) == Rebuild(
        JAN[24], JAN[25], JAN[24]
    )


def test_dbt_unit_tests_pass(tmp_path: Path) -> None:
    """The SQL's own tests with hand-made rows: matching of returns, ties of RFM, gaps of rates, edges of windows."""
    from xbec_platform.ingest.store import create_tables
    from xbec_platform.warehouse.database import Warehouse

    with Warehouse(tmp_path / "w.duckdb").transaction("test") as connection:
        create_tables(connection)
    common = [
        "--project-dir",
        str(PROJECT_DIR),
        "--profiles-dir",
        str(PROJECT_DIR),
        "--quiet",
        "--no-write-json",
    ]
    places = ["--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")]
    environment = {
        "XBEC_WAREHOUSE_PATH": str(tmp_path / "w.duckdb"),
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
    }
    for command in (
        ["build", "--empty", "--exclude-resource-type", "unit_test", "test"],
        ["test", "--select", "test_type:unit"],
    ):
        done = subprocess.run(
            [dbt_executable(), *command, *common, *places],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:]
