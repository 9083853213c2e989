"""Dagster's storage of a home: what its configuration says, and whose changes stay; runs that live or do not."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.instance.config import dagster_instance_config
from dagster._core.launcher import WorkerStatus

from xbec_platform.instance import instance_config, open_instance, prepare_instance
from xbec_platform.run_launcher import LocalRunLauncher
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform_tests.integration.services.processes import PATIENCE_S

RUN_THAT_LASTS = """
import sys, time
from pathlib import Path
import dagster as dg
from xbec_platform.instance import open_instance
from xbec_platform.settings import Settings

@dg.op
def last(context):
    print(context.run_id, flush=True)
    time.sleep(600)

@dg.job
def lasting():
    last()

instance = open_instance(Settings(home=Path(sys.argv[1])))
lasting.execute_in_process(instance=instance, raise_on_error=False)
"""


HOLDER = """
import sys
from pathlib import Path
from xbec_platform.warehouse.lock import turn
with turn(Path(sys.argv[1]), purpose="a long build", wait_s=1):
    print("in", flush=True)
    sys.stdin.read()
"""


@contextmanager
def opened(settings: Settings) -> Iterator[dg.DagsterInstance]:
    instance = open_instance(settings)
    try:
        yield instance
    finally:
        instance.dispose()


@contextmanager
def lasting_run(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A run of a terminal, in a process of its own, and its id."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", RUN_THAT_LASTS, str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("storage", ["sqlite", "postgres"])
def test_configuration_is_one_dagster_knows(
    tmp_path: Path, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both storages share queue, pools, monitoring, retries and retention."""
    monkeypatch.setenv("XBEC_POSTGRES_URL", "postgresql://nobody@127.0.0.1/none")
    prepare_instance(Settings(home=tmp_path, dagster_storage=storage))
    known, _ = dagster_instance_config(str(tmp_path / "dagster"))
    assert known["run_monitoring"]["enabled"]
    assert known["run_retries"] == {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False}
    assert known["concurrency"]["pools"] == {"default_limit": 1, "granularity": "run"}
    assert known["telemetry"] == {"enabled": False}


def test_old_configuration_of_ours_is_brought_up_to_date_and_a_persons_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home made by an older version gets the new choices; whoever deletes the first line keeps theirs."""
    monkeypatch.setenv("XBEC_POSTGRES_URL", "postgresql://nobody@127.0.0.1/none")
    settings = Settings(home=tmp_path)
    config = tmp_path / "dagster" / "dagster.yaml"
    config.parent.mkdir()
    config.write_text("# One transaction per thousand events: see xbec_platform/event_log.py.\nnux: {}\n")
    prepare_instance(settings)
    assert config.read_text() == instance_config(settings)
    prepare_instance(replace(settings, dagster_storage="postgres"))
    assert "postgres_url" in config.read_text()
    own = "nux: {enabled: true}\n"
    config.write_text(own)
    prepare_instance(settings)
    assert yaml.safe_load(config.read_text()) == {"nux": {"enabled": True}}


def test_wait_for_the_file_is_in_the_log_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The UI shows who has the file while a run waits, and when the wait is over."""
    monkeypatch.setattr("xbec_platform.warehouse.lock.FIRST_REPORT_S", 0.1)
    settings = Settings(home=tmp_path)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(settings.warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdout.readline()
    let_go = logging.Handler()
    let_go.emit = lambda record: holder.stdin.close()  # type: ignore[method-assign, union-attr]

    @dg.op
    def write() -> None:
        with Warehouse.of(settings).connect("warehouse plan"):
            pass

    @dg.job
    def writing() -> None:
        write()

    # Where the wait is told first, the holder lets go.
    monkeypatch.setattr(logging.getLogger("xbec_platform.warehouse.lock"), "handlers", [let_go])
    with opened(settings) as instance:
        result = writing.execute_in_process(instance=instance)
        told = [record.message for record in instance.all_logs(result.run_id)]
    holder.wait()
    assert any(
        "warehouse plan waits since" in text and f"held by process {holder.pid} (a long build, has it" in text
        for text in told
    ), told
    assert any("warehouse plan has warehouse.duckdb after a wait of" in text for text in told)


def test_killed_run_is_told_from_one_that_takes_long(tmp_path: Path) -> None:
    """Without this a killed run keeps the pool `warehouse` for ever, and every later run waits behind it."""
    settings = Settings(home=tmp_path)
    with opened(settings) as instance, lasting_run(tmp_path) as (process, run_id):
        launcher = instance.run_launcher
        assert isinstance(launcher, LocalRunLauncher)
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        health = launcher.check_run_worker_health(run)
    assert health.status == WorkerStatus.FAILED
    assert f"process {process.pid} is gone" in str(health.msg)


def test_run_of_a_terminal_is_stopped_from_the_ui(tmp_path: Path) -> None:
    """No code server knows it: it is interrupted as by Ctrl-C, and rolls its step back."""
    with opened(Settings(home=tmp_path)) as instance, lasting_run(tmp_path) as (process, run_id):
        assert instance.run_launcher.terminate(run_id)
        process.wait(timeout=PATIENCE_S)
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.is_finished


def test_processes_that_come_to_a_new_home_at_once_wait_until_its_storage_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster's own migration of a new SQLite file fails for whoever comes second while it runs."""
    settings = Settings(home=tmp_path)
    ended: list[bool] = []
    saw_it_made: list[bool] = []

    def from_config(_folder: str) -> str:
        saw_it_made.append(bool(ended))
        time.sleep(0.05)
        ended.append(True)
        return "instance"

    prepare_instance(settings)
    monkeypatch.setattr(dg.DagsterInstance, "from_config", from_config)
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: open_instance(settings), range(4)))
    assert opened == ["instance"] * 4
    assert sorted(saw_it_made) == [False, True, True, True]
