"""Readers of the doctor on real homes with planted faults: they find them, wait for nobody and write nothing."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest
import typer
from packaging.version import Version
from typer.testing import CliRunner

from xbec_platform.automation.jobs import DECISIONS
from xbec_platform.commands.doctor import doctor
from xbec_platform.ingest.intake import run_intake
from xbec_platform.instance import open_instance
from xbec_platform.operations.backfill_plan import PlannedRun
from xbec_platform.operations.backfill_run import DagsterRunner
from xbec_platform.operations.doctor import facts as words
from xbec_platform.operations.doctor import files_reader
from xbec_platform.operations.doctor.dagster_reader import dagster
from xbec_platform.operations.doctor.facts import WarehouseFacts
from xbec_platform.operations.doctor.gather import gather
from xbec_platform.operations.doctor.warehouse_reader import warehouse, writer
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.lock import turn
from xbec_platform.warehouse.queue import tickets
from xbec_platform_tests.unit.operations.tiny_shop import FIRST, definitions, shop

HEAD = "rate_date,currency,rate_to_base,source\n"
NOW = datetime(2026, 3, 1)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """Two files loaded: a good one with a bad row, and one that was rejected whole."""
    settings = shop(tmp_path / "home")
    settings.save()
    land(settings, "fx_rates/dt=2026-01-02/a.csv", f"{HEAD}2026-01-02,USD,1.1,ecb\nnever,USD,1.1,ecb\n")
    land(settings, "fx_rates/dt=2026-01-03/broken.csv", "no,such,columns\n1,2,3\n")
    run_intake(Warehouse.of(settings), settings.landing)
    return settings


def land(settings: Settings, name: str, text: str = "x") -> Path:
    path = settings.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def digest(settings: Settings) -> dict[str, str]:
    """Every file of the home by its content."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(settings.home.rglob("*"))
        if path.is_file()
    }


def look(settings: Settings) -> WarehouseFacts:
    return warehouse(settings, wait_s=0.2)


def test_tables_tell_rejects_quarantine_and_waiting_days(home: Settings) -> None:
    """One of two records of the good file is bad; its day has no facts yet."""
    found = look(home)
    assert found.obstacle == ""
    ((day, path, cause),) = found.rejected
    assert (day, path) == (date(2026, 1, 3), "fx_rates/dt=2026-01-03/broken.csv")
    assert "required columns are missing" in cause
    assert found.quarantine_shares == {"fx_rates": 0.5}
    assert found.waiting == (date(2026, 1, 2),)
    assert (found.open_requests, found.oldest_request) == (0, None)


def test_open_requests_are_counted_until_they_are_answered(home: Settings) -> None:
    """A request that landed twice is one; one in the erasure log is answered."""
    from xbec_platform.erasure.log import write_log

    asked = "request_id,customer_id,requested_ts\n"
    land(home, "deletion_requests/dt=2026-01-04/a.csv", f"{asked}D1,C1,2026-01-04T08:00:00Z\n")
    land(home, "deletion_requests/dt=2026-01-05/b.csv", f"{asked}D2,C2,2026-01-05T08:00:00Z\n")
    run_intake(Warehouse.of(home), home.landing)
    found = look(home)
    assert (found.open_requests, found.oldest_request) == (2, datetime(2026, 1, 4, 8))
    with Warehouse.of(home).transaction("test") as connection:
        write_log(connection, ["D1"], "hash", {"raw.orders": 1}, NOW)
    found = look(home)
    assert (found.open_requests, found.oldest_request) == (1, datetime(2026, 1, 5, 8))


def test_file_of_a_newer_duckdb(home: Settings) -> None:
    """The header names the version, so that the answer is not 'damaged'."""
    assert writer(home.warehouse) == Version(duckdb.__version__)
    content = bytearray(home.warehouse.read_bytes())
    content[12:20] = (999).to_bytes(8, "little")
    content[52:60] = b"v9.9.9\0\0"
    home.warehouse.write_bytes(content)
    found = look(home)
    assert found.obstacle == words.NEWER
    assert found.detail == f"DuckDB 9.9.9 wrote it, here is {duckdb.__version__}."


@pytest.mark.parametrize("how", ["no database", "cut off", "empty", "bad block"])
def test_file_that_cannot_be_read(home: Settings, how: str) -> None:
    """Whatever happened to the disk, the doctor still speaks."""
    content = home.warehouse.read_bytes()
    broken = {
        "no database": b"PK" + content[2:],
        "cut off": content[:5000],
        "empty": b"",
        "bad block": content[:4096] + bytes(900) + content[4996:],
    }
    if how == "no database":
        broken[how] = b"\0" * 4096
    home.warehouse.write_bytes(broken[how])
    assert look(home).obstacle == words.DAMAGED


