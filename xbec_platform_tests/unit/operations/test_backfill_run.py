"""Runs of a backfill: in order, stopped at the first failure; a killed process leaves whole days and can go on."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import dagster as dg

from xbec_platform.instance import open_instance
from xbec_platform.operations.backfill_plan import PlannedRun
from xbec_platform.operations.backfill_run import TAG, DagsterRunner, Outcome, RunResult, execute
from xbec_platform.operations.inventory import FAILED, LOST, inventory
from xbec_platform.settings import Settings
from xbec_platform_tests.integration.services.processes import PATIENCE_S
from xbec_platform_tests.unit.operations.tiny_shop import (
    DAYS,
    FIRST,
    MODEL,
    ORDERS,
    PROFILE,
    ROWS,
    RUNS,
    CancelledOnCommit,
    definitions,
    shop,
    stored,
)

A, B, C = (PlannedRun("decisions", date(2026, 1, n), date(2026, 1, n), ("ml/x",)) for n in (1, 2, 3))
ALL_DAYS = [FIRST + timedelta(days=n) for n in range(DAYS)]


@dataclass
class FakeRunner:
    """Ends runs as it was told to and remembers them."""

    ends: dict[PlannedRun, RunResult | BaseException] = field(default_factory=dict)
    senseless: dict[PlannedRun, str] = field(default_factory=dict)
    ran: list[PlannedRun] = field(default_factory=list)

    def why_not(self, run: PlannedRun) -> str:
        """As told."""
        return self.senseless.get(run, "")

    def run(self, run: PlannedRun) -> RunResult:
        """Ends as told."""
        self.ran.append(run)
        end = self.ends.get(run, RunResult(succeeded=True))
        if isinstance(end, BaseException):
            raise end
        return end


def test_all_runs_in_order() -> None:
    """Oldest first, each told before it begins; checks that did not pass are kept to the end."""
    checked = RunResult(succeeded=True, failed_checks=(("marts/x", "unique_key"),))
    runner, told = FakeRunner({B: checked}), list[tuple[int, PlannedRun]]()
    outcome = execute([A, B, C], runner, lambda number, run: told.append((number, run)))
    assert runner.ran == [A, B, C]
    assert told == [(0, A), (1, B), (2, C)]
    assert outcome == Outcome(finished=(A, B, C), failed_checks=(("marts/x", "unique_key"),))
    assert outcome.succeeded


def test_first_failure_stops() -> None:
    """Decisions as of a day build on earlier days: going on would store numbers nobody can trust."""
    runner = FakeRunner({B: RunResult(succeeded=False, failed_checks=(("marts/x", "rows"),))})
    outcome = execute([A, B, C], runner, lambda number, run: None)
    assert runner.ran == [A, B]
    assert outcome == Outcome((A,), (), stopped_at=B, left=(C,), failed_checks=(("marts/x", "rows"),))
    assert not outcome.succeeded


def test_interrupt_is_no_failure_and_ends_the_backfill() -> None:
    """Ctrl-C must not begin the next run."""
    outcome = execute([A, B, C], FakeRunner({A: KeyboardInterrupt()}), lambda number, run: None)
    assert outcome == Outcome(stopped_at=A, left=(B, C), is_interrupted=True)


def test_senseless_run_is_left_out_with_its_reason() -> None:
    """A shop without orders has facts and no decisions; that is no failure."""
    runner = FakeRunner(senseless={B: "no orders"})
    outcome = execute([A, B, C], runner, lambda number, run: None)
    assert runner.ran == [A, C]
    assert outcome.skipped == ((B, "no orders"),)
    assert outcome.succeeded


def test_real_run_fills_its_days_and_is_marked(tmp_path: Path) -> None:
    """Only the days and assets asked for; the run can be found by its tag; a step that fails is no interrupt."""
    settings = shop(tmp_path)
    instance = open_instance(settings)
    some = PlannedRun("intake_and_facts", ALL_DAYS[1], ALL_DAYS[3], ("intermediate/orders",))
    assert DagsterRunner(definitions(settings), instance).run(some) == RunResult(succeeded=True)
    assert stored(settings) == {"intermediate.orders": dict.fromkeys(ALL_DAYS[1:4], ROWS)}
    assert instance.get_run_records()[0].dagster_run.tags[TAG] == f"{ALL_DAYS[1]}..{ALL_DAYS[3]}"
    broken = DagsterRunner(definitions(settings, broken_on=ALL_DAYS[2]), instance)
    decide = PlannedRun("decisions", ALL_DAYS[1], ALL_DAYS[3], ("ml/cluster_model", "ml/cluster_profile"))
    assert broken.run(decide) == RunResult(succeeded=False)
    assert stored(settings)["ml.cluster_model"] == {ALL_DAYS[1]: ROWS}
    instance.dispose()


def _stopped_after_three_days(home: Path, how: signal.Signals) -> tuple[int, str]:
    """A real backfill in a process of its own, stopped while the fourth day is made; its code and output."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "xbec_platform_tests.unit.operations.tiny_shop",
            str(home),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert process.stderr is not None
    for line in process.stderr:
        if f"day 3 of {DAYS}" in line:
            os.kill(process.pid, how)
            break
    output, _ = process.communicate(timeout=PATIENCE_S)
    return process.returncode, output


