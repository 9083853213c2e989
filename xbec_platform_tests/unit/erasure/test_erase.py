"""An erasure from order to log on the small home: found before, nowhere after, nobody else touched; kill -9."""

import hashlib
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from xbec_platform.erasure.erase import (
    ErasureIncompleteError,
    Plan,
    open_order,
    plan_erasure,
    work_off,
)
from xbec_platform.erasure.log import open_requests
from xbec_platform.erasure.orders import read_orders
from xbec_platform.erasure.proof import search
from xbec_platform.erasure.requests import open_landed_requests
from xbec_platform.erasure.sweep import sweep
from xbec_platform.ingest.suppression import Entry
from xbec_platform.ingest.suppression_file import load_suppression, open_suppression
from xbec_platform.publish.exports import write_exports
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.fingerprint import fingerprints
from xbec_platform_tests.unit.erasure.small_home import EMAIL, OTHER, PERSON, land, load

DONE = datetime(2026, 1, 5)
OWN = [PERSON, EMAIL, "device-0001", "session-before", "session-login", "session-family", "session-cafe"]
NUMBER = "17850"
ROWS_IN = "SELECT path, rows_in FROM ops.file_manifest WHERE status = 'loaded' ORDER BY path"
PAGE = (
    f'<p>Customer {NUMBER}: 1 order of 2{NUMBER} or 0.{NUMBER}</p><svg width="{NUMBER}"></svg>'
    f"<td>{NUMBER}</td><td>{OTHER}</td>"
)


@dataclass(frozen=True)
class Forgotten:
    """A home after an erasure, and what it held before.

    Attributes:
        home: Without the person.
        plan: What the dry run said.
        others: Rows of other people.
        rows_in: Records by file.
        took_s: Duration of the erasure in seconds.
    """

    home: Settings
    plan: Plan
    others: dict[str, list[str]]
    rows_in: list[tuple[object, ...]]
    took_s: float


def sql(settings: Settings, query: str) -> list[tuple[object, ...]]:
    with Warehouse.of(settings).connect("test") as connection:
        return connection.execute(query).fetchall()


def rows_of_others(settings: Settings) -> dict[str, list[str]]:
    others = f"customer_id NOT LIKE 'erased:%' AND customer_id <> '{PERSON}'"
    return {
        source: sorted(
            map(str, sql(settings, f"SELECT * EXCLUDE (_file_id) FROM raw.{source} WHERE {others}"))
        )
        for source in ("customers", "events", "orders")
    }


def forget(settings: Settings, name: str = PERSON) -> None:
    open_order(settings, name)
    assert work_off(settings, rebuild=lambda: load(settings), done_ts=DONE) is not None


def content(settings: Settings) -> dict[str, object]:
    """All that must be equal: tables, landing bytes, list."""
    with Warehouse.of(settings).connect("test") as connection:
        tables = fingerprints(connection, ("raw", "quarantine", "ml"))
        log = connection.execute("SELECT * FROM ops.erasure_log ORDER BY ALL").fetchall()
    landing = {
        path.relative_to(settings.home).as_posix(): path.read_bytes()
        for path in sorted(settings.landing.rglob("*"))
        if path.is_file()
    }
    return {"tables": tables, "log": log, "landing": landing, "list": load_suppression(settings.home)}


