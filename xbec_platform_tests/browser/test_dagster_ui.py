"""Dagster's UI in Chromium over `xbec ui`: an asset is materialised, a backfill launched, its checks are green."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from playwright.sync_api import Browser

from xbec_platform import asset_keys
from xbec_platform.instance import open_instance
from xbec_platform.partitions import run_days
from xbec_platform.settings import Settings
from xbec_platform_tests.integration.conftest import finished_shop as finished_shop  # noqa: PLC0414 - the fixture
from xbec_platform_tests.integration.homes import END, Shop
from xbec_platform_tests.integration.services.dagster_pages import PATIENCE_MS, DagsterPages
from xbec_platform_tests.integration.services.processes import eventually, free_port, service

pytestmark = pytest.mark.skipif(
    "XBEC_TEST_UI" not in os.environ,
    reason="Dagster's UI in a browser costs 50 CPU s: set XBEC_TEST_UI=1, as CI does",
)
DAYS = [(END - timedelta(days=ago)).isoformat() for ago in (3, 2, 1)]


@pytest.fixture
def home(finished_shop: Shop, tmp_path: Path) -> Settings:
    settings = replace(finished_shop.settings, home=tmp_path)
    settings.save()
    shutil.copy(finished_shop.settings.warehouse, settings.warehouse)
    # With the history of its runs: the UI warns of assets whose inputs were never built.
    shutil.copytree(finished_shop.settings.dagster_home, settings.dagster_home)
    return settings


@pytest.fixture
def pages(browser: Browser, home: Settings) -> Iterator[DagsterPages]:
    port = free_port()
    with service(home, "ui", "--port", str(port)) as running:
        eventually(lambda: running.is_up(port), "the web server")
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        yield DagsterPages(context.new_page(), f"http://127.0.0.1:{port}")
        context.close()


def ended(home: Settings, days: list[str]) -> dg.DagsterRun | None:
    """The one run over some days when it has ended."""
    with open_instance(home) as instance:
        runs = [
            run
            for run in instance.get_runs()
            if [str(day) for day in run_days(run.tags)] == [days[0], days[-1]]
        ]
    assert len(runs) < 2, runs
    return runs[0] if runs and runs[0].is_finished else None


def test_materialise_and_backfill_from_the_page_of_an_asset(home: Settings, pages: DagsterPages) -> None:
    """One run for a day, one for a range of days, both green; then the checks of the asset."""
    pages.asset(asset_keys.ASSIGNMENT, "overview", "Which warehouse ships which order line")
    for days in (DAYS[:1], DAYS[1:]):
        pages.materialize(days)
        run = eventually(lambda days=days: ended(home, days), f"the run of {days}", every_s=1)
        assert run.status == dg.DagsterRunStatus.SUCCESS
    pages.open(f"/runs/{run.run_id}", "Success")
    pages.asset(asset_keys.ASSIGNMENT, "checks", "pieces_conserved")
    pages.page.get_by_text("Passed").first.wait_for(timeout=PATIENCE_MS)
    assert pages.page.get_by_text("Failed", exact=True).count() == 0
