"""GA4's own numbers from GA4's own export: sessions and engaged time, whatever order the days are built in."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from xbec_platform.assets.dbt_cli import PROJECT_DIR, dbt_executable
from xbec_platform.ingest.intake import run_intake
from xbec_platform.warehouse.database import Warehouse

DAYS = ("2020-11-05", "2020-11-06", "2020-11-07", "2020-11-08")
COLUMNS = "feed, session_id, session_date, start_ts, end_ts, n_events, n_pages, n_purchases, engaged_s"


def build_sessions(home: Path, window: Mapping[str, str] | None = None) -> None:
    """`dbt run` of the models of sessions over a window, or over all time."""
    folder = str(home / "dbt")
    places = ["--project-dir", str(PROJECT_DIR), "--profiles-dir", str(PROJECT_DIR), "--target-path", folder]
    models = [
        "--select",
        "int_event_versions",
        "stg_events",
        "int_session_days",
        "fct_session",
        "--quiet",
        "--no-write-json",
        "--log-path",
        folder,
    ]
    done = subprocess.run(
        [dbt_executable(), "run", *models, *places],
        env={
            "XBEC_WAREHOUSE_PATH": str(home / "w.duckdb"),
            "PATH": "/usr/bin:/bin",
            "HOME": folder,
            **(window or {}),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]


def window(first: str, end: str) -> dict[str, str]:
    return {"XBEC_VAR_MIN_DATE": first, "XBEC_VAR_MAX_DATE": end}


@pytest.fixture(scope="module")
def native(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A home with the four native days, and the folder they come from."""
    home, source = tmp_path_factory.mktemp("ga4"), shared_data / "ga4" / "native"
    for day in DAYS:
        folder = home / "landing" / "ga4" / f"dt={day}"
        folder.mkdir(parents=True)
        name = f"events_{day.replace('-', '')}.parquet"
        shutil.copyfile(source / name, folder / name)
    report = run_intake(Warehouse(home / "w.duckdb"), home / "landing")
    assert [(one.rows_in, one.rows_loaded) for one in report.accounts] == [
        (n, n) for n in (51952, 49004, 34309, 30137)
    ]
    build_sessions(home)
    return home, source


def test_sessions_are_exact_and_engaged_time_is_that_of_ga4(native: tuple[Path, Path]) -> None:
    """GA4 counts user_pseudo_id with ga_session_id and sums engagement_time_msec; here straight from its files."""
    home, source = native
    stated = """
        WITH picked AS (
            SELECT user_pseudo_id,
                list_filter(event_params, p -> p.key = 'ga_session_id')[1].value.int_value AS session_no,
                list_filter(event_params, p -> p.key = 'engagement_time_msec')[1].value.int_value AS ms
            FROM read_parquet(?)
        )
        SELECT count(DISTINCT (user_pseudo_id, session_no)), sum(ms), count(*) FROM picked
    """
    sessions, engaged_ms, events = duckdb.execute(stated, [str(source / "*.parquet")]).fetchone() or ()
    with Warehouse(home / "w.duckdb").connect("test") as connection:
        counted = connection.execute(
            "SELECT count(*), sum(engaged_s) * 1000, sum(n_events) FROM marts.fct_session"
        )
        assert counted.fetchone() == (sessions, engaged_ms, events) == (11600, 1007752625, 165402)


def test_days_built_in_any_order_give_the_same_sessions(native: tuple[Path, Path]) -> None:
    """Sessions over midnight are found from both sides; a withdrawn day shortens or removes its sessions."""
    home, _ = native
    warehouse = Warehouse(home / "w.duckdb")
    whole = _sessions(warehouse)
    _drop(warehouse, "marts.fct_session", "intermediate.int_session_days")
    for first, end in ((DAYS[2], "2020-11-09"), (DAYS[0], DAYS[2])):
        build_sessions(home, window(first, end))
    assert _sessions(warehouse) == whole
    with warehouse.transaction("test") as connection:
        connection.execute("DELETE FROM raw.events WHERE ts::DATE = '2020-11-06'")
    build_sessions(home, window(DAYS[1], DAYS[2]))
    without_a_day = _sessions(warehouse)
    assert without_a_day != whole
    _drop(warehouse, "marts.fct_session", "intermediate.int_session_days")
    build_sessions(home)
    assert _sessions(warehouse) == without_a_day


def _drop(warehouse: Warehouse, *tables: str) -> None:
    with warehouse.transaction("test") as connection:
        for table in tables:
            connection.execute(f"DROP TABLE {table}")


def _sessions(warehouse: Warehouse) -> list[tuple[object, ...]]:
    with warehouse.connect("test") as connection:
        return connection.execute(f"SELECT {COLUMNS} FROM marts.fct_session ORDER BY ALL").fetchall()
