"""A publication stands while it follows from the same and its files lie as they were written."""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from xbec_platform.assets.published_record import forget, made_from, note, standing
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.dbt_builds import Build, begin, end
from xbec_platform.warehouse.dbt_builds import note as built
from xbec_platform.warehouse.decided import Decision
from xbec_platform.warehouse.decided import begin as decides
from xbec_platform.warehouse.decided import end as decided

PAGE = dg.AssetKey(["publish", "page"])
DAY = date(2026, 1, 3)
PLAN = Decision("plan", (DAY,), "facts 1", "run-1", ("ml.plan",))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def told(settings: Settings, wanted: str | None) -> dict[str, object] | None:
    found = standing(settings, wanted)
    return {one.asset_key: dict(one.metadata or {}) for one in found}[PAGE] if found else None


def test_what_the_ui_was_told_is_told_again_until_a_file_or_its_source_changes(settings: Settings) -> None:
    """Numbers and links stay what they are; a file that was touched, changed or removed is made anew."""
    page = settings.reports / "page.html"

    def publish() -> None:
        page.parent.mkdir(exist_ok=True)
        page.write_text("as of 3 January")
        link = dg.MetadataValue.url(page.as_uri())
        note(
            settings, "a", [page], [dg.MaterializeResult(PAGE, metadata={"bytes": 15, "page": link})], "run-1"
        )

    assert told(settings, "a") is None
    publish()
    assert told(settings, "a") == {
        "bytes": 15,
        "page": dg.MetadataValue.url(page.as_uri()),
        "unchanged since run": "run-1",
    }
    assert told(settings, "b") is None
    assert told(settings, None) is None
    os.utime(page, ns=(0, 0))
    assert told(settings, "a") is None
    publish()
    page.unlink()
    assert told(settings, "a") is None
    publish()
    forget(settings)
    assert told(settings, "a") is None


@pytest.fixture
def connection(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with Warehouse.of(settings).connect("test") as connection:
        connection.execute(
            "CREATE SCHEMA ops; CREATE SCHEMA ml; CREATE TABLE ml.plan (as_of_date DATE, n INT)"
        )
        begin(connection, Build("models", "EUR", run_id="run-1"))
        end(connection, Build("models", "EUR", run_id="run-1"))
        built(connection, Build("models", "EUR", run_id="run-1"), {})
        decides(connection, PLAN)
        decided(connection, PLAN)
        yield connection


def test_a_day_is_published_from_tables_settings_and_mappings(
    connection: duckdb.DuckDBPyConnection, settings: Settings
) -> None:
    """Each of them is another publication; so are rows that a hand deleted or added."""
    seen = [made_from(connection, settings, DAY)]
    assert made_from(connection, settings, DAY) == seen[0]
    seen.append(made_from(connection, settings, date(2026, 1, 4)))
    seen.append(made_from(connection, Settings(home=settings.home, shop="Another"), DAY))
    connection.execute("INSERT INTO ml.plan VALUES (?, 1)", [DAY])
    seen.append(made_from(connection, settings, DAY))
    (settings.home / "mappings").mkdir()
    (settings.home / "mappings" / "shop.yml").write_text("name: shop")
    seen.append(made_from(connection, settings, DAY))
    assert len(set(seen) - {None}) == 5
