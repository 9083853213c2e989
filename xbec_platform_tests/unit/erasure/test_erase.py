"""An erasure from order to log on the small home: found before, nowhere after, nobody else touched; kill -9."""

import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from xbec_platform.erasure.erase import (
    ErasureIncompleteError,
    open_order,
    plan_erasure,
    search,
    warehouse_of,
    work_off,
)
from xbec_platform.erasure.log import open_requests
from xbec_platform.erasure.orders import read_orders
from xbec_platform.erasure.requests import open_landed_requests
from xbec_platform.ingest.suppression import load_suppression, open_suppression
from xbec_platform.publish.exports import write_exports
from xbec_platform.settings import Settings
from xbec_platform.warehouse.fingerprint import fingerprints
from xbec_platform_tests.unit.erasure.small_home import EMAIL, OTHER, PERSON, land, load, make_home

DONE = datetime(2026, 1, 5)
OWN = [PERSON, EMAIL, "device-0001", "session-before", "session-login", "session-family", "session-cafe"]
KILLS = 3


def sql(settings: Settings, query: str) -> list[tuple[object, ...]]:
    with warehouse_of(settings).connect("test") as connection:
        return connection.execute(query).fetchall()


def forget(settings: Settings, name: str = PERSON) -> None:
    open_order(settings, name)
    assert work_off(settings, rebuild=lambda: load(settings), done_ts=DONE) is not None


