"""`xbec backfill` at a terminal: exit codes, a dry run that changes no byte, and what an engineer reads."""

import hashlib
import json
import re
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
import typer
from typer.testing import CliRunner, Result

from xbec_platform.commands.backfill import backfill
from xbec_platform.ingest.intake import run_intake
from xbec_platform.instance import open_instance
from xbec_platform.main_job import NO_ORDERS
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.lock import turn
from xbec_platform_tests.unit.operations.tiny_shop import FIRST, ROWS, definitions, shop, stored

HEAD = "rate_date,currency,rate_to_base,source\n"
SELECT = 'key:"intermediate/orders" or group:customers'


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """One day loaded, another landed since, and Dagster's storage there."""
    settings = shop(tmp_path / "home")
    settings.save()
    land(settings, "dt=2026-01-02/a.csv", 3)
    run_intake(Warehouse.of(settings), settings.landing)
    land(settings, "dt=2026-01-03/b.csv", 6)
    open_instance(settings).dispose()
    return settings


def land(settings: Settings, name: str, rows: int) -> None:
    path = settings.landing / "fx_rates" / name
    path.parent.mkdir(parents=True)
    path.write_text(HEAD + "".join(f"2026-01-{n + 1:02d},USD,1.1,{name}\n" for n in range(rows)))


def call(settings: Settings, *words: str) -> Result:
    app = typer.Typer()
    app.command()(backfill)
    return CliRunner(env={"COLUMNS": "200", "XBEC_HOME": str(settings.home)}).invoke(app, list(words))


def digest(settings: Settings) -> dict[str, str]:
    """Every file of the home by its content."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(settings.home.rglob("*"))
        if path.is_file()
    }


def test_dry_run_tells_every_asset_and_changes_no_byte(home: Settings) -> None:
    """The real platform's assets: what is there, what would be read and why, and the home is as it was."""
    before = digest(home)
    done = call(home, "--from", "2026-01-02", "--to", "2026-01-03", "--dry-run", "--json", "--only-due")
    assert done.exit_code == 0, done.output
    assert digest(home) == before
    told = json.loads(done.output)
    assert [(day["partition"], day["files"], day["rows_loaded"]) for day in told["days"]] == [
        ("2026-01-02", 1, 3),
        ("2026-01-03", 1, 0),
    ]
    assert told["days"][1]["files_to_read"] == 1
    assert told["days"][1]["rows_to_read"] in {5, 6, 7}
    by_asset = {(one["partition"], one["asset_key"]): one for one in told["assets"]}
    assert by_asset["2026-01-02", "raw/fx_rates"]["reasons"] == ["never built"]
    assert by_asset["2026-01-03", "raw/fx_rates"]["reasons"] == ["never built", "files landed since"]
    # The loaded rates are of 1 to 3 January, and no fact knows them yet.
    assert by_asset["2026-01-03", "marts/fct_order"]["reasons"] == [
        "never built",
        "files landed since",
        "late rows",
    ]
    assert [(run["job"], run["from"], run["to"]) for run in told["runs"]] == [
        ("intake_and_facts", "2026-01-02", "2026-01-03"),
        ("decisions", "2026-01-02", "2026-01-03"),
    ]


def test_dry_run_as_a_table(home: Settings) -> None:
    """A line per day and reason; assets by schema where there are many."""
    plan = 'key:"ml/warehouse_assignment" or key:"ml/assignment_*"'
    done = call(home, "--from", "2026-01-03", "--to", "2026-01-03", "--dry-run", "--select", plan)
    assert done.exit_code == 0, done.output
    line = next(line for line in done.output.splitlines() if "2026-01-03" in line)
    assert [cell.strip() for cell in line.split("│")[1:7]] == [
        "2026-01-03",
        "yes",
        "5: ml 5",
        "never built, files landed since, late rows",
        "1",
        "1",
    ]
    assert "run 1 of 1: decisions, 1 days (2026-01-03), 5 assets" in done.output
    assert "nothing was changed" in done.output


def test_dry_run_without_dagster_and_warehouse_makes_neither(tmp_path: Path) -> None:
    """Looking at a home that never ran must not begin one."""
    settings = shop(tmp_path)
    settings.save()
    land(settings, "dt=2026-01-02/a.csv", 3)
    before = digest(settings)
    done = call(settings, "--dry-run", "--json", "--select", "raw/orders")
    assert done.exit_code == 0, done.output
    assert digest(settings) == before
    assert {tuple(one["reasons"]) for one in json.loads(done.output)["assets"]} == {
        ("never built",),
        ("never built", "files landed since"),
    }


