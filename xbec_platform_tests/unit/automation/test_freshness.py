"""Freshness is watched: the daemon of a home says which tables have grown old, though nobody asks."""

import time
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.events import DagsterEvent, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.controller import daemon_controller_from_instance

from xbec_platform.automation.freshness import kept_fresh
from xbec_platform.instance import open_instance
from xbec_platform.settings import Settings
from xbec_platform_tests.integration.services.processes import eventually

# Hours since each table was built; the policy warns after 26 and fails after 50.
AGES = {"punctual": 25, "late": 27, "lost": 51}
EXPECTED = {"punctual": FreshnessState.PASS, "late": FreshnessState.WARN, "lost": FreshnessState.FAIL}


@dg.definitions
def defs() -> dg.Definitions:
    """Tables of a group that every daily run builds, never built here."""
    specs = [dg.AssetSpec(name, group_name="platform") for name in AGES]
    return dg.Definitions(assets=[kept_fresh(Settings.from_env(), spec) for spec in specs])


def built(name: str, hours_ago: float) -> EventLogEntry:
    """A table was built, some hours ago."""
    event = DagsterEvent(
        event_type_value=dg.DagsterEventType.ASSET_MATERIALIZATION.value,
        job_name="daily",
        event_specific_data=StepMaterializationData(dg.AssetMaterialization(name)),
    )
    moment = time.time() - timedelta(hours=hours_ago).total_seconds()
    run_id = dg.DagsterRun(job_name="daily").run_id
    return EventLogEntry(None, 20, "", run_id, moment, None, "daily", event)  # type: ignore[no-untyped-call]


def test_the_daemon_says_what_has_grown_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks: no page is open, no sensor is on; all daemons that the home's configuration names run."""
    monkeypatch.setenv("XBEC_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    keys = {name: dg.AssetKey(name) for name in AGES}
    target = InProcessWorkspaceLoadTarget(
        InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name=__name__))
    )
    with open_instance(Settings(home=tmp_path)) as instance:
        for name, hours_ago in AGES.items():
            instance.event_log_storage.store_event(built(name, hours_ago))

        def seen() -> dict[str, FreshnessState]:
            records = instance.get_freshness_state_records(list(keys.values()))
            return {name: records[key].freshness_state for name, key in keys.items() if key in records}

        with daemon_controller_from_instance(instance, target):
            eventually(lambda: len(seen()) == len(keys), "the freshness of all tables")
        assert seen() == EXPECTED