def content(settings: Settings) -> dict[str, object]:
    """All that must be equal: tables, landing bytes, list."""
    with warehouse_of(settings).connect("test") as connection:
        tables = fingerprints(connection, ("raw", "quarantine", "ml"))
        log = connection.execute("SELECT * FROM ops.erasure_log ORDER BY ALL").fetchall()
    landing = {
        path.relative_to(settings.home).as_posix(): path.read_bytes()
        for path in sorted(settings.landing.rglob("*"))
        if path.is_file()
    }
    return {"tables": tables, "log": log, "landing": landing, "list": load_suppression(settings.home)}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A loaded home with a salt, models of a past day, an old export and a log line about the person."""
    settings = make_home(tmp_path_factory.mktemp("loaded"))
    open_suppression(settings.home)
    people = pl.DataFrame({"customer_id": [PERSON, OTHER], "score": [1.0, 2.0]})
    with warehouse_of(settings).connect("test") as connection:
        connection.execute("CREATE SCHEMA ml")
        connection.execute("CREATE TABLE ml.recs AS FROM people")
    assert people.height == 2
    write_exports(frames={"recs": people}, out=settings.exports, as_of=datetime(2026, 1, 1).date())
    settings.dagster_home.mkdir()
    (settings.dagster_home / "compute.err").write_text(f"check failed for {PERSON}\n")
    return settings


@pytest.fixture
def home(loaded: Settings, tmp_path: Path) -> Settings:
    shutil.copytree(loaded.home, tmp_path / "home")
    return Settings(home=tmp_path / "home")


def test_person_is_found_before_and_nowhere_after(home: Settings) -> None:
    """All identifiers, in all text columns and in the bytes of all files; the log says what was there."""
    plan = plan_erasure(home, PERSON)
    assert not plan.mentions.is_clean
    assert plan.requests == ("D1",)
    forget(home)
    assert search(home, load_suppression(home.home), OWN).is_clean
    assert (PERSON, EMAIL) not in sql(home, "SELECT customer_id, email_hash FROM raw.customers")
    logged = dict(sql(home, "SELECT table_name, rows FROM ops.erasure_log WHERE request_id = 'D1'"))
    assert logged == plan.mentions.tables
    assert not (home.home / "erasure").exists() or not list((home.home / "erasure").iterdir())


def test_plan_changes_nothing(home: Settings) -> None:
    """A dry run is for looking: not even a list or an order is begun."""
    before = {
        path: path.read_bytes() for path in home.home.rglob("*") if path.is_file() and path != home.warehouse
    }
    plan_erasure(home, PERSON)
    after = {
        path: path.read_bytes() for path in home.home.rglob("*") if path.is_file() and path != home.warehouse
    }
    assert {k: v for k, v in after.items() if "queue" not in str(k)} == {
        k: v for k, v in before.items() if "queue" not in str(k)
    }


def test_nobody_else_is_touched(home: Settings) -> None:
    """Rows of others are the same; the order keeps its amount under a tombstone; shared devices lose nobodies only."""
    query = (
        f"SELECT * EXCLUDE (_file_id) FROM raw.{{}} WHERE customer_id LIKE 'C%' AND customer_id <> '{PERSON}'"
    )
    sources = ("customers", "events", "orders")
    before = {source: sorted(map(str, sql(home, query.format(source)))) for source in sources}
    forget(home)
    assert {source: sorted(map(str, sql(home, query.format(source)))) for source in sources} == before
    stone = load_suppression(home.home).tombstone(PERSON)
    assert sql(
        home, "SELECT customer_id, ship_postal, goods_total::DOUBLE FROM raw.orders ORDER BY order_id"
    ) == [
        (stone, None, 12.5),
        (OTHER, "0150", 1.0),
    ]
    left = [event for (event,) in sql(home, "SELECT event_id FROM raw.events ORDER BY event_id")]
    assert left == ["e4", "e7", "f0", "f1", "f2", "f3", "f4", "f5"]
    assert sql(home, "SELECT review_id FROM raw.reviews") == [("V2",)]
    assert sql(home, "SELECT customer_id FROM ml.recs") == [(OTHER,)]
    exported = pl.read_csv(home.exports / "as_of=2026-01-01" / "recs.csv")
    assert exported["customer_id"].to_list() == [OTHER]


def test_every_row_is_still_accounted_for(home: Settings) -> None:
    """Erased records count as quarantined: rows in = loaded + quarantined + exact duplicates."""
    rows = "SELECT path, rows_in FROM ops.file_manifest WHERE status = 'loaded' ORDER BY path"
    before = sql(home, rows)
    forget(home)
    assert sql(home, rows) == before
    assert (
        sql(
            home,
            "SELECT path FROM ops.file_manifest WHERE status = 'loaded' "
            "AND rows_in <> rows_loaded + rows_quarantined + rows_duplicate",
        )
        == []
    )


def test_late_file_does_not_bring_the_person_back(home: Settings) -> None:
    """A restored backup delivers the account again; the landing copy is cleaned by the next erasure."""
    forget(home)
    late = land(
        home,
        "customers/dt=2026-01-09/backup.csv",
        f"customer_id,updated_ts,email_hash\n{PERSON},2026-01-09T00:00:00Z,{EMAIL}\n",
    )
    assert load(home)
    assert sql(home, f"SELECT * FROM raw.customers WHERE customer_id = '{PERSON}'") == []
    assert search(home, load_suppression(home.home), ()).is_clean
    forget(home)
    assert PERSON not in late.read_text()


def test_second_erasure_is_a_no_op(home: Settings) -> None:
    """Requests come twice; nothing moves and the first note in the log stays."""
    forget(home)
    once = content(home)
    open_order(home, PERSON)
    report = work_off(home, rebuild=lambda: pytest.fail("nothing to rebuild"), done_ts=datetime(2026, 2, 1))
    assert report is not None
    assert report.landing.changed == ()
    logged = content(home)
    assert {key: logged[key] for key in ("tables", "landing", "list")} == {
        key: once[key] for key in ("tables", "landing", "list")
    }


def test_landed_request_is_worked_off_once(home: Settings) -> None:
    """The person wrote from a mail account: the request names no customer_id, and its hash ends empty."""
    assert open_landed_requests(home) == (1, [])
    work_off(home, rebuild=lambda: load(home), done_ts=DONE)
    assert sql(home, "SELECT customer_id, email_hash FROM raw.deletion_requests") == [(None, None)]
    with warehouse_of(home).transaction("test") as connection:
        assert open_requests(connection) == []
    assert open_landed_requests(home) == (0, [])
    assert work_off(home, rebuild=lambda: pytest.fail("nothing to do"), done_ts=DONE) is None


def test_failed_rebuild_leaves_the_order_open(home: Settings) -> None:
    """Half an erasure must not look like a whole one; the next call goes on from there."""
    open_order(home, PERSON)
    with pytest.raises(ErasureIncompleteError, match="run xbec erase again"):
        work_off(home, rebuild=lambda: False, done_ts=DONE)
    assert len(read_orders(home.home)) == 1
    load(home)
    assert work_off(home, rebuild=lambda: load(home), done_ts=DONE) is not None
    assert search(home, load_suppression(home.home), OWN).is_clean


CHILD = """
import sys
from datetime import datetime
from pathlib import Path
from xbec_platform.erasure.erase import open_order, work_off
from xbec_platform.settings import Settings
from xbec_platform_tests.unit.erasure.small_home import load
settings = Settings(home=Path(sys.argv[1]))
print("go", flush=True)
open_order(settings, "C000001")
work_off(settings, rebuild=lambda: load(settings), done_ts=datetime(2026, 1, 5))
"""


def test_killed_at_random_moments_and_run_again_ends_equal(
    loaded: Settings, home: Settings, tmp_path: Path
) -> None:
    """Kill -9 between the list, the files, the tables and the log: the order remembers who it was."""
    shutil.copytree(loaded.home, tmp_path / "whole")
    whole = Settings(home=tmp_path / "whole")
    began = time.monotonic()
    forget(whole)
    length = time.monotonic() - began
    generator = random.Random(time.time_ns())
    moments = [generator.uniform(0.02, length) for _ in range(KILLS)]
    for moment in moments:
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(home.home)],
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    if not read_orders(home.home):
        open_order(home, PERSON)
    work_off(home, rebuild=lambda: load(home), done_ts=DONE)
    assert content(home) == content(whole), f"killed after {moments} s"