def test_tables_of_an_older_version(home: Settings) -> None:
    """A home that was not run since the platform was renewed lacks columns until its next run."""
    with Warehouse.of(home).connect("test") as connection:
        connection.execute("ALTER TABLE ops.file_manifest DROP COLUMN error")
    assert look(home).obstacle == words.OLDER


def test_busy_file_is_left_alone(home: Settings) -> None:
    """Nobody waits for the doctor and the doctor waits for nobody: who has it is said instead."""
    with turn(home.warehouse, purpose="a long run", wait_s=1):
        found = look(home)
        (ticket,) = tickets(home.warehouse)
    assert found.obstacle == words.BUSY
    assert "a long run" in found.detail
    assert (ticket.process, ticket.purpose, ticket.is_alive) == (os.getpid(), "a long run", True)
    assert 0 <= ticket.since_s < 60
    assert tickets(home.warehouse) == ()


def test_program_that_does_not_queue(home: Settings) -> None:
    """Somebody opened the live file in a shell; the queue knows nothing of it, DuckDB does."""
    code = f"import duckdb, sys; c = duckdb.connect({str(home.warehouse)!r}); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        found = look(home)
        other.communicate(b"")
    assert found.obstacle == words.OPEN_OUTSIDE
    assert f"PID {other.pid}" in found.detail


def test_ticket_of_a_dead_process(home: Settings) -> None:
    """The kernel drops the lock of whoever is killed: the ticket lies there and nobody holds it."""
    code = (
        "import os, signal; from pathlib import Path; from xbec_platform.warehouse.lock import turn\n"
        f"with turn(Path({str(home.warehouse)!r}), purpose='doomed', wait_s=9): os.kill(os.getpid(), signal.SIGKILL)"
    )
    dead = subprocess.run([sys.executable, "-c", code], check=False)
    assert dead.returncode == -9
    (ticket,) = tickets(home.warehouse)
    assert (ticket.purpose, ticket.is_alive) == ("doomed", False)


def test_landing_folder(home: Settings) -> None:
    """Links, stray files, broken deliveries and misspelt folders; markers and complete files are no faults."""
    target = land(home, "fx_rates/dt=2026-01-04/good.csv")
    (target.parent / "link.csv").symlink_to(target)
    land(home, "stray.csv")
    land(home, "fx_rates/notes/readme.txt")
    land(home, "fx_rates/dt=2026-01-04/.b.csv.part")
    land(home, "fx_rates/dt=2026-01-04/_SUCCESS")
    land(home, "fx_ratse/dt=2026-01-05/c.csv")
    found = files_reader.landing(home, target.stat().st_mtime + 5000)
    assert [path for path, _ in found.misplaced] == [
        "fx_rates/dt=2026-01-04/link.csv",
        "fx_rates/notes",
        "stray.csv",
    ]
    ((path, idle_s),) = found.unfinished
    assert path == "fx_rates/dt=2026-01-04/.b.csv.part"
    assert idle_s == pytest.approx(5000, abs=60)
    assert found.unknown_feeds == ("fx_ratse",)
    assert found.days == {date(2026, 1, day): 1 for day in (2, 3, 4, 5)}
    (home.home / "reading.yml").write_text("orders: {encodings: utf8}")
    assert "orders: unknown keys" in files_reader.landing(home, 0).problem


@pytest.mark.parametrize("has_checkout", [True, False])
def test_packages_and_pins(has_checkout: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pins of the checkout, or those of the installation; tools for developers are nobody's fault."""
    if not has_checkout:
        monkeypatch.setattr(files_reader, "PYPROJECT", Path("/no/such/file"))
    found = files_reader.environment()
    pins = {one.name: one for one in found.packages}
    assert pins["duckdb"].installed == duckdb.__version__
    assert "==" in pins["duckdb"].wanted
    assert "pytest" not in pins
    assert ">=3.11" in found.python_wanted


def test_sizes(home: Settings) -> None:
    """A log beside the warehouse is the work of a writer that was killed, and part of the database."""
    size = home.warehouse.stat().st_size
    home.warehouse.with_name("warehouse.duckdb.wal").write_bytes(b"x" * 10)
    home.dagster_home.mkdir()
    (home.dagster_home / "index.db").write_bytes(b"y" * 7)
    found = files_reader.disk(home)
    assert (found.database_bytes, found.log_bytes, found.dagster_bytes) == (size + 10, 10, 7)
    assert found.exists
    assert found.free_bytes > 0
    assert not files_reader.disk(shop(home.home / "no" / "such")).exists


@pytest.fixture
def ran(home: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Settings, dg.DagsterInstance]]:
    """Two days decided of twelve, a third failed; the tiny assets in place of the platform's."""
    monkeypatch.setattr("xbec_platform.definitions.build_definitions", definitions)
    instance = open_instance(home)
    keys = ("ml/cluster_model", "ml/cluster_profile")
    broken = definitions(home, broken_on=FIRST + timedelta(days=2))
    days = [FIRST + timedelta(days=n) for n in range(3)]
    runner = DagsterRunner(definitions(home), instance)
    assert runner.run(PlannedRun(DECISIONS, days[0], days[1], keys)).succeeded
    assert not DagsterRunner(broken, instance).run(PlannedRun(DECISIONS, days[2], days[2], keys)).succeeded
    yield home, instance
    instance.dispose()