def test_busy_warehouse_is_told_soon(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dry run does not stand in the queue for half an hour; it names who has the file."""
    monkeypatch.setattr("xbec_platform.operations.read_only.WAIT_S", 0.1)
    with turn(home.warehouse, purpose="a long run", wait_s=1):
        done = call(home, "--dry-run", "--select", "group:customers")
    assert done.exit_code == 1
    assert "the plan needs a look into the warehouse: waited 0 s for warehouse.duckdb" in done.output
    assert "a long run" in done.output


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--from", "2027-01-01"], 2, "its days are 2026-01-01 to 2026-01-12, both included"),
        (["--from", "2026-01-03", "--to", "2026-01-02"], 2, "comes after --to"),
        (["--select", "fct_order"], 2, "did you mean marts/fct_order"),
        (["--json"], 2, "give --dry-run along"),
        (["--from", "yesterday"], 2, "yesterday"),
    ],
)
def test_wrong_words_are_usage_errors(home: Settings, words: list[str], code: int, said: str) -> None:
    """Exit code 2 with what would be right; nothing runs."""
    done = call(home, *words)
    assert done.exit_code == code
    assert said in " ".join(done.output.split())


def test_home_without_files_is_exit_code_3(tmp_path: Path) -> None:
    """Nothing was delivered: a backfill could only make empty tables."""
    done = call(shop(tmp_path))
    assert done.exit_code == 3
    assert "holds no delivered files" in done.output


def test_files_outside_the_days_of_the_home_are_told(home: Settings) -> None:
    """They would be read by no run, and a plan that is silent about them looks complete."""
    land(home, "dt=2025-12-30/c.csv", 1)
    done = call(home, "--dry-run", "--select", SELECT)
    assert "files of 1 days, 2025-12-30 to 2025-12-30, lie outside" in done.output
    assert f"set start_date: 2025-12-30 in {home.home / 'home.yml'}" in done.output


def test_selection_whose_inputs_were_never_built_says_what_to_run(home: Settings) -> None:
    """DuckDB would say that a schema does not exist, after a minute of dbt."""
    done = call(home, "--select", "marts/fct_order")
    assert done.exit_code == 3
    said = " ".join(done.output.split())
    assert re.search("reads .*staging, of which nothing was built in this home yet", said), said
    assert "--select '+(marts/fct_order)'" in said


@pytest.fixture
def tiny(home: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The home with two quick assets instead of the platform's."""
    monkeypatch.setattr("xbec_platform.definitions.build_definitions", definitions)
    return home


def test_runs_both_jobs_over_the_range(tiny: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 0, every day stored, and each run announced with its days; a second time there is nothing due."""
    monkeypatch.setattr("xbec_platform.operations.backfill_state.has_orders", lambda _: True)
    done = call(tiny, "--to", "2026-01-04")
    assert done.exit_code == 0, done.output
    days = [date(2026, 1, day) for day in range(1, 5)]
    assert stored(tiny, "ml") == dict.fromkeys(
        ["ml.cluster_model", "ml.cluster_profile"], dict.fromkeys(days, ROWS)
    )
    assert "run 1 of 2: intake_and_facts, 4 days (2026-01-01 to 2026-01-04), 1 assets" in done.output
    assert "finished: decisions 2026-01-01 to 2026-01-04" in done.output


def test_only_due_days_run(tiny: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days that are built and unchanged are left alone; the landed file's day is due as long as it is not loaded."""
    monkeypatch.setattr("xbec_platform.operations.backfill_state.has_orders", lambda _: True)
    assert call(tiny, "--select", SELECT, "--from", "2026-01-05", "--to", "2026-01-06").exit_code == 0
    done = call(tiny, "--select", SELECT, "--from", "2026-01-05", "--to", "2026-01-07", "--only-due")
    assert "run 1 of 2: intake_and_facts, 1 days (2026-01-07)" in done.output
    again = call(tiny, "--select", SELECT, "--from", "2026-01-05", "--to", "2026-01-07", "--only-due")
    assert again.exit_code == 0
    assert "nothing is missing, failed or changed; nothing was run" in again.output


def test_failure_is_exit_code_1_and_says_how_to_go_on(
    tiny: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads the last line can type the next command."""
    monkeypatch.setattr("xbec_platform.operations.backfill_state.has_orders", lambda _: True)

    def breaking(settings: Settings) -> dg.Definitions:
        return definitions(settings, broken_on=date(2026, 1, 2))

    monkeypatch.setattr("xbec_platform.definitions.build_definitions", breaking)
    done = call(tiny, "--to", "2026-01-03", "--days-per-run", "1")
    assert done.exit_code == 1
    assert "failed in decisions 2026-01-02 to 2026-01-02; 1 runs were not begun" in done.output
    assert "xbec backfill --from 2026-01-02 --to 2026-01-03 --only-due" in done.output
    assert stored(tiny, "ml")["ml.cluster_model"] == {FIRST: ROWS}


def test_home_without_orders_decides_nothing(tiny: Settings) -> None:
    """As `xbec run`: a site with clicks only has facts; that is no failure."""
    done = call(tiny, "--to", "2026-01-01")
    assert done.exit_code == 0, done.output
    assert NO_ORDERS in done.output
    assert stored(tiny, "ml") == {}
