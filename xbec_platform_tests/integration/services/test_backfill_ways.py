"""A backfill is the same work whoever asks for it: in the UI, with Dagster's command, with `xbec backfill`."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from xbec_platform_tests.integration.homes import END, Shop
from xbec_platform_tests.integration.services.backfill_ways import Ways, backfill_ways
from xbec_platform_tests.integration.services.small_job import SMALL

DAYS = [(END - timedelta(days=ago)).isoformat() for ago in (2, 1)]


@pytest.fixture
def ways(finished_shop: Shop, tmp_path: Path) -> Iterator[Ways]:
    settings = replace(finished_shop.settings, home=tmp_path)
    settings.save()
    shutil.copy(finished_shop.settings.warehouse, settings.warehouse)
    day = settings.landing / "orders" / f"dt={DAYS[0]}"
    day.mkdir(parents=True)
    (day / "delivered.csv").touch()
    with backfill_ways(settings, SMALL) as ways:
        yield ways


def test_three_ways_to_backfill_agree(ways: Ways) -> None:
    """Equal tables; one run for the range, but for Dagster's command, which starts each day by itself."""
    ui, dagster, xbec = (ways.anew(way, DAYS) for way in (ways.ui, ways.dagster, ways.xbec))
    assert ui.runs == xbec.runs == [DAYS]
    assert dagster.runs == [[day, day] for day in DAYS]
    assert ui.tables == dagster.tables == xbec.tables
    assert sum(rows for rows, _ in ui.tables.values()) > 0
