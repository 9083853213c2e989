"""The catalogue as engineers meet it: the asset with its checks on a real file, and columns in the UI."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from xbec_platform import asset_keys
from xbec_platform.assets.catalogue import CATALOGUE, build_catalogue_assets, live_schemas
from xbec_platform.assets.dbt_models import build_dbt_assets
from xbec_platform.assets.intake import build_intake_assets
from xbec_platform.assets.model_tables import model_spec
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import column_schema, described
from xbec_platform.checks.catalogue import build_catalogue_checks
from xbec_platform.ingest.contracts import Column, contracts
from xbec_platform.ingest.store import create_tables
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform_tests.unit.catalogue.small_warehouse import personal_columns


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, dg.AssetSpec]:
    """Specs of raw tables and dbt models by table, as the UI shows them."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), start_date=date(2026, 1, 1))
    settings.announce()
    assets = [*build_intake_assets(settings), *build_dbt_assets(settings)]
    return {asset_keys.table(spec.key): described(spec) for one in assets for spec in one.specs}


def run(
    home: Path, statements: str = ""
) -> tuple[dict[str, tuple[bool, Any]], list[tuple[str, str, str]], Any]:
    """Verdicts of the checks, personal columns and metadata after a run over an intake's tables and more."""
    warehouse = Warehouse(home / "warehouse.duckdb")
    with warehouse.transaction("test") as connection:
        create_tables(connection)
        connection.execute(statements)
    settings = Settings(home=home)
    settings.announce()
    result = dg.materialize(
        [*build_catalogue_assets(build_intake_assets(settings)), *build_catalogue_checks()],
        resources={"warehouse": WarehouseResource.of(settings)},
    )
    verdicts = {
        check.check_name: (check.passed, check.metadata.get("samples"))
        for check in result.get_asset_check_evaluations()
    }
    rows = warehouse.read_frame("FROM ops.catalogue", purpose="test")
    (event,) = result.asset_materializations_for_node("catalogue")
    return verdicts, personal_columns(rows), event.metadata


def test_all_tables_of_the_intake_are_classified(tmp_path: Path) -> None:
    """Every check passes on what the intake itself makes, and the personal columns are those of the contracts."""
    verdicts, personal, metadata = run(tmp_path)
    assert verdicts == dict.fromkeys(
        (
            "every_column_listed",
            "every_column_classified",
            "every_table_described",
            "columns_stay",
            "declarations_hold",
        ),
        (True, None),
    )
    promised = {
        (f"raw.{contract.source}", name, column.pii)
        for contract in contracts().values()
        for name, column in contract.columns.items()
        if column.pii != "none"
    }
    own = {row for row in personal if row[0].startswith("raw.") and row[1] != "_extra"}
    assert own == promised
    assert {("quarantine.records", "raw_json", "contact"), ("ops.repairs", "before", "contact")} <= set(
        personal
    )
    assert metadata["personal columns"].value == len(personal)


def test_what_nobody_classified_or_described_is_named(tmp_path: Path) -> None:
    """A new table with a person and a free text: the warning says which column, a view counts like a table."""
    verdicts, personal, _ = run(
        tmp_path,
        "CREATE SCHEMA ml; CREATE TABLE ml.stray (customer_id VARCHAR, remark VARCHAR, n BIGINT);"
        "CREATE SCHEMA staging; CREATE VIEW staging.v AS SELECT customer_id AS buyer_id, remark FROM ml.stray",
    )
    passed, samples = verdicts["every_column_classified"]
    assert not passed
    assert "ml.stray · remark" in samples.value
    assert "staging.v · remark" in samples.value
    assert "ml.stray · no grain, no owner, no domain" in verdicts["every_table_described"][1].value
    assert verdicts["every_column_listed"][0]
    assert {("ml.stray", "customer_id", "identifier"), ("staging.v", "buyer_id", "identifier")} <= set(
        personal
    )


def test_a_column_added_behind_the_catalogue_blocks(tmp_path: Path) -> None:
    """A stale catalogue would let erasure miss a column."""
    run(tmp_path)
    with Warehouse(tmp_path / "warehouse.duckdb").transaction("test") as connection:
        connection.execute("ALTER TABLE raw.orders ADD COLUMN phone VARCHAR")
    result = dg.materialize(
        build_catalogue_checks(),
        resources={"warehouse": WarehouseResource.of(Settings(home=tmp_path))},
        selection=dg.AssetSelection.checks_for_assets(CATALOGUE),
        raise_on_error=False,
    )
    verdicts = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert not verdicts["every_column_listed"].passed
    assert "raw.orders · phone" in verdicts["every_column_listed"].metadata["samples"].value


