"""`xbec queue`, `xbec dbt` and `xbec serve`: who has the file, dbt behind the wait, the parts of Dagster."""

import json
import os
from dataclasses import replace
from pathlib import Path

import yaml
from typer.testing import CliRunner

from xbec_platform.cli import app
from xbec_platform.commands.dbt import environment
from xbec_platform.commands.serve import Part, command_line
from xbec_platform.dbt_program import PROJECT_DIR
from xbec_platform.settings import Settings
from xbec_platform.warehouse.lock import turn


def run(home: Path, *words: str) -> str:
    result = CliRunner().invoke(app, list(words), env={"XBEC_HOME": str(home), "XBEC_LOCK_WAIT_S": "1"})
    return f"{result.exit_code} {result.output}"


def test_queue_tells_holder_and_nobody(tmp_path: Path) -> None:
    """Who has it, what for, since when; and that nobody has it."""
    assert run(tmp_path, "queue").startswith("0 nobody has")
    with turn(tmp_path / "warehouse.duckdb", purpose="facts [x]", wait_s=1):
        text = run(tmp_path, "queue")
        (told,) = json.loads(run(tmp_path, "queue", "--json").removeprefix("0 "))
    assert str(os.getpid()) in text
    assert "facts [x]" in text
    assert "has it since 0 s" in text
    assert (told["process"], told["purpose"], told["is_alive"]) == (os.getpid(), "facts [x]", True)


def test_dbt_waits_for_its_turn(tmp_path: Path) -> None:
    """A dbt command line is one more in the queue; a wait that ends says who has the file."""
    with turn(tmp_path / "warehouse.duckdb", purpose="a backfill", wait_s=1):
        text = run(tmp_path, "dbt", "build")
    assert text.startswith("1 ")
    assert "(xbec dbt build); it is held by process" in text
    assert "(a backfill, has it since" in text


def test_dbt_gets_its_places_where_none_are_given(tmp_path: Path) -> None:
    """Everything else is dbt's own."""
    mine = environment(Settings(home=tmp_path), {"DBT_LOG_PATH": "elsewhere", "HOME": "h"})
    assert mine == {
        "DBT_PROJECT_DIR": str(PROJECT_DIR),
        "DBT_PROFILES_DIR": str(PROJECT_DIR),
        "DBT_TARGET_PATH": str(tmp_path / "dbt"),
        "DBT_LOG_PATH": "elsewhere",
        "HOME": "h",
    }


def test_web_and_daemon_find_the_code_server(tmp_path: Path) -> None:
    """They share one file of the home; all of them listen on this machine only."""
    settings = Settings(home=tmp_path)
    settings.dagster_home.mkdir()
    code = command_line(settings, Part.CODE, port=4001, code_port=0)
    assert code[-4:] == ["-h", "127.0.0.1", "-p", "4001"]
    as_json = replace(settings, log_format="json")
    for part in (Part.CODE, Part.DAEMON, Part.WEB):
        assert command_line(as_json, part, port=0, code_port=4001)[-2:] == ["--log-format", "json"]
    for part in (Part.DAEMON, Part.WEB):
        command = command_line(settings, part, port=0, code_port=4001)
        place = Path(command[command.index("-w") + 1])
        assert yaml.safe_load(place.read_text()) == {
            "load_from": [
                {"grpc_server": {"host": "127.0.0.1", "port": 4001, "location_name": "xbec_platform"}}
            ]
        }
