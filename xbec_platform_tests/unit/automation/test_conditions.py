"""Automation conditions, evaluated as Dagster's daemon does."""

from concurrent.futures import ThreadPoolExecutor

import dagster as dg
import pytest

from xbec_platform.automation.conditions import after_good_inputs

DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-03", timezone="UTC")
NEWEST = "2026-01-02"


@dg.asset(partitions_def=DAYS)
def plan() -> None: ...


@dg.asset_check(asset=plan, blocking=True)
def holds() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.asset(deps=[plan], partitions_def=DAYS, automation_condition=after_good_inputs())
def page() -> None: ...


DEFINITIONS = dg.Definitions(assets=[plan, page], asset_checks=[holds])


def build(instance: dg.DagsterInstance, *, day: str = NEWEST, passed: bool | None = True) -> None:
    """The plan was built, and its check said so or not."""
    instance.report_runless_asset_event(dg.AssetMaterialization("plan", partition=day))
    if passed is not None:
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=plan.key, check_name="holds", passed=passed, severity=dg.AssetCheckSeverity.ERROR,
                metadata={}, blocking=True, partition=None,
            )
        )  # fmt: skip


def requested(instance: dg.DagsterInstance, cursor: object = None) -> tuple[set[str], object]:
    """Days of the page that are asked for, and what the daemon remembers.

    In a thread: the evaluation starts an event loop, and the one of a browser test may run in this one.
    """
    with ThreadPoolExecutor(1) as thread:
        evaluation = thread.submit(
            dg.evaluate_automation_conditions,
            DEFINITIONS,
            instance=instance,
            cursor=cursor,  # type: ignore[arg-type]
        )
    result = evaluation.result()
    return set(result.get_requested_partitions(page.key)), result.cursor


def test_newest_day_follows_its_input_once() -> None:
    """Old days do not: backfilling a year must not publish a year."""
    with dg.DagsterInstance.ephemeral() as instance:
        days, cursor = requested(instance)
        assert days == set()
        build(instance, day="2026-01-01")
        days, cursor = requested(instance, cursor)
        assert days == set()
        build(instance)
        days, cursor = requested(instance, cursor)
        assert days == {NEWEST}
        assert requested(instance, cursor)[0] == set()


@pytest.mark.parametrize("passed", [False, True])
def test_failed_blocking_check_holds_back_later_runs(*, passed: bool) -> None:
    """In the same run Dagster itself does; in a later one only the condition does (dagster #25112)."""
    with dg.DagsterInstance.ephemeral() as instance:
        _, cursor = requested(instance)
        build(instance, passed=passed)
        assert requested(instance, cursor)[0] == ({NEWEST} if passed else set())


def test_stops_when_the_published_run_failed() -> None:
    """It does not ask again and again: 368,000 runs in two weeks were the record elsewhere."""
    with dg.DagsterInstance.ephemeral() as instance:
        _, cursor = requested(instance)
        build(instance)
        days, cursor = requested(instance, cursor)
        assert days == {NEWEST}
        for _ in range(3):
            days, cursor = requested(instance, cursor)
            assert days == set()