def test_running_twice_gives_the_same_table(tmp_path: Path) -> None:
    """The table is made anew, it does not grow."""
    first, second = run(tmp_path), run(tmp_path)
    assert first[1] == second[1]
    assert first[2]["dagster/row_count"] == second[2]["dagster/row_count"]


def test_live_schemas_show_staging_as_it_is(tmp_path: Path) -> None:
    """Models that declare no columns show them once built, with what they inherit from the contract."""
    Settings(home=tmp_path).announce()
    with Warehouse(tmp_path / "w.duckdb").connect("test") as connection:
        connection.execute(
            "CREATE SCHEMA staging; CREATE TABLE staging.stg_customers (customer_id VARCHAR, birth_year BIGINT)"
        )
        schemas = dict(live_schemas(connection, ["staging"]))
    columns = {column.name: column for column in schemas["staging.stg_customers"].columns}
    assert columns["birth_year"].tags["pii"] == "quasi"
    assert columns["customer_id"].tags == {"pii": "identifier", "domain": "customer"}
    assert columns["customer_id"].constraints.unique


def test_raw_columns_in_the_ui() -> None:
    """Type, class, unit and promises of a contract's column."""
    contract = contracts()["orders"]
    totals = Column(name="goods_total", type="decimal(18,4)", unit="currency", min=0, nullable=False)
    shown = column_schema(replace(contract, columns={**contract.columns, "goods_total": totals}))
    column = next(column for column in shown.columns if column.name == "goods_total")
    assert column.tags == {"pii": "none", "domain": "sales", "unit": "currency"}
    assert (column.constraints.nullable, column.constraints.other) == (False, [">= 0"])


def test_dbt_models_show_grain_key_and_classes(specs: Mapping[str, dg.AssetSpec]) -> None:
    """On the asset itself, before anything has run."""
    mart = specs["marts.mart_rfm"]
    assert mart.tags["pii"] == "true"
    assert mart.tags["domain"] == "customer"
    assert mart.metadata["key"] == "as_of_date, customer_id"
    assert mart.metadata["grain"].startswith("one row per as-of day and customer")
    columns = {column.name: column.tags for column in mart.metadata["dagster/column_schema"].columns}
    assert columns["customer_id"]["pii"] == "identifier"
    assert columns["recency_days"]["unit"] == "days"
    assert specs["marts.dim_warehouse"].tags["pii"] == "false"
    assert specs["staging.stg_warehouses"].tags["pii"] == "false"
    assert specs["staging.stg_orders"].tags["pii"] == "true"


def test_no_declared_text_of_a_person_is_unclassified(specs: Mapping[str, dg.AssetSpec]) -> None:
    """Who adds a text column to a mart with persons says what it is: `config: {meta: {pii: ...}}`."""
    asked = [
        f"{table}.{column.name}"
        for table, spec in specs.items()
        if "dagster/column_schema" in spec.metadata
        for column in spec.metadata["dagster/column_schema"].columns
        if column.tags["pii"] == "unclassified"
    ]
    assert asked == []


def test_python_models_are_described_by_the_same_words() -> None:
    """Grain and key come out of the description, columns out of tables.yml; what a spec shows already stays."""
    spec = model_spec(
        asset_keys.RECS_DISCOVER,
        group="recommendations",
        owner="team:recommendations",
        kinds=set(),
        description="Lists. Grain: customer x rank. Key: as_of_date, customer_id, rank.",
        deps=[],
    )
    shown = described(spec)
    assert (shown.metadata["grain"], shown.metadata["key"]) == (
        "customer x rank",
        "as_of_date, customer_id, rank",
    )
    assert shown.metadata["personal columns"] == "customer_id"
    assert (shown.tags["domain"], shown.tags["pii"]) == ("customer", "true")
    kept = described(spec.merge_attributes(metadata={"grain": "mine"}))
    assert kept.metadata["grain"] == "mine"