@pytest.fixture(scope="module")
def loaded(untouched: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The small home with a salt, a numeric customer, models of a past day, an old export, a page and a log line."""
    settings = Settings(home=tmp_path_factory.mktemp("homes") / "loaded")
    shutil.copytree(untouched.home, settings.home)
    land(
        settings,
        "orders/dt=2026-01-02/n.csv",
        "order_id,customer_id,order_ts,updated_ts,status,channel,currency,goods_total\n"
        f"O3,{NUMBER},2026-01-02T10:00:00Z,2026-01-02T10:00:00Z,paid,site,EUR,{NUMBER}\n"
        f"{NUMBER},{OTHER},2026-01-02T10:00:00Z,2026-01-02T10:00:00Z,paid,site,EUR,2.00\n",
    )
    assert load(settings)
    open_suppression(settings.home)
    people = pl.DataFrame(
        {
            "customer_id": [PERSON, OTHER, NUMBER],
            "product_id": ["P1", NUMBER, "P2"],
            "score": [1.0, 2.0, 3.0],
        }
    )
    with Warehouse.of(settings).connect("test") as connection:
        connection.execute("CREATE SCHEMA ml")
        connection.execute("CREATE TABLE ml.recs AS FROM people")
    assert people.height == 3
    write_exports(frames={"recs": people}, out=settings.exports, as_of=datetime(2026, 1, 1).date())
    settings.dagster_home.mkdir()
    (settings.dagster_home / "compute.err").write_text(f"check failed for {PERSON}\n")
    settings.reports.mkdir()
    (settings.reports / "overview.html").write_text(PAGE)
    return settings


@pytest.fixture(scope="module")
def forgotten(loaded: Settings) -> Forgotten:
    """The home after the person was erased, and what was to be seen before."""
    home = Settings(home=loaded.home.with_name("forgotten"))
    shutil.copytree(loaded.home, home.home)
    plan = plan_erasure(home, PERSON)
    others, rows = rows_of_others(home), sql(home, ROWS_IN)
    began = time.monotonic()
    forget(home)
    return Forgotten(home, plan, others, rows, time.monotonic() - began)


@pytest.fixture
def home(loaded: Settings, tmp_path: Path) -> Settings:
    shutil.copytree(loaded.home, tmp_path / "home")
    return Settings(home=tmp_path / "home")


@pytest.fixture
def later(forgotten: Forgotten, tmp_path: Path) -> Settings:
    """A copy of the home without the person."""
    shutil.copytree(forgotten.home.home, tmp_path / "home")
    return Settings(home=tmp_path / "home")


def test_person_is_found_before_and_nowhere_after(forgotten: Forgotten) -> None:
    """All identifiers, in all text columns and in the bytes of all files; the log says what was there."""
    home, plan = forgotten.home, forgotten.plan
    assert not plan.mentions.is_clean
    assert plan.requests == ("D1",)
    assert search(home, load_suppression(home.home), OWN).is_clean
    assert (PERSON, EMAIL) not in sql(home, "SELECT customer_id, email_hash FROM raw.customers")
    logged = sql(home, "SELECT table_name, rows FROM ops.erasure_log WHERE request_id = 'D1' ORDER BY ALL")
    assert logged == sorted(plan.mentions.tables.items())
    assert read_orders(home.home) == []


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


def test_nobody_else_is_touched(forgotten: Forgotten) -> None:
    """Rows of others are the same; the order keeps its amount under a tombstone; shared devices lose nobodies only."""
    home = forgotten.home
    assert rows_of_others(home) == forgotten.others
    stone = load_suppression(home.home).tombstone(PERSON)
    amounts = (
        "SELECT customer_id, ship_postal, goods_total::DOUBLE FROM raw.orders WHERE order_id IN ('O1', 'O2')"
    )
    assert sql(home, f"{amounts} ORDER BY order_id") == [(stone, None, 12.5), (OTHER, "0150", 1.0)]
    left = [event for (event,) in sql(home, "SELECT event_id FROM raw.events ORDER BY event_id")]
    assert left == ["e4", "e7", "f0", "f1", "f2", "f3", "f4", "f5"]
    assert sql(home, "SELECT review_id FROM raw.reviews") == [("V2",)]
    assert sql(home, "SELECT customer_id FROM ml.recs ORDER BY ALL") == [(NUMBER,), (OTHER,)]
    exported = pl.read_csv(home.exports / "as_of=2026-01-01" / "recs.csv", infer_schema=False)
    assert exported["customer_id"].to_list() == [NUMBER, OTHER]


def test_every_row_is_still_accounted_for(forgotten: Forgotten) -> None:
    """Erased records count as quarantined: rows in = loaded + quarantined + exact duplicates."""
    assert sql(forgotten.home, ROWS_IN) == forgotten.rows_in
    unequal = "rows_in <> rows_loaded + rows_quarantined + rows_duplicate"
    assert (
        sql(forgotten.home, f"SELECT path FROM ops.file_manifest WHERE status = 'loaded' AND {unequal}") == []
    )


def test_number_is_forgotten_where_identifiers_are_and_nowhere_else(home: Settings) -> None:
    """17850 is a customer, an amount, an order and a product here: only the customer goes, old exports included."""
    suppression = load_suppression(home.home)
    assert search(home, suppression, [NUMBER]).is_clean, "the premise: no byte search can tell"
    forget(home, NUMBER)
    suppression = load_suppression(home.home)
    assert search(home, suppression, [NUMBER]).is_clean
    stone = suppression.tombstone(NUMBER)
    orders = (
        "SELECT order_id, customer_id, goods_total::INTEGER FROM raw.orders WHERE _drop_date = '2026-01-02'"
    )
    assert sql(home, f"{orders} ORDER BY ALL") == [(NUMBER, OTHER, 2), ("O3", stone, int(NUMBER))]
    assert (PERSON,) in sql(home, "SELECT customer_id FROM ml.recs")
    assert (NUMBER,) not in sql(home, "SELECT customer_id FROM ml.recs")
    folder = home.exports / "as_of=2026-01-01"
    for frame in (pl.read_parquet(folder / "recs.parquet"), pl.read_csv(folder / "recs.csv")):
        assert frame.select("customer_id", "product_id").rows() == [(PERSON, "P1"), (OTHER, NUMBER)]
    page = (home.reports / "overview.html").read_text()
    assert page == PAGE.replace(f"<td>{NUMBER}</td>", f"<td>{stone}</td>").replace(
        f" {NUMBER}:", f" {stone}:"
    )


def test_number_left_in_an_export_or_a_landed_file_is_found(later: Settings) -> None:
    """A proof that cannot fail is none: put the number back where it was, and the search says where."""
    salted = load_suppression(later.home)
    listed = salted.with_entries([Entry("customer_id", salted.hash(NUMBER), True, "n")])
    found = search(later, listed, [NUMBER])
    places = {path.relative_to(later.home).as_posix() for path in found.files}
    folder = "exports/as_of=2026-01-01"
    assert places == {f"{folder}/recs.csv", f"{folder}/recs.parquet", "landing/orders/dt=2026-01-02/n.csv"}
    assert {one.table for one in found.columns} == {"raw.orders", "ml.recs"}


def test_late_file_is_kept_out_at_once_and_swept_later(later: Settings) -> None:
    """A restored backup delivers the account and an old order: tables never know, the files lose the person."""
    account = f"customer_id,updated_ts,email_hash\n{PERSON},2026-01-09T00:00:00Z,{EMAIL}\n"
    order = (
        "order_id,customer_id,order_ts,updated_ts,status,channel,currency\n"
        f"O1,{PERSON},2026-01-01,2026-01-01,paid,site,EUR\n"
    )
    files = [
        land(later, "customers/dt=2026-01-09/a.csv", account),
        land(later, "orders/dt=2026-01-09/a.csv", order),
    ]
    assert load(later)
    assert sql(later, f"SELECT * FROM raw.customers WHERE customer_id = '{PERSON}'") == []
    assert search(later, load_suppression(later.home), ()).is_clean
    tables = "SELECT * EXCLUDE (_file_id) FROM raw.orders ORDER BY ALL"
    before = sql(later, tables)
    now = datetime.now(UTC).replace(tzinfo=None)
    assert sweep(later, now).changed == (), "still being written, for all anybody knows"
    swept = sweep(later, now + timedelta(hours=1))
    assert swept.changed == ("customers/dt=2026-01-09/a.csv", "orders/dt=2026-01-09/a.csv")
    assert set(swept.looked_at) == set(swept.changed), "what the erasure looked at is not read again"
    assert [PERSON in path.read_text() for path in files] == [False, False]
    assert sql(later, tables) == before
    hashes = sql(
        later, "SELECT sha256 FROM ops.file_manifest WHERE drop_date = '2026-01-09' AND status = 'loaded'"
    )
    assert {row[0] for row in hashes} == {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert sweep(later, now + timedelta(hours=1)).looked_at == {}


def test_second_erasure_is_a_no_op(later: Settings) -> None:
    """Requests come twice; nothing moves and the first note in the log stays."""
    once = content(later)
    open_order(later, PERSON)
    report = work_off(later, rebuild=lambda: pytest.fail("nothing to rebuild"), done_ts=datetime(2026, 2, 1))
    assert report is not None
    assert report.landing.changed == ()
    logged = content(later)
    assert {key: logged[key] for key in ("tables", "landing", "list")} == {
        key: once[key] for key in ("tables", "landing", "list")
    }


def test_landed_request_is_worked_off_once_however_often_it_takes(home: Settings) -> None:
    """The request of a mail account names no customer_id; half an erasure must not look like a whole one."""
    assert open_landed_requests(home) == (1, [])
    with pytest.raises(ErasureIncompleteError, match="run xbec erase again"):
        work_off(home, rebuild=lambda: False, done_ts=DONE)
    assert len(read_orders(home.home)) == 1
    assert work_off(home, rebuild=lambda: load(home), done_ts=DONE) is not None
    assert search(home, load_suppression(home.home), OWN).is_clean
    assert sql(home, "SELECT customer_id, email_hash FROM raw.deletion_requests") == [(None, None)]
    with Warehouse.of(home).transaction("test") as connection:
        assert open_requests(connection) == []
    assert open_landed_requests(home) == (0, [])
    assert work_off(home, rebuild=lambda: pytest.fail("nothing to do"), done_ts=DONE) is None


CHILD = """
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xbec_platform.erasure.erase import open_order, work_off
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform_tests.unit.erasure.small_home import load
settings = Settings(home=Path(sys.argv[1]))
print("go", flush=True)
open_order(settings, "C000001")
work_off(settings, rebuild=lambda: load(settings), done_ts=datetime(2026, 1, 5))
"""


def test_killed_at_a_random_moment_and_run_again_ends_equal(forgotten: Forgotten, home: Settings) -> None:
    """Kill -9 between the list, the files, the tables and the log: the order remembers who it was."""
    moment = random.Random(time.time_ns()).uniform(0.02, forgotten.took_s)
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
    assert content(home) == content(forgotten.home), f"killed after {moment} s"
