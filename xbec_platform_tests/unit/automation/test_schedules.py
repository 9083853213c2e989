"""Schedules: which day, when none; a plan is made again only where facts are newer than it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from xbec_platform.asset_keys import ASSIGNMENT_SUMMARY, mart
from xbec_platform.automation.jobs import LOGISTICS
from xbec_platform.automation.schedules import CLOCKS, build_schedules, nothing_new
from xbec_platform.settings import Settings

DAY = date(2026, 1, 5)


def materialise(instance: dg.DagsterInstance, key: dg.AssetKey) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=DAY.isoformat()))


def tick(
    home: Settings, name: str, instance: dg.DagsterInstance, moment: datetime
) -> dg.RunRequest | dg.SkipReason:
    schedule = next(one for one in build_schedules(home) if one.name == name)
    context = dg.build_schedule_context(instance=instance, scheduled_execution_time=moment)
    found = schedule(context)
    assert isinstance(found, dg.RunRequest | dg.SkipReason)
    return found


def test_replan_follows_the_facts(tmp_path: Path) -> None:
    """A start costs 9 CPU s: without new rows the plan stays."""
    home = Settings(home=tmp_path, start_date=date(2026, 1, 1))
    moment = datetime(2026, 1, 6, 4, tzinfo=UTC)
    with dg.instance_for_test() as instance:
        assert nothing_new(instance, DAY) == "2026-01-05 has no facts yet"
        materialise(instance, mart("fct_order_line"))
        asked = tick(home, "replan", instance, moment)
        assert isinstance(asked, dg.RunRequest)
        assert asked.partition_key == "2026-01-05"
        instance.add_run(
            dg.DagsterRun(job_name=LOGISTICS, run_id="r" * 32, status=dg.DagsterRunStatus.STARTED)
        )
        assert nothing_new(instance, DAY) == "logistics is running"
        instance.delete_run("r" * 32)
        materialise(instance, ASSIGNMENT_SUMMARY)
        assert "nothing has changed" in str(tick(home, "replan", instance, moment))
        materialise(instance, mart("fct_order_line"))
        assert isinstance(tick(home, "replan", instance, moment + timedelta(hours=2)), dg.RunRequest)


def test_same_tick_has_the_same_key(tmp_path: Path) -> None:
    """A daemon that starts again in the middle of a tick must not close a day twice."""
    home = Settings(home=tmp_path, start_date=date(2026, 1, 1))
    moment = datetime(2026, 1, 6, 0, 30, tzinfo=UTC)
    with dg.DagsterInstance.ephemeral() as instance:
        first, second = (tick(home, "close_of_day", instance, moment) for _ in range(2))
    assert isinstance(first, dg.RunRequest)
    assert isinstance(second, dg.RunRequest)
    assert first.run_key == second.run_key
    assert first.partition_key == "2026-01-05"


@pytest.mark.parametrize("is_on", [False, True])
def test_stopped_until_switched_on(tmp_path: Path, *, is_on: bool) -> None:
    """One choice of the home switches all of them."""
    found = build_schedules(Settings(home=tmp_path, automation=is_on))
    assert len(found) == len(CLOCKS)
    wanted = dg.DefaultScheduleStatus.RUNNING if is_on else dg.DefaultScheduleStatus.STOPPED
    assert {one.default_status for one in found} == {wanted}
