"""What data engineers see: every asset has owner, group, kind, a description with grain and key, and a check."""

import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster_dbt.dbt_manifest import validate_manifest

from xbec_platform.assets.dbt_cli import dbt_project
from xbec_platform.automation.jobs import DAILY, DECISIONS, INTAKE_AND_FACTS
from xbec_platform.definitions import build_definitions
from xbec_platform.settings import Settings


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """Definitions of an empty home."""
    return build_definitions(
        Settings(home=tmp_path_factory.mktemp("home"), start_date=date(2026, 1, 1), end_date=date(2026, 2, 1))
    )


def specs(definitions: dg.Definitions) -> list[dg.AssetSpec]:
    return list(definitions.resolve_all_asset_specs())


def test_every_asset_has_owner_group_kind_and_description(definitions: dg.Definitions) -> None:
    """Nobody has to ask whose a table is or what one row of it means."""
    for spec in specs(definitions):
        name = spec.key.to_user_string()
        assert spec.owners, name
        assert spec.group_name not in {None, "default"}, name
        assert spec.kinds, name
        assert spec.description, name
        assert "grain" in spec.description.lower(), f"{name}: the description must state the grain"
        assert "key" in spec.description.lower(), f"{name}: the description must state the key"


def test_no_model_of_dbt_loses_a_new_column_without_a_word() -> None:
    """Dbt's own default leaves it out: tables of an older version would lack it for ever, and no run would say so."""
    models = [
        node["config"] | {"name": node["name"]}
        for node in validate_manifest(dbt_project().manifest_path)["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["materialized"] == "incremental"
    ]
    assert models
    assert not [model["name"] for model in models if model["on_schema_change"] != "fail"]


def test_tables_without_days_are_expected_daily_while_days_come(
    definitions: dg.Definitions, tmp_path: Path
) -> None:
    """The UI shows what has grown old; a history that has ended is not old."""
    assert not [spec.key for spec in specs(definitions) if spec.freshness_policy]
    living = specs(build_definitions(Settings(home=tmp_path)))
    expected = {spec.key.to_user_string(): spec for spec in living if spec.freshness_policy}
    assert {"marts/dim_customer", "marts/mart_waiting_rows", "ops/catalogue", "ops/platform_health"} <= set(
        expected
    )
    assert not [name for name, spec in expected.items() if spec.partitions_def]
    assert not [name for name in expected if name.startswith(("seeds/", "staging/", "raw/", "ml/"))]


def test_every_asset_has_a_check(definitions: dg.Definitions) -> None:
    """A table nobody checks is a table nobody trusts."""
    graph = definitions.resolve_asset_graph()
    checked = {key.asset_key for key in graph.asset_check_keys}
    unchecked = sorted(spec.key.to_user_string() for spec in specs(definitions) if spec.key not in checked)
    assert unchecked == []


def test_contract_and_conservation_checks_block(definitions: dg.Definitions) -> None:
    """What is downstream must not run on rows that break a contract or do not add up."""
    graph = definitions.resolve_asset_graph()
    blocking = {
        (key.asset_key.to_user_string(), key.name)
        for key in graph.asset_check_keys
        if graph.get_check_spec(key).blocking
    }
    assert {("raw/orders", "contract_holds"), ("ops/file_manifest", "rows_conserved")} <= blocking
    assert {
        ("ml/warehouse_assignment", "pieces_conserved"),
        ("ml/warehouse_assignment", "within_capacity"),
    } <= blocking


def test_every_operation_runs_by_itself_with_its_checks(definitions: dg.Definitions) -> None:
    """Whoever materialises one table gets its checks; those of other tables must not stand in the way."""
    job = definitions.resolve_job_def(DAILY)
    daily = job.asset_layer.executable_asset_keys
    for operation in definitions.assets or ():
        assert isinstance(operation, dg.AssetsDefinition)
        keys = set(operation.keys) & daily
        if not keys:
            continue
        alone = job.get_subset(asset_selection=keys).asset_layer.asset_graph
        judged = {key for key in job.asset_layer.asset_graph.asset_check_keys if key.asset_key in keys}
        assert alone.asset_check_keys == judged, operation.node_def.name


def test_partitioned_assets_take_a_range_in_one_run(definitions: dg.Definitions) -> None:
    """A backfill of a year is one run."""
    graph = definitions.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        if node.is_partitioned:
            assert node.backfill_policy == dg.BackfillPolicy.single_run(), key.to_user_string()


def test_a_run_calls_dbt_once(definitions: dg.Definitions) -> None:
    """All models are one operation, those without partitions too: every call of dbt costs 3 CPU s by itself."""
    for job in (INTAKE_AND_FACTS, DAILY):
        ops = [node.name for node in definitions.resolve_job_def(job).nodes if node.name.startswith("dbt")]
        assert ops == ["dbt_models"], job


def test_jobs_schedule_and_sensor_are_there_and_stopped(definitions: dg.Definitions) -> None:
    """Nothing starts by itself on a fresh machine."""
    for job in (INTAKE_AND_FACTS, DECISIONS, DAILY):
        assert definitions.resolve_job_def(job)
    assert definitions.resolve_schedule_def("close_of_day").default_status == dg.DefaultScheduleStatus.STOPPED
    assert definitions.resolve_sensor_def("landing_files").default_status == dg.DefaultSensorStatus.STOPPED


def test_schedule_asks_for_the_day_before_the_tick(definitions: dg.Definitions) -> None:
    """Half past midnight closes yesterday; a day outside the home is skipped with its reason."""
    schedule = definitions.resolve_schedule_def("close_of_day")
    context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 1, 11, 0, 30))
    request = schedule(context)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2026-01-10"
    outside = dg.build_schedule_context(scheduled_execution_time=datetime(2027, 1, 11, 0, 30))
    skipped = schedule(outside)
    assert isinstance(skipped, dg.SkipReason)
    assert "is no partition" in (skipped.skip_message or "")


HEAVY = ("sklearn", "scipy", "ortools", "altair", "vl_convert", "pandas", "dbt_common")


def test_heavy_libraries_are_not_reached_when_loading() -> None:
    """Every run process and every reload of the code server pays for what is imported here."""
    code = (
        "import sys, tempfile\nfrom pathlib import Path\n"
        "from xbec_platform.settings import Settings\nfrom xbec_platform.definitions import build_definitions\n"
        "build_definitions(Settings(home=Path(tempfile.mkdtemp()))).resolve_asset_graph()\n"
        "print(*[name for name in sys.argv[1:] if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *HEAVY],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.split() == []
