"""Every check of the doctor: silent on a healthy home, speaks when its fault is planted, names the next command."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from xbec_platform.operations.doctor.examine import CHECKS, as_json, examine
from xbec_platform.operations.doctor.facts import (
    DAMAGED,
    NEWER,
    OLDER,
    OPEN_OUTSIDE,
    DagsterFacts,
    DbtFacts,
    Disk,
    Environment,
    HomeFacts,
    LandingFacts,
    OpenRun,
    Package,
    Ticket,
    WarehouseFacts,
)
from xbec_platform.operations.doctor.findings import Finding, Severity, is_healthy, ordered
from xbec_platform.operations.inventory import FAILED, LOST, MISSING, SCHEMA
from xbec_platform.settings import Settings

NOW = datetime(2026, 3, 1, 12)
TODAY = NOW.date()
START = date(2026, 1, 1)
HOME = Path("/srv/shop")
BUILT = NOW - timedelta(hours=11)


def healthy() -> HomeFacts:
    """A living shop on the morning after a good night."""
    return HomeFacts(
        now=NOW,
        environment=Environment("3.11.7", ">=3.11,<3.13", (Package("duckdb", "==1.5.5", "1.5.5"),)),
        home=HOME,
        settings=Settings(home=HOME, start_date=START),
        disk=Disk(exists=True, is_writable=True, free_bytes=10**10, database_bytes=10**8),
        landing=LandingFacts(days={START: 3, TODAY - timedelta(days=1): 3}),
        warehouse=WarehouseFacts(exists=True, quarantine_shares={"orders": 0.05}),
        dagster=DagsterFacts(
            has_run=True,
            unfinished=pl.DataFrame(schema=SCHEMA),
            decisions=frozenset({"ml/recs"}),
            switched_on=("close_of_day",),
            heartbeat_age_s=20.0,
            tables_built_ts=BUILT,
        ),
        published_ts=BUILT + timedelta(minutes=5),
    )


def with_landing(**changes: Any) -> HomeFacts:
    return replace(healthy(), landing=replace(healthy().landing, **changes))


def with_warehouse(**changes: Any) -> HomeFacts:
    return replace(healthy(), warehouse=replace(healthy().warehouse, **changes))


def with_dagster(**changes: Any) -> HomeFacts:
    return replace(healthy(), dagster=replace(healthy().dagster, **changes))


def with_disk(**changes: Any) -> HomeFacts:
    return replace(healthy(), disk=replace(healthy().disk, **changes))


def ending(end: date) -> HomeFacts:
    """A closed home whose files lie within its days."""
    return replace(
        with_landing(days={START: 3}), settings=Settings(home=HOME, start_date=START, end_date=end)
    )


def unfinished(*rows: tuple[str, int, str]) -> HomeFacts:
    """(asset, day of January, status)."""
    found = [(key, date(2026, 1, day), status, None, None) for key, day, status in rows]
    return with_dagster(unfinished=pl.DataFrame(found, schema=SCHEMA, orient="row"))


def test_healthy_home_has_no_finding() -> None:
    """A doctor that always finds something is not asked a second time."""
    assert examine(healthy()) == []
    assert is_healthy([])


ERROR, WARN, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
PLANTED: list[tuple[HomeFacts, Severity, str, str, str]] = [
    (
        replace(healthy(), environment=Environment("3.10.1", ">=3.11,<3.13", ())),
        ERROR, "python", "This is Python 3.10.1, the platform wants >=3.11,<3.13", "python3.11 -m venv",
    ),
    (
        replace(healthy(), environment=Environment("3.12.0", ">=3.11", (Package("duckdb", "==1.5.5", "2.0.0"),))),
        ERROR, "packages", "duckdb 2.0.0 (wanted ==1.5.5)", "pip install --require-hashes -r requirements.lock",
    ),
    (
        replace(healthy(), environment=Environment("3.12.0", ">=3.11", (Package("polars", "<3", None),))),
        ERROR, "packages", "polars is missing (wanted <3)", "requirements.lock",
    ),
    (
        HomeFacts(now=NOW, environment=healthy().environment, settings_problem="home.yml: unknown keys shpo"),
        ERROR, "settings", "cannot be read: home.yml: unknown keys shpo", "mend home.yml",
    ),
    (
        with_landing(days={START - timedelta(days=2): 1, START: 2}),
        WARN, "settings", "Files of 1 days, the first 2025-12-30, lie before the home's first day 2026-01-01",
        "set start_date: 2025-12-30 in /srv/shop/home.yml, then xbec backfill --from 2025-12-30 --to 2025-12-30",
    ),
    (
        ending(date(2026, 2, 1)),
        WARN, "settings", "The home's days end before 2026-02-01", "remove end_date",
    ),
    (with_disk(is_writable=False), ERROR, "disk", "/srv/shop cannot be written", "chown"),
    (with_disk(free_bytes=10**8 * 3 // 2), WARN, "disk", "150.0 MB are free beside a database of 100.0 MB", "du -xh"),
    (with_disk(free_bytes=10**7), ERROR, "disk", "10.0 MB are free", "du -xh"),
    (
        with_landing(misplaced=(("a.csv", "lies outside"), ("orders/dt=2026-01-01/l", "is a link"))),
        WARN, "landing", "2 entries are never read: a.csv (lies outside); orders/dt=2026-01-01/l (is a link).",
        "/srv/shop/landing/<feed>/dt=YYYY-MM-DD/",
    ),
    (
        with_landing(unfinished=(("orders/dt=2026-01-01/a.part", 7200.0), ("orders/dt=2026-01-01/b.part", 60.0))),
        WARN, "landing", "1 unfinished files have not grown for an hour: orders/dt=2026-01-01/a.part", "deliver again",
    ),
    (with_landing(unknown_feeds=("ordres",)), WARN, "landing", "no contract and no mapping: ordres", "xbec contracts"),
    (with_landing(problem="reading.yml: known options are …"), ERROR, "landing", "reading.yml", "mend the file"),
    (
        with_warehouse(rejected=((START, "orders/dt=2026-01-01/a.csv", "a.csv: line 1: no columns"),)),
        ERROR, "rejected files", "1 files were rejected whole: a.csv: line 1: no columns",
        "validate /srv/shop/landing/orders/dt=2026-01-01/a.csv; mend it, then xbec backfill --from 2026-01-01 --to",
    ),
    (
        with_warehouse(quarantine_shares={"orders": 0.051, "events": 0.01}),
        WARN, "quarantine", "5.1% of the records of orders", "xbec quarantine list --source orders",
    ),
    (
        with_warehouse(waiting=(date(2026, 1, 3), date(2026, 1, 4), date(2026, 1, 9))),
        WARN, "waiting days", "their facts do not know: 2026-01-03 to 2026-01-04, 2026-01-09.",
        "xbec backfill --from 2026-01-03 --to 2026-01-09 --decisions last-day",
    ),
    (
        with_warehouse(waiting=(date(2025, 6, 1),)),
        WARN, "waiting days", "outside the home's days 2026-01-01 to 2026-02-28: 2025-06-01", "home.yml",
    ),
    (replace(healthy(), erasure_orders=2), ERROR, "erasure", "2 erasures were begun and are not finished", "-j erase"),
    (
        with_warehouse(open_requests=3, oldest_request=NOW - timedelta(days=31)),
        ERROR, "erasure", "3 landed requests to be forgotten are open, the oldest for 31 days", "job erase",
    ),
    (
        with_warehouse(open_requests=1, oldest_request=NOW - timedelta(days=3)),
        WARN, "erasure", "the oldest for 3 days", "job erase",
    ),
    (
        with_warehouse(obstacle=NEWER, detail="DuckDB 2.0.0 wrote it, here is 1.5.5."),
        ERROR, "database", "newer DuckDB. DuckDB 2.0.0 wrote it, here is 1.5.5.", "install the version named above",
    ),
    (with_warehouse(obstacle=DAMAGED, detail="bad checksum"), ERROR, "database", "bad checksum", "put a backup"),
    (with_warehouse(obstacle=OPEN_OUTSIDE, detail="PID 7"), WARN, "database", "PID 7", "end the process"),
    (with_warehouse(obstacle=OLDER), WARN, "database", "older version of the platform", "xbec backfill"),
    (
        replace(healthy(), queue=(Ticket(7, "dbt", 4000.0, is_alive=True), Ticket(8, "intake", 9.0, is_alive=True))),
        WARN, "queue", "Process 7 has the database file for 4,000 s (dbt); 1 wait: intake", "ps -fp 7",
    ),
    (
        with_dagster(open_runs=(OpenRun("0123456789", "daily", is_alive=False), OpenRun("9", "daily", is_alive=True))),
        WARN, "runs", "1 runs say they run, but their processes are gone: daily 01234567", "xbec backfill --only-due",
    ),
    (
        unfinished(("marts/a", 3, FAILED), ("marts/b", 3, LOST), ("ml/recs", 4, FAILED)),
        ERROR, "partitions", "for 3 assets (marts/a, marts/b, ml/recs) on 2 days (2026-01-03 to 2026-01-04)",
        "xbec backfill --only-due --from 2026-01-03 --to 2026-01-04",
    ),
    (
        unfinished(("marts/a", 3, MISSING), ("marts/a", 9, MISSING)),
        WARN, "partitions", "Never built: 1 assets (marts/a) on 2 days (2026-01-03, 2026-01-09)",
        "xbec backfill --only-due --from 2026-01-03 --to 2026-01-09 --decisions last-day",
    ),
    (with_dagster(problem="dbt parse failed"), ERROR, "definitions", "dbt parse failed", "definitions validate"),
    (with_dagster(heartbeat_age_s=None), ERROR, "daemon", "daemon has never run here", "make ui"),
    (with_dagster(heartbeat_age_s=600.0), ERROR, "daemon", "gave its last sign of life 10 min ago", "make ui"),
    (with_dagster(daemon_errors=("no code location",)), WARN, "daemon", "no code location", "Daemons"),
    (with_disk(dagster_bytes=3 * 10**9), WARN, "storage", "Dagster's own storage has 3.0 GB", "retention"),
    (
        replace(healthy(), published_ts=BUILT - timedelta(hours=1)),
        WARN, "snapshot", "published.duckdb is of 2026-03-01 00:00 UTC; tables were built until 2026-03-01 01:00",
        "xbec backfill --select group:publish --decisions last-day",
    ),
    (replace(healthy(), published_ts=None), WARN, "snapshot", "There is no published.duckdb", "group:publish"),
    (replace(healthy(), dbt=DbtFacts(is_stale=True, is_writable=False)), ERROR, "dbt manifest", "older", "writable"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "severity", "check", "what", "then"),
    PLANTED,
    ids=[f"{one[2]}: {one[3][:40]}" for one in PLANTED],
)
def test_planted_fault_is_found_and_nothing_else(
    facts: HomeFacts, severity: Severity, check: str, what: str, then: str
) -> None:
    """One fault, one finding of the right weight, with its numbers and the command to type next."""
    (found,) = examine(facts)
    assert (found.severity, found.check) == (severity, check)
    assert what in found.what
    assert then in found.next
    assert found.why
    assert not is_healthy([found])


HARMLESS: list[tuple[HomeFacts, str, str]] = [
    (replace(ending(date(2026, 2, 1)), dagster=DagsterFacts(has_run=False)), "settings", "closed history"),
    (with_warehouse(waiting=(date(2026, 2, 25),)), "waiting days", "next run rebuilds them along"),
    (
        replace(healthy(), queue=(Ticket(7, "dbt", 5.0, is_alive=True),)),
        "queue",
        "longest as XBEC_LOCK_WAIT_S says",
    ),
    (replace(healthy(), queue=(Ticket(7, "dbt", 5.0, is_alive=False),)), "queue", "They block nobody"),
    (with_disk(log_bytes=2_000_000), "database", "Never delete that file"),
    (unfinished(("ml/recs", 3, MISSING)), "partitions", "That is usual"),
    (with_dagster(switched_on=(), heartbeat_age_s=None), "daemon", "only when somebody asks"),
    (replace(healthy(), dbt=DbtFacts(is_stale=True)), "dbt manifest", "parses the project first"),
]


@pytest.mark.parametrize(("facts", "check", "why"), HARMLESS, ids=[one[1] + one[2][:20] for one in HARMLESS])
def test_what_is_only_worth_knowing_is_no_failure(facts: HomeFacts, check: str, why: str) -> None:
    """The demo home ends in the past and has no daemon: that must not make a script fail."""
    (found,) = [one for one in examine(facts) if one.check == check]
    assert found.severity is Severity.INFO
    assert why in found.why
    assert is_healthy([found])


def test_files_after_the_end_are_told() -> None:
    """A living shop with the demo's end_date: its files are never loaded and nothing else would say so."""
    closed = replace(ending(date(2026, 2, 28)), landing=healthy().landing)
    found = examine(closed)
    assert [one.what for one in found if "lie on or after" in one.what] == [
        "Files of 1 days, the last 2026-02-28, lie on or after the home's end 2026-02-28."
    ]


