"""Dagster's own launcher of runs, plus two answers it does not give: does a run live, and how is it stopped.

The stock launcher cannot tell a run whose process was killed from one that takes long: such a run keeps its place in
the queue and in the pool `warehouse` for ever, and everybody waits. Here Dagster's run monitoring asks the operating
system. All runs of a home are started on one machine, because its database is a file on a local disk.
"""

import os
import signal

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from xbec_platform.operations.run_process import is_alive, process_of


class LocalRunLauncher(DefaultRunLauncher):
    """The stock launcher for runs of this machine, those of `xbec backfill` and `xbec run` included."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Run monitoring may ask."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the process of a run that says it runs is still there."""
        process = process_of(self._instance, run.run_id)
        if is_alive(process):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(
            WorkerStatus.FAILED,
            f"process {process.number if process else '?'} is gone: it was killed or the machine was restarted; "
            "what it had stored stays, its last transaction was rolled back",
        )

    def terminate(self, run_id: str) -> bool:
        """Stop a run; one of a terminal, which no code server knows, is interrupted as by Ctrl-C."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished or GRPC_INFO_TAG in run.tags:
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        process = process_of(self._instance, run_id)
        if process is None or not is_alive(process):
            return False
        self._instance.report_run_canceling(run)
        os.kill(process.number, signal.SIGINT)
        return True
