"""A code server as it runs all day: a run is cancelled in the UI, then the server is asked to end."""

import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import GrpcServerTarget
from dagster_graphql.cli import execute_query

from xbec_platform import asset_keys
from xbec_platform.automation.jobs import LOGISTICS
from xbec_platform.instance import instance_config, open_instance
from xbec_platform.partitions import days, range_tags
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.queue import tickets
from xbec_platform_tests.integration.homes import END, FIRST, Shop
from xbec_platform_tests.integration.services.processes import Service, eventually, free_port, service

PLAN = (
    asset_keys.ASSIGNMENT,
    asset_keys.ASSIGNMENT_UNSERVED,
    asset_keys.ASSIGNMENT_BOTTLENECKS,
    asset_keys.ASSIGNMENT_CONTAINERS,
    asset_keys.ASSIGNMENT_SUMMARY,
)
LOCATION = "xbec_platform"
# As the UI's launchpad and its button *Terminate* send them.
LAUNCH = """
mutation($run: ExecutionParams!) { launchRun(executionParams: $run) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
TERMINATE = "mutation($run: String!) { terminateRun(runId: $run) { __typename } }"


@pytest.fixture
def home(finished_shop: Shop, tmp_path: Path) -> Settings:
    """A shop with facts and no plans; its runs start at once, without the daemon's queue."""
    settings = replace(finished_shop.settings, home=tmp_path)
    settings.save()
    shutil.copy(finished_shop.settings.warehouse, settings.warehouse)
    with Warehouse.of(settings).transaction("test") as connection:
        for key in PLAN:
            connection.execute(f"DELETE FROM {asset_keys.table(key)}")
    settings.dagster_home.mkdir()
    own = yaml.safe_load(instance_config(settings)) | {
        "run_coordinator": {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"}
    }
    del own["concurrency"]["runs"]
    (settings.dagster_home / "dagster.yaml").write_text(yaml.safe_dump(own))
    return settings


@pytest.fixture
def code(home: Settings) -> Iterator[tuple[Service, int]]:
    port = free_port()
    with service(home, "serve", "code", "--port", str(port)) as running:
        eventually(lambda: running.is_up(port), "the code server")
        yield running, port


def ask(workspace: WorkspaceProcessContext, query: str, run: object) -> dict[str, Any]:
    """What the web server would answer."""
    (answer,) = execute_query(workspace, query, {"run": run})["data"].values()
    return dict(answer)


def stored(home: Settings, key: dg.AssetKey) -> list[str]:
    """Days with rows, in order."""
    with Warehouse.of(home).connect("test") as connection:
        sql = f"SELECT DISTINCT as_of_date FROM {asset_keys.table(key)} ORDER BY ALL"
        return [str(day) for (day,) in connection.execute(sql).fetchall()]


def told(instance: dg.DagsterInstance, run_id: str, key: dg.AssetKey) -> set[str]:
    """Days of an asset that a run has reported."""
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
    events = [one.event_log_entry.asset_materialization for one in records]
    return {str(event.partition) for event in events if event and event.asset_key == key}


def test_a_cancelled_run_leaves_whole_days_and_a_stopped_server_nothing(
    home: Settings, code: tuple[Service, int]
) -> None:
    """Tables of a day are stored together, so a day is in all of them or in none; what was told is what is there."""
    running, port = code
    every_day = [day.isoformat() for day in days(FIRST, END)]
    target = GrpcServerTarget(port=port, socket=None, host="127.0.0.1", location_name=LOCATION)
    with open_instance(home) as instance, WorkspaceProcessContext(instance, target) as workspace:
        wanted = {
            "selector": {
                "repositoryLocationName": LOCATION,
                "repositoryName": "__repository__",
                "pipelineName": LOGISTICS,
                "assetSelection": [{"path": list(key.path)} for key in PLAN],
                "assetCheckSelection": [],
            },
            "executionMetadata": {
                "tags": [{"key": key, "value": value} for key, value in range_tags(FIRST, END).items()]
            },
        }
        answer = ask(workspace, LAUNCH, wanted)
        assert answer["__typename"] == "LaunchRunSuccess", answer
        run_id = answer["run"]["runId"]
        summary = asset_keys.ASSIGNMENT_SUMMARY
        eventually(lambda: told(instance, run_id, summary), "a stored day", every_s=0.05)
        # A day more waits for the file until the run has been told, or a quick one would end before.
        with Warehouse.of(home).reserved("test"):
            assert ask(workspace, TERMINATE, run_id)["__typename"] == "TerminateRunSuccess"

        def ended() -> dg.DagsterRun | None:
            run = instance.get_run_by_id(run_id)
            return run if run and run.is_finished else None

        assert eventually(ended, "the end of the run").status == dg.DagsterRunStatus.CANCELED
        whole = stored(home, summary)
        assert whole == every_day[: len(whole)] != every_day
        # Days without an order have a summary only.
        assert {day for key in PLAN for day in stored(home, key)} == set(whole)
        assert told(instance, run_id, summary) == set(whole)
        assert not [one for one in tickets(home.warehouse) if one.is_alive]
    running.process.send_signal(signal.SIGTERM)
    eventually(lambda: not running.members(), "the end of all processes of the code server")
    assert running.process.wait() == 0