@pytest.mark.parametrize(
    ("facts", "what", "then"),
    [
        (
            replace(
                healthy(), disk=Disk(exists=False, is_writable=True, free_bytes=1), warehouse=WarehouseFacts()
            ),
            "The home /srv/shop does not exist yet",
            "make run",
        ),
        (
            replace(healthy(), landing=LandingFacts(), warehouse=WarehouseFacts()),
            "holds no delivered files",
            "make run",
        ),
        (
            replace(healthy(), warehouse=WarehouseFacts()),
            "Files of 2 days have landed and nothing was loaded yet",
            "xbec backfill --from 2026-01-01 --to 2026-02-28 --decisions last-day",
        ),
    ],
    ids=["missing", "empty", "not loaded"],
)
def test_new_home_hears_what_to_do_first(facts: HomeFacts, what: str, then: str) -> None:
    """Somebody who has just cloned the platform types this command too."""
    bare = replace(facts, dagster=DagsterFacts())
    (found,) = examine(bare)
    assert found.check == "first steps"
    assert what in found.what
    assert then in found.next


def test_worst_first() -> None:
    """Whoever reads one line reads the worst."""
    a, b, c = (
        Finding(level, name, "w", "y", "n") for level, name in ((INFO, "a"), (ERROR, "z"), (WARN, "m"))
    )
    assert ordered([a, b, c]) == [b, c, a]


def test_json_has_everything() -> None:
    """A monitor reads the same findings."""
    import json

    facts = replace(healthy(), erasure_orders=1, not_looked_at=("the tables were busy",))
    told = json.loads(as_json(facts, examine(facts)))
    assert told["home"] == "/srv/shop"
    assert told["looked_at_ts"] == "2026-03-01T12:00:00Z"
    assert told["is_healthy"] is False
    assert [one["severity"] for one in told["findings"]] == ["error"]
    assert set(told["findings"][0]) == {"severity", "check", "what", "why", "next"}
    assert told["not_looked_at"] == ["the tables were busy"]


def test_every_check_has_a_planted_fault() -> None:
    """A check nobody has seen speak may be dumb."""
    spoken = {check.__name__ for check in CHECKS for facts, *_ in PLANTED if list(check(facts))}
    assert {check.__name__ for check in CHECKS} - spoken == {"first_steps"}
