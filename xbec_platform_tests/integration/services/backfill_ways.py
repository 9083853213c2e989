"""The ways to ask for a backfill, all in one process: the UI's mutation, Dagster's command, `xbec backfill`.

By hand, over a copy of a home, for a job and all its tables:

    python -m xbec_platform_tests.integration.services.backfill_ways HOME logistics 2026-01-23 2026-01-24

Runs are executed where they are launched instead of in processes of their own; everything else is what the web server,
the daemon and the commands do.
"""

import logging
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._cli import job as dagster_job
from dagster._cli.workspace.cli_target import WorkspaceOpts
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.backfill import execute_backfill_iteration
from dagster_graphql.cli import execute_query
from typer.testing import CliRunner

from xbec_platform import asset_keys
from xbec_platform.cli import app
from xbec_platform.instance import open_instance
from xbec_platform.partitions import days, run_days
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.fingerprint import fingerprints
from xbec_platform_tests.integration.services import small_job

IN_THIS_PROCESS = {
    "run_launcher": {
        "module": "dagster._core.launcher.sync_in_memory_run_launcher",
        "class": "SyncInMemoryRunLauncher",
    },
    "run_coordinator": {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"},
    "telemetry": {"enabled": False},
}
# As the asset page sends it (`LaunchPartitionBackfill` in its JavaScript).
LAUNCH = """
mutation($backfill: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $backfill) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }
"""


@dataclass(frozen=True)
class Made:
    """What came of one way.

    Attributes:
        runs: First and last day of each run, in order of the days.
        tables: Rows and hash of each table.
    """

    runs: list[list[str]]
    tables: dict[str, tuple[int, str]]


@dataclass(frozen=True)
class Ways:
    """A home whose backfills run in this process.

    Attributes:
        settings: The home.
        workspace: Its definitions.
        instance: Dagster's storage.
        job: The job of Dagster's command.
        keys: Its assets with days.
    """

    settings: Settings
    workspace: WorkspaceProcessContext
    instance: dg.DagsterInstance
    job: str
    keys: Sequence[dg.AssetKey]

    def ui(self, asked: Sequence[str]) -> None:
        """The mutation of the asset page, then the daemon's turn."""
        wanted = {
            "assetSelection": [{"path": list(key.path)} for key in self.keys],
            "partitionNames": list(asked),
            "fromFailure": False,
            "tags": [],
        }
        answer = execute_query(self.workspace, LAUNCH, {"backfill": wanted})["data"][
            "launchPartitionBackfill"
        ]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        for _ in range(2):  # one turn to launch, one to see that all is over
            errors = list(execute_backfill_iteration(self.workspace, logging.getLogger("backfill")))
            assert not any(errors), errors
        backfill = self.instance.get_backfill(answer["backfillId"])
        assert backfill is not None
        assert backfill.status.value == "COMPLETED_SUCCESS", backfill

    def dagster(self, asked: Sequence[str]) -> None:
        """`dagster job backfill --job JOB --partitions DAY,DAY --noprompt`."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dagster_job, "get_workspace_from_cli_opts", self._given)
            dagster_job.execute_backfill_command(
                workspace_opts=WorkspaceOpts(),
                partitions=",".join(asked),
                noprompt=True,
                job_name=self.job,
                instance=self.instance,
            )

    def xbec(self, asked: Sequence[str]) -> None:
        """`xbec backfill --select ... --from DAY --to DAY`."""
        select = " or ".join(f'key:"{key.to_user_string()}"' for key in self.keys)
        done = CliRunner(env={"XBEC_HOME": str(self.settings.home)}).invoke(
            app, ["backfill", "--select", select, "--from", asked[0], "--to", asked[-1]]
        )
        assert done.exit_code == 0, done.output

    def anew(self, way: Callable[[Sequence[str]], None], asked: Sequence[str]) -> Made:
        """Forget the days, have them built in a way, look at the tables of models."""
        names = [asset_keys.table(key) for key in self.keys if key.path[0] == asset_keys.ML]
        with Warehouse.of(self.settings).transaction("test") as connection:
            for name in names:
                connection.execute(
                    f"DELETE FROM {name} WHERE as_of_date BETWEEN ? AND ?", [asked[0], asked[-1]]
                )
        before = {run.run_id for run in self.instance.get_runs()}
        way(asked)
        runs = [run for run in self.instance.get_runs() if run.run_id not in before]
        assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
        with Warehouse.of(self.settings).connect("test") as connection:
            known = fingerprints(connection, ["ml"])
        spans = sorted([str(day) for day in run_days(run.tags)] for run in runs)
        return Made(spans, {name: known[name] for name in names})

    @contextmanager
    def _given(self, *_: object, **__: object) -> Iterator[object]:
        yield self.workspace.create_request_context()


@contextmanager
def backfill_ways(settings: Settings, job: str) -> Iterator[Ways]:
    """The platform over a home whose Dagster storage starts anew."""
    folder = settings.dagster_home
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "dagster.yaml").write_text(yaml.safe_dump(IN_THIS_PROCESS))
    origin = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name=small_job.__name__))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XBEC_HOME", str(settings.home))
        instance = open_instance(settings)
        with instance, WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(origin)) as workspace:
            (location,) = workspace.create_request_context().code_locations
            (repository,) = location.get_repositories().values()
            graph = repository.asset_graph
            keys = [key for key in repository.get_asset_keys_in_job(job) if graph.get(key).is_partitioned]
            yield Ways(settings, workspace, instance, job, sorted(keys))


def main(home: Path, job: str, first: str, last: str) -> None:
    """Print how many runs each way takes and which tables differ; from the first day to the last, both included."""
    end = date.fromisoformat(last) + timedelta(days=1)
    asked = [day.isoformat() for day in days(date.fromisoformat(first), end)]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "home"
        shutil.copytree(home, copy, ignore=shutil.ignore_patterns("exports"))
        settings = Settings.from_env({"XBEC_HOME": str(copy)})
        with backfill_ways(settings, job) as ways:
            made = {way.__name__: ways.anew(way, asked) for way in (ways.ui, ways.dagster, ways.xbec)}
    states = [one.tables for one in made.values()]
    for name, one in made.items():
        print(f"{name:10} {len(one.runs)} runs: {one.runs}")
    differing = [name for name in states[0] if len({state[name] for state in states}) > 1]
    print(f"{len(states[0])} tables, {len(differing)} differ {differing}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
