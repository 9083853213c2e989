"""Structured logs: every run of a home, whoever starts it, one JSON object a line."""

import json
import os
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from xbec_platform.instance import open_instance
from xbec_platform.progress import run_loggers
from xbec_platform.run_log import JsonLinesHandler
from xbec_platform.settings import Settings

DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-10", timezone="UTC")


@dg.asset(key=["ml", "plan"], partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def plan(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    context.log.info("three days")
    return dg.MaterializeResult(metadata={"dagster/row_count": 7, "bytes": 100})


@dg.asset(deps=[plan])
def broken() -> None:
    raise ValueError("no such column")


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What a run over three days and a failing run wrote."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    old = tmp_path / "logs" / "runs-2020-01-01.jsonl"
    old.parent.mkdir()
    old.write_text("{}\n")
    instance = open_instance(Settings(home=tmp_path, start_date=date(2026, 1, 1)))
    tags = {
        "dagster/asset_partition_range_start": "2026-01-02",
        "dagster/asset_partition_range_end": "2026-01-04",
    }
    job = dg.define_asset_job("plans", selection=[plan])
    definitions = dg.Definitions(assets=[plan, broken], jobs=[job], executor=dg.in_process_executor)
    assert definitions.resolve_job_def("plans").execute_in_process(instance=instance, tags=tags).success
    dg.materialize([broken], instance=instance, raise_on_error=False, selection=[broken])
    instance.dispose()
    (path,) = (tmp_path / "logs").iterdir()
    assert path != old
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_runs_steps_and_assets(lines: list[dict[str, object]]) -> None:
    """An asset is one line however many days it was built for; old files go."""
    (built,) = [line for line in lines if line["event"] == "ASSET_BUILT"]
    kept = {
        name: built[name]
        for name in ("job", "first_day", "last_day", "step", "asset", "rows", "bytes", "partitions")
    }
    assert kept == {
        "job": "plans", "first_day": "2026-01-02", "last_day": "2026-01-04", "step": "ml__plan", "asset": "ml/plan",
        "rows": 7, "bytes": 100, "partitions": 3,
    }  # fmt: skip
    assert (built["first_partition"], built["last_partition"]) == ("2026-01-02", "2026-01-04")
    (done,) = [line for line in lines if line["event"] == "STEP_SUCCESS"]
    assert isinstance(done["duration_s"], float)
    assert isinstance(done["cpu_s"], float)
    events = [line["event"] for line in lines]
    assert events[0] == "RUN_START"
    assert events[-1] == "RUN_FAILURE"
    assert [line["message"] for line in lines if line["event"] == "LOG"] == ["three days"]
    (failed,) = [line for line in lines if line["event"] == "STEP_FAILURE"]
    assert failed["run_id"] != done["run_id"]


def test_a_full_disk_stops_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Logs are for reading: a run that computes well must not fail because of them."""
    import logging

    place = tmp_path / "file"
    place.write_text("")
    handler = JsonLinesHandler(str(place / "logs"))
    handler.emit(logging.LogRecord("x", logging.INFO, "x", 1, "text", None, None))
    assert "Error" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208


def told(capsys: pytest.CaptureFixture[str], log_format: str) -> list[str]:
    """What a terminal sees of a run whose second step fails."""
    job = dg.define_asset_job("plans", selection=[plan, broken])
    definitions = dg.Definitions(
        assets=[plan, broken], jobs=[job], executor=dg.in_process_executor, loggers=run_loggers(log_format)
    )
    with dg.DagsterInstance.ephemeral() as instance:
        definitions.resolve_job_def("plans").execute_in_process(
            instance=instance,
            tags={"dagster/partition": "2026-01-02"},
            run_config={"loggers": {"progress": {}}},
            raise_on_error=False,
        )
    return capsys.readouterr().err.splitlines()


def test_a_terminal_is_told_in_json_where_the_home_wants_it(capsys: pytest.CaptureFixture[str]) -> None:
    """`log_format: json`: what the file of the home holds, for a collector of logs that reads standard error."""
    lines = [json.loads(line) for line in told(capsys, "json")]
    assert [line["event"] for line in lines] == [
        "RUN_START", "STEP_START", "LOG", "STEP_SUCCESS", "ASSET_BUILT", "STEP_START", "STEP_FAILURE", "RUN_FAILURE",
    ]  # fmt: skip
    assert len({line["run_id"] for line in lines}) == 1
    assert {(line["first_day"], line["last_day"]) for line in lines} == {("2026-01-02", "2026-01-02")}


def test_a_person_is_told_why_a_step_failed(capsys: pytest.CaptureFixture[str]) -> None:
    """The cause stands behind the step's name; nobody has to look for it in the UI."""
    lines = told(capsys, "text")
    assert [line.split(" s  ")[1] for line in lines if "ml__plan" in line] == ["… ml__plan", "✓ ml__plan"]
    assert lines[-1].endswith("✗ broken: ValueError: no such column")
