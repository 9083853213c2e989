"""A daemon for tests: it keeps a sensor's cursor, drops run keys it has seen, and can die in the middle of a tick."""

from collections.abc import Callable
from dataclasses import dataclass, field

import dagster as dg

from xbec_platform.settings import Settings


@dataclass
class Daemon:
    """Evaluates one sensor of a home as Dagster's daemon does."""

    home: Settings
    build: Callable[[Settings], dg.SensorDefinition]
    instance: dg.DagsterInstance
    cursor: str | None = None
    keys: list[str] = field(default_factory=list)
    said: str = ""

    def tick(
        self, *, dies_before_runs: bool = False, dies_before_cursor: bool = False
    ) -> list[dg.RunRequest]:
        """One evaluation; new runs are started and returned."""
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        result = self.build(self.home).evaluate_tick(context)
        self.said = result.skip_message or ""
        if dies_before_runs:
            return []
        new = [one for one in result.run_requests or [] if one.run_key not in self.keys]
        for one in new:
            self.keys.append(str(one.run_key))
            job = one.job_name or "job"
            run = dg.DagsterRun(job_name=job, tags=dict(one.tags), status=dg.DagsterRunStatus.STARTED)
            self.instance.add_run(run)
        if not dies_before_cursor:
            self.cursor = result.cursor
        return new

    def end_runs(self, status: dg.DagsterRunStatus = dg.DagsterRunStatus.SUCCESS) -> None:
        """All open runs end."""
        kind = {
            dg.DagsterRunStatus.SUCCESS: dg.DagsterEventType.RUN_SUCCESS,
            dg.DagsterRunStatus.FAILURE: dg.DagsterEventType.RUN_FAILURE,
        }[status]
        for run in self.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
            event = dg.DagsterEvent(event_type_value=kind.value, job_name=run.job_name, message="ended")
            self.instance.report_dagster_event(event, run.run_id)