def _assert_whole_days_then_finish(settings: Settings, status: str) -> None:
    """Facts and the stored days are whole, Dagster's records say what to repeat, and a repetition completes it."""
    tables = stored(settings)
    assert tables["intermediate.orders"] == dict.fromkeys(ALL_DAYS, ROWS)
    assert tables["ml.cluster_model"] == tables["ml.cluster_profile"] == dict.fromkeys(ALL_DAYS[:3], ROWS)
    instance = open_instance(settings)
    unfinished = inventory(instance, [ORDERS, MODEL, PROFILE], ALL_DAYS)
    assert set(unfinished["asset_key"]) == {"ml/cluster_model", "ml/cluster_profile"}
    assert set(unfinished["status"]) == {status}
    # Days that were stored are known as finished: going on repeats none of them.
    assert unfinished["partition"].unique().sort().to_list() == ALL_DAYS[3:]
    outcome = execute(RUNS, DagsterRunner(definitions(settings), instance), lambda number, run: None)
    assert outcome == Outcome(finished=tuple(RUNS))
    assert stored(settings) == dict.fromkeys(
        ["ml.cluster_model", "ml.cluster_profile", "intermediate.orders"], dict.fromkeys(ALL_DAYS, ROWS)
    )
    assert inventory(instance, [ORDERS, MODEL, PROFILE], ALL_DAYS).is_empty()
    instance.dispose()


def test_interrupted_process_leaves_no_half_day(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a day: the day is rolled back, earlier ones stay, the exit code tells."""
    code, output = _stopped_after_three_days(tmp_path, signal.SIGINT)
    assert (code, output) == (1, "finished 1, interrupted True\n")
    _assert_whole_days_then_finish(shop(tmp_path), FAILED)


def test_cancel_between_keeping_a_day_and_telling_it_waits_for_both(tmp_path: Path) -> None:
    """A day that is kept and not told would be made once more, and the UI would say it is missing."""
    settings = shop(tmp_path)
    instance = open_instance(settings)
    cancelled = definitions(settings, kind=CancelledOnCommit)
    outcome = execute(RUNS, DagsterRunner(cancelled, instance), lambda number, run: None)
    assert outcome == Outcome(finished=(RUNS[0],), stopped_at=RUNS[1], is_interrupted=True)
    instance.dispose()
    _assert_whole_days_then_finish(settings, FAILED)


def test_each_day_keeps_its_own_rows(tmp_path: Path) -> None:
    """The last word on a day is that of the run's end; the UI still plots the rows of that day."""
    settings = shop(tmp_path)
    instance = open_instance(settings)
    assert DagsterRunner(definitions(settings), instance).run(RUNS[0]) == RunResult(succeeded=True)
    last = instance.fetch_materializations(
        dg.AssetRecordsFilter(ORDERS, asset_partitions=[ALL_DAYS[4].isoformat()]), limit=1
    ).records[0]
    assert last.asset_materialization is not None
    assert last.asset_materialization.metadata["dagster/partition_row_count"].value == ROWS
    instance.dispose()


def test_killed_process_leaves_no_half_day(tmp_path: Path) -> None:
    """With kill -9 nothing of ours runs any more, so what is whole is what the transactions made whole."""
    code, _ = _stopped_after_three_days(tmp_path, signal.SIGKILL)
    assert code == -signal.SIGKILL
    _assert_whole_days_then_finish(shop(tmp_path), LOST)
