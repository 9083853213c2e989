"""Runs of a backfill one after the other, and what is known when one of them fails or is interrupted. No plan here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import dagster as dg

from xbec_platform.automation.jobs import ALWAYS, REBUILD_TAG
from xbec_platform.operations.day_progress import LOGGER, day_logger
from xbec_platform.partitions import range_tags

if TYPE_CHECKING:
    from xbec_platform.operations.backfill_plan import PlannedRun

TAG = "xbec/backfill"


@dataclass(frozen=True)
class RunResult:
    """How one run ended.

    Attributes:
        succeeded: Every step ran.
        failed_checks: (asset, check) that did not pass.
    """

    succeeded: bool
    failed_checks: tuple[tuple[str, str], ...] = ()


class Runner(Protocol):
    """Whatever runs a job over a range of days."""

    def why_not(self, run: "PlannedRun") -> str:
        """Why a run makes no sense now; empty when it does."""

    def run(self, run: "PlannedRun") -> RunResult:
        """Run it to its end; an interrupt (`KeyboardInterrupt`) passes through after the work was rolled back."""


@dataclass(frozen=True)
class Outcome:
    """How a backfill ended.

    Attributes:
        finished: Runs that succeeded, in order.
        skipped: Runs that made no sense, each with the reason.
        stopped_at: The run that failed or was interrupted; later ones were not begun.
        left: Runs not begun.
        is_interrupted: Somebody stopped it.
        failed_checks: (asset, check) of all runs that did not pass.
    """

    finished: tuple["PlannedRun", ...] = ()
    skipped: tuple[tuple["PlannedRun", str], ...] = ()
    stopped_at: "PlannedRun | None" = None
    left: tuple["PlannedRun", ...] = ()
    is_interrupted: bool = False
    failed_checks: tuple[tuple[str, str], ...] = ()

    @property
    def succeeded(self) -> bool:
        """Nothing failed and nobody stopped it."""
        return self.stopped_at is None


def execute(
    runs: Sequence["PlannedRun"], runner: Runner, tell: Callable[[int, "PlannedRun"], None]
) -> Outcome:
    """Run them in order and stop at the first that fails: what is known as of a day builds on the days before.

    Args:
        runs: Of a plan.
        runner: Runs each.
        tell: Told (number from 0, run) before each begins.
    """
    outcome = Outcome()
    for number, run in enumerate(runs):
        tell(number, run)
        reason = runner.why_not(run)
        if reason:
            outcome = replace(outcome, skipped=(*outcome.skipped, (run, reason)))
            continue
        stopped = replace(outcome, stopped_at=run, left=tuple(runs[number + 1 :]))
        try:
            result = runner.run(run)
        except KeyboardInterrupt:
            return replace(stopped, is_interrupted=True)
        failed_checks = (*outcome.failed_checks, *result.failed_checks)
        if not result.succeeded:
            return replace(stopped, failed_checks=failed_checks)
        outcome = replace(outcome, finished=(*outcome.finished, run), failed_checks=failed_checks)
    return outcome


class DagsterRunner:
    """Runs the jobs of a home in this process, as the UI's range backfill runs them.

    Args:
        definitions: Of the home.
        instance: Dagster's storage of the home.
        obstacle: Why a run makes no sense now, empty when it does; asked right before it.
        log_format: What is told on the terminal: text or json.
    """

    def __init__(
        self,
        definitions: dg.Definitions,
        instance: dg.DagsterInstance,
        obstacle: Callable[["PlannedRun"], str] = lambda run: "",
        log_format: str = "text",
    ) -> None:
        logger = dg.Definitions(loggers={LOGGER: day_logger(log_format)})
        self._definitions = dg.Definitions.merge(definitions, logger)
        self._instance = instance
        self._obstacle = obstacle

    def why_not(self, run: "PlannedRun") -> str:
        """What the caller knows of it."""
        return self._obstacle(run)

    def run(self, run: "PlannedRun") -> RunResult:
        """One Dagster run over the range. Dagster rolls an interrupted step back, notes it, and returns."""
        bounds = {"first": run.first.isoformat(), "last": run.last.isoformat()}
        result = self._definitions.resolve_job_def(run.job).execute_in_process(
            instance=self._instance,
            tags={
                **range_tags(run.first, run.last + timedelta(days=1)),
                TAG: f"{run.first}..{run.last}",
                # Whoever asks for days again gets them built, also where nothing is known to have changed.
                REBUILD_TAG: ALWAYS,
            },
            run_config={"loggers": {LOGGER: {"config": bounds}}},
            asset_selection=[dg.AssetKey(name.split("/")) for name in run.assets],
            raise_on_error=False,
        )
        if any(_is_interrupt(event) for event in result.all_events):
            raise KeyboardInterrupt
        failed = [
            ("/".join(check.asset_key.path), check.check_name)
            for check in result.get_asset_check_evaluations()
            if not check.passed
        ]
        return RunResult(result.success, tuple(failed))


def _is_interrupt(event: dg.DagsterEvent) -> bool:
    """Whether this is the end of a run that somebody stopped."""
    if event.event_type != dg.DagsterEventType.RUN_FAILURE:
        return False
    error = event.job_failure_data.error
    return error is not None and error.cls_name in {"DagsterExecutionInterruptedError", "KeyboardInterrupt"}
