"""Retention: what may go by age, hand-counted; archives that hold every byte; runs that are the last word stay."""

import tarfile
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from xbec_platform.ingest import archive
from xbec_platform.ingest.intake import run_intake
from xbec_platform.ingest.landing import content_hash, discover
from xbec_platform.instance import open_instance
from xbec_platform.operations.backfill_run import DagsterRunner, RunResult
from xbec_platform.operations.inventory import inventory
from xbec_platform.operations.retention import (
    Ages,
    EndedRun,
    export_days_to_go,
    files_to_archive,
    logs_to_go,
    runs_to_go,
)
from xbec_platform.operations.retention_run import let_go, look
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.fingerprint import fingerprints
from xbec_platform_tests.unit.operations.tiny_shop import FIRST, LAST, ORDERS, RUNS, definitions, shop

NOW = datetime(2026, 3, 1, 12)
HEAD = "rate_date,currency,rate_to_base,source\n"


def days_ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


def test_ages_by_hand() -> None:
    """Older than the limit goes, the day of the limit stays, the newest export always stays, 0 keeps everything."""
    today = NOW.date()
    days = [today - timedelta(days=n) for n in (100, 91, 90, 89)]
    assert export_days_to_go(days, today, 90) == days[:2]
    assert export_days_to_go(days[:2], today, 90) == days[:1]
    assert export_days_to_go(days, today, 0) == []
    assert files_to_archive(days, today, 90) == days[:2]
    assert files_to_archive(days, today, 0) == []
    runs = [EndedRun("c", days_ago(10)), EndedRun("b", days_ago(40)), EndedRun("a", days_ago(200))]
    assert runs_to_go(runs, {"b"}, NOW, Ages(runs=30)) == ["a"]
    assert runs_to_go(runs, (), NOW, Ages(runs=0)) == []
    assert logs_to_go(runs, NOW, Ages(logs=30)) == ["a", "b"]
    with pytest.raises(ValueError, match="exports must be at least 0"):
        Ages(exports=-1)


def land(settings: Settings, day: date, name: str, text: str) -> Path:
    path = settings.landing / "fx_rates" / f"dt={day}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def loaded(tmp_path: Path) -> Settings:
    """Four files of three days: two good ones, one rejected whole, and one that nobody has loaded yet."""
    settings = Settings(home=tmp_path / "home")
    land(settings, date(2024, 1, 30), "a.csv", f"{HEAD}2024-01-30,USD,1.1,ecb\n")
    land(settings, date(2024, 2, 2), "b.csv", f"{HEAD}2024-02-02,USD,1.2,ecb\n")
    land(settings, date(2024, 2, 2), "broken.csv", "no,such,columns\n1,2,3\n")
    run_intake(Warehouse.of(settings), settings.landing)
    land(settings, date(2024, 2, 2), "late.csv", f"{HEAD}2024-02-01,USD,1.3,ecb\n")
    return settings


def tables(settings: Settings) -> dict[str, tuple[int, str]]:
    with Warehouse.of(settings).connect("test") as connection:
        return fingerprints(connection)


def test_old_files_are_packed_and_come_back_byte_by_byte(loaded: Settings) -> None:
    """Rows stay while files are packed, also after another intake; what is not loaded is never packed."""
    before = {path: (content_hash(path), path.stat().st_mtime_ns) for path in loaded.landing.rglob("*.csv")}
    held, instance = tables(loaded), open_instance(loaded)
    plan = look(loaded, instance, Ages(), NOW)
    assert [file.path for file in plan.files] == [
        "fx_rates/dt=2024-01-30/a.csv",
        "fx_rates/dt=2024-02-02/b.csv",
    ]
    done = let_go(loaded, instance, plan, lambda text: None)
    assert len(done.archives) == 2
    assert archive.damaged(loaded.home) == []
    assert sorted(path.name for path in loaded.landing.rglob("*.csv")) == ["broken.csv", "late.csv"]
    assert tables(loaded) == held
    assert archive.restore(loaded.home, loaded.landing) == 2
    assert before == {
        path: (content_hash(path), path.stat().st_mtime_ns) for path in loaded.landing.rglob("*.csv")
    }
    run_intake(Warehouse.of(loaded), loaded.landing)
    packed = replace(look(loaded, instance, Ages(), NOW), free_share=0.0)
    with_late = tables(loaded)
    let_go(loaded, instance, packed, lambda text: None)
    assert [path.name for path in loaded.landing.rglob("*.csv")] == ["broken.csv"]
    run_intake(Warehouse.of(loaded), loaded.landing)
    assert tables(loaded) == with_late
    assert len(look(loaded, instance, Ages(), NOW).files) == 0
    instance.dispose()


