"""What every sensor must bear: a second tick, a change, a lost cursor, a daemon that dies, a warehouse that is busy."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from xbec_platform.automation import ticks
from xbec_platform.automation.sensors import build_sensors
from xbec_platform.operations.alerts.ledger import ALERTS
from xbec_platform.operations.incidents import INCIDENTS
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse, missing_tables
from xbec_platform_tests.unit.automation.cases import CASES, TODAY, Case
from xbec_platform_tests.unit.automation.daemon import Daemon


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def daemon(case: Case, tmp_path: Path) -> Iterator[Daemon]:
    """A daemon over an empty home."""
    start = TODAY.replace(year=TODAY.year - 1, day=1)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Daemon(Settings(home=tmp_path, start_date=start), case.build, instance)


def settle(daemon: Daemon, case: Case, **death: bool) -> None:
    """Ticks until the sensor has acted; the last one may die."""
    for _ in range(case.ticks - 1):
        daemon.tick()
        case.wait(daemon)
    daemon.tick(**death)


def effects(daemon: Daemon) -> list[str]:
    """Everything the sensor brought about: runs, alerts, incidents with their runs."""
    rows: list[tuple[str]] = []
    if daemon.home.warehouse.is_file():
        with Warehouse.of(daemon.home).connect("test") as connection:
            if not missing_tables(connection, [ALERTS]):
                rows += connection.execute(f"SELECT alert_id FROM {ALERTS}").fetchall()
            if not missing_tables(connection, [INCIDENTS]):
                rows += connection.execute(f"SELECT unnest(run_ids) FROM {INCIDENTS}").fetchall()
    files = sorted(path.name for path in daemon.home.alerts.rglob("*.jsonl"))
    return sorted([*daemon.keys, *(name for (name,) in rows), *files])


def test_acts_once(daemon: Daemon, case: Case) -> None:
    """Two ticks over one state of things are one action."""
    case.arrange(daemon)
    settle(daemon, case)
    acted = effects(daemon)
    assert acted
    daemon.tick()
    daemon.end_runs()
    case.work(daemon)
    daemon.tick()
    assert effects(daemon) == acted


def test_acts_again_on_a_change(daemon: Daemon, case: Case) -> None:
    """A replaced file or a changed row is new, although Dagster never forgets a run key."""
    case.arrange(daemon)
    settle(daemon, case)
    acted = effects(daemon)
    daemon.end_runs()
    case.work(daemon)
    case.change(daemon)
    settle(daemon, case)
    assert set(effects(daemon)) > set(acted)


def test_lost_cursor_repeats_nothing(daemon: Daemon, case: Case) -> None:
    """The cursor only saves work; what was done is known without it."""
    case.arrange(daemon)
    settle(daemon, case)
    acted = effects(daemon)
    for lost in (None, "no JSON", "[1]"):
        daemon.cursor = lost
        settle(daemon, case)
        assert effects(daemon) == acted


@pytest.mark.parametrize("death", ["dies_before_runs", "dies_before_cursor"])
def test_daemon_dies_in_the_middle_of_a_tick(daemon: Daemon, case: Case, death: str) -> None:
    """After the restart the same things are asked for, and none twice."""
    case.arrange(daemon)
    settle(daemon, case, **{death: True})
    daemon.tick()
    acted = effects(daemon)
    assert len(acted) == len(set(acted)) > 0
    daemon.tick()
    assert effects(daemon) == acted


def test_busy_warehouse_is_looked_at_in_the_next_tick(
    daemon: Daemon, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tick has 60 s and a run may hold the file for an hour: nothing is lost by looking away."""
    if not case.needs_warehouse:
        pytest.skip("opens no database")
    monkeypatch.setattr(ticks, "WAIT_S", 0)
    case.arrange(daemon)
    with Warehouse.of(daemon.home).reserved("a long run"):
        assert daemon.tick() == []
        assert "looked away" in daemon.said
        assert "a long run" in daemon.said
    settle(daemon, case)
    assert effects(daemon)


def test_nothing_loaded_yet(daemon: Daemon) -> None:
    """A sensor must not create the warehouse."""
    assert daemon.tick() == []
    assert daemon.said
    assert list(daemon.home.home.iterdir()) == []


def test_every_sensor_has_a_case(tmp_path: Path) -> None:
    """A new sensor is tried like the others; conditions are evaluated by Dagster and tested in test_conditions."""
    sensors = {one.name for one in build_sensors(Settings(home=tmp_path))}
    assert sensors - {"published_follows"} == set(CASES)
