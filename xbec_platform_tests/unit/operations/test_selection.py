"""Selections of a backfill: Dagster's syntax, nothing silently left out, close names for a slip of the pen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from xbec_platform.automation.jobs import DAILY, DECISIONS, INTAKE_AND_FACTS
from xbec_platform.operations.landing_state import NO_TABLE
from xbec_platform.operations.selection import UnknownAssetError, selected_assets

DAYS = dg.DailyPartitionsDefinition("2026-01-01")


def asset(name: str, group: str, *deps: str, by_day: bool = True) -> dg.AssetsDefinition:
    spec = dg.AssetSpec(
        dg.AssetKey(name.split("/")), group_name=group, deps=[dg.AssetKey(one.split("/")) for one in deps]
    )

    @dg.multi_asset(specs=[spec], partitions_def=DAYS if by_day else None, name=name.replace("/", "_"))
    def filled() -> None:
        """Never run here."""

    return filled


@dg.multi_asset(
    specs=[
        dg.AssetSpec(dg.AssetKey(key), group_name="intake")
        for key in (["raw", "orders"], ["raw", "products"], ["ops", "file_manifest"])
    ],
    partitions_def=DAYS,
)
def intake() -> Iterator[dg.MaterializeResult[Any]]:
    """One operation that fills three tables, as the platform's does; never run here."""
    yield dg.MaterializeResult(asset_key=["raw", "orders"])


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return dg.Definitions(
        assets=[
            intake,
            asset("marts/dim_product", "marts_core", "raw/products", by_day=False),
            asset("marts/fct_order", "marts_core", "raw/orders", "marts/dim_product"),
            asset("ml/recs_discover", "recommendations", "marts/fct_order"),
            asset("ops/erasure_log", "erasure", by_day=False),
        ]
    )


def names(definitions: dg.Definitions, selection: str) -> list[str]:
    return [one.key for one in selected_assets(definitions, selection)]


def test_everything_is_both_jobs_with_what_has_no_days(definitions: dg.Definitions) -> None:
    """Facts need the dimension between them and the files, as in the UI; an erasure is no backfill."""
    found = {one.key: one for one in selected_assets(definitions)}
    assert sorted(found) == [
        "marts/dim_product",
        "marts/fct_order",
        "ml/recs_discover",
        "ops/file_manifest",
        "raw/orders",
        "raw/products",
    ]
    assert not found["marts/dim_product"].is_partitioned
    assert {one.job for one in found.values() if one.key.startswith("ml/")} == {DECISIONS}
    assert found["raw/orders"].job == found["marts/fct_order"].job == INTAKE_AND_FACTS


def test_sources_follow_the_graph(definitions: dg.Definitions) -> None:
    """A new file concerns what is made from its table and nothing else; the manifest knows every file."""
    found = {one.key: one.sources for one in selected_assets(definitions)}
    assert found["raw/orders"] == {"orders"}
    assert found["marts/fct_order"] == found["ml/recs_discover"] == {"orders", "products"}
    assert found["ops/file_manifest"] == {"orders", "products", NO_TABLE}


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("marts/fct_order", ["marts/fct_order"]),
        ('key:"m*/*" and group:recommendations', ["ml/recs_discover"]),
        ("marts/fct_order+", ["marts/fct_order", "ml/recs_discover"]),
        ("group:marts_core", ["marts/dim_product", "marts/fct_order"]),
        ("raw/orders", ["ops/file_manifest", "raw/orders", "raw/products"]),
        ('sinks(key:"marts/*")', ["marts/fct_order"]),
    ],
)
def test_dagster_syntax(definitions: dg.Definitions, selection: str, expected: list[str]) -> None:
    """What works in the UI works here; one operation's assets come together, as the UI selects them."""
    assert names(definitions, selection) == expected


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        ("fct_order", "no asset is named 'fct_order'; did you mean marts/fct_order"),
        ("marts/fct_ordr", "no asset is named 'marts/fct_ordr'; did you mean marts/fct_order"),
        ("raw.orders", "did you mean raw/orders"),
        ('key:"marts/fct_order" or key:"ml/nothing"', "no asset is named 'ml/nothing'"),
        ('key:"nowhere/*"', "no asset is named 'nowhere/*'"),
        ("group:marts", "no group is named 'marts'; known are"),
        ("marts/fct_order and (", "is no asset selection"),
        ("marts/dim_product", "counts by day, so there is nothing to backfill"),
        ("tag:pii=never", "counts by day, so there is nothing to backfill"),
        ('key:"o*/*"', "ops/erasure_log: no job of the backfill runs it"),
    ],
)
def test_a_slip_is_told_and_never_narrows_the_selection(
    definitions: dg.Definitions, selection: str, said: str
) -> None:
    """Dagster lets a term that matches nothing pass; whoever misspelt one asset of two would not notice."""
    with pytest.raises(UnknownAssetError, match=said.replace("(", "\\(").replace("*", "\\*")):
        names(definitions, selection)


def test_platform_selects_what_its_daily_job_runs(tmp_path: Path) -> None:
    """A new group of assets must enter a job, or no backfill and no schedule would ever run it."""
    from xbec_platform.definitions import build_definitions
    from xbec_platform.settings import Settings

    platform = build_definitions(Settings(home=tmp_path))
    daily = platform.resolve_job_def(DAILY).asset_layer.executable_asset_keys
    selected = selected_assets(platform)
    assert {one.key for one in selected} == {"/".join(key.path) for key in daily}
    by_day = {
        "/".join(node.key.path) for node in platform.resolve_asset_graph().asset_nodes if node.is_partitioned
    }
    assert by_day == {one.key for one in selected if one.is_partitioned}