def test_archive_that_is_damaged_is_named_and_nothing_is_removed(loaded: Settings) -> None:
    """Another byte in it, or another file where one was: nobody loses either."""
    files = discover(loaded.landing, end=date(2024, 2, 1)).files
    (made,) = archive.pack(loaded.home, loaded.landing, files)
    other = land(loaded, date(2024, 1, 30), "a.csv", "something else")
    with pytest.raises(archive.ArchiveError, match="another file stands there"):
        archive.restore(loaded.home, loaded.landing)
    with tarfile.open(made, "w:gz") as tar:
        tar.add(other, arcname=files[0].path)
    assert "does not have the hash" in archive.damaged(loaded.home)[0]
    other.unlink()
    with pytest.raises(archive.ArchiveError, match="does not have the hash"):
        archive.restore(loaded.home, loaded.landing)
    assert made.is_file()


def test_file_that_changed_since_it_was_loaded_is_not_packed(loaded: Settings) -> None:
    """A correction that nobody has read yet would vanish from the landing folder."""
    files = discover(loaded.landing, end=date(2024, 2, 1)).files
    changed = land(loaded, date(2024, 1, 30), "a.csv", f"{HEAD}2024-01-30,USD,9.9,ecb\n")
    with pytest.raises(archive.ArchiveError, match="changed since it was loaded"):
        archive.pack(loaded.home, loaded.landing, files)
    assert changed.is_file()


def test_runs_that_are_the_last_word_stay(tmp_path: Path) -> None:
    """Of two runs over the same days the first may go; of days that only it built it stays the last word."""
    settings = shop(tmp_path)
    instance = open_instance(settings)
    runner, days = (
        DagsterRunner(definitions(settings), instance),
        [FIRST + timedelta(days=n) for n in range(12)],
    )
    for first, last in ((FIRST, FIRST), (FIRST, FIRST), (LAST, LAST)):
        run = replace(RUNS[0], first=first, last=last)
        assert runner.run(run) == RunResult(succeeded=True)
    newest_first = [record.dagster_run.run_id for record in instance.get_run_records()]
    missing = inventory(instance, [ORDERS], days)
    exports = [settings.exports / f"as_of=2026-01-0{n}" for n in (1, 2)]
    for folder in exports:
        folder.mkdir(parents=True)
    later = datetime.now() + timedelta(days=400)
    plan = look(settings, instance, Ages(), later)
    assert plan.runs == (newest_first[2],)
    assert plan.kept_runs == 2
    assert plan.exports == (exports[0],)
    assert len(plan.logs) == 3
    let_go(settings, instance, plan, lambda text: None)
    assert [record.dagster_run.run_id for record in instance.get_run_records()] == newest_first[:2]
    assert inventory(instance, [ORDERS], days).equals(missing)
    assert [folder.is_dir() for folder in exports] == [False, True]
    assert look(settings, instance, Ages(), later).runs == ()
    assert instance.get_latest_materialization_event(ORDERS) is not None
    assert dg.DagsterRunStatus.SUCCESS in {record.dagster_run.status for record in instance.get_run_records()}
    instance.dispose()