def test_dagster_records(ran: tuple[Settings, dg.DagsterInstance]) -> None:
    """Unfinished days of real runs, an unfinished run, the daemon's sign of life and the switched-on sensor."""
    from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, InstigatorType
    from dagster._daemon.types import DaemonHeartbeat

    settings, instance = ran
    now = datetime.now(UTC).replace(tzinfo=None)
    found = dagster(settings, now)
    counts = (
        dict(found.unfinished.group_by("status").len().iter_rows()) if found.unfinished is not None else {}
    )
    # Three assets of twelve days: two decided days of two assets are there, one failed.
    assert counts == {"failed": 2, "missing": 36 - 4 - 2}
    assert found.decisions == {"ml/cluster_model", "ml/cluster_profile"}
    assert (found.switched_on, found.heartbeat_age_s, found.open_runs) == ((), None, ())
    assert found.tables_built_ts is not None
    assert abs((now - found.tables_built_ts).total_seconds()) < 120

    stamp = now.replace(tzinfo=UTC).timestamp() - 90
    instance.add_daemon_heartbeat(DaemonHeartbeat(stamp, "SENSOR", "1", errors=[]))
    origin = _origin("landing_files")
    state = InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING)
    instance.add_instigator_state(state)
    instance.add_run(dg.DagsterRun(job_name="daily", status=dg.DagsterRunStatus.STARTED))
    found = dagster(settings, now)
    assert found.switched_on == ("landing_files",)
    assert found.heartbeat_age_s == pytest.approx(90, abs=1)
    assert [(one.job, one.is_alive) for one in found.open_runs] == [("daily", True)]


def _origin(name: str) -> object:
    """Where Dagster says a sensor comes from."""
    from dagster._core.remote_origin import (
        InProcessCodeLocationOrigin,
        RemoteInstigatorOrigin,
        RemoteRepositoryOrigin,
    )
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    location = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="xbec_platform.definitions"))
    return RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name)


def test_definitions_that_do_not_load_are_a_finding(
    ran: tuple[Settings, dg.DagsterInstance], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slip in a dbt model must not end the doctor with a stack of calls."""

    def broken(_: Settings) -> dg.Definitions:
        raise RuntimeError("dbt parse failed:\nmodel x")

    monkeypatch.setattr("xbec_platform.definitions.build_definitions", broken)
    assert dagster(ran[0], NOW).problem == "RuntimeError: dbt parse failed:"


def test_doctor_writes_nothing_and_needs_no_settings(
    ran: tuple[Settings, dg.DagsterInstance], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is typed when something is wrong already; a broken home.yml is told like any other fault."""
    settings, instance = ran
    instance.dispose()
    before = digest(settings)
    facts = gather(NOW, settings=settings, wait_s=1)
    assert digest(settings) == before
    assert facts.dagster.unfinished is not None
    assert facts.warehouse.rejected
    (settings.home / "home.yml").write_text("shop: [unclosed")
    monkeypatch.setenv("XBEC_HOME", str(settings.home))
    broken = gather(NOW)
    assert broken.settings is None
    assert "expected ',' or ']'" in broken.settings_problem


def call(settings: Settings, *given: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(doctor)
    done = CliRunner(env={"COLUMNS": "200", "XBEC_HOME": str(settings.home)}).invoke(app, list(given))
    return done.exit_code, done.output


def test_command_on_a_missing_home_and_on_a_sick_one(home: Settings) -> None:
    """Exit code 1 when something is wrong, worst first, with the next command; a missing home stays missing."""
    missing = shop(home.home / "elsewhere")
    code, output = call(missing)
    assert code == 1
    assert "does not exist yet" in output
    assert not missing.home.exists()
    code, output = call(home)
    assert code == 1
    assert output.startswith("error   rejected files: 1 files were rejected whole")
    assert "next: xbec validate" in output
    code, output = call(home, "--json")
    assert code == 1
    assert '"check": "quarantine"' in output
