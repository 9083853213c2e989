"""Pre-sale windows: one plan a UTC day, told in the time of each market; a day that was planned since is left alone."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import dagster as dg
import pytest

from xbec_platform.asset_keys import ASSIGNMENT_SUMMARY
from xbec_platform.automation.presale_windows import Closing, build_presale_sensor, wanted
from xbec_platform.automation.time_zones import zone_of
from xbec_platform.settings import Settings
from xbec_platform_tests.unit.automation.cases import presale
from xbec_platform_tests.unit.automation.daemon import Daemon

# 20:00 in New York on the 10th is 01:00 UTC and 09:00 in China on the 11th.
CLOSED = datetime(2025, 11, 11, 1)


@pytest.mark.parametrize(
    ("market", "zone"),
    [
        ("CN", "Asia/Shanghai"),
        ("US", "America/New_York"),
        ("AU", "Australia/Sydney"),
        ("DE", "Europe/Berlin"),
        ("??", "UTC"),
    ],
)
def test_zone_of_a_market(market: str, zone: str) -> None:
    """The zone of the most people, not the first by geography (Lord Howe Island)."""
    assert zone_of(market).key == zone


def test_closings_of_a_day_are_one_plan_in_market_time() -> None:
    """Data counts in UTC days; people are told their own time."""
    closings = [
        Closing("PS1", "deposit", CLOSED, ("CN", "US")),
        Closing("PS2", "balance", CLOSED.replace(hour=23), ()),
        Closing("PS3", "deposit", CLOSED.replace(day=9), ("DE",)),
    ]
    (day, plan), (earlier, _) = wanted(closings)
    assert (day, earlier) == (date(2025, 11, 11), date(2025, 11, 9))
    assert plan.tags["xbec/why"] == (
        "PS1 deposit closed 2025-11-11 09:00 in CN, 2025-11-10 20:00 in US; PS2 balance closed 2025-11-11 23:00 UTC"
    )
    assert plan.state != wanted(closings[1:])[0][1].state


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A home that ended after the day of the closing."""
    home = Settings(home=tmp_path, start_date=date(2025, 11, 1), end_date=date(2025, 11, 12))
    with dg.DagsterInstance.ephemeral() as instance:
        yield Daemon(home, build_presale_sensor, instance)


def test_day_planned_after_it_was_over_needs_no_plan(daemon: Daemon) -> None:
    """The close of day plans it anyway, with all its files."""
    presale("PS1", CLOSED)(daemon)
    planned = dg.AssetMaterialization(ASSIGNMENT_SUMMARY, partition="2025-11-11")
    daemon.instance.report_runless_asset_event(planned)
    assert daemon.tick() == []
    assert daemon.said == "no window has closed since the last plan"


def test_home_that_ended_lives_on_its_last_day(daemon: Daemon) -> None:
    """A replay of last year's shop plans the windows of last year, but none that closed long before its end."""
    presale("PS1", CLOSED)(daemon)
    presale("PS0", CLOSED.replace(day=2))(daemon)
    assert [one.tags["dagster/asset_partition_range_start"] for one in daemon.tick()] == ["2025-11-11"]
